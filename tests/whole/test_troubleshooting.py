"""docs/troubleshooting.md: what really is said about each mistake, to whom, and that it is of use.

A new mistake is one more line in a list here: `WRITE_DOCS=1` runs it and writes its row.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_leaderboard import ROOT, DoesNotStart, Space, running
from support.leaderboard import BACKEND_PYTHON, Datasets, datasets_on_a_hub
from support.page_text import page_text
from support.tables import compare_table
from support.waiting import wait_for

pytestmark = pytest.mark.slow

DOC = ROOT / "docs" / "troubleshooting.md"

TO_DO = re.compile(
    r"(?:[.:,;] |\band |\bor )"
    r"(?:add|correct|choose|copy|delete|leave|lower|put|remove|rename|set|take|upload|write)\b"
    r"|\bdid you mean\b",
    re.IGNORECASE,
)
"""What to do, as a request: after a colon, a comma or a full stop."""


def judge(said: Iterable[tuple[str, str]]) -> None:
    """Each sentence must name the place, of which there is a pattern, and say what to do."""
    useless = [each for each, place in said if not (re.search(place, each) and TO_DO.search(each))]
    assert not useless, "These name no place, or do not say what to do:\n" + "\n".join(useless)


def code(text: str) -> str:
    """A text as code in a Markdown table."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


# Task files

QUIZ = """\
task: quiz
dataset_path: json
dataset_kwargs:
  data_files:
    test: tasks/quiz.jsonl
test_split: test
output_type: multiple_choice
num_fewshot: 0
doc_to_text: "The capital of {{country}} is"
doc_to_choice: choices
doc_to_target: answer
metric_list:
  - metric: acc
"""
QUESTIONS = [
    json.dumps({"country": f"Land {number}", "choices": ["Lyon.", "Paris."], "answer": number % 2})
    for number in range(10)
]
SEVENTH = QUESTIONS[6]
IN_PYTHON = """\
def text(doc):
    assert doc["country"].isalpha()
    return doc["country"]
"""


@dataclass(frozen=True)
class InATask:
    """A mistake in a task that is well otherwise. In its file, or with `is_a_row` in a row of its questions,
    `before` is replaced by `after`.

    `shown` is what the doc shows of it, if that is not what is written.
    """

    before: str
    after: str
    shown: str = ""
    is_a_row: bool = False

    @property
    def cell(self) -> str:
        return self.shown or code(self.after)

    def write(self, tasks: Path, name: str) -> None:
        """Write the task, and everything that belongs to it, under a name of its own."""
        questions = "".join(f"{row}\n" for row in QUESTIONS)
        assert self.before in (questions if self.is_a_row else QUIZ)
        task = QUIZ if self.is_a_row else QUIZ.replace(self.before, self.after, 1)
        questions = questions.replace(self.before, self.after, 1) if self.is_a_row else questions
        task = task.replace("task: quiz", f"task: {name}").replace("tasks/quiz", str(tasks / name))
        (tasks / f"{name}.yaml").write_text(task.replace("!function quiz", f"!function {name}"))
        (tasks / f"{name}.jsonl").write_text(questions)
        if "!function" in task:
            (tasks / f"{name}.py").write_text(IN_PYTHON)


IN_TASKS = [
    InATask("output_type: multiple_choice", "output_type: multiple_choices"),
    InATask("metric: acc", "metric: acc_nrom"),
    InATask(
        "metric_list",
        "filter_list:\n  - name: first\n    filter:\n      - function: take_frist\nmetric_list",
        "`filter_list` with `function: take_frist`",
    ),
    InATask("{{country}}", "{{cuontry}}", '`doc_to_text: "The capital of {{cuontry}} is"`'),
    InATask("{{country}}", "{{country}", '`doc_to_text: "The capital of {{country} is"`'),
    InATask("doc_to_target: answer", "doc_to_target: anwser"),
    InATask("test_split: test\n", "", "no `test_split`"),
    InATask("test_split: test\n", "test_split: tets\n", "`test_split: tets`"),
    InATask("num_fewshot: 0", "num_fewshot: five"),
    InATask("num_fewshot: 0", "num_fewshot: 12", "`num_fewshot: 12`, of ten questions"),
    InATask("doc_to_text:", "doc_to_txt:", '`doc_to_txt: "The capital of {{country}} is"`'),
    InATask("test_split", "\ttest_split", "a tab before `test_split: test`"),
    InATask("quiz.jsonl", "quizz.jsonl", "`test: tasks/quizz.jsonl`"),
    InATask(
        '"The capital of {{country}} is"',
        "!function quiz.text",
        '`doc_to_text: !function quiz.text`, which has `assert doc["country"].isalpha()`',
    ),
    InATask(SEVENTH, SEVENTH.replace('"answer": 0', '"answer": 2'), '`"answer": 2`, of two choices', True),
    InATask(
        SEVENTH,
        SEVENTH.replace('"answer": 0', '"answer": "0"'),
        '`"answer": "0"`, in other rows `"answer": 0`',
        True,
    ),
    InATask(SEVENTH, SEVENTH.replace('"answer": 0}', ""), '`{"country": "Land 6", "choices": […],`', True),
]
NAMED = {
    "tiny_adition": '`TASKS_HARNESS = "tiny_adition"`',
    "rivers|12": '`TASKS_HARNESS = "rivers|12"`, of ten questions',
    "capitals, geography": '`TASKS_HARNESS = "capitals, geography"`, and `tag: geography` in `capitals.yaml`',
}
"""What is wrong with the names in TASKS_HARNESS, and how the doc shows it."""


