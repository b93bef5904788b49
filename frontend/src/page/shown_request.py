"""One request in words and links, for the tables of the queue and for the cards."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from src.leaderboard.costs import price_in_words
from src.model_types import read_model_type
from src.page.links import Links, request_address
from src.page.notices import size_text
from src.queue.entries import Entry
from src.queue.outlook import Outlook
from src.shared.data.dollars import at_most, cost
from src.shared.data.request import ADAPTER, Attempt, Lease, Phase, Request, Status
from src.shared.estimates.waiting import Estimate

PHASES = {Phase.WAITING: "Waiting for hardware", Phase.STARTING: "Starting the model's server"}
"""What rented hardware does before the first task."""

TOLD = "The result is expected {}."
TOLD_ONCE_APPROVED = "Once it is approved, the result is expected {}."
NOT_KNOWN = "not known yet"
FOR_ITS_SIZE = "Models of its size run on {}."

LONGEST_HARDWARE = LONGEST_FACT = 100
"""The most characters that are shown of a machine's name, and of what a request says about its model."""


@dataclass(frozen=True)
class ShownRequest:
    """What the page says about a request. The templates decide how it looks."""

    entry: Entry
    links: Links
    outlook: Outlook | None = None
    """What is expected of the board's requests; None where it would be old when it is read."""

    @property
    def request(self) -> Request:
        """The request itself."""
        return self.entry.request

    @property
    def model(self) -> Markup:
        """The model's name, with a link to its page."""
        return self.links.model(self.request.model)

    @property
    def base_model(self) -> str:
        """The base model of an adapter; empty for whole models, of which old requests name one too."""
        return self.request.base_model if self.request.weight_type == ADAPTER else ""

    @property
    def address(self) -> str:
        """The address of the page with this request open, which people can keep and share."""
        return request_address(self.entry.path)

    @property
    def revision(self) -> str:
        """The requested revision; a commit is cut."""
        return self.request.revision if self.commit else self.request.revision[:12]

    @property
    def revision_link(self) -> Markup:
        """The requested revision, with a link to the model's files if it is the commit itself."""
        is_the_commit = self.request.commit == self.request.revision
        return self._link_to_files(self.revision) if is_the_commit else escape(self.revision)

    @property
    def commit(self) -> str:
        """The commit of the requested revision; empty if it is unknown, or what was requested."""
        commit = self.request.commit
        return commit[:8] if commit and commit != self.request.revision else ""

    @property
    def commit_link(self) -> Markup:
        """The commit, with a link to the model's files at it."""
        return self._link_to_files(self.commit)

    def _link_to_files(self, text: str) -> Markup:
        return self.links.commit(self.request.model, self.request.commit or "", text)

    @property
    def known(self) -> list[str]:
        """What its file says about the model: size, kind and licence."""
        size = self.request.params
        parameters = "" if size is None else f"{size_text(round(size * 1e9))} parameters"
        kind = read_model_type(self.request.model_type).name
        return [each[:LONGEST_FACT] for each in (parameters, kind, self.request.license) if each]

    @property
    def reason(self) -> str:
        """Why it ended without a result."""
        status = self.request.status
        ended = "" if status is Status.FAILED else f"{status.capitalize()}. "
        return ended + (self.entry.reason or "No reason was recorded.")

    @property
    def done(self) -> int | None:
        """How many questions of the task that runs are answered; None before its first task."""
        reached = self.request.progress
        return min(max(reached.done, 0), reached.total) if reached and reached.total > 0 else None

    @property
    def phase(self) -> str:
        """What it waits for before its first task, on rented hardware; empty once tasks run."""
        reached = self.request.progress
        return PHASES[reached.phase] if reached and reached.phase else ""

    @property
    def rented(self) -> str:
        """The hardware that it runs on, with its price; empty if both are unknown."""
        return _rented(self.request.lease) if self.request.lease else ""

    def cost(self, attempt: Attempt) -> str:
        """Return what an attempt ran on and cost at most; empty if that is unknown."""
        rented = _rented(attempt)
        if not rented or attempt.price is None or attempt.started is None or attempt.ended is None:
            return rented
        return f"{rented}, {at_most(cost(attempt.price, attempt.ended - attempt.started))}"

    @property
    def attempts_label(self) -> str:
        """How many attempts there were, or that people did something as well."""
        history = self.request.history
        number = sum(not attempt.is_by_a_person for attempt in history)
        return "What happened" if number < len(history) else f"{number} attempt{'s' * (number > 1)}"

    @property
    def attempts(self) -> list[tuple[Attempt, Markup]]:
        """Each entry of its history, with a link to the log."""
        return [(attempt, self._log(attempt)) for attempt in self.request.history]

    def _log(self, attempt: Attempt) -> Markup:
        has_address = attempt.log and self.links.results.address(attempt.log)
        return self.links.result(str(attempt.log), "log") if has_address else Markup()

    @property
    def estimate(self) -> Estimate | None:
        """When it will have its result; None for one that has ended."""
        return self.outlook.of(self.entry.path) if self.outlook else None

    @property
    def expected(self) -> str:
        """When it will have its result, as the cell of a table."""
        if self.estimate is None:
            return ""
        return self.estimate.words if self.estimate.range else NOT_KNOWN

    @property
    def expectation(self) -> str:
        """When it will have its result, or why nobody can say, and what is started for it, in sentences."""
        estimate, status = self.estimate, self.request.status
        if estimate is None or self.outlook is None:
            return ""
        told = TOLD_ONCE_APPROVED if status is Status.WAITING else TOLD
        when = told.format(estimate.words) if estimate.range else estimate.words
        kind = None if status is Status.RUNNING else self.outlook.hardware_of(self.request)
        if kind is None:
            return when
        hardware = ", ".join(filter(None, [kind.hardware, price_in_words(kind.price or None)]))
        return f"{when} {FOR_ITS_SIZE.format(hardware)}"

    @property
    def files(self) -> list[Markup]:
        """Links to the request's file, the result's file and the last attempt's log."""
        links, request, path = self.links, self.request, self.entry.path
        found = [links.request(path, "request")] if links.requests.address(path) else []
        last = {"result": request.result, "log": request.history[-1].log if request.history else None}
        return found + [
            links.result(path, name) for name, path in last.items() if path and links.results.address(path)
        ]


def _rented(by: Lease | Attempt) -> str:
    """Return the hardware, by the name under which it is rented, and its price."""
    price = price_in_words(by.price)
    name = (by.hardware or "")[:LONGEST_HARDWARE] or ("a machine" if price else "")
    return ", ".join(filter(None, [name, price]))
