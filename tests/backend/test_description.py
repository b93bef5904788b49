"""The description of what a worker runs says what lm_eval's configuration files and the settings say."""

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
import lm_eval.tasks._factory as factory
import pytest
import yaml
from lm_eval.api.task import Task
from lm_eval.tasks import TaskManager

from src.evaluation.lm_eval.description import describe
from src.evaluation.lm_eval.tasks.configs import groups_in, is_group, is_tag, leaves
from src.evaluation.lm_eval.trial.problems import problems
from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.job import Work
from src.running.launchers import ProgramLauncher
from src.running.suite import Suite
from src.running.watch import ChildLimits
from src.shared.data.backend_description import BackendDescription, Metric, TaskDescription, read_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.precision import PRECISIONS
from src.shared.version import VERSION
from src.suite.announcer import Announcer
from support.queues import Queue
from support.sources import ROOT
from support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("in_the_backends_folder")

SHIPPED = Suite(tasks=("tiny_addition", "tiny_agreement", "tiny_copy"), tasks_dir="tasks")
CHOICE = {
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "questions.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": ["yes", "no"],
    "doc_to_target": "{{answer}}",
}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backend's folder with no task in it yet, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "questions.jsonl").write_text(json.dumps({"question": "?", "answer": "yes"}) + "\n\n")
    (tmp_path / "tasks").mkdir()
    return tmp_path / "tasks"


def write(own: Path, **configs: object) -> None:
    """Write task files; a group is one that says so."""
    for name, config in configs.items():
        assert isinstance(config, dict)
        named = config if "group" in config else {"task": name, **config}
        (own / f"{name}.yaml").write_text(yaml.safe_dump(named))


def described(*names: str, **settings: object) -> BackendDescription:
    return describe(replace(SHIPPED, tasks=names, **settings))  # type: ignore[arg-type]


def only(description: BackendDescription) -> TaskDescription:
    [task] = description.tasks
    return task


def test_the_shipped_tasks_are_described_as_their_files_say() -> None:
    description = describe(SHIPPED)
    assert description.problems == ()
    assert [task.name for task in description.tasks] == list(SHIPPED.tasks)
    for task in description.tasks:
        file = yaml.safe_load(Path(f"tasks/{task.name}.yaml").read_text())
        [metric] = file["metric_list"]
        assert task == TaskDescription(
            name=file["task"],
            kind=file["output_type"],
            metrics=(Metric(key=f"{metric['metric']},none", higher_is_better=metric["higher_is_better"]),),
            num_fewshot=file["num_fewshot"],
            version=str(file["metadata"]["version"]),
            questions=len(Path(f"tasks/{task.name}.jsonl").read_text().splitlines()),
            random_baseline=file["metadata"]["random_baseline"],
            file=f"tasks/{task.name}.yaml",
        )
    assert [task.questions for task in description.tasks] == [100, 144, 100]


