"""Boards with files of every kind, to back up and restore: in folders, and on the Hub of the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from src.shared.data.names import ACTS, BOARD, log_path, request_path, result_path, samples_folder
from src.shared.data.request import Status, write_request
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.stores.store import blob_id
from support.factories import COMMIT, RUN, make_request, make_result_file
from support.hub import Hub
from support.hub.repository import RepoName

PARTS = ("requests", "results")
BINARY = bytes(range(256)) * 40
"""It has a zero byte: the Hub keeps it in Git LFS."""

Files = Mapping[str, bytes]


def path_of(model: str) -> str:
    """The path of a model's request."""
    return request_path(model, private=False, precision="float32", weight_type="Original", commit=COMMIT)


def whole_board(*models: str) -> dict[str, dict[str, bytes]]:
    """The files of both datasets: results, logs, samples, indexes, odd names, broken files."""
    requests: dict[str, bytes] = {
        "README.md": b"---\nlicense: mit\n---\n# Requests\n",
        ACTS: b'{"format": 1, "acts": []}\n',
        BOARD: b"frontends:\n- acme/leaderboard\nbackends:\n- acme/backend\n",
        REQUESTS_INDEX.path: REQUESTS_INDEX.write({}, {}),
        "broken.json": b"{",
        "\u00fcn\u00ef c\u00f6d\u00e9/\U0001f7e2_eval_request_False_x_y.json": b"{}",
    }
    results: dict[str, bytes] = {
        "README.md": b"# Results\n",
        "acme/empty.json": b"",
        "\u00fcn\u00ef/results_\U0001f7e2.json": b"\xff\xfe broken",
        BOARD: requests[BOARD],
        ".leaderboard/backend.yaml": b"tasks: []\n",
    }
    for model in models or ("acme/tiny",):
        request = make_request(
            model=model, status=Status.FINISHED, run=RUN, attempt=1, result=result_path(model, RUN)
        )
        requests[path_of(model)] = write_request(request)
        results[result_path(model, RUN)] = make_result_file(model=model)
        results[log_path(model, RUN, 1)] = b"evaluated\n"
        results[f"{samples_folder(model, RUN, 1)}/tiny_copy.parquet"] = BINARY + model.encode()
    ids = {path: blob_id(data) for path, data in results.items()}
    results[RESULTS_INDEX.path] = RESULTS_INDEX.write(ids, {})
    return {"requests": requests, "results": results}


def write_files(folder: Path, files: Files) -> None:
    """Write files below a folder."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def read_files(folder: Path) -> dict[str, bytes]:
    """All files below a folder but a store's lock."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {path: place.read_bytes() for path, place in found.items() if path != ".leaderboard/lock"}


def add_board(hub: Hub, board: Mapping[str, Files], owner: str = "acme", **settings: bool) -> None:
    """Put a board's datasets on a Hub."""
    for part, files in board.items():
        hub.add_dataset(f"{owner}/{part}", files, **settings)


def on_the_hub(hub: Hub, owner: str = "acme") -> dict[str, dict[str, bytes]]:
    """All files of a board's datasets on a Hub, `.gitattributes` among them."""
    found = {}
    for part in PARTS:
        repository = hub.get(RepoName("dataset", f"{owner}/{part}"))
        found[part] = {**repository.files(), ".gitattributes": repository.read(".gitattributes")}
    return found


def in_folders(data: Path) -> dict[str, dict[str, bytes]]:
    """All files of a board in folders."""
    return {part: read_files(data / part) for part in PARTS}
