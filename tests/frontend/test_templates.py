"""The templates of the page: each is used, and whatever it is filled with stays text."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from src.board.board import Board, Now
from src.leaderboard.merging import standings
from src.leaderboard.rows import Standings
from src.leaderboard.scores import score_columns
from src.leaderboard.scoring import TaskColumn
from src.leaderboard.view import OPENING, ViewState, view
from src.page import api, checkup, marks, notices, request_card
from src.page.charts.charts_tab import words
from src.page.charts.choice import Choice, Kind
from src.page.charts.draw import draw
from src.page.html import FOLDER, TEMPLATES, render
from src.page.in_force import WORDS, columns, in_force, latest_acts
from src.page.links import Links
from src.page.plain.asked import Asked, read
from src.page.plain.badge import badge, shown_column
from src.page.plain.charts import PICTURES, chart_picture, charts_page
from src.page.plain.document import document
from src.page.plain.site import Site
from src.page.queue_tables import MOST, queue_table
from src.page.rerun_form import would_be_again
from src.page.static.pages import Source, StaticBoard
from src.page.suite import suite
from src.page.view_controls import weights_form
from src.queue.entries import Entry, Group, entries
from src.queue.outlook import Outlook
from src.shared.data.backend_description import Example, FleetDescription, HardwareDescription
from src.shared.data.request import Attempt, Lease, Progress, Status
from src.shared.doctor.finding import green, wrong
from src.shared.moderation.acts import Done, Moderation
from src.shared.moderation.blocklist import Blocklist
from src.shared.stores.hub import Hub
from src.shared.stores.hub_store import HubStore
from src.submitting.form import Refused
from src.submitting.submitter import Submitter
from src.tasks import Task
from support.boards import NOW, TASKS, TEXTS, make_result, path_of, scores
from support.cases import make_facts
from support.details import addresses, everything_called, keeper_of
from support.factories import make_backend, make_request, make_task
from support.hostile_html import HARMLESS, HOSTILE, Parsed, lets_markup_in, names_in, needed, read_by
from support.plain_pages import plain_client

STORE = HubStore(Hub(endpoint="https://hub.example"), "acme/data")
LINKS = Links(STORE, STORE)


def banner(text: str) -> Markup:
    board = Board(
        broken=(text,) * (notices.MOST + 1),
        differences=(text,),
        hints=(text,),
        failing_columns=(text,),
        standings=Standings(doubts=(text,)),
    )
    return notices.banner(Now(board, NOW, problem=text, created=(text,), left=5), notice=text)


def cannot_submit(text: str) -> Markup:
    return notices.banner(Now(synced=NOW, cannot_submit=text), notice="")


def first_steps(text: str) -> Markup:
    return notices.first_steps(Now(synced=NOW), text)


def refused(text: str) -> Markup:
    return notices.answer(api.refusal(Refused(text, request=text)))


def problems(text: str) -> Markup:
    return notices.problems([api.problem(Refused(text, request=request)) for request in (text, None)])


def found_model(text: str) -> Markup:
    bases = (text,) * (notices.MOST_BASE_MODELS + 1)
    facts = make_facts(name=text, commit=text, dtype=text, license=text, architecture=text, base_models=bases)
    return notices.found_model(facts, LINKS)


def active(text: str) -> Markup:
    return notices.active([notices.Chip(text, text, 1)], cleared=text, is_empty=True)


def notes_of_marks(text: str) -> Markup:
    request = make_request(model_type=f"🟢 : {text}", status=Status.FINISHED)
    board = standings(TASKS, {path_of(request): request}, [make_result(scores=scores(0.5))])
    return marks.notes(view(board, ViewState()), {text: text})


def the_tests(text: str) -> Markup:
    task = make_task(
        text,
        **dict.fromkeys(("kind", "version", "file"), text),
        datasets=(text, f"http://{text}"),
        example=Example(question=text, answer=text),
    )
    backend = make_backend(tasks=(task,), versions={text: text}, device=text, batch_size=text, limit=20.0)
    backend = replace(
        backend, settings={"system_instruction": text, "gen_kwargs": {text: text}, "later": text}
    )
    columns = [TaskColumn(Task(text, text, text, weight=weight)) for weight in (1.0, 2.0)]
    outside = TaskColumn(Task("other", text, text, in_average=False))
    return suite([*columns, outside], backend, num_fewshot=None)


def queue(text: str, status: Status) -> list[Entry]:
    texts = ("model", "revision", "precision", "weight_type", "message", "commit", "submitted_by", "result")
    request = make_request(
        **dict.fromkeys(texts, text),
        status=status,
        history=(Attempt(1, text, NOW, NOW, text, text, text, text, 0.8, by=text),) * 2,
        use_chat_template=True,
        lease=Lease(text, text, NOW, NOW, NOW, text, 0.8) if status is Status.RUNNING else None,
        progress=Progress(text, 1, 2) if status is Status.RUNNING else None,
    )
    return list(entries({f"{text}/{number}": request for number in range(MOST + 1)}))


def own_weights(text: str) -> Markup:
    """The fields of the weights."""
    return weights_form([Task("task", "acc", text)])


def table_of(status: Status) -> Callable[[str], Markup]:
    def table(text: str) -> Markup:
        found = queue(text, status)
        return queue_table(found[0].group, found, LINKS)

    return table


def cards_of(status: Status) -> Callable[[str], Markup]:
    return lambda text: request_card.cards(queue(text, status), LINKS, Submitter(text))


def plain_pages(text: str) -> Markup:
    """The plain page, whole and in a frame, of a leaderboard where all is called the same."""
    request = make_request(model=text, status=Status.FINISHED, license=text, model_type=f"🟢 : {text}")
    result = replace(make_result(scores=scores(0.5)), model=text, precision=text, request="file")
    found = standings(
        [Task("tiny_addition", "acc", text), Task("other", "acc", "Other")], {"file": request}, [result]
    )
    board = Board(replace(found, rows=tuple(replace(row, flag=text) for row in found.rows)))
    state = replace(read("", found).state, search=text, filters={**OPENING.filters, "type": {text}})
    site = Site(text, text, text, text)
    asked = [Asked(state), Asked(replace(state, search="")), Asked(state, is_embedded=True)]
    pages = [document(board, each, site, is_read=each.is_embedded) for each in asked]
    svg = badge(found, found.rows[0], shown_column(found, text), title=text[:40])
    return Markup("".join(page.body.decode() for page in [*pages, svg]))


def charts(text: str) -> Markup:
    """Every chart, on the page with scripts and on the plain one, of models and tasks that are called so."""
    tasks = [Task(f"tiny_{place}", "acc", f"{text}{place}") for place in range(2)]
    requests, results = {}, []
    for place in range(3):
        name = f"{text}{place}"
        requests[name] = make_request(model=name, status=Status.FINISHED, params=1 + place)
        found = {task.benchmark: {"acc,none": place / 10} for task in tasks}
        results.append(replace(make_result(scores=found), model=name, precision=text, request=name))
    board = standings(tasks, requests, results)
    column = score_columns(board)[1]
    choices = [Choice(kind, column) for kind in Kind]
    parts = [words(draw(board, choice), choice, board) for choice in choices]
    site = Site(text, text, text, text)
    plain = [charts_page(board, column, site), charts_page(Standings(), column, site, is_read=False)]
    pictures = [chart_picture(kind, each, column) for kind in PICTURES for each in (board, Standings())]
    return Markup("".join([*parts, *(each.body.decode() for each in [*plain, *pictures])]))


def details(text: str) -> Markup:
    """The pages about a model, several models and a task, of a leaderboard where all is called the same."""
    board, site = everything_called(text), Site(text, text, text, text)
    with (
        plain_client(keeper_of(board), site) as client,
        plain_client(keeper_of(board, is_read=False), site) as early,
    ):
        unknown = f"{text}!".replace(";", "")  # which would stand between two searches
        paths = addresses(board.standings, unknown=unknown)
        return Markup("".join(each.get(path).text for path in paths for each in (client, early)))


def exported(text: str) -> Markup:
    """Every page of an export of a board where all is called the same. The owner's texts are trusted."""
    board = replace(everything_called(text), queue=tuple(queue(text, Status.FAILED)))
    texts = replace(TEXTS, citation=text, citation_label=text)
    static = StaticBoard(board, texts, LINKS, NOW, sources=[Source(text, text)])
    files = [*static.pages(), static.opening(NOW)]
    return Markup("".join(file.data.decode() for file in files if file.path.endswith(".html")))


