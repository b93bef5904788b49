"""Git's id of a folder is what git says it is."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.shared.stores.git_tree import tree_id
from src.shared.stores.store import blob_id


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


NAMES = st.text("ab.-_0é/", min_size=1, max_size=8).filter(
    lambda path: all(part and set(part) != {"."} for part in path.split("/"))
)


def without_files_as_folders(paths: list[str]) -> list[str]:
    return [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.lists(NAMES, min_size=1, max_size=12, unique=True).map(without_files_as_folders))
def test_the_id_of_a_tree_is_the_one_that_git_gives(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q")
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    git(folder, "add", "-f", "--all")
    assert tree_id({path: blob_id(path.encode()) for path in paths}) == git(folder, "write-tree")


SHA = "0" * 40


@pytest.mark.parametrize(
    "files",
    [
        {"a": "not an id"},
        {"a": ""},
        {"a": SHA + "00"},
        {"a": SHA + b"100644 hidden.json\0".hex() + SHA},
        {"a\0b": SHA},
        {"a//b": SHA},
        {"/a": SHA},
    ],
)
def test_what_no_tree_holds_is_not_taken_for_one(files: dict[str, str]) -> None:
    """Bytes that look like another entry would hide a file, and still give the right id."""
    with pytest.raises(ValueError, match="not in a tree"):
        tree_id(files)
