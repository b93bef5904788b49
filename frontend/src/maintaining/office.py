"""The office carries out what maintainers do: to requests in the group commit, to all else at once.

Each is decided on the newest state of the dataset: of two maintainers who do the same at the same moment, one
is told who was first. Only a removal can be done twice, since the second one completes the first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from enum import StrEnum
from typing import assert_never

from src.maintaining.fields import Field, read_reason
from src.maintaining.maintainers import Maintainer
from src.shared.data.request import Request, Status
from src.shared.errors import NotPossible, StoreError, counted, shown
from src.shared.moderation import steps
from src.shared.moderation.acts import UNDOES, Act, Done, record
from src.shared.moderation.removal import Removed, remove
from src.shared.moderation.rerun_commits import reader, write_reruns
from src.shared.moderation.rerun_tasks import Selection
from src.shared.moderation.reruns import plan_reruns
from src.shared.moderation.reruns_in_words import told
from src.shared.stores.hub import RETRIED, TRY_AGAIN
from src.shared.stores.store import Store
from src.shared.times import Clock, utc_now
from src.submitting.desk import NO_REQUEST
from src.submitting.group_commit import Change, GroupCommit
from src.submitting.receipts import Receipt

NOTHING_TO_COMPUTE = "Nothing needs to be computed again."
BEHIND = "Visitors' submissions are evaluated first."
NOT_COMPLETED = (
    "This was not completed, and it will not be retried automatically. Do it again in a minute: what is "
    "already done stays done. The cause, for the leaderboard's owner: {}"
)


class Step(StrEnum):
    """What can be done to a request; the value is what programs and the page's buttons send."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    AGAIN = "again"


class Again(StrEnum):
    """What can be computed again for all models, or for one; the value is what programs send."""

    MISSING = "rerun missing"
    """The tasks without a score, such as new ones."""
    OLDER = "rerun older"
    """The tasks whose score another version of the task gave."""
    ALL = "rerun all"
    """Every task."""


NEED_A_REASON: Collection[Step | Act] = (Step.REJECT, Act.FLAG, Act.HIDE, Act.CLOSE)
"""Somebody reads the reason of these, and has a right to one."""

OF_A_USER = (Act.BLOCK_USER, Act.UNBLOCK_USER)
OF_THE_BOARD = (Act.CLOSE, Act.OPEN)

UNLESS_CANCELLED = "Waiting requests are evaluated, unless you cancel them."
BECAME = {
    Act.FLAG: "{} is flagged.",
    Act.UNFLAG: "The flag on {} is lifted.",
    Act.HIDE: "{} is hidden: its results are not shown, and it cannot be submitted.",
    Act.SHOW: "The act that hid {} is undone.",
    Act.BLOCK: "{} is blocked: it cannot be submitted. " + UNLESS_CANCELLED,
    Act.UNBLOCK: "The block on {} is lifted.",
    Act.BLOCK_USER: "{} is blocked, and cannot submit. " + UNLESS_CANCELLED,
    Act.UNBLOCK_USER: "The block on {} is lifted.",
    Act.CLOSE: "The board takes no submissions. Waiting requests are evaluated.",
    Act.OPEN: "The board takes submissions again.",
}
"""What a maintainer is told of an act on a thing of this name.

Of an undo only what it ended: a pattern, another act or the owner's own list may still count.
"""

ONE_MODEL = " This is about one model. For all models of an organisation, write {}/*."
"""Said after a name without an organisation, which may be meant as that of one."""


