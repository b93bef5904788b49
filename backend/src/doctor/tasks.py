"""Checks of the tasks: whether they were tried as they are now, and what the trial found."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError

from src.running.suite import Suite
from src.settings import Settings
from src.shared.data.backend_description import BackendDescription
from src.shared.doctor.finding import Finding, green, warning, wrong
from src.shared.version import VERSION
from src.suite.task_files import fingerprint, stamp

NOT_TRIED = (
    "The {} tasks were not tried with these files, settings and versions. The worker does so at its next "
    "start, and `python -m src.doctor --try` does so now."
)
NOT_ANNOUNCED = (
    "The results dataset does not say what the backend runs. The worker writes it after its start: start it, "
    "with app.py or `python -m src.worker`."
)
OTHER_VERSION = (
    "The worker that started last runs version {} of the template, and this is {}. Restart it, or copy the "
    "newer one over the older one."
)
CUT_SHORT = (
    "LIMIT is {:g}, so each task is evaluated in part, and every new result carries a badge that says so. "
    "Unset it to evaluate all."
)
UNSAFE = (
    "CONFIRM_RUN_UNSAFE_CODE is True, so code that models write runs on this machine. Set it to False, "
    "unless the machine holds nothing else."
)


def check_tasks(suite: Suite, description: BackendDescription | None) -> list[Finding]:
    """Check the trial and the description that are published."""
    if description is None:
        return [warning("tasks", NOT_ANNOUNCED)]
    found = [wrong("tasks", sentence, is_public=True) for sentence in description.problems]
    if not found and not _is_tried(suite, description):
        found.append(warning("tasks", NOT_TRIED.format(len(suite.tasks))))
    elif not found:
        found.append(
            green("tasks", f"All {len(suite.tasks)} were tried and have no problems.", is_public=True)
        )
    if description.version not in (None, VERSION):
        found.append(warning("version", OTHER_VERSION.format(str(description.version)[:20], VERSION)))
    return found


def _is_tried(suite: Suite, description: BackendDescription) -> bool:
    try:
        return description.tried == fingerprint(suite, stamp(suite.tasks_dir))
    except PackageNotFoundError:  # the check of the engine says so
        return False


def check_options(settings: Settings) -> Iterator[Finding]:
    """Yield findings about settings that are for trying things out, or dangerous."""
    if settings.limit is not None:
        yield warning("settings", CUT_SHORT.format(settings.limit))
    if settings.confirm_run_unsafe_code:
        yield warning("settings", UNSAFE)
