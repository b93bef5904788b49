"""What maintainers did to models, people and the board: `.leaderboard/acts.json` in the requests dataset.

The file is a list of acts, the oldest first, each with who and when. What is in force follows from it: an act
counts until a later one undoes it. The owner's own lists, `blocked.yaml` and `flags.yaml`, count besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from ..data.json_file import as_number, read_object, write_object
from ..data.names import ACTS
from ..data.reasons import Reasons
from ..data.request_fields import Time
from ..errors import BadFile, NotPossible, StoreError
from ..stores.conflicts import Commit, update
from ..stores.own_file import own_file
from ..stores.store import Snapshot, Store

FORMAT = 1

LONGEST_REASON = 500
"""Characters of a reason, which submitters and visitors read."""

LONGEST_NAME = 200


class Act(StrEnum):
    """What can be done; the value is what the file holds. The second of each pair undoes the first."""

    FLAG = "flag"
    """The model stays in the table, with a note."""
    UNFLAG = "unflag"
    HIDE = "hide"
    """The model's results are not shown, and it cannot be submitted."""
    SHOW = "show"
    BLOCK = "block"
    """The model cannot be submitted."""
    UNBLOCK = "unblock"
    BLOCK_USER = "block user"
    """The user cannot submit."""
    UNBLOCK_USER = "unblock user"
    REMOVE = "remove"
    """The model's requests and results were deleted. Runs that began before are not shown."""
    CLOSE = "close"
    """The board takes no submissions; the reason says why."""
    OPEN = "open"


UNDOES: Mapping[Act, Act] = {
    Act.UNFLAG: Act.FLAG,
    Act.SHOW: Act.HIDE,
    Act.UNBLOCK: Act.BLOCK,
    Act.UNBLOCK_USER: Act.BLOCK_USER,
    Act.OPEN: Act.CLOSE,
}

DONE = {
    Act.FLAG: "flagged",
    Act.HIDE: "hidden",
    Act.BLOCK: "blocked",
    Act.BLOCK_USER: "blocked",
    Act.REMOVE: "removed",
    Act.CLOSE: "closed",
}
"""What the thing is while an act is in force."""


Name = Annotated[str, Field(max_length=LONGEST_NAME)]
Reason = Annotated[str, Field(max_length=LONGEST_REASON)]


@dataclass(frozen=True, kw_only=True)
class Done:
    """One act that was done."""

    act: Act
    name: Name
    """The model, a pattern of models such as `spammers/*`, or a login; empty for the board."""
    reason: Reason = ""
    by: str | None
    """The login of the maintainer; None if it was done by a command in a folder without one."""
    at: Time


class NewerActs(BadFile):
    """The file has acts that this version does not know. Writing it would lose them."""

    remedy = "Update the Spaces, and the clone whose commands you use, to that version."


@dataclass(frozen=True)
class Moderation:
    """All acts, and what is in force."""

    acts: tuple[Done, ...] = ()
    """The oldest first."""
    broken: str = ""
    """Why the file cannot be understood. Then we cannot tell what is in force."""

    @cached_property
    def _in_force(self) -> Mapping[Act, Mapping[str, Done]]:
        found: dict[Act, dict[str, Done]] = {act: {} for act in DONE}
        for done in self.acts:
            if done.act in UNDOES:
                found[UNDOES[done.act]].pop(done.name.casefold(), None)
            else:
                found[done.act][done.name.casefold()] = done
        return found

    def in_force(self, act: Act) -> Mapping[str, Done]:
        """Return the acts of one kind that nobody has undone, by name in lower case."""
        return self._in_force[act]

    def reasons(self, act: Act) -> Reasons:
        """Return the reasons of the acts of one kind that are in force, by name or pattern."""
        return {name: done.reason for name, done in self.in_force(act).items()}

    def is_of_before_a_removal(self, model: str, began: datetime) -> bool:
        """Return whether a model was removed after this moment."""
        removed = self.in_force(Act.REMOVE).get(model.casefold())
        return removed is not None and began < removed.at

    @property
    def closed(self) -> Done | None:
        """The act that closed the board, while it is closed."""
        return self.in_force(Act.CLOSE).get("")


