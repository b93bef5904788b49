"""A submission as the checks see it: what was filled in, who hands it in, and all that is known beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from src.shared.data.backend_description import BackendDescription
from src.shared.data.names import request_path
from src.shared.data.request import Request
from src.shared.models.model_source import ModelFacts
from src.submitting.blocklist import Blocklist
from src.submitting.form import Form, precisions, weight_types
from src.submitting.limits import Limits
from src.submitting.lookup import Lookup
from src.submitting.submitter import ANONYMOUS, Submitter


@dataclass(frozen=True)
class Terms:
    """Who may submit, and how much. `login` is whether the page has a login, `anonymous` whether it can be
    done without.
    """

    anonymous: bool = True
    login: bool = False
    limits: Limits = field(default_factory=Limits)


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
    def path(self) -> str:
        """Where its request lies, unless there is one already. Raises Refused."""
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
        asked = (form.precision, form.weight_type, form.use_chat_template)
        return {
            path: request
            for path, request in self.requests.items()
            if request.model.casefold() == name
            and (request.precision, request.weight_type, request.use_chat_template) == asked
            and (request.commit or request.revision)
            in (revisions if request.commit is None else (facts.commit,))
        }
