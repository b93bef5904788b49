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
from src.page.updates import QUIETLY, WAITING_FOR_A_COMMIT, Updates
from src.shared.errors import LeaderboardError, NotPossible
from src.shared.moderation.acts import LONGEST_NAME
from src.shared.moderation.reruns_in_words import counted

CHOICES = [
    ("Tasks without a score, such as new ones", Again.MISSING),
    ("Scores of another version of a task", Again.OLDER),
    ("Everything", Again.ALL),
]
LOOK, SURE, MOMENT = "Preview", "Evaluate {} again", "One moment …"
NO_CHOICE = "Choose what to compute."


class TabContents(NamedTuple):
    """What else changes once something is done."""

    inputs: list[Any]
    """What is searched for, and the request that is open."""
    outputs: list[Any]
    updated: Callable[[gr.Request, str, str], Updates]
    """Returns the outputs' updates, given the inputs' values."""


class RerunForm:
    """The components and their events. `asked` is what the button has shown, and does when pressed again."""

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
                label="Of which model",
                placeholder="org/model; empty for all",
                min_width=240,
                max_length=LONGEST_NAME,
                elem_id="again-model",
            )
        self.asked = gr.State("")
        self.button = gr.Button(LOOK, elem_id="do-again")
        self.told = gr.HTML(padding=False, elem_id="would-be-again")

    def listen(self, contents: TabContents) -> None:
        """Connect the events."""
        own = [self.asked, self.button, self.told, self.model]
        for field in (self.what, self.model):
            field.input(self._look_first, None, [self.asked, self.button, self.told], queue=False, **QUIETLY)
        self.button.click(
            lambda: gr.Button(MOMENT, interactive=False), None, self.button, queue=False, **QUIETLY
        ).then(
            self._press(contents),
            [self.what, self.model, self.asked, *contents.inputs],
            [*own, *contents.outputs],
            **WAITING_FOR_A_COMMIT,
            **QUIETLY,
        )

    def _press(self, contents: TabContents) -> Callable[..., AsyncIterator[Updates]]:
        async def press_again(
            request: gr.Request, what: str | None, model: str, asked: str, find: str, opened: str
        ) -> AsyncIterator[Updates]:
            """Show what would be computed again; once that was shown, do it."""
            wanted = f"{what} {model.strip()}"
            try:
                who = await ADMITTING.run(self._admission.admit, request)
                if what not in set(Again):
                    raise NotPossible(NO_CHOICE)
                if asked != wanted:
                    found = await api.ACTING.run(self._office.preview, Again(what), model, who)
                    yield self._shown(*found, wanted)
                    return
            except LeaderboardError as error:
                yield self._look_first() | {self.told: notices.answer(api.refusal(error))}
                return
            outcome = await api.maintain(self._office, what or "", model, "", who)
            updated = await to_thread.run_sync(contents.updated, request, find, opened)
            yield self._look_first() | {self.told: notices.answer(outcome), self.model: ""} | updated

        return press_again

    def _shown(self, number: int, lines: Sequence[str], wanted: str) -> Updates:
        told = would_be_again(lines)
        if not number:
            return self._look_first() | {self.told: told}
        sure = gr.Button(SURE.format(counted(number, "row")), variant="primary", interactive=True)
        return {self.told: told, self.asked: wanted, self.button: sure}

    def _look_first(self) -> Updates:
        look = gr.Button(LOOK, variant="secondary", interactive=True)
        return {self.asked: "", self.button: look, self.told: ""}


def would_be_again(lines: Sequence[str]) -> Markup:
    """Return what would be computed again, as HTML."""
    return render("would_be_again.html", lines=lines)
