"""The command `python -m src.try_task NAME`: shows the prompts and the answers of a small model on a task."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import NamedTuple

from src.running.child_environment import clean_environment
from src.running.executor import ProcessExecutor
from src.running.identity import take_identity
from src.running.inference import Inference
from src.running.job import Ending, Job, Work
from src.running.launchers import ProgramLauncher
from src.running.suite import EngineName, Suite
from src.running.watch import ChildLimits
from src.settings import Settings
from src.shared.environment import owners_file, read_settings
from src.shared.errors import ConfigurationError, ModelError, exit_on_configuration_error, printable
from src.shared.models.folder_models import MAIN
from src.shared.models.hub_models import HubModels
from src.shared.stores.hub import Hub
from src.suite.from_settings import make_suite
from src.suite.trial import trial_from
from src.try_task.small_model import make_small_model
from src.try_task.told import means, read_samples, told
from src.withdrawn_secrets import withdraw_secrets

WELL, HAS_PROBLEMS, NOT_FOUND_OUT = 0, 1, 3
"""Exit statuses. 2 means a mistake in the settings or on the command line."""

COMMAND = "try-task"
"""The name of the command's folder on this machine. It is not a worker's, since one may be running."""

NONCE = "trial"
POLL_SECONDS = 0.5
STAND_IN = "stand-in"


class Model(NamedTuple):
    """What answers: `weights` is a folder, or a name on the Hub with its commit."""

    name: str
    weights: str
    commit: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a task of the engine in the settings, print what happened, and return the exit status."""
    options = read_options(arguments)
    with exit_on_configuration_error():
        secrets = withdraw_secrets()
        settings = read_settings(Settings, owners_file("src.envs"), {**os.environ, **secrets})
        suite = suite_of(options.name, settings, options.limit)
        folder = take_identity(COMMAND).folder
        model = find_model(options.model, settings, folder / STAND_IN)
    job = Job(
        model=model.name,
        weights=model.weights,
        commit=model.commit,
        precision="float32",
        use_chat_template=options.chat,
        **vars(suite),
    )
    problem = try_it(folder, settings, job)
    return problem if problem is not None else show_answers(folder, settings, job)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m src.try_task", description=__doc__)
    add = parser.add_argument
    add("name", metavar="NAME", help="a task as in TASKS_HARNESS or TASKS_LIGHTEVAL, such as tiny_copy|2")
    add(
        "--model",
        default="",
        help="a model on the Hub, such as HuggingFaceTB/SmolLM2-135M-Instruct, or a folder",
    )
    add("--limit", type=int, default=3, help="how many questions (default: 3)")
    add("--chat", action="store_true", help="put the prompts into the model's chat template")
    options = parser.parse_args(arguments)
    if options.limit < 1:
        parser.error("--limit is a number of questions, at least 1")
    return options


def suite_of(name: str, settings: Settings, limit: int) -> Suite:
    """Return the suite of the settings with this task only, and what is needed to look at its answers.

    A task that the settings have is run as they say. Raises ConfigurationError.
    """
    suite = make_suite(settings)
    if name not in suite.tasks:
        is_lighteval = settings.engine is EngineName.LIGHTEVAL
        wanted = f"{name}|0" if is_lighteval and "|" not in name else name
        named = (
            replace(settings, tasks_lighteval=wanted)
            if is_lighteval
            else replace(settings, tasks_harness=wanted)
        )
        suite = make_suite(named)
        name = suite.tasks[0]
    shots = {task: number for task, number in suite.fewshot_by_task.items() if task == name}
    return replace(
        suite,
        tasks=(name,),
        fewshot_by_task=shots,
        limit=limit,
        save_samples=True,
        inference=Inference.LOCAL,
    )


def find_model(wanted: str, settings: Settings, stand_in: Path) -> Model:
    """Return the model that is wanted, or else the stand-in. Raises ConfigurationError."""
    if not wanted:
        return Model(STAND_IN, str(make_small_model(stand_in)), None)
    path = Path(wanted).expanduser()
    if path.is_dir():
        return Model(path.resolve().name, str(path.resolve()), None)
    hub = Hub(settings.hf_read_token, token_name="HF_READ_TOKEN")
    try:
        facts = HubModels(hub).describe(wanted, MAIN)
    except ModelError as error:
        raise ConfigurationError(
            f"--model is {wanted!r}, which is no folder here, and on the Hub: {error}"
        ) from error
    return Model(facts.name, facts.location, facts.commit)


def run(folder: Path, settings: Settings, job: Job, work: Work) -> tuple[Ending, ProcessExecutor]:
    """Run a child to its end. The executor keeps its samples until it is closed."""
    ended = Event()
    executor = ProcessExecutor(
        folder,
        limits=ChildLimits(timedelta(hours=settings.max_hours), timedelta(minutes=settings.stuck_minutes)),
        launcher=ProgramLauncher(clean_environment(folder, settings.hf_read_token)),
        work=work,
        on_end=ended.set,
    )
    try:
        executor.start(NONCE, job)
        while not ended.wait(POLL_SECONDS):
            pass
    except BaseException:
        executor.close()
        raise
    return executor.endings()[NONCE], executor


def try_it(folder: Path, settings: Settings, job: Job) -> int | None:
    """Try the task as a worker does at its start. Print the problems and return the status, if any."""
    sys.stderr.write(f"Trying {job.tasks[0]} …\n")
    ending, executor = run(folder, settings, job, Work.TRY)
    executor.close()
    trial = trial_from(ending.report)
    if trial is None:
        return failed(ending, "The task could not be tried")
    if trial.description.problems:
        return tell(HAS_PROBLEMS, *trial.description.problems)
    if trial.unanswered:
        return tell(
            NOT_FOUND_OUT,
            "Its questions could not be fetched, because the Hub or another site did not answer. Try again "
            "later.",
        )
    return None


def show_answers(folder: Path, settings: Settings, job: Job) -> int:
    """Let the model answer, print all of it, and return the exit status."""
    sys.stderr.write(f"{job.model} answers …\n")
    ending, executor = run(folder, settings, job, Work.EVALUATE)
    try:
        if ending.report is None or ending.samples is None:
            return failed(ending, f"{job.model} could not answer")
        samples = read_samples(ending.samples)
    finally:
        executor.close()
    tell(WELL, *told(samples))
    note = " They mean nothing: the stand-in was never trained. --model names another one."
    return tell(
        WELL,
        f"{job.tasks[0]} has no problems. Of {job.engine}, {job.model}, {len(samples)} answers. "
        f"Means: {means(samples) or 'none'}.{note if job.model == STAND_IN else ''}",
    )


def failed(ending: Ending, what: str) -> int:
    """Print the end of the log and why it ended, and return the status."""
    sys.stderr.write(ending.log.decode(errors="replace"))
    return tell(NOT_FOUND_OUT, f"{what}: {ending.message or ending.end}")


def tell(status: int, *lines: str) -> int:
    """Print lines, and return the status."""
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