def test_how_it_is_run_is_described() -> None:
    description = described("tiny_copy", limit=20, device="cuda:0", batch_size="auto:4")
    assert (description.limit, description.device, description.batch_size) == (20, "cuda:0", "auto:4")
    assert description.precisions == tuple(PRECISIONS)
    assert description.weight_types == ("Original", "Adapter")
    assert description.max_model_gb is None
    assert description.versions["lm_eval"] == version("lm_eval")
    assert description.versions["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert {"LlamaForCausalLM", "GPT2LMHeadModel"} <= set(description.architectures)
    assert list(description.architectures) == sorted(set(description.architectures))


def test_adapters_are_on_offer_where_they_are_switched_on_and_peft_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert described("tiny_copy", adapters=False).weight_types == ("Original",)
    monkeypatch.setattr("src.running.suite.find_spec", lambda name: None)
    assert described("tiny_copy").weight_types == ("Original",)


def test_the_batch_size_is_the_one_that_is_used() -> None:
    assert describe(SHIPPED).batch_size == "8"


def test_no_folder_of_this_machine_is_described(tmp_path: Path) -> None:
    description = described("tiny_copy", "hellaswag", tasks_dir=str(Path("tasks").resolve()))
    assert description.include_path == "tasks"
    assert [task.file for task in description.tasks] == [
        "tasks/tiny_copy.yaml",
        "lm_eval/tasks/hellaswag/hellaswag.yaml",
    ]
    assert str(ROOT) not in str(description)
    assert sys.prefix not in str(description)


def test_a_number_of_examples_is_for_one_task_and_the_general_one_for_the_others() -> None:
    description = described("arc_easy", "hellaswag", num_fewshot=3, fewshot_by_task={"arc_easy": 25})
    assert [(task.given_num_fewshot, task.num_fewshot) for task in description.tasks] == [(25, 25), (3, 3)]


def test_lm_eval_keeps_a_task_at_no_examples_whose_file_says_so() -> None:
    task = only(described("truthfulqa_mc2", num_fewshot=5))
    assert (task.given_num_fewshot, task.num_fewshot) == (5, 0)


def test_a_task_without_a_number_has_that_of_its_file() -> None:
    assert only(described("gsm8k")).num_fewshot == 5


def test_each_filter_of_a_metric_is_a_score_of_its_own() -> None:
    assert [metric.key for metric in only(described("gsm8k")).metrics] == [
        "exact_match,strict-match",
        "exact_match,flexible-extract",
    ]


def test_metrics_that_a_file_leaves_to_lm_eval_are_those_of_its_kind(own: Path) -> None:
    write(own, choice=CHOICE, text={**CHOICE, "output_type": "loglikelihood_rolling"})
    choice, text = described("choice", "text").tasks
    assert [metric.key for metric in choice.metrics] == ["acc,none", "acc_norm,none"]
    assert {metric.higher_is_better for metric in text.metrics} == {False}


def test_questions_on_the_hub_are_named_and_not_counted() -> None:
    task = only(described("hellaswag"))
    assert (task.datasets, task.questions) == (("Rowan/hellaswag",), None)


def test_a_group_is_described_with_what_its_tasks_have_in_common(own: Path) -> None:
    write(
        own,
        one={**CHOICE, "num_fewshot": 2},
        two={**CHOICE, "num_fewshot": 2},
        inner={"group": "inner", "task": ["two"]},
        both={
            "group": "both",
            "task": ["one", "inner"],
            "aggregate_metric_list": [{"metric": "acc"}],
            "metadata": {"version": 2, "random_baseline": 0.5},
        },
    )
    assert only(described("both")) == TaskDescription(
        name="both",
        kind="multiple_choice",
        metrics=(Metric(key="acc,none", higher_is_better=True),),
        num_fewshot=2,
        version="2",
        questions=2,
        random_baseline=0.5,
        file="tasks/both.yaml",
        subtasks=2,
        parts=("inner", "one", "two"),
    )


def test_what_differs_in_a_group_is_unknown(own: Path) -> None:
    write(
        own,
        one={**CHOICE, "num_fewshot": 2},
        two=CHOICE,
        both={"group": "both", "task": ["one", {"task": "two", "num_fewshot": 7}]},
    )
    task = only(described("both"))
    assert (task.num_fewshot, task.version, task.metrics) == (None, None, ())
    assert only(described("both", num_fewshot=4)).num_fewshot == 4


def test_a_tag_stands_for_its_tasks(own: Path) -> None:
    write(own, one={**CHOICE, "tag": "easy"}, two={**CHOICE, "tag": ["easy", "other"]})
    tasks = described("easy", "one", fewshot_by_task={"easy": 3}).tasks
    assert [(task.name, task.entry) for task in tasks] == [("one", "easy"), ("two", "easy"), ("one", "one")]


def test_a_good_task_has_no_problems(own: Path) -> None:
    write(own, good=CHOICE)
    assert described("good").problems == ()


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            {"unsafe_code": True},
            "runs code that models write (`unsafe_code`), which this worker does not allow: set "
            "CONFIRM_RUN_UNSAFE_CODE to True",
        ),
        (
            {"dataset_kwargs": {"data_files": {"test": "gone/lost.jsonl"}}},
            "names a file of questions that does not exist, lost.jsonl: ",
        ),
    ],
)
def test_a_problem_of_a_task_is_reported_with_what_to_do(
    own: Path, config: dict[str, object], problem: str
) -> None:
    write(own, bad={**CHOICE, **config}, good=CHOICE)
    [sentence] = described("good", "bad").problems
    assert sentence.startswith(f"The task bad {problem}")
    assert [task.name for task in described("good", "bad").tasks] == ["good", "bad"]


def test_code_that_models_write_is_no_problem_for_an_owner_who_allows_it(own: Path) -> None:
    write(own, bad={**CHOICE, "unsafe_code": True})
    assert described("bad", confirm_run_unsafe_code=True).problems == ()


