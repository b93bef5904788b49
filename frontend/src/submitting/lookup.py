"""Lookups of the models in a form, made only when a check needs them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from src.shared.data.request import ORIGINAL
from src.shared.errors import CannotBeEvaluated, ModelError, ModelIsPrivate, ModelNotFound, RevisionNotFound
from src.shared.models.hub_models import NOT_FOUND
from src.shared.models.model_source import README, ModelFacts, ModelSource
from src.submitting.card_text import words
from src.submitting.form import MAIN, Form, Refused
from src.submitting.submitter import ANONYMOUS, Submitter

T = TypeVar("T")

FIELD_OF = {"model": "model", "card": "model", "base_model": "base_model", "other_base": "base_model"}
"""The form's field that each lookup is about."""


class Lookup:
    """Looks up the models of a form once, when a check first needs them.

    `while_asking` is entered while the source is asked.
    """

    def __init__(
        self,
        models: ModelSource,
        form: Form,
        submitter: Submitter = ANONYMOUS,
        *,
        while_asking: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._models = models
        self._form = form
        self._submitter = submitter
        self._while_asking = while_asking
        self._answers: dict[str, object] = {}
        self._card_length: int | None = None

    @property
    def facts(self) -> ModelFacts:
        """The facts of the model. Raises Refused with the sentence of the ModelError."""
        return self._once("model", lambda: self._models.describe(self._form.model, self._form.revision))

    @property
    def base(self) -> ModelFacts | None:
        """The facts of the base model that the form names, or else of the only one that the adapter names.

        None if none is named, and for whole models. Raises Refused too.
        """
        if self._form.weight_type == ORIGINAL:
            return None
        of_the_model = self.facts.base_models
        named = self._form.base_name or (of_the_model[0] if len(of_the_model) == 1 else "")
        if not named:
            return None
        revision = self._form.base_revision
        return self._once("base_model", lambda: self._models.describe(named, revision), named)

    def is_the_base_model(self, name: str) -> bool:
        """Return whether a name is another one of the base model, such as from before it was renamed.

        Raises Refused if the model cannot be asked about now.
        """

        def present_name() -> str | None:
            try:
                return self._models.describe(name, MAIN).name
            except (ModelNotFound, RevisionNotFound, CannotBeEvaluated):
                return None

        found = self._once("other_base", present_name, name)
        return self.base is not None and found == self.base.name

    @property
    def card(self) -> str:
        """The text of the model's card; empty if it has none. Raises Refused too."""
        facts = self.facts
        if README not in facts.files:
            return ""
        return self._once("card", lambda: self._models.card(facts.name, facts.commit))

    @property
    def card_length(self) -> int:
        """The number of characters that people can read in the model's card. Raises Refused too."""
        if self._card_length is None:
            self._card_length = len(words(self.card))
        return self._card_length

    def _once(self, what: str, ask: Callable[[], T], name: str = "") -> T:
        if what not in self._answers:
            try:
                with self._while_asking():
                    self._answers[what] = ask()
            except ModelError as error:
                self._answers[what] = self._refusal(error, what, name or self._form.model)
        answer = self._answers[what]
        if isinstance(answer, Refused):
            raise answer
        return answer  # type: ignore[return-value]  # it is what `ask` returned

    def _refusal(self, error: ModelError, what: str, name: str) -> Refused:
        """Return the refusal. Those who do not own a private model learn no more about it than the Hub tells
        them.
        """
        if isinstance(error, ModelIsPrivate) and not self._submitter.is_of(name.partition("/")[0]):
            return Refused(NOT_FOUND.format(name), field=FIELD_OF[what])
        field = FIELD_OF[what]
        if field == "model" and isinstance(error, RevisionNotFound):
            field = "revision"
        return Refused(str(error), field=field)
