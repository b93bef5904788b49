"""The part of the tab "🛠 Maintain" in which scores are computed again: what that would be, then a button."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr
from anyio import to_thread
from markupsafe import Markup

from src.maintaining.office import Again, Office
from src.page import api, notices
from src.page.admission import ADMITTING, Admission
from src.page.html import render
from src.page.updates import AT_ONCE, Doing, Event, Updates, telling, when_pressed
from src.shared.errors import LeaderboardError, NotPossible, counted
from src.shared.moderation.acts import LONGEST_NAME

CHOICES = [
    ("Tasks without a score, such as new ones", Again.MISSING),
    ("Scores of another version of a task", Again.OLDER),
    ("Everything", Again.ALL),
]
LOOK, SURE = "Preview", "Evaluate {} again"
NO_CHOICE = "Choose what to compute."


class TabContents(NamedTuple):
    """What else changes once something is done."""

    inputs: list[Any]
    """What is searched for, and the request that is open."""
    outputs: list[Any]
    updated: Callable[[gr.Request, str, str], Updates]
    """Returns the outputs' updates, given the inputs' values."""


class Shown(NamedTuple):
    """What a maintainer was shown, and gets when the button is pressed again."""

    wanted: str
    rows: int


class RerunForm:
    """The components and their events. `asked` is what was Shown, if anything, and `done` the field Model of
    what was just done.
    """

    def __init__(self, office: Office, admission: Admission) -> None:
        self._office, self._admission = office, admission
        with gr.Row():
            self.what = gr.Radio(
                CHOICES,
                value=Again.MISSING.value,
                label="What to compute",
                scale=3,
                min_width=320,
                elem_id="again",
            )
            self.model = gr.Textbox(
                "",
                label="Model",
                placeholder="org/model; empty for all",
                min_width=240,
                max_length=LONGEST_NAME,
                elem_id="again-model",
            )
        self.asked, self.done = gr.State(None), gr.State(None)
        self.button = gr.Button(LOOK, elem_id="do-again")
        self.told = gr.HTML(padding=False, elem_id="would-be-again")

    def listen(self, contents: TabContents) -> None:
        """Connect the events."""
        for field in (self.what, self.model):
            field.input(self._look_first, None, [self.asked, self.button, self.told], **AT_ONCE)
        work = telling(self.told, self._press(contents))
        inputs = [self.what, self.model, self.asked, *contents.inputs]
        when_pressed(
            self.button,
            Event(work, inputs, [self.asked, self.done, self.told, *contents.outputs]),
            Event(self._ready, [self.asked, self.done, self.model], [self.button, self.done, self.model]),
        )

    def _press(self, contents: TabContents) -> Doing:
        async def press_again(
            request: gr.Request, what: str | None, model: str, asked: Shown | None, find: str, opened: str
        ) -> AsyncIterator[Updates]:
            """Show what would be computed again; once that was shown, do it."""
            wanted = f"{what} {model.strip()}"
            try:
                who = await ADMITTING.run(self._admission.admit, request)
                if what not in set(Again):
                    raise NotPossible(NO_CHOICE)
                if asked is None or asked.wanted != wanted:
                    rows, lines = await api.ACTING.run(self._office.preview, Again(what), model, who)
                    shown = Shown(wanted, rows) if rows else None
                    yield {self.told: would_be_again(lines), self.asked: shown}
                    return
            except LeaderboardError as error:
                yield {self.told: notices.answer(api.refusal(error)), self.asked: None}
                return
            outcome = await api.maintain(self._office, what or "", model, "", who)
            updated = await to_thread.run_sync(contents.updated, request, find, opened)
            done = model if outcome["ok"] else None
            yield {self.told: notices.answer(outcome), self.asked: None, self.done: done} | updated

        return press_again

    def _ready(self, asked: Shown | None, done: str | None, model: str) -> Updates:
        """Make the button ready, and empty the field, unless what is in it was typed since."""
        emptied: Updates = {self.model: ""} if done == model else {}
        return {self.button: self._button(asked, interactive=True), self.done: None} | emptied

    def _button(self, asked: Shown | None, **options: Any) -> gr.Button:
        """Return the button for what comes next: a look, or what was shown."""
        if asked is None:
            return gr.Button(LOOK, variant="secondary", **options)
        return gr.Button(SURE.format(counted(asked.rows, "row")), variant="primary", **options)

    def _look_first(self) -> Updates:
        return {self.asked: None, self.button: self._button(None), self.told: ""}


def would_be_again(lines: Sequence[str]) -> Markup:
    """Return what would be computed again, as HTML."""
    return render("would_be_again.html", lines=lines)