def names_of_quizzes() -> dict[str, InATask]:
    return {f"quiz_{number:02}": mistake for number, mistake in enumerate(IN_TASKS)}


@pytest.fixture(scope="module")
def broken_suite(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of a backend whose tasks are all broken, each in another way."""
    folder = tmp_path_factory.mktemp("suite")
    tasks = shutil.copytree(ROOT / "backend" / "tasks", folder / "tasks")
    for name, mistake in names_of_quizzes().items():
        mistake.write(tasks, name)
    InATask("output_type", "tag: geography\noutput_type").write(tasks, "capitals")
    InATask("num_fewshot: 0\n", "").write(tasks, "rivers")
    return {
        "TASKS_HARNESS": ", ".join([*names_of_quizzes(), *NAMED]),
        "TASKS_DIR": str(tasks),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(folder / "cache"),
    }


def said_by_the_command(settings: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [BACKEND_PYTHON, "-m", "src.suite"],
        cwd=ROOT / "backend",
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout.splitlines()


def about(name: str, sentences: Sequence[str]) -> str:
    """The only one of some sentences that is about a task."""
    found = [sentence for sentence in sentences if re.search(rf"\b{re.escape(name)}\b", sentence)]
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def test_mistakes_in_task_files(tmp_path: Path, broken_suite: dict[str, str]) -> None:
    """The command, both pages and the worker's log say the same."""
    with running(tmp_path, REFRESH_RATE="1", **broken_suite) as spaces:
        sentences = said_by_the_command(broken_suite)
        for space in spaces.values():

            def is_shown(url: str = space.url) -> bool:
                text = page_text(url)
                return all(sentence in text for sentence in sentences)

            wait_for(is_shown, what=f"the sentences on the page of the {space.name}")
        log = spaces["backend"].log.read_text()
    assert all(sentence in log for sentence in sentences)
    quizzes, names = names_of_quizzes(), {name.split(", ")[0]: shown for name, shown in NAMED.items()}
    assert len(sentences) == len(quizzes) + len(names)  # one sentence for each mistake
    rows = [(each.cell, about(name, sentences).replace(name, "quiz")) for name, each in quizzes.items()]
    rows += [(shown, about(name.split("|")[0], sentences)) for name, shown in names.items()]
    judge((said, r"\btasks/quiz\.\w+, (line \d+|`test_split`)|TASKS_HARNESS") for _, said in rows)
    compare_table(DOC, "mistakes in task files", ("mistake", "what is said"), rows)


# Settings, and the owner's files

NOWHERE = "http://127.0.0.1:9"
"""An address where nothing answers: `login()` in an old file would ask the Hub."""

OPEN, CLOSED = "open", "does not start"
LOG, PAGE = "log", "page"


@dataclass(frozen=True)
class InASpace:
    """A mistake in the settings of a Space, or in a file of it, that is well otherwise.

    In `file` the text `before` is replaced by `after`; without a file `after` is a variable, `NAME=value`.
    `place` is a pattern of what the sentence has to name besides, the variable's name as a rule.
    `is_shown_in` is where the sentence stands that has this place in it, if the page opens all the same.
    """

    space: str
    after: str
    before: str = ""
    file: str = ""
    shown: str = ""
    place: str = ""
    is_shown_in: str = ""

    @property
    def cell(self) -> str:
        what = self.shown or code(self.after.strip())
        return f"{self.space}, {code(self.file) if self.file else 'variable'}: {what}"

    @property
    def names(self) -> str:
        """A pattern of what the sentence has to name."""
        name = self.place or re.escape(self.after.partition("=")[0].strip())
        return rf"{re.escape(self.file)}, line \d+|\b{name}\b" if self.file else rf"\b{name}\b"

    def run(self, folder: Path) -> tuple[str, str, str]:
        """Run the Space with the mistake: what is said, whether the page opens, and where it is said."""
        variables = {"HF_ENDPOINT": NOWHERE}
        variables |= {} if self.file else {self.after.partition("=")[0]: self.after.partition("=")[2]}
        copy = shutil.copytree(ROOT / self.space, folder / self.space)
        if self.file:
            text = (copy / self.file).read_text()
            assert self.before in text
            (copy / self.file).write_text(text.replace(self.before, self.after, 1))
        data = folder / "data"
        shutil.copytree(ROOT / "eval-results-seed", data / "results")
        try:
            with running(data, (self.space,), root=folder, **variables) as spaces:
                assert self.is_shown_in, "the page opens"
                sentence = wait_for(lambda: self.said(spaces[self.space]), what=self.cell)
                return sentence, OPEN, self.is_shown_in
        except DoesNotStart:
            log = (data / f"{self.space}.log").read_text()
            assert not self.is_shown_in, log
            [line] = log.splitlines()
            return line.removeprefix("Configuration error: "), CLOSED, LOG

    def said(self, space: Space) -> str | None:
        """The sentence about it, once it is said."""
        text = page_text(space.url) if self.is_shown_in == PAGE else space.log.read_text()
        lines = [line for line in text.splitlines() if re.search(self.names, line)]
        return re.sub(r"^\S+ \S+ WARNING \S+: ", "", lines[0]) if lines else None


def envs(space: str, before: str, after: str, **more: str) -> InASpace:
    return InASpace(space, after, before, "src/envs.py", **more)


def about_py(before: str, after: str, **more: str) -> InASpace:
    return InASpace("frontend", after, before, "src/about.py", **more)


ADDITION = 'task0 = Task("tiny_addition", "acc", "Addition")'
AGREEMENT = 'task1 = Task("tiny_agreement", "acc", "Agreement")'
OWN_TASK = """\
from dataclasses import dataclass

@dataclass(frozen=True)
class Task:
    benchmark: str
    metric: str
    col_name: str
    higher_is_beter: bool = True
"""

IN_SPACES = [
    InASpace("frontend", "REFRESH_RATE=often"),
    InASpace("frontend", "MAX_PENDING=-1"),
    InASpace("frontend", "HIGHER_RATE_LIMITS=alice=50"),
    InASpace("frontend", "QUEUE_REPO=requests"),
    InASpace("frontend", "HF_TOKEN=hf_… (see my notes)"),
    InASpace("frontend", "ANONYMOUS_SUBMISSION=True", is_shown_in=LOG),
    InASpace("backend", "BATCH_SIZE=big"),
    InASpace("backend", "QUEUE_ORDER=newest_first"),
    InASpace("backend", "TASKS_HARNESS=arc_challenge 25"),
    InASpace("backend", "TASKS_HARNESS=tiny_copy, tiny_copy|5"),
    InASpace("backend", "LIMIT=0"),
    envs("backend", "MAX_HOURS = 24", "MAX_HOURS = 24h"),
    envs("backend", "LEASE_MINUTES = 60", 'LEASE_MINUTES = "an hour"'),
    envs("frontend", "OWNER = None", "OWNER = acme"),
    envs("frontend", "OWNER = None", 'OWNER = "https://huggingface.co/acme"'),
    envs(
        "frontend",
        "OWNER = None",
        'from huggingface_hub import login\nlogin(token="hf_x")',
        shown="`login(token=TOKEN)`, as old ones have it",
    ),
    about_py(
        "from enum",
        "from src.display.utils import ModelType\nfrom enum",
        shown="`from src.display.utils import ModelType`",
    ),
    about_py(ADDITION, 'task0 = Tsk("tiny_addition", "acc", "Addition")'),
    about_py(ADDITION, 'task0 = Task("tiny_addition", "acc")'),
    about_py(ADDITION, 'task0 = Task("tiny_addition", "acc", "Addition", num_questions=200)'),
    about_py(
        ADDITION,
        'task0 = Task("tiny_addition", "acc", "Addition", higher_is_better="no")',
        place="Tasks.task0",
    ),
    about_py(ADDITION, 'task0 = Task("tiny_addition", "acc", "Addition", weight=0)', place="Tasks.task0"),
    about_py(
        ADDITION,
        'task0 = Task("tiny_addition", "acc", "Addition", engine="both")',
        place="Tasks.task0",
    ),
    about_py(
        AGREEMENT,
        'task1 = Task("tiny_agreement", "acc", "Addition")',
        shown="two columns `Addition`",
        place="Tasks.task1",
    ),
    about_py(
        "class Tasks(Enum):",
        "class Tasks(Enum):\n    pass\n\n\nclass Others(Enum):",
        shown="`class Tasks(Enum): pass`",
        place="Tasks",
    ),
    about_py("NUM_FEWSHOT = None", 'NUM_FEWSHOT = "5"'),
    about_py("RANK_MIXED_SCORES = True", 'RANK_MIXED_SCORES = "False"'),
    about_py("TITLE = ", "TITEL = ", shown="no `TITLE`", place="TITLE"),
    about_py(
        "from src.tasks import Task\n",
        OWN_TASK,
        shown="a field `higher_is_beter` in a class `Task` of one's own",
        place="higher_is_beter",
        is_shown_in=PAGE,
    ),
    about_py(
        ADDITION,
        'task0 = Task("tiny_adition", "acc", "Addition")',
        place="The column Addition",
        is_shown_in=PAGE,
    ),
    about_py(
        ADDITION,
        'task0 = Task("tiny_addition", "accuracy", "Addition")',
        place="The column Addition",
        is_shown_in=PAGE,
    ),
]


def test_mistakes_in_settings_and_texts(tmp_path: Path) -> None:
    folders = [tmp_path / f"{number:02}" for number in range(len(IN_SPACES))]
    with ThreadPoolExecutor(2) as two:
        outcomes = [*two.map(InASpace.run, IN_SPACES, folders)]
    rows = [(each.cell, *outcome) for each, outcome in zip(IN_SPACES, outcomes, strict=True)]
    judge((sentence, each.names) for each, (sentence, *_) in zip(IN_SPACES, outcomes, strict=True))
    header = ("mistake", "what is said", "page", "where it is shown")
    compare_table(DOC, "mistakes in settings and texts", header, rows)


# Files in the datasets

REQUEST = {"model": "acme/tiny", "status": "PENDING", "precision": "float16", "weight_type": "Original"}
RESULT: dict[str, Any] = {
    "config": {"model_name": "acme/tiny"},
    "results": {"tiny_addition": {"acc,none": 0.5}},
}


@dataclass(frozen=True)
class InADataset:
    """A bad file in a dataset, and how the doc shows its content. What is not text is written as JSON."""

    dataset: str
    path: str
    content: object
    shown: str

    @property
    def cell(self) -> str:
        return f"{self.dataset}, {code(self.path)}: {self.shown}"

    def write(self, datasets: Datasets) -> None:
        text = self.content if isinstance(self.content, str) else json.dumps(self.content)
        datasets.write(self.dataset, self.path, text)


IN_DATASETS = [
    InADataset("requests", "acme/cut_eval_request.json", '{"model": "acme/cut",', '`{"model": "acme/cut",`'),
    InADataset("requests", "acme/list_eval_request.json", [REQUEST], "a list with the request in it"),
    InADataset(
        "requests", "acme/done_eval_request.json", {**REQUEST, "status": "DONE"}, '`"status": "DONE"`'
    ),
    InADataset("requests", "acme/none_eval_request.json", {"status": "PENDING"}, "no `model`"),
    InADataset("requests", ".leaderboard/blocked.yaml", "blocked:\n- acme/tiny\n", "`blocked: [acme/tiny]`"),
    InADataset("results", "acme/none/results_1.json", {**RESULT, "config": {}}, "no `model_name`"),
    InADataset(
        "results",
        "acme/local/results_1.json",
        {**RESULT, "config": {"model_name": "/home/me/tiny"}},
        '`"model_name": "/home/me/tiny"`',
    ),
    InADataset("results", "acme/without/results_1.json", {"config": RESULT["config"]}, "no `results`"),
    InADataset(
        "results",
        "acme/lfs/results_1.json",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
        "`version https://git-lfs.github.com/spec/v1`",
    ),
    InADataset("results", "acme/empty/results_1.json", "", "nothing"),
    InADataset("results", ".leaderboard/backend.yaml", "tasks: none\n", "`tasks: none`"),
    InADataset(
        "results",
        "acme/text/results_1.json",
        {"config": {"model_name": "acme/text"}, "results": {"tiny_addition": {"acc,none": "high"}}},
        '`"acc,none": "high"`',
    ),
]


def test_bad_files_in_the_datasets(tmp_path: Path) -> None:
    """All at once, beside one good result, which the page still shows."""
    with datasets_on_a_hub(tmp_path) as datasets:
        for mistake in IN_DATASETS:
            mistake.write(datasets)
        datasets.write("results", "acme/tiny/results_1.json", json.dumps(RESULT))
        with datasets.frontend(REFRESH_RATE="1") as frontend:
            text = wait_for(lambda: filled(frontend), what="the files on the page")
    rows = []
    for mistake in IN_DATASETS:
        [sentence] = [line for line in text.splitlines() if mistake.path in line]
        rows.append((mistake.cell, sentence))
    judge((sentence, re.escape(each.path)) for each, (_, sentence) in zip(IN_DATASETS, rows, strict=True))
    compare_table(DOC, "bad files", ("file", "what is said"), rows)


def filled(space: Space) -> str | None:
    """All that a page says, once it has the good result."""
    text = page_text(space.url)
    return text if "acme/tiny" in text else None
