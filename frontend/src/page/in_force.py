"""What is in force, the latest acts of maintainers, and what there is to say about new columns, as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from markupsafe import Markup

from src.board.board import Board
from src.leaderboard.coverage import new_columns
from src.leaderboard.rows import Standings
from src.page.html import render
from src.page.links import Links, link
from src.shared.data.names import FLAGS
from src.shared.data.reasons import Reasons
from src.shared.moderation.acts import DONE, UNDOES, Act

MOST = 200
"""The most lines of what is in force; the file of acts has all of them."""

MOST_ACTS = 50

UNDO = {done: undo for undo, done in UNDOES.items()}

WORDS = {act: DONE[act] for act in UNDO} | {Act.BLOCK_USER: "blocked user"}
"""What a thing is while an act is in force."""

THE_BOARD = "the board"


class Line(NamedTuple):
    """One thing that is in force."""

    what: str
    name: str
    """Empty for the board."""
    reason: str
    by: str = ""
    at: datetime | None = None
    undo: str = ""
    """The act that ends it; empty for what the owner wrote by hand."""
    file: Markup = Markup()
    """Where the owner wrote it."""

    @property
    def shown_name(self) -> str:
        """The name for people."""
        return self.name or THE_BOARD


def in_force(board: Board, links: Links) -> Markup:
    """Return a table of what is in force, with a button that undoes each act: the closed board, then the
    newest act first, then what the owner wrote by hand.
    """
    lines = [*_of_acts(board), *_by_hand(board, links)]
    more = max(0, len(lines) - MOST)
    return render("in_force.html", lines=lines[:MOST], more=more, page_of=links.model)


def latest_acts(board: Board) -> Markup:
    """Return the latest acts, the newest first."""
    acts = board.moderation.acts
    return render("acts.html", acts=acts[: -MOST_ACTS - 1 : -1], the_board=THE_BOARD, all=len(acts))


def columns(standings: Standings) -> Markup:
    """Return what the owner may want to change about columns that are new."""
    return render("new_columns.html", sentences=list(new_columns(standings)))


def _of_acts(board: Board) -> Iterator[Line]:
    acts = [done for act in UNDO for done in board.moderation.in_force(act).values()]
    for done in sorted(acts, key=lambda done: (done.act is Act.CLOSE, done.at), reverse=True):
        by = done.by or "a command"
        yield Line(WORDS[done.act], done.name, done.reason, by, done.at, UNDO[done.act].value)


def _by_hand(board: Board, links: Links) -> Iterator[Line]:
    blocked = board.blocked_by_hand
    lists: Mapping[str, Mapping[str, Reasons]] = {
        FLAGS: {WORDS[Act.FLAG]: board.flagged_by_hand},
        board.blocklist_path: {
            WORDS[Act.HIDE]: blocked.hidden,
            WORDS[Act.BLOCK]: blocked.models,
            WORDS[Act.BLOCK_USER]: blocked.users,
        },
    }
    for path, kinds in lists.items():
        for what, reasons in kinds.items():
            for name, reason in reasons.items():
                yield Line(what, name, reason, "by hand", file=link(links.requests.address(path), path))
