"""Shows a board in a free static Space: `make deploy-static ORG=alice` exports it and uploads changes."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # it holds a token
    forbid_inspection()

import argparse
import json
import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

from deploy.deployment import Sleep, sign_in
from deploy.files import Changes, changes, ids_on_the_hub
from deploy.identity import Identity, Repo, check_deployer
from deploy.names import Board
from deploy.refusals import Stopped, ask
from deploy.secret_values import read_secrets
from deploy.space_settings import Reader
from deploy.static_data import Datasets, private_ones, settle_datasets
from saying import Say, say
from src.shared.errors import LeaderboardError
from src.shared.stores.hub import Hub

ROOT = Path(__file__).resolve().parents[1]
LOCAL_DATA = "LEADERBOARD_DATA_DIR"
SPACE, STATIC = "space", "static"
MANIFEST, CARD = "export.json", "README.md"
MADE_BY_THE_HUB = {CARD, "index.html", "style.css"}
"""What the Hub puts into a new static Space, besides `.gitattributes`."""

FIRST_COMMIT = "initial commit"
"""The title of the commit with which the Hub makes a Space."""
KIND = "leaderboard"
"""What the manifest of an export says that it is."""

MESSAGE = "Show the board as of now"
TIME = re.compile(r"(\d+)\s*(s|m|h|d)")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SHORTEST_SECONDS = 60
"""Between two exports. The Hub takes few hundred commits an hour of one account."""

CARD_TEXT = """\
---
title: {title}
emoji: 🏅
colorFrom: indigo
colorTo: yellow
sdk: static
pinned: false
---

A leaderboard as static pages, made with `make deploy-static`.
"""


class Place(NamedTuple):
    """A static Space, as it is on the Hub."""

    id: str
    exists: bool
    head: str | None = None
    files: Mapping[str, set[str]] = {}
    """The ids of each file, by path."""
    exported: frozenset[str] = frozenset()
    """The files that came with the last export."""
    private: bool = False


def main(
    arguments: Sequence[str] | None = None,
    *,
    root: Path = ROOT,
    endpoint: str | None = None,
    stdin: TextIO | None = None,
    say: Say = say,
    sleep: Sleep = time.sleep,
) -> int:
    """Export and upload, once or again and again; 0 if that went well, else 1 with a reason."""
    options = read_options(arguments)
    try:
        every = read_time(options.every)
        board = Board(options.org, options.board)
        hub, who = sign_in(read_secrets(from_stdin=options.stdin, stdin=stdin), endpoint, sleep)
        update(hub, who, board, options, root=root, say=say)
        while every:
            say(f"The next export is in {options.every}. Ctrl+C ends this.")
            sleep(every)
            try:
                update(hub, who, board, options, root=root, say=say)
            except (Stopped, LeaderboardError) as error:  # the next one may go well
                say(f"Not updated: {error}")
    except (Stopped, LeaderboardError) as error:
        say(f"Stopped: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nEnded. The Space stays as it is.")
        return 0 if options.every else 130
    return 0


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line, which holds no secret."""
    parser = argparse.ArgumentParser(prog="make deploy-static", description=__doc__)
    add = parser.add_argument
    add("org", metavar="ORG", help="your account or organisation on the Hub")
    add("--board", default="", help="the name of a board beside the first one: BOARD=math")
    add("--every", metavar="TIME", default="", help="again and again, such as every 30m or 2h")
    add("--dry-run", action="store_true", help="export, say what would change on the Hub, and change nothing")
    who_sees = parser.add_mutually_exclusive_group().add_argument
    who_sees("--private", action="store_true", help="a Space that only you can see")
    who_sees("--public", action="store_true", help="show everybody what private datasets hold")
    add("--folder", type=Path, help="where to export to (default: .static/ in this clone)")
    add("--stdin", action="store_true", help="read HF_TOKEN from standard input: a line HF_TOKEN=value")
    return parser.parse_args(arguments)


def read_time(text: str) -> int:
    """Return the seconds of a text such as 30m; 0 for none. Raises Stopped."""
    if not text:
        return 0
    found = TIME.fullmatch(text.strip())
    seconds = int(found[1]) * SECONDS[found[2]] if found else 0
    if seconds < SHORTEST_SECONDS:
        raise Stopped(f"--every is {text!r}: write a time of at least a minute, such as 30m or 2h.")
    return seconds


def update(
    hub: Hub, who: Identity, board: Board, options: argparse.Namespace, *, root: Path, say: Say
) -> None:
    """Export the board, and bring its Space up to date in one commit. Raises Stopped."""
    place = look(hub, board.static_space)
    check_deployer(who, board.owner, {Repo(SPACE, place.id): place.exists})
    datasets = None
    if not os.environ.get(LOCAL_DATA):
        datasets = settle_datasets(Reader(root), board)
        say(f"The board is read from {datasets.requests} and {datasets.results}.")
    check_who_sees_it(hub, place, datasets, options)
    folder = options.folder or root / ".static" / place.id.replace("/", "--")
    say(export(root, folder, datasets, hub))
    files = wanted_files(folder, place)
    change = changes(files, {path: ids for path, ids in place.files.items() if is_ours(path, place)})
    if options.dry_run:
        first = "" if place.exists else f"create the static Space {place.id}; "
        say(f"Would {first}{change or 'change nothing'}.")
        return
    if not place.exists:
        create(hub, place.id, private=options.private)
        say(f"Created the static Space {place.id}.")
        place = look(hub, place.id)
        check_who_sees_it(hub, place, datasets, options)  # the Hub may have decided otherwise
        files = wanted_files(folder, place)
        change = changes(files, {path: ids for path, ids in place.files.items() if is_ours(path, place)})
    if change:
        say(f"{place.id}: {change}")
        commit(hub, place, change)
    shown = f"{hub.api.endpoint}/spaces/{place.id}"
    say(f"{'Up to date' if change else 'Nothing to change'}: {shown}")


