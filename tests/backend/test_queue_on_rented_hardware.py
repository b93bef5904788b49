"""A worker whose models run on rented hardware: what it claims, what it writes down, and when it stops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from src.inference.own_server import Served
from src.inference.renting import Renting
from src.queue.policy import Policy
from src.queue.reconciler import Reconciler
from src.running.executor import Executor
from src.running.job import End, Ending, Job
from src.shared.data.request import WAITS_FOR_A_WORKER, WAITS_FOR_MONEY, Phase, Progress, Status
from src.shared.errors import BadFile, NotDelivered
from src.shared.models.model_source import ModelFacts
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.store import Snapshot
from support.executors import FunctionExecutor, bad
from support.queues import COMMIT, POLICY, AnyModel, Queue, drain
from support.rented import A100, L4, renting

RENTED = replace(POLICY, renting=renting(at_once=2, dollars_a_day=100.0))


def drain_once(worker: Reconciler) -> None:
    worker.tick()
    worker.tick()


def with_rules(**rules: object) -> Policy:
    return replace(POLICY, renting=renting(**rules))


def ending_with(end: End) -> Executor:
    return FunctionExecutor(lambda job: Ending(end, f"{job.model} ended."))


def test_a_claim_names_the_hardware_and_its_price_and_so_does_the_history(queue: Queue) -> None:
    path = queue.submit(params=7.0)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=RENTED)
    worker.tick()

    lease = queue.read(path).lease
    assert lease
    assert (lease.hardware, lease.price) == ("l4", 0.8)
    assert executor.started[0].hardware == L4

    executor.let_end()
    drain(worker)
    (attempt,) = queue.read(path).history
    assert (attempt.hardware, attempt.price) == ("l4", 0.8)


def test_nothing_rented_is_written_where_models_run_locally(queue: Queue) -> None:
    path = queue.submit(params=7.0)
    drain(queue.worker())

    (attempt,) = queue.read(path).history
    assert (attempt.hardware, attempt.price) == (None, None)


def test_all_workers_together_have_no_more_endpoints_than_allowed(queue: Queue) -> None:
    paths = [queue.submit(f"acme/model-{number}", params=1.0) for number in range(5)]
    for name in ("one", "two", "three"):
        queue.worker(name, executor=FunctionExecutor(wait=True), policy=RENTED, slots=2).tick()

    assert [queue.read(path).status for path in paths].count(Status.RUNNING) == 2


def test_what_nothing_fits_waits_with_a_sentence(queue: Queue) -> None:
    large, odd = queue.submit("acme/large", params=400.0), queue.submit("acme/odd", params=7.0)
    only_float16 = replace(L4, instance_type="nvidia-t4")
    queue.edit(odd, replace(queue.read(odd), precision="bfloat16"))
    policy = replace(POLICY, renting=renting(only_float16))
    worker = queue.worker(policy=policy)
    drain(worker)

    assert "800 GB: it waits for a worker that has room" in queue.read(large).message
    assert "in bfloat16: it waits for a worker" in queue.read(odd).message
    assert worker.is_idle()


def test_the_size_that_the_hub_knows_counts_if_the_request_has_none(queue: Queue) -> None:
    class Sized:
        def describe(self, name: str, revision: str) -> ModelFacts:
            return ModelFacts(name=name, commit=COMMIT, location=name, params=20_000_000_000)

    path = queue.submit(params=None)
    queue.worker(executor=FunctionExecutor(wait=True), policy=RENTED, models=Sized()).tick()

    lease = queue.read(path).lease
    assert lease
    assert lease.hardware == A100.id


def test_a_model_of_unknown_size_is_refused_with_what_to_do(queue: Queue) -> None:
    path = queue.submit(params=None)
    drain(queue.worker(policy=RENTED))

    assert queue.read(path).status is Status.FAILED
    assert "Save its weights as safetensors" in queue.read(path).message


def test_what_is_not_free_waits_and_others_go_on(queue: Queue) -> None:
    large, small = queue.submit("acme/large", params=70.0), queue.submit("acme/small", params=1.0)
    worker = queue.worker(policy=with_rules(free=frozenset({"l4"})))
    worker.tick()
    worker.tick()

    assert queue.read(large).status is Status.PENDING
    assert queue.read(small).status is Status.FINISHED


def test_nothing_is_claimed_while_the_hubs_list_is_not_known(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    queue.worker(policy=replace(POLICY, renting=Renting(offers=None))).tick()

    assert queue.read(path).status is Status.PENDING
    assert queue.read(path).message == ""


def test_without_money_everything_waits_with_a_sentence_until_midnight(queue: Queue) -> None:
    first = queue.submit("acme/first", params=1.0)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=with_rules(dollars_a_day=1.0))
    worker.tick()
    queue.clock.move(minutes=30)
    executor.let_end()
    later = [queue.submit(f"acme/later-{number}", params=1.0) for number in range(2)]
    worker.tick()
    worker.tick()

    assert queue.read(first).status is Status.FINISHED
    assert [queue.read(path).message for path in later] == [WAITS_FOR_MONEY] * 2
    assert worker.is_idle()

    queue.clock.move(hours=13)
    worker.tick()
    assert queue.read(later[0]).status is Status.RUNNING


def test_a_large_model_at_the_head_is_not_overtaken_by_small_ones_that_take_its_money(queue: Queue) -> None:
    first = queue.submit("acme/first", params=1.0)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=with_rules(dollars_a_day=10.0))
    worker.tick()
    queue.clock.move(minutes=30)
    executor.let_end()
    large, small = queue.submit("acme/large", params=70.0), queue.submit("acme/small", params=1.0)
    worker.tick()
    worker.tick()

    assert queue.read(first).status is Status.FINISHED
    assert queue.read(large).message == queue.read(small).message == WAITS_FOR_MONEY

    queue.clock.move(hours=13)
    worker.tick()
    lease = queue.read(large).lease
    assert lease
    assert lease.hardware == "h200"
    assert queue.read(small).status is Status.PENDING


def test_when_the_money_is_spent_the_evaluation_stops_and_goes_on_another_day(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=with_rules(dollars_a_day=2.0))
    worker.tick()
    run = queue.read(path).run
    queue.clock.move(hours=2, minutes=28)
    worker.tick()
    worker.tick()

    stopped = queue.read(path)
    assert stopped.status is Status.PENDING
    assert stopped.history[-1].end == End.OVER_BUDGET
    assert "after midnight" in stopped.message
    assert not executor.running

    queue.clock.move(hours=12)
    worker.tick()
    assert queue.read(path).status is Status.RUNNING
    assert queue.read(path).run == run


def test_what_needs_the_money_of_more_than_three_days_fails_and_says_who_can_help(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    worker = queue.worker(executor=FunctionExecutor(wait=True), policy=with_rules(dollars_a_day=2.0))
    for _ in range(3):
        worker.tick()
        queue.clock.move(hours=2, minutes=28)
        worker.tick()
        worker.tick()
        queue.clock.move(hours=21, minutes=32)

    failed = queue.read(path)
    assert failed.status is Status.FAILED
    assert "MAX_DOLLARS_PER_DAY" in failed.message


def test_an_evaluation_that_has_ended_is_published_even_if_the_money_is_spent(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=with_rules(dollars_a_day=2.0))
    worker.tick()
    queue.clock.move(hours=4)
    executor.let_end()
    drain(worker)

    assert queue.read(path).status is Status.FINISHED


def test_hardware_that_is_sold_out_is_asked_for_again_and_again(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    worker = queue.worker(executor=ending_with(End.NO_HARDWARE), policy=RENTED)
    for _ in range(19):
        worker.tick()
        worker.tick()
        assert queue.read(path).status is not Status.FAILED
        queue.clock.move(hours=1, minutes=1)
    worker.tick()
    worker.tick()

    assert queue.read(path).status is Status.FAILED
    assert queue.read(path).attempt == 20


def test_a_change_of_phase_is_written_at_once(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=RENTED)
    worker.tick()
    for phase in (Phase.WAITING, Phase.STARTING):
        executor.running = {nonce: Progress("", 0, 0, phase) for nonce in executor.running}
        worker.tick()
        progress = queue.read(path).progress
        assert progress
        assert progress.phase is phase

    executor.running = {nonce: Progress("tiny_copy", 1, 2) for nonce in executor.running}
    worker.tick()
    progress = queue.read(path).progress
    assert progress
    assert progress.phase is None


def test_the_leases_of_all_workers_are_known_after_a_tick(queue: Queue) -> None:
    one, two = queue.submit("acme/one", params=1.0), queue.submit("acme/two", params=1.0)
    workers = [
        queue.worker(name, executor=FunctionExecutor(wait=True), policy=RENTED) for name in ("one", "two")
    ]
    for worker in workers:
        worker.tick()

    leases = [queue.read(path).lease for path in (one, two)]
    assert workers[1].leased() == {lease.nonce for lease in leases if lease}


def test_a_lease_that_ran_out_no_longer_counts(queue: Queue) -> None:
    queue.submit(params=1.0)
    queue.worker("dead", executor=FunctionExecutor(wait=True), policy=RENTED).tick()
    queue.clock.move(minutes=66)
    other = queue.worker("alive", policy=RENTED, slots=0)
    other.tick()

    assert other.leased() == frozenset()


def test_only_the_models_of_the_owners_server_are_claimed(queue: Queue) -> None:
    there = queue.submit("acme/there")
    exact = queue.submit("acme/exact")
    other_commit = queue.submit("acme/other-commit")
    missing = queue.submit("acme/missing")
    served = Served(frozenset({"acme/there", f"acme/exact@{COMMIT}", f"acme/other-commit@{'d' * 40}"}))
    worker = queue.worker(policy=replace(POLICY, served=served))
    drain(worker)

    assert [queue.read(path).status for path in (there, exact)] == [Status.FINISHED] * 2
    for path in (other_commit, missing):
        assert queue.read(path).status is Status.PENDING
        assert "it waits until the leaderboard's server has it" in queue.read(path).message


@pytest.mark.parametrize("evaluate", [bad, lambda job: Ending(End.OVER_TIME, f"{job.model} was slow.")])
def test_a_failed_attempt_keeps_its_price_too(queue: Queue, evaluate: object) -> None:
    path = queue.submit(params=1.0)

    def run(job: Job) -> Ending:
        queue.clock.now += timedelta(minutes=30)
        return evaluate(job)  # type: ignore[operator,no-any-return]

    drain(queue.worker(executor=FunctionExecutor(run), policy=RENTED))

    assert queue.read(path).history[-1].price == 0.8


def test_the_owner_sees_what_was_spent_today(queue: Queue) -> None:
    queue.submit(params=1.0)
    worker = queue.worker(executor=FunctionExecutor(wait=True), policy=with_rules(dollars_a_day=10.0))
    worker.tick()
    queue.clock.move(minutes=30)
    spending = worker.overview().spending

    assert spending
    assert (spending.today, spending.limit) == (pytest.approx(0.4), 10.0)
    assert queue.worker().overview().spending is None


def test_only_what_took_much_of_the_days_money_itself_counts_as_over_budget(queue: Queue) -> None:
    """A small evaluation that came late, when others had spent the money, is tried as often as ever."""
    first = queue.submit("acme/first", params=20.0)
    policy = with_rules(dollars_a_day=10.0, at_once=2)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=policy, slots=2)
    worker.tick()
    queue.clock.move(hours=2, minutes=30)
    late = queue.submit("acme/late", params=1.0)
    worker.tick()
    queue.clock.move(hours=1, minutes=5)
    worker.tick()

    assert queue.read(first).history[-1].end == End.OVER_BUDGET
    assert queue.read(late).history[-1].end == End.STOPPED
    assert "after midnight" in queue.read(late).message


def test_what_is_stopped_for_its_cost_ends_at_once(queue: Queue) -> None:
    queue.submit(params=1.0)
    executor = FunctionExecutor(wait=True)
    worker = queue.worker(executor=executor, policy=with_rules(dollars_a_day=2.0))
    worker.tick()
    queue.clock.move(hours=2, minutes=28)
    worker.tick()

    assert not executor.running


def test_hardware_that_was_never_to_be_had_costs_nothing(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    drain_once(queue.worker(executor=ending_with(End.NO_HARDWARE), policy=RENTED))

    assert queue.read(path).history[-1].price == 0.0


def test_a_lost_worker_costs_until_its_lease_has_run_out_and_no_longer(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    queue.worker("dead", executor=FunctionExecutor(wait=True), policy=RENTED).tick()
    queue.clock.move(hours=5)
    queue.worker("alive", policy=RENTED, slots=0).tick()

    lost = queue.read(path).history[-1]
    assert lost.end == End.LOST
    assert lost.started
    assert lost.ended == lost.started + timedelta(minutes=75)


def test_the_explanation_about_money_is_withdrawn_when_it_is_no_longer_true(queue: Queue) -> None:
    path = queue.submit(params=1.0)
    queue.edit(path, replace(queue.read(path), message=WAITS_FOR_MONEY))
    queue.worker(policy=with_rules(free=frozenset())).tick()
    assert queue.read(path).message == WAITS_FOR_A_WORKER

    queue.edit(path, replace(queue.read(path), message=WAITS_FOR_MONEY))
    worker = queue.worker(policy=replace(POLICY, renting=Renting(offers=None)))
    worker.tick()
    assert not worker.is_idle()


def test_a_model_whose_size_only_the_hub_knows_waits_with_a_sentence_if_nothing_fits(queue: Queue) -> None:
    class Huge:
        def describe(self, name: str, revision: str) -> ModelFacts:
            return ModelFacts(name=name, commit=COMMIT, location=name, params=900_000_000_000)

    path = queue.submit(params=None)
    queue.worker(policy=RENTED, models=Huge()).tick()

    assert "No hardware here" in queue.read(path).message


def test_models_whose_hardware_is_not_free_are_not_looked_up_again_and_again(queue: Queue) -> None:
    class Counting(AnyModel):
        calls = 0

        def describe(self, name: str, revision: str) -> ModelFacts:
            Counting.calls += 1
            return super().describe(name, revision)

    for number in range(30):
        queue.submit(f"acme/large-{number}", params=70.0)
        queue.submit(f"acme/unknown-{number}", params=None)
    queue.worker(policy=with_rules(free=frozenset({"l4"})), models=Counting()).tick()

    assert Counting.calls <= 20


def test_nothing_is_rented_while_the_hub_does_not_deliver_every_request(queue: Queue) -> None:
    """The one that is missing may hold a lease."""
    path = queue.submit("acme/there", params=1.0)
    missing = queue.submit("acme/missing", params=1.0)

    class Lagging(FolderStore):
        def read(self, snapshot: Snapshot, paths: Iterable[str]) -> dict[str, bytes | BadFile]:
            found = super().read(snapshot, paths)
            late = NotDelivered("the Hub lists it but does not deliver it")
            return {each: late if each == missing else data for each, data in found.items()}

    requests = Lagging(queue.folder / "requests")
    worker = queue.worker(policy=RENTED, requests=requests)
    worker.tick()
    assert not worker.datasets.knows_all
    assert queue.read(path).status is Status.PENDING

    local = queue.worker("local", requests=requests)
    drain(local)
    assert queue.read(path).status is Status.FINISHED


def test_a_request_that_waited_for_money_can_still_be_refused(queue: Queue) -> None:
    path = queue.submit("nobody/gone", params=1.0)
    queue.edit(path, replace(queue.read(path), message=WAITS_FOR_MONEY))
    queue.worker(policy=RENTED).tick()

    assert queue.read(path).status is Status.FAILED
