"""The Hub for tests has git's own ids, and a large repository costs no more than a small one."""

import os
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from support.hub import git_objects, running_hub
from support.hub.git_objects import Blob, Tree
from support.hub.repository import RepoName, Repository

pytestmark = pytest.mark.slow

FILES = {
    "a.b": b"git sorts this before the folder `a`",
    "a/x": b"1",
    "a/b/c": b"2",
    "a0": b"and this after it",
    "empty": b"",
    "ünï cödé/🟢.json": bytes(range(1, 256)),
}


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """What git says. It reads no settings of the machine."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "core.autocrlf=false", *arguments]
    run = subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True, check=True)
    return run.stdout.decode().strip()


def tree_of(files: dict[str, bytes]) -> Tree:
    return Tree().changed({path: Blob(content) for path, content in files.items()})


def test_trees_have_the_ids_that_git_gives_them(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    git(tmp_path, "add", "--all")
    assert tree_of(FILES).id == git(tmp_path, "write-tree")


def test_a_changed_tree_is_the_tree_of_the_changed_files() -> None:
    changed = tree_of(FILES).changed({"a/b/c": None, "a0": Blob(b"new"), "a/b0/d": Blob(b"new")})
    files = {**FILES, "a0": b"new", "a/b0/d": b"new"}
    del files["a/b/c"]
    assert changed.id == tree_of(files).id


def test_a_file_takes_the_place_of_a_folder_and_a_folder_that_of_a_file() -> None:
    tree = tree_of({"a/x": b"1"})
    as_file = tree.changed({"a/x": None, "a": Blob(b"2")})
    assert as_file.id == tree_of({"a": b"2"}).id
    assert as_file.changed({"a": None, "a/x": Blob(b"1")}).id == tree.id


def test_commits_have_the_ids_that_git_gives_them(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    repository = Repository(RepoName("dataset", "acme/requests"))
    commits = [repository.head, repository.put(FILES, title="Ünï cödé")]
    for commit in commits:
        assert commit.id == git(tmp_path, "hash-object", "-t", "commit", "--stdin", stdin=commit.text)


def test_a_commit_to_100_000_files_hashes_four_objects_and_a_look_at_them_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_hub() as hub:
        files = {f"org-{number % 1000}/{number}.json": str(number) for number in range(100_000)}
        dataset = hub.add_dataset("acme/requests", files)
        old, hashed = dataset.head.tree, []

        def spy(kind: str, content: bytes) -> str:
            hashed.append(kind)
            return original(kind, content)

        original = git_objects.object_id
        monkeypatch.setattr(git_objects, "object_id", spy)
        api = HfApi(endpoint=hub.url, token=hub.add_user("alice", {"acme": "write"}))
        operations = [CommitOperationAdd("org-7/new.json", b"{}")]
        api.create_commit("acme/requests", operations, commit_message="add", repo_type="dataset")
        assert sorted(hashed) == ["blob", "commit", "tree", "tree"]
        new = dataset.head.tree
        copied = [name for name, entry in new.entries.items() if old.entries.get(name) is not entry]
        assert copied == ["org-7"]

        hashed.clear()
        api.dataset_info("acme/requests")
        api.get_paths_info("acme/requests", ["org-7", "org-8/8.json"], repo_type="dataset")
        list(api.list_repo_tree("acme/requests", repo_type="dataset"))
        assert hashed == []