def test_a_part_of_a_group_that_does_not_exist_is_reported(own: Path) -> None:
    write(own, good=CHOICE, both={"group": "both", "task": ["good", "nothing"]})
    index = TaskManager(include_path=["tasks"], include_defaults=False)
    [sentence] = problems("both", index)
    assert sentence == (
        "The task nothing, which both stands for, is neither in this leaderboard's tasks folder nor in "
        f"lm_eval {version('lm_eval')}: correct its name in the file of both, or add its file."
    )


@pytest.mark.slow
def test_a_task_that_does_not_exist_is_reported_and_the_others_are_described() -> None:
    description = described("tiny_copy", "tiny_cpoy")
    assert [task.name for task in description.tasks] == ["tiny_copy"]
    [sentence] = description.problems
    assert sentence.startswith("The task tiny_cpoy is neither in ")


def test_a_package_that_a_task_needs_is_named(own: Path) -> None:
    (own / "needy.py").write_text("import a_package_of_nobody\n\ndef text(doc):\n    return ''\n")
    for name in ("one", "two"):
        config = yaml.safe_dump({**CHOICE, "task": name}).replace("'{{question}}'", "!function needy.text")
        (own / f"{name}.yaml").write_text(config)
    write(own, both={"group": "both", "task": ["one", "two"]})
    [sentence] = described("both").problems
    assert sentence == (
        "The task one, which both stands for, needs a Python package that this worker does not have "
        "(a_package_of_nobody): add it to the backend's requirements.txt."
    )


def test_questions_on_the_hub_are_a_problem_for_a_worker_that_is_kept_offline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert described("hellaswag", "tiny_copy").problems == ()
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    [sentence] = described("hellaswag", "tiny_copy").problems
    assert sentence.startswith("The task hellaswag reads its questions from Rowan/hellaswag, but this worker")


def test_a_child_describes_the_suite_and_the_worker_publishes_it(queue: Queue, tmp_path: Path) -> None:
    suite = replace(SHIPPED, fewshot_by_task={"tiny_copy": 4}, limit=0.5)
    limits = ChildLimits(time=timedelta(minutes=5))
    launcher = ProgramLauncher(clean_environment(tmp_path / "worker"))
    describer = ProcessExecutor(tmp_path / "worker", limits=limits, launcher=launcher, work=Work.DESCRIBE)
    announcer = Announcer(queue.results, describer, suite)

    def is_done() -> bool:
        announcer.tick()
        return announcer.is_done

    wait_for(is_done, what="the description")
    announcer.close()
    assert announcer.problems == ()
    published = (queue.folder / "results" / BACKEND_DESCRIPTION).read_bytes()
    assert read_description(published) == replace(describe(suite), version=VERSION)


class Built(Task):
    """What lm_eval's factory builds in the place of a task, which would fetch its questions."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.built_of = config

    @property
    def task_name(self) -> str:
        return str(self.built_of["task"])


Built.__abstractmethods__ = frozenset()

NOT_BUILT_AS_WRITTEN = {"openllm", "toksuite_abridged"}
"""The one gives a number of examples to the group mmlu, and lm_eval then builds one task in place of 57; the
other has a list where a name should be.
"""


def names_within(names: Iterator[str]) -> set[str]:
    """lm_eval puts a group's name before that of a part which is written out in it."""
    return {name.rpartition("::")[2] for name in names}


@pytest.mark.slow
def test_every_group_and_tag_of_lm_eval_has_the_tasks_that_lm_eval_builds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load_yaml = factory.load_yaml
    monkeypatch.setattr(factory, "ConfigurableTask", Built)
    monkeypatch.setattr(factory, "_ctor_accepts_config", lambda cls: True)
    monkeypatch.setattr(factory, "load_yaml", lambda path, **_: load_yaml(path, resolve_func=False))
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    tasks = TaskManager()
    compared = 0
    for name, entry in list(tasks.task_index.items()):
        if name in NOT_BUILT_AS_WRITTEN or not (is_group(entry) or is_tag(entry)):
            continue
        try:
            built = tasks.load([name])
        except (ValueError, TypeError):  # a few files have mistakes
            continue
        compared += 1
        found = {leaf.name.rpartition("::")[2]: leaf.config for leaf in leaves(name, tasks)}
        assert found.keys() == names_within(iter(built["tasks"])), name
        assert set(groups_in(name, tasks)) <= set(built["groups"]), name
        for task in built["tasks"].values():
            ours = found[task.task_name.rpartition("::")[2]]
            for key in ("num_fewshot", "metric_list", "filter_list", "output_type", "dataset_path"):
                assert ours.get(key) == task.built_of.get(key), (name, task.task_name, key)
    assert compared > 1000
