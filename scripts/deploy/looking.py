"""What is on the Hub now: the two Spaces and the two datasets. Nothing is changed here."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from huggingface_hub import GitCommitInfo
from huggingface_hub.errors import RepositoryNotFoundError

from src.shared.data.names import CARD, is_own_path
from src.shared.errors import DatasetMissing, NotOurs, StoreError, shown
from src.shared.stores.hub import Hub
from src.shared.stores.hub_spaces import current_name
from src.shared.stores.hub_store import MADE_BY_THE_HUB, HubStore
from src.shared.stores.whose import Role, Whose

from .files import COMMIT, IN_A_NEW_SPACE, MARK, ids_on_the_hub, listed
from .names import Board
from .refusals import Stopped, ask, told

SPACE = "space"
OF_A_LEADERBOARD = re.compile(r"_eval_request_[^/]*\.json$|(^|/)results_[^/]*\.json$|^\.?(logs|samples)/")
"""The names of requests, results and logs, in old leaderboards as well."""
OTHER = "ARGS='--set QUEUE_REPO=…' or RESULTS_REPO, or a BOARD"
ROLE = {"frontend": Role.FRONTEND, "backend": Role.BACKEND}


@dataclass(frozen=True)
class SpaceNow:
    """A Space on the Hub. The files are by path, with the ids that they are known by."""

    id: str
    head: str
    files: Mapping[str, set[str]]
    deployed: Mapping[str, set[str]] | None
    """Its files at the last deployment, or as the Hub made it; None if they are not known."""
    deployed_commit: str
    """The clone's commit at the last deployment; empty if it is not known."""
    last: str
    """Who made the newest commit, when, and its title."""
    secrets: frozenset[str]
    variables: Mapping[str, str]
    hardware: str | None
    sleep_time: int | None
    stage: str


@dataclass(frozen=True)
class DatasetNow:
    """A dataset on the Hub. One that is empty lacks its card: its creation was interrupted."""

    id: str
    exists: bool
    is_empty: bool = False
    note: str = ""
    """What is strange about it."""


def look_at_space(hub: Hub, id: str) -> SpaceNow | None:
    """Look at a Space; None if there is none. Raises Stopped."""
    what, api = f"look at the Space {id}", hub.api

    def found() -> object | None:
        try:
            return api.space_info(id)
        except RepositoryNotFoundError:
            return None

    info = ask(hub, what, found)
    if info is None:
        return None
    if str(info.id).casefold() != id.casefold():  # type: ignore[attr-defined]
        raise Stopped(
            f"The Space {id} was renamed to {info.id}. "  # type: ignore[attr-defined]
            "Give it its name back in its settings, or choose another BOARD."
        )
    head = str(info.sha)  # type: ignore[attr-defined]
    commits = ask(hub, what, api.list_repo_commits, id, repo_type=SPACE)
    ours = next((each for each in commits if MARK in each.message), None)
    files = _files(hub, id, head)
    deployed: Mapping[str, set[str]] | None
    if ours:
        deployed = files if ours.commit_id == head else _files(hub, id, ours.commit_id)
    else:
        is_new = len(commits) <= 1 and files.keys() <= IN_A_NEW_SPACE
        deployed = files if is_new else None
    runtime = ask(hub, what, api.get_space_runtime, id)
    variables = ask(hub, f"read the variables of {id}", api.get_space_variables, id)
    return SpaceNow(
        id=id,
        head=head,
        files=files,
        deployed=deployed,
        deployed_commit=commit_in(ours.message) if ours else "",
        last=_told(commits[0]) if commits else "at an unknown time",
        secrets=frozenset(ask(hub, f"list the secrets of {id}", api.get_space_secrets, id)),
        variables={name: each.value for name, each in variables.items()},
        hardware=runtime.requested_hardware or runtime.hardware,
        sleep_time=runtime.sleep_time,
        stage=str(runtime.stage),
    )


def commit_in(description: str) -> str:
    """The clone's commit that the description of a deployment names; empty if it names none."""
    found = re.search(rf"{re.escape(COMMIT)}([0-9a-f]{{40}}(?:[0-9a-f]{{24}})?)\b", description)
    return found[1] if found else ""


def _told(commit: GitCommitInfo) -> str:
    """Who made a commit, when, and its title."""
    authors = ", ".join(commit.authors) or "somebody"
    return f"by {authors} on {commit.created_at:%Y-%m-%d at %H:%M} UTC: {shown(commit.title)}"


def _files(hub: Hub, id: str, revision: str) -> dict[str, set[str]]:
    tree = ask(
        hub,
        f"list the files of {id}",
        lambda: list(hub.api.list_repo_tree(id, repo_type=SPACE, recursive=True, revision=revision)),
    )
    return ids_on_the_hub(tree)


def look_at_dataset(hub: Hub, board: Board, id: str) -> DatasetNow:
    """Look at a dataset, and make sure that no other leaderboard has it. Raises Stopped."""
    store = HubStore(hub, id)
    try:
        snapshot = store.snapshot()
        for role, space in board.spaces.items():
            Whose(ROLE[role], space, lambda name: current_name(hub, name)).look(store, snapshot)
    except DatasetMissing:
        return DatasetNow(id, exists=False)
    except NotOurs as error:
        raise Stopped(f"{error} Or choose a BOARD: `make deploy ORG={board.owner} BOARD=second`.") from error
    except StoreError as error:
        raise told(error) from error
    files = snapshot.files.keys() - MADE_BY_THE_HUB
    return DatasetNow(id, exists=True, is_empty=not files, note=_unrelated(id, files - {CARD}))


def _unrelated(id: str, files: Collection[str]) -> str:
    """Say that a dataset holds other things than a leaderboard's. Empty if not."""
    if not files or any(is_own_path(path) or OF_A_LEADERBOARD.search(path) for path in files):
        return ""
    return (
        f"the dataset {id} is there, and its files are no leaderboard's: {listed(files)}. The Spaces will "
        f"write beside them. If that is not meant, name another dataset ({OTHER})."
    )
