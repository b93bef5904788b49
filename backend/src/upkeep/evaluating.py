"""Evaluates one model for a command, in a child with the limits of a worker's, and returns its scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from threading import Event

from src.parts import make_executor, make_hosting, samples_store
from src.queue.lifecycle import LeaseTerms, claim
from src.queue.requested_models import RequestedModels
from src.queue.samples import SamplesPublisher
from src.queue.validation import validated
from src.running.child_environment import clean_environment
from src.running.identity import WorkerIdentity
from src.running.inference import Inference
from src.running.job import Ending
from src.running.launchers import ProgramLauncher
from src.running.memory import available_memory
from src.settings import Settings
from src.shared.data.precision import weights_in_gb
from src.shared.data.reports import read_result
from src.shared.data.request import ORIGINAL, Request, Status
from src.shared.errors import ConfigurationError, LeaderboardError, NotPossible, StoreError, named
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Store
from src.shared.times import to_text, utc_now
from src.shared.wiring import Stores
from src.suite.from_settings import make_suite
from src.upkeep.its_request import with_facts
from src.upkeep.published_by_hand import ByHand, report_file
from src.upkeep.score_table import groups_in, score_table
from src.upkeep.shown_progress import Shown
from src.upkeep.tried_suite import try_the_suite

POLL_SECONDS = 0.2
LOG = "log-of-the-last-evaluation.txt"

NO_ENDPOINTS = (
    "INFERENCE is `endpoint`, but endpoints are rented only for requests in the queue, where their cost is "
    "counted and none is left running. Submit the model, or set INFERENCE to `local` for this command."
)
TOO_LARGE = (
    "The weights of {} take {:,.1f} GB, and this machine evaluates at most {:,.1f} GB. Run the command on a "
    "larger machine, or set MAX_MODEL_GB."
)
NOT_ON_THE_SERVER = "The server in INFERENCE has no model {}. Start it with this model, or name another one."
COMPLETED = (
    "{} had been evaluated by hand, but its request was left unfinished. It is now FINISHED, with {}. "
    "To evaluate the model again, run the command again."
)
FAILED = "{} could not be evaluated: {}"


@dataclass(frozen=True)
class Asked:
    """The evaluation that the command line asks for."""

    model: str
    revision: str = "main"
    precision: str = "float16"
    weight_type: str = ORIGINAL
    base_model: str = ""
    """Of an adapter."""
    base_revision: str = "main"
    use_chat_template: bool = False


class Failed(LeaderboardError):
    """The evaluation ended without scores. The message is the sentence that a submitter would read."""

    def __init__(self, message: str, log: Path) -> None:
        super().__init__(f"{message}\nIts log is in {log}.")


class Evaluator:
    """Evaluates models here, one after the other. `say` prints what happens meanwhile."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        identity: WorkerIdentity,
        *,
        say: Callable[[str], None],
        shown: Shown,
    ) -> None:
        """Prepare what evaluations need. Raises ConfigurationError."""
        self._settings, self._stores, self._identity = settings, stores, identity
        self._say, self._shown = say, shown
        self._suite = make_suite(settings)
        if self._suite.inference is Inference.ENDPOINT:
            raise ConfigurationError(NO_ENDPOINTS)
        memory = settings.memory_per_evaluation(available_memory())
        self._most_gb = settings.largest_model(memory)
        self._hosting = make_hosting(settings)
        self._models = RequestedModels(stores.models, self._suite, stores.results)
        self._launcher = ProgramLauncher(clean_environment(identity.folder, settings.hf_read_token))
        self._ended = Event()
        self.publishes = False
        """Whether it has begun to write to the datasets."""
        self._executor = make_executor(
            settings, memory, identity.folder, self._launcher, self._ended.set, self._hosting
        )

    def run(self, asked: Asked) -> list[str]:
        """Evaluate a model, and return the table of its scores. Nothing is published.

        Raises Failed, ConfigurationError for problems of the suite, and other errors with what to do.
        """
        wanted = self._look_up(asked)
        self._try_the_suite(self._results_if_readable(), announce=False)
        assert wanted.commit
        running = claim(
            wanted,
            worker=self._identity.worker,
            nonce=token_hex(8),
            terms=LeaseTerms(),
            now=utc_now(),
            commit=wanted.commit,
            taken_runs=(),
        )
        return self._table(self._evaluate(running), running, "")

    def run_and_publish(self, asked: Asked, who: str | None) -> list[str]:
        """Evaluate a model, publish the result with a finished request, and return what to print.

        Raises as `run` does, and NotPossible if somebody was faster or the model is not wanted here.
        """
        wanted = replace(self._look_up(asked), submitted_time=to_text(utc_now()), submitted_by=who)
        by_hand = ByHand(
            self._stores,
            self._suite,
            who=who,
            worker=self._identity.worker,
            say=self._say,
            samples=SamplesPublisher(self._suite.tasks, samples_store(self._settings)),
        )
        place = by_hand.look(wanted)
        if place.left:
            self.publishes = True
            request = by_hand.complete(wanted, place)
            return [COMPLETED.format(request.model, request.result)]
        self._try_the_suite(self._stores.results, announce=True)
        running = by_hand.claimed(wanted, place, nonce=token_hex(8), started=utc_now())
        ending = self._evaluate(running)
        table = self._table(ending, running, place.path)
        self.publishes = True
        request = by_hand.publish(running, place, ending)
        return [*table, "", f"Published {request.result}, and finished {place.path}."]

    def close(self) -> None:
        """Stop the evaluation, if one runs, and remove what it left."""
        self._shown.close()
        self._executor.close()
        self._launcher.close()

    def _look_up(self, asked: Asked) -> Request:
        """Return the request for what was asked. Raises ModelError, and NotPossible if it is too large."""
        base = (
            self._stores.models.describe(asked.base_model, asked.base_revision) if asked.base_model else None
        )
        draft = Request(
            model=asked.model,
            base_model=base.name if base else "",
            base_commit=base.commit if base else None,
            revision=asked.revision,
            precision=asked.precision,
            weight_type=asked.weight_type,
            status=Status.PENDING,
            use_chat_template=asked.use_chat_template,
        )
        wanted = with_facts(draft, self._models.look_up(draft), base)
        self._models.look_up(wanted)  # under its present name
        size = weights_in_gb(wanted.params, wanted.precision)
        if size is not None and self._most_gb is not None and size > self._most_gb:
            raise NotPossible(TOO_LARGE.format(wanted.model, size, self._most_gb))
        self._hosting.refresh()
        if problem := next(iter(self._hosting.problems), None):
            raise NotPossible(problem)
        if self._hosting.served and not self._hosting.served.has(wanted.model, wanted.commit):
            raise NotPossible(NOT_ON_THE_SERVER.format(wanted.model))
        return wanted

    def _results_if_readable(self) -> Store:
        """Return the results dataset, or an empty one if there is none: then the suite is tried anew."""
        try:
            self._stores.results.snapshot()
        except StoreError:
            return FolderStore(self._identity.folder / "no-results")
        return self._stores.results

    def _try_the_suite(self, results: Store, *, announce: bool) -> None:
        try_the_suite(
            self._settings,
            self._suite,
            results,
            folder=self._identity.folder,
            launcher=self._launcher,
            say=self._say,
            announce=announce,
            max_model_gb=self._most_gb,
        )

    def _evaluate(self, running: Request) -> Ending:
        """Run the child to its end. Raises Failed if it left no scores."""
        assert running.lease
        nonce = running.lease.nonce
        self._say(
            f"Evaluating {running.model} at {(running.commit or '')[:8]} on {named(self._suite.tasks)}."
        )
        self._executor.start(nonce, self._models.job(running))
        while nonce not in self._executor.endings():
            self._ended.wait(POLL_SECONDS)
            progress = self._executor.progress().get(nonce)
            if progress and progress.task:
                self._shown.show(progress)
        self._shown.close()
        ending = validated(self._executor.endings()[nonce], self._suite.tasks)
        if ending.report is None:
            log = self._identity.folder / LOG
            log.write_bytes(ending.log)
            raise Failed(FAILED.format(running.model, ending.message or ending.end), log)
        return ending

    def _table(self, ending: Ending, running: Request, path: str) -> list[str]:
        """Return the scores as the page will read them."""
        assert ending.report is not None
        data = report_file(ending, running, path, self._suite, now=utc_now())
        return score_table(read_result(path, data), self._suite.tasks, groups_in(ending.report))
