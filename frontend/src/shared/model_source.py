"""The seam to facts about a model: its commit, size, type of weights, licence and so on, wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .errors import ModelNotFound


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known of one revision of a model without loading it.

    `name` is canonical, whatever spelling was asked for; `commit` has 40 hexadecimal digits; `params` is a
    number of parameters and None when unknown; `location` is what transformers loads the model from: an
    absolute folder, or the model's name on the Hub.
    """

    name: str
    commit: str
    location: str
    params: int | None = None
    dtype: str | None = None
    license: str = ""
    base_models: tuple[str, ...] = ()
    architecture: str | None = None
    gated: bool = False
    likes: int | None = None


class ModelSource(Protocol):
    """Where models are looked up."""

    def describe(self, name: str, revision: str) -> ModelFacts:
        """The facts of a model at a revision (a branch, a tag or a commit).

        Raises ModelNotFound, RevisionNotFound, or another ModelError that says what to do.
        """


class FirstFound:
    """Several places, asked in their order until one has the model."""

    def __init__(self, *sources: ModelSource) -> None:
        self._sources = sources

    def describe(self, name: str, revision: str) -> ModelFacts:
        """The facts from the first place that has a model of this name. Raises as a single place does."""
        *others, last = self._sources
        for source in others:
            try:
                return source.describe(name, revision)
            except ModelNotFound:
                continue
        return last.describe(name, revision)
