"""The files of a dataset on the Hub, listed by difference: folders whose tree id is known are not listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from huggingface_hub.hf_api import RepoFile, RepoFolder

from .hub import Hub
from .names import LOGS_FOLDER, is_hidden
from .store import Snapshot

FEW_FOLDERS = 8
"""So many changed folders are listed one by one; of more, the whole dataset is listed at once."""


@dataclass(frozen=True)
class _Folder:
    """A top-level folder: git's id of its tree, and its files by path."""

    tree: str
    files: Mapping[str, str]


@dataclass
class HubTree:
    """What is known of a dataset's files. Not for use by two threads at a time.

    `sizes` are by content, in bytes. Of large files the Hub has the id of a pointer: `digests` has the
    SHA-256 of what that stands for.
    """

    hub: Hub
    repo_id: str
    sizes: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    _folders: Mapping[str, _Folder] = field(default_factory=dict)

    def listed(self, revision: str) -> Snapshot:
        """The files at a revision. Raises one of hub.FAILURES."""
        entries = self._entries(revision, None)
        trees = {entry.path: entry.tree_id for entry in entries if isinstance(entry, RepoFolder)}
        wanted = {path: tree for path, tree in trees.items() if not _is_left_out(path)}
        changed = {path for path, tree in wanted.items() if self._known_tree(path) != tree}
        if len(changed) > FEW_FOLDERS:
            listed = self._by_folder(self._entries(revision, None, recursive=True))
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

    def _known_tree(self, path: str) -> str | None:
        return self._folders[path].tree if path in self._folders else None

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

    def _by_folder(self, entries: Iterable[RepoFile | RepoFolder]) -> dict[str, dict[str, str]]:
        folders: dict[str, dict[str, str]] = {}
        for path, blob in self._files(entries).items():
            folders.setdefault(path.partition("/")[0], {})[path] = blob
        return folders


def _is_left_out(path: str) -> bool:
    """Hidden files, which are the Hub's own, and logs."""
    return is_hidden(path) or PurePosixPath(path).parts[0] == LOGS_FOLDER
