"""The files of a dataset on the Hub, listed by difference: folders whose tree id is known are not listed.

At a cold start the dataset's index proposes a listing: it counts for each folder where it proves right.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from ..data.names import is_for_people, is_hidden
from .git_tree import tree_id
from .hub import Hub
from .store import Snapshot

FEW_FOLDERS = 8
"""Up to this many changed folders are listed one by one. For more, the whole dataset is listed at once if
that takes fewer calls.
"""

PAGE = 1000
"""How many entries one call lists."""

Propose = Callable[[str], Mapping[str, str]]
"""Returns a listing of the files at a revision, which may be wrong. Raises what listing raises."""


@dataclass(frozen=True)
class _Folder:
    """A top-level folder: git's id of its tree, and its files by path."""

    tree: str
    files: Mapping[str, str]


@dataclass
class HubTree:
    """What is known about a dataset's files. Not for use by two threads at a time.

    `propose` is asked once, before the first listing.
    """

    hub: Hub
    repo_id: str
    propose: Propose | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    """In bytes, by the content's id."""
    digests: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of large files' content. Their id on the Hub is that of a pointer."""
    _folders: Mapping[str, _Folder] = field(default_factory=dict)

    def listed(self, revision: str) -> Snapshot:
        """List the files at a revision. Raises one of hub.FAILURES."""
        entries = self._entries(revision, None)
        trees = {entry.path: entry.tree_id for entry in entries if isinstance(entry, RepoFolder)}
        wanted = {path: tree for path, tree in trees.items() if not _is_left_out(path)}
        changed = self._changed(wanted)
        if len(changed) > FEW_FOLDERS and self.propose:
            self._take_over(self.propose(revision), wanted)
            self.propose = None
            changed = self._changed(wanted)
        if len(changed) > max(FEW_FOLDERS, self._pages_of_all()):
            listed = _by_folder(self._files(self._entries(revision, None, recursive=True)))
        else:
            listed = {path: self._files(self._entries(revision, path, recursive=True)) for path in changed}
        self._folders = {
            path: _Folder(tree, listed.get(path, {})) if path in changed else self._folders[path]
            for path, tree in wanted.items()
        }
        files = self._files(entries)
        for folder in self._folders.values():
            files |= folder.files
        return Snapshot(revision, files)

    def listed_below(self, folder: str) -> list[str]:
        """List all files below a folder, as it is now. Raises one of hub.FAILURES."""
        try:
            entries = self._entries("main", folder, recursive=True)
        except EntryNotFoundError:
            return []
        return sorted(entry.path for entry in entries if isinstance(entry, RepoFile))

    def learn_sizes(self, snapshot: Snapshot, paths: Collection[str]) -> None:
        """Find out the sizes of proposed files, which were not listed. Raises one of hub.FAILURES."""
        unknown = [path for path in paths if snapshot.files[path] not in self.sizes]
        for start in range(0, len(unknown), PAGE // 2):
            part = unknown[start : start + PAGE // 2]
            self._files(
                self.hub.call(
                    self.hub.api.get_paths_info,
                    self.repo_id,
                    part,
                    revision=snapshot.revision,
                    repo_type="dataset",
                )
            )

    def _changed(self, wanted: Mapping[str, str]) -> set[str]:
        known = {path: folder.tree for path, folder in self._folders.items()}
        return {path for path, tree in wanted.items() if known.get(path) != tree}

    def _take_over(self, proposed: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        """Take over the proposed files of each folder whose tree they match exactly."""
        right = {
            path: _Folder(wanted[path], files)
            for path, files in _by_folder(proposed).items()
            if path in wanted and _is_tree(wanted[path], path, files)
        }
        self._folders = {**self._folders, **right}

    def _pages_of_all(self) -> int:
        """Estimate how many calls a full listing takes: each file is an entry, and so is each model's folder.
        Logs are listed too.
        """
        return sum(len(folder.files) for folder in self._folders.values()) * 4 // PAGE

    def _entries(
        self, revision: str, path: str | None, *, recursive: bool = False
    ) -> list[RepoFile | RepoFolder]:
        return self.hub.call(
            lambda: [
                *self.hub.api.list_repo_tree(
                    self.repo_id, path, recursive=recursive, revision=revision, repo_type="dataset"
                )
            ]
        )

    def _files(self, entries: Iterable[RepoFile | RepoFolder]) -> dict[str, str]:
        files = [entry for entry in entries if isinstance(entry, RepoFile) and not _is_left_out(entry.path)]
        self.sizes |= {file.blob_id: file.size for file in files}
        self.digests |= {file.blob_id: file.lfs.sha256 for file in files if file.lfs}
        return {file.path: file.blob_id for file in files}


def _is_tree(tree: str, path: str, files: Mapping[str, str]) -> bool:
    try:
        return tree == tree_id({file.removeprefix(f"{path}/"): blob for file, blob in files.items()})
    except ValueError:
        return False


def _by_folder(files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The files in each top-level folder."""
    folders: dict[str, dict[str, str]] = {}
    for path, blob in files.items():
        name, _, rest = path.partition("/")
        if rest:
            folders.setdefault(name, {})[path] = blob
    return folders


def _is_left_out(path: str) -> bool:
    """Logs, and hidden files, which are the Hub's own."""
    return is_hidden(path) or is_for_people(path)