class Office:
    """Carries out what maintainers do. `group` writes requests, and `sync` brings the page up to date."""

    def __init__(
        self,
        group: GroupCommit[Request, Receipt],
        requests: Store,
        results: Store,
        *,
        sync: Callable[[], None],
        clock: Clock = utc_now,
    ) -> None:
        self._group = group
        self._requests, self._results = requests, results
        self._sync = sync
        self._clock = clock

    def step(self, step: Step, path: str, reason: str, who: Maintainer) -> Future[Receipt]:
        """Take a step with a request; the receipt comes when it is written.

        Raises NotPossible with a sentence, and so does the future, or StoreError.
        """
        reason = read_reason(reason, is_needed=step in NEED_A_REASON)

        def decide(requests: Mapping[str, Request], files: Collection[str]) -> Change[Request]:
            if path not in requests:
                raise NotPossible(NO_REQUEST.format(shown(path)))
            taken = self._taken(step, requests[path], reason, who)
            if taken.status is Status.PENDING:
                steps.refuse_a_second(path, requests)
            return Change(path, taken)

        return self._group.put(decide)

    def _taken(self, step: Step, request: Request, reason: str, who: Maintainer) -> Request:
        now = self._clock()
        match step:
            case Step.APPROVE:
                return steps.approved(request, by=who.login, now=now)
            case Step.REJECT:
                return steps.rejected(request, by=who.login, reason=reason, now=now)
            case Step.CANCEL:
                return steps.cancelled(request, by=who.login, reason=reason, now=now)
            case Step.AGAIN:
                return steps.again(request, by=who.login, now=now)
            case _:
                assert_never(step)

    def act(self, act: Act, name: str, reason: str, who: Maintainer) -> str:
        """Do something to a model, a user or the board. Return what became of it, in a sentence.

        This takes a few calls to the Hub; removing a model takes as long as reading both datasets. Raises
        NotPossible and StoreError.
        """
        done = Done(
            act=act,
            name=_field(act).read(name),
            reason=read_reason(reason, is_needed=act in NEED_A_REASON),
            by=who.login,
            at=self._clock(),
        )
        with self._bringing_the_page_up_to_date():
            if act is Act.REMOVE:
                return _removed(done.name, remove(done, self._requests, self._results))
            record(self._requests, done)
            is_one = _field(act) is Field.MODELS and "/" not in done.name
            return BECAME[act].format(done.name) + (ONE_MODEL.format(done.name) if is_one else "")

    @contextmanager
    def _bringing_the_page_up_to_date(self) -> Iterator[None]:
        """Sync afterwards, also after a failure: a part may be written. Raises StoreError that says so."""
        try:
            yield
        except StoreError as error:
            raise StoreError(NOT_COMPLETED.format(str(error).removesuffix(RETRIED).strip())) from error
        finally:
            self._sync()

    def preview(self, again: Again, model: str, who: Maintainer) -> tuple[int, Sequence[str]]:
        """Return how many rows would be computed again, and what that comes to, in lines.

        This reads both datasets. Raises NotPossible and StoreError.
        """
        try:
            records = reader(self._requests, self._results)()
        except StoreError as error:
            raise StoreError(str(error).replace(RETRIED, TRY_AGAIN)) from error
        reruns = plan_reruns(_selected(again, model), records, by=who.login, now=self._clock())
        lines = told(reruns, records.description, self._requests)
        return len(reruns.wanted), [*([] if reruns.wanted else [NOTHING_TO_COMPUTE]), *lines]

    def rerun(self, again: Again, model: str, who: Maintainer) -> str:
        """Have scores computed again, and return what is in the queue now, in a sentence.

        Raises NotPossible if nothing needs it, and StoreError.
        """
        read = reader(self._requests, self._results)
        selection = _selected(again, model)
        with self._bringing_the_page_up_to_date():
            written = write_reruns(self._requests, read, selection, by=who.login, clock=self._clock)
        if not written:
            raise NotPossible(NOTHING_TO_COMPUTE)
        tasks = counted(sum(len(each.tasks) for each in written), "task evaluation")
        return f"{counted(len(written), 'row')} will be computed again, {tasks} in all. {BEHIND}"


def _selected(again: Again, model: str) -> Selection:
    """Return what is selected, for one model or for all. Raises NotPossible if it can be no model."""
    models = (Field.MODEL.read(model),) if model.strip() else ()
    return Selection(missing=again is Again.MISSING, older=again is Again.OLDER, models=models)


def _field(act: Act) -> Field:
    """Return what names the thing of an act. What undoes another may name anything that is in force."""
    if act in OF_THE_BOARD:
        return Field.NOTHING
    if act in UNDOES:
        return Field.ANYTHING
    if act is Act.REMOVE:
        return Field.MODEL
    return Field.USER if act in OF_A_USER else Field.MODELS


def _removed(name: str, what: Removed) -> str:
    """Return what was deleted, and what a maintainer has still to delete elsewhere."""
    parts = {"request": what.requests, "result": what.results, "log or sample file": what.others}
    numbers = ", ".join(counted(number, part) for part, number in parts.items() if number)
    told = f"{name} is removed ({numbers}). Unless it is hidden or blocked, it can be submitted again."
    for dataset in what.samples_elsewhere:
        told += f" Its samples in {dataset} are still there: delete them there."
    return told
