"""The rows of a board as reruns see them: what was computed at the newest commit, and all their requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ..data.backend_description import BackendDescription
from ..data.grouping import Known, RowKey, by_commit, grouped, newest_commit, standing
from ..data.provenance import COMMIT
from ..data.request import Request
from ..data.result import Result
from ..errors import NotPossible, named
from ..stores.mirror import Reading
from .acts import Moderation
from .blocklist import Blocklist, with_acts

NO_MODEL = "No result of {} is on this leaderboard: check the name."


@dataclass(frozen=True)
class Records:
    """The datasets at one moment, as far as reruns depend on them."""

    requests: Reading[Request]
    results: Reading[Result]
    description: BackendDescription
    moderation: Moderation = field(default_factory=Moderation)
    blocked: Blocklist = field(default_factory=Blocklist)

    @cached_property
    def kept_out(self) -> Blocklist:
        """What the owner's own list and maintainers hide, or keep from submissions."""
        return with_acts(self.blocked, self.moderation)


class Row(NamedTuple):
    """A row, and what its request is chosen from."""

    key: RowKey
    group: Sequence[Known]
    """Its results at its newest commit, the oldest first."""
    newest: str | None
    requests: Mapping[str, Request]
    """All requests of this model, precision, weight type and chat template, by path."""

    @property
    def result(self) -> Result:
        """Its newest result."""
        return self.group[-1].result

    @property
    def commit(self) -> str | None:
        """The newest commit, if a model can be loaded at it."""
        return self.newest if self.newest and COMMIT.fullmatch(self.newest) else None

    @property
    def kind(self) -> str:
        """How it is evaluated, in words."""
        template = ", with its chat template" if self.key.use_chat_template else ""
        return f"{self.key.precision}, {self.key.weight_type}{template}"


def rows_of(records: Records, models: Collection[str]) -> Iterator[Row]:
    """Yield the rows of these models, or of all. Raises NotPossible for a model that has none.

    What began before a model was removed is in no row.
    """
    requests, moderation = records.requests.values, records.moderation
    results = [
        result
        for result in standing(records.results.values.values(), requests)
        if not moderation.is_of_before_a_removal(result.model, result.began)
    ]
    chosen = _of_the_models(models, grouped(results, requests))
    asked = _by_row(requests)
    for key, group in sorted(chosen.items()):
        newest = newest_commit(group)
        yield Row(key, by_commit(group)[newest], newest, asked.get(key, {}))


def _of_the_models(
    models: Collection[str], groups: Mapping[RowKey, list[Known]]
) -> Mapping[RowKey, list[Known]]:
    there = {key.model for key in groups}
    if unknown := [model for model in models if model.casefold() not in there]:
        raise NotPossible(NO_MODEL.format(named(unknown)))
    chosen = {model.casefold() for model in models}
    return {key: group for key, group in groups.items() if not chosen or key.model in chosen}


def _by_row(requests: Mapping[str, Request]) -> dict[RowKey, dict[str, Request]]:
    found: dict[RowKey, dict[str, Request]] = defaultdict(dict)
    for path, each in requests.items():
        key = RowKey(each.model.casefold(), each.precision, each.weight_type, each.use_chat_template)
        found[key][path] = each
    return found
