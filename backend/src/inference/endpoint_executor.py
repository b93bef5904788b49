"""Runs each evaluation against an Inference Endpoint of its own, made before it and deleted after it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event, Lock, Thread

from src.inference.endpoints import EndpointError, Endpoints, Found, NameTaken
from src.inference.market import Market
from src.running.executor import Executor
from src.running.inference import Server
from src.running.job import End, Ending, Job, Progress
from src.shared.data.precision import PRECISIONS
from src.shared.data.request import Phase

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""How often a starting endpoint is asked for its state."""

LOOK_SECONDS = 30.0
"""How often an endpoint is looked at while its model is evaluated: a failed one no longer answers."""

DELETIONS = 3
"""How often it is tried to delete an endpoint before that is left to the sweep of the next tick."""

SECONDS_TO_CLOSE = 60.0

STARTING = ("initializing", "updating", "running")
"""The states in which the hardware is there."""

IDLE = "scaledToZero"
STOPPED, BROKEN_DOWN = ("paused", IDLE), ("failed", "updateFailed")

NEVER_BEGAN = (
    "{hardware} was not free for {minutes:.3g} minutes, so {model} could not be evaluated. If that goes on, "
    "the leaderboard's owner can allow other hardware or regions. The model is not at fault."
)
NEVER_READY = (
    "The server of {model} on {hardware} did not start within {minutes:.3g} minutes. The leaderboard's "
    "owner can allow more time (ENDPOINT_START_MINUTES), and finds its log at https://endpoints.huggingface.co."
)
FAILED_TO_START = (
    "The server of {model} on {hardware} failed to start: {message} Check that vLLM can serve the model."
)
FAILED_LATER = "The Inference Endpoint of {model} failed during the evaluation: {message}"
GONE = (
    "The Inference Endpoint of {model} was stopped or deleted by somebody else, and its evaluation with it. "
    "The model is not at fault."
)
STOPPED_IDLE = (
    "The Hub stopped the Inference Endpoint of {model}, because nobody had called it for a while. The model "
    "is not at fault."
)
OUT_OF_MONEY = (
    "The money that this leaderboard spends in a day is spent, and its datasets cannot be reached, so the "
    "evaluation of {model} was stopped."
)
BROKEN = (
    "The worker could not manage the endpoint of {model}. Its owner can find details in the worker's log."
)


@dataclass
class _Rental:
    """One evaluation with its endpoint."""

    nonce: str
    job: Job
    phase: Phase = Phase.WAITING
    is_evaluating: bool = False
    is_unwanted: Event = field(default_factory=Event)
    thread: Thread | None = None

    @property
    def hardware(self) -> str:
        return self.job.hardware.name if self.job.hardware else ""


@dataclass(frozen=True)
class EndpointTerms:
    """How endpoints are made."""

    image: str
    """The container image of vLLM."""
    args: tuple[str, ...] = ()
    """Further arguments of `vllm serve`."""
    starts_within: timedelta = timedelta(minutes=60)
    """How long it may take until an endpoint answers."""


