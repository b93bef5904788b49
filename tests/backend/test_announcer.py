"""What this worker runs is published once after each start, when it is news; a failure is a sentence."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from src.running.job import End, Ending, Job
from src.running.suite import Suite
from src.shared.data.backend_description import (
    BackendDescription,
    FleetDescription,
    HardwareDescription,
    TaskDescription,
    read_description,
)
from src.shared.data.names import BACKEND_DESCRIPTION, places
from src.shared.errors import Conflict, StoreError
from src.shared.stores.store import Snapshot, Store
from src.shared.version import VERSION
from src.suite.announcer import Announcer
from support.executors import FunctionExecutor
from support.queues import SUITE, Queue


def described(job: Job, *problems: str) -> Ending:
    """As the describing child ends: with a description of the suite that it was given."""
    tasks = tuple(TaskDescription(name=name, num_fewshot=job.fewshot(name)) for name in job.tasks)
    description = BackendDescription(tasks=tasks, limit=job.limit, problems=problems)
    return Ending(End.FINISHED, "", report=TypeAdapter(BackendDescription).dump_python(description))


def crashed(job: Job) -> Ending:
    return Ending(End.CRASHED, "It was killed.", log=b"Traceback: not enough memory\n")


class Counting:
    """Passes everything on to a store, and counts the commits that landed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.commits: list[list[str]] = []

    def snapshot(self) -> Snapshot:
        return self._store.snapshot()

    def read(self, snapshot: Snapshot, paths: Any) -> dict[str, bytes]:
        return self._store.read(snapshot, paths)

    def commit(self, *, add: Mapping[str, bytes], parent: Snapshot, message: str, **_: Any) -> None:
        self._store.commit(add=add, message=message, parent=parent)
        self.commits.append(sorted(add))


class Busy(Counting):
    """Somebody else is faster at the first commits."""

    def __init__(self, store: Store, conflicts: int) -> None:
        super().__init__(store)
        self.conflicts = conflicts

    def commit(self, *, parent: Snapshot, **changes: Any) -> None:
        if self.conflicts:
            self.conflicts -= 1
            name = f"acme/model/results_{self.conflicts}.json"
            self._store.commit(add={name: b"{}"}, message="a result of somebody else", parent=parent)
        super().commit(parent=parent, **changes)


def published(queue: Queue) -> BackendDescription:
    return read_description((queue.folder / "results" / BACKEND_DESCRIPTION).read_bytes())


def announce(store: Store, suite: Suite = SUITE, *, ticks: int = 3) -> Announcer:
    """What a worker does between its start and its end."""
    announcer = Announcer(store, FunctionExecutor(described), suite)
    for _ in range(ticks):
        announcer.tick()
    assert announcer.is_done
    return announcer


def test_what_is_run_is_published_once(queue: Queue) -> None:
    results = Counting(queue.results)
    announce(results, replace(SUITE, fewshot_by_task={"tiny_copy": 3}, limit=20))
    assert results.commits == [[BACKEND_DESCRIPTION]]
    description = published(queue)
    assert [(task.name, task.num_fewshot) for task in description.tasks] == [
        ("tiny_addition", None),
        ("tiny_copy", 3),
    ]
    assert description.limit == 20
    assert description.version == VERSION


def test_a_restart_with_the_same_settings_writes_nothing(queue: Queue) -> None:
    results = Counting(queue.results)
    announce(results)
    announce(results)
    assert len(results.commits) == 1


def test_a_restart_with_other_settings_publishes_anew(queue: Queue) -> None:
    announce(queue.results)
    announce(queue.results, replace(SUITE, num_fewshot=5))
    assert published(queue).tasks[0].num_fewshot == 5


def test_two_workers_with_different_settings_do_not_rewrite_it_at_every_tick(queue: Queue) -> None:
    results = Counting(queue.results)
    workers = [announce(results), announce(results, replace(SUITE, limit=20))]
    for _ in range(5):
        for worker in workers:
            worker.tick()
    assert len(results.commits) == 2
    assert published(queue).limit == 20


def test_a_description_that_was_edited_by_hand_is_put_right(queue: Queue) -> None:
    announce(queue.results)
    (queue.folder / "results" / BACKEND_DESCRIPTION).write_text("tasks: []\n")
    announce(queue.results)
    assert published(queue).tasks


def test_nothing_waits_for_the_description(queue: Queue) -> None:
    describer = FunctionExecutor(described, wait=True)
    announcer = Announcer(queue.results, describer, SUITE)
    for _ in range(3):
        announcer.tick()
    assert len(describer.started) == 1
    assert not announcer.is_done
    assert queue.results.snapshot().files == {}
    describer.let_end()
    announcer.tick()
    assert announcer.is_done
    assert published(queue).tasks


def test_a_conflict_is_retried_on_the_new_state(queue: Queue) -> None:
    results = Busy(queue.results, conflicts=3)
    announce(results)
    assert results.commits == [[BACKEND_DESCRIPTION]]
    assert published(queue).tasks
    assert len(queue.result_paths()) == 3


def test_a_dataset_that_cannot_be_written_is_retried_at_the_next_tick(queue: Queue) -> None:
    results = Busy(queue.results, conflicts=25)
    announcer = Announcer(results, FunctionExecutor(described), SUITE)
    with pytest.raises(StoreError, match="others wrote to it at each of 20 tries") as error:
        announcer.tick()
    assert not isinstance(error.value, Conflict)
    assert not announcer.is_done
    announcer.tick()
    assert announcer.is_done
    assert published(queue).tasks


