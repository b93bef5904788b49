"""Which stores a Space uses."""

from pathlib import Path

import pytest

from src.shared.errors import ConfigurationError
from src.shared.stores import LOCAL_FOLDER, Stores, open_stores
from support.factories import make_model_folder


def open_with(
    data_dir: Path | str | None = None, *, space_id: str | None = None, owner: str | None = None
) -> Stores:
    return open_stores(data_dir=str(data_dir) if data_dir else None, space_id=space_id, owner=owner)


def test_a_data_folder_holds_requests_results_and_models(tmp_path: Path) -> None:
    make_model_folder(tmp_path / "models", "acme/tiny")
    stores = open_with(tmp_path)
    for store in (stores.requests, stores.results):
        store.commit(add={"a.json": b"{}"}, message="add", parent=store.snapshot())
    assert (tmp_path / "requests" / "a.json").exists()
    assert (tmp_path / "results" / "a.json").exists()
    assert stores.models.describe("acme/tiny", "main").name == "acme/tiny"
    assert stores.notice == ""


def test_a_model_is_found_from_wherever_it_is_loaded_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model_folder(tmp_path / "data" / "models", "acme/tiny")
    monkeypatch.chdir(tmp_path)
    assert open_with("data").models.describe("acme/tiny", "main").location == str(folder)


def test_a_data_folder_comes_before_an_owner_and_warns_on_a_space(tmp_path: Path) -> None:
    stores = open_with(tmp_path, space_id="acme/leaderboard", owner="acme")
    assert str(tmp_path) in str(stores.requests)
    assert "lost at the next restart" in stores.notice


def test_without_settings_the_data_lies_beside_the_spaces_and_the_page_says_so() -> None:
    stores = open_with()
    assert str(LOCAL_FOLDER.resolve()) in stores.notice
    assert str(stores.requests) == str(LOCAL_FOLDER.resolve() / "requests")


@pytest.mark.parametrize("settings", [{"owner": "acme"}, {"space_id": "acme/leaderboard"}])
def test_datasets_on_the_hub_are_refused_with_what_to_set(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"set LEADERBOARD_DATA_DIR to a folder\.$"):
        open_with(**settings)
