"""Cases for single checks: a form, and facts of its model as a source tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from src.shared.errors import ModelNotFound
from src.shared.models.model_source import ModelFacts
from src.submitting.case import Case
from src.submitting.form import Form
from src.submitting.lookup import Lookup
from src.submitting.submitter import ANONYMOUS, Submitter
from support.factories import CARD_TEXT, COMMIT, MODEL

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)


@dataclass
class Described:
    """A source that knows these models, and counts what it is asked."""

    models: Mapping[str, ModelFacts]
    text: str = CARD_TEXT
    asked: list[str] = field(default_factory=list)

    def describe(self, name: str, revision: str) -> ModelFacts:
        """The facts of a model, whatever the revision."""
        self.asked.append(name)
        if name not in self.models:
            raise ModelNotFound(f"There is no model {name}.")
        return self.models[name]

    def card(self, name: str, revision: str) -> str:
        """The same text for all."""
        return self.text


def make_facts(**changes: Any) -> ModelFacts:
    """A whole model that nothing is wrong with."""
    facts = ModelFacts(
        name=MODEL,
        commit=COMMIT,
        location=MODEL,
        params=200_000_000,
        dtype="F32",
        files=("README.md", "config.json", "model.safetensors"),
        license="mit",
        architecture="LlamaForCausalLM",
    )
    return replace(facts, **changes)


def make_case(
    *,
    facts: ModelFacts | None = None,
    bases: Mapping[str, ModelFacts] | None = None,
    card: str = CARD_TEXT,
    form: Mapping[str, Any] | None = None,
    who: Submitter = ANONYMOUS,
    **changes: Any,
) -> Case:
    """A submission that is accepted."""
    facts = facts or make_facts()
    fields = {"model": facts.name, "precision": "float32", "model_type": "🟢 : pretrained", **(form or {})}
    filled_in = Form(**fields)
    source = Described({facts.name: facts, **(bases or {})}, card)
    return Case(filled_in, Lookup(source, filled_in, who), NOW, who, **changes)
