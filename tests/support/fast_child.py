"""A child process that evaluates in no time: it behaves as the model's name says and reports like lm_eval.

Run as `python fast_child.py evaluate FOLDER` with the job's files in FOLDER, as the real child is.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

FOREVER = 3600
NAMELESS_SIGNAL = 40

HUNGRY = f"""
import time
held = bytearray(200_000_000)
held[::4096] = b"x" * len(held[::4096])
time.sleep({FOREVER})
"""
"""A process that takes hold of 200 MB."""


def main(folder: Path) -> None:
    threading.Thread(target=die_with_the_worker, daemon=True).start()
    job = json.loads((folder / "job.json").read_text())
    name = job["model"].partition("/")[2]
    note = Path(job["tasks_dir"]) / "evaluations.txt"
    with note.open("a") as file:
        file.write(f"{job['model']} {os.getpid()}\n")
    print("evaluating", job["model"], flush=True)
    (folder / "begun").touch()
    if name.startswith("chaos"):
        time.sleep(random.uniform(0.5, 3))
    if name == "folders":
        print(folder / "report.json", "in", Path.cwd())
    if name == "endless":
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER})"])
        time.sleep(FOREVER)
    if name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "told-to-end":
        os.kill(os.getpid(), signal.SIGTERM)
    if name == "killed-in-real-time":
        os.kill(os.getpid(), NAMELESS_SIGNAL)
    if name.startswith("folder-for-"):
        (folder / f"{name.removeprefix('folder-for-')}.json").mkdir()
        (folder / "begun").write_text("x")
        sys.exit(name != "folder-for-report")
    if name.startswith("says-"):
        fail(folder, name.removeprefix("says-"), "it may not say this")
    if name == "talkative":
        fail(folder, "refused", "x" * 100_000)
    if name == "logs":
        while True:
            os.write(1, b"a line of a log that has no end\n" * 1000)
    if name == "refused":
        fail(folder, "refused", "acme/refused has no weights: add them.")
    if name == "unreachable":
        fail(folder, "unreachable", "The Hub did not answer while acme/unreachable was being loaded.")
    if name == "hungry":
        subprocess.Popen([sys.executable, "-c", HUNGRY])
        time.sleep(FOREVER)
    if name == "error":
        raise RuntimeError("nobody foresaw this")
    if name == "slow":
        (folder / "progress.json").write_text(json.dumps({"task": "tiny", "done": 3, "total": 10}))
        time.sleep(FOREVER)
    if name == "samples":
        (folder / "samples").mkdir()
        (folder / "samples" / "tiny.parquet").write_bytes(b"rows")
    report = {"results": {task: {"acc,none": 0.5} for task in job["tasks"]}, "config": {}}
    (folder / "report.json").write_text("{" if name == "garbled" else json.dumps(report))
    if name == "environment":
        (folder / "report.json").write_text(json.dumps({"environment": dict(os.environ)}))


def fail(folder: Path, end: str, message: str) -> None:
    (folder / "failure.json").write_text(json.dumps({"end": end, "message": message}))
    sys.exit(1)


def die_with_the_worker() -> None:
    os.read(0, 1)  # not through sys.stdin, whose lock a daemon thread must not hold at the interpreter's end
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[2]))