class EndpointExecutor:
    """An `Executor` around another one, `children`, that runs the evaluation children.

    The endpoint is deleted as soon as the evaluation has ended. If that fails, the sweep does it. `children`
    must call `woken` whenever one of its evaluations ends. `clock` is for intervals, in seconds.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        market: Market,
        terms: EndpointTerms,
        children: Executor,
        *,
        woken: Event,
        on_end: Callable[[], None] = lambda: None,
        poll_seconds: float | None = None,
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoints = endpoints
        self._market = market
        self._terms = terms
        self._children = children
        self._woken = woken
        self._on_end = on_end
        self._poll_seconds = POLL_SECONDS if poll_seconds is None else poll_seconds
        self._look_seconds = look_seconds
        self._clock = clock
        self._lock = Lock()
        self._rentals: dict[str, _Rental] = {}
        self._leaving: list[_Rental] = []
        """Those that have ended and whose endpoints are being deleted."""
        self._endings: dict[str, Ending] = {}

    def start(self, nonce: str, job: Job) -> None:
        """Begin to make the endpoint. Any failure becomes the evaluation's ending."""
        rental = _Rental(nonce, job)
        rental.thread = Thread(target=self._run, args=(rental,), name=f"endpoint of {job.model}", daemon=True)
        with self._lock:
            self._rentals[nonce] = rental
        try:
            rental.thread.start()
        except RuntimeError:  # no more threads can be started
            log.exception("could not begin the evaluation of %s", job.model)
            self._end(rental, Ending(End.WORKER, BROKEN.format(model=job.model)))
            self._leaving.remove(rental)

    def progress(self) -> Mapping[str, Progress | None]:
        """Return what each evaluation does: waiting for hardware, starting, or what its child wrote last."""
        children = self._children.progress()
        with self._lock:
            rentals = dict(self._rentals)
        return {
            nonce: children.get(nonce) if rental.is_evaluating else Progress("", 0, 0, rental.phase)
            for nonce, rental in rentals.items()
        }

    def endings(self) -> Mapping[str, Ending]:
        """Return the evaluations that have ended and are not forgotten yet."""
        with self._lock:
            return dict(self._endings)

    def log(self, nonce: str) -> str:
        """Return what the evaluation's child logged last."""
        return self._children.log(nonce)

    def forget(self, nonce: str) -> None:
        """Drop an ending, or stop the evaluation and delete its endpoint."""
        with self._lock:
            rental = self._rentals.get(nonce)
            self._endings.pop(nonce, None)
        if rental:
            rental.is_unwanted.set()
        else:
            self._children.forget(nonce)
        self._woken.set()

    def close(self) -> None:
        """Stop everything, and wait until the endpoints are deleted."""
        with self._lock:
            rentals = [*self._rentals.values(), *self._leaving]
            for rental in self._rentals.values():
                rental.is_unwanted.set()
        self._woken.set()
        latest = self._clock() + SECONDS_TO_CLOSE
        for rental in rentals:
            if rental.thread:
                rental.thread.join(max(0.0, latest - self._clock()))
        self._children.close()

    def _run(self, rental: _Rental) -> None:
        try:
            ending = self._evaluate(rental)
        except EndpointError as error:
            ending = error.ending
            if ending.end is End.NO_HARDWARE and rental.job.hardware:
                self._market.note_sold_out(rental.job.hardware.id)
        except Exception:
            log.exception("could not manage the endpoint of %s", rental.job.model)
            ending = Ending(End.WORKER, BROKEN.format(model=rental.job.model))
        self._end(rental, ending)
        self._delete(rental)

    def _evaluate(self, rental: _Rental) -> Ending | None:
        """Make the endpoint, wait for it, and evaluate. Return None if nobody wants that any more."""
        began = self._clock()
        self._create(rental)
        found = self._started(rental, began)
        if found is None:
            return None
        self._children.start(rental.nonce, replace(rental.job, server=self._server(rental, found)))
        rental.is_evaluating = True
        looked = self._clock()
        while not rental.is_unwanted.is_set():
            self._woken.clear()
            ending = self._children.endings().get(rental.nonce)
            if ending is not None:
                return self._explained(rental, ending)
            if self._market.is_spent:
                self._children.forget(rental.nonce)
                return Ending(End.STOPPED, OUT_OF_MONEY.format(model=rental.job.model))
            now = self._clock()
            if now - looked > self._look_seconds:
                looked = now
                if broken := self._broken(rental):
                    self._children.forget(rental.nonce)
                    return broken
            self._woken.wait(self._poll_seconds)
        self._children.forget(rental.nonce)
        return None

    def _create(self, rental: _Rental) -> None:
        """Make the endpoint. If it is there, an earlier call made it, whose answer was lost."""
        job, hardware = rental.job, rental.job.hardware
        assert hardware, "no hardware was chosen"
        args = [*server_args(job, hardware.gpus), *self._terms.args]
        with suppress(NameTaken):
            self._endpoints.create(rental.nonce, job, hardware, image=self._terms.image, args=args)
        log.info("renting %s in %s for %s", hardware.name, hardware.region, job.model)

    def _started(self, rental: _Rental, began: float) -> Found | None:
        """Wait until the endpoint answers. Return None if nobody wants it any more. Raises EndpointError."""
        within = self._terms.starts_within.total_seconds()
        while not rental.is_unwanted.is_set():
            found = self._look(rental)
            if found and found.state == "running" and found.url:
                return found
            if found and found.state in STARTING:
                rental.phase = Phase.STARTING
            if self._clock() - began > within:
                raise EndpointError(self._late(rental))
            if self._market.is_spent:
                raise EndpointError(Ending(End.STOPPED, OUT_OF_MONEY.format(model=rental.job.model)))
            rental.is_unwanted.wait(self._poll_seconds)
        return None

    def _look(self, rental: _Rental) -> Found | None:
        """Return the endpoint; None if the Hub did not answer. Raises EndpointError if it will never run."""
        try:
            found = self._endpoints.find(rental.nonce)
        except EndpointError as error:
            if error.ending.end is not End.UNREACHABLE:
                raise
            log.warning("%s", error)
            return None
        model = rental.job.model
        if found is None or found.state in STOPPED:
            raise EndpointError(gone(model, found))
        if found.state in BROKEN_DOWN:
            names = {"model": model, "hardware": rental.hardware, "message": ended(found.message)}
            raise EndpointError(Ending(End.CRASHED, FAILED_TO_START.format(**names)))
        return found

    def _late(self, rental: _Rental) -> Ending:
        minutes = self._terms.starts_within / timedelta(minutes=1)
        names = {"hardware": rental.hardware, "minutes": minutes, "model": rental.job.model}
        if rental.phase is Phase.WAITING:
            return Ending(End.NO_HARDWARE, NEVER_BEGAN.format(**names))
        return Ending(End.STUCK, NEVER_READY.format(**names))

    def _server(self, rental: _Rental, found: Found) -> Server:
        hardware = rental.job.hardware
        assert hardware and found.url
        return Server(
            url=f"{found.url.rstrip('/')}/v1",
            model=served_name(rental.job),
            is_exact=True,
            image=self._terms.image,
            hardware=hardware.name,
            region=f"{hardware.vendor} {hardware.region}",
            price=hardware.price,
        )

    def _explained(self, rental: _Rental, ending: Ending) -> Ending:
        """Return the ending of a child, with what the Hub says if the server stopped answering."""
        broken = self._broken(rental) if ending.end is End.UNREACHABLE else None
        return replace(ending, end=broken.end, message=broken.message) if broken else ending

    def _broken(self, rental: _Rental) -> Ending | None:
        """Return what became of an endpoint that no longer runs; None if it runs, or the Hub does not say."""
        try:
            found = self._endpoints.find(rental.nonce)
        except EndpointError:
            return None
        model = rental.job.model
        if found is None or found.state in STOPPED:
            return gone(model, found)
        if found.state in BROKEN_DOWN:
            return Ending(End.CRASHED, FAILED_LATER.format(model=model, message=ended(found.message)))
        return None

    def _delete(self, rental: _Rental) -> None:
        for _ in range(DELETIONS):
            try:
                self._endpoints.delete(rental.nonce)
            except EndpointError as error:
                name = self._endpoints.name(rental.nonce)
                log.warning("could not delete the endpoint %s: %s", name, error)
            else:
                break
        with self._lock:
            self._leaving.remove(rental)
        self._on_end()

    def _end(self, rental: _Rental, ending: Ending | None) -> None:
        with self._lock:
            del self._rentals[rental.nonce]
            self._leaving.append(rental)
            if ending is not None and not rental.is_unwanted.is_set():
                self._endings[rental.nonce] = ending
        if rental.is_unwanted.is_set():
            self._children.forget(rental.nonce)
        self._on_end()


