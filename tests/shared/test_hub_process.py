"""The Hub for tests as a process of its own, told by other processes what to do."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

from support.hub_process import RemoteHub, hub_process

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hub() -> Iterator[RemoteHub]:
    with hub_process(sys.executable) as hub:
        yield hub


@pytest.fixture(scope="module")
def token(hub: RemoteHub) -> str:
    return hub.do("add_user", name="alice", organizations={"acme": "write"})


def test_it_has_accounts_and_repositories(hub: RemoteHub, token: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    commit = hub.do("add_repository", type="model", id="acme/tiny", folder=str(tmp_path), likes=3)
    api = HfApi(endpoint=hub.url, token=token)
    assert (api.model_info("acme/tiny").sha, api.model_info("acme/tiny").likes) == (commit, 3)
    hub.do("rename", type="model", old="acme/tiny", new="acme/small")
    assert api.model_info("acme/tiny").id == "acme/small"

    hub.do("add_repository", type="model", id="acme/gated", files={"config.json": "{}"}, gated="auto")
    bob = HfApi(endpoint=hub.url, token=hub.do("add_user", name="bob"))
    with pytest.raises(GatedRepoError):
        bob.auth_check("acme/gated")
    hub.do("let_in", type="model", id="acme/gated", user="bob")
    bob.auth_check("acme/gated")

    reader = hub.do("add_token", user="alice", role="read")
    hub.do("revoke", token=reader)
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi(endpoint=hub.url, token=reader).whoami()


def test_it_counts_its_calls_and_fails_on_demand(hub: RemoteHub, token: str) -> None:
    hub.do("add_repository", type="dataset", id="acme/requests")
    hub.do("reset_calls")
    hub.do("strike_next", fault="lost answer", route="commit")
    api = HfApi(endpoint=hub.url, token=token)
    with pytest.raises(HfHubHTTPError.__mro__[1]):
        operations = [CommitOperationAdd("a", b"1")]
        api.create_commit("acme/requests", operations, commit_message="add", repo_type="dataset")
    assert api.file_exists("acme/requests", "a", repo_type="dataset")
    calls = [(call["route"], call["status"], call["fault"]) for call in hub.do("calls")]
    assert calls == [("preupload", 200, None), ("commit", 200, "lost answer"), ("resolve", 200, None)]

    hub.do("strike_share", share=1, faults=["server error"])
    with pytest.raises(HfHubHTTPError, match="500"):
        api.dataset_info("acme/requests")
    hub.do("stop_faults")
    hub.do("limit_calls", api=0)
    with pytest.raises(HfHubHTTPError, match="429"):
        api.dataset_info("acme/requests")
    hub.do("limit_calls")
    api.dataset_info("acme/requests")


def test_an_unknown_command_is_refused(hub: RemoteHub) -> None:
    with pytest.raises(HTTPError, match="400"):
        hub.do("explode")


def test_a_taken_port_is_told(hub: RemoteHub) -> None:
    port = hub.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "support.hub", "--port", port]
    tests = Path(__file__).parents[1]
    run = subprocess.run(command, cwd=tests, capture_output=True, text=True, check=False)
    assert run.returncode
    assert "Address already in use" in run.stderr
