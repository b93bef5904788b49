"""The history of a repository: its commits, and the branches, tags and pull requests that point at them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock

from .edits import Edit, edited
from .git_objects import Commit, Tree
from .refusals import AlreadyExists, BadRequest, RevisionNotFound, StaleParent

MAIN = "main"
BRANCH, TAG, PULL_REQUEST = "refs/heads/", "refs/tags/", "refs/pr/"
SHORTEST_COMMIT_ID = 7


@dataclass(frozen=True, kw_only=True)
class CommitText:
    """What a commit says about itself."""

    title: str
    message: str = ""
    author: str


@dataclass
class History:
    """`refs` has the commit of each branch, tag and pull request, by its full name: `refs/heads/main`.

    Commits never change, so that only moving a reference needs the lock.
    """

    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def find(self, revision: str) -> Commit | None:
        """The commit that a branch, a tag, a reference, a full or a shortened commit id means."""
        revision = MAIN if revision == "HEAD" else revision
        for ref in (f"{BRANCH}{revision}", f"{TAG}{revision}", revision):
            if ref in self.refs:
                return self.commits[self.refs[ref]]
        if revision in self.commits:
            return self.commits[revision]
        if not re.fullmatch(f"[0-9a-f]{{{SHORTEST_COMMIT_ID},40}}", revision):
            return None
        return next((commit for id, commit in list(self.commits.items()) if id.startswith(revision)), None)

    def at(self, revision: str) -> Commit:
        """As `find`. Raises RevisionNotFound."""
        commit = self.find(revision)
        if commit is None:
            raise RevisionNotFound(revision)
        return commit

    def before(self, commit: Commit | None) -> Iterator[Commit]:
        """A commit and those that led to it, the newest first."""
        while commit:
            yield commit
            commit = self.commits[commit.parent] if commit.parent else None

    def last_change(self, commit: Commit, path: str) -> Commit:
        """The commit, at or before the given one, that made a file or a folder what it is there."""
        entry = commit.tree.find(path)
        last = commit
        for earlier in self.before(commit):
            found = earlier.tree.find(path)
            if found is not entry and (found is None or entry is None or found.id != entry.id):
                break
            last = earlier
        return last

    def start(self, edits: Iterable[Edit], text: CommitText) -> Commit:
        """Make the main branch, with one commit."""
        return self._move(f"{BRANCH}{MAIN}", edited(Tree(), edits), None, text)

    def commit(
        self, branch: str, edits: Iterable[Edit], text: CommitText, *, parent: str | None = None
    ) -> Commit:
        """Add a commit to a branch or a pull request.

        Raises StaleParent if that is no longer at `parent`, a full or a shortened commit id.
        """
        ref = branch if branch.startswith(PULL_REQUEST) else f"{BRANCH}{branch}"
        with self._lock:
            if ref not in self.refs:
                raise RevisionNotFound(branch)
            head = self.commits[self.refs[ref]]
            if parent and not head.id.startswith(parent):
                raise StaleParent
            return self._move(ref, edited(head.tree, edits), head.id, text)

    def open_pull_request(self, revision: str, edits: Iterable[Edit], text: CommitText) -> tuple[int, Commit]:
        """Start a pull request with one commit on a revision, and return its number."""
        base = self.at(revision)
        with self._lock:
            number = 1 + sum(ref.startswith(PULL_REQUEST) for ref in self.refs)
            ref = f"{PULL_REQUEST}{number}"
            return number, self._move(ref, edited(base.tree, edits), base.id, text)

    def point(self, ref: str, revision: str) -> None:
        """Make a branch or a tag. Raises AlreadyExists and RevisionNotFound."""
        with self._lock:
            if ref in self.refs:
                raise AlreadyExists("Reference already exists")
            self.refs[ref] = self.at(revision).id

    def forget(self, ref: str) -> None:
        """Delete a branch or a tag. Raises RevisionNotFound, and BadRequest for the main branch."""
        with self._lock:
            if ref == f"{BRANCH}{MAIN}":
                raise BadRequest("Cannot delete the default branch")
            if self.refs.pop(ref, None) is None:
                raise RevisionNotFound(ref)

    def squash(self, branch: str, text: CommitText) -> Commit:
        """Make one commit of a branch. What no reference leads to any more is gone."""
        with self._lock:
            ref = f"{BRANCH}{branch}"
            if ref not in self.refs:
                raise RevisionNotFound(branch)
            squashed = self._move(ref, self.commits[self.refs[ref]].tree, None, text)
            heads = [self.commits[id] for id in self.refs.values()]
            self.commits = {commit.id: commit for head in heads for commit in self.before(head)}
            return squashed

    def _move(self, ref: str, tree: Tree, parent: str | None, text: CommitText) -> Commit:
        date = datetime.now(UTC).replace(microsecond=0)  # git has no parts of a second
        commit = Commit(tree, parent, text.title, text.message, text.author, date)
        self.commits[commit.id] = commit
        self.refs[ref] = commit.id
        return commit
