"""The desk: looks up a submission, checks it (checks.py), puts it into the queue, and withdraws it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from src.checks import writes_are_not_used_up
from src.shared.data.backend_description import BackendDescription
from src.shared.data.request import Request
from src.shared.errors import LeaderboardError, ModelError, shown
from src.shared.models.model_source import ModelFacts, ModelSource
from src.shared.moderation.blocklist import Blocklist
from src.shared.moderation.steps import LIVE
from src.shared.process.steady import steady_now
from src.shared.times import Clock, to_text, utc_now
from src.submitting.case import Case
from src.submitting.checking import problems
from src.submitting.form import Form, Refused, tidied
from src.submitting.group_commit import Change, GroupCommit
from src.submitting.limits import Terms
from src.submitting.lookup import Lookup
from src.submitting.new_request import form_of, new_request, place, withdrawn
from src.submitting.receipts import Receipt
from src.submitting.recent_models import RecentModels
from src.submitting.submitter import ANONYMOUS, Submitter
from src.submitting.suggestions import SUGGESTED, suggested
from src.submitting.threads import OneAtATime

NO_REQUEST = "There is no request {}. Name its file as the queue shows it."


class NotAccepted(LeaderboardError):
    """A submission is refused: `problems` has every reason, the message all their sentences."""

    def __init__(self, problems: Sequence[Refused]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Finding:
    """The result of looking up a form."""

    form: Form
    """The form, with suggestions if they were asked for."""
    facts: ModelFacts | None
    """What is known about the model; None if it could not be looked up."""
    problems: tuple[Refused, ...]
    """Everything that is wrong with the form."""
    request: Request | None = None
    """What it would become if it were handed in now; None while something is wrong with it."""


class Desk:
    """The desk where submissions are handed in; `group` writes them.

    `requests`, `backend` and `blocked` return the latest known values.
    """

    def __init__(
        self,
        models: ModelSource,
        group: GroupCommit[Request, Receipt],
        *,
        terms: Terms | None = None,
        requests: Callable[[], Mapping[str, Request]] = dict,
        backend: Callable[[], BackendDescription | None] = lambda: None,
        blocked: Callable[[], Blocklist] = Blocklist,
        clock: Clock = utc_now,
        steady: Clock = steady_now,
    ) -> None:
        self.terms = terms or Terms()
        self._models = RecentModels(models, clock=steady)
        self._group = group
        self._requests = requests
        self._backend = backend
        self._blocked = blocked
        self._clock = clock
        self._checking = OneAtATime()

    def due(self) -> datetime | None:
        """When a submission that is handed in now will be written; None means at once."""
        return self._group.due()

    def close(self) -> None:
        """Write at once what is waiting, then stop."""
        self._group.close()

    def look_up(self, form: Form, who: Submitter = ANONYMOUS, *, fill: bool = False) -> Finding:
        """Find the problems of a form before it is handed in. `fill` adds suggestions from the model.

        This uses the queue as the page shows it, and lookups up to a minute old.
        """
        with self._checking.inside():
            return self._found(tidied(form), who, fill=fill)

    def _found(self, form: Form, who: Submitter, *, fill: bool) -> Finding:
        case = self._case(form, who, self._requests())
        first = problems(case, before_the_hub=True)
        if fill:  # a field that is still blank is not a mistake
            first = [each for each in first if each.field not in SUGGESTED or getattr(form, each.field)]
        if any(each.field not in SUGGESTED for each in first):  # otherwise a lookup may correct them
            return Finding(form, None, tuple(first))
        try:
            facts = case.facts
        except Refused as refusal:
            return Finding(form, None, (*first, refusal))
        if fill:
            form = suggested(
                form,
                facts,
                precisions=case.precisions,
                weight_types=case.weight_types,
                is_chat_only=case.backend is not None and case.backend.is_chat_only,
            )
            case = self._case(form, who, case.requests)
        wrong = tuple(problems(case))
        return Finding(form, facts, wrong, None if wrong else new_request(case, to_text(case.now)))

    def submit(self, form: Form, who: Submitter = ANONYMOUS) -> Receipt:
        """Put a submission into the queue. Raises NotAccepted or StoreError, each with a sentence."""
        return self.hand_in(form, who).result()

    def hand_in(self, form: Form, who: Submitter = ANONYMOUS) -> Future[Receipt]:
        """Look up a submission and queue it for writing. The receipt comes when it is written.

        Raises as `submit` does, and so does the future.
        """
        form = tidied(form)
        self._models.forget(form.model, form.revision)
        case = self._case(form, who, self._requests())
        with self._checking.inside():
            _refuse(problems(case, before_the_hub=True))
            # The page may be older than the dataset, so duplicates are decided below.
            _refuse([each for each in problems(case) if each.request is None])

        def decide(requests: Mapping[str, Request], taken: Collection[str]) -> Change[Request]:
            now = self._clock()
            present = replace(case, requests=requests, now=now, blocked=self._blocked())
            with self._checking.inside():
                _refuse(problems(present))
                return place(present, taken, submitted_time=to_text(now))

        return self._group.put(decide)

    def withdraw(self, path: str, who: Submitter) -> Future[Receipt]:
        """Withdraw a request for its submitter.

        Raises Refused, and so does the future, or StoreError.
        """

        def allowed(requests: Mapping[str, Request]) -> Request:
            request = _known(path, requests)
            if not who.is_login(request.submitted_by):
                raise Refused(f"{request.model}: {_who_may_withdraw(request)}")
            if request.status not in LIVE:
                raise Refused(
                    f"{request.model} is {request.status}. Only a waiting or running one can be withdrawn."
                )
            writes_are_not_used_up(self._case(Form(request.model), who, requests))
            return request

        def decide(requests: Mapping[str, Request], taken: Collection[str]) -> Change[Request]:
            return Change(path, withdrawn(allowed(requests), by=who.login, now=self._clock()))

        _refuse_nameless(path)
        if path in (shown_now := self._requests()):  # so that nobody can make us read the dataset for nothing
            allowed(shown_now)
        else:  # it may be another frontend's, and a moment old
            self._count_a_look(path, who)
        return self._group.put(decide)

    def hand_in_again(self, path: str, who: Submitter) -> Future[Receipt]:
        """Queue a request again that failed or was withdrawn, at the commit that it has.

        Raises as `submit` does, and so does the future.
        """
        return self.hand_in(form_of(_known(path, self._requests())), who)

    def _count_a_look(self, path: str, who: Submitter) -> None:
        """Count a lookup of an unknown request. Raises Refused without a login, or after too many."""
        if not who.login:
            raise Refused(NO_REQUEST.format(shown(path)))
        try:
            self._models.spend(path, who.login)
        except ModelError as error:
            raise Refused(str(error)) from None

    def _case(self, form: Form, who: Submitter, requests: Mapping[str, Request]) -> Case:
        return Case(
            form=form,
            lookup=Lookup(self._models.asked_by(who), form, who, while_asking=self._checking.outside),
            now=self._clock(),
            submitter=who,
            terms=self.terms,
            requests=requests,
            blocked=self._blocked(),
            backend=self._backend(),
        )


def _refuse_nameless(path: str) -> None:
    if not path:
        raise Refused("Which request? Name its file, as in the answer to its submission.")


def _known(path: str, requests: Mapping[str, Request]) -> Request:
    _refuse_nameless(path)
    if path not in requests:
        raise Refused(NO_REQUEST.format(shown(path)))
    return requests[path]


def _who_may_withdraw(request: Request) -> str:
    if request.submitted_by:
        return f"only {request.submitted_by}, who submitted it, can withdraw it."
    return "it was submitted without a login, so only a maintainer can cancel it."


def _refuse(wrong: Sequence[Refused]) -> None:
    if wrong:
        raise NotAccepted(wrong)
