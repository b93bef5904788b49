"""The Inference Endpoints of a Hub: real servers over small models, their troubles, and what they cost.

hub.endpoints.all                                    # every endpoint that ever was, with its history
hub.endpoints.of("acme")                             # those of a namespace that are not deleted
hub.endpoints.add("acme", "by-hand")                 # one that somebody else made; it has no server
hub.endpoints.trouble_next(Trouble.SOLD_OUT)         # the next one never leaves `pending`
hub.endpoints.release("acme", "name")                # now it does
hub.endpoints.tell_next("die_after", answers=10)     # what the next server is told at once (openai_server)
hub.endpoints.tell("acme", "name", "seen")           # the same for a server that runs
hub.endpoints.can_pay = False                        # creating one answers 402
hub.endpoints.quotas["nvidia-l4"] = 0                # creating one answers 409: `Conflict: Quota exceeded`
hub.endpoints.pretends = True                        # servers without torch, which start at once
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import RLock, Thread
from typing import Any

from support.openai_server.process import end, start_server, told

from .endpoint_hardware import COMPUTES, Compute
from .refusals import AlreadyExists, NotFound

Files = Callable[[], Mapping[str, bytes]]
"""Reads the files of the model that is to be served."""
QUOTA = 8
"""How many accelerators of a kind a namespace may have, unless `quotas` says otherwise."""


class State(StrEnum):
    """What the Hub calls the states of an endpoint."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    SCALED_TO_ZERO = "scaledToZero"


BILLED = (State.INITIALIZING, State.RUNNING)
"""The states that cost money, as the Hub's page on pricing says."""

MESSAGES = {
    State.PENDING: "Endpoint waiting to be scheduled",
    State.INITIALIZING: "Endpoint is initializing",
    State.RUNNING: "Endpoint is ready",
    State.PAUSED: "Endpoint is paused",
    State.FAILED: "Endpoint failed to deploy",
    State.SCALED_TO_ZERO: "Endpoint is scaled to zero",
}

FAILED = "Endpoint failed to start. Exit code: 1. Reason: Error"


class Trouble(StrEnum):
    """What goes wrong with an endpoint that was created."""

    SOLD_OUT = "sold out"
    """It stays pending: there is no such machine at the moment."""
    STUCK = "stuck"
    """It stays initializing."""
    FAILING = "failing"
    """It fails, with a message."""


@dataclass
class InferenceEndpoint:
    """An endpoint, and what became of it. `body` is what its creator sent."""

    namespace: str
    name: str
    body: Mapping[str, Any]
    creator: str
    compute: Compute | None = None
    history: list[tuple[State, datetime]] = field(default_factory=list)
    deleted: datetime | None = None
    message: str = ""
    url: str | None = None
    server: subprocess.Popen[str] | None = field(default=None, repr=False)
    held: Callable[[], None] | None = field(default=None, repr=False)
    """Lets it go on, if trouble holds it."""

    @property
    def state(self) -> State:
        """The state now, or at the end."""
        return self.history[-1][0]

    @property
    def created(self) -> datetime:
        """When it was created."""
        return self.history[0][1]

    @property
    def updated(self) -> datetime:
        """When its state changed."""
        return self.history[-1][1]

    @property
    def billed(self) -> timedelta:
        """For how long it cost money."""
        times = [*(at for _, at in self.history[1:]), self.deleted or _now()]
        spans = zip(self.history, times, strict=True)
        return sum((until - at for (state, at), until in spans if state in BILLED), timedelta())

    @property
    def dollars(self) -> float:
        """What it has cost."""
        return self.compute.price * self.billed / timedelta(hours=1) if self.compute else 0.0

    def enter(self, state: State, message: str | None = None) -> None:
        """Change the state."""
        self.history.append((state, _now()))
        self.message = message or MESSAGES[state]


