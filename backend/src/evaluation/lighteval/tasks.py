"""Finds tasks: lighteval's own, and those in the Python files of the tasks folder."""

from __future__ import annotations

import importlib.util
import logging
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import lighteval.tasks.tasks as collection
from lighteval.metrics.utils.metric_utils import Metric
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.registry import Registry

from src.evaluation.errors import ANY_ERROR, last_line
from src.evaluation.lighteval.imports import TINY_BENCHMARKS, importing_tasks
from src.evaluation.own_tasks import include_path
from src.evaluation.reports.report import names_of_folders
from src.running.suite import Suite
from src.shared.data.benchmark import SEPARATOR

log = logging.getLogger(__name__)

COLLECTION = Path(collection.__path__[0])
"""The folder of lighteval's own tasks."""

TABLE = "TASKS_TABLE"
"""The list of tasks in a task file."""

IGNORED = {"__pycache__", ".ipynb_checkpoints"}

TINY = "tiny:"
"""The beginning of the names of tinyBenchmarks' tasks."""


@dataclass(frozen=True)
class Tasks:
    """The tasks that a suite may name."""

    configs: Mapping[str, LightevalTaskConfig]
    """By name."""
    files: Mapping[str, Path]
    """The file that each is defined in."""
    own: ModuleType
    """The leaderboard's own tasks, as lighteval takes them: a module with a table."""
    problems: tuple[str, ...] = ()
    """Sentences for the owner about files that cannot be read."""

    def parts(self, name: str) -> list[str]:
        """Return the tasks that a name stands for, by lighteval's rule: itself, or all its subsets."""
        subsets = sorted(each for each in self.configs if each.split(":")[0] == name)
        return subsets if len(subsets) > 1 else [name]

    def missing(self, name: str) -> str | None:
        """Return a sentence for the owner if there is no task of this name."""
        if all(part in self.configs for part in self.parts(name)):
            return None
        if name.startswith(TINY):
            return (
                f"The task {name} needs a pickle from GitHub, which is not loaded here: remove it from "
                "TASKS_LIGHTEVAL."
            )
        names = {*self.configs, *(each.split(":")[0] for each in self.configs)}
        close = get_close_matches(name, sorted(names), 1, cutoff=0.7)
        return (
            f"The task {name} is neither in this leaderboard's tasks folder nor in lighteval "
            f"{version('lighteval')}: correct its name in TASKS_LIGHTEVAL, or add its file."
            f"{f' Did you mean {close[0]}?' if close else ''}"
        )


def name_of(entry: str) -> str:
    """Return the name of an entry of the suite, without its number of examples."""
    return entry.partition(SEPARATOR)[0]


def import_collection() -> None:
    """Import lighteval's own tasks, once for this process and its forks."""
    _files_of_the_collection()


def find_tasks(suite: Suite) -> Tasks:
    """Find all tasks that the suite may name. A file that cannot be read becomes a problem."""
    files = dict(_files_of_the_collection())
    configs = dict(_collection())
    own = ModuleType("tasks_of_the_leaderboard")
    table: list[LightevalTaskConfig] = []
    problems: list[str] = []
    for file in task_files(Path(suite.tasks_dir)):
        try:
            with importing_tasks():
                defined = [checked(config) for config in getattr(_imported(file), TABLE)]
        except ANY_ERROR as error:
            log.warning("cannot read the task file %s", file.name, exc_info=error)
            problems.append(_unreadable(file, error, suite))
            continue
        for config in defined:
            if config.name in configs:
                problems.append(_twice(config.name, file, files[config.name], suite))
                continue
            configs[config.name], files[config.name] = config, file
            table.append(config)
    setattr(own, TABLE, table)
    return Tasks(configs, files, own, tuple(problems))


def task_files(folder: Path) -> Sequence[Path]:
    """Return the Python files in a folder, at any depth, that define tasks for lighteval."""
    return [
        file
        for file in sorted(folder.rglob("*.py"), key=Path.as_posix)
        if not IGNORED & set(file.parts) and TABLE in file.read_text(encoding="utf-8", errors="replace")
    ]


@lru_cache(maxsize=1)
def _collection() -> Mapping[str, LightevalTaskConfig]:
    with importing_tasks():
        found: Mapping[str, LightevalTaskConfig] = Registry.load_all_task_configs()
    return found


@lru_cache(maxsize=1)
def _files_of_the_collection() -> Mapping[str, Path]:
    _collection()
    prefix = TINY_BENCHMARKS.rpartition(".")[0]
    return {
        config.name: Path(str(module.__file__))
        for name, module in sorted(sys.modules.items())
        if name.startswith(f"{prefix}.")
        for config in getattr(module, TABLE, ())
    }


def _imported(file: Path) -> ModuleType:
    """Run a task file, which is the owner's and trusted."""
    name = f"tasks_of_the_leaderboard.{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as for any import: dataclasses look for it there
    spec.loader.exec_module(module)
    return module


def checked(config: object) -> LightevalTaskConfig:
    """Return an entry of a table of tasks. Raises TypeError if it is not a task with metrics."""
    if not isinstance(config, LightevalTaskConfig):
        raise TypeError(f"{config!r:.100} in {TABLE} is not a task (LightevalTaskConfig)")
    for metric in config.metrics:
        if not isinstance(metric, Metric):
            raise TypeError(f"the metric {metric!r:.100} of {config.name} is not one of lighteval's")
    return config


def published_path(file: Path, suite: Suite) -> str:
    """Return the path of a task's file, without this machine's folders."""
    return without_folders(str(file.resolve()), suite)


def without_folders(text: str, suite: Suite) -> str:
    """Return a text with the names of the folders of tasks in place of their paths on this machine."""
    names = names_of_folders({suite.tasks_dir: include_path(suite), str(COLLECTION): "lighteval/tasks"})
    for folder in sorted(names, key=len, reverse=True):
        text = text.replace(folder, names[folder])
    return text


def place_in(file: Path, error: BaseException, suite: Suite) -> str:
    """Return where in a task's file an error was raised: the file, and the line if it is known."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"{published_path(file, suite)}, line {error.lineno}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == file.resolve()
    ]
    return f"{published_path(file, suite)}, line {lines[-1]}" if lines else published_path(file, suite)


def _unreadable(file: Path, error: BaseException, suite: Suite) -> str:
    return (
        f"The task file {place_in(file, error, suite)}, cannot be read ({last_line(error)}): correct it, or "
        "remove the file."
    )


def _twice(name: str, file: Path, other: Path, suite: Suite) -> str:
    return (
        f"The task {name} is defined twice, in {published_path(other, suite)} and in "
        f"{published_path(file, suite)}: rename the one in the tasks folder."
    )
