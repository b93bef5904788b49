"""Who may import what: a room imports only rooms below it, and no module imports itself in a circle."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from support.rooms import FLOORS, floors, room_of
from support.sources import Source, sources


@dataclass(frozen=True)
class Rule:
    """`modules`, and what is below them, may be imported only where `allowed`."""

    sentence: str
    modules: tuple[str, ...]
    allowed: Callable[[Source], bool]

    def violations(self, files: list[Source]) -> list[str]:
        return [
            f"{place} imports {name}, but {self.sentence}"
            for file in files
            if not self.allowed(file)
            for name, place in file.imports()
            if any(is_below(name, module) for module in self.modules)
        ]


def is_below(name: str, module: str) -> bool:
    return f"{name}.".startswith(f"{module}.")


def is_page(file: Source) -> bool:
    return file.module == "app" or is_below(file.module, "src.page")


BELOW_PAGES = tuple(f"src.shared.serving.{name}" for name in ("calls", "launch", "own_host", "theme"))


def is_below_pages(file: Source) -> bool:
    return any(is_below(file.module, module) for module in BELOW_PAGES)


def is_worker(file: Source) -> bool:
    return is_below(file.module, "src.worker")


def is_evaluation(file: Source) -> bool:
    return is_below(file.module, "src.evaluation")


def is_shared(file: Source) -> bool:
    return is_below(file.module, "src.shared")


ENTRY_POINTS = {
    "app",
    "src.export",
    "src.suite.__main__",
    "src.evaluate",
    "src.import_results",
    "src.try_task.__main__",
    "src.fleet.__main__",
    "src.inference.__main__",
    "src.for_old_template",
    "src.backup",
    "src.restore",
    "src.remove",
    "src.retire",
    "src.rerun",
    "src.doctor.__main__",
    "src.evaluation.__main__",
}
"""Programs: they may import everything, and nothing imports them."""


def upward(files: list[Source]) -> list[str]:
    """Each import of a room that does not lie below."""
    found = []
    for file in files:
        height, modules = floors(file.space), {each.module for each in files if each.space == file.space}
        here = room_of(file.module)
        if file.module in ENTRY_POINTS or here in ("", "shared"):
            continue
        for name, place in file.imports():
            there = room_of(module_in(modules, name))
            if there in ("", "shared", here):
                continue
            if height.get(there, 99) >= height.get(here, -1):
                found.append(f"{place} imports {name}, but {here} does not lie above {there}")
    return found


def module_in(modules: Iterable[str], name: str) -> str:
    """The module that an imported name is, or is in; empty if it is none of these."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def graph(files: list[Source]) -> Mapping[str, set[str]]:
    """Which modules each module imports, in one Space."""
    modules = {file.module for file in files}
    return {
        file.module: {module_in(modules, name) for name, _ in file.imports()} - {"", "src", file.module}
        for file in files
    }


RULES = [
    Rule(
        "only app.py and the commands of a Space read envs",
        ("src.envs",),
        lambda file: file.is_entry_point and not is_evaluation(file),
    ),
    Rule(
        "only pages, what changes Gradio beneath them and app.py import gradio",
        ("gradio", *BELOW_PAGES),
        lambda file: is_page(file) or is_below_pages(file),
    ),
    Rule(
        "only the table's module imports the component",
        ("gradio_leaderboard",),
        lambda file: file.path == Path("frontend/src/page/table.py"),
    ),
    Rule(
        "only the figures of charts import plotly",
        ("plotly",),
        lambda file: file.path == Path("frontend/src/page/charts/figures.py"),
    ),
    Rule(
        "only the evaluation child imports engines, torch, transformers and itself",
        ("lm_eval", "lighteval", "torch", "transformers", "peft", "src.evaluation"),
        is_evaluation,
    ),
    Rule(
        "only entry points import pages and the worker, and these themselves",
        ("src.page", "src.worker", "app"),
        lambda file: file.is_entry_point or is_page(file) or is_worker(file),
    ),
    Rule("shared code does not import pandas", ("pandas",), lambda file: not is_shared(file)),
]


def ids(rule: Rule) -> str:
    return rule.sentence


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_the_sources_keep_the_rule(rule: Rule) -> None:
    violations = rule.violations(sources())
    assert not violations, "\n".join(violations)


def test_a_room_imports_only_rooms_below_it() -> None:
    found = upward(sources())
    assert not found, "\n".join(found)


