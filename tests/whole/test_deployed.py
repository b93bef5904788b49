"""A board that was deployed: both Spaces, started from what was uploaded and nothing else, and a model."""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_leaderboard import Space
from support.deploying import make_clone, start_deployment
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import BACKEND_PYTHON, FRONTEND_PYTHON
from support.started_spaces import started_spaces
from support.waiting import PATIENCE, wait_for
from visitor import NoResult, Visitor

pytestmark = pytest.mark.slow

FRONTEND, BACKEND = "acme/leaderboard", "acme/backend"
MODEL = "demo/adder-novice"
WRITE = ["repo.content.read", "repo.write"]
QUICK = ["--set", "REFRESH_RATE=1", "--set", "LEASE_MINUTES=1"]


@dataclass(frozen=True)
class Deployed:
    """A board on a Hub, its Spaces as processes, and what the deployment said."""

    hub: RemoteHub
    spaces: dict[str, Space]
    output: str
    clone: Path
    folder: Path
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def deployed(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """acme's board, deployed by alice from a clone. bob submits models."""
    folder = tmp_path_factory.mktemp("deployed")
    clone = make_clone(folder / "clone")
    with hub_process(FRONTEND_PYTHON) as hub:
        hub.do("add_user", name="alice", organizations={"acme": "admin"})
        hub.do("set_plan", name="acme", plan="team")
        hub.do("set_spaces", held=True)
        for each in (MODEL, "demo/second"):
            hub.do("add_repository", type="model", id=each, folder=str(models / each))
        tokens = {
            "login": hub.do("add_token", user="alice", role="write"),
            "spaces": hub.do("add_token", user="alice", role="fineGrained", permissions={"acme": WRITE}),
            "bob": hub.do("add_user", name="bob"),
        }
        pythons = {FRONTEND: FRONTEND_PYTHON, BACKEND: BACKEND_PYTHON}
        with board_of(hub, pythons, clone, folder, tokens) as (spaces, output):
            yield Deployed(hub, spaces, output, clone, folder, tokens)


@contextmanager
def board_of(
    hub: RemoteHub,
    pythons: dict[str, str],
    clone: Path,
    folder: Path,
    tokens: dict[str, str],
    *arguments: str,
) -> Iterator[tuple[dict[str, Space], str]]:
    """Deploy a board, and start its Spaces while the deployment waits for them. Tells what that said."""
    with start_deployment(
        hub.url,
        "acme",
        *arguments,
        *QUICK,
        "--stdin",
        clone=clone,
        home=folder / "home",
        login=tokens["login"],
        stdin=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdin
            process.stdin.write(f"HF_TOKEN={tokens['spaces']}\n")
            process.stdin.close()
            process.stdin = None
            wait_for(
                lambda: is_uploaded(hub, pythons) or process.poll() is not None,
                what="the files of both Spaces",
            )
            with started_spaces(hub, pythons, folder / "started") as spaces:
                output, _ = process.communicate(timeout=PATIENCE)
                assert process.returncode == 0, output
                yield spaces, output
        finally:
            process.kill()


def is_uploaded(hub: RemoteHub, ids: Iterable[str]) -> bool:
    """Whether the Hub has the files of these Spaces."""
    calls = [call for call in hub.do("calls") if call["route"] == "commit" and call["status"]]
    return {f"spaces/{id}" for id in ids} <= {call["repository"] for call in calls}


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)


def test_the_deployment_waited_until_both_spaces_were_well(deployed: Deployed) -> None:
    assert f"{FRONTEND} is well" in deployed.output
    assert f"{BACKEND} is well" in deployed.output
    assert "Your leaderboard is up." in deployed.output
    assert not any(token in deployed.output for token in deployed.tokens.values())


def test_nothing_but_the_uploaded_files_is_where_the_spaces_began(deployed: Deployed) -> None:
    for id, space in deployed.spaces.items():
        files = deployed.hub.do("space", id=id)["files"]
        app = space.log.parent / "app"
        there = {path.relative_to(app).as_posix() for path in app.rglob("*") if path.is_file()}
        assert {path for path in there if "__pycache__" not in path} == files.keys()
        assert all((app / path).read_bytes() == base64.b64decode(data) for path, data in files.items())


def test_a_model_goes_all_the_way_round(deployed: Deployed) -> None:
    frontend = deployed.spaces[FRONTEND].url
    with pytest.raises(NoResult, match=r"[Ss]ign in"):
        Visitor(frontend).submit(MODEL, precision="float32")
    bob = Visitor(frontend, deployed.tokens["bob"])
    path = bob.submit(MODEL, precision="float32")
    bob.wait_for([MODEL], seconds=180)
    [row] = [row for row in bob.table() if row["Model"] == MODEL]
    assert row["Average ⬆️"] is not None
    [request] = [each for each in bob.queue() if each["request"] == path]
    assert request["status"] == "FINISHED"
    result = read(f"{deployed.hub.url}/datasets/acme/results/resolve/main/{request['result']}")
    assert result["leaderboard"]["request"] == path
    written = read(f"{deployed.hub.url}/datasets/acme/requests/resolve/main/{path}")
    assert written["submitted_by"] == "bob"
    assert written["status"] == "FINISHED"


def test_the_datasets_name_the_spaces_of_this_board(deployed: Deployed) -> None:
    for name in ("requests", "results"):
        address = f"{deployed.hub.url}/datasets/acme/{name}/resolve/main/.leaderboard/board.yaml"
        with urllib.request.urlopen(address) as answer:
            text = answer.read().decode()
        assert FRONTEND in text and BACKEND in text


def test_neither_space_says_anything_alarming(deployed: Deployed) -> None:
    for space in deployed.spaces.values():
        log = space.log.read_text()
        assert "Traceback" not in log and "ERROR" not in log, log
        assert not any(token in log for token in deployed.tokens.values())


def test_a_second_deployment_changes_nothing_while_the_board_is_in_use(deployed: Deployed) -> None:
    before = len(deployed.hub.do("calls"))
    with start_deployment(
        deployed.hub.url,
        "acme",
        *QUICK,
        clone=deployed.clone,
        home=deployed.folder / "home",
        login=deployed.tokens["login"],
    ) as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert "Nothing to do" in output
    calls = deployed.hub.do("calls")[before:]
    changing = [call for call in calls if call["method"] != "GET"]
    # What the Spaces themselves write goes to the datasets.
    assert not [call for call in changing if not str(call["repository"]).startswith("datasets/")]


def test_a_second_board_lives_beside_the_first(deployed: Deployed) -> None:
    frontend, backend = "acme/math-leaderboard", "acme/math-backend"
    pythons = {frontend: FRONTEND_PYTHON, backend: BACKEND_PYTHON}
    place = (deployed.hub, pythons, deployed.clone, deployed.folder / "math", deployed.tokens)
    with board_of(*place, "--board", "math") as (spaces, output):
        assert f"{frontend} is well" in output
        bob = Visitor(spaces[frontend].url, deployed.tokens["bob"])
        bob.submit("demo/second", precision="float32")
        bob.wait_for(["demo/second"], seconds=PATIENCE)
        assert {request["model"] for request in bob.queue()} == {"demo/second"}
        first = Visitor(deployed.spaces[FRONTEND].url)
        assert "demo/second" not in {request["model"] for request in first.queue()}
        for space in (*spaces.values(), *deployed.spaces.values()):
            assert "belongs to the leaderboard" not in space.log.read_text()
