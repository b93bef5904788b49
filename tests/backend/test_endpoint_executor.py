"""Evaluations on endpoints: made before, deleted after, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import pytest

from src.inference.endpoint_executor import EndpointExecutor, EndpointTerms, server_args
from src.inference.endpoints import EndpointError, Found, NameTaken
from src.inference.market import Market
from src.running.job import End, Ending, Job, Progress
from src.shared.data.request import Phase
from support.executors import FunctionExecutor, good
from support.jobs import make_job
from support.rented import A100, L4, OFFERS, FakeEndpoints, renting
from support.waiting import wait_for

NONCE = "0123456789abcdef"
URL = "https://one.endpoints.test"
RUNNING = Found("", "running", url=URL)
UNREACHABLE = EndpointError(Ending(End.UNREACHABLE, "The Hub does not answer."))
SOLD_OUT = EndpointError(Ending(End.NO_HARDWARE, "There is none."))
NO_MONEY = EndpointError(Ending(End.WORKER, "The Hub asks for a payment method."))
TAKEN = NameTaken(Ending(End.WORKER, "Its name is taken."))


class Time:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self, step: float = 1.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Bench:
    """An executor on fake endpoints, with children that a test ends."""

    def __init__(self, endpoints: FakeEndpoints, *, time: Time | None = None, **terms: object) -> None:
        self.endpoints = endpoints
        self.woken = Event()
        self.ends: list[str] = []
        self.children = FunctionExecutor(wait=True)
        self.market = Market(endpoints, None, renting())  # type: ignore[arg-type]
        self.executor = EndpointExecutor(
            endpoints,  # type: ignore[arg-type]
            self.market,
            EndpointTerms(**{"image": "vllm/vllm-openai:v1", **terms}),  # type: ignore[arg-type]
            self.children,
            woken=self.woken,
            on_end=lambda: self.ends.append("end"),
            poll_seconds=0.01,
            look_seconds=0.05,
            clock=time or Time(0.001),
        )

    def start(self, hardware: object = L4) -> None:
        self.executor.start(NONCE, job(hardware=hardware))

    def wait_for_child(self) -> Job:
        wait_for(lambda: self.children.started, what="the child")
        return self.children.started[0]

    def let_child_end(self, evaluate: Callable[[Job], Ending] = good) -> None:
        self.children.evaluate = evaluate
        self.wait_for_child()
        self.children.let_end()
        self.woken.set()

    def wait_until_deleted(self) -> None:
        wait_for(lambda: not self.endpoints.ours(), what="the deletion")

    def ending(self) -> Ending:
        wait_for(lambda: self.executor.endings(), what="the end")
        return self.executor.endings()[NONCE]


def job(**changes: object) -> Job:
    made = replace(make_job(""), model="acme/model", commit="c" * 40, precision="bfloat16")
    return replace(made, **changes)  # type: ignore[arg-type]


def test_an_endpoint_is_made_asked_and_deleted() -> None:
    bench = Bench(FakeEndpoints())
    bench.start()
    server = bench.wait_for_child().server
    assert bench.endpoints.ours() == {NONCE}
    assert bench.executor.endings() == {}
    bench.let_child_end()

    assert bench.ending().end is End.FINISHED
    bench.wait_until_deleted()
    assert bench.ends
    assert server
    assert (server.url, server.model) == (f"{URL}/v1", f"acme/model@{'c' * 40}")
    assert (server.is_exact, server.image, server.price) == (True, "vllm/vllm-openai:v1", 0.8)
    assert (server.hardware, server.region) == (L4.name, "aws us-east-1")


def test_the_phases_are_told_and_then_the_childs_progress() -> None:
    bench = Bench(FakeEndpoints([Found("", "pending")]))

    def phase() -> Phase | None:
        progress = bench.executor.progress().get(NONCE)
        return progress.phase if progress else None

    bench.start()
    wait_for(lambda: phase() is Phase.WAITING, what="a machine that is waited for")
    wait_for(lambda: bench.endpoints.made, what="the endpoint")
    bench.endpoints.there[NONCE] = [Found("", "initializing")]
    wait_for(lambda: phase() is Phase.STARTING, what="a server that starts")
    bench.endpoints.there[NONCE] = [RUNNING]
    bench.wait_for_child()

    bench.children.running[NONCE] = Progress("tiny_copy", 3, 10)
    assert bench.executor.progress() == {NONCE: Progress("tiny_copy", 3, 10)}
    assert "acme/model" in bench.executor.log(NONCE)


def test_an_evaluation_is_either_running_or_ended_at_every_moment() -> None:
    bench = Bench(FakeEndpoints())
    bench.start()
    bench.let_child_end()
    for _ in range(10_000):
        progress = bench.executor.progress()
        endings = bench.executor.endings()
        assert NONCE in progress or NONCE in endings
        if endings:
            break


@pytest.mark.parametrize(
    ("state", "end", "says"),
    [
        (Found("", "failed", "CUDA out of memory"), End.CRASHED, "failed to start: CUDA out of memory."),
        (Found("", "failed"), End.CRASHED, "The Hub does not say why."),
        (Found("", "paused"), End.UNREACHABLE, "stopped or deleted by somebody else"),
        (NO_MONEY, End.WORKER, "payment method"),
    ],
)
def test_an_endpoint_that_will_never_run_ends_the_evaluation(
    state: Found | Exception, end: End, says: str
) -> None:
    bench = Bench(FakeEndpoints([state]))
    bench.start()

    assert bench.ending().end is end
    assert says in bench.ending().message
    bench.wait_until_deleted()
    assert not bench.children.started


def test_an_endpoint_that_somebody_deleted_ends_the_evaluation() -> None:
    endpoints = FakeEndpoints([Found("", "pending")])
    bench = Bench(endpoints)
    bench.start()
    wait_for(lambda: endpoints.made, what="the endpoint")
    endpoints.there.clear()

    assert bench.ending().end is End.UNREACHABLE


@pytest.mark.parametrize(
    ("state", "end", "says"),
    [
        ("pending", End.NO_HARDWARE, "was not free for 1 minutes"),
        ("initializing", End.STUCK, "within 1 minutes"),
    ],
)
def test_an_endpoint_that_never_starts_is_given_up(state: str, end: End, says: str) -> None:
    bench = Bench(FakeEndpoints([Found("", state)]), time=Time(10.0), starts_within=timedelta(minutes=1))
    bench.start()

    assert bench.ending().end is end
    assert says in bench.ending().message
    bench.wait_until_deleted()


def test_what_is_sold_out_is_not_chosen_again_for_a_while() -> None:
    bench = Bench(FakeEndpoints(refusals=[SOLD_OUT]))
    bench.market._offers = type("Offers", (), {"all": OFFERS, "free": frozenset({"l4", "a100"})})()
    bench.start()

    assert bench.ending().end is End.NO_HARDWARE
    assert bench.market.renting().choice(1.0, "float16") == A100


def test_an_endpoint_that_is_there_although_its_answer_was_lost_is_used() -> None:
    endpoints = FakeEndpoints(refusals=[TAKEN], there={NONCE: [RUNNING]})
    bench = Bench(endpoints)
    bench.start()
    bench.let_child_end()

    assert bench.ending().end is End.FINISHED
    bench.wait_until_deleted()


def test_a_hub_that_does_not_answer_for_a_while_is_waited_for() -> None:
    bench = Bench(FakeEndpoints([UNREACHABLE, UNREACHABLE, Found("", "pending"), RUNNING]))
    bench.start()
    bench.let_child_end()

    assert bench.ending().end is End.FINISHED


def test_an_evaluation_that_nobody_wants_any_more_leaves_no_endpoint() -> None:
    for states in ([Found("", "pending")], [RUNNING]):
        bench = Bench(FakeEndpoints(states))
        bench.start()
        wait_for(lambda bench=bench: bench.endpoints.made, what="the endpoint")
        bench.executor.forget(NONCE)
        wait_for(lambda bench=bench: bench.endpoints.deleted, what="its deletion")
        wait_for(lambda bench=bench: not bench.executor.progress(), what="the end")

        assert bench.executor.endings() == {}
        assert not bench.children.running


def test_closing_waits_until_all_endpoints_are_deleted() -> None:
    bench = Bench(FakeEndpoints())
    bench.start()
    bench.wait_for_child()
    bench.executor.close()

    assert bench.endpoints.ours() == frozenset()
    assert not bench.children.running


def test_an_endpoint_that_cannot_be_deleted_is_left_to_the_sweep() -> None:
    bench = Bench(FakeEndpoints(deletions_fail=100))
    bench.start()
    bench.let_child_end()

    assert bench.ending().end is End.FINISHED
    wait_for(lambda: bench.endpoints.deletions_fail <= 97, what="three tries")
    assert bench.endpoints.ours() == {NONCE}


def test_deleting_is_tried_more_than_once() -> None:
    bench = Bench(FakeEndpoints(deletions_fail=2))
    bench.start()
    bench.let_child_end()

    assert bench.ending().end is End.FINISHED
    bench.wait_until_deleted()


@pytest.mark.parametrize("states", [[RUNNING], [Found("", "pending")]], ids=["running", "waiting"])
def test_the_days_money_counts_even_if_the_datasets_are_out_of_reach(states: list[Found]) -> None:
    bench = Bench(FakeEndpoints(states))
    bench.market.note_money(timedelta(seconds=0.2))
    bench.start()

    assert bench.ending().end is End.STOPPED
    assert not bench.children.running
    bench.wait_until_deleted()


def test_an_evaluation_that_has_ended_keeps_its_result_while_its_endpoint_is_deleted() -> None:
    bench = Bench(FakeEndpoints())
    bench.endpoints.deletion_waits.clear()
    bench.start()
    bench.let_child_end()
    assert bench.ending().end is End.FINISHED
    assert bench.endpoints.ours() == {NONCE}

    closing = Thread(target=bench.executor.close)
    closing.start()
    bench.endpoints.deletion_waits.set()
    closing.join()

    assert bench.executor.endings()[NONCE].end is End.FINISHED
    assert bench.endpoints.ours() == frozenset()


def test_an_endpoint_that_the_hub_stopped_because_nobody_called_it_is_told_as_that() -> None:
    bench = Bench(FakeEndpoints([RUNNING, Found("", "scaledToZero")]))
    bench.start()

    assert bench.ending().end is End.UNREACHABLE
    assert "nobody had called it" in bench.ending().message


def test_a_server_that_fails_half_way_is_told_with_the_hubs_words() -> None:
    bench = Bench(FakeEndpoints([RUNNING, Found("", "failed", "Out of memory")]))
    bench.start()
    bench.let_child_end(lambda job: Ending(End.UNREACHABLE, "The server stopped answering.", log=b"asked\n"))

    assert bench.ending().end is End.CRASHED
    assert "failed during the evaluation: Out of memory." in bench.ending().message
    assert bench.ending().log == b"asked\n"


def test_a_server_that_fails_while_its_child_waits_for_it_ends_the_evaluation() -> None:
    bench = Bench(FakeEndpoints([RUNNING, RUNNING, Found("", "failed", "Out of memory")]))
    bench.start()

    assert bench.ending().end is End.CRASHED
    assert "Out of memory." in bench.ending().message
    assert not bench.children.running


def test_a_hub_that_does_not_say_how_an_endpoint_is_stops_no_evaluation() -> None:
    bench = Bench(FakeEndpoints([RUNNING, UNREACHABLE]))
    bench.start()
    bench.wait_for_child()
    wait_for(lambda: bench.endpoints.looks > 20, what="some looks")
    bench.let_child_end()

    assert bench.ending().end is End.FINISHED


def test_a_server_that_does_not_answer_while_its_endpoint_runs_keeps_the_childs_ending() -> None:
    bench = Bench(FakeEndpoints())
    bench.start()
    bench.let_child_end(lambda job: Ending(End.UNREACHABLE, "The server stopped answering."))

    assert bench.ending() == Ending(End.UNREACHABLE, "The server stopped answering.")


def test_an_unforeseen_error_deletes_the_endpoint_too() -> None:
    bench = Bench(FakeEndpoints([ValueError("odd")]))
    bench.start()

    assert bench.ending().end is End.WORKER
    bench.wait_until_deleted()


def test_vllm_is_told_the_commit_the_precision_and_to_spread_over_all_gpus() -> None:
    args = server_args(job(max_length=4096), gpus=2)

    assert args == [
        *("--served-model-name", f"acme/model@{'c' * 40}"),
        *("--generation-config", "vllm"),
        *("--load-format", "safetensors"),
        *("--dtype", "bfloat16"),
        *("--max-model-len", "4096"),
        *("--tensor-parallel-size", "2"),
    ]
    assert server_args(job(precision="GPTQ"), gpus=1)[-4:] == ["--dtype", "auto", "--max-model-len", "auto"]
    assert "--tensor-parallel-size" not in server_args(job(), gpus=1)


def test_the_owners_arguments_come_last_so_that_they_win() -> None:
    bench = Bench(FakeEndpoints(), args=("--max-model-len", "8192"))
    bench.start()
    bench.wait_for_child()

    ((_, _, hardware, args),) = bench.endpoints.made
    assert hardware == L4
    assert args[-2:] == ("--max-model-len", "8192")
