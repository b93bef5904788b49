"""The templates of the backend's page: each is used, and whatever it is filled with stays text."""

from collections.abc import Callable

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from src.fleet.dispatcher import Shown
from src.fleet.member import Member
from src.page import sections
from src.page.html import FOLDER, TEMPLATES, render
from src.queue.overview import Event, Overview, Running, Spending
from src.shared.data.request import Attempt, Lease, Progress, Request, Status
from src.shared.doctor.finding import wrong
from support.hostile_html import HARMLESS, HOSTILE, Parsed, lets_markup_in, names_in, needed, read_by
from support.queues import START


def overview(text: str) -> Overview:
    """With this text wherever a dataset, a model or a log can bring one."""
    attempt = Attempt(1, text, START, START, text, text, text, text, 0.8)
    lease = Lease(text, text, START, START, START, text, 0.8)
    texts = dict.fromkeys(("model", "precision", "message", "commit"), text)
    request = Request(**texts, status=Status.FAILED, history=(attempt,), lease=lease)  # type: ignore[arg-type]
    many = (request,) * (sections.SHOWN + 1)
    running = Running(request, START, Progress(text, 1, 2), 0.5, log=text)
    return Overview((running,), many, (Event(START, request, text),), many)


def header(text: str) -> Markup:
    return sections.header(text, last_tick=START, notes=[text], problems=[text], spending=Spending(1, 2))


def fleet(text: str) -> Markup:
    known = {"name": text, "flavour": text, "url": text, "message": text}
    member = Member(**known, largest=1.0, price=0.8, ordered=START, started=START)  # type: ignore[arg-type]
    return sections.fleet(Shown(members=(member,), reasons={text: text}, limit=20.0), START)


SHOWN: dict[str, Callable[[str], Markup]] = {
    "header": header,
    "fleet": fleet,
    "running": lambda text: sections.running(overview(text), START),
    "waiting": lambda text: sections.waiting(overview(text)),
    "failed": lambda text: sections.failed(overview(text), lambda path: path),
    "checkup": lambda text: sections.checkup([wrong(text, text)]),
    "events": lambda text: sections.events(overview(text)),
}
NEEDED = needed(TEMPLATES, FOLDER)


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_whatever_a_template_is_filled_with_stays_text(show: Callable[[str], Markup]) -> None:
    hostile = Parsed(show(HOSTILE))
    assert hostile.tags == Parsed(show(HARMLESS)).tags
    assert HOSTILE in "\n".join(hostile.texts)


def test_every_template_is_used() -> None:
    TEMPLATES.environment.cache.clear()  # type: ignore[union-attr]
    for show in SHOWN.values():
        show(HARMLESS)
    assert read_by(TEMPLATES) == names_in(FOLDER)


@pytest.mark.parametrize("name", sorted(name for name in NEEDED if NEEDED[name]))
def test_a_template_without_its_values_is_an_error(name: str) -> None:
    with pytest.raises(UndefinedError):
        render(name)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_no_template_lets_markup_in(name: str) -> None:
    assert not lets_markup_in(TEMPLATES, FOLDER / name)
