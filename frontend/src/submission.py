"""The desk: looks a submission up, says what is wrong with it (checks.py), puts it into the queue, and takes
it back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count

from src.blocklist import Blocklist
from src.case import MAIN, UNKNOWN_TYPE, Case, Form, Lookup, Refused, Terms
from src.checks import CAN_BE_ASKED_FOR_AGAIN, LONGEST_FIELD, problems, writes_are_not_used_up
from src.group_commit import GroupCommit, Placed, Receipt
from src.model_name import linked_revision, model_name
from src.model_types import MODEL_TYPES, read_model_type
from src.recent_models import RecentModels
from src.shared.backend_description import BackendDescription
from src.shared.errors import LeaderboardError, shown
from src.shared.model_source import ModelFacts, ModelSource
from src.shared.names import request_path
from src.shared.request import (
    RESUBMITTED,
    WAITS_FOR_A_WORKER,
    WITHDRAWN,
    Attempt,
    Request,
    Status,
)
from src.shared.times import Clock, to_text, utc_now
from src.submitter import ANONYMOUS, Submitter
from src.suggestions import suggested

CAN_BE_FILLED_IN = ("precision", "weight_type", "base_model", "model_type")
"""Fields that a look at the model may put right, so that it is looked up although they are wrong."""

CAN_BE_WITHDRAWN = (Status.PENDING, Status.RUNNING)


class NotAccepted(LeaderboardError):
    """A submission is not taken: `problems` has every reason, the message all their sentences."""

    def __init__(self, problems: Sequence[Refused]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Finding:
    """What a look at a form found: the form as it may be handed in, the facts if they could be had, and
    everything that is wrong.
    """

    form: Form
    facts: ModelFacts | None
    problems: tuple[Refused, ...]


class Desk:
    """Where submissions are handed in; `group` is what writes them.

    `requests`, `backend` and `blocked` give what is known at the moment.
    """

    def __init__(
        self,
        models: ModelSource,
        group: GroupCommit,
        *,
        terms: Terms | None = None,
        requests: Callable[[], Mapping[str, Request]] = dict,
        backend: Callable[[], BackendDescription | None] = lambda: None,
        blocked: Callable[[], Blocklist] = Blocklist,
        clock: Clock = utc_now,
    ) -> None:
        self.terms = terms or Terms()
        self._models = RecentModels(models, clock=clock)
        self._group = group
        self._requests = requests
        self._backend = backend
        self._blocked = blocked
        self._clock = clock

    def due(self) -> datetime | None:
        """When a submission that is handed in now is written; None is at once."""
        return self._group.due()

    def look_up(self, form: Form, who: Submitter = ANONYMOUS, *, fill: bool = False) -> Finding:
        """Find out what is wrong with a form before it is handed in; `fill` fills in what the model says.

        The queue is taken as the page shows it, and what was looked up a minute ago as it was.
        """
        form = tidied(form)
        case = self._case(form, who, self._requests())
        first = problems(case, before_the_hub=True)
        if any(each.field not in CAN_BE_FILLED_IN for each in first):
            return Finding(form, None, tuple(first))
        try:
            facts = case.facts
        except Refused as refusal:
            return Finding(form, None, (*first, refusal))
        if fill:
            form = suggested(form, facts, precisions=case.precisions, weight_types=case.weight_types)
            case = self._case(form, who, case.requests)
        return Finding(form, facts, tuple(problems(case)))

    def submit(self, form: Form, who: Submitter = ANONYMOUS) -> Receipt:
        """Put a submission into the queue. Raises NotAccepted or StoreError, each with a sentence."""
        return self.hand_in(form, who).result()

    def hand_in(self, form: Form, who: Submitter = ANONYMOUS) -> Future[Receipt]:
        """Look a submission up, and have it put into the queue: the receipt comes when it is written.

        Raises what `submit` raises, and so does the future.
        """
        form = tidied(form)
        self._models.forget(form.model, form.revision)
        case = self._case(form, who, self._requests())
        _refuse(problems(case, before_the_hub=True))
        # What the page shows may be older than the dataset: whether it is there already is decided below.
        _refuse([each for each in problems(case) if each.request is None])

        def decide(requests: Mapping[str, Request], taken: Collection[str]) -> Placed:
            now = self._clock()
            present = replace(case, requests=requests, now=now, blocked=self._blocked())
            _refuse(problems(present))
            return place(present, taken, submitted_time=to_text(now))

        return self._group.put(decide)

    def withdraw(self, path: str, who: Submitter) -> Future[Receipt]:
        """Have a request taken back by who submitted it. The future raises Refused or StoreError."""

        def decide(requests: Mapping[str, Request], taken: Collection[str]) -> Placed:
            request = _known(path, requests)
            if not who.is_login(request.submitted_by):
                raise Refused(f"{request.model}: {_who_may_withdraw(request)}")
            if request.status not in CAN_BE_WITHDRAWN:
                raise Refused(
                    f"{request.model} is {request.status}: only what waits or runs can be withdrawn."
                )
            writes_are_not_used_up(self._case(Form(request.model), who, requests))
            return Placed(path, withdrawn(request, by=who.login, now=self._clock()))

        return self._group.put(decide)

    def hand_in_again(self, path: str, who: Submitter) -> Future[Receipt]:
        """Have a request that failed or was withdrawn put into the queue again, at the commit that it has.

        Raises what `submit` raises, and so does the future.
        """
        request = _known(path, self._requests())
        kind = read_model_type(request.model_type)
        form = Form(
            model=request.model,
            base_model=request.base_model,
            revision=request.commit or request.revision,
            precision=request.precision,
            weight_type=request.weight_type,
            model_type=str(kind) if kind in MODEL_TYPES else UNKNOWN_TYPE,
            use_chat_template=request.use_chat_template,
        )
        return self.hand_in(form, who)

    def _case(self, form: Form, who: Submitter, requests: Mapping[str, Request]) -> Case:
        return Case(
            form=form,
            lookup=Lookup(self._models.asked_by(who), form, who),
            now=self._clock(),
            submitter=who,
            terms=self.terms,
            requests=requests,
            blocked=self._blocked(),
            backend=self._backend(),
        )


def place(case: Case, taken: Collection[str], *, submitted_time: str) -> Placed:
    """The file that takes the submission: that of the same request which failed, else a new one.

    `taken` are the names of all files that there are.
    """
    request = _new(case, submitted_time)
    for path, old in case.earlier.items():
        if old.status in CAN_BE_ASKED_FOR_AGAIN:
            return Placed(path, _again(old, request, now=case.now))
    name = request_path(
        request.model,
        private=request.private,
        precision=request.precision,
        weight_type=request.weight_type,
        commit=request.commit,
    )
    others = (f"{name.removesuffix('.json')}_{number}.json" for number in count(2))
    not_free = {path.casefold() for path in taken}
    free = next(path for path in chain([name], others) if path.casefold() not in not_free)
    return Placed(free, request)


def tidied(form: Form) -> Form:
    """The form without spaces around its fields, links and short names of model types spelled out.

    The revision in a link counts where no other is named.
    """
    kind = read_model_type(form.model_type.strip())
    revision = form.revision.strip() or MAIN
    return Form(
        model=model_name(form.model),
        base_model=model_name(form.base_model),
        revision=(linked_revision(form.model) or MAIN) if revision == MAIN else revision,
        precision=form.precision.strip(),
        weight_type=form.weight_type.strip(),
        model_type=str(kind) if kind in MODEL_TYPES else form.model_type.strip(),
        use_chat_template=form.use_chat_template,
    )


def withdrawn(request: Request, *, by: str | None, now: datetime) -> Request:
    """PENDING or RUNNING → CANCELLED: a worker that evaluates it stops; the history says who took it back."""
    lease = request.lease
    entry = Attempt(
        attempt=request.attempt,
        worker=lease.worker if lease else "",
        started=lease.started if lease else request.submitted,
        ended=now,
        end=WITHDRAWN,
        message=f"It was withdrawn by {by}.",
        by=by,
    )
    return replace(
        request,
        status=Status.CANCELLED,
        message=entry.message,
        lease=None,
        progress=None,
        history=(*request.history, entry),
    )


def _new(case: Case, now: str) -> Request:
    """The request that a submission becomes."""
    form, facts = case.form, case.facts
    return Request(
        model=facts.name,
        base_model=case.base.name if case.base else "",
        revision=form.revision,
        precision=form.precision,
        weight_type=form.weight_type,
        status=Status.PENDING,
        submitted_time=now,
        model_type="? : " if form.model_type == UNKNOWN_TYPE else form.model_type,
        likes=facts.likes,
        params=_billions(facts.params),
        license=facts.license[:LONGEST_FIELD],
        commit=facts.commit,
        base_commit=case.base.commit if case.base else None,
        use_chat_template=form.use_chat_template,
        submitted_by=case.submitter.login,
        message=WAITS_FOR_A_WORKER,
        extra={"architectures": facts.architecture[:LONGEST_FIELD]} if facts.architecture else {},
    )


def _billions(params: int | None) -> float | None:
    """Three decimals as ever, or three digits of a small number, so that no size is rounded to 0."""
    if params is None:
        return None
    return round(params / 1e9, 3) if params >= 1e9 else float(f"{params / 1e9:.3g}")


def _again(old: Request, new: Request, *, now: datetime) -> Request:
    """A failed request asked for again: all new but its history, what others wrote into it, and the name of
    its revision where the new one is only the commit.

    The history says when somebody with a login had submitted it: that counts against the limit of writes.
    """
    history = old.history
    if old.submitted_by:
        entry = Attempt(
            attempt=old.attempt,
            worker="",
            started=old.submitted,
            ended=now,
            end=RESUBMITTED,
            message=f"It was submitted again{f' by {new.submitted_by}' if new.submitted_by else ''}.",
            by=old.submitted_by,
        )
        history = (*history, entry)
    revision = old.revision if new.revision == old.commit else new.revision
    return replace(new, revision=revision, history=history, extra={**old.extra, **new.extra})


def _known(path: str, requests: Mapping[str, Request]) -> Request:
    if not path:
        raise Refused("Which request? Name its file, as the answer to its submission does.")
    if path not in requests:
        raise Refused(f"There is no request {shown(path)}.")
    return requests[path]


def _who_may_withdraw(request: Request) -> str:
    if request.submitted_by:
        return f"only {request.submitted_by}, who submitted it, can withdraw it."
    return "it was submitted without a login, so only the leaderboard's owner can withdraw it."


def _refuse(wrong: Sequence[Refused]) -> None:
    if wrong:
        raise NotAccepted(wrong)
