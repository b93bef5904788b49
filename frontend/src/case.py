"""A submission as the checks see it: what was filled in, who hands it in, and all that is known beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from src.blocklist import Blocklist
from src.limits import Limits
from src.shared.backend_description import BackendDescription
from src.shared.errors import LeaderboardError, ModelError, ModelIsPrivate, RevisionNotFound
from src.shared.hub_models import NOT_FOUND
from src.shared.model_source import README, ModelFacts, ModelSource
from src.shared.request import ORIGINAL, Request
from src.submitter import ANONYMOUS, Submitter

T = TypeVar("T")

PRECISIONS = ("float16", "bfloat16", "float32")
WEIGHT_TYPES = (ORIGINAL, "Adapter", "Delta")
"""What is offered until the backend has said what it runs."""

MAIN = "main"
UNKNOWN_TYPE = "?"


class Refused(LeaderboardError):
    """A submission breaks a rule; the message says which, and what to do.

    `field` names the field of the form that it is about, if it is about one, and `request` the file of an
    earlier request.
    """

    def __init__(self, message: str, *, field: str = "", request: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.request = request


@dataclass(frozen=True)
class Form:
    """What a submitter filled in."""

    model: str
    base_model: str = ""
    revision: str = MAIN
    precision: str = PRECISIONS[0]
    weight_type: str = ORIGINAL
    model_type: str = UNKNOWN_TYPE
    use_chat_template: bool = False


@dataclass(frozen=True)
class Terms:
    """Who may submit, and how much. `login` is whether the page has a login, `anonymous` whether it can be
    done without.
    """

    anonymous: bool = True
    login: bool = False
    limits: Limits = field(default_factory=Limits)


class Lookup:
    """What the place of the models says of those in a form: asked once, when a check wants to know."""

    def __init__(self, models: ModelSource, form: Form, submitter: Submitter = ANONYMOUS) -> None:
        self._models = models
        self._form = form
        self._submitter = submitter
        self._answers: dict[str, object] = {}

    @property
    def facts(self) -> ModelFacts:
        """Of the model. Raises Refused with the sentence of the ModelError."""
        return self._once("model", lambda: self._models.describe(self._form.model, self._form.revision))

    @property
    def base(self) -> ModelFacts | None:
        """Of the base model: the one that the form names, else the only one that the model itself names.

        None when none is named, and for whole models. Raises Refused likewise.
        """
        if self._form.weight_type == ORIGINAL:
            return None
        of_the_model = self.facts.base_models
        named = self._form.base_model or (of_the_model[0] if len(of_the_model) == 1 else "")
        if not named:
            return None
        return self._once("base_model", lambda: self._models.describe(named, MAIN), named)

    @property
    def card(self) -> str:
        """The text of the model's card; empty when it has none. Raises Refused likewise."""
        facts = self.facts
        if README not in facts.files:
            return ""
        return self._once("card", lambda: self._models.card(facts.name, facts.commit))

    def _once(self, what: str, ask: Callable[[], T], name: str = "") -> T:
        if what not in self._answers:
            try:
                self._answers[what] = ask()
            except ModelError as error:
                self._answers[what] = self._refusal(error, what, name or self._form.model)
        answer = self._answers[what]
        if isinstance(answer, Refused):
            raise answer
        return answer  # type: ignore[return-value]  # it is what `ask` returned

    def _refusal(self, error: ModelError, what: str, name: str) -> Refused:
        """Who does not own a private model learns of it as little as from the Hub itself."""
        if isinstance(error, ModelIsPrivate) and not self._submitter.is_of(name.partition("/")[0]):
            return Refused(NOT_FOUND.format(name), field=what)
        field = "revision" if isinstance(error, RevisionNotFound) else "model" if what == "card" else what
        return Refused(str(error), field=field)


@dataclass(frozen=True)
class Case:
    """What a check may look at: `requests` are all there are, by path, `backend` what the backend says it
    runs, None while it has said nothing.
    """

    form: Form
    lookup: Lookup
    now: datetime
    submitter: Submitter = ANONYMOUS
    terms: Terms = field(default_factory=Terms)
    requests: Mapping[str, Request] = field(default_factory=dict)
    blocked: Blocklist = field(default_factory=Blocklist)
    backend: BackendDescription | None = None

    @property
    def facts(self) -> ModelFacts:
        """What is known of the model; looked up at the first use. Raises Refused."""
        return self.lookup.facts

    @property
    def base(self) -> ModelFacts | None:
        """What is known of the base model, if there is one; looked up at the first use. Raises Refused."""
        return self.lookup.base

    @property
    def parts(self) -> dict[str, ModelFacts]:
        """All whose weights are loaded, by the field that names them: the model and the base model, if there
        is one. Raises Refused.
        """
        return {"model": self.facts} | ({"base_model": self.base} if self.base else {})

    @property
    def precisions(self) -> tuple[str, ...]:
        """What is offered: what the backend runs."""
        return precisions(self.backend)

    @property
    def weight_types(self) -> tuple[str, ...]:
        """What is offered: what the backend runs."""
        return weight_types(self.backend)

    @property
    def earlier(self) -> dict[str, Request]:
        """The requests for the same evaluation; an unknown commit is the same if its revision is."""
        facts, form = self.facts, self.form
        name, revisions = facts.name.casefold(), (form.revision, facts.commit)
        return {
            path: request
            for path, request in self.requests.items()
            if request.model.casefold() == name
            and (request.precision, request.weight_type) == (form.precision, form.weight_type)
            and (request.commit or request.revision)
            in (revisions if request.commit is None else (facts.commit,))
        }


def precisions(backend: BackendDescription | None) -> tuple[str, ...]:
    """The precisions that are offered: those that the backend runs."""
    return (backend.precisions if backend else ()) or PRECISIONS


def weight_types(backend: BackendDescription | None) -> tuple[str, ...]:
    """The weight types that are offered: those that the backend runs."""
    return (backend.weight_types if backend else ()) or WEIGHT_TYPES
