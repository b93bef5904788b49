"""Room on the disk: which downloaded models go when it gets short."""

import os
from pathlib import Path
from threading import Lock

import pytest

from src.running import disk
from src.running.disk import make_room


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache as huggingface_hub lays it out: two models, the old one unused for long, and questions."""
    for age, name in enumerate(["models--acme--new", "models--acme--old", "datasets--acme--questions"]):
        folder = tmp_path / "hub" / name
        snapshot = folder / "snapshots" / ("c" * 40)
        snapshot.mkdir(parents=True)
        blob = folder / "blobs" / ("b" * 40)
        blob.parent.mkdir()
        blob.write_bytes(b"x" * 1000)
        (snapshot / "model.safetensors").symlink_to(blob)
        os.utime(blob, (1_000_000 - age, 1_000_000 - age))
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text("c" * 40)
    return tmp_path / "hub"


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if not path.name.startswith("."))


def with_free(monkeypatch: pytest.MonkeyPatch, *free: int) -> None:
    """A disk that has so much room at one look after the other."""
    looks = list(free)
    monkeypatch.setattr(disk, "_free", lambda folder: looks.pop(0))


def test_nothing_is_removed_while_there_is_room(cache: Path) -> None:
    make_room(cache, wanted=1, in_use=list, lock=Lock())
    assert len(left(cache)) == 3


def test_what_was_unused_for_longest_goes_first_and_no_more_than_needed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 0, 1000)
    make_room(cache, wanted=1000, in_use=list, lock=Lock())
    assert left(cache) == ["datasets--acme--questions", "models--acme--new"]


def test_what_is_in_use_and_questions_stay(cache: Path) -> None:
    make_room(cache, wanted=10**18, in_use=lambda: ["acme/old"], lock=Lock())
    assert left(cache) == ["datasets--acme--questions", "models--acme--old"]


def test_without_a_cache_there_is_nothing_to_do(tmp_path: Path) -> None:
    make_room(tmp_path / "nowhere", wanted=10**18, in_use=list, lock=Lock())


def test_what_is_in_use_is_asked_for_before_each_removal_and_under_the_lock(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = Lock()
    used: list[str] = []

    def remove(folder: Path, **_: object) -> None:
        assert lock.locked()
        removed.append(folder.name)
        used.append("acme/new")  # an evaluation begins with it

    removed: list[str] = []
    monkeypatch.setattr(disk.shutil, "rmtree", remove)
    make_room(cache, wanted=10**18, in_use=lambda: used, lock=lock)
    assert removed == ["models--acme--old"]
    assert not lock.locked()
