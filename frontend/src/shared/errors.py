"""The errors that people read: each message says what happened, to which thing, and what to do next.

LeaderboardError
├── ConfigurationError      a value that the owner set cannot work
├── StoreError              a dataset cannot be read or written
│   ├── Conflict            the dataset changed since the snapshot that a commit or a read was made for
│   ├── DatasetMissing      the dataset does not exist
│   └── NotOurs             the dataset belongs to another leaderboard
├── BadFile                 a file in a dataset cannot be understood
│   ├── NotDelivered        a file that the Hub lists could not be had this time
│   └── InLfs               a file holds only where Git LFS keeps its content
├── ModelError              a model cannot be described
│   ├── ModelNotFound       no model of this name
│   │   └── ModelIsPrivate  there is one, which only our token and its owners may see
│   ├── RevisionNotFound    the model has no such revision
│   └── CannotBeEvaluated   the model is there, but not of a kind that can be evaluated
└── NotPossible             what a maintainer wants cannot be done
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

LONGEST_SHOWN = 60
"""How many characters of a stranger's text a message repeats."""

MOST_NAMED = 5
"""How many names a sentence lists."""


class LeaderboardError(Exception):
    """Something that a person can fix; the message is for that person."""


class ConfigurationError(LeaderboardError):
    """A value that the owner set cannot work; the message names the variable and what to write."""


class StoreError(LeaderboardError):
    """A dataset cannot be read or written."""


class Conflict(StoreError):
    """The dataset changed since the snapshot: take a new one and decide again."""


class DatasetMissing(StoreError):
    """The Hub has no such dataset, or none that we may see. `why` is why it could not be created."""

    def __init__(self, repo_id: str, *, has_token: bool, why: str = "", private: bool = False) -> None:
        unseen = "the token in HF_TOKEN cannot see it" if has_token else "is private and HF_TOKEN is not set"
        not_created = f" It could not be created: {why}" if why else ""
        super().__init__(
            f"The dataset {repo_id} does not exist, or {unseen}.{not_created} Create it with "
            f"`hf repos create {repo_id} --repo-type dataset{' --private' * private}`, or set OWNER to the "
            "organisation that has it."
        )


class NotOurs(StoreError):
    """The dataset belongs to another leaderboard."""


class BadFile(LeaderboardError):
    """A file in a dataset cannot be understood; other files are not affected.

    The message is a reason that continues a sentence. `remedy` is a sentence of its own.
    """

    remedy = "Correct the file, or delete it."

    @property
    def sentence(self) -> str:
        """The reason and the remedy, as sentences."""
        return f"{self}. {self.remedy}"


class NotDelivered(BadFile):
    """A file that the Hub lists could not be had this time."""

    remedy = "It will be read again."


class InLfs(BadFile):
    """A file holds only where Git LFS keeps its content."""

    remedy = "Upload the file again, without Git LFS."


class ModelError(LeaderboardError):
    """A model cannot be described."""


class ModelNotFound(ModelError):
    """No model has this name."""


class ModelIsPrivate(ModelNotFound):
    """The model is private. Those who may not see it should not learn that it exists."""


class RevisionNotFound(ModelError):
    """The model is there, but not this revision of it."""


class CannotBeEvaluated(ModelError):
    """The model exists but cannot be evaluated. Retrying would give the same result."""


class NotPossible(LeaderboardError):
    """What a maintainer wants cannot be done: somebody was first, or a name or a reason does not fit."""


def shown(text: str) -> str:
    """Quote a stranger's text: shortened, with invisible characters spelled out."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")


def unquoted(text: str) -> str:
    """Return a stranger's text like `shown`, without the quotes: for a name within a sentence."""
    return shown(text)[1:-1]


def named(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Return the first of some names for a sentence, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(unquoted, names[:most])) + more


def counted(number: int, thing: str) -> str:
    """Return a number with a noun: `1 row`, `1,200 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def on_one_line(text: str) -> str:
    """Return a text without line breaks and invisible characters, each gap a single space."""
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(visible.split())


def printable(text: str) -> str:
    """Return a text for a terminal without what could change that: anybody may have written parts of it."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


@contextmanager
def exit_on_configuration_error() -> Iterator[None]:
    """Wrap a program's main block: print a configuration error's sentence and exit with status 2."""
    try:
        yield
    except ConfigurationError as error:
        lines = f"Configuration error: {error}".split("\n")
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
        raise SystemExit(2) from None
