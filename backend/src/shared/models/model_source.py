"""The seam to facts about a model, such as its commit, size and licence, wherever the model is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeVar

from ..data.json_file import as_text, as_texts
from ..data.model_name import is_model_name
from ..errors import CannotBeEvaluated, ModelNotFound

T = TypeVar("T")

README = "README.md"
CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
CHAT_TEMPLATE = "chat_template.jinja"

LONGEST_CARD_BYTES = 100_000
"""How much of a card is read. Strangers write cards, and the beginning is enough."""

LONGEST_FACT = 200
"""Characters of a licence, a class or a tag; the names of models have fewer than 100."""

MOST_BASE_MODELS, MOST_TAGS = 20, 1000
MOST_FILES = 10_000
"""In a model's root folder. The largest models come in some hundreds."""

MOST_PARAMS = 10**15
"""A larger number is a mistake or an attack."""


MERGE, MIXTURE_OF_EXPERTS = "merge", "moe"
"""The Hub's tags for merged models and mixtures of experts."""

KEPT_TAGS = frozenset({MERGE, MIXTURE_OF_EXPERTS})


class Presence(NamedTuple):
    """What the Hub says about a model that is on the leaderboard."""

    is_available: bool
    """Whether everybody can find it."""
    tags: frozenset[str] = frozenset()
    """Which of `KEPT_TAGS` it has."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known about one revision of a model without loading it."""

    name: str
    """The canonical name, whatever spelling was asked for."""
    commit: str
    """40 hexadecimal digits."""
    location: str
    """What transformers loads the model from: an absolute folder, or the model's name on the Hub."""
    params: int | None = None
    """The number of parameters; None if unknown."""
    dtype: str | None = None
    """The type of most weights, in safetensors' words."""
    files: tuple[str, ...] = ()
    """The names of the files in its root folder."""
    license: str = ""
    """The licence in the card, or else the name of one that the card links to."""
    base_models: tuple[str, ...] = ()
    """As the card or the adapter's configuration names them."""
    adapts: str = ""
    """The base model as the adapter's configuration has it from training: a name or a folder."""
    architecture: str | None = None
    needs_remote_code: bool = False
    """Whether its configuration names code of its own."""
    quantization: str | None = None
    """The method by which its weights are quantized, empty if unnamed; None if they are not."""
    has_chat_template: bool = False
    tags: tuple[str, ...] = ()
    gated: bool = False
    likes: int | None = None

    @property
    def is_adapter(self) -> bool:
        """Whether its files are those of an adapter. A delta has the files of a whole model."""
        return ADAPTER_CONFIG in self.files and CONFIG not in self.files


def within_bounds(facts: ModelFacts) -> ModelFacts:
    """Return the facts cut to possible sizes: the model's author wrote them, and we store and show them.

    Raises CannotBeEvaluated if there are too many files.
    """
    if len(facts.files) > MOST_FILES:
        raise CannotBeEvaluated(
            f"{facts.name} has {len(facts.files):,} files in its root folder. The limit is {MOST_FILES:,}: "
            "submit a model with fewer files."
        )
    is_possible = facts.params is not None and 0 < facts.params < MOST_PARAMS
    return replace(
        facts,
        params=facts.params if is_possible else None,
        dtype=facts.dtype[:LONGEST_FACT] if facts.dtype else None,
        license=facts.license[:LONGEST_FACT],
        base_models=_cut(facts.base_models[:MOST_BASE_MODELS]),
        adapts=facts.adapts[:LONGEST_FACT],
        architecture=facts.architecture[:LONGEST_FACT] if facts.architecture else None,
        quantization=facts.quantization[:LONGEST_FACT] if facts.quantization else facts.quantization,
        tags=_cut(facts.tags[:MOST_TAGS]),
    )


def with_base(adapter: ModelFacts, base: ModelFacts) -> ModelFacts:
    """Return an adapter's facts with the number of parameters that are loaded: of both, or None if the base
    model's is unknown. The adapter's own is small.
    """
    return replace(adapter, params=None if base.params is None else base.params + (adapter.params or 0))


def _cut(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text[:LONGEST_FACT] for text in texts)


class ModelSource(Protocol):
    """Where models are looked up."""

    def describe(self, name: str, revision: str) -> ModelFacts:
        """Return the facts of a model at a revision (a branch, a tag or a commit).

        Raises ModelNotFound, RevisionNotFound or another ModelError, with what to do.
        """

    def card(self, name: str, revision: str) -> str:
        """Return the text of the model card at a revision, without its metadata; empty if there is none.

        Raises ModelNotFound, or another ModelError when it cannot be read.
        """


class FirstFound:
    """Several sources, asked in order until one has the model."""

    def __init__(self, *sources: ModelSource) -> None:
        self._sources = sources

    def describe(self, name: str, revision: str) -> ModelFacts:
        """Return the facts from the first source that has the model. Raises as a single source does."""
        return self._first(lambda source: source.describe(name, revision))

    def card(self, name: str, revision: str) -> str:
        """Return the card from the first source that has the model. Raises as a single source does."""
        return self._first(lambda source: source.card(name, revision))

    def _first(self, ask: Callable[[ModelSource], T]) -> T:
        *others, last = self._sources
        for source in others:
            try:
                return ask(source)
            except ModelNotFound:
                continue
        return ask(last)


def in_billions(params: int | None) -> float | None:
    """Return billions as requests have them: three decimals, or three digits if small, so that none is 0."""
    if params is None:
        return None
    return round(params / 1e9, 3) if params >= 1e9 else float(f"{params / 1e9:.3g}")


def quantization_in(config: Mapping[str, object]) -> str | None:
    """Return the quantization method in a config.json: empty if unnamed, None if there is none."""
    found = config.get("quantization_config")
    if not isinstance(found, Mapping):
        return None
    if any(found.get(key) is True for key in ("load_in_4bit", "load_in_8bit")):
        return "bitsandbytes"  # older models name no method
    return as_text(found.get("quant_method"))


def license_in(card: Mapping[str, object]) -> str:
    """Return the licence in a card's metadata: `license`, or a name with a link; empty if neither."""
    stated = ", ".join(as_texts(card.get("license")))
    named = as_text(card.get("license_name")) if card.get("license_link") else ""
    return stated or named


def is_a_note_of(note: str, model: str) -> bool:
    """Return whether an adapter's note of its base model may mean this model.

    Training writes down what it was given: the model's name, perhaps an old one without its owner, or a
    folder of its own machine, which says nothing.
    """
    if not is_model_name(note):
        return True
    return note.casefold() in (model.casefold(), model.casefold().rpartition("/")[2])