@pytest.mark.parametrize("space", FLOORS)
def test_no_modules_import_each_other_in_a_circle(space: str) -> None:
    TopologicalSorter(graph([file for file in sources() if file.space == space])).prepare()


def test_a_circle_is_noticed(tmp_path: Path) -> None:
    one_source(tmp_path, "frontend/src/board/one.py", "from src.board import two")
    (tmp_path / "frontend/src/board/two.py").write_text("import src.board.one")
    with pytest.raises(CycleError):
        TopologicalSorter(graph(sources(tmp_path))).prepare()


@pytest.mark.parametrize(
    ("path", "line", "imported"),
    [
        (
            "frontend/src/leaderboard/rows.py",
            "from src.board.board import Board",
            "frontend/src/board/board.py",
        ),
        (
            "frontend/src/shared/data/names.py",
            "from ..stores import hub",
            "frontend/src/shared/stores/hub.py",
        ),
        ("backend/src/running/job.py", "from src.queue import plan", "backend/src/queue/plan.py"),
    ],
)
def test_an_import_of_a_higher_room_is_reported(tmp_path: Path, path: str, line: str, imported: str) -> None:
    one_source(tmp_path, imported, "")
    [found] = upward(one_source(tmp_path, path, line))
    assert found.startswith(f"{path}:1 imports ")


def test_every_room_has_its_floor() -> None:
    rooms = {(file.space, room_of(file.module)) for file in sources() if file.module not in ENTRY_POINTS}
    unknown = {each for each in rooms if each[1] not in ("", "shared") and each[1] not in floors(each[0])}
    assert not unknown


def test_shared_code_imports_nothing_of_its_space() -> None:
    violations = imports_out_of_shared(sources())
    assert not violations, "\n".join(violations)


def imports_out_of_shared(files: list[Source]) -> list[str]:
    return [
        f"{place} imports {name}, but shared code must make sense in either Space"
        for file in filter(is_shared, files)
        for name, place in file.imports()
        if is_below(name, "app") or (is_below(name, "src") and not is_below(name, "src.shared"))
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("frontend/src/queue/entries.py", "from src.envs import OWNER"),
        ("frontend/src/page/queue.py", "from .. import envs"),
        ("frontend/src/leaderboard/view.py", "import gradio as gr"),
        ("frontend/src/page/about.py", "from gradio_leaderboard import Leaderboard"),
        ("backend/src/running/executor.py", "def f():\n    import torch.cuda"),
        ("backend/src/running/executor.py", "from src.evaluation import evaluating"),
        ("backend/src/evaluation/__main__.py", "from src.envs import TOKEN"),
        ("backend/src/queue/plan.py", "from src.worker import tick"),
        ("backend/src/shared/data/names.py", "import pandas as pd"),
    ],
)
def test_a_rule_that_is_broken_is_reported_with_file_and_line(tmp_path: Path, path: str, line: str) -> None:
    files = one_source(tmp_path, path, line)
    [violation] = [text for rule in RULES for text in rule.violations(files)]
    assert violation.startswith(f"{path}:{line.count(chr(10)) + 1} imports ")


@pytest.mark.parametrize(
    "line", ["from src.queue import waiting", "from ..queue import waiting", "import app"]
)
def test_an_import_out_of_shared_is_reported(tmp_path: Path, line: str) -> None:
    [violation] = imports_out_of_shared(one_source(tmp_path, "frontend/src/shared/store.py", line))
    assert violation.startswith("frontend/src/shared/store.py:1 imports ")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("frontend/app.py", "import gradio\nfrom src import envs\nfrom src.page.layout import page"),
        ("frontend/src/page/table.py", "import gradio\nfrom gradio_leaderboard import Leaderboard"),
        ("backend/src/worker.py", "from src import envs\nif __name__ == '__main__':\n    pass"),
        (
            "backend/src/evaluation/__main__.py",
            "import torch\nfrom src.evaluation.lm_eval.tasks import find_tasks",
        ),
        ("backend/src/shared/stores/store.py", "from .errors import Conflict\nfrom . import names"),
    ],
)
def test_what_the_rules_allow_is_not_reported(tmp_path: Path, path: str, text: str) -> None:
    files = one_source(tmp_path, path, text)
    assert [each for rule in RULES for each in rule.violations(files)] + imports_out_of_shared(files) == []


def one_source(root: Path, path: str, text: str) -> list[Source]:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    return sources(root)