def gone(model: str, found: Found | None) -> Ending:
    """Return the ending of an evaluation whose endpoint nobody here stopped."""
    is_idle = found is not None and found.state == IDLE
    return Ending(End.UNREACHABLE, (STOPPED_IDLE if is_idle else GONE).format(model=model))


def server_args(job: Job, gpus: int) -> list[str]:
    """Return the arguments of `vllm serve` that make it answer as the model does by itself.

    The name that it serves includes the commit, so that its answers prove which one it loaded. Without
    `--generation-config vllm` it would apply sampling settings of the model's repository. Without a maximum
    length it would not start where the memory has no room for the model's whole context.
    """
    args = ["--served-model-name", served_name(job), "--generation-config", "vllm"]
    args += ["--load-format", "safetensors"]
    args += ["--dtype", job.precision if job.precision in PRECISIONS else "auto"]
    args += ["--max-model-len", "auto" if job.max_length is None else str(job.max_length)]
    return [*args, "--tensor-parallel-size", str(gpus)] if gpus > 1 else args


def served_name(job: Job) -> str:
    """Return the name under which an endpoint serves a job's model."""
    return f"{job.model}@{job.commit}"


def ended(message: str) -> str:
    """Return what the Hub says, as a sentence."""
    text = message or "The Hub does not say why."
    return text if text.endswith((".", "!", "?")) else f"{text}."
