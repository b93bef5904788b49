"""The page's notices as HTML: problems, hints, answers to a submission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from huggingface_hub import constants
from markupsafe import Markup

from src.board.board import Now
from src.page.api import Answer, Problem
from src.page.html import render
from src.page.links import Links, link, request_link
from src.page.run_settings import where_models_run as told_where
from src.queue.outlook import Outlook
from src.shared.data.backend_description import BackendDescription
from src.shared.data.request import Request, Status
from src.shared.models.model_source import ModelFacts
from src.shared.moderation.blocklist import why_closed
from src.submitting.limits import Usage
from src.submitting.limits_in_words import days, in_gb

MOST = 20
"""The most sentences of one kind that are shown; the rest is counted."""

MOST_BASE_MODELS = 5
"""The most base models of one model that are shown."""

CREATED = "The dataset {} was missing, so an empty one has been created."
DIFFERENCES = "For the owner: the backend and src/about.py do not agree"
HINTS = "For the owner: something in src/about.py has no effect"
FAILING = "For the owner: columns that fail"
DOUBTS = "For the owner: scores that are missing or may be wrong"

IF_SUBMITTED = "If you submit it now, the result is expected {}."
ONCE_APPROVED = "A maintainer has to approve it. From then on, the result is expected {}."
NOT_KNOWN = "We cannot say yet when its result would be there: {}."

OPEN_COUNTS = " Waiting and running submissions count. Those withdrawn before they run do not."
READING = Markup('<div class="first-steps" role="status"><p class="headline">Reading the results …</p></div>')


def note(sentence: str) -> Markup:
    """A sentence that stands out."""
    return Markup('<div class="note">{}</div>').format(sentence)


def found(number: int, total: int, left_out: str = "") -> Markup:
    """Return how many models a view has, as HTML."""
    return Markup('<p class="quiet" role="status">{}</p>').format(counted(number, total, left_out))


def counted(number: int, total: int, left_out: str = "") -> str:
    """Return how many models a view has. `left_out` describes the part of the search that was not used."""
    models = f"{total:,} model{'s' * (total != 1)}"
    found = models if number == total else f"{number:,} of {models}"
    return f"{found}. {left_out}" if left_out else found


class Chip(NamedTuple):
    """A part of a view that one press takes back."""

    label: str
    query: str
    """The address of the view without it."""
    found: int | None
    """How many models that view has; None while the view has some itself."""

    @property
    def helps(self) -> str:
        """How many models one would see without it; empty while the view has some itself."""
        if self.found is None:
            return ""
        return f"({self.found:,} model{'s' * (self.found != 1)} without it)"


def active(parts: Sequence[Chip], *, cleared: str, is_empty: bool) -> Markup:
    """Return the active parts of a view as buttons; `cleared` is the address of the view without them."""
    return render("active.html", parts=parts, cleared=cleared, is_empty=is_empty)


def elsewhere(query: str) -> Markup:
    """Return links to the same view as files and as a plain page; `query` is the view's address."""
    return render("elsewhere.html", query=query)


def banner(now: Now, *, notice: str) -> Markup:
    """Return the banner above the tabs: where the data is, what cannot be reached, what is broken."""
    board, alarm = now.board, _alarm(now)
    for_the_owner = {
        _skipped(len(board.broken)): board.broken,
        DIFFERENCES: board.differences,
        HINTS: board.hints,
        FAILING: board.failing_columns,
        DOUBTS: board.standings.doubts,
    }
    return render(
        "banner.html",
        notes=[*([notice] if notice else []), *map(CREATED.format, now.created)],
        left=now.left,
        read=len(board.results),
        alarm=alarm,
        is_meant=not board.moderation.broken and alarm == why_closed(board.moderation),
        for_the_owner=for_the_owner,
        most=MOST,
    )


def _alarm(now: Now) -> str | None:
    """Return why the datasets cannot be read, or else why nothing can be submitted."""
    if not now.problem:
        return now.cannot_submit
    since = f" The page shows the data of {now.synced:%Y-%m-%d %H:%M} UTC." if now.synced else ""
    return f"{now.problem}{since}"


def _skipped(number: int) -> str:
    files, they = ("1 file was", "it") if number == 1 else (f"{number} files were", "they")
    return f"{files} skipped because {they} cannot be understood"


