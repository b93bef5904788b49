"""A results dataset of 100,000 files: how long a frontend takes to open and to refresh it, and its memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.corpora import Corpus, put
from bench.figures import Report, number, peak_mebibytes, say, seconds, timed
from bench.hub_place import Place
from src.shared.data.reports import read_result
from src.shared.data.result import Result
from src.shared.index.indexes import RESULTS_INDEX
from src.shared.stores.store import blob_id
from support.hub_process import RemoteHub, hub_process

MODELS, RUNS, ORGANIZATIONS = 25_000, 4, 2_500


def main() -> None:
    """Make the dataset with its index, then measure in a process that has not seen its files."""
    if len(sys.argv) > 2:
        measure(*sys.argv[2:])
        return
    corpus = Corpus(MODELS, ORGANIZATIONS)
    with hub_process(sys.executable) as hub, tempfile.TemporaryDirectory() as folder:
        results, requests = Path(folder, "results"), Path(folder, "requests")
        put(requests, {"README.md": b"# Requests\n"})
        size = make(corpus, results)
        say(f"made {MODELS * RUNS:,} files; their index has {size:,} bytes")
        for place in (requests, results):
            hub.do("add_repository", type="dataset", id=f"acme/{place.name}", folder=str(place))
        token = hub.do("add_user", name="alice", organizations={"acme": "write"})
        command = [sys.executable, "-m", "bench.many_files", sys.argv[1], hub.url, token, str(size)]
        subprocess.run(command, check=True)


def make(corpus: Corpus, folder: Path) -> int:
    """Write the results of all runs and their index into a folder. Returns the index's bytes."""
    files: dict[str, str] = {}
    values: dict[str, Result] = {}
    for place in range(corpus.models):
        for run in range(RUNS):
            for path, data in corpus.model(place, run=run).result.items():
                put(folder, {path: data})
                files[path], values[path] = blob_id(data), read_result(path, data)
    index = RESULTS_INDEX.write(files, values)
    put(folder, {"README.md": b"# Results\n", RESULTS_INDEX.path: index})
    return len(index)


def measure(url: str, token: str, size: str) -> None:
    """Open and refresh."""
    corpus = Corpus(MODELS, ORGANIZATIONS)
    place = Place(RemoteHub(url), corpus.columns, token)
    report = Report(
        f"{MODELS * RUNS:,} result files in one dataset",
        [
            f"{MODELS:,} models of {ORGANIZATIONS:,} organisations, each evaluated {RUNS} times on six "
            "tasks, on the Hub-compatible server of the tests; the index, which the Spaces keep, is fresh.",
        ],
    )
    report.add("size of the index", f"{int(size) / 1e6:.1f} MB")
    before = peak_mebibytes()
    keeper = place.start()
    calls = place.measured(keeper)
    report.add("start", f"{calls.all:,} calls, {calls.reads:,} of them reads, {seconds(calls.seconds)}")
    report.holds("… all models are there", len(keeper.now.board.standings.rows) >= MODELS)
    report.add(
        "memory of the process, most",
        f"{number(round(peak_mebibytes()))} MiB, {number(round(before))} before",
    )
    calls = place.measured(keeper)
    report.add("nothing changed", f"{calls.all:,} calls, {seconds(calls.seconds)}")
    new = corpus.model(MODELS)
    place.put({}, new.result)
    calls = place.measured(keeper)
    report.add(
        "one new result", f"{calls.all:,} calls, {calls.reads:,} of them reads, {seconds(calls.seconds)}"
    )
    report.add("… memory, most", f"{number(round(peak_mebibytes()))} MiB")
    again = timed(keeper.keep_indexes)
    report.add("looking whether the index must be renewed", seconds(again))
    report.hand_over()


if __name__ == "__main__":
    main()