def test_a_failure_to_describe_is_a_sentence_and_the_log_has_the_reason(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    announcer = Announcer(queue.results, FunctionExecutor(crashed), SUITE)
    announcer.tick()
    assert announcer.is_done
    assert announcer.problems == ("This worker could not describe its suite (crashed): see its log.",)
    assert "not enough memory" in caplog.text
    assert queue.results.snapshot().files == {}


def test_problems_of_the_tasks_are_reported_to_the_owner_and_published(queue: Queue) -> None:
    sentence = "The task tiny_cpoy is nowhere."
    announcer = Announcer(queue.results, FunctionExecutor(lambda job: described(job, sentence)), SUITE)
    announcer.tick()
    assert announcer.problems == published(queue).problems == (sentence,)


def test_the_space_that_the_backend_is_is_published(queue: Queue) -> None:
    announcer = Announcer(queue.results, FunctionExecutor(described), SUITE, space="acme/backend")
    announcer.tick()
    assert published(queue).space == "acme/backend"


def test_a_description_in_its_old_place_moves(queue: Queue) -> None:
    announce(queue.results)
    old = queue.folder / "results" / places(BACKEND_DESCRIPTION)[1]
    old.parent.mkdir()
    (queue.folder / "results" / BACKEND_DESCRIPTION).rename(old)
    announce(queue.results)
    assert published(queue).tasks
    assert not old.exists()


def test_a_limit_that_changes_is_published_again_and_only_then(queue: Queue) -> None:
    limits = [None, None, 18.04, 18.04, 60.0]
    counting = Counting(queue.results)
    announcer = Announcer(
        counting,  # type: ignore[arg-type]
        FunctionExecutor(described),
        SUITE,
        max_model_gb=lambda: limits[0],
    )
    announcer.tick()
    announcer.tick()
    published = []
    while len(limits) > 1:
        limits.pop(0)
        announcer.tick()
        data = queue.results.read(queue.results.snapshot(), [BACKEND_DESCRIPTION])[BACKEND_DESCRIPTION]
        assert isinstance(data, bytes)
        published.append(read_description(data).max_model_gb)

    assert published == [None, 18.0, 18.0, 60.0]
    assert len(counting.commits) == 3


SMALL, LARGE = (
    FleetDescription(max_workers=2, hardware=(HardwareDescription(name="l4x1", largest_gb=gb, price=0.8),))
    for gb in (18.0, 12.0)
)


class Dispatching:
    """An announcer beside a dispatcher: what that says, and the time."""

    def __init__(
        self, queue: Queue, *, most: float | None = 18.0, fleet: FleetDescription | None = SMALL
    ) -> None:
        self.most, self.fleet = most, fleet
        self.time = datetime(2026, 8, 1, tzinfo=UTC)
        self.announcer = Announcer(
            queue.results,
            FunctionExecutor(described),
            SUITE,
            max_model_gb=lambda: self.most,
            fleet=lambda: self.fleet,
            clock=lambda: self.time,
        )
        self.tick()
        self.tick()

    def tick(self) -> None:
        self.announcer.tick()


def test_what_a_fleet_may_start_is_published(queue: Queue) -> None:
    Dispatching(queue)
    assert (published(queue).max_model_gb, published(queue).fleet) == (18.0, SMALL)


def test_a_fleet_that_is_known_later_is_published_at_once_and_its_changes_once_an_hour(queue: Queue) -> None:
    ours = Dispatching(queue, fleet=None)
    assert published(queue).fleet is None
    ours.fleet = SMALL
    ours.tick()
    assert published(queue).fleet == SMALL
    ours.fleet = LARGE
    ours.time += timedelta(minutes=59)
    ours.tick()
    assert published(queue).fleet == SMALL
    ours.time += timedelta(minutes=1)
    ours.tick()
    assert published(queue).fleet == LARGE


def test_a_member_leaves_the_limits_as_the_dispatcher_wrote_them(queue: Queue) -> None:
    Dispatching(queue)
    other = replace(SUITE, limit=7)
    member = Announcer(queue.results, FunctionExecutor(described), other, is_member=True)
    for _ in range(3):
        member.tick()
    assert published(queue).limit == 7
    assert (published(queue).max_model_gb, published(queue).fleet) == (18.0, SMALL)


def test_a_member_without_a_dispatchers_limits_publishes_its_settings(queue: Queue) -> None:
    member = Announcer(
        queue.results, FunctionExecutor(described), SUITE, is_member=True, max_model_gb=lambda: 7.0
    )
    for _ in range(3):
        member.tick()
    assert (published(queue).max_model_gb, published(queue).fleet) == (7.0, None)


def test_one_look_of_a_fleet_brings_its_limits_into_the_description_that_is_there(queue: Queue) -> None:
    def look(most: float) -> None:
        announcer = Announcer(
            queue.results, FunctionExecutor(described), SUITE, max_model_gb=lambda: most, fleet=lambda: SMALL
        )
        announcer.tell_limits()

    look(18.0)
    assert not (queue.folder / "results" / BACKEND_DESCRIPTION).exists()
    announce(queue.results)
    look(18.0)
    assert (published(queue).max_model_gb, published(queue).fleet) == (18.0, SMALL)
    assert tuple(each.name for each in published(queue).tasks) == SUITE.tasks
