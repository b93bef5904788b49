"""The names of all files in the two datasets, and which of them may be taken for a request or a result."""

from __future__ import annotations

from pathlib import PurePosixPath

INDEX_FOLDER = "index"
LOGS_FOLDER = "logs"
OWN_FOLDERS = (INDEX_FOLDER, LOGS_FOLDER)
"""Top-level folders of our other files. None ends in `.json`: the old template would read it."""

BACKEND_DESCRIPTION = f"{INDEX_FOLDER}/backend.yaml"
"""In the results dataset: what the backend runs."""

BLOCKLIST = f"{INDEX_FOLDER}/blocked.yaml"
"""In the requests dataset: models and users that may not be submitted, or submit."""

AVAILABILITY = f"{INDEX_FOLDER}/availability.csv"
"""In the results dataset: which models are still on the Hub."""

MAX_NAME_BYTES = 240
"""File systems hold 255; the rest is for the hidden name under which a file waits for its commit."""

MAX_PATH_BYTES = 1000
"""Systems open 4096, together with the folder in which the dataset lies."""


def request_path(
    model: str,
    *,
    private: bool,
    precision: str,
    weight_type: str,
    commit: str | None,
    use_chat_template: bool = False,
) -> str:
    """Where a request lies in the requests dataset; eight digits of the commit keep revisions apart."""
    suffix = (f"_{commit[:8]}" if commit else "") + ("_chat" if use_chat_template else "")
    return f"{model}_eval_request_{private}_{precision}_{weight_type}{suffix}.json"


def result_path(model: str, run: str) -> str:
    """Where the result of a run lies in the results dataset."""
    return f"{model}/results_{run}.json"


def log_path(model: str, run: str, attempt: int) -> str:
    """Where the log of one attempt lies in the results dataset."""
    return f"{LOGS_FOLDER}/{model}/{run}_{attempt}.txt"


def is_data_path(path: str) -> bool:
    """Whether a file can be a request or a result: a `.json` outside our own folders and hidden ones.

    Clients of the Hub keep their caches in hidden folders.
    """
    is_visible_json = path.lower().endswith(".json") and not is_hidden(path)
    return is_visible_json and PurePosixPath(path).parts[0] not in OWN_FOLDERS


def is_hidden(path: str) -> bool:
    """Whether the file or a folder above it is hidden."""
    return any(part.startswith(".") for part in PurePosixPath(path).parts)


def is_safe_path(path: str) -> bool:
    """Whether such a file may be written: inside the dataset, visible, printable, not too long."""
    return len(path.encode("utf-8", "replace")) <= MAX_PATH_BYTES and all(map(_is_safe_name, path.split("/")))


def _is_safe_name(name: str) -> bool:
    hidden = not name or name.startswith(".")
    short = len(name.encode("utf-8", "replace")) <= MAX_NAME_BYTES
    return not hidden and short and name.isprintable() and "\\" not in name
