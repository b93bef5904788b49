"""Settings for every task that do not fit the tasks are the owner's to correct before a model is claimed."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import normalize_gen_kwargs

from src.evaluation.lm_eval.tasks.tasks import find_tasks
from src.evaluation.lm_eval.trial.suite_settings import error_of_attention, to_write
from src.evaluation.lm_eval.trial.trial import try_suite
from src.running.suite import Suite
from src.settings import Settings
from src.shared.environment import read_settings
from support.sources import ROOT

pytestmark = pytest.mark.usefixtures("in_the_backends_folder")

OWN_QUESTIONS = """
task: own_sums
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["."], max_gen_toks: 8}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""

SUITE = Suite(tasks=("tiny_copy",), tasks_dir="tasks")


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


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ({"max_length": 16, "gen_kwargs": {"max_gen_toks": 32}}, 32),
        ({"max_length": 32, "gen_kwargs": {"max_gen_toks": 32}}, 32),
        ({"max_length": 16}, 16),
    ],
    ids=["more than all", "all", "as the task's file says"],
)
def test_a_context_without_room_for_a_question_is_the_owners_to_correct(
    settings: dict[str, object], length: int
) -> None:
    """Every model was refused: "The texts of the task … are too long"."""
    [problem] = problems(**settings)
    assert problem == (
        f"MAX_LENGTH is {settings['max_length']}, but the task tiny_copy has models write up to {length} "
        "tokens, which leaves no room for a question. Set MAX_LENGTH higher, or `max_gen_toks` in GEN_KWARGS "
        "lower."
    )


def test_a_context_with_room_for_a_question_has_no_problem() -> None:
    assert problems(max_length=33, gen_kwargs={"max_gen_toks": 32}) == ()
    assert problems(tasks=("tiny_agreement",), max_length=1) == ()


def test_as_many_tokens_count_as_lm_eval_has_models_write() -> None:
    assert to_write({}) == HFLM.max_gen_toks.fget(None) == 256
    given = {"max_tokens": 7, "max_new_tokens": 5, "until": ["x"], "temperature": None}
    assert (
        to_write(given) == normalize_gen_kwargs({"max_tokens": 7, "max_new_tokens": 5})["max_gen_toks"] == 5
    )


def test_a_task_that_makes_its_own_questions_is_told_what_the_docs_say(tmp_path: Path) -> None:
    docs = (ROOT / "docs" / "engines.md").read_text()
    section = docs.partition("### Tasks that make their own questions")[2]
    line, code, setting = re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)[:3]
    (tmp_path / "sums.py").write_text(code)
    (tmp_path / "sums.yaml").write_text(f"{OWN_QUESTIONS}{line}")
    name, _, value = setting.partition(" = ")
    metadata = read_settings(Settings, environment={name: value}).metadata
    suite = Suite(tasks=("own_sums",), tasks_dir=str(tmp_path), metadata=metadata)
    assert try_suite(suite, lambda progress: None).description.problems == ()
    index = find_tasks(suite.tasks, suite.tasks_dir, suite.metadata)
    [task] = index.load(["own_sums"])["tasks"].values()
    assert len(task.eval_docs) == 500


@pytest.mark.parametrize("implementation", ["flash_attention_2", "flash_attention_3"])
def test_attention_without_its_package_is_the_owners_to_correct(implementation: str) -> None:
    """Every model was refused, with the advice to submit it without quantization."""
    if error_of_attention(implementation) is None:
        pytest.skip("this machine has the package")
    [problem] = problems(model_args={"attn_implementation": implementation})
    assert problem.startswith(
        f"MODEL_ARGS sets `attn_implementation` to {implementation}, which this worker cannot use "
    )
    assert problem.endswith(": add its package to requirements.txt, or choose another.")


@pytest.mark.parametrize("implementation", ["eager", "sdpa", "flex_attention"])
def test_attention_of_torch_itself_has_no_problem(implementation: str) -> None:
    assert problems(model_args={"attn_implementation": implementation}) == ()
