"""What a task breaks off with during an evaluation is not told to a submitter as the model's fault."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from src.evaluation.failures import Failed, Step, explained
from src.evaluation.lm_eval.trial.stand_in import StandIn
from src.running.job import End
from support.jobs import make_job

CHOICE: dict[str, Any] = {
    "task": "own",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": ["yes", "no"],
    "doc_to_target": "answer",
}
ROWS = [{"question": "?", "answer": 0}] * 3

CODE = """
def text(doc):
    assert doc["answer"] > 5, "an own assertion"
    return "?"

def score(doc, results):
    assert False, "an assertion about an answer"
"""


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Evaluate a stand-in on a task, as the harness does."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text(CODE)

    def run(config: dict[str, Any], *, num_fewshot: int | None = None, rows: object = ROWS) -> None:
        text = yaml.safe_dump(config).replace("'!function ", "!function ").replace("_here'", "")
        (tmp_path / "own.yaml").write_text(text)
        (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))  # type: ignore[attr-defined]
        index = TaskManager(include_path=[str(tmp_path)], include_defaults=False)
        with explained(Step.EVALUATION, make_job("acme/model"), "own"):
            simple_evaluate(
                StandIn({}), tasks=["own"], task_manager=index, num_fewshot=num_fewshot, bootstrap_iters=0
            )

    return run


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        (CHOICE, {"num_fewshot": 9}),
        ({**CHOICE, "fewshot_split": "test"}, {"num_fewshot": 3}),
        ({**CHOICE, "doc_to_text": "!function code.text_here"}, {}),
        (CHOICE, {"rows": [{"question": "?", "answer": 7}]}),
        ({**CHOICE, "doc_to_text": "{{qestion}}"}, {}),
        ({**CHOICE, "output_type": "multiple"}, {}),
        ({**CHOICE, "test_split": "tset"}, {}),
    ],
    ids=["examples", "own examples", "assert", "answer", "field", "kind", "split"],
)
def test_a_task_that_cannot_be_put_together_is_the_owners_fault(
    evaluate: Callable[..., None], config: dict[str, Any], settings: dict[str, Any]
) -> None:
    with pytest.raises(Failed, match="The task own cannot be built") as failed:
        evaluate(config, **settings)
    assert failed.value.end is End.WORKER
    assert "the model is not at fault" in str(failed.value)


def test_an_assertion_while_an_answer_is_scored_is_not_a_short_context(evaluate: Callable[..., None]) -> None:
    with pytest.raises(AssertionError, match="an assertion about an answer"):
        evaluate({**CHOICE, "process_results": "!function code.score_here"})


@pytest.mark.parametrize("name", ["self.max_length", "max_ctx_len", "max_seq_len"])
def test_an_assertion_of_lm_eval_about_length_is_reported_as_before(name: str, tmp_path: Path) -> None:
    file = tmp_path / "lm_eval" / "models" / "huggingface.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        f"class Of:\n    max_length = 3\nself = Of()\nmax_ctx_len = max_seq_len = 3\nassert 9 <= {name}\n"
    )
    with (
        pytest.raises(Failed, match="texts of the task own are too long for"),
        explained(Step.EVALUATION, make_job("acme/model"), "own"),
    ):
        exec(compile(file.read_text(), str(file), "exec"), {})


@pytest.mark.parametrize("text", ["assert False", "assert tokenizer.pad_token_id == 0"])
def test_another_assertion_of_lm_evals_models_says_nothing_of_length(text: str, tmp_path: Path) -> None:
    file = tmp_path / "lm_eval" / "models" / "utils.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"class tokenizer: pad_token_id = 1\n{text}\n")
    with pytest.raises(AssertionError), explained(Step.EVALUATION, make_job("acme/model"), "own"):
        exec(compile(file.read_text(), str(file), "exec"), {})


def test_a_list_that_is_too_short_is_not_a_damaged_tokenizer() -> None:
    with (
        pytest.raises(IndexError, match="list index out of range"),
        explained(Step.EVALUATION, make_job("acme/model"), "own"),
    ):
        [][1]