def with_an_outlook(text: str) -> Markup:
    """A table, cards and the form's sentence where a fleet's hardware is called so."""
    hardware = (HardwareDescription(name=text, largest_gb=100.0),)
    backend = make_backend(fleet=FleetDescription(max_workers=1, hardware=hardware))
    pending = queue(text, Status.PENDING)
    outlook = Outlook({entry.path: entry.request for entry in pending}, NOW, backend)
    return Markup("").join(
        (
            queue_table(Group.PENDING, pending, LINKS, outlook),
            request_card.cards(pending, LINKS, Submitter(text), outlook),
            notices.expected(pending[0].request, outlook),
        )
    )


def cards_of_maintainers(text: str) -> Markup:
    """Requests of every status, with the buttons of maintainers."""
    found = [entry for status in Status for entry in queue(text, status)]
    return request_card.cards_of_maintainers(found, LINKS)


def put_in_force(text: str) -> Markup:
    """The list of what is in force, the latest acts, and the sentences about columns."""
    acts = [Done(act=act, name=text, reason=text, by=text, at=NOW) for act in WORDS] * MOST
    by_hand = Blocklist({text: text}, {text: text}, {text: text})
    board = Board(moderation=Moderation(tuple(acts)), blocked_by_hand=by_hand, flagged_by_hand={text: text})
    outside = Task("t", "acc", text, in_average=False)
    new = Standings(tasks=standings([outside, *TASKS], {}, []).tasks)
    return Markup("".join(map(str, (in_force(board, LINKS), latest_acts(board), columns(new)))))


SHOWN = {
    "checkup": lambda text: checkup.shown([green(text, text), wrong(text, text)]),
    **{
        each.__name__: each
        for each in (
            banner,
            cannot_submit,
            first_steps,
            refused,
            problems,
            found_model,
            active,
            notes_of_marks,
            own_weights,
            the_tests,
            plain_pages,
            charts,
            details,
            exported,
            with_an_outlook,
            cards_of_maintainers,
            put_in_force,
        )
    },
    "would be again": lambda text: would_be_again([text, f"  {text}"]),
    "looking_up": notices.looking_up,
    "would_be_again": lambda text: render("would_be_again.html", lines=[text]),
    "elsewhere": notices.elsewhere,
    **{f"table {status}": table_of(status) for status in Status},
    **{f"cards {status}": cards_of(status) for status in Status},
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
