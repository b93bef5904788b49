"""The tab "🚀 Submit here!": the form, what became of a submission, and the four tables of the queue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from src import api
from src.board import Keeper, Now
from src.checks import MAIN, PRECISIONS, WEIGHT_TYPES, Form
from src.model_types import MODEL_TYPES
from src.page import notices
from src.page.links import Links
from src.page.queue_tables import label, queue_table
from src.page.updates import Updates
from src.queue import Group, grouped
from src.shared.request import ORIGINAL
from src.submission import CLOSED, Desk
from src.texts import Texts

SUBMIT = "Submit"
SUBMITTING_AT_ONCE = 1000
"""How many submissions may wait for their common commit; they do it without a thread."""

OPEN_AT_FIRST = (Group.RUNNING, Group.PENDING)


class SubmitTab:
    """The tab's components, and what happens to them. Make it inside the tab."""

    def __init__(self, keeper: Keeper, desk: Desk, texts: Texts) -> None:
        self._keeper = keeper
        self._desk = desk
        gr.Markdown(texts.queue)
        if desk.is_open:
            self._form()
        else:
            gr.HTML(notices.note(CLOSED), padding=False)
        self.no_worker = gr.HTML(padding=False)
        self.accordions: dict[Group, gr.Accordion] = {}
        self.tables: dict[Group, gr.HTML] = {}
        for group in Group:
            with gr.Accordion(label(group, []), open=group in OPEN_AT_FIRST) as self.accordions[group]:
                self.tables[group] = gr.HTML(padding=False, elem_id=f"queue-{group.lower()}")

    def _form(self) -> None:
        with gr.Row():
            with gr.Column():
                model = gr.Textbox(
                    label="Model name", placeholder="organisation/model, or its page's address"
                )
                revision = gr.Textbox(MAIN, label="Revision", info="A branch, a tag or a commit")
                kind = gr.Dropdown([str(each) for each in MODEL_TYPES], value=None, label="Model type")
            with gr.Column():
                precision = gr.Dropdown(PRECISIONS, value=PRECISIONS[0], label="Precision")
                weights = gr.Dropdown(WEIGHT_TYPES, value=ORIGINAL, label="Weights type")
                base = gr.Textbox(label="Base model", info="Only for an adapter or a delta")
        self.button = gr.Button(SUBMIT, variant="primary", elem_id="submit")
        self.message = gr.HTML(padding=False, elem_id="submission")
        self.model = model
        self.fields = [model, base, revision, precision, weights, kind]

    @property
    def outputs(self) -> list[Any]:
        """What follows the queue."""
        return [self.no_worker, *self.accordions.values(), *self.tables.values()]

    def listen(self) -> None:
        """Connect the form. While a submission is looked up, its button waits too."""
        if not self._desk.is_open:
            return
        quietly: dict[str, Any] = {"show_progress": "hidden", "show_api": False}
        gr.on(
            [self.button.click, self.model.submit],
            lambda: gr.Button("Looking it up …", interactive=False),
            None,
            self.button,
            queue=False,
            **quietly,
        ).then(
            self.hand_in,
            self.fields,
            [self.message, *self.fields, *self.outputs],
            concurrency_limit=SUBMITTING_AT_ONCE,
            **quietly,
        ).then(lambda: gr.Button(SUBMIT, interactive=True), None, self.button, queue=False, **quietly)

    async def hand_in(self, *filled_in: str | None) -> AsyncIterator[Updates]:
        """Hand in the form; it is emptied when that succeeds, and stays as it is otherwise.

        Where it takes a while, first comes until when.
        """
        due = self._desk.due()
        if due:
            yield {self.message: notices.gathering(due)}
        form = Form(*(value or "" for value in filled_in))
        outcome = await api.submit(self._desk, form)
        updates: Updates = {self.message: notices.answer(outcome["message"], ok=outcome["ok"])}
        if outcome["ok"]:
            emptied = dict(zip(self.fields, ["", "", MAIN, PRECISIONS[0], ORIGINAL, None], strict=True))
            updates |= emptied | self.queue(self._keeper.now)
        yield updates

    def queue(self, now: Now) -> Updates:
        """The queue as it is now."""
        groups = grouped(now.board.queue)
        links = Links(self._keeper.requests, self._keeper.results, now.board.local_models)
        space = now.board.backend.space if now.board.backend else None
        return {
            self.no_worker: notices.no_worker(now.silent_since, space=space),
            **{self.accordions[group]: gr.Accordion(label(group, groups[group])) for group in Group},
            **{self.tables[group]: queue_table(group, groups[group], links) for group in Group},
        }
