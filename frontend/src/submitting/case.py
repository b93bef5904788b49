"""A submission as the checks see it: the form, the submitter, and everything else that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from src.shared.data.backend_description import BackendDescription
from src.shared.data.names import request_path
from src.shared.data.request import Request
from src.shared.models.model_source import ModelFacts, with_base
from src.shared.moderation.blocklist import Blocklist
from src.submitting.form import Form, precisions, weight_types
from src.submitting.limits import Terms
from src.submitting.lookup import Lookup
from src.submitting.submitter import ANONYMOUS, Submitter


@dataclass(frozen=True)
class Case:
    """What a check may use."""

    form: Form
    lookup: Lookup
    now: datetime
    submitter: Submitter = ANONYMOUS
    terms: Terms = field(default_factory=Terms)
    requests: Mapping[str, Request] = field(default_factory=dict)
    """All requests, by path."""
    blocked: Blocklist = field(default_factory=Blocklist)
    backend: BackendDescription | None = None
    """What the backend runs; None until it has published a description."""

    @property
    def facts(self) -> ModelFacts:
        """The facts of the model, looked up on first use. Raises Refused."""
        return self.lookup.facts

    @property
    def base(self) -> ModelFacts | None:
        """The facts of the base model, if there is one, looked up on first use. Raises Refused."""
        return self.lookup.base

    @property
    def parts(self) -> dict[str, ModelFacts]:
        """The models whose weights are loaded, by the form's field: the model, and the base model if any.

        Raises Refused.
        """
        return {"model": self.facts} | ({"base_model": self.base} if self.base else {})

    @property
    def params(self) -> int | None:
        """The number of parameters that are loaded: of the model, or of an adapter and its base model.

        None if it is unknown. Raises Refused.
        """
        return (with_base(self.facts, self.base) if self.base else self.facts).params

    @property
    def path(self) -> str:
        """The path of its request, unless there is one already. Raises Refused."""
        return request_path(
            self.facts.name,
            private=False,
            precision=self.form.precision,
            weight_type=self.form.weight_type,
            commit=self.facts.commit,
            use_chat_template=self.form.use_chat_template,
        )

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions on offer: those that the backend runs."""
        return precisions(self.backend)

    @property
    def weight_types(self) -> tuple[str, ...]:
        """The weight types on offer: those that the backend runs."""
        return weight_types(self.backend)

    @property
    def earlier(self) -> dict[str, Request]:
        """The requests for the same evaluation. If a request has no commit, its revision is compared."""
        facts, form = self.facts, self.form
        name, revisions = facts.name.casefold(), (form.revision, facts.commit)
        asked = (form.precision, form.weight_type, form.use_chat_template)
        return {
            path: request
            for path, request in self.requests.items()
            if request.model.casefold() == name
            and (request.precision, request.weight_type, request.use_chat_template) == asked
            and (request.commit or request.revision)
            in (revisions if request.commit is None else (facts.commit,))
        }