_FILE = TypeAdapter(tuple[Done, ...])


def read_acts(data: bytes) -> Moderation:
    """Read the acts in a file. Raises BadFile."""
    file = read_object(data)
    if (as_number(file.get("format")) or 0) > FORMAT:
        raise NewerActs("it was written by a newer version of this template")
    raw = file.get("acts", [])
    try:
        return Moderation(_FILE.validate_python(tuple(raw) if isinstance(raw, list) else raw))
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, ("acts", *wrong["loc"])))
        raise BadFile(f"it is not a list of maintainers' acts: {place}: {wrong['msg']}") from None


def write_acts(moderation: Moderation) -> bytes:
    """Write the file of acts."""
    return write_object({"format": FORMAT, "acts": _FILE.dump_python(moderation.acts, mode="json")})


def with_act(moderation: Moderation, done: Done) -> Moderation:
    """Return the acts with one more. Raises NotPossible if it is in force, or undoes what is not."""
    what = done.name or "The board"
    undone = UNDOES.get(done.act)
    name = done.name.casefold()
    if undone and name not in moderation.in_force(undone):
        raise NotPossible(f"{what} is not {DONE[undone]}{_by_hand(undone)}.")
    if not undone and done.act is not Act.REMOVE and (there := moderation.in_force(done.act).get(name)):
        when = f"{there.at:%Y-%m-%d %H:%M} UTC"
        raise NotPossible(
            f"{what} is already {DONE[done.act]}: {there.by or 'a command'} did that on {when}."
        )
    return Moderation((*moderation.acts, done))


def _by_hand(act: Act) -> str:
    files = {Act.FLAG: "flags.yaml"} | dict.fromkeys((Act.HIDE, Act.BLOCK, Act.BLOCK_USER), "blocked.yaml")
    return f" here. If {files[act]} names it, delete its line there" if act in files else ""


def read_moderation(store: Store, snapshot: Snapshot) -> Moderation:
    """Return the acts in a snapshot of the requests dataset. Raises BadFile and StoreError."""
    return own_file(store, snapshot, ACTS, read_acts) or Moderation()


def moderation_to_change(store: Store, snapshot: Snapshot) -> Moderation:
    """Return the acts in a snapshot. Raises StoreError, also when the file must be corrected first."""
    try:
        return read_moderation(store, snapshot)
    except BadFile as error:
        raise StoreError(f"{ACTS} in {store} cannot be read: {error.sentence}") from None


def acts_with(store: Store, snapshot: Snapshot, *done: Done) -> bytes:
    """Return the file of acts with these after those of the snapshot.

    Raises NotPossible if another act came first or a text is too long, and StoreError.
    """
    moderation = moderation_to_change(store, snapshot)
    for each in done:
        _refuse_long_texts(each)
        moderation = with_act(moderation, each)
    return write_acts(moderation)


def _refuse_long_texts(done: Done) -> None:
    for what, text, most in (("reason", done.reason, LONGEST_REASON), ("name", done.name, LONGEST_NAME)):
        if len(text) > most:
            raise NotPossible(f"The {what} has {len(text):,} characters: shorten it to {most}.")


def record(store: Store, done: Done) -> None:
    """Write an act into the requests dataset.

    Raises NotPossible if another act came first or a text is too long, and StoreError.
    """

    def decide(snapshot: Snapshot) -> Commit:
        acts = acts_with(store, snapshot, done)
        what = f"{done.act.value} {done.name}".strip()
        return Commit(snapshot, f"{what} ({done.by or 'a command'})", {ACTS: acts})

    update(store, store.snapshot, decide)
