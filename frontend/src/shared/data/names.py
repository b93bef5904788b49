"""The names of all files in the two datasets, and which of them may be requests or results."""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import chain, count
from pathlib import PurePosixPath

OWN_FOLDER = ".leaderboard"
LOGS_FOLDER = ".logs"
"""Top-level folders of our other files. They are hidden because readers made from the old template treat
every file in every other folder as JSON (docs/decisions/0015-our-own-files-lie-in-hidden-folders.md).
"""

SAMPLES_FOLDER = ".samples"
"""The top-level folder of the answers that models gave, if they are kept, in this or another dataset."""

OLD_FOLDER, OLD_LOGS_FOLDER = "index", "logs"
"""The folders of earlier versions. Their files are read until there is one in the new place."""

HIDDEN_FOLDERS = (OWN_FOLDER, LOGS_FOLDER, SAMPLES_FOLDER)
OWN_FOLDERS = (*HIDDEN_FOLDERS, OLD_FOLDER, OLD_LOGS_FOLDER)

LOCK, JOURNAL = f"{OWN_FOLDER}/lock", f"{OWN_FOLDER}/journal.json"
"""The files that keep commits in a local folder atomic. No file of the dataset may have these names."""

CARD = "README.md"
"""The dataset card, which names the index for the Hub's viewer."""

BACKEND_DESCRIPTION = f"{OWN_FOLDER}/backend.yaml"
"""In the results dataset: what the backend runs."""

BLOCKLIST = f"{OWN_FOLDER}/blocked.yaml"
"""In the requests dataset: models and users that may not be submitted, or submit."""

FLAGS = f"{OWN_FOLDER}/flags.yaml"
"""In the requests dataset: models that the owner flagged, each with a reason."""

ACTS = f"{OWN_FOLDER}/acts.json"
"""In the requests dataset: what maintainers did to models, people and the board, with who and when."""

AVAILABILITY = f"{OWN_FOLDER}/availability.csv"
"""In the results dataset: which models are still on the Hub."""

BOARD = f"{OWN_FOLDER}/board.yaml"
"""In both: the Spaces of the leaderboard that the dataset belongs to."""

MAX_BYTES = 20_000_000
"""The largest file that is read; lm_eval's longest reports, without samples, have two million bytes."""

MAX_INDEX_BYTES = 200_000_000
"""The largest of our own files, such as the index; of 100,000 results it has some 20 million bytes."""

MAX_NAME_BYTES = 240
"""File systems hold 255; the rest is for the hidden name under which a file waits for its commit."""

MAX_PATH_BYTES = 1000
"""Systems open paths of up to 4096, including the dataset's folder."""


def request_path(
    model: str,
    *,
    private: bool,
    precision: str,
    weight_type: str,
    commit: str | None,
    use_chat_template: bool = False,
) -> str:
    """Return a request's path in the requests dataset. Eight digits of the commit keep revisions apart."""
    suffix = (f"_{commit[:8]}" if commit else "") + ("_chat" if use_chat_template else "")
    return f"{model}_eval_request_{private}_{precision}_{weight_type}{suffix}.json"


def free_path(path: str, taken: Iterable[str]) -> str:
    """Return a request's path, with a number if it is taken, in any letter case."""
    others = (f"{path.removesuffix('.json')}_{number}.json" for number in count(2))
    not_free = {each.casefold() for each in taken}
    return next(each for each in chain([path], others) if each.casefold() not in not_free)


def result_path(model: str, run: str) -> str:
    """Return the path of a run's result in the results dataset."""
    return f"{model}/results_{run}.json"


def log_path(model: str, run: str, attempt: int) -> str:
    """Return the path of one attempt's log in the results dataset."""
    return f"{LOGS_FOLDER}/{model}/{run}_{attempt}.txt"


def samples_folder(model: str, run: str, attempt: int) -> str:
    """Return the folder of an attempt's samples, with a Parquet file for each task."""
    return f"{SAMPLES_FOLDER}/{model}/{run}_{attempt}"


def places(path: str) -> tuple[str, str]:
    """Return the possible paths of one of our own files: the present one, and that of earlier versions."""
    return path, f"{OLD_FOLDER}/{path.removeprefix(f'{OWN_FOLDER}/')}"


def place_of(path: str, files: Container[str]) -> str:
    """Return the path of one of our own files among these files; the present path if there is none."""
    new, old = places(path)
    return old if old in files and new not in files else new


def left_behind(paths: Iterable[str], files: Container[str]) -> list[str]:
    """Return the old paths, among these files, to delete once the files are written to their new paths."""
    return [old for new, old in map(places, paths) if is_own_path(new) and old in files]


def is_own_path(path: str) -> bool:
    """Return whether it is one of our own files, logs and samples excepted."""
    return PurePosixPath(path).parts[:1] in ((OWN_FOLDER,), (OLD_FOLDER,))


def is_for_people(path: str) -> bool:
    """Return whether it is among the logs or samples, or is their folder: we write them once, and never read
    them.
    """
    return PurePosixPath(path).parts[:1] in ((LOGS_FOLDER,), (SAMPLES_FOLDER,), (OLD_LOGS_FOLDER,))


def is_data_path(path: str) -> bool:
    """Return whether a file can be a request or a result: a visible `.json` outside our own folders.

    Clients of the Hub keep their caches in hidden folders.
    """
    is_visible_json = path.lower().endswith(".json") and not is_hidden(path)
    return is_visible_json and PurePosixPath(path).parts[0] not in OWN_FOLDERS


def is_hidden(path: str) -> bool:
    """Return whether the file or a folder above it is hidden, except our own folders. The lock and the
    journal of a local folder count as hidden.
    """
    parts = PurePosixPath(path).parts
    inner = parts[1:] if parts and parts[0] in HIDDEN_FOLDERS else parts
    return path in (LOCK, JOURNAL) or any(part.startswith(".") for part in inner)


def is_safe_path(path: str) -> bool:
    """Return whether such a file may be written: inside the dataset, visible or our own, printable, not too
    long.
    """
    folder, _, rest = path.partition("/")
    inner = rest if folder in HIDDEN_FOLDERS else path
    is_short = len(path.encode("utf-8", "replace")) <= MAX_PATH_BYTES
    return is_short and path not in (LOCK, JOURNAL) and all(map(_is_safe_name, inner.split("/")))


def _is_safe_name(name: str) -> bool:
    hidden = not name or name.startswith(".")
    short = len(name.encode("utf-8", "replace")) <= MAX_NAME_BYTES
    return not hidden and short and name.isprintable() and "\\" not in name


def largest(path: str) -> int:
    """Return the largest size in bytes at which a file of this name is read."""
    return MAX_INDEX_BYTES if is_own_path(path) else MAX_BYTES
