"""The seam to facts about a model: its commit, size, type of weights, licence and so on, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from .errors import ModelNotFound
from .json_file import as_text, as_texts

T = TypeVar("T")

README = "README.md"
CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
CHAT_TEMPLATE = "chat_template.jinja"


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known of one revision of a model without loading it.

    `name` is canonical, whatever spelling was asked for; `commit` has 40 hexadecimal digits; `params` is a
    number of parameters and None when unknown; `location` is what transformers loads the model from: an
    absolute folder, or the model's name on the Hub. `files` are those of its root folder. `license` is what
    the card says, else the name of one that the card also links to. `base_models` are named by the card or by
    the adapter's configuration. `needs_remote_code` is whether its configuration names code of its own.
    """

    name: str
    commit: str
    location: str
    params: int | None = None
    dtype: str | None = None
    files: tuple[str, ...] = ()
    license: str = ""
    base_models: tuple[str, ...] = ()
    architecture: str | None = None
    needs_remote_code: bool = False
    has_chat_template: bool = False
    tags: tuple[str, ...] = ()
    gated: bool = False
    likes: int | None = None

    @property
    def is_adapter(self) -> bool:
        """Whether its files are those of an adapter. A delta looks like a whole model."""
        return ADAPTER_CONFIG in self.files and CONFIG not in self.files


class ModelSource(Protocol):
    """Where models are looked up."""

    def describe(self, name: str, revision: str) -> ModelFacts:
        """The facts of a model at a revision (a branch, a tag or a commit).

        Raises ModelNotFound, RevisionNotFound, or another ModelError that says what to do.
        """

    def card(self, name: str, revision: str) -> str:
        """The text of the model card at a revision, without its metadata; empty when there is none.

        Raises ModelNotFound, or another ModelError when it cannot be read.
        """


class FirstFound:
    """Several places, asked in their order until one has the model."""

    def __init__(self, *sources: ModelSource) -> None:
        self._sources = sources

    def describe(self, name: str, revision: str) -> ModelFacts:
        """The facts from the first place that has a model of this name. Raises as a single place does."""
        return self._first(lambda source: source.describe(name, revision))

    def card(self, name: str, revision: str) -> str:
        """The card from the first place that has a model of this name. Raises as a single place does."""
        return self._first(lambda source: source.card(name, revision))

    def _first(self, ask: Callable[[ModelSource], T]) -> T:
        *others, last = self._sources
        for source in others:
            try:
                return ask(source)
            except ModelNotFound:
                continue
        return ask(last)


def license_in(card: Mapping[str, object]) -> str:
    """The licence that a card's metadata state: `license`, or a name and a link; empty when neither."""
    stated = ", ".join(as_texts(card.get("license")))
    named = as_text(card.get("license_name")) if card.get("license_link") else ""
    return stated or named