def check_who_sees_it(hub: Hub, place: Place, datasets: Datasets | None, options: argparse.Namespace) -> None:
    """Refuse to show more than the owner wants. Raises Stopped."""
    settings = f"{hub.api.endpoint}/spaces/{place.id}/settings"
    if options.private and place.exists and not place.private:
        raise Stopped(
            f"--private is given, but the Space {place.id} is public. Make it private at {settings}, or "
            "leave out --private."
        )
    is_public = not (place.private if place.exists else options.private)
    if datasets and is_public and not options.public and (hidden := private_ones(hub, datasets)):
        remedy = f"make the Space private at {settings}" if place.exists else "give --private"
        raise Stopped(
            f"Not everybody may see {' and '.join(hidden)}, but everybody could see the Space {place.id}. To "
            f"keep the board to yourself, {remedy}. To show it to everybody, give --public."
        )


def look(hub: Hub, id: str) -> Place:
    """Look at a Space. Raises Stopped if there is another one of that name."""
    what = f"look at the Space {id}"

    def found() -> Any:
        try:
            return hub.api.space_info(id)
        except RepositoryNotFoundError:
            return None

    info = ask(hub, what, found)
    if info is None:
        return Place(id, exists=False)
    another = (
        f"{id} is not a Space that `make deploy-static` made, so it is left alone. Choose another BOARD, or "
        "delete it"
    )
    if str(info.id).casefold() != id.casefold():
        raise Stopped(
            f"The Space {id} was renamed to {info.id}. Give it its name back, or choose another BOARD."
        )
    if (info.sdk or STATIC) != STATIC:
        raise Stopped(f"{another}: it is a {info.sdk} Space.")
    tree = ask(
        hub,
        what,
        lambda: list(hub.api.list_repo_tree(id, repo_type=SPACE, recursive=True, revision=info.sha)),
    )
    files = ids_on_the_hub(tree)
    exported = exported_files(hub, id, info.sha) if MANIFEST in files else frozenset()
    if not exported:
        strange = sorted(files.keys() - MADE_BY_THE_HUB - {".gitattributes"})
        if strange:
            raise Stopped(f"{another}: it has files such as {strange[0]}.")
        commits = ask(hub, what, hub.api.list_repo_commits, id, repo_type=SPACE)
        edits = [each.title for each in commits]
        if edits != [FIRST_COMMIT]:
            raise Stopped(f"{another}: its files are not as the Hub made them.")
    return Place(id, True, info.sha, files, exported, bool(info.private))


def create(hub: Hub, id: str, *, private: bool) -> None:
    """Create a static Space. Raises Stopped."""
    ask(
        hub,
        f"create {id}",
        hub.api.create_repo,
        id,
        repo_type=SPACE,
        space_sdk=STATIC,
        private=private or None,
        exist_ok=True,
    )


def exported_files(hub: Hub, id: str, revision: str) -> frozenset[str]:
    """Return the files that the last export brought into a Space. Raises Stopped."""
    address = f"{hub.api.endpoint}/spaces/{id}/resolve/{revision}/{MANIFEST}"
    try:
        read = json.loads(ask(hub, f"read {MANIFEST} of {id}", hub.get, address))
        if read["kind"] != KIND:
            return frozenset()
        return frozenset(map(str, read["files"])) | {MANIFEST}
    except (EntryNotFoundError, ValueError, KeyError, TypeError):
        return frozenset()


def is_ours(path: str, place: Place) -> bool:
    """Whether an export may replace or delete a file of the Space: what its owner added stays."""
    return path in (place.exported or MADE_BY_THE_HUB)


def wanted_files(folder: Path, place: Place) -> dict[str, bytes]:
    """Return what the Space should have. Its card is written once: its owner may edit it."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    if not place.exported:
        title = re.sub(r"[^\w .-]", "", place.id.partition("/")[2].removesuffix("-static")) or "leaderboard"
        files[CARD] = CARD_TEXT.format(title=title).encode()
    return files


def commit(hub: Hub, place: Place, change: Changes) -> None:
    """Upload and delete in one commit, which fails if somebody else was faster. Raises Stopped."""
    operations = [
        *(CommitOperationAdd(path, data) for path, data in change.add.items()),
        *(CommitOperationDelete(path) for path in change.delete),
    ]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="It seems that you are about to commit a data file")
        ask(
            hub,
            f"upload to {place.id}",
            hub.api.create_commit,
            place.id,
            operations,
            commit_message=MESSAGE,
            repo_type=SPACE,
            parent_commit=place.head,
        )


def export(root: Path, folder: Path, datasets: Datasets | None, hub: Hub) -> str:
    """Run the frontend's own export, and return what it said at the end. Raises Stopped.

    Without datasets it reads the folder that `LEADERBOARD_DATA_DIR` names.
    """
    environment = {**os.environ, "HF_ENDPOINT": hub.api.endpoint, "HF_TOKEN": str(hub.api.token)}
    environment |= datasets.variables if datasets else {}
    environment.pop("PYTHONPATH", None)
    ran = subprocess.run(
        [sys.executable, "-m", "src.export", folder.resolve()],
        cwd=root / "frontend",
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise Stopped("The board was not exported, for the reason above. The Space stays as it is.")
    return ran.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
