"""The suite is tried before a model is claimed: what is wrong with a task is one sentence for its owner."""

from collections.abc import Callable
from pathlib import Path

import pytest

from src.evaluation.lighteval.engine import ENGINE
from src.running.job import Progress, Trial
from src.running.suite import EngineName, Suite
from src.shared.data.backend_description import read_description, write_description
from support.jobs import TASKS
from support.lighteval_jobs import SHIPPED
from support.sources import ROOT

Own = Callable[..., Path]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """A tasks folder with the shipped task file, of which parts are replaced."""

    def write(*changes: tuple[str, str]) -> Path:
        text = (TASKS / "tiny_lighteval.py").read_text()
        for old, new in (("str(Path(__file__).parent)", repr(str(TASKS))), *changes):
            assert old in text
            text = text.replace(old, new)
        folder = tmp_path / "tasks"
        folder.mkdir(exist_ok=True)
        (folder / "own.py").write_text(text)
        return folder

    return write


def suite(*tasks: str, folder: Path = TASKS, **changes: object) -> Suite:
    named = tasks or SHIPPED
    return Suite(engine=EngineName.LIGHTEVAL, tasks=named, tasks_dir=str(folder), **changes)  # type: ignore[arg-type]


def tried(*tasks: str, folder: Path = TASKS, **changes: object) -> Trial:
    return ENGINE.try_suite(suite(*tasks, folder=folder, **changes), lambda progress: None)


def problem(*tasks: str, folder: Path = TASKS, **changes: object) -> str:
    trial = tried(*tasks, folder=folder, **changes)
    assert trial.unanswered == ()
    [sentence] = trial.description.problems
    assert str(folder.parent) not in sentence
    return sentence


def test_the_shipped_tasks_have_no_problem_and_are_described() -> None:
    reported: list[Progress] = []
    trial = ENGINE.try_suite(suite(), reported.append)
    assert trial.description.problems == ()
    assert trial.unanswered == ()
    assert [progress.task for progress in reported] == ["looking for the tasks", *SHIPPED, ""]
    assert trial.description == ENGINE.describe(suite())
    described = read_description(write_description(trial.description))
    assert described.engine == "lighteval"
    assert {"lighteval", "transformers"} <= described.versions.keys()
    copying = described.tasks[2]
    assert (copying.name, copying.num_fewshot, copying.version) == ("tiny_copy|0", 0, "1")
    assert (copying.kind, copying.file) == ("generate_until", "tasks/tiny_lighteval.py")
    assert [(metric.key, metric.higher_is_better) for metric in copying.metrics] == [("exact_match", True)]


def test_a_group_is_described_as_one_task_with_its_parts() -> None:
    [mmlu] = ENGINE.describe(suite("mmlu|5")).tasks
    assert (mmlu.name, mmlu.num_fewshot, mmlu.subtasks, len(mmlu.parts)) == ("mmlu|5", 5, 57, 57)
    assert "mmlu:anatomy|5" in mmlu.parts
    assert mmlu.datasets == ("lighteval/mmlu",)
    assert mmlu.file == "lighteval/tasks/mmlu.py"


def test_an_unknown_task_is_reported_with_the_closest_name() -> None:
    sentence = problem("gsm8j|5")
    assert "The task gsm8j is neither in this leaderboard's tasks folder nor in lighteval" in sentence
    assert sentence.endswith("Did you mean gsm8k?")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("tiny:gsm8k|0", "needs a pickle from GitHub"),
        ("lcb:codegeneration|0", "CONFIRM_RUN_UNSAFE_CODE to True"),
        ("mt_bench|0", "asks another model (a judge)"),
        ("math:algebra|0", "needs several different answers to each question"),
        ("wikitext:103:document_level|0", "perplexity of whole texts"),
    ],
)
def test_tasks_that_cannot_be_scored_here_are_refused(task: str, words: str) -> None:
    assert words in problem(task)


