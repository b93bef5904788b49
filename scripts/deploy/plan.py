"""What has to change on the Hub: a list of steps, each a line for the owner and a call or two."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from src.shared.data.cards import REQUESTS_CARD, RESULTS_CARD
from src.shared.errors import StoreError
from src.shared.index.index import Index
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.stores.hub import CONFLICTS, FAILURES, Hub, status_of
from src.shared.stores.hub_store import HubStore
from src.shared.version import VERSION

from .files import COMMIT, MARK, Changes, SpaceFiles, changes, edited, listed
from .git import has_in_its_history, is_shallow
from .hardware import FREE, NEVER
from .looking import SPACE, DatasetNow, SpaceNow, look_at_space
from .names import ROLES, Board
from .refusals import Stopped, ask, refusal, told
from .secret_values import SECRETS


@dataclass(frozen=True)
class Step:
    """One change. `what` follows "would", and says what becomes of what."""

    what: str
    do: Callable[[], object]
    sets_up: str = ""
    """The Space that starts again with the same files."""
    uploads_to: str = ""
    """The Space that is built of a new commit."""


class Clone(NamedTuple):
    """Where the files come from. `head` is its commit, empty if it has none."""

    root: Path
    head: str


@dataclass(frozen=True)
class Wanted:
    """What the owner wants of one Space. None leaves it as it is, or as the Hub makes it."""

    files: SpaceFiles
    variables: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    """Those to be set."""
    hardware: str | None = None
    sleep_time: int | None = None
    """Seconds without visitors; -1 for never."""


def steps_for(
    hub: Hub,
    board: Board,
    clone: Clone,
    spaces: Mapping[str, SpaceNow | None],
    datasets: Mapping[str, DatasetNow],
    wanted: Mapping[str, Wanted],
    *,
    overwrite: bool,
) -> list[Step]:
    """Return all steps. The Spaces come first, as the Hub may refuse them, and their files last, so that each
    starts once and with all that it needs. Raises Stopped where somebody's edits would be lost.
    """
    steps = [
        Step(
            f"create the Space {id} on {wanted[role].hardware or FREE}",
            partial(_create, hub, id, wanted[role].hardware),
        )
        for role, id in board.spaces.items()
        if spaces[role] is None
    ]
    for kind, dataset in datasets.items():
        if not dataset.exists:
            steps.append(
                Step(
                    f"create the dataset {dataset.id}, empty", partial(_create_dataset, hub, kind, dataset.id)
                )
            )
        elif dataset.is_empty:
            steps.append(
                Step(f"add the card of {dataset.id}", partial(_create_dataset, hub, kind, dataset.id))
            )
    for role in ROLES:
        steps += _settings(hub, board.spaces[role], spaces[role], wanted[role])
    for role in ROLES:
        steps += _upload(hub, board, clone, role, spaces[role], wanted[role].files, overwrite=overwrite)
    return steps


def secrets_to_set(
    spaces: Mapping[str, SpaceNow | None], asked: Collection[str], given: Collection[str]
) -> dict[str, list[str]]:
    """The secrets to set in each Space: those asked for, and HF_TOKEN and those given where they are missing.

    Secrets cannot be read back. So one that is there is left alone unless it was asked for by its name, and
    a second run with the same input changes nothing.
    """
    found = {}
    for role in ROLES:
        space = spaces[role]
        missing = {"HF_TOKEN", *given} - (space.secrets if space else frozenset())
        found[role] = [name for name in SECRETS if role in SECRETS[name] and name in {*missing, *asked}]
    return found


def _create(hub: Hub, id: str, hardware: str | None) -> None:
    ask(
        hub,
        f"create the Space {id}",
        hub.api.create_repo,
        id,
        repo_type=SPACE,
        space_sdk="gradio",
        space_hardware=hardware,
        exist_ok=True,
    )


def _create_dataset(hub: Hub, kind: str, id: str) -> None:
    """Create a dataset with its card, as the Spaces would."""
    cards = {"requests": REQUESTS_CARD, "results": RESULTS_CARD}
    indexes: dict[str, Index[Any]] = {"requests": REQUESTS_INDEX, "results": RESULTS_INDEX}
    try:
        HubStore(hub, id, card=cards[kind], index=indexes[kind]).snapshot()
    except StoreError as error:
        raise told(error) from error


def _settings(hub: Hub, id: str, now: SpaceNow | None, wanted: Wanted) -> Iterator[Step]:
    for name, value in wanted.secrets.items():
        yield Step(
            f"set the secret {name} of {id}",
            partial(ask, hub, f"set the secret {name} of {id}", hub.api.add_space_secret, id, name, value),
            sets_up=id,
        )
    for name, value in wanted.variables.items():
        yield Step(
            f"set the variable {name} of {id} to {value}",
            partial(
                ask, hub, f"set the variable {name} of {id}", hub.api.add_space_variable, id, name, value
            ),
            sets_up=id,
        )
    hardware = now.hardware if now else wanted.hardware
    if wanted.hardware and wanted.hardware != hardware:
        yield Step(f"move {id} to {wanted.hardware}", partial(_move, hub, id, wanted.hardware), sets_up=id)
    yield from _sleeping(hub, id, now, wanted)


def _sleeping(hub: Hub, id: str, now: SpaceNow | None, wanted: Wanted) -> Iterator[Step]:
    if wanted.sleep_time is None:
        return
    if (wanted.hardware or (now and now.hardware) or FREE) == FREE:
        raise Stopped(
            f"{id} runs on {FREE}, which sleeps after 48 hours without a visitor. That cannot be changed: "
            "leave out --sleep, or choose paid hardware with --hardware."
        )
    there = now.sleep_time if now and now.sleep_time is not None else NEVER
    if wanted.sleep_time != there:
        set_it = partial(hub.api.set_space_sleep_time, id, wanted.sleep_time)
        yield Step(
            f"let {id} {sleep_text(wanted.sleep_time)}",
            partial(ask, hub, f"set the sleep time of {id}", set_it),
        )


def _move(hub: Hub, id: str, hardware: str) -> None:
    move: Callable[..., object] = hub.api.request_space_hardware  # the Hub has more than its types name
    ask(hub, f"move {id} to {hardware}", move, id, hardware)


def sleep_text(seconds: int) -> str:
    """`never sleep`, or after how long."""
    return "never sleep" if seconds < 0 else f"sleep after {seconds / 3600:g} hours without a visitor"


def _upload(
    hub: Hub,
    board: Board,
    clone: Clone,
    role: str,
    now: SpaceNow | None,
    files: SpaceFiles,
    *,
    overwrite: bool,
) -> Iterator[Step]:
    id = board.spaces[role]
    change = changes(files.contents, now.files if now else {}, files.untracked)
    if not change:
        return
    if now and not overwrite:
        _refuse_to_lose_edits(board, role, now, files.contents)
        _refuse_to_go_back(board, now, clone)
    yield Step(
        f"bring {id} up to date: {change}",
        partial(_commit, hub, id, now, change, files.contents, clone.head),
        uploads_to=id,
    )


def _refuse_to_go_back(board: Board, now: SpaceNow, clone: Clone) -> None:
    """Refuse to replace what another clone deployed from a commit that this one has not in its history."""
    deployed = now.deployed_commit
    if not deployed or not clone.head or has_in_its_history(clone.root, deployed):
        return
    fetch = "git fetch --unshallow" if is_shallow(clone.root) else "git pull"
    raise Stopped(
        f"{now.id} was deployed from the commit {deployed[:10]}, which is not in the history of this clone "
        f"(at {clone.head[:10]}), {now.last}. Bring it into this clone first, for example with `{fetch}`. Or "
        f"replace it: `make deploy {board.arguments} ARGS=--overwrite`."
    )


def _refuse_to_lose_edits(board: Board, role: str, now: SpaceNow, files: Mapping[str, bytes]) -> None:
    lost = edited(files, now.deployed if now.deployed is not None else {}, now.files)
    if not lost:
        return
    since = "since it was deployed" if now.deployed is not None else "and was never deployed from a clone"
    raise Stopped(
        f"{now.id} was edited on the Hub {since}, and this clone has other contents in {listed(lost)} (last "
        f"edited {now.last}). Bring the edits into {role}/ first: `hf download {now.id} --repo-type space "
        f"--local-dir edits` gets them. Or replace them: `make deploy {board.arguments} ARGS=--overwrite`."
    )


def _commit(
    hub: Hub, id: str, now: SpaceNow | None, change: Changes, files: Mapping[str, bytes], commit: str
) -> None:
    """Commit the files on the head that was looked at. A new Space has one of the Hub's own.

    `commit` is the clone's, for the next run of another clone.
    """
    if now is None:
        now = look_at_space(hub, id)
        assert now
        change = changes(files, now.files)
    try:
        hub.call(
            lambda: hub.api.create_commit(
                id,
                [  # anew for each try: the client changes them
                    *(CommitOperationAdd(path, data) for path, data in change.add.items()),
                    *(CommitOperationDelete(path, is_folder=False) for path in change.delete),
                ],
                commit_message=f"Deploy version {VERSION}",
                commit_description=f"{MARK}\n\n{COMMIT}{commit}" if commit else MARK,
                repo_type=SPACE,
                parent_commit=now.head,
            )
        )
    except FAILURES as error:
        there = look_at_space(hub, id)
        if there and not changes(files, there.files):  # an earlier try landed, and its answer was lost
            return
        if status_of(error) in CONFLICTS:
            raise Stopped(f"Somebody changed {id} at this moment. Run the same command again.") from error
        raise refusal(f"upload to {id}", error, hub) from error
