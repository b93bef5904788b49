"""Small models through the worker, its start included, against runs of lm_eval's own command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.figures import Report, say, seconds, timed
from src.shared.data.names import is_data_path
from src.shared.data.request import Request, Status, write_request
from src.shared.stores.folder_store import FolderStore
from src.shared.times import to_text, utc_now
from support.sources import ROOT
from support.tiny_model import make_tiny_model

SMALL_MODELS = 5
OWN_TASKS = ("tiny_addition", "tiny_copy", "tiny_agreement")
"""In another order than the shipped ones, which a worker does not run on the requests that are made here:
they look like the old template's.
"""
COLLECTIONS_TASKS = ("arc_easy",)
QUESTIONS, MANY_QUESTIONS = 100, 400
BATCH_SIZE = "8"

LARGE = {
    "hidden_size": 384,
    "intermediate_size": 1024,
    "num_hidden_layers": 6,
    "num_attention_heads": 6,
    "max_position_embeddings": 512,
}
"""A model whose evaluation takes much longer than everything around it."""

WHOLE, FURTHER, HEAVY = 0.20, 0.10, 1.05
"""Goals: shares of the command line's time."""

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TQDM_DISABLE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass(frozen=True)
class Place:
    """A copy of the backend Space, with the questions that lm_eval's tasks would fetch, and models."""

    folder: Path

    @property
    def backend(self) -> Path:
        """The Space's folder."""
        return self.folder / "backend"

    def environment(self, **more: str) -> dict[str, str]:
        """Bytecode compiled, nothing from the network, a home of its own."""
        home = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        return {**os.environ, **OFFLINE, **home, "HF_HOME": str(self.folder / "hf"), **more}


def make_place(folder: Path, *, questions: int) -> Place:
    """The Space, and so many invented questions in the form of ARC's."""
    shutil.copytree(ROOT / "backend", folder / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tmp").mkdir()
    arc = folder / "backend" / "allenai" / "ai2_arc"
    arc.mkdir(parents=True)
    files = "".join(
        f"  - split: {split}\n    path: {split}.jsonl\n" for split in ("train", "validation", "test")
    )
    (arc / "README.md").write_text(f"---\nconfigs:\n- config_name: ARC-Easy\n  data_files:\n{files}---\n")
    for split in ("train", "validation", "test"):
        lines = [json.dumps(_question(number)) for number in range(questions)]
        (arc / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    return Place(folder)


def _question(number: int) -> dict[str, object]:
    choices = [f"the {word} is number {number}" for word in ("first", "second", "third", "fourth")]
    key = "ABCD"[number * 7 % 4]
    return {
        "id": str(number),
        "question": f"Which of these goes with {number}?",
        "choices": {"text": choices, "label": list("ABCD")},
        "answerKey": key,
    }


def by_command_line(place: Place, model: str, tasks: Sequence[str]) -> tuple[float, Mapping[str, object]]:
    """The seconds of one run, and its scores."""
    out = Path(tempfile.mkdtemp(dir=place.folder))
    command = [
        str(Path(sys.executable).with_name("lm_eval")),
        "run",
        *(
            "--model",
            "hf",
            "--model_args",
            f"pretrained={place.folder / 'data' / 'models' / model},dtype=float32",
        ),
        *("--tasks", ",".join(tasks), "--include_path", "tasks"),
        *("--device", "cpu", "--batch_size", BATCH_SIZE, "--output_path", str(out)),
    ]
    took = timed(lambda: _run(place, command))
    [file] = out.rglob("results_*.json")
    results: Mapping[str, object] = json.loads(file.read_text())["results"]
    return took, results


def by_worker(
    place: Place, models: Sequence[str], tasks: Sequence[str], *, name: str
) -> tuple[float, list[float], dict[str, Mapping[str, object]], set[str]]:
    """The seconds until the queue is empty, those from one result to the next, the scores by model, and the
    numbers of the processes.
    """
    data = place.folder / name
    data.mkdir()
    (data / "models").symlink_to(place.folder / "data" / "models")
    for model in models:
        file = data / "requests" / f"{model}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        request = Request(
            model=model, status=Status.PENDING, precision="float32", submitted_time=to_text(utc_now())
        )
        file.write_bytes(write_request(request))
    settings = {
        "LEADERBOARD_DATA_DIR": str(data),
        "TASKS_HARNESS": ",".join(tasks),
        "BATCH_SIZE": BATCH_SIZE,
        "WORKER_ID": name,
        "FREE_DISK_GB": "0",
    }
    command = [sys.executable, "-m", "src.worker", "--drain"]
    took = timed(lambda: _run(place, command, **settings))
    store = FolderStore(data / "results")
    files = [data / "results" / path for path in store.snapshot().files if is_data_path(path)]
    ended = sorted(file.stat().st_mtime for file in files)
    reports = [json.loads(file.read_text()) for file in files]
    logs = [log.read_text() for log in (data / "results" / ".logs").rglob("*.txt")]
    processes = {found[1] for log in logs if (found := re.search(r"^\S+ \S+ (\d+) ", log, re.MULTILINE))}
    scores = {report["config"]["model_name"]: report["results"] for report in reports}
    return took, [later - sooner for sooner, later in pairwise(ended)], scores, processes


def _run(place: Place, command: Sequence[str], **variables: str) -> None:
    done = subprocess.run(
        command,
        cwd=place.backend,
        env=place.environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-5000:]}")


