"""Progress is reported at the start and the end of a task, and now and then between."""

from src.evaluation.progress import ProgressMeter
from src.running.job import Progress


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def answer(meter: ProgressMeter, requests: int) -> None:
    for _ in range(requests):
        meter.add_partial("loglikelihood", ("1+1=", "2."), (-0.5, True))


def test_requests_that_are_answered_at_once_are_reported_together() -> None:
    reported: list[Progress] = []
    meter = ProgressMeter(reported.append, Clock())
    meter.start("sums")
    meter.expect(1000)
    answer(meter, 1000)
    meter.finish()
    assert reported == [Progress("sums", 0, 1000), Progress("sums", 1000, 1000)]


def test_slow_requests_are_reported_one_by_one() -> None:
    reported: list[Progress] = []
    clock = Clock()
    meter = ProgressMeter(reported.append, clock)
    meter.start("sums")
    meter.expect(2)
    for _ in range(2):
        clock.seconds += 1
        answer(meter, 1)
    assert [progress.done for progress in reported] == [0, 1, 2]


def test_a_task_that_asks_in_two_ways_counts_both() -> None:
    reported: list[Progress] = []
    meter = ProgressMeter(reported.append, Clock())
    meter.start("both")
    meter.expect(10)
    answer(meter, 10)
    meter.expect(5)
    assert reported[-1] == Progress("both", 10, 15)


def test_each_task_is_counted_from_the_start() -> None:
    reported: list[Progress] = []
    meter = ProgressMeter(reported.append, Clock())
    for task in ("sums", "copies"):
        meter.start(task)
        meter.expect(3)
        answer(meter, 3)
        meter.finish()
    assert reported[-1] == Progress("copies", 3, 3)
