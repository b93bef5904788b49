"""What `make demo` stands on: ports, Spaces that do not start, a data folder made anew."""

import socket
from pathlib import Path

import pytest

import demo
from local_leaderboard import DoesNotStart, free_port, running


def test_a_taken_port_is_passed_over_and_that_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        free = free_port(taken)
        assert free != taken
        assert free_port(taken, [free]) not in (taken, free)


def test_a_space_that_does_not_start_is_told_with_the_reason_from_its_log(tmp_path: Path) -> None:
    with (
        pytest.raises(DoesNotStart, match="REFRESH_RATE is 'often'"),
        running(tmp_path, REFRESH_RATE="often"),
    ):
        pass


def test_the_data_folder_is_made_anew_from_the_seeds_and_models_are_kept(tmp_path: Path) -> None:
    model = tmp_path / "models" / "demo" / "adder" / "config.json"
    old = tmp_path / "requests" / "old.json"
    for file in (model, old):
        file.parent.mkdir(parents=True)
        file.write_text("{}")
    demo.make_data_folder(tmp_path)
    assert model.exists()
    assert not old.exists()
    demo.make_data_folder(tmp_path, with_results=False)
    assert (
        sorted(path.name for path in tmp_path.rglob("*.*") if "models" not in path.parts) == ["README.md"] * 2
    )
    demo.make_data_folder(tmp_path)
    for name, seed in demo.SEEDS.items():
        made = {path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*.json")}
        assert made == {path.relative_to(seed) for path in seed.rglob("*.json")} != set()
