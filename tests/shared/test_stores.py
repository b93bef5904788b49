"""Which stores a Space uses."""

from pathlib import Path

import pytest

from src.shared.errors import ConfigurationError, ModelNotFound
from src.shared.models.folder_models import FolderModels
from src.shared.models.hub_models import HubModels
from src.shared.models.model_source import FirstFound
from src.shared.settings import CommonSettings
from src.shared.stores.hub import Hub as Client
from src.shared.wiring import LOCAL_FOLDER, Stores, open_stores
from support.factories import make_model_folder
from support.hub import running_hub


def open_with(data_dir: Path | str | None = None, **settings: str) -> Stores:
    folder = str(data_dir) if data_dir else None
    return open_stores(CommonSettings(leaderboard_data_dir=folder, **settings))


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


def test_an_owner_or_a_space_has_its_datasets_on_the_hub() -> None:
    for settings in ({"owner": "acme"}, {"space_id": "acme/leaderboard"}):
        stores = open_with(**settings)
        assert (str(stores.requests), str(stores.results)) == ("acme/requests", "acme/results")
        assert stores.notice == ""


def test_datasets_of_other_names_are_used_where_they_are_set() -> None:
    stores = open_with(owner="acme", queue_repo="acme/queue", results_repo="other/results", hf_token="hf_x")
    assert (str(stores.requests), str(stores.results)) == ("acme/queue", "other/results")
    assert stores.notice == ""


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"owner": "acme/leaderboard"},
            "OWNER is 'acme/leaderboard': write a name as on the Hub, such as acme.",
        ),
        ({"queue_repo": "https://huggingface.co/datasets/acme/requests"}, "QUEUE_REPO is 'https://"),
        ({"results_repo": "acme/my results"}, "RESULTS_REPO is 'acme/my results'"),
        ({"hf_token": "hf_…"}, "HF_TOKEN holds characters that no token has: copy it again"),
        ({"hf_token": "hf_a hf_b"}, "HF_TOKEN holds characters that no token has"),
    ],
)
def test_names_and_tokens_that_the_hub_cannot_have_are_told_at_the_start(
    settings: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        open_with(**settings)
    assert str(error.value).startswith(sentence)
    assert "hf_" not in str(error.value).replace("hf_token", "")


def test_what_is_not_in_the_folder_of_models_is_looked_up_on_the_hub(tmp_path: Path) -> None:
    with running_hub() as hub:
        hub.add_model("acme/there", make_model_folder(tmp_path / "elsewhere", "acme/there"))
        make_model_folder(tmp_path / "models", "acme/here")
        models = FirstFound(FolderModels(tmp_path / "models"), HubModels(Client(endpoint=hub.url)))
        assert models.describe("acme/here", "main").location == str(tmp_path / "models" / "acme" / "here")
        assert models.describe("acme/there", "main").location == "acme/there"
        with pytest.raises(ModelNotFound, match="on the Hub"):
            models.describe("acme/nowhere", "main")
