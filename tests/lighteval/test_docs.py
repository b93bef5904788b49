"""What docs/engines.md has owners paste is right, and so is an old template's list of tasks."""

import re

from src.evaluation.lighteval.engine import ENGINE
from src.evaluation.lighteval.tasks import find_tasks
from src.running.suite import EngineName, Suite, read_tasks_of_lighteval
from support.jobs import TASKS
from support.old_envs import BACKEND
from support.sources import ROOT

TEXT = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")


def suite(tasks: tuple[str, ...]) -> Suite:
    return Suite(engine=EngineName.LIGHTEVAL, tasks=tasks, tasks_dir=str(TASKS))


def test_the_tasks_to_paste_exist_and_the_columns_show_metrics_that_they_have() -> None:
    [named] = re.findall(r'^TASKS_LIGHTEVAL = "(.+)"$', TEXT, re.MULTILINE)
    description = ENGINE.describe(suite(read_tasks_of_lighteval(named).names))
    assert description.problems == ()
    described = {task.name: task for task in description.tasks}
    columns = re.findall(r'Task\("([^"]+)", "([^"]+)", "[^"]+"\)', TEXT)
    assert [benchmark for benchmark, _ in columns] == list(described)
    assert all(described[benchmark].metric(metric) for benchmark, metric in columns)


def test_the_tasks_of_an_old_envs_exist() -> None:
    [named] = re.findall(r'^TASKS_LIGHTEVAL = "(.+)"$', BACKEND, re.MULTILINE)
    names = read_tasks_of_lighteval(named).names
    assert names == ("anli:r1|0",)
    assert ENGINE.describe(suite(names)).problems == ()


def test_the_number_of_tasks_and_the_kinds_that_are_refused_are_as_told() -> None:
    tasks = find_tasks(suite(()))
    [number] = re.findall(r"All of lighteval's (\d+) tasks", TEXT)
    assert int(number) == len(tasks.configs) - len(tasks.own.TASKS_TABLE)
    for name in ("mmlu", "wikitext", "the_pile", "bold", "mt_bench", "math", "lcb"):
        assert any(each.split(":")[0] == name for each in tasks.configs)
    assert len(tasks.parts("mmlu")) == int(re.findall(r"all (\d+) tasks `mmlu:", TEXT)[0])
