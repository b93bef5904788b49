"""The tab "🚀 Submit here!": the login, the form, the own submissions, and the tables of the queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from src.board.board import Board, Now
from src.board.keeper import Keeper
from src.checks import CLOSED
from src.page import notices
from src.page.links import REQUEST, Links
from src.page.my_submissions import Maintains, MySubmissions
from src.page.queue_tables import label, queue_table
from src.page.submit_form import SubmitForm
from src.page.texts import Texts
from src.page.updates import Updates
from src.page.visitors import Visitors
from src.queue.entries import Entry, Group, grouped
from src.submitting.desk import Desk

OPEN_AT_FIRST = (Group.RUNNING, Group.PENDING)
LONGEST_PATH = 2000
"""Characters of an address that may name a request: no dataset has a file with a longer path."""

SIGN_IN_BUTTON, TO_SUBMIT = "Sign in with Hugging Face", " to submit"


class SubmitTab:
    """The tab's components, and what happens to them. Make it inside the tab."""

    def __init__(
        self,
        keeper: Keeper,
        desk: Desk,
        texts: Texts,
        visitors: Visitors,
        maintains: Maintains = lambda request: False,
    ) -> None:
        self._keeper = keeper
        self._desk = desk
        self._visitors = visitors
        self._login: gr.LoginButton | None = None
        gr.Markdown(texts.queue)
        if desk.terms.login:
            text = SIGN_IN_BUTTON + TO_SUBMIT * (not desk.terms.anonymous)
            # Its picture is in style.css: Gradio's is a file, and files are closed.
            self._login = gr.LoginButton(text, icon=None, elem_id="login", size="md")
            self._login.load_event_to_attach = None  # `open` shows who has signed in
        elif not desk.terms.anonymous:
            gr.HTML(notices.note(CLOSED), padding=False)
        self.own = MySubmissions(keeper, desk, visitors, maintains)
        self.own.place_request()
        self.form = SubmitForm(keeper, desk, visitors)
        self.own.place_mine()
        self.no_worker = gr.HTML(padding=False)
        self.accordions: dict[Group, gr.Accordion] = {}
        self.tables: dict[Group, gr.HTML] = {}
        for group in Group:
            is_open, is_shown = group in OPEN_AT_FIRST, self._is_shown(group)
            with gr.Accordion(label(group, []), open=is_open, visible=is_shown) as self.accordions[group]:
                self.tables[group] = gr.HTML(padding=False, elem_id=f"queue-{group.name.lower()}")

    @property
    def outputs(self) -> list[Any]:
        """The components that follow the queue."""
        return [*self.own.outputs, *self._queue_outputs]

    @property
    def _queue_outputs(self) -> list[Any]:
        return [self.no_worker, *self.accordions.values(), *self.tables.values()]

    @property
    def outputs_of_opening(self) -> list[Any]:
        """The components that depend on the visitor, and on the page's address."""
        login = [self._login] if self._login else []
        return [*login, self.own.opened, *self.own.outputs, *self.form.outputs_of_opening]

    def listen(self, page: gr.Blocks) -> None:
        """Connect the form and the buttons."""
        self.own.listen(page, [*self.outputs, self.form.message], self._after_a_button)
        self.form.listen(self.own.opened, self.outputs, self.follow)

    def open(self, request: gr.Request) -> Updates:
        """Show the form to those who may use it, the visitor's submissions, and the request
        in the address.
        """
        terms, path = self._desk.terms, str(request.query_params.get(REQUEST, ""))[:LONGEST_PATH]
        login = self._visitors.signed_in(request).login
        opened = self.own.show(request, path) | self.form.open(visible=terms.anonymous or bool(login))
        return self._signed_in(login) | {self.own.opened: path} | opened

    def _signed_in(self, login: str | None) -> Updates:
        """Set the text of the login button, which also decides what it does."""
        if self._login is None:
            return {}
        text = self._login.logout_value.format(login) if login else self._login.value
        return {self._login: gr.Button(text, interactive=True)}

    def _after_a_button(self, request: gr.Request, opened: str) -> Updates:
        """Follow the queue, and clear the form's last message, which no longer applies."""
        return self.follow(request, opened) | {self.form.message: ""}

    def follow(self, request: gr.Request, opened: str) -> Updates:
        """All that follows the queue, as it is now."""
        return self.queue(self._keeper.now) | self.own.show(request, opened)

    def queue(self, now: Now) -> Updates:
        """The queue as it is now."""
        board = now.board
        tables = board.derived.once(queue_table, lambda: self._tables(board))
        space = board.backend.space if board.backend else None
        return {
            self.no_worker: notices.no_worker(now.silent_since, space=space),
            **{
                self.accordions[group]: gr.Accordion(heading, visible=is_shown)
                for group, (heading, _, is_shown) in tables.items()
            },
            **{self.tables[group]: table for group, (_, table, _) in tables.items()},
        }

    def _is_shown(self, group: Group, queue: Sequence[Entry] = ()) -> bool:
        """Return whether a table is there: that of approvals only where a maintainer approves, or had to."""
        return group is not Group.WAITING or self._desk.terms.by_hand or bool(queue)

    def _tables(self, board: Board) -> dict[Group, tuple[str, Markup, bool]]:
        """The heading and the table of each group, for all visitors, and whether it is shown."""
        links = Links(self._keeper.requests, self._keeper.results, board.local_models)
        return {
            group: (
                label(group, queue),
                queue_table(group, queue, links, board.outlook),
                self._is_shown(group, queue),
            )
            for group, queue in grouped(board.queue).items()
        }
