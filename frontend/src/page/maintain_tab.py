"""The tab "🛠 Maintain": what waits for maintainers, and what they can do. Others are sent nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import gradio as gr
from anyio import to_thread
from markupsafe import Markup

from src.board.board import Board
from src.board.keeper import Keeper
from src.maintaining.fields import Field
from src.maintaining.maintainers import NotAMaintainer
from src.maintaining.office import Office, Step
from src.page import api, notices
from src.page.admission import ADMITTING, Admission
from src.page.in_force import columns, in_force, latest_acts
from src.page.links import Links
from src.page.my_submissions import ANSWERED
from src.page.request_card import MAINTAIN_BOX, cards_of_maintainers, read_press, state_of
from src.page.rerun_form import RerunForm, TabContents
from src.page.submit_tab import SubmitTab
from src.page.updates import (
    ASKING_THE_HUB,
    AT_ONCE,
    QUIETLY,
    WAITING_FOR_A_COMMIT,
    Doing,
    Event,
    Follow,
    Updates,
    telling,
    when_pressed,
)
from src.queue.entries import Entry, Group
from src.shared.errors import LeaderboardError, NotPossible
from src.shared.moderation.acts import LONGEST_NAME, LONGEST_REASON, Act
from src.submitting.desk import Desk

TAB = "maintain"
"""The tab in the page's address."""

TICK_SECONDS = 5.0
MOST_CARDS = 20
"""The most requests of a list: below the first list are the other parts of the tab."""

MOST_WORDS = 10

ACTS = [
    ("Flag a model: the table has a note", Act.FLAG),
    ("Hide a model: no results, no submissions", Act.HIDE),
    ("Block a model: no submissions", Act.BLOCK),
    ("Block a user: no submissions", Act.BLOCK_USER),
    ("Remove a model: delete all of it", Act.REMOVE),
    ("Close the board: no submissions", Act.CLOSE),
]
"""What the form offers; the list below it undoes all but removals."""

DO: Mapping[str, str] = {
    Act.FLAG: "Flag",
    Act.HIDE: "Hide",
    Act.BLOCK: "Block",
    Act.BLOCK_USER: "Block",
    Act.REMOVE: "Remove …",
    Act.CLOSE: "Close the board",
}
"""The form's button, by what was chosen."""

A_PATTERN = ("Model", "org/model, or a pattern such as org/*")
NAMES: Mapping[str, tuple[str, str]] = {
    Act.FLAG: A_PATTERN,
    Act.HIDE: A_PATTERN,
    Act.BLOCK: A_PATTERN,
    Act.BLOCK_USER: ("User", "a login of the Hub"),
    Act.REMOVE: ("Model", "org/model"),
}
"""The label and an example of what names the thing of an act. The board needs no name."""

SURE = "Remove {} for good?"

NOTHING_WAITS = Markup('<p class="quiet">Nothing waits for approval.</p>')
AUTOMATIC = Markup(
    '<p class="quiet">Submissions are evaluated without approval here. The owner can change that with '
    "<code>APPROVAL</code>.</p>"
)
WRITE_WORDS = Markup(
    '<p class="quiet">Write a part of a model’s name, of a login, or a status such as <i>failed</i>.</p>'
)
NOTHING_FOUND = Markup('<p class="quiet" role="status">No request has all of these words.</p>')

NAME_THE_MENU = """() => document.querySelectorAll(".overflow-menu > button").forEach(
  (button) => button.setAttribute("aria-label", "More tabs"))"""
"""On a phone this tab is in Gradio's menu of those that do not fit, whose button has no name."""


