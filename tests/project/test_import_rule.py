"""Who may import what: entry points → pages and worker → pure logic → shared."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

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


def is_bounded(file: Source) -> bool:
    return is_below(file.module, "src.shared.serving.calls")


def is_worker(file: Source) -> bool:
    return is_below(file.module, "src.worker")


def is_evaluation(file: Source) -> bool:
    return is_below(file.module, "src.evaluation")


def is_shared(file: Source) -> bool:
    return is_below(file.module, "src.shared")


RULES = [
    Rule(
        "only app.py and the commands of a Space read envs",
        ("src.envs",),
        lambda file: file.is_entry_point and not is_evaluation(file),
    ),
    Rule(
        "only pages, what bounds their calls and app.py import gradio",
        ("gradio", "src.shared.serving.calls"),
        lambda file: is_page(file) or is_bounded(file),
    ),
    Rule(
        "only the table's module imports the component",
        ("gradio_leaderboard",),
        lambda file: file.path == Path("frontend/src/page/table.py"),
    ),
    Rule(
        "only the evaluation child imports lm_eval, torch, transformers and itself",
        ("lm_eval", "torch", "transformers", "src.evaluation"),
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
        ("backend/src/running/executor.py", "from src.evaluation import harness"),
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
        ("backend/src/evaluation/__main__.py", "import torch\nfrom src.evaluation.tasks import find_tasks"),
        ("backend/src/shared/stores/store.py", "from .errors import Conflict\nfrom . import names"),
    ],
)
def test_what_the_rules_allow_is_not_reported(tmp_path: Path, path: str, text: str) -> None:
    files = one_source(tmp_path, path, text)
    assert [each for rule in RULES for each in rule.violations(files)] + imports_out_of_shared(files) == []


def one_source(root: Path, path: str, text: str) -> list[Source]:
    (root / path).parent.mkdir(parents=True)
    (root / path).write_text(text)
    return sources(root)
