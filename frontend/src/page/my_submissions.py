"""The submissions of the signed-in user, and the one request that a link leads to, for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import gradio as gr
from anyio import to_thread
from markupsafe import Markup

from src.board.keeper import Keeper
from src.page import api, notices, request_card
from src.page.links import Links
from src.page.updates import QUIETLY, WAITING_FOR_A_COMMIT, Doing, Follow, Updates, telling
from src.page.visitors import Visitors
from src.shared.errors import LeaderboardError
from src.shared.times import Clock, utc_now
from src.submitting.desk import Desk
from src.submitting.limits import usage
from src.submitting.submitter import Submitter

Maintains = Callable[[gr.Request], bool]
"""Says whether it is a maintainer who calls."""

SCRIPT = Path(__file__).with_name("requests.js")
ANSWERED = '(pressed) => { document.dispatchEvent(new CustomEvent("answered", { detail: pressed })) }'


class MySubmissions:
    """The components and their events. Place both parts inside the tab of the form.

    `opened` is the path of the request in the page's address, if there is one.
    """

    def __init__(
        self,
        keeper: Keeper,
        desk: Desk,
        visitors: Visitors,
        maintains: Maintains = lambda request: False,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._keeper = keeper
        self._desk = desk
        self._visitors = visitors
        self._maintains = maintains
        self._clock = clock
        self.opened = gr.State("")
        self.action = gr.Textbox(
            visible="hidden", elem_id=request_card.ACTION_BOX, label="The button that was pressed"
        )
        self.answered = gr.Textbox(visible="hidden", label="What was pressed and is answered")

    def place_request(self) -> None:
        """Put the request that is open here."""
        self.request = gr.HTML(padding=False, elem_id="request")
        self.acted_above = gr.HTML(padding=False)

    def place_mine(self) -> None:
        """Put the own submissions here, and what became of a button that was pressed."""
        self.acted = gr.HTML(padding=False, elem_id="acted")
        with gr.Accordion("👤 My submissions", open=True, visible=False, elem_id="mine") as self.whole:
            self.mine = gr.HTML(padding=False)

    @property
    def outputs(self) -> list[Any]:
        """The components that follow the queue."""
        return [self.request, self.whole, self.mine]

    def listen(self, page: gr.Blocks, outputs: list[Any], follow: Follow) -> None:
        """Connect the cards' buttons. `follow` gives the updates of the `outputs` once something is done."""
        page.load(None, None, None, js=SCRIPT.read_text(encoding="utf-8"), show_api=False)
        self.action.input(
            telling(self.acted, self._act(follow)),
            [self.action, self.opened],
            [self.acted, self.acted_above, self.answered, *outputs],
            trigger_mode="multiple",
            **WAITING_FOR_A_COMMIT,
            **QUIETLY,
        ).then(None, self.answered, None, js=ANSWERED, show_api=False)

    def show(self, request: gr.Request, opened: str) -> Updates:
        """Both as they are now."""
        who = self._visitors.signed_in(request)
        maintains = bool(opened) and self._maintains(request)
        return {self.request: self._one(opened, who, maintains=maintains)} | self._all_of(who)

    def _one(self, path: str, who: Submitter, *, maintains: bool) -> Markup:
        """The request that is open."""
        if not path:
            return Markup()
        board = self._keeper.now.board
        entry = board.entries.get(path)
        if entry is None:
            return request_card.not_found(path) if self._keeper.now.synced else notices.READING
        links = Links.of(self._keeper)
        return request_card.card(entry, links, who, board.outlook, maintains=maintains)

    def _all_of(self, who: Submitter) -> Updates:
        if not who.login:
            return {self.whole: gr.Accordion(visible=False), self.mine: ""}
        board = self._keeper.now.board
        mine = board.entries_of(who)
        terms = self._desk.terms
        since = self._clock() - terms.period
        used = usage(board.requests.values(), who, since)
        message = notices.quota(used, terms.quota_of(who.login), terms.period)
        label = f"👤 My submissions ({len(mine):,})"
        links = Links.of(self._keeper)
        cards = board.derived.once(
            ("cards", who.login), lambda: request_card.cards(mine, links, who, board.outlook)
        )
        return {
            self.whole: gr.Accordion(label, visible=True),
            self.mine: message + cards,
        }

    def _act(self, follow: Follow) -> Doing:
        async def act(request: gr.Request, pressed: str, opened: str) -> AsyncIterator[Updates]:
            """Do what a card's button is for, if the signed-in user may."""
            due = self._desk.due()
            if due:
                yield self._message(notices.gathering(due), opened)
            outcome = await self._outcome(pressed, self._visitors.signed_in(request))
            followed = await to_thread.run_sync(follow, request, opened)
            yield self._message(notices.answer(outcome), opened) | {self.answered: pressed} | followed

        return act

    def _message(self, message: Markup, opened: str) -> Updates:
        """Show the outcome of a button above the user's cards, and beside the open request."""
        return {self.acted: message, self.acted_above: message if opened else ""}

    async def _outcome(self, pressed: str, who: Submitter) -> api.Answer:
        actions = {request_card.WITHDRAW: api.withdraw, request_card.AGAIN: api.submit_again}
        try:
            action, path, _ = request_card.read_press(pressed)
        except LeaderboardError as error:
            return api.refusal(error)
        if action not in actions:
            return api.refusal(LeaderboardError(request_card.NO_BUTTON))
        return await actions[action](self._desk, path, who)
