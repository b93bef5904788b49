"""`python -m src.try_task NAME` shows what a model reads and answers, before anything is deployed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.evaluation.reports.samples_file import Sample, samples_file
from src.running.suite import EngineName
from src.settings import Settings
from src.shared.errors import ConfigurationError, printable
from src.try_task.__main__ import find_model, suite_of
from src.try_task.small_model import make_small_model
from src.try_task.told import LONGEST, means, read_samples, told
from support.hub import running_hub
from support.tiny_model import make_tiny_model

BACKEND = Path("backend").resolve()


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """The shipped tasks in a folder of their own; their questions stay where they are."""
    folder = tmp_path / "own tasks"
    shutil.copytree(BACKEND / "tasks", folder, ignore=shutil.ignore_patterns("*.jsonl", "README.md"))
    return folder


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "src.try_task", *arguments],
        cwd=BACKEND,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TMPDIR": str(folder), **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# The whole command


@pytest.mark.slow
def test_a_task_that_writes_shows_prompt_answer_and_score(tmp_path: Path, tasks: Path) -> None:
    file = tasks / "tiny_copy.yaml"
    file.write_text(file.read_text().replace("num_fewshot: 0\n", ""))  # lm_eval would keep it
    done = run(tmp_path, "tiny_copy|1", "--limit", "2", TASKS_DIR=str(tasks))
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split("Question ")[1:]
    assert first.startswith("1 of 2: number 0 of tiny_copy\n")
    prompt = first.partition("as the model reads it:\n")[2].partition("It wrote:")[0]
    assert prompt.count("Repeat:") == 2, "there is one example before the question"
    assert "It wrote:\n  │ " in first
    assert "The right answer:\n  │ aaba\nScores: exact_match 0\n" in first
    assert second.startswith("2 of 2: number 1")
    assert "tiny_copy has no problems. Of lm_eval, stand-in, 2 answers. Means: exact_match 0." in second
    assert "They mean nothing: the stand-in was never trained." in second


@pytest.mark.slow
def test_a_task_with_choices_shows_what_each_is_rated(tmp_path: Path) -> None:
    done = run(tmp_path, "tiny_agreement", "--limit", "1", "--chat", SYSTEM_INSTRUCTION="Be brief.")
    assert done.returncode == 0, done.stderr
    assert "  │ <|system|>\n  │ Be brief.\n  │ <|user|>\n" in done.stdout
    assert "  │ <|assistant|>\n" in done.stdout
    assert "The answers that it rates" in done.stdout
    assert done.stdout.count(" * ") == 1
    assert "The right answer: " in done.stdout
    assert "Scores: acc " in done.stdout


@pytest.mark.slow
def test_a_model_in_a_folder_answers(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "mine", max_position_embeddings=256)
    done = run(tmp_path, "tiny_addition", "--limit", "1", "--model", str(folder))
    assert done.returncode == 0, done.stderr
    assert "Of lm_eval, mine, 1 answers." in done.stdout
    assert "never trained" not in done.stdout


@pytest.mark.slow
def test_a_model_on_the_hub_answers_without_any_token(tmp_path: Path) -> None:
    with running_hub() as hub:
        files = {path.name: path.read_bytes() for path in make_small_model(tmp_path / "mine").iterdir()}
        hub.add_model("acme/small", files)
        more = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "", "HF_HUB_DISABLE_XET": "1"}
        done = run(tmp_path, "tiny_copy", "--limit", "1", "--model", "acme/small", **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Of lm_eval, acme/small, 1 answers." in done.stdout


@pytest.mark.slow
def test_a_broken_task_is_told_with_its_place_and_no_model_answers(tmp_path: Path, tasks: Path) -> None:
    file = tasks / "tiny_copy.yaml"
    file.write_text(file.read_text().replace("{{word}}", "{{wrod}}", 1))
    done = run(tmp_path, "tiny_copy", TASKS_DIR=str(tasks))
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("The task tiny_copy uses the field `wrod`, which its questions do not have")
    assert "tiny_copy.yaml, line " in done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_an_unknown_task_is_told_with_one_that_is_meant(tmp_path: Path) -> None:
    done = run(tmp_path, "tiny_additoin")
    assert done.returncode == 1, done.stderr
    assert "Did you mean tiny_addition?" in done.stdout


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    folder = make_small_model(tmp_path / "mine")
    (folder / "model.safetensors").write_bytes(b"nothing")
    done = run(tmp_path, "tiny_copy", "--model", str(folder))
    assert done.returncode == 3
    assert done.stdout.startswith("mine could not answer: ")


def test_no_questions_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "tiny_copy", "--limit", "0")
    assert done.returncode == 2
    assert "at least 1" in done.stderr


# Its parts


def test_a_task_of_the_settings_is_run_as_they_say() -> None:
    settings = Settings(tasks_harness="tiny_copy|2, tiny_addition", system_instruction="Be brief.")
    suite = suite_of("tiny_copy", settings, 3)
    assert (suite.tasks, suite.fewshot("tiny_copy"), suite.limit) == (("tiny_copy",), 2, 3)
    assert suite.system_instruction == "Be brief."
    assert suite.save_samples


def test_another_task_and_another_number_of_examples_can_be_named() -> None:
    suite = suite_of("tiny_agreement|4", Settings(tasks_harness="tiny_copy"), 1)
    assert (suite.tasks, suite.fewshot("tiny_agreement")) == (("tiny_agreement",), 4)
    lighteval = suite_of("tiny_agreement", Settings(engine=EngineName.LIGHTEVAL), 1)
    assert lighteval.tasks[0].startswith("tiny_agreement")


def test_a_model_that_is_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigurationError, match="which is no folder here, and on the Hub: "):
        find_model("acme/nowhere", Settings(), tmp_path)


def test_the_small_model_is_always_the_same(tmp_path: Path) -> None:
    one, two = make_small_model(tmp_path / "one"), make_small_model(tmp_path / "two")
    names = sorted(path.name for path in one.iterdir())
    assert names == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


def lines_of(folder: Path, *samples: Sample) -> list[str]:
    (folder / "task.parquet").write_bytes(samples_file(samples))
    return list(told(read_samples(folder)))


def test_what_a_filter_made_of_an_answer_is_shown_if_it_differs(tmp_path: Path) -> None:
    same = Sample(task="t", doc_id=0, prompt="p", answers=["7"], filtered=["7"], target="7")
    other = Sample(task="t", doc_id=1, prompt="p", answers=["So it is 7."], filtered=["7"], target="7")
    lines = lines_of(tmp_path, same, other)
    assert lines.count("What is compared:") == 1
    assert lines[lines.index("What is compared:") + 1] == "  │ 7"


@pytest.mark.parametrize(
    ("choices", "doc", "target", "right"),
    [
        (["a", "b"], {}, 1, "The right answer: 1, 'b'"),
        ([], {"query": "q", "choices": ["a", "b"], "specific": None}, [0, 1], "0, 'a' or 1, 'b'"),
        ([], {"choices": ["a", "b"]}, "1", "  │ 1"),
        (["a", "b"], {}, 7, "  │ 7"),
        ([], {}, "dances", "  │ dances"),
    ],
)
def test_the_right_answer_is_named_and_not_only_counted(
    tmp_path: Path, choices: list[str], doc: object, target: object, right: str
) -> None:
    lines = lines_of(
        tmp_path, Sample(task="t", doc_id=0, prompt="p", choices=choices, doc=doc, target=target)
    )
    assert right in "\n".join(lines)


def test_a_question_cannot_change_the_terminal(tmp_path: Path) -> None:
    hostile = "a\x1b[2J\x07\r\u202eb\tc"
    sample = Sample(task="t", doc_id=0, prompt=hostile, answers=[hostile], target=hostile)
    text = "\n".join(map(printable, lines_of(tmp_path, sample)))
    assert text.isprintable() or set(text) - {"\n"} == {letter for letter in text if letter.isprintable()}
    assert "\\x1b[2J" in text


def test_a_long_prompt_is_cut_in_the_middle(tmp_path: Path) -> None:
    sample = Sample(task="t", doc_id=0, prompt="a" * LONGEST + "b" * LONGEST, answers=["x"])
    text = "\n".join(lines_of(tmp_path, sample))
    assert "[… 20,000 characters …]" in text
    assert len(text) < LONGEST + 1000


def test_the_means_are_those_of_the_questions_that_have_a_score(tmp_path: Path) -> None:
    scored = [
        Sample(task="t", doc_id=number, prompt="p", scores={"acc": value, "f1": None})
        for number, value in enumerate([1.0, 0.0, 1.0])
    ]
    (tmp_path / "task.parquet").write_bytes(samples_file(scored))
    assert means(read_samples(tmp_path)) == "acc 0.667"
