"""A git repository: its trees, its files, and the commits that are made of them."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .git_environment import git_environment

NOBODY = {"NAME": "make upgrade", "EMAIL": "upgrade@localhost"}
"""Who commits if git does not know the owner."""


LINK, SUBMODULE = "120000", "160000"
"""git's modes of what is no plain file."""


SETTINGS = ("-c", "core.quotePath=false", "-c", "log.showSignature=false")
"""Settings without which git prints more than what it is asked for, or prints it otherwise."""


class CannotUpgrade(Exception):
    """The upgrade is not possible; the message says why and what to do."""


class File(NamedTuple):
    """A file of a tree: git's mode and the id of its content."""

    mode: str
    blob: str


Tree = Mapping[str, File]
"""The files of a commit, by path."""


class Clone:
    """A git repository with a working tree. Every method raises CannotUpgrade with what git says."""

    def __init__(self, folder: Path) -> None:
        if not (folder / ".git").exists():
            raise CannotUpgrade(
                f"{folder} is not a git clone. Make it one with `git init && git add --all && git commit -m "
                "'my leaderboard'` in the folder that holds frontend/ and backend/, then try again."
            )
        self.folder = folder.resolve()
        self._held: tuple[int, ...] = ()

    @contextmanager
    def holding(self, file: int) -> Iterator[None]:
        """Let every git that is run meanwhile keep this file open."""
        self._held = (file,)
        try:
            yield
        finally:
            self._held = ()

    def git(
        self, *arguments: str, input: bytes | None = None, variables: Mapping[str, str] | None = None
    ) -> bytes:
        """Run git in the clone and return its output."""
        command = ["git", *SETTINGS, *arguments]
        environment = {**git_environment(), "LC_ALL": "C", **(variables or {})}
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            input=input,
            capture_output=True,
            check=False,
            pass_fds=self._held,
        )
        if ran.returncode:
            message = ran.stderr.decode(errors="replace").strip()
            raise CannotUpgrade(f"`git {' '.join(arguments[:3])}` failed in {self.folder}: {message}")
        return ran.stdout

    def text(self, *arguments: str) -> str:
        """Run git and return its output as a text."""
        return self.git(*arguments).decode(errors="replace").strip()

    def paths(self, *arguments: str) -> list[str]:
        """Run git with `-z` and return the paths that it lists."""
        return [*filter(None, self.git(*arguments).decode(errors="surrogateescape").split("\0"))]

    def succeeds(self, *arguments: str) -> bool:
        """Whether git ends well with these arguments."""
        try:
            self.git(*arguments)
        except CannotUpgrade:
            return False
        return True

    def tree(self, commit: str) -> dict[str, File]:
        """Return the files of a commit, with links and submodules among them."""
        lines = self.git("ls-tree", "-r", "-z", "--full-tree", commit).decode(errors="surrogateescape")
        files = {}
        for line in filter(None, lines.split("\0")):
            facts, _, path = line.partition("\t")
            mode, _, blob = facts.split(" ")
            files[path] = File(mode, blob)
        return files

    def read(self, file: File | None) -> bytes:
        """Return the content of a file. None and a submodule have no content."""
        return self.git("cat-file", "blob", file.blob) if file and file.mode != SUBMODULE else b""

    def write(self, content: bytes, like: File) -> File:
        """Keep a content in the repository and return it as a file with the mode of another."""
        blob = self.git("hash-object", "-w", "--stdin", input=content).decode().strip()
        return File(like.mode, blob)

    def commit(self, files: Tree, *, parents: Iterable[str], message: str) -> str:
        """Make a commit of these files. No branch moves and no file of the clone changes."""
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            lines = [f"{file.mode} {file.blob}\t{path}\0" for path, file in sorted(files.items())]
            listing = "".join(lines).encode(errors="surrogateescape")
            self.git("update-index", "-z", "--add", "--index-info", input=listing, variables=index)
            tree = self.git("write-tree", variables=index).decode().strip()
        named = [argument for parent in parents for argument in ("-p", parent)]
        made = self.git("commit-tree", tree, *named, "-m", message, variables=self._who())
        return made.decode().strip()

    def _who(self) -> dict[str, str]:
        if self.succeeds("var", "GIT_COMMITTER_IDENT"):
            return {}
        return {
            f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in NOBODY.items()
        }
