"""Computes the seeds: the requests and results that a new leaderboard begins with. `make seeds` writes them.

Two demo models go all the way round on this machine, and the files that come of it are the seeds. With
`--check` nothing is written: the scores that were computed just now are held against the seeds' within a
tolerance, since processors differ.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from demo import FIELDS, PATIENCE_SECONDS, SEEDS
from local_leaderboard import ROOT, DoesNotStart, running
from visitor import NoResult, Visitor

MODELS = ["demo/adder", "demo/copier"]
LOCAL_ONLY = ("lock", "journal.json", ".*.part")
"""Names of what a data folder has for itself, and a dataset does not."""

TOLERANCE = 0.03
"""How far a score may be from the seeds', as a fraction of all samples: three of a hundred."""


def main() -> int:
    """Compute the seeds and write or check them; 0 when all is well."""
    parser = argparse.ArgumentParser(prog="make seeds", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="compare with the seeds that are there, write nothing"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        try:
            compute(data)
        except (DoesNotStart, NoResult) as error:
            print(f"The seeds could not be computed: {error}", file=sys.stderr)
            return 1
        if options.check:
            return compare(scores(SEEDS["results"]), scores(data / "results"))
        write_indexes(data)
        for name, seed in SEEDS.items():
            replace_data(data / name, seed)
    return 0


def compute(data: Path) -> None:
    """Send the models all the way round in a data folder. Raises DoesNotStart and NoResult."""
    subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "make_models.py"), str(data / "models"), *MODELS], check=True
    )
    with running(data, REFRESH_RATE="1", WORKER_ID="seed") as spaces:
        visitor = Visitor(spaces["frontend"].url)
        for model in MODELS:
            visitor.submit(model, **FIELDS)
        visitor.wait_for(MODELS, seconds=PATIENCE_SECONDS, say=print)


def write_indexes(data: Path) -> None:
    """Write the indexes, which the dataset cards name, as the Spaces would within half an hour."""
    sys.path.append(str(ROOT / "backend"))
    from src.shared.data.reports import read_result
    from src.shared.data.request import read_request
    from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
    from src.shared.stores.folder_store import FolderStore
    from src.shared.stores.indexer import Indexer
    from src.shared.stores.mirror import Mirror

    requests, results = FolderStore(data / "requests"), FolderStore(data / "results")
    of_requests = Mirror(requests, lambda _, file: read_request(file), index=REQUESTS_INDEX)
    of_results = Mirror(results, read_result, index=RESULTS_INDEX)
    Indexer(requests, of_requests, REQUESTS_INDEX).renew()
    Indexer(results, of_results, RESULTS_INDEX).renew()


def replace_data(source: Path, seed: Path) -> None:
    """Put the computed files in the place of the seed's, whose dataset card stays."""
    for old in seed.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
    shutil.copytree(source, seed, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*LOCAL_ONLY))


def scores(folder: Path) -> dict[tuple[str, str, str], float]:
    """Every score in a results folder, by model, task and metric."""
    found: dict[tuple[str, str, str], float] = {}
    for path in folder.rglob("results_*.json"):
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for task, metrics in report["results"].items():
            for metric in ("acc,none", "exact_match,none"):
                if metric in metrics:
                    found[report["config"]["model_name"], task, metric] = metrics[metric]
    return found


def compare(seeds: dict[tuple[str, str, str], float], computed: dict[tuple[str, str, str], float]) -> int:
    """Print both, and return 1 when a score is missing or too far away."""
    far = 0
    for key in sorted(seeds.keys() | computed.keys()):
        seed, now = seeds.get(key), computed.get(key)
        is_far = seed is None or now is None or abs(seed - now) > TOLERANCE
        print(f"{'FAR ' if is_far else 'same'} {' '.join(key):45} seed {seed}  now {now}")
        far += is_far
    return 1 if far else 0


if __name__ == "__main__":
    sys.exit(main())
