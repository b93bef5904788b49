"""docs/customise.md can be pasted into the frontend: its suites give the columns that it says, and its
examples of a rule and a column work.
"""

import re
from dataclasses import replace
from types import ModuleType

import pytest

from src import checks, columns
from src.columns import TAKEN
from src.leaderboard.agreement import differences
from src.leaderboard.merging import standings
from src.leaderboard.rows import Standings
from src.leaderboard.view import ViewState, view
from src.page.texts import read_texts
from src.shared.data.backend_description import BackendDescription, Metric, TaskDescription
from src.shared.data.request import Status
from src.submitting.form import Refused
from src.tasks import Task, read_tasks
from support.boards import TASKS, make_result, path_of
from support.cases import make_case, make_facts
from support.customising import Pasted, blocks, section, suites_and_variants
from support.factories import make_request
from support.sources import ROOT

ABOUT = (ROOT / "frontend/src/about.py").read_text(encoding="utf-8")


def title(suite: Pasted) -> str:
    return suite.title


every_suite = pytest.mark.parametrize("suite", suites_and_variants(), ids=title)


def pasted(suite: Pasted) -> ModuleType:
    """The shipped about.py with a suite in the place of its tasks."""
    text, count = re.subn(r"^class Tasks.*?\n(?=\S)", lambda _: suite.about + "\n", ABOUT, flags=re.M | re.S)
    assert count == 1
    about = ModuleType("about")
    exec(compile(text, "src/about.py", "exec"), about.__dict__)
    return about


def tasks_of(suite: Pasted) -> tuple[Task, ...]:
    return read_tasks(pasted(suite).Tasks, taken=TAKEN)


def key(task: Task) -> str:
    """The metric's key in lm_eval's reports."""
    return task.metric if "," in task.metric else f"{task.metric},none"


def scored(suite: Pasted) -> Standings:
    """The standings of one model that has a score of 0.25 on all tasks."""
    tasks = tasks_of(suite)
    scores: dict[str, dict[str, object]] = {task.benchmark: {} for task in tasks}
    for task in tasks:
        scores[task.benchmark][key(task)] = 0.25
    return standings(tasks, {}, [make_result(scores=scores, higher_is_better={})])


@every_suite
def test_a_suite_is_taken_with_the_texts_around_it(suite: Pasted) -> None:
    about = pasted(suite)
    assert read_texts(about).title
    assert [task.col_name for task in read_tasks(about.Tasks, taken=TAKEN)] == [
        row["column"] for row in suite.table if f'Task("{row["task"]}"' in uncommented(suite)
    ]


def uncommented(suite: Pasted) -> str:
    return "\n".join(line for line in suite.about.splitlines() if not line.lstrip().startswith("#"))


@every_suite
def test_all_scores_of_a_suite_are_shown_as_percentages_but_the_perplexity(suite: Pasted) -> None:
    board = scored(suite)
    [row] = board.rows
    expected = [0.25 if column.task.metric == "perplexity" else 25.0 for column in board.tasks]
    assert list(row.scores) == expected
    assert (row.average, row.is_complete) == (25.0, True)


def test_the_perplexity_is_marked_and_stays_out_of_the_average() -> None:
    [suite] = [each for each in suites_and_variants() if each.title.startswith("Base models")]
    board = scored(suite)
    assert [column.header for column in board.tasks if not column.higher_is_better] == ["LAMBADA ppl ↓"]
    assert board.rows[0].total == len(board.tasks) - 1


@every_suite
def test_the_page_finds_no_difference_to_a_backend_that_runs_the_suite(suite: Pasted) -> None:
    tasks = tasks_of(suite)
    run = {
        task.benchmark: TaskDescription(
            name=task.benchmark,
            metrics=tuple(Metric(key=key(each)) for each in tasks if each.benchmark == task.benchmark),
            num_fewshot=next(int(row["examples"]) for row in suite.table if row["task"] == task.benchmark),
        )
        for task in tasks
    }
    assert differences(tasks, pasted(suite).NUM_FEWSHOT, BackendDescription(tasks=tuple(run.values()))) == ()


def test_the_example_of_a_direction_is_a_task() -> None:
    [example] = [
        line for line in section("The direction of a metric").splitlines() if line.startswith("Task(")
    ]
    assert eval(example, {"Task": Task}) == Task(
        "wikitext", "word_perplexity", "WikiText", higher_is_better=False, is_fraction=False
    )


def with_example(module: ModuleType, code: str) -> dict[str, object]:
    """What a module holds with an example pasted into it."""
    names = dict(vars(module))
    exec(code, names)
    return names


EXAMPLES = blocks(section("The form, the checks and the columns"))


def test_the_example_of_a_rule_refuses_a_model_that_is_too_large() -> None:
    [code] = [block for block in EXAMPLES if "Refused" in block]
    rule = with_example(checks, code)["is_not_too_large"]
    facts = make_facts(name="acme/large", params=9_000_000_000)
    assert callable(rule)
    with pytest.raises(Refused, match="acme/large has 9,000,000,000 parameters, and no more than 8,000"):
        rule(make_case(facts=facts))
    for params in (None, 8_000_000_000):
        rule(make_case(facts=replace(facts, params=params)))


def test_the_example_of_a_column_is_shown_when_it_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    [code] = [block for block in EXAMPLES if "Column(" in block]
    column = with_example(columns, code)["SUBMITTED"]
    monkeypatch.setattr(columns, "AFTER_TASKS", [*columns.AFTER_TASKS, column])
    request = make_request(status=Status.FINISHED, submitted_time="2026-01-31T12:00:00Z")
    board = standings(TASKS, {path_of(request): request}, [make_result(), make_result("acme/unasked")])
    table = view(board, ViewState(columns=frozenset({"Submitted"})))
    assert table.columns[-1].header == "Submitted"
    assert {line.cells[-1].text for line in table.lines} == {"2026-01-31", ""}