def no_worker(since: datetime | None, *, space: str | None = None) -> Markup:
    """Return a notice that requests have waited long without a sign of a worker, with a link to its Space."""
    if since is None:
        return Markup()
    backend = link(f"{constants.ENDPOINT}/spaces/{quote(space)}" if space else None, "The backend Space")
    return Markup('<div class="note bad" role="alert">{} {} may be asleep.</div>').format(
        f"No worker has taken a request since {since:%Y-%m-%d %H:%M} UTC.", backend
    )


def new_results_label(number: int) -> str:
    """The button that brings new results into the table."""
    return (
        "The results may have changed · Show"
        if number == 0
        else f"{number} new result{'s' * (number > 1)} · Show"
    )


def first_steps(now: Now, results: str) -> Markup:
    """Return what replaces an empty table: the state of the leaderboard, and what to do."""
    if now.synced:
        return render("first_steps.html", results=results)
    return Markup() if now.problem else READING


def gathering(due: datetime) -> Markup:
    """Return a notice of when a submission will be written, while commits are gathered."""
    return note(
        "The Hub limits commits per hour, so this will be written together with others, at "
        f"{due:%H:%M:%S} UTC. Leave this page open until then."
    )


def answer(outcome: Answer) -> Markup:
    """Return the outcome of a submission, with a link to its request or to the same one that is there
    already.
    """
    ok, path = outcome["ok"], outcome["request"]
    link = request_link(path, "Follow it" if ok else "See that request") if path else ""
    return render("answer.html", ok=ok, message=outcome["message"], link=link)


def problems(wrong: Sequence[Problem]) -> Markup:
    """Return the problems of a field or of the whole form; empty if there are none."""
    links = [request_link(each["request"], "See that request") if each["request"] else "" for each in wrong]
    return render("problems.html", problems=list(zip(wrong, links, strict=True))) if wrong else Markup()


def where_models_run(backend: BackendDescription | None) -> Markup:
    """Return where models run and how large they may be, if the worker does not run them itself."""
    where = told_where(backend)
    if not where or backend is None:
        return Markup()
    cap = backend.max_model_gb
    size = "" if cap is None else f" Weights may take up to {in_gb(cap)} in the precision that you choose."
    return Markup('<p class="quiet">{}{}</p>').format(where, size)


def quota(used: Usage, quota: int, period: timedelta) -> Markup:
    """Return how much of a login's quota is used."""
    return Markup('<p class="quiet">{} of {} submissions used in the last {}.{}</p>').format(
        used.number, quota, days(period), OPEN_COUNTS if used.open else ""
    )


def looking_up(model: str) -> Markup:
    """While the Hub is asked about a model."""
    return render("looking_up.html", model=model[:100])


def found_model(facts: ModelFacts, links: Links) -> Markup:
    """Return what is known about a model that was looked up. A merge can have many base models."""
    more = len(facts.base_models) - MOST_BASE_MODELS
    return render(
        "found_model.html",
        model=links.model(facts.name),
        commit=facts.commit[:8],
        known={
            "Size": "unknown" if facts.params is None else f"{size_text(facts.params)} parameters",
            "Weights": facts.dtype or "unknown",
            "Licence": facts.license or "none stated",
            "Architecture": facts.architecture or "unknown",
        },
        base_models=[links.model(name) for name in facts.base_models[:MOST_BASE_MODELS]],
        more_base_models=f" and {more:,} more" if more > 0 else "",
    )


def expected(request: Request | None, outlook: Outlook) -> Markup:
    """Return when a submission would have its result, or why nobody can say; empty without one."""
    if request is None:
        return Markup()
    estimate = outlook.of_one_more(request)
    told = ONCE_APPROVED if request.status is Status.WAITING else IF_SUBMITTED
    sentence = told.format(estimate.words) if estimate.range else NOT_KNOWN.format(estimate.why_not)
    return Markup('<p class="quiet" role="status">{}</p>').format(sentence)


def size_text(params: int) -> str:
    """A number of parameters with three digits: `1.24 billion`."""
    for number, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if params >= number:
            return f"{params / number:.3g} {word}"
    return f"{params:,}"
