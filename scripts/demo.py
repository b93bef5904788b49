"""Runs the whole leaderboard on this machine, `make demo`: models are made, submitted, evaluated, shown."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from local_leaderboard import PORTS, ROOT, DoesNotStart, Space, running
from visitor import NoResult, Visitor

DATA = ROOT / "demo-data"
SEEDS = {"requests": ROOT / "eval-queue-seed", "results": ROOT / "eval-results-seed"}
SUBMITTED = ["demo/adder-novice", "demo/adder-half", "demo/grammarian", "demo/generalist"]
IN_THE_SEEDS = ["demo/adder", "demo/copier"]
"""Models with results of lm_eval in the seeds. Another engine evaluates them as well."""
ENGINES = {"lm_eval": "backend", "lighteval": "lighteval"}
"""The engines, and the environment that the backend runs in with each."""
FIELDS = {"precision": "float32", "model_type": "🟢 : pretrained"}
COLUMNS = ["Average ⬆️", "Addition", "Agreement", "Copying"]
PATIENCE_SECONDS = 900
SETTINGS = {"REFRESH_RATE": "1", "LEASE_MINUTES": "1"}


def main() -> int:
    """Run the demo; 0 once the table holds the new results, and 1 with a reason otherwise."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--exit", action="store_true", help="end when the table holds the new results")
    parser.add_argument(
        "--data", type=Path, default=DATA, help="the data folder, made anew (default: demo-data)"
    )
    parser.add_argument("--engine", choices=ENGINES, default="lm_eval", help="what evaluates")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # both end the demo, also where a shell ignores the first
        signal.signal(number, signal.default_int_handler)
    try:
        run(options.data, engine=options.engine, stay=not options.exit)
    except KeyboardInterrupt:
        print("\nEnded: all that the demo started is stopped.")
    except (DoesNotStart, NoResult) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    return 0


def run(data: Path, *, engine: str, stay: bool) -> None:
    """The whole demo. Raises DoesNotStart and NoResult."""
    started = time.monotonic()
    has_seeds = engine == "lm_eval"
    submitted = SUBMITTED if has_seeds else [*SUBMITTED, *IN_THE_SEEDS]
    settings = {**SETTINGS, "ENGINE": engine}

    def say(line: str) -> None:
        print(f"   {time.monotonic() - started:4.0f} s  {line}", flush=True)

    print(f"1. The data folder {data}, from the two seeds")
    make_data_folder(data, with_results=has_seeds)
    print("2. Small models, trained on this machine, and meanwhile the two Spaces, started as on the Hub")
    models = start_making_models(data / "models")
    try:
        with running(data, ports=PORTS, backend=ENGINES[engine], **settings) as spaces:
            for space in spaces.values():
                say(where(space))
            if models.wait():
                raise NoResult("the models could not be made, for the reason above.")
            visitor = Visitor(spaces["frontend"].url)
            print(f"3. Submitted through the public API, they are evaluated by the backend with {engine}")
            for model in submitted:
                visitor.submit(model, **FIELDS)
            visitor.wait_for(submitted, seconds=PATIENCE_SECONDS, say=say)
            print(f"4. The new results are in the table: {spaces['frontend'].url}")
            print_table(visitor)
            if stay:
                print("It stays up until you press Ctrl-C.", flush=True)
                while True:
                    time.sleep(1)  # signal.pause() would not hear of a signal that came just before it
    finally:
        models.terminate()
        models.wait()


def make_data_folder(data: Path, *, with_results: bool = True) -> None:
    """Lay out the data folder anew from the seeds; models of an earlier run are kept: they are equal.

    Without results, only the cards of the datasets are taken from the seeds.
    """
    for name, seed in SEEDS.items():
        shutil.rmtree(data / name, ignore_errors=True)
        if with_results:
            shutil.copytree(seed, data / name)
        else:
            (data / name).mkdir(parents=True)
            shutil.copy(seed / "README.md", data / name)


def start_making_models(folder: Path) -> subprocess.Popen[bytes]:
    """Begin to train the models; those that are there already take no time."""
    return subprocess.Popen([sys.executable, str(ROOT / "scripts" / "make_models.py"), str(folder)])


def where(space: Space) -> str:
    """Where a Space's page is, and why it is not at its usual port when it is not."""
    usual = PORTS[space.name]
    taken = "" if space.url.endswith(f":{usual}") else f" (another program has port {usual})"
    return f"The {space.name} is at {space.url}{taken}"


def print_table(visitor: Visitor) -> None:
    """Print what the page shows."""
    print("   " + "Rank  Model".ljust(28) + "".join(name.rjust(12) for name in COLUMNS))
    for row in visitor.table():
        scores = "".join("" if row[name] is None else f"{row[name]:12.2f}" for name in COLUMNS)
        print(f"   {row['Rank']:>4}  {row['Model']:22}{scores}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
