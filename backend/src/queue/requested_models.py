"""The models of requests: looked up before a claim, and turned into the jobs of evaluations."""

from __future__ import annotations

from src.queue.weight_types import base_of, has_weights_that_are_evaluated
from src.running.inference import Hardware
from src.running.job import BaseModel, Job
from src.running.suite import Suite
from src.shared.data.names import is_data_path, is_safe_path, result_path
from src.shared.data.request import ADAPTER, Request
from src.shared.errors import CannotBeEvaluated
from src.shared.models.model_source import ModelFacts, ModelSource, with_base
from src.shared.stores.store import Store

MAIN = "main"

LONGEST_RUN = "2026-01-31T12-00-00.000000"


class RequestedModels:
    """Looks up the models of requests, each at most once until `forget` is called."""

    def __init__(self, models: ModelSource, suite: Suite, results: Store) -> None:
        self._models = models
        self._suite = suite
        self._results = results
        self._facts: dict[tuple[str, str], ModelFacts] = {}

    def forget(self) -> None:
        """Look everything up again from here on."""
        self._facts.clear()

    def look_up(self, request: Request) -> ModelFacts:
        """Look up a model. Its revision gives the commit of an old request.

        Of an adapter, look up the base model too: the number of parameters is that of both. Raises ModelError
        with a sentence for the submitter.
        """
        has_weights_that_are_evaluated(request, self._suite)
        place = result_path(request.model, LONGEST_RUN)
        if not is_safe_path(place) or not is_data_path(place):
            raise CannotBeEvaluated(
                f"{request.model!r} cannot be the name of a folder in {self._results}: rename the model."
            )
        base = self._describe(*base_of(request)) if request.weight_type == ADAPTER else None
        facts = self._describe(request.model, request.commit or request.revision or MAIN)
        return with_base(facts, base) if base else facts

    def job(self, request: Request, hardware: Hardware | None = None) -> Job:
        """Return the job of a request whose model was looked up, and which has been claimed."""
        assert request.commit
        return Job(
            model=request.model,
            weights=self._facts[request.model, request.commit].location,
            commit=request.commit,
            precision=request.precision,
            base=self._base_model(request) if request.weight_type == ADAPTER else None,
            use_chat_template=request.use_chat_template,
            run=request.run,
            hardware=hardware,
            **{**vars(self._suite), "tasks": request.tasks_among(self._suite.tasks)},
        )

    def _base_model(self, request: Request) -> BaseModel:
        """Return the base model of an adapter, as it was looked up before the claim."""
        facts = self._facts[base_of(request)]
        return BaseModel(model=request.base_model, weights=facts.location, commit=facts.commit)

    def _describe(self, model: str, revision: str) -> ModelFacts:
        if (model, revision) not in self._facts:
            facts = self._models.describe(model, revision)
            self._facts |= {(model, revision): facts, (model, facts.commit): facts}
        return self._facts[model, revision]
