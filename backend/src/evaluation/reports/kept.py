"""Keeps reports of single tasks, so that an attempt can continue where an earlier one was interrupted."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from src.evaluation.devices import batch_size, kind_of
from src.evaluation.reports.report import TIME, Report, sha256
from src.evaluation.versions import versions
from src.running.job import Job
from src.shared.data.json_file import read_object, write_object
from src.shared.errors import BadFile

log = logging.getLogger(__name__)

NEWEST = 20
"""How many models' reports are kept. Each model may still be retried or published."""


SAMPLES = ".parquet"

WITHOUT_EFFECT = {
    "tasks",
    "fewshot_by_task",
    "num_fewshot",
    "tasks_dir",
    "kept_tasks",
    "confirm_run_unsafe_code",
    "publish_examples",
    "adapters",
    "concurrency",
    "most_empty",
}
"""What does not change a score. The number of examples is part of the file's name, and the files of tasks
count by their contents. Every other setting counts, also one that is added later.
"""

WITHOUT_EFFECT_OF_A_SERVER = {"url", "region", "price"}
"""An endpoint of a later attempt is another machine of the same kind, elsewhere and at another price."""

WITH_EFFECT_OF_HARDWARE = {"name"}
"""Whose machine it is, and how its owner calls it, says nothing about the machine."""


@dataclass(frozen=True)
class KeptReports:
    """The kept reports of a job's tasks. Without a folder none are kept."""

    job: Job
    folder: Path | None
    samples: Path | None = None
    """Where the job's files of samples go, those of kept reports as well."""

    @classmethod
    def of(cls, job: Job, samples: Path | None = None) -> KeptReports:
        """Return the kept reports of this job, and remove those of old jobs.

        None are kept for weights without a commit, because they could change unnoticed.
        """
        if job.kept_tasks is None or any(part.commit is None for part in job.parts):
            return cls(job, None, samples)
        folder = Path(job.kept_tasks) / key(job)
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)  # mark it as used, even if nothing is added
        remove_all_but_the_newest(folder.parent)
        return cls(job, folder, samples)

    def read(self, task: str) -> Report | None:
        """Return the report that an earlier attempt kept, if it can be read, and take over its samples."""
        path = self._path(task)
        if path is None:
            return None
        try:
            report = read_report(path)
            if self.job.save_samples:
                self._write_samples(task, path.with_suffix(SAMPLES).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, BadFile) as error:
            log.warning("cannot read the kept report of %s on %s: %s", self.job.model, task, error)
            return None
        log.info("reused the report of %s on %s from an earlier attempt", self.job.model, task)
        return report

    def write(self, task: str, report: Report, samples: bytes | None = None) -> None:
        """Keep a report, and the file of its samples if there is one."""
        path = self._path(task)
        if samples is not None:
            self._write_samples(task, samples)
            if path:
                put(path.with_suffix(SAMPLES), samples)
        if path:
            put(path, write_object(report))

    def _write_samples(self, task: str, samples: bytes) -> None:
        if self.samples:
            put(self.samples / f"{quote(task, safe='')}{SAMPLES}", samples)

    def _path(self, task: str) -> Path | None:
        """Return the file for a task. Its name includes the number of examples, which varies by task."""
        fewshot = self.job.fewshot(task)
        name = task if fewshot is None else f"{task}|{fewshot}"
        return self.folder / f"{quote(name, safe='')}.json" if self.folder else None


def put(path: Path, data: bytes) -> None:
    """Write a file atomically: a reader sees all or nothing, even if two processes write it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)  # another job may have removed it by now
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)


def read_report(path: Path) -> Report:
    """Read a kept report. Raises FileNotFoundError, and BadFile if it is not a report."""
    report = dict(read_object(path.read_bytes()))
    if not ({"results", "config", TIME} <= report.keys() or {"results", "config_general"} <= report.keys()):
        raise BadFile("it is not the report of a task")
    return report


def key(job: Job) -> str:
    """Return a fingerprint of everything that a score depends on, except the task and its number of examples.

    It includes the run, because a new run should compute the scores again.
    """
    settings = {name: value for name, value in asdict(job).items() if name not in WITHOUT_EFFECT}
    if job.server:
        own = asdict(job.server).items()
        settings["server"] = {name: value for name, value in own if name not in WITHOUT_EFFECT_OF_A_SERVER}
    if job.hardware:
        rented = asdict(job.hardware).items()
        settings["hardware"] = {name: value for name, value in rented if name in WITH_EFFECT_OF_HARDWARE}
    depends_on = {
        **settings,
        "batch_size": None if job.server else batch_size(job),
        "device": None if job.server else kind_of(job.device),
        "versions": versions(job.packages),
        "tasks": contents(Path(job.tasks_dir)),
        "code": contents(Path(__file__).parents[1]),
    }
    return sha256(json.dumps(depends_on, sort_keys=True))


def contents(folder: Path) -> dict[str, str]:
    """Return a fingerprint of each file in a folder, at any depth, except Python's cached bytecode."""
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def remove_all_but_the_newest(root: Path) -> None:
    """Remove the reports of all but the most recent jobs."""
    for folder in sorted(root.iterdir(), key=last_used, reverse=True)[NEWEST:]:
        shutil.rmtree(folder, ignore_errors=True)
        log.info("removed the kept reports in %s", folder.name)


def last_used(folder: Path) -> float:
    """Return when a folder was last used, in seconds; 0 if another process has removed it."""
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0