class MaintainTab:
    """The tab's components, and what happens to them. Make it inside the tabs.

    `here` is 1 once somebody has signed in. Only then the server looks further, so the tab costs other
    visitors nothing. Each call is answered by who makes it, whatever it sends. `asked` is the name of the
    model whose removal was asked about, `done` the name and the reason of what was just done.
    """

    def __init__(self, keeper: Keeper, desk: Desk, office: Office, admission: Admission) -> None:
        self._keeper, self._desk, self._office, self._admission = keeper, desk, office, admission
        with gr.Tab("🛠 Maintain", id=TAB, visible=False, elem_id="tab-maintain") as self.tab:
            self.message = gr.HTML(padding=False, elem_id="maintained")
            gr.Markdown("### Waiting for approval")
            self.waiting = gr.HTML(padding=False, elem_id="to-approve")
            gr.Markdown("### Find a request")
            self.find = gr.Textbox(
                "",
                label="Model, submitter or status",
                placeholder="acme failed",
                max_length=LONGEST_NAME,
                elem_id="find-request",
            )
            self.found = gr.HTML(padding=False, elem_id="found-requests")
            gr.Markdown("### Models, users, the board")
            self._place_form()
            self.in_force = gr.HTML(padding=False, elem_id="in-force")
            self.acts = gr.HTML(padding=False, elem_id="latest-acts")
            gr.Markdown("### Evaluate again")
            self.again = RerunForm(office, admission)
            gr.Markdown("### New columns")
            self.columns = gr.HTML(padding=False, elem_id="new-columns")

    def _place_form(self) -> None:
        with gr.Row():
            self.act = gr.Dropdown(
                ACTS, value=Act.FLAG.value, label="What to do", min_width=340, elem_id="act"
            )
            self.name = gr.Textbox(
                "", max_length=LONGEST_NAME, min_width=240, elem_id="act-name", **_of(Act.FLAG)
            )
            self.reason = gr.Textbox(
                "",
                label="Reason",
                placeholder="It is kept, and the people it affects will read it",
                max_length=LONGEST_REASON,
                min_width=240,
                elem_id="act-reason",
            )
        self.asked = gr.State("")
        self.done = gr.State(None)
        self.button = gr.Button(DO[Act.FLAG], elem_id="do-act")

    def place_hidden(self) -> None:
        """Put here what is there for every visitor, and holds nothing."""
        self.here = gr.Number(0, visible="hidden", label="Signed in")
        self.seen = gr.Number(0, visible="hidden", label="What the tab shows")
        self.action = gr.Textbox(visible="hidden", elem_id=MAINTAIN_BOX, label="The button that was pressed")
        self.timer = gr.Timer(TICK_SECONDS, active=False)

    @property
    def outputs_of_opening(self) -> list[Any]:
        """The component that says whether somebody has signed in."""
        return [self.here]

    def open(self, request: gr.Request) -> Updates:
        """Look further only if somebody has signed in."""
        return {self.here: int(bool(self._admission.visitors.signed_in(request).login))}

    @property
    def _contents(self) -> list[Any]:
        return [self.waiting, self.found, self.in_force, self.acts, self.columns, self.seen]

    def listen(self, tabs: gr.Tabs, submit: SubmitTab) -> None:
        """Connect the events. The Submit tab follows what is done, and has cards with buttons too."""
        own, outputs, follow = submit.own, submit.outputs, submit.follow
        opened = own.opened
        at_once = {**ASKING_THE_HUB, **AT_ONCE}
        everything = [self.tab, self.timer, self.message, *self._contents]
        self.here.change(self._revealed(tabs), self.find, [tabs, *everything], **at_once).then(
            None, None, None, js=NAME_THE_MENU, show_api=False
        )
        self.timer.tick(self._follow, [self.seen, self.find], everything, **at_once)
        self.find.input(self._find, self.find, [*everything], trigger_mode="always_last", **at_once)
        self.action.input(
            telling(self.message, self._press(own.acted_above, own.answered, follow)),
            [self.action, self.find, opened],
            [*everything, own.acted_above, own.answered, *outputs],
            trigger_mode="multiple",
            **WAITING_FOR_A_COMMIT,
            **QUIETLY,
        ).then(None, own.answered, None, js=ANSWERED, show_api=False)
        form = [self.act, self.name, self.reason]
        self.act.input(self._chosen, self.act, [self.name, self.message, self.asked, self.button], **AT_ONCE)
        self.name.input(self._ask_no_more, [self.act, self.asked], [self.asked, self.button], **AT_ONCE)
        inputs = [*form, self.asked, self.find, opened]
        when_pressed(
            self.button,
            Event(
                telling(self.message, self._do(follow)),
                inputs,
                [*everything, self.asked, self.done, *outputs],
            ),
            Event(
                self._ready,
                [self.act, self.asked, self.done, self.name, self.reason],
                [self.button, self.done, self.name, self.reason],
            ),
        )

        def updated(request: gr.Request, find: str, opened: str) -> Updates:
            return self._filled(find) | follow(request, opened)

        self.again.listen(TabContents([self.find, opened], [*self._contents, *outputs], updated))

    def _revealed(self, tabs: gr.Tabs) -> Callable[..., Updates]:
        def reveal(request: gr.Request, find: str) -> Updates:
            """Show the tab to a maintainer, and open it if the address names it."""
            if not self._admission.maintains(request):
                return self._nothing()
            there = {self.tab: gr.Tab(visible=True), self.timer: gr.Timer(active=True)}
            is_wanted = request.query_params.get("tab") == TAB
            return there | self._filled(find) | ({tabs: gr.Tabs(selected=TAB)} if is_wanted else {})

        return reveal

    def _follow(self, request: gr.Request, seen: float | None, find: str) -> Updates:
        """Bring the tab up to date, if anything changed."""
        if not self._admission.maintains(request):  # the login has run out
            return self._nothing()
        return {} if seen == self._keeper.now.version else self._filled(find)

    def _find(self, request: gr.Request, find: str) -> Updates:
        if not self._admission.maintains(request):
            return self._nothing()
        return {self.found: self._cards_found(self._keeper.now.board, find), self.message: ""}

    def _nothing(self) -> Updates:
        empty: Updates = {each: "" for each in (self.message, *self._contents[:-1])}
        return empty | {self.seen: 0, self.tab: gr.Tab(visible=False), self.timer: gr.Timer(active=False)}

    def _filled(self, find: str) -> Updates:
        """Everything in the tab, as it is now."""
        now = self._keeper.now
        board = now.board
        return {
            self.waiting: self._to_approve(board),
            self.found: self._cards_found(board, find),
            self.in_force: in_force(board, Links.of(self._keeper)),
            self.acts: latest_acts(board),
            self.columns: columns(board.standings),
            self.seen: now.version,
        }

    def _to_approve(self, board: Board) -> Markup:
        waiting = [entry for entry in board.queue if entry.group is Group.WAITING]
        if waiting:
            return self._cards(board, waiting)
        return NOTHING_WAITS if self._desk.terms.by_hand else AUTOMATIC

    def _cards_found(self, board: Board, find: str) -> Markup:
        if not find.strip():
            return WRITE_WORDS
        found = matching(board.queue, find)
        return self._cards(board, found) if found else NOTHING_FOUND

    def _cards(self, board: Board, queue: Sequence[Entry]) -> Markup:
        return cards_of_maintainers(queue, Links.of(self._keeper), board.outlook, most=MOST_CARDS)

    def _press(self, beside: gr.HTML, answered: gr.Textbox, follow: Follow) -> Doing:
        async def press(request: gr.Request, pressed: str, find: str, opened: str) -> AsyncIterator[Updates]:
            """Do what a button of a card or of the list is for."""

            def told(message: Markup) -> Updates:
                return {self.message: message, beside: message if opened else ""}

            try:
                who = await ADMITTING.run(self._admission.admit, request)
                act, target, reason = read_press(pressed)
            except LeaderboardError as error:
                gone = self._nothing() if isinstance(error, NotAMaintainer) else {}
                yield gone | told(notices.answer(api.refusal(error))) | {answered: pressed}
                return
            if act in set(Step) and (due := self._desk.due()):
                yield told(notices.gathering(due))
            outcome = told(notices.answer(await api.maintain(self._office, act, target, reason, who)))
            followed = await to_thread.run_sync(follow, request, opened)
            filled = await to_thread.run_sync(self._filled, find)
            yield outcome | {answered: pressed} | filled | followed

        return press

    def _do(self, follow: Follow) -> Doing:
        async def do(
            request: gr.Request, act: str | None, name: str, reason: str, asked: str, find: str, opened: str
        ) -> AsyncIterator[Updates]:
            """Do what the form says; before a removal, ask once more."""
            try:
                who = await ADMITTING.run(self._admission.admit, request)
            except NotAMaintainer as error:
                yield self._nothing() | {self.message: notices.answer(api.refusal(error))}
                return
            if act == Act.REMOVE and asked != name:
                yield self._ask(name)
                return
            outcome = await api.maintain(self._office, act or "", name, reason, who)
            followed = await to_thread.run_sync(follow, request, opened)
            done = (name, reason) if outcome["ok"] else None
            told: Updates = {self.message: notices.answer(outcome), self.asked: "", self.done: done}
            filled = await to_thread.run_sync(self._filled, find)
            yield told | filled | followed

        return do

    def _chosen(self, act: str | None) -> Updates:
        """Ask for what the chosen act needs."""
        asks_no_more = {self.asked: "", self.button: self._button(act, "")}
        return {self.name: gr.Textbox(**_of(act)), self.message: ""} | asks_no_more

    def _ask(self, name: str) -> Updates:
        """Ask whether the model that this names is to be removed."""
        try:
            Field.MODEL.read(name)
        except NotPossible as error:
            return {self.asked: "", self.message: notices.answer(api.refusal(error))}
        return {self.asked: name, self.message: ""}

    def _ask_no_more(self, act: str | None, asked: str) -> Updates:
        return {self.asked: "", self.button: self._button(act, "")} if asked else {}

    def _ready(
        self, act: str | None, asked: str, done: tuple[str, str] | None, name: str, reason: str
    ) -> Updates:
        """Make the button ready, and empty the fields, unless what is in them was typed since."""
        emptied: Updates = {self.name: "", self.reason: ""} if done == (name, reason) else {}
        return {self.button: self._button(act, asked, interactive=True), self.done: None} | emptied

    def _button(self, act: str | None, asked: str, **options: Any) -> gr.Button:
        """Return the button for what comes next: an act, or the removal that is asked about.

        While its work is done it stays disabled.
        """
        if act != Act.REMOVE or not asked:
            return gr.Button(DO.get(act or "", DO[Act.FLAG]), variant="secondary", **options)
        return gr.Button(SURE.format(Field.MODEL.read(asked)), variant="stop", **options)


def _of(act: str | None) -> dict[str, Any]:
    """Return what the field for a name is like for an act."""
    label, example = NAMES.get(act or "", ("", ""))
    return {"label": label, "placeholder": example, "visible": act in NAMES}


def matching(queue: Sequence[Entry], find: str) -> list[Entry]:
    """Return the requests whose model, submitter and status together have all the words."""
    words = find.casefold().split()[:MOST_WORDS]
    return [entry for entry in queue if all(word in _words(entry) for word in words)]


def _words(entry: Entry) -> str:
    request = entry.request
    told = (request.model, request.submitted_by or "", request.status.value, state_of(request))
    return " ".join(told).casefold()
