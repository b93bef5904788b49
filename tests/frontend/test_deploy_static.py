"""`make deploy-static` on the Hub of the tests: a free account shows its board in a static Space."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from huggingface_hub import HfApi

from support.deploying import SCRIPTS, Ran
from support.factories import make_result_file
from support.hub import Hub, Repository, running_hub
from support.hub.repository import RepoName
from support.sources import ROOT

SPACE = "alice/leaderboard-static"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A Hub where alice has no plan, and her two datasets with a result."""
    with running_hub() as hub:
        hub.add_user("alice", {})
        hub.add_dataset("alice/requests")
        hub.add_dataset("alice/results", result("acme/one"))
        yield hub


@pytest.fixture(autouse=True)
def login(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> str:
    """Alice's login on her machine."""
    token = hub.add_token("alice", "write")
    monkeypatch.setenv("HF_TOKEN", token)
    return token


def result(model: str) -> dict[str, bytes]:
    """The file of a result, by its path."""
    data = make_result_file(model=model, scores={"tiny_addition": {"acc,none": 0.5}})
    return {f"{model}/results_2026-01-31T12-00-00.000000.json": data}


def run(
    hub: Hub, folder: Path, *options: str, sleep: object = None, stdin: str = "", root: Path = ROOT
) -> Ran:
    """Run the program in this process; the export is a process of its own, as always."""
    if str(SCRIPTS) not in sys.path:
        sys.path.append(str(SCRIPTS))
    from deploy_static import main

    said: list[str] = []
    status = main(
        ["alice", "--folder", str(folder), *options],
        root=root,
        endpoint=hub.url,
        stdin=io.StringIO(stdin),
        say=said.append,
        sleep=sleep or (lambda seconds: None),  # type: ignore[arg-type]
    )
    return Ran(status, "\n".join(said))


def space(hub: Hub) -> Repository:
    return hub.get(RepoName("space", SPACE))


def changing_calls(hub: Hub) -> list[str]:
    return [call.route for call in hub.calls.log if call.method != "GET"]


def exported(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_free_account_gets_a_static_space_with_its_board(hub: Hub, tmp_path: Path, login: str) -> None:
    ran = run(hub, tmp_path / "out")
    assert ran.status == 0, ran.output
    files = space(hub).files()
    card = files.pop("README.md").decode()
    assert "sdk: static" in card
    assert "title: leaderboard" in card
    files.pop(".gitattributes", None)
    assert files == exported(tmp_path / "out")
    assert "acme/one" in files["index.html"].decode()
    assert (
        f"alice/requests at {hub.get(RepoName('dataset', 'alice/requests')).head.id[:10]}"
        in files["index.html"].decode()
    )
    assert f"{hub.url}/spaces/{SPACE}" in ran.output
    assert login not in ran.output
    assert httpx.get(f"{hub.url}/_spaces/{SPACE}/model/acme/one.html").status_code == 200


def test_the_second_run_changes_nothing_and_a_new_result_is_one_commit(hub: Hub, tmp_path: Path) -> None:
    run(hub, tmp_path / "out")
    head = space(hub).head.id
    hub.calls.log.clear()
    again = run(hub, tmp_path / "out")
    assert (again.status, changing_calls(hub), space(hub).head.id) == (0, [], head)
    assert "Nothing to change" in again.output

    hub.get(RepoName("dataset", "alice/results")).put(result("acme/two"))
    hub.calls.log.clear()
    ran = run(hub, tmp_path / "out")
    assert ran.status == 0, ran.output
    assert sum("commit" in route for route in changing_calls(hub)) == 1
    assert "plain.css" not in ran.output
    assert "model/acme/two.html" in space(hub).files()


def test_what_is_gone_is_deleted_and_what_the_owner_added_stays(hub: Hub, tmp_path: Path) -> None:
    run(hub, tmp_path / "out")
    space(hub).put({"own.html": b"mine", "README.md": b"---\nsdk: static\ntitle: Mine\n---\n"})
    results = hub.get(RepoName("dataset", "alice/results"))
    results.put(result("acme/two"), delete=result("acme/one"))
    ran = run(hub, tmp_path / "out")
    assert ran.status == 0, ran.output
    files = space(hub).files()
    assert "model/acme/one.html" not in files
    assert "model/acme/two.html" in files
    assert files["own.html"] == b"mine"
    assert b"title: Mine" in files["README.md"]


def test_a_run_that_was_interrupted_after_it_made_the_space_is_completed_by_the_next(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(hub, tmp_path / "out", "--dry-run")
    import deploy_static

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(deploy_static, "commit", interrupted)
        first = run(hub, tmp_path / "out")
    assert first.status == 130
    assert "model/acme/one.html" not in space(hub).files()
    again = run(hub, tmp_path / "out")
    assert again.status == 0, again.output
    assert "model/acme/one.html" in space(hub).files()
    assert b"make deploy-static" in space(hub).files()["README.md"]


def test_a_dry_run_changes_nothing(hub: Hub, tmp_path: Path) -> None:
    ran = run(hub, tmp_path / "out", "--dry-run")
    assert ran.status == 0, ran.output
    assert f"Would create the static Space {SPACE}; upload" in ran.output
    assert changing_calls(hub) == []


def test_a_space_that_was_made_otherwise_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    card = "---\nsdk: static\n---\n"
    hub.add_space(SPACE, {"README.md": card, "index.html": "x", "thesis.html": "important"})
    ran = run(hub, tmp_path / "out")
    assert ran.status == 1
    assert "left alone" in ran.output
    assert "thesis.html" in ran.output
    assert changing_calls(hub) == []


@pytest.mark.parametrize("edited", ["index.html", "README.md", "style.css"])
def test_a_site_whose_files_are_called_as_the_hubs_are_left_alone(
    hub: Hub, tmp_path: Path, edited: str
) -> None:
    HfApi(hub.url, token=hub.add_token("alice", "write")).create_repo(
        SPACE, repo_type="space", space_sdk="static"
    )
    own = b"---\nsdk: static\ntitle: My own\n---\n"
    space(hub).put({edited: own})
    hub.calls.log.clear()
    ran = run(hub, tmp_path / "out")
    assert ran.status == 1
    assert "left alone" in ran.output
    assert "Choose another BOARD, or delete it" in ran.output
    assert (changing_calls(hub), space(hub).files()[edited]) == ([], own)


def test_another_programs_manifest_makes_no_space_ours(hub: Hub, tmp_path: Path) -> None:
    files = {"export.json": '{"files": ["index.html"]}', "index.html": "x"}
    hub.add_space(SPACE, {"README.md": "---\nsdk: static\n---\n", **files})
    ran = run(hub, tmp_path / "out")
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "left alone" in ran.output


# Who sees it


def test_private_stops_before_a_public_space_is_updated(hub: Hub, tmp_path: Path) -> None:
    run(hub, tmp_path / "out")
    hub.get(RepoName("dataset", "alice/results")).put(result("acme/secret"))
    hub.calls.log.clear()
    ran = run(hub, tmp_path / "out", "--private")
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert f"Make it private at {hub.url}/spaces/{SPACE}/settings, or leave out --private" in ran.output
    space(hub).private = True
    assert run(hub, tmp_path / "out", "--private").status == 0
    assert "model/acme/secret.html" in space(hub).files()


@pytest.mark.parametrize("hidden", ["alice/requests", "alice/results"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_private_dataset_is_shown_to_everybody_only_if_that_is_wanted(
    hub: Hub, tmp_path: Path, hidden: str, exists: bool
) -> None:
    if exists:
        run(hub, tmp_path / "out")
    hub.get(RepoName("dataset", hidden)).private = True
    hub.get(RepoName("dataset", "alice/results")).put(result("acme/secret"))
    hub.calls.log.clear()
    ran = run(hub, tmp_path / "out")
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert f"Not everybody may see {hidden}, but" in ran.output
    assert "give --public" in ran.output
    assert run(hub, tmp_path / "out", "--public").status == 0
    assert "model/acme/secret.html" in space(hub).files()
    assert not space(hub).private


def test_a_private_dataset_is_shown_in_a_private_space(hub: Hub, tmp_path: Path) -> None:
    hub.get(RepoName("dataset", "alice/results")).private = True
    for _ in range(2):
        ran = run(hub, tmp_path / "out", "--private")
        assert ran.status == 0, ran.output
    assert space(hub).private
    assert run(hub, tmp_path / "out").status == 0


# Which datasets


@pytest.mark.parametrize("name", ["QUEUE_REPO", "RESULTS_REPO"])
def test_a_variable_of_the_shell_names_no_other_datasets(
    hub: Hub, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_dataset("acme/other")
    monkeypatch.setenv(name, "acme/other")
    ran = run(hub, tmp_path / "out")
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert f"{name} is acme/other in this shell" in ran.output
    assert f"`unset {name}`" in ran.output


def test_the_datasets_are_those_that_the_clone_names(hub: Hub, tmp_path: Path) -> None:
    hub.add_dataset("alice/marks", result("acme/marked"))
    frontend = tmp_path / "clone" / "frontend"
    shutil.copytree(ROOT / "frontend", frontend, ignore=shutil.ignore_patterns("__pycache__"))
    envs = frontend / "src" / "envs.py"
    text = envs.read_text()
    envs.write_text(text.replace("RESULTS_REPO = None", 'RESULTS_REPO = "alice/marks"'))
    assert envs.read_text() != text
    ran = run(hub, tmp_path / "out", root=frontend.parent)
    assert ran.status == 0, ran.output
    assert "The board is read from alice/requests and alice/marks." in ran.output
    assert "model/acme/marked.html" in space(hub).files()


def test_another_board_has_a_space_of_its_own(hub: Hub, tmp_path: Path) -> None:
    hub.add_dataset("alice/math-requests")
    hub.add_dataset("alice/math-results", result("acme/three"))
    ran = run(hub, tmp_path / "out", "--board", "math")
    assert ran.status == 0, ran.output
    found = hub.get(RepoName("space", "alice/math-leaderboard-static")).files()
    assert "model/acme/three.html" in found


def test_it_repeats_until_it_is_interrupted_and_goes_on_after_a_failure(hub: Hub, tmp_path: Path) -> None:
    pauses: list[float] = []
    results = hub.get(RepoName("dataset", "alice/results"))

    def sleep(seconds: float) -> None:
        if seconds < 60:  # between two tries of a call
            return
        pauses.append(seconds)
        if len(pauses) == 1:
            hub.rename("dataset", "alice/results", "alice/away")
            hub.delete(RepoName("dataset", "alice/away"))
        elif len(pauses) == 2:
            hub.add_dataset("alice/results", result("acme/two"))
        else:
            raise KeyboardInterrupt

    assert results.head
    ran = run(hub, tmp_path / "out", "--every", "30m", sleep=sleep)
    assert (ran.status, pauses) == (0, [1800, 1800, 1800])
    assert "Not updated: The board was not exported" in ran.output
    assert "Ended. The Space stays as it is." in ran.output
    assert "model/acme/two.html" in space(hub).files()


@pytest.mark.parametrize("text", ["soon", "0m", "5s", "-3h"])
def test_a_time_that_cannot_be_is_refused(hub: Hub, tmp_path: Path, text: str) -> None:
    ran = run(hub, tmp_path / "out", f"--every={text}")
    assert ran.status == 1
    assert "such as 30m or 2h" in ran.output


def test_without_a_dataset_nothing_is_created(hub: Hub, tmp_path: Path) -> None:
    hub.delete(RepoName("dataset", "alice/results"))
    ran = run(hub, tmp_path / "out")
    assert ran.status == 1
    assert "was not exported" in ran.output
    assert changing_calls(hub) == []


def test_a_token_that_can_only_read_is_refused_before_anything(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.add_token("alice", "read"))
    ran = run(hub, tmp_path / "out")
    assert ran.status == 1
    assert "can only read" in ran.output
    assert not (tmp_path / "out").exists()