def compare_small(report: Report, place: Place, tasks: Sequence[str], *, name: str) -> None:
    """Five small models, in turn by both ways."""
    models = [f"tiny/model-{number}" for number in range(SMALL_MODELS)]
    took, gaps, scores, processes = by_worker(place, models, tasks, name=name)
    runs = [by_command_line(place, model, tasks) for model in models]
    whole = sum(seconds for seconds, _ in runs)
    one = statistics.median(seconds for seconds, _ in runs)
    differing = [
        model for model, (_, results) in zip(models, runs, strict=True) if scores.get(model) != results
    ]
    where = "own tasks" if tasks == OWN_TASKS else "lm_eval's collection"
    report.add(f"{where}: five runs of the command line", seconds(whole))
    report.add(f"{where}: five models through the worker, its start included", seconds(took))
    report.at_most(f"{where}: the worker / the command line", took / whole, WHOLE)
    report.at_most(f"{where}: a further model / one run", statistics.median(gaps) / one, FURTHER)
    report.add(f"{where}: models whose scores differ", str(len(differing)), goal="0", is_met=not differing)
    report.add(
        f"{where}: processes for five models",
        str(len(processes)),
        goal=str(SMALL_MODELS),
        is_met=len(processes) == SMALL_MODELS,
    )


def compare_large(report: Report, place: Place) -> None:
    """One run that computes for long, by both ways."""
    model = "large/model"
    took, _, scores, _ = by_worker(place, [model], COLLECTIONS_TASKS, name="large")
    line, results = by_command_line(place, model, COLLECTIONS_TASKS)
    report.add("a run that computes for long: the command line", seconds(line))
    report.at_most("a run that computes for long: the worker / the command line", took / line, HEAVY)
    same = scores.get(model) == results
    report.add(
        "a run that computes for long: the scores", "equal" if same else "differ", goal="equal", is_met=same
    )


def main() -> None:
    """Measure small models on both kinds of tasks, and a large one."""
    report = Report(
        "Evaluations by the worker against lm_eval's command line",
        [
            "The worker is `python -m src.worker --drain` on a data folder, from its start to an empty "
            "queue: it imports everything once and forks a process for each model. The command line is "
            "`lm_eval run` for each model, with the same batch size and questions (those of `arc_easy` are "
            "invented and lie in a local folder), and bytecode compiled for both.",
        ],
    )
    with tempfile.TemporaryDirectory() as folder:
        place = make_place(Path(folder), questions=QUESTIONS)
        for number in range(SMALL_MODELS):
            make_tiny_model(place.folder / "data" / "models" / "tiny" / f"model-{number}")
        say("small models")
        compare_small(report, place, OWN_TASKS, name="own")
        compare_small(report, place, COLLECTIONS_TASKS, name="collection")
    with tempfile.TemporaryDirectory() as folder:
        place = make_place(Path(folder), questions=MANY_QUESTIONS)
        make_tiny_model(place.folder / "data" / "models" / "large" / "model", **LARGE)
        say("a large model")
        compare_large(report, place)
    report.hand_over()


if __name__ == "__main__":
    main()
