"""`make deploy` on the Hub of the tests: what it makes, changes, leaves alone and refuses."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from src.shared.data.cards import REQUESTS_CARD, RESULTS_CARD
from src.shared.data.names import BOARD
from support.deploying import Ran, deploy, make_clone
from support.hub import Fault, Hub, Kind, Repository, Stage, running_hub
from support.hub.repository import RepoName
from support.sources import ROOT

FRONTEND, BACKEND = "acme/leaderboard", "acme/backend"
WRITE = ["repo.content.read", "repo.write"]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A Hub where acme has a plan with Spaces, and alice is its administrator."""
    with running_hub() as hub:
        hub.accounts.plans["acme"] = "team"
        hub.add_user("alice", {"acme": "admin"})
        yield hub


@pytest.fixture
def token(hub: Hub) -> str:
    """What alice gives the Spaces."""
    return hub.add_token("alice", "fineGrained", permissions={"acme": WRITE})


@pytest.fixture
def login(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> str:
    """Alice's login on her machine."""
    login = hub.add_token("alice", "fineGrained", permissions={"acme": WRITE})
    monkeypatch.setenv("HF_TOKEN", login)
    return login


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone to be edited."""
    return make_clone(tmp_path / "clone")


def space(hub: Hub, id: str) -> Repository:
    return hub.get(RepoName("space", id))


def dataset(hub: Hub, id: str) -> Repository:
    return hub.get(RepoName("dataset", id))


def exists(hub: Hub, type: str, id: str) -> bool:
    return hub.find(RepoName(type, id)) is not None  # type: ignore[arg-type]


def changing_calls(hub: Hub) -> list[str]:
    """The routes of the calls that could change something, since the last reset."""
    return [call.route for call in hub.calls.log if call.method != "GET"]


def first(hub: Hub, clone: Path, token: str, *arguments: str) -> Ran:
    """The first deployment, which has to go well."""
    ran = deploy(hub.url, "acme", *arguments, clone=clone, secrets={"HF_TOKEN": token})
    assert ran.status == 0, ran.output
    hub.calls.reset()
    return ran


# What is made


def test_the_first_run_makes_all_and_the_second_changes_nothing(
    hub: Hub, token: str, login: str, original: Path
) -> None:
    ran = first(hub, original, token)
    for id, folder in [(FRONTEND, "frontend"), (BACKEND, "backend")]:
        files = {
            path.relative_to(original / folder).as_posix(): path.read_bytes()
            for path in (original / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert space(hub, id).files() == files
        found = hub.space(id)
        assert {name: each.value for name, each in found.secrets.items()} == {"HF_TOKEN": token}
        assert (found.variables, found.hardware, found.stage) == ({}, "cpu-basic", "RUNNING")
        assert found.stages.count(Stage.BUILDING) == 1, "it was built more than once"
    assert dataset(hub, "acme/requests").read("README.md").decode() == REQUESTS_CARD
    assert dataset(hub, "acme/results").read("README.md").decode() == RESULTS_CARD
    assert f"{hub.url}/spaces/{FRONTEND}" in ran.output
    assert "make doctor ORG=acme" in ran.output
    assert f"{FRONTEND} is well" in ran.output

    again = deploy(hub.url, "acme", clone=original)
    assert (again.status, changing_calls(hub)) == (0, [])
    assert "Nothing to do" in again.output
    for secret in (token, login):
        assert secret not in ran.output + again.output


def test_a_dry_run_says_all_and_changes_nothing(hub: Hub, login: str, original: Path) -> None:
    ran = deploy(
        hub.url,
        "acme",
        "--board",
        "math",
        "--hardware",
        "t4-small",
        "--sleep",
        "2h",
        "--dry-run",
        clone=original,
    )
    assert (ran.status, changing_calls(hub)) == (0, [])
    for what in [
        "would create the Space acme/math-leaderboard on cpu-basic",
        "would create the Space acme/math-backend on t4-small",
        "would create the dataset acme/math-requests, empty",
        "would create the dataset acme/math-results, empty",
        "would set the secret HF_TOKEN of acme/math-backend",
        "would set the variable QUEUE_REPO of acme/math-leaderboard to acme/math-requests",
        "would let acme/math-backend sleep after 2 hours without a visitor",
        "would bring acme/math-leaderboard up to date: upload ",
    ]:
        assert what in ran.output
    assert not hub._repositories


def test_only_what_changed_in_the_clone_is_changed_on_the_hub(
    hub: Hub, token: str, login: str, clone: Path
) -> None:
    first(hub, clone, token)
    about = clone / "frontend" / "src" / "about.py"
    about.write_text(about.read_text() + "\n# mine\n")
    (clone / "frontend" / "assets" / "README.md").unlink()
    (clone / "frontend" / "__pycache__").mkdir()
    (clone / "frontend" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (clone / "frontend" / ".env").write_text("A=1")
    before = space(hub, FRONTEND).files()
    ran = deploy(hub.url, "acme", "--set", "RATE_LIMIT_QUOTA=7", clone=clone)
    assert ran.status == 0
    assert "upload 1 of " in ran.output and "src/about.py; delete 1: assets/README.md" in ran.output
    assert set(changing_calls(hub)) == {"preupload", "commit", "add_variable"}
    after = space(hub, FRONTEND).files()
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} == {
        "src/about.py",
        "assets/README.md",
    }
    assert hub.space(FRONTEND).variables["RATE_LIMIT_QUOTA"].value == "7"
    assert "RATE_LIMIT_QUOTA" not in hub.space(BACKEND).variables


def test_what_git_ignores_is_not_uploaded(hub: Hub, login: str, clone: Path) -> None:
    (clone / ".gitignore").write_text("notes.txt\n")
    (clone / "frontend" / "notes.txt").write_text("private")
    (clone / "frontend" / "mine.py").write_text("A = 1\n")
    subprocess.run(["git", "init", "--quiet"], cwd=clone, check=True)
    first(hub, clone, login)
    files = space(hub, FRONTEND).files()
    assert "mine.py" in files
    assert "notes.txt" not in files


def test_two_boards_live_side_by_side(hub: Hub, token: str, login: str, original: Path) -> None:
    first(hub, original, token)
    before = {name: repository.head.id for name, repository in hub._repositories.items()}
    first(hub, original, token, "--board", "math")
    for id in ("acme/math-leaderboard", "acme/math-backend"):
        variables = {name: each.value for name, each in hub.space(id).variables.items()}
        assert variables == {"QUEUE_REPO": "acme/math-requests", "RESULTS_REPO": "acme/math-results"}
    assert exists(hub, "dataset", "acme/math-requests") and exists(hub, "dataset", "acme/math-results")
    assert {name: hub._repositories[name].head.id for name in before} == before
    for board in ([], ["--board", "math"]):
        ran = deploy(hub.url, "acme", *board, clone=original)
        assert (ran.status, changing_calls(hub)) == (0, []), ran.output


def test_hardware_and_sleep_time_are_set_once(hub: Hub, token: str, login: str, original: Path) -> None:
    paid = ["--hardware", "t4-small", "--sleep", "2h", "--frontend-hardware", "cpu-upgrade"]
    first(hub, original, token, *paid)
    assert (hub.space(BACKEND).hardware, hub.space(BACKEND).sleep_time) == ("t4-small", 7200)
    assert hub.space(FRONTEND).hardware == "cpu-upgrade"
    assert deploy(hub.url, "acme", *paid, clone=original).status == 0
    assert changing_calls(hub) == []
    assert deploy(hub.url, "acme", "--sleep", "never", "--hardware", "l4x1", clone=original).status == 0
    assert (hub.space(BACKEND).hardware, hub.space(BACKEND).sleep_time) == ("l4x1", -1)
    assert changing_calls(hub) == ["hardware", "sleep_time"]


# Edits on the Hub


def test_edits_on_the_website_are_not_overwritten_without_being_asked_to(
    hub: Hub, token: str, login: str, clone: Path
) -> None:
    first(hub, clone, token)
    edit = {"src/about.py": "TITLE = 'Mine'\n", "src/new.py": "A = 1\n"}
    space(hub, FRONTEND).put(edit, title="Update src/about.py")
    ran = deploy(hub.url, "acme", clone=clone)
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert f"Stopped: {FRONTEND} was edited on the Hub since it was deployed" in ran.output
    assert "src/about.py, src/new.py (last edited by acme on" in ran.output
    assert "make deploy ORG=acme ARGS=--overwrite" in ran.output

    for path, text in edit.items():  # brought into the clone
        (clone / "frontend" / path).write_text(text)
    assert (
        deploy(hub.url, "acme", "--no-wait", "--dry-run", clone=clone).status == 1
    )  # its about.py has no texts
    (clone / "frontend" / "src" / "about.py").write_text((ROOT / "frontend/src/about.py").read_text())
    ran = deploy(hub.url, "acme", "--overwrite", clone=clone)
    assert ran.status == 0, ran.output
    assert space(hub, FRONTEND).read("src/about.py") == (clone / "frontend/src/about.py").read_bytes()
    assert space(hub, FRONTEND).read("src/new.py") == b"A = 1\n"


def test_an_edit_that_the_clone_has_too_is_none(hub: Hub, token: str, login: str, clone: Path) -> None:
    first(hub, clone, token)
    about = clone / "frontend" / "src" / "about.py"
    about.write_text(about.read_text() + "\n# mine\n")
    space(hub, FRONTEND).put({"src/about.py": about.read_bytes()}, title="Update src/about.py")
    envs = clone / "frontend" / "src" / "envs.py"
    envs.write_text(envs.read_text() + "\n# mine\n")
    ran = deploy(hub.url, "acme", clone=clone)
    assert ran.status == 0, ran.output
    assert space(hub, FRONTEND).read("src/envs.py") == envs.read_bytes()


def test_a_space_that_somebody_made_otherwise_is_not_replaced(hub: Hub, login: str, original: Path) -> None:
    hub.add_space(BACKEND, {"README.md": "---\nsdk: gradio\n---\n", "app.py": "print('another program')"})
    ran = deploy(hub.url, "acme", clone=original, secrets={"HF_TOKEN": login})
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert f"{BACKEND} was edited on the Hub and was never deployed from a clone" in ran.output


def test_a_space_that_was_renamed_is_not_made_again(hub: Hub, token: str, login: str, original: Path) -> None:
    first(hub, original, token)
    hub.rename("space", BACKEND, "acme/worker")
    ran = deploy(hub.url, "acme", clone=original)
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "The Space acme/backend was renamed to acme/worker" in ran.output


# Datasets and settings


def test_the_datasets_of_another_leaderboard_are_left_alone(hub: Hub, login: str, original: Path) -> None:
    hub.add_space("acme/other")
    files = {"README.md": "# Requests", BOARD: "frontends:\n- acme/other\n"}
    hub.add_dataset("acme/requests", files)
    ran = deploy(hub.url, "acme", clone=original, secrets={"HF_TOKEN": login})
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "acme/requests belongs to the leaderboard whose frontend is acme/other" in ran.output
    assert "make deploy ORG=acme BOARD=second" in ran.output


def test_datasets_that_are_there_stay_as_they_are(hub: Hub, login: str, original: Path) -> None:
    old = {"README.md": "# Old", "a/b_eval_request_False_float16_Original.json": "{}"}
    requests = hub.add_dataset("acme/requests", old)
    first(hub, original, login)
    assert requests.files() == {path: text.encode() for path, text in old.items()}


def test_an_empty_dataset_whose_creation_was_interrupted_gets_its_card(
    hub: Hub, login: str, original: Path
) -> None:
    requests = hub.add_dataset("acme/requests")
    ran = first(hub, original, login)
    assert "add the card of acme/requests" in ran.output
    assert requests.read("README.md").decode() == REQUESTS_CARD


def test_a_variable_that_names_a_dataset_is_kept(hub: Hub, token: str, login: str, original: Path) -> None:
    first(hub, original, token)
    api = HfApi(endpoint=hub.url, token=login)
    api.add_space_variable(FRONTEND, "QUEUE_REPO", "acme/old-requests")
    hub.calls.reset()
    ran = deploy(hub.url, "acme", clone=original)
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "different datasets: acme/old-requests the frontend, acme/requests the backend" in ran.output
    assert "--set QUEUE_REPO=acme/old-requests" in ran.output
    ran = deploy(hub.url, "acme", "--set", "QUEUE_REPO=acme/old-requests", clone=original)
    assert ran.status == 0, ran.output
    assert exists(hub, "dataset", "acme/old-requests")
    assert hub.space(BACKEND).variables["QUEUE_REPO"].value == "acme/old-requests"


def test_the_owner_in_the_file_of_another_organisation_is_replaced(hub: Hub, login: str, clone: Path) -> None:
    for part in ("frontend", "backend"):
        envs = clone / part / "src" / "envs.py"
        text = envs.read_text().replace("OWNER = None", 'OWNER = "emca"')
        envs.write_text(text.replace("QUEUE_REPO = None", 'QUEUE_REPO = "emca/queue"'))
    first(hub, clone, login)
    assert {name: each.value for name, each in hub.space(BACKEND).variables.items()} == {"OWNER": "acme"}
    assert exists(hub, "dataset", "acme/queue")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "RATE_LIMIT_QOUTA=7"], "Did you mean RATE_LIMIT_QUOTA?"),
        (["--set", "frontend:LIMIT=7"], "LIMIT is not a setting of the frontend."),
        (["--set", "RATE_LIMIT_QUOTA=many"], "The frontend would not start: RATE_LIMIT_QUOTA is 'many'"),
        (["--set", "HF_TOKEN=hf_x"], "HF_TOKEN is a secret, and everybody can read a variable."),
        (["--set", "SPACE_ID=a/b"], "SPACE_ID is not a setting"),
        (["--set", "LIMIT"], "--set LIMIT is not understood"),
        (["--secret", "HF_TOKEN=hf_abc"], "--secret takes the name of a secret"),
        (["--hardware", "t4-smal"], "Did you mean t4-small?"),
        (["--sleep", "2h"], "acme/backend runs on cpu-basic, which sleeps after 48 hours"),
        (["--sleep", "soon"], "--sleep 'soon' is not understood"),
        (["--board", "a b"], "BOARD is 'a b'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_changed(
    hub: Hub, login: str, original: Path, arguments: list[str], told: str
) -> None:
    ran = deploy(hub.url, "acme", *arguments, clone=original, secrets={"HF_TOKEN": login})
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert told in ran.output
    assert "hf_abc" not in ran.output


def test_the_backends_settings_are_read_by_its_own_code(hub: Hub, login: str, original: Path) -> None:
    if not (ROOT / ".venv" / "backend").exists():
        pytest.skip("needs the backend's environment: make envs")
    ran = deploy(hub.url, "acme", "--set", "MAX_HOURS=-1", clone=original, secrets={"HF_TOKEN": login})
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "The backend would not start: MAX_HOURS is '-1'" in ran.output


def test_a_mistake_in_the_owners_files_is_found_before_the_hub_builds_it(
    hub: Hub, login: str, clone: Path
) -> None:
    about = clone / "frontend" / "src" / "about.py"
    about.write_text(about.read_text() + "\nimport nothing_like_that\n")
    ran = deploy(hub.url, "acme", clone=clone, secrets={"HF_TOKEN": login})
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "The frontend would not start: src/about.py, line " in ran.output


def test_a_mistake_in_the_head_of_a_readme_is_told_as_the_hub_tells_it(
    hub: Hub, token: str, login: str, clone: Path
) -> None:
    readme = clone / "frontend" / "README.md"
    good = readme.read_text()
    readme.write_text(good.replace("pinned: true", "pinned: [true"))
    ran = deploy(hub.url, "acme", clone=clone, secrets={"HF_TOKEN": token})
    assert ran.status == 1
    assert "Stopped: Cannot upload to acme/leaderboard: Invalid metadata in README.md." in ran.output
    readme.write_text(good)
    assert deploy(hub.url, "acme", clone=clone).status == 0


def test_a_token_in_a_file_is_not_uploaded(hub: Hub, login: str, clone: Path) -> None:
    (clone / "backend" / "src" / "envs.py").write_text(f'HF_TOKEN = "{login}"\n')
    ran = deploy(hub.url, "acme", clone=clone, secrets={"HF_TOKEN": login})
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "envs.py holds what looks like a token of the Hub" in ran.output
    assert login not in ran.output


def test_without_the_backends_environment_the_common_settings_are_read(
    hub: Hub, login: str, clone: Path
) -> None:
    (clone / ".venv").unlink()
    ran = first(hub, clone, login, "--set", "backend:LIMIT=5")
    assert hub.space(BACKEND).variables["LIMIT"].value == "5"
    assert "Note: backend" not in ran.output


# Plans and tokens


@pytest.mark.parametrize(("owner", "told"), [("acme", "requires a Team"), ("alice", "requires a PRO")])
def test_without_a_plan_the_ways_out_are_told_and_nothing_is_left(
    hub: Hub, login: str, original: Path, owner: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.accounts.plans.clear()
    monkeypatch.setenv("HF_TOKEN", token := hub.add_token("alice"))
    ran = deploy(hub.url, owner, clone=original, secrets={"HF_TOKEN": token})
    assert ran.status == 1
    assert told in ran.output
    for way in (
        f"make deploy-static ORG={owner}",
        "https://huggingface.co/pro",
        "app.py",
        "settings/billing",
    ):
        assert way in ran.output
    assert ("alice has no PRO plan" in ran.output) == (owner == "alice")
    assert not hub._repositories


def test_hardware_that_nobody_pays_for_tells_the_ways_out(hub: Hub, login: str, original: Path) -> None:
    hub.spaces.can_pay = False
    ran = deploy(hub.url, "acme", "--hardware", "t4-small", clone=original, secrets={"HF_TOKEN": login})
    assert ran.status == 1
    assert "You must add a payment method" in ran.output and "buy credits" in ran.output


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ({"user": "bob"}, "The token belongs to bob, who is not in the organisation acme"),
        ({"user": "carol"}, "carol may only read in acme"),
        ({"user": "alice", "role": "read"}, "can only read, and may not create or change acme/leaderboard"),
        (
            {"user": "alice", "role": "fineGrained"},
            "is not for all that is needed, and may not create or change",
        ),
        (
            {
                "user": "alice",
                "role": "fineGrained",
                "repositories": ["spaces/acme/leaderboard", "spaces/acme/backend", "datasets/acme/requests"],
            },
            "may not create or change acme/results",
        ),
        (
            None,
            "does not accept the token in the variable HF_TOKEN of your shell. Unset it (`unset HF_TOKEN`)",
        ),
    ],
)
def test_a_token_without_rights_is_told_what_it_lacks(
    hub: Hub, original: Path, token: dict[str, object] | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_user("bob")
    hub.add_user("carol", {"acme": "read"})
    for id in (FRONTEND, BACKEND) if token and "repositories" in token else ():
        hub.add(RepoName("space", id), first={"README.md": "---\nsdk: gradio\n---\n"})
        hub.find(RepoName("dataset", "acme/requests")) or hub.add_dataset("acme/requests", {"README.md": "#"})
    login = hub.add_token(**token) if token else "hf_unknown"  # type: ignore[arg-type]
    monkeypatch.setenv("HF_TOKEN", login)
    ran = deploy(hub.url, "acme", clone=original, secrets={"HF_TOKEN": login})
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert told in ran.output
    assert "\n" not in ran.output[ran.output.index("Stopped: ") :]
    assert login not in ran.output


@pytest.mark.parametrize(
    ("secrets", "told"),
    [
        (
            {"HF_TOKEN": {"role": "read"}},
            "The token for HF_TOKEN cannot write to acme/requests and acme/results",
        ),
        (
            {"HF_TOKEN": {"role": "fineGrained", "repositories": ["datasets/acme/requests"]}},
            "The token for HF_TOKEN cannot write to acme/results: it is not for them",
        ),
        ({"HF_READ_TOKEN": {"role": "write"}}, "The token for HF_READ_TOKEN can write"),
        (
            {"HF_READ_TOKEN": {"role": "fineGrained", "permissions": {"acme": WRITE}}},
            "HF_READ_TOKEN can write",
        ),
    ],
)
def test_a_token_that_is_not_fit_to_be_a_secret_is_refused(
    hub: Hub, login: str, original: Path, secrets: dict[str, dict[str, object]], told: str
) -> None:
    values = {name: hub.add_token("alice", **options) for name, options in secrets.items()}  # type: ignore[arg-type]
    ran = deploy(hub.url, "acme", clone=original, secrets={"HF_TOKEN": login} | values)
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert told in ran.output


def test_each_secret_goes_where_it_belongs(hub: Hub, token: str, login: str, original: Path) -> None:
    reader = hub.add_token("alice", "read")
    given = {"HF_TOKEN": token, "HF_READ_TOKEN": reader, "INFERENCE_TOKEN": "my-server's-key"}
    given |= {"FLEET_TOKEN": hub.add_token("alice"), "NOTIFY_URL": "https://hooks.example/secret"}
    ran = deploy(hub.url, "acme", clone=original, secrets=given)
    assert ran.status == 0, ran.output
    assert {name: each.value for name, each in hub.space(BACKEND).secrets.items()} == given
    assert {*hub.space(FRONTEND).secrets} == {"HF_TOKEN", "HF_READ_TOKEN"}
    assert not any(value in ran.output for value in given.values())


def test_a_new_token_replaces_the_old_one_in_both_spaces(
    hub: Hub, token: str, login: str, original: Path
) -> None:
    first(hub, original, token)
    ran = deploy(hub.url, "acme", "--secret", "HF_TOKEN", clone=original, secrets={"HF_TOKEN": login})
    assert ran.status == 0, ran.output
    assert changing_calls(hub) == ["add_secret", "add_secret"]
    assert {hub.space(id).secrets["HF_TOKEN"].value for id in (FRONTEND, BACKEND)} == {login}


def test_a_missing_secret_is_asked_for_before_anything_is_changed(
    hub: Hub, login: str, original: Path
) -> None:
    ran = deploy(hub.url, "acme", clone=original)
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "HF_TOKEN is needed" in ran.output and "ARGS=--stdin" in ran.output


@pytest.mark.parametrize("given", [{"TOKEN": "hf_x"}, {"HF_TOKEN": ""}, {"HF_TOKEN": "hf x"}])
def test_a_line_on_standard_input_that_is_no_secret_is_refused_and_not_shown(
    hub: Hub, login: str, original: Path, given: dict[str, str]
) -> None:
    ran = deploy(hub.url, "acme", clone=original, secrets=given)
    assert (ran.status, changing_calls(hub)) == (1, [])
    assert "hf_x" not in ran.output and "hf x" not in ran.output


def test_without_a_login_the_given_token_deploys(hub: Hub, token: str, original: Path) -> None:
    assert "alice deploys acme/leaderboard" in first(hub, original, token).output


# Waiting


@pytest.mark.parametrize(
    ("fate", "told"),
    [
        (Stage.BUILD_ERROR, "build log:\n    ===== Build Queued =====\n    ERROR: No matching distribution"),
        (Stage.RUNTIME_ERROR, "run log:\n    Configuration error: OWNER is 'a/b'"),
        (Stage.PAUSED, "acme/backend is paused. Restart it on its settings page"),
    ],
)
def test_a_space_that_does_not_run_says_why(
    hub: Hub, token: str, login: str, original: Path, fate: Stage, told: str
) -> None:
    hub.spaces.fates[BACKEND] = fate
    ran = deploy(hub.url, "acme", clone=original, secrets={"HF_TOKEN": token})
    assert ran.status == 1
    assert told in ran.output
    assert "acme/leaderboard is well" in ran.output


def test_where_the_hub_does_not_tell_what_it_built_an_old_stage_is_not_believed(
    hub: Hub, token: str, login: str, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.spaces.tells_commit, hub.spaces.looks = False, 40
    begun = time.monotonic()
    monkeypatch.setattr("deploy.waiting.GRACE_SECONDS", 2.0)
    first(hub, original, token)
    assert time.monotonic() - begun > 2
    monkeypatch.setattr("deploy.waiting.GRACE_SECONDS", 0.1)
    hub.space(BACKEND).ended(Stage.BUILD_ERROR)
    assert "ended with BUILD_ERROR" in deploy(hub.url, "acme", clone=original).output


def test_a_space_that_sleeps_is_no_failure(hub: Hub, token: str, login: str, original: Path) -> None:
    first(hub, original, token)
    hub.space(BACKEND).ended(Stage.SLEEPING)
    ran = deploy(hub.url, "acme", clone=original)
    assert (ran.status, changing_calls(hub)) == (0, [])
    assert "acme/backend sleeps, and wakes when somebody opens its page" in ran.output


def test_a_space_that_runs_and_is_not_well_says_what_is_wrong(
    hub: Hub, token: str, login: str, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(hub, original, token)
    problem = "The token in HF_TOKEN can only read."
    hub.space(BACKEND).health = (503, {"is_ticking": True, "problem": problem})
    monkeypatch.setattr("deploy.waiting.HEALTH_SECONDS", 0.1)
    ran = deploy(hub.url, "acme", clone=original)
    assert ran.status == 1
    assert f"Problem: {BACKEND} runs, but is not well: {problem}" in ran.output


@pytest.mark.parametrize("health", [(404, {}), (200, {}), (200, {"problem": ""}), (503, {"error": "busy"})])
def test_a_space_that_runs_and_answers_otherwise_than_ours_is_not_called_well(
    hub: Hub,
    token: str,
    login: str,
    original: Path,
    monkeypatch: pytest.MonkeyPatch,
    health: tuple[int, dict[str, object]],
) -> None:
    first(hub, original, token)
    hub.space(BACKEND).health = health
    monkeypatch.setattr("deploy.waiting.HEALTH_SECONDS", 0.1)
    ran = deploy(hub.url, "acme", clone=original)
    assert ran.status == 1
    assert f"Problem: {BACKEND} runs, but does not answer /health" in ran.output
    assert f"{BACKEND} is well" not in ran.output


def test_a_space_that_takes_too_long_is_told_and_waited_for_by_the_next_run(
    hub: Hub, token: str, login: str, original: Path
) -> None:
    hub.spaces.held = True
    ran = deploy(hub.url, "acme", "--minutes", "0", clone=original, secrets={"HF_TOKEN": token})
    assert ran.status == 1
    assert "Not up within 0 minutes: acme/leaderboard (" in ran.output
    hub.spaces.held = False
    for id in (FRONTEND, BACKEND):
        hub.space(id).started(f"{hub.url}/_spaces/{id}")
    ran = deploy(hub.url, "acme", clone=original)
    assert ran.status == 0
    assert "Nothing to do" in ran.output


# What goes wrong


@pytest.mark.slow
@pytest.mark.parametrize("route", ["create", "commit", "add_secret", "preupload"])
@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.UNAVAILABLE])
def test_a_failure_that_passes_is_tried_again(
    hub: Hub, token: str, login: str, original: Path, route: str, fault: Fault
) -> None:
    hub.faults.strike_next(fault, route=route, times=2)
    first(hub, original, token)
    assert deploy(hub.url, "acme", clone=original).status == 0
    assert changing_calls(hub) == []


def test_a_used_up_rate_limit_stops_with_a_sentence_and_the_next_run_goes_on(
    hub: Hub, token: str, login: str, original: Path
) -> None:
    hub.budget.limits = {Kind.API: 25}
    ran = deploy(hub.url, "acme", clone=original, secrets={"HF_TOKEN": token})
    assert ran.status == 1
    assert "the Hub's rate limit is used up until " in ran.output
    assert "Run the same command again" in ran.output
    assert hub.calls.count(status=429) == 1
    hub.budget.limits = {}
    ran = first(hub, original, token)
    assert "create the Space" not in ran.output


# make, and answers of a strange server


def test_make_passes_its_variables_on() -> None:
    command = ["make", "--dry-run", "--assume-old", ".venv/frontend/.ready", "deploy"]
    given = ["ORG=acme", "BOARD=math", "ARGS=--dry-run --set LIMIT=5"]
    ran = subprocess.run([*command, *given], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ran.stdout.split() == [
        "PYTHONPATH=scripts:frontend",
        ".venv/frontend/bin/python",
        *("-m", "deploy", '"acme"', "--board", '"math"', "--dry-run", "--set", "LIMIT=5"),
    ]
    ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ran.returncode
    assert "Say where: make deploy ORG=acme" in ran.stderr


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"name": 5},
        {"name": "alice", "orgs": 5, "auth": [], "isPro": "yes"},
        {"name": "alice", "orgs": [5, {"name": None}], "auth": {"accessToken": {"role": ["write"]}}},
        {
            "name": "alice",
            "auth": {"accessToken": {"role": "fineGrained", "fineGrained": {"scoped": [5, {}]}}},
        },
    ],
)
def test_an_answer_about_a_token_that_is_not_the_hubs_grants_nothing(answer: object, hub: Hub) -> None:
    deploy(hub.url, "a b")  # finds the package
    from deploy.identity import Repo, check_deployer, read_identity
    from deploy.refusals import Stopped

    with pytest.raises(Stopped):
        who = read_identity(answer)
        assert not who.is_pro
        check_deployer(who, "acme", {Repo("space", "acme/leaderboard"): True})


def test_the_docs_list_every_option(hub: Hub) -> None:
    deploy(hub.url, "a b")  # finds the package
    from deploy.__main__ import parser

    text = (ROOT / "docs" / "deploy.md").read_text()
    listed = set(re.findall(r"`(--[a-z-]+)", text.partition("## Options")[2].partition("\nNo secret")[0]))
    options = {option for action in parser()._actions for option in action.option_strings}
    assert listed == options - {"-h", "--help", "--board"}
