"""The page's notices as HTML: problems, hints, answers to a submission."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from huggingface_hub import constants
from markupsafe import Markup

from src.board.board import Now
from src.page.api import Answer, Problem
from src.page.links import Links, link, request_link
from src.shared.models.model_source import ModelFacts
from src.submitting.limits import Usage

MOST = 20
"""The most sentences of one kind that are shown; the rest is counted."""

MOST_BASE_MODELS = 5
"""The most base models of one model that are shown."""

FOUND = (
    "Size and licence come from the model's files and card; fix mistakes there. The fields below were filled "
    "in from them. Correct any that are wrong."
)
CREATED = "The dataset {} was missing, so an empty one has been created."
DIFFERENCES = "For the owner: the backend and src/about.py do not agree"
HINTS = "For the owner: something in src/about.py has no effect"
FAILING = "For the owner: columns that fail"
DOUBTS = "For the owner: scores that are missing or may be wrong"

FIRST_STEPS = """
<div class="first-steps" role="status">
<p class="headline">No results yet</p>
<p>Submit a model under <b>🚀 Submit here!</b> It waits in the queue until a worker takes it. Once it has been
evaluated, a button that shows the new result appears here.</p>
<p class="quiet">For the owner: the worker is the backend Space, or <code>python -m src.worker</code> in its
folder. Put result files of your own into the results dataset, {results}.</p>
</div>
"""
OPEN_COUNTS = " Waiting and running submissions count. Those withdrawn before they run do not."
READING = '<div class="first-steps" role="status"><p class="headline">Reading the results …</p></div>'


def note(sentence: str) -> Markup:
    """A sentence that stands out."""
    return Markup('<div class="note">{}</div>').format(sentence)


def found(number: int, total: int, left_out: str = "") -> Markup:
    """Return how many models a view has. `left_out` describes the part of the search that was not used."""
    models = f"{total:,} model{'s' * (total != 1)}"
    counted = models if number == total else f"{number:,} of {models}"
    return Markup('<p class="quiet" role="status">{}</p>').format(
        f"{counted}. {left_out}" if left_out else counted
    )


def banner(now: Now, *, notice: str) -> Markup:
    """Return the banner above the tabs: where the data is, what cannot be reached, what is broken."""
    parts = [note(notice)] if notice else []
    parts += [note(CREATED.format(dataset)) for dataset in now.created]
    if now.left:
        parts.append(_filling(now))
    if now.problem:
        since = f" The page shows the data of {now.synced:%Y-%m-%d %H:%M} UTC." if now.synced else ""
        parts.append(Markup('<div class="note bad" role="alert">{}{}</div>').format(now.problem, since))
    if now.cannot_submit and not now.problem:
        parts.append(Markup('<div class="note bad" role="alert">{}</div>').format(now.cannot_submit))
    if now.board.broken:
        number = len(now.board.broken)
        files, they = ("1 file was", "it") if number == 1 else (f"{number} files were", "they")
        parts.append(_folded(f"{files} skipped because {they} cannot be understood", now.board.broken))
    if now.board.differences:
        parts.append(_folded(DIFFERENCES, now.board.differences))
    if now.board.hints:
        parts.append(_folded(HINTS, now.board.hints))
    if now.board.failing_columns:
        parts.append(_folded(FAILING, now.board.failing_columns))
    if now.board.standings.doubts:
        parts.append(_folded(DOUBTS, now.board.standings.doubts))
    return Markup("").join(parts)


def _filling(now: Now) -> Markup:
    """Return how far the first reading is."""
    read = len(now.board.results)
    return Markup(
        '<div class="note" role="status">'
        '<progress value="{read}" max="{all}" aria-label="Reading"></progress> '
        "Reading the datasets: {left:,} files are left. The page shows what has been read so far.</div>"
    ).format(read=read, all=read + now.left, left=now.left)


def _folded(summary: str, sentences: Sequence[str]) -> Markup:
    """Return sentences for the owner, folded away under a summary that visitors see."""
    items = Markup("").join(Markup("<li>{}</li>").format(sentence) for sentence in sentences[:MOST])
    more = len(sentences) - MOST
    rest = Markup("<li>and {} more</li>").format(more) if more > 0 else ""
    return Markup('<details class="note bad"><summary>{}</summary><ul>{}{}</ul></details>').format(
        summary, items, rest
    )


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
        return Markup(FIRST_STEPS).format(results=results)
    return Markup("" if now.problem else READING)


def gathering(due: datetime) -> Markup:
    """Return a notice of when a submission will be written, while commits are gathered."""
    return note(
        "The Hub limits commits per hour, so your submission will be written together with others, at "
        f"{due:%H:%M:%S} UTC. Leave this page open until then."
    )


def answer(outcome: Answer) -> Markup:
    """Return the outcome of a submission, with a link to its request or to the same one that is there
    already.
    """
    ok, path = outcome["ok"], outcome["request"]
    see = request_link(path, "Follow it" if ok else "See that request") if path else ""
    return Markup('<div class="note {}" role="{}">{} {} {}</div>').format(
        "good" if ok else "bad", "status" if ok else "alert", "✅" if ok else "❌", outcome["message"], see
    )


def problems(wrong: Sequence[Problem]) -> Markup:
    """Return the problems of a field or of the whole form; empty if there are none."""
    lines = Markup("").join(
        Markup("<p>⚠️ {} {}</p>").format(
            each["message"], request_link(each["request"], "See that request") if each["request"] else ""
        )
        for each in wrong
    )
    return Markup('<div class="problem" role="alert">{}</div>').format(lines) if wrong else Markup()


def quota(used: Usage, quota: int, period: timedelta) -> Markup:
    """Return how much of a login's quota is used."""
    days = period / timedelta(days=1)
    return Markup('<p class="quiet">{} of {} submissions in {:g} day{} used.{}</p>').format(
        used.number, quota, days, "" if days == 1 else "s", OPEN_COUNTS if used.open else ""
    )


def looking_up(model: str) -> Markup:
    """While the Hub is asked about a model."""
    return Markup(
        '<div class="found" role="status"><span class="spinner" aria-hidden="true"></span> '
        "Looking up <bdi>{}</bdi> …</div>"
    ).format(model[:100])


def found_model(facts: ModelFacts, links: Links) -> Markup:
    """Return what is known about a model that was looked up."""
    known = {
        "Commit": Markup("<code>{}</code>").format(facts.commit[:8]),
        "Size": "unknown" if facts.params is None else f"{size_text(facts.params)} parameters",
        "Weights": facts.dtype or "unknown",
        "Licence": facts.license or "none stated",
        "Architecture": facts.architecture or "unknown",
        "Base model": _some(facts.base_models, links),
    }
    items = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, value)
        for name, value in known.items()
        if value
    )
    return Markup(
        '<div class="found" role="status"><b><bdi>{}</bdi></b><dl>{}</dl><p class="quiet">{}</p></div>'
    ).format(links.model(facts.name), items, FOUND)


def _some(models: Sequence[str], links: Links) -> Markup:
    """The first of several models; a merge can have many."""
    more = len(models) - MOST_BASE_MODELS
    rest = Markup(" and {:,} more").format(more) if more > 0 else Markup()
    return Markup(", ").join(map(links.model, models[:MOST_BASE_MODELS])) + rest


def size_text(params: int) -> str:
    """A number of parameters with three digits: `1.24 billion`."""
    for number, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if params >= number:
            return f"{params / number:.3g} {word}"
    return f"{params:,}"
