"""Standard errors by resampling are lm_eval's own numbers, and progress is reported meanwhile."""

from collections.abc import Sequence

import pytest
from lm_eval.api import metrics

from src.evaluation.lm_eval.bootstrap import Meter, bootstrapping_reported, standard_error


class Count:
    value = 0


def f1_answers(number: int) -> list[tuple[int, int]]:
    return [(each % 2, each % 3 % 2) for each in range(number)]


@pytest.mark.parametrize(
    ("statistic", "answers"),
    [
        (metrics.f1_score, f1_answers(30)),
        (metrics.matthews_corrcoef, f1_answers(30)),
        (metrics.perplexity, [-float(each % 7) for each in range(30)]),
        (metrics.median, [float(each % 11) for each in range(30)]),
    ],
    ids=["f1", "mcc", "perplexity", "median"],
)
def test_a_standard_error_is_the_number_that_lm_eval_computes(
    statistic: object, answers: Sequence[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISABLE_MULTIPROC", "1")
    assert callable(statistic)
    expected = metrics.bootstrap_stderr(statistic, answers, 200)
    assert standard_error(statistic, answers, 200, lambda: None) == expected


def test_progress_is_reported_while_f1_mcc_or_perplexity_is_bootstrapped() -> None:
    calls: list[bool] = []
    with bootstrapping_reported(lambda: calls.append(True)):
        for metric in (metrics.f1_score, metrics.matthews_corrcoef, metrics.perplexity):
            calls.clear()
            answers = [-1.0, -2.0] if metric is metrics.perplexity else f1_answers(40)
            compute = metrics.stderr_for_metric(metric, 100)
            assert compute
            compute(answers)
            assert calls, metric
    assert metrics.bootstrap_stderr.__module__ == metrics.__name__


def test_resampling_that_hangs_tells_nothing() -> None:
    calls: list[bool] = []
    count = Count()
    meter = Meter("f1", 100, count, lambda: calls.append(True))
    meter.report()
    assert not calls
    count.value = 5
    meter.report()
    meter.report()
    assert calls == [True]
