"""No sentence that the page or a message says is too long to be read at once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from src import about, envs
from src.board.keeper import Keeper
from src.page.texts import read_texts
from src.shared.data.backend_description import write_description
from src.shared.data.ends import End
from src.shared.data.request import Attempt, Lease, Progress, Status
from src.submitting.limits import Terms
from support.boards import NOW, TASKS, BrokenStore, Leaderboard, scores
from support.factories import make_backend
from support.page_text import page_text
from support.sentences import MOST_WORDS, number_of_words, sentences, texts_in, texts_in_template, too_long
from support.served_pages import served
from support.sources import ROOT

MODULES = sorted((ROOT / "frontend").rglob("*.py"))
TEMPLATES = sorted(ROOT.glob("*/src/page/templates/*.html"))
TEXTS = read_texts(about)


def test_sentences_are_told_apart() -> None:
    text = (
        "One, 0.5 of it. Two <b>bold</b> words!<p>Three</p>- x\n\n- an item\n- and another (in brackets.) End"
    )
    assert list(sentences(text)) == [
        *("One, 0.5 of it.", "Two bold words!", "Three", "- x"),
        *("- an item", "- and another (in brackets.", "End"),
    ]
    assert number_of_words("a b – c … 1") == 5


def test_a_long_sentence_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        f'"""{"word " * 30}"""\nX = f"{"word " * 24}{{1}} {{2}}"\nY = "{"w " * 25}"'
    )
    found = [sentence for text in texts_in(tmp_path / "a.py") for sentence in too_long(text)]
    assert [number_of_words(each) for each in found] == [MOST_WORDS + 1]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT / "frontend")))
def test_no_message_has_a_long_sentence(module: Path) -> None:
    assert [sentence for text in texts_in(module) for sentence in too_long(text)] == []


def test_a_long_sentence_in_a_template_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        f"{{# {'word ' * 30} #}}<p>{'w ' * 12}{{% if x %}}<b>{{{{ x }}}}</b>{{% endif %}} {'w ' * 13}</p>"
        f"<p>{'word ' * 25}</p>{{{{ '' if x else \"{'v ' * 26}\" }}}}"
    )
    found = [sentence for text in texts_in_template(tmp_path / "a.html") for sentence in too_long(text)]
    assert [(each[0], number_of_words(each)) for each in found] == [("w", 26), ("v", 26)]


@pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda path: f"{path.relative_to(ROOT).parts[0]} {path.name}"
)
def test_no_template_has_a_long_sentence(template: Path) -> None:
    assert [sentence for text in texts_in_template(template) for sentence in too_long(text)] == []


@pytest.mark.parametrize("module", [envs, about])
def test_no_comment_in_an_owners_file_has_a_long_sentence(module: object) -> None:
    lines = Path(str(vars(module)["__file__"])).read_text(encoding="utf-8").split("\n")
    comments = "\n".join(line.removeprefix("# ") if line.startswith("#") else "" for line in lines)
    assert too_long(comments) == []


def unread(leaderboard: Leaderboard) -> None:
    """Before the datasets were read for the first time."""


def empty(leaderboard: Leaderboard) -> None:
    leaderboard.keeper.sync()


def unreachable(leaderboard: Leaderboard) -> None:
    leaderboard.keeper = Keeper(BrokenStore(), BrokenStore(), TASKS)
    leaderboard.keeper.sync()


def full(leaderboard: Leaderboard) -> None:
    """With everything that a visitor or an owner can be shown at once."""
    lease = Lease("w", "n", NOW, NOW, NOW)
    failed = Attempt(1, "w", NOW, NOW, End.CRASHED, "It was killed.")
    leaderboard.add_request(model="acme/a", status=Status.PENDING)
    leaderboard.add_request(
        model="acme/b", status=Status.RUNNING, lease=lease, progress=Progress("tiny_copy", 1, 2)
    )
    leaderboard.add_request(model="acme/c", status=Status.FAILED, history=(failed,))
    leaderboard.add_request(model="acme/d", status=Status.FINISHED)
    leaderboard.add_result("acme/d", scores=scores(0.5, 50, 0.5))
    leaderboard.add_result("acme/e", scores=scores(0.5, 0.5))
    leaderboard.write("requests", "acme/broken.json", b"{")
    leaderboard.write("results", ".leaderboard/backend.yaml", make_backend_file())
    leaderboard.keeper.sync()


def make_backend_file() -> bytes:
    return write_description(make_backend(limit=10, problems=("The task tiny_copy cannot be put together.",)))


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (unread, ["Reading the results"]),
        (empty, ["No results yet", "Nothing is waiting."]),
        (unreachable, ["cannot be reached"]),
        (full, ["cannot be put together", "skipped because", "may be wrong", "It was killed.", "1 attempt"]),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gradio's own sockets
@pytest.mark.parametrize("terms", [Terms(), Terms(anonymous=False)])
def test_no_sentence_of_the_page_is_long(
    leaderboard: Leaderboard,
    prepare: Callable[[Leaderboard], None],
    expected: list[str],
    terms: Terms,
) -> None:
    prepare(leaderboard)
    page = leaderboard.page(leaderboard.make_desk(leaderboard.requests, terms=terms), TEXTS, notice="Local.")
    with served(page) as url:
        shown = page_text(url)
    parts = [json.loads(json.dumps(part["props"], default=str)) for part in page.config["components"]]
    written = "\n\n".join(
        str(part[name])
        for part in parts
        for name in ("value", "label", "info", "placeholder")
        if isinstance(part.get(name), str)
    )
    assert "🚀 Submit here!" in written
    assert [text for text in expected if text not in shown] == []
    assert too_long(f"{written}\n\n{shown}") == []
