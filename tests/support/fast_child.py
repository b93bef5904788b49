"""A child process that evaluates in no time: it behaves as the model's name says and reports like lm_eval.

Run as `python fast_child.py FOLDER` with the job's files in FOLDER, as the real child is.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

FOREVER = 3600


def main(folder: Path) -> None:
    threading.Thread(target=die_with_the_worker, daemon=True).start()
    job = json.loads((folder / "job.json").read_text())
    name = job["model"].partition("/")[2]
    note = Path(job["tasks_dir"]) / "evaluations.txt"
    with note.open("a") as file:
        file.write(f"{job['model']} {os.getpid()}\n")
    print("evaluating", job["model"])
    if name == "folders":
        print(folder / "report.json", "in", Path.cwd())
    if name == "endless":
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER})"])
        time.sleep(FOREVER)
    if name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "refused":
        (folder / "refusal.json").write_text(
            json.dumps({"message": "acme/refused has no weights: add them."})
        )
        sys.exit(1)
    if name == "error":
        raise RuntimeError("nobody foresaw this")
    if name == "slow":
        (folder / "progress.json").write_text(json.dumps({"task": "tiny", "done": 3, "total": 10}))
        time.sleep(FOREVER)
    report = {"results": {task: {"acc,none": 0.5} for task in job["tasks"]}, "config": {}}
    (folder / "report.json").write_text("{" if name == "garbled" else json.dumps(report))
    if name == "environment":
        (folder / "report.json").write_text(json.dumps({"environment": dict(os.environ)}))


def die_with_the_worker() -> None:
    os.read(0, 1)  # not through sys.stdin, whose lock a daemon thread must not hold at the interpreter's end
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
