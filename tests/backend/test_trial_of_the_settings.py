"""Settings for every task that do not fit the tasks are the owner's to correct before a model is claimed."""

from dataclasses import replace

import pytest

from src.evaluation.lm_eval.trial.trial import try_suite
from src.running.suite import Suite
from support.sources import ROOT

SUITE = Suite(tasks=("tiny_copy",), tasks_dir="tasks")


@pytest.fixture(autouse=True)
def in_the_folder_of_the_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "backend")


def problems(**settings: object) -> tuple[str, ...]:
    suite = replace(SUITE, **settings)  # type: ignore[arg-type]
    return try_suite(suite, lambda progress: None).description.problems


@pytest.mark.parametrize(
    ("gen_kwargs", "wanted"),
    [
        (
            {"temprature": 0.6},
            "GEN_KWARGS contain `temprature`, which neither lm_eval nor transformers knows",
        ),
        (
            {"temperature": "warm"},
            "GEN_KWARGS contain `temperature: warm`, which must be a number: correct it.",
        ),
        ({"max_length": 5}, "GEN_KWARGS contain `max_length`, which lm_eval sets itself: remove it."),
        (
            {"do_sample": True, "temperature": 0},
            "GEN_KWARGS contain `do_sample: true` without a `temperature`",
        ),
        ({"num_beams": "two"}, "GEN_KWARGS contain `num_beams: two`, with which transformers fails"),
        (
            {"do_sample": True},
            "GEN_KWARGS, together with the settings of the task tiny_copy, contain `do_sample: true` without",
        ),
    ],
)
def test_wrong_settings_for_writing_are_the_owners_to_correct(
    gen_kwargs: dict[str, object], wanted: str
) -> None:
    [problem] = problems(gen_kwargs=gen_kwargs)
    assert problem.startswith(wanted)


def test_right_settings_have_no_problem() -> None:
    assert problems(gen_kwargs={"do_sample": True, "temperature": 0.6, "top_p": 0.9}) == ()
    assert problems(enable_thinking=True, think_end_token="</think>") == ()


def test_models_cannot_think_before_a_text_is_rated() -> None:
    [problem] = problems(tasks=("tiny_copy", "tiny_agreement"), enable_thinking=True, think_end_token="x")
    assert problem.startswith("ENABLE_THINKING is True, but the task tiny_agreement rates given texts")