MISTAKES = {
    "prompt function fails": (
        ('query=row["sentence"]', 'query=row["phrase"]'),
        "tiny_agreement|0",
        r"The task tiny_agreement cannot be evaluated (KeyError: 'phrase'; question 1 of the split test, "
        "tasks/own.py, line 39): correct it.",
    ),
    "no such folder": (
        (repr(str(TASKS)), "'./nowhere'"),
        "tiny_copy|0",
        "The task tiny_copy cannot be evaluated (",
    ),
    "no such split": (
        ('"evaluation_splits": ["test"]', '"evaluation_splits": ["dev"]'),
        "tiny_copy|0",
        "The task tiny_copy cannot be evaluated (KeyError: 'dev'; tasks/own.py): correct it.",
    ),
    "no such subset": (
        ("hf_subset=name", "hf_subset='other'"),
        "tiny_copy|0",
        "The task tiny_copy cannot be evaluated (ValueError: BuilderConfig 'other' not found.",
    ),
    "answer beyond the choices": (
        ('SUMS = [f"{number}." for number in range(19)]', 'SUMS = ["1.", "2."]'),
        "tiny_addition|0",
        "its `gold_index` is 2, but there are 2 choices (tasks/own.py): correct it.",
    ),
    "no choices": (
        ('choices = [f" {verb}" for verb in row["choices"]]', "choices = []"),
        "tiny_agreement|0",
        "has an invalid question, number 1: its `choices` are [], but have to be a list of texts",
    ),
    "prompt is no text": (
        ('query=row["question"]', "query=5"),
        "tiny_addition|0",
        "its `query` is 5, which is not a text",
    ),
    "no end of an answer": (
        ('        stop_sequence=["\\n"],\n', ""),
        "tiny_copy|0",
        "has no list of texts that end an answer (`stop_sequence`), without which lighteval fails",
    ),
    "metric fails": (
        ("sample_level_fn=ExactMatches()", "sample_level_fn=ExactMatches(normalize_pred=int)"),
        "tiny_copy|0",
        "The task tiny_copy cannot be evaluated (ValueError: invalid literal for int()",
    ),
    "no task": (
        ("TASKS_TABLE = [", "TASKS_TABLE = ['tiny',"),
        "tiny_copy|0",
        "The task file tasks/own.py, cannot be read (TypeError: 'tiny' in TASKS_TABLE is not a task",
    ),
    "a metric of another kind": (
        ("metrics=[EXACT_MATCH]", "metrics=[5]"),
        "tiny_copy|0",
        "The task file tasks/own.py, cannot be read (TypeError: the metric 5 of tiny_copy is not one of "
        "lighteval's): correct it, or remove the file.",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_task_is_reported(name: str, own: Own) -> None:
    change, task, words = MISTAKES[name]
    assert words in problem(task, folder=own(change))


def test_a_group_and_metrics_over_all_questions_are_tried() -> None:
    kinds = ROOT / "tests" / "support" / "kinds_of_tasks"
    assert tried("kind_parts|2", "kind_corpus|0", "kind_sampled|2", folder=kinds).description.problems == ()


def test_a_metric_that_lacks_what_it_needs_is_reported(own: Own) -> None:
    """lighteval never asks for the probability of a choice without its question."""
    metric = (
        "from lighteval.metrics.metrics_sample import LoglikelihoodAcc\n"
        "from lighteval.metrics.normalizations import LogProbPMINorm\n"
        "SCORED = LoglikelihoodAcc(LogProbPMINorm())\n"
        "PMI = SampleLevelMetric('pmi', True, SamplingMethod.LOGPROBS, SCORED, np.mean)\n"
    )
    folder = own(("SUMS = [", f"{metric}SUMS = ["), ("[Metrics.loglikelihood_acc]", "[PMI]"))
    assert "AssertionError: unconditioned_logprob must be provided" in problem(
        "tiny_addition|0", folder=folder
    )


CODEGEN = "import lighteval.tasks.tasks.lcb.main as lcb\n"
RUNS_CODE = {
    "lighteval's metric": ("", "Metrics.lcb_codegen_metric"),
    "a metric with lighteval's class": (
        "class Own(lcb.CodegenMetric):\n    pass\n\n\n"
        "OWN = SampleLevelMetric('own', True, SamplingMethod.GENERATIVE, Own(), np.mean)\n",
        "OWN",
    ),
}


@pytest.mark.parametrize("name", RUNS_CODE)
def test_code_that_models_write_needs_permission_in_a_task_of_ones_own_too(name: str, own: Own) -> None:
    """Only the folder of the task was looked at."""
    code, metric = RUNS_CODE[name]
    folder = own(("SUMS = [", f"{CODEGEN}{code}SUMS = ["), ("metrics=[EXACT_MATCH]", f"metrics=[{metric}]"))
    assert "The task tiny_copy runs code that models write" in problem("tiny_copy|0", folder=folder)
    allowed = tried("tiny_copy|0", folder=folder, confirm_run_unsafe_code=True).description.problems
    assert not any("runs code" in each for each in allowed)


def test_more_examples_than_there_are_is_reported() -> None:
    assert "has fewer examples than tiny_copy|200 asks for" in problem("tiny_copy|200")
    assert tried("tiny_copy|5").description.problems == ()


def test_one_bad_task_does_not_hide_another() -> None:
    trial = tried("tiny_copy|0", "nothing_of_the_kind|0")
    assert len(trial.description.problems) == 1
    assert [task.name for task in trial.description.tasks] == ["tiny_copy|0"]


def test_a_question_is_published_only_if_the_owner_wants_it() -> None:
    assert tried("tiny_copy|0").description.tasks[0].example is None
    [task] = tried("tiny_copy|1", publish_examples=True).description.tasks
    assert task.example
    shot, question = task.example.question.split("\n\n")
    assert shot.startswith("Repeat: ")
    assert question == f"Repeat: {task.example.answer}\n"


def test_questions_that_could_not_be_fetched_are_not_the_tasks_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(*args: object, **settings: object) -> None:
        raise ConnectionError("the Hub is down")

    monkeypatch.setattr("lighteval.tasks.lighteval_task.load_dataset", no_answer)
    trial = tried("gsm8k|0", "arc|0")
    assert trial.unanswered == ("gsm8k|0", "arc|0")
    assert trial.description.problems == ()
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    assert "reads its questions from openai/gsm8k, but this worker is offline" in problem("gsm8k|0")


def test_a_file_that_cannot_be_read_is_reported_once(tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "own.py").write_text("TASKS_TABLE = [\n")
    assert "tasks/own.py, line 1, cannot be read (SyntaxError" in problem("mine|0", folder=folder)
