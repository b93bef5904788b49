"""What happens to every call: it is counted, held to the budget, and fails if that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .breakage import answering, broken
from .budget import Budget
from .calls import Call, Calls
from .faults import Faults
from .refusals import RateLimited

EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass
class Traffic:
    """The calls so far, and what is to become of the next ones."""

    calls: Calls = field(default_factory=Calls)
    budget: Budget = field(default_factory=Budget)
    faults: Faults = field(default_factory=Faults)
    on_answer: Callable[[Call], None] | None = None
    """Is told of each call when it has been carried out and its answer is not sent yet."""

    def guarded(self, endpoint: ASGIApp, call: Call) -> ASGIApp:
        """The endpoint for one call that comes in now, with all that is to happen to this call."""
        self.calls.log.append(call)
        allowance = self.budget.spend(call.kind, call.user)
        if allowance and allowance.remaining < 0:
            endpoint = answering(RateLimited(allowance.headers).answer())
        elif fault := self.faults.choose(call.route, call.method, call.repository):
            call.fault = fault
            endpoint = broken(noted(endpoint, call), fault, slow_seconds=self.faults.slow_seconds)
        headers = allowance.headers if allowance else EMPTY
        return noted(endpoint, call, headers=headers, told=self.on_answer)


def noted(
    app: ASGIApp,
    call: Call,
    *,
    headers: Mapping[str, str] = EMPTY,
    told: Callable[[Call], None] | None = None,
) -> ASGIApp:
    """An endpoint whose answer is noted, and told of, before anybody has it, and gets more headers."""
    more = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                if told:
                    told(call)
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await app(scope, receive, note)

    return endpoint
