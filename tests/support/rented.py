"""Hardware to rent and endpoints without a Hub, for tests of the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Event

from src.inference.endpoints import EndpointError, Found
from src.inference.renting import Renting
from src.running.inference import Hardware
from src.running.job import End, Ending, Job


def hardware(id: str = "l4", *, gpus: int = 1, memory_gb: float = 24.0, price: float = 0.8) -> Hardware:
    """One kind of machine."""
    return Hardware(
        id=id,
        vendor="aws",
        region="us-east-1",
        accelerator="gpu",
        instance_type=f"nvidia-{id.rstrip('0123456789x-') or id}",
        instance_size=f"x{gpus}",
        gpus=gpus,
        name=f"{gpus} × {id.upper()} ({memory_gb / gpus:.4g} GB)",
        memory_gb=memory_gb,
        price=price,
    )


L4 = hardware("l4")
A100 = hardware("a100", memory_gb=80.0, price=2.5)
TWO_H200 = hardware("h200", gpus=2, memory_gb=282.0, price=10.0)
OFFERS = (L4, A100, TWO_H200)


def renting(*offers: Hardware, **rules: object) -> Renting:
    """Rules under which these may be rented, all of them free."""
    offers = offers or OFFERS
    made = Renting(offers=offers, free=frozenset(each.id for each in offers))
    return replace(made, **rules)  # type: ignore[arg-type]


def open_event() -> Event:
    event = Event()
    event.set()
    return event


@dataclass
class FakeEndpoints:
    """Endpoints in memory. `states` are those that an endpoint goes through, one at each look."""

    states: Sequence[Found | Exception] = (Found("", "running", url="https://one.endpoints.test"),)
    refusals: list[EndpointError] = field(default_factory=list)
    """What the next creations are answered."""
    deletions_fail: int = 0
    there: dict[str, list[Found | Exception]] = field(default_factory=dict)
    made: list[tuple[str, Job, Hardware, tuple[str, ...]]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    namespace: str = "acme"
    looks: int = 0
    deletion_waits: Event = field(default_factory=open_event)

    def name(self, nonce: str) -> str:
        return f"lb-{nonce}"

    def create(self, nonce: str, job: Job, hardware: Hardware, *, image: str, args: Sequence[str]) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.there[nonce] = list(self.states)
        self.made.append((nonce, job, hardware, tuple(args)))

    def find(self, nonce: str) -> Found | None:
        self.looks += 1
        if nonce not in self.there:
            return None
        states = self.there[nonce]
        state = states.pop(0) if len(states) > 1 else states[0]
        if isinstance(state, Exception):
            raise state
        return state

    def delete(self, nonce: str) -> None:
        self.deletion_waits.wait()
        if self.deletions_fail:
            self.deletions_fail -= 1
            raise EndpointError(Ending(End.UNREACHABLE, "The Hub does not answer."))
        self.there.pop(nonce, None)
        self.deleted.append(nonce)

    def ours(self) -> frozenset[str]:
        return frozenset(self.there)