@dataclass
class InferenceEndpoints:
    """All endpoints of a Hub. Tests, calls and servers that start use it from several threads."""

    all: list[InferenceEndpoint] = field(default_factory=list)
    can_pay: bool = True
    quotas: dict[str, int] = field(default_factory=dict)
    """How many accelerators of an instance type a namespace may have."""
    pretends: bool = False
    _troubles: deque[Trouble | None] = field(default_factory=deque)
    _orders: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _threads: list[Thread] = field(default_factory=list, repr=False)
    _lock: RLock = field(default_factory=RLock, repr=False)

    def of(self, namespace: str) -> list[InferenceEndpoint]:
        """The endpoints of a namespace that are not deleted."""
        with self._lock:
            return [each for each in self.all if each.namespace == namespace and not each.deleted]

    def get(self, namespace: str, name: str) -> InferenceEndpoint:
        """One of them. Raises NotFound."""
        found = next((each for each in self.of(namespace) if each.name == name), None)
        if found is None:
            raise NotFound(f"Not Found: endpoint {namespace}/{name} not found")
        return found

    def used(self, namespace: str, instance_type: str) -> int:
        """How many accelerators of an instance type a namespace's endpoints have."""
        computes = [each.compute for each in self.of(namespace) if each.state in (State.PENDING, *BILLED)]
        return sum(each.accelerators for each in computes if each and each.instance_type == instance_type)

    def quota(self, instance_type: str) -> int:
        """How many it may have."""
        return self.quotas.get(instance_type, QUOTA)

    def trouble_next(self, trouble: Trouble | str | None, *, times: int = 1) -> None:
        """Let something go wrong with the next endpoints."""
        self._troubles += [None if trouble is None else Trouble(trouble)] * times

    def tell_next(self, command: str, **arguments: Any) -> None:
        """Give a command to each server that starts from now on, before anybody has its address."""
        self._orders.append((command, arguments))

    def stop_troubles(self) -> None:
        """From now on endpoints start as they should, and their servers are told nothing."""
        self._troubles.clear()
        self._orders.clear()

    def tell(self, namespace: str, name: str, command: str, **arguments: Any) -> Any:
        """Give a command to the server of an endpoint that runs (`support.openai_server.app.COMMANDS`)."""
        url = self.get(namespace, name).url
        assert url, f"{namespace}/{name} does not run"
        return told(url, command, **arguments)

    def create(self, endpoint: InferenceEndpoint) -> None:
        """Keep a new endpoint, which waits for its start. Raises AlreadyExists."""
        with self._lock:
            self._keep(endpoint, State.PENDING)

    def start(self, endpoint: InferenceEndpoint, files: Files, environment: Mapping[str, str]) -> None:
        """Start the server of an endpoint that waits for it, with the trouble that is due."""
        with self._lock:
            trouble = self._troubles.popleft() if self._troubles else None
            orders = list(self._orders)

        def run(trouble: Trouble | None) -> None:
            arguments = (endpoint, trouble, files, environment, orders)
            thread = Thread(target=self._run, args=arguments, name=f"endpoint {endpoint.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

        endpoint.held = (lambda: run(None)) if trouble in (Trouble.SOLD_OUT, Trouble.STUCK) else None
        if trouble != Trouble.SOLD_OUT:
            run(trouble)

    def release(self, namespace: str, name: str) -> None:
        """Let an endpoint go on that is sold out or stuck. Raises NotFound."""
        endpoint = self.get(namespace, name)
        assert endpoint.held, f"{namespace}/{name} is not held"
        endpoint.held()
        endpoint.held = None

    def add(
        self,
        namespace: str,
        name: str,
        *,
        state: str = State.RUNNING,
        compute: Compute = COMPUTES[0],
        age: timedelta = timedelta(),
        repository: str = "gpt2",
    ) -> InferenceEndpoint:
        """An endpoint that somebody made in another way, so long ago. It has no server."""
        body = {
            "name": name,
            "type": "authenticated",
            "provider": {"vendor": compute.vendor, "region": compute.region},
            "compute": {
                "accelerator": compute.accelerator,
                "instanceType": compute.instance_type,
                "instanceSize": f"x{compute.size}",
                "scaling": {"minReplica": 0, "maxReplica": 1, "scaleToZeroTimeout": None},
            },
            "model": {
                "repository": repository,
                "revision": None,
                "framework": "pytorch",
                "task": "text-generation",
                "image": {"huggingface": {}},
            },
        }
        endpoint = InferenceEndpoint(namespace, name, body, creator="somebody", compute=compute)
        with self._lock:
            self._keep(endpoint, State(state), _now() - age)
        return endpoint

    def delete(self, namespace: str, name: str) -> None:
        """Delete an endpoint, and end its server. Raises NotFound."""
        with self._lock:
            endpoint = self.get(namespace, name)
            endpoint.deleted = _now()
        self._stop(endpoint)

    def rest(self, namespace: str, name: str, state: State) -> InferenceEndpoint:
        """Pause an endpoint, or scale it to zero: it has no server any more. Raises NotFound."""
        with self._lock:
            endpoint = self.get(namespace, name)
            endpoint.enter(state)
            endpoint.url = None
        self._stop(endpoint)
        return endpoint

    def close(self) -> None:
        """End all servers."""
        with self._lock:
            for endpoint in self.all:
                endpoint.deleted = endpoint.deleted or _now()
        for endpoint in self.all:
            self._stop(endpoint)
        for thread in self._threads:
            thread.join()

    def _keep(self, endpoint: InferenceEndpoint, state: State, at: datetime | None = None) -> None:
        if any(each.name == endpoint.name for each in self.of(endpoint.namespace)):
            raise AlreadyExists(f"Conflict: endpoint {endpoint.name} already exists")
        endpoint.history = [(state, at or _now())]
        endpoint.message = MESSAGES[state]
        self.all.append(endpoint)

    def _run(
        self,
        endpoint: InferenceEndpoint,
        trouble: Trouble | None,
        files: Files,
        environment: Mapping[str, str],
        orders: Iterable[tuple[str, dict[str, Any]]],
    ) -> None:
        """Go through the states of an endpoint, until its server ends."""
        if not self._enter(endpoint, State.INITIALIZING) or trouble == Trouble.STUCK:
            return
        if trouble == Trouble.FAILING:
            self._enter(endpoint, State.FAILED, FAILED)
            return
        folder = Path(tempfile.mkdtemp(prefix="endpoint-"))
        try:
            write(files(), folder)
            arguments = [*map(str, endpoint.body["model"].get("args") or ())]
            server = self._served(endpoint, folder, arguments, environment)
            address = server.stdout.readline().strip() if server and server.stdout else ""
            if address:
                for command, details in orders:
                    told(address, command, **details)
                self._enter(endpoint, State.RUNNING, url=address)
            if server:
                server.wait()
            if endpoint.server is server:
                self._enter(endpoint, State.FAILED, FAILED)
        except (OSError, ValueError) as error:  # as from a server that is ended while it starts
            self._enter(endpoint, State.FAILED, str(error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _served(
        self,
        endpoint: InferenceEndpoint,
        folder: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str],
    ) -> subprocess.Popen[str] | None:
        """Start the server of an endpoint, unless that was deleted or rests."""
        with self._lock:
            if not self._is_wanted(endpoint):
                return None
            more = ["--remove-orphaned", *(["--pretend"] if self.pretends else [])]
            endpoint.server = start_server(folder, [*arguments, *more], environment)
            return endpoint.server

    def _enter(
        self, endpoint: InferenceEndpoint, state: State, message: str | None = None, *, url: str | None = None
    ) -> bool:
        """Change the state of an endpoint that was not deleted and does not rest."""
        with self._lock:
            if not self._is_wanted(endpoint):
                return False
            endpoint.url = url
            endpoint.enter(state, message)
            return True

    def _is_wanted(self, endpoint: InferenceEndpoint) -> bool:
        return not endpoint.deleted and endpoint.state in (State.PENDING, *BILLED)

    def _stop(self, endpoint: InferenceEndpoint) -> None:
        with self._lock:
            server, endpoint.server = endpoint.server, None
        if server:
            end(server)


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a model's files into a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _now() -> datetime:
    return datetime.now(UTC)
