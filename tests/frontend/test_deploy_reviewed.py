"""`make deploy` where somebody else had a hand in: in the Space, in the clone, in git, in the shell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from support.deploying import deploy, make_clone
from support.hub import Hub, Stage, running_hub
from support.hub.repository import RepoName

FRONTEND, BACKEND = "acme/leaderboard", "acme/backend"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.accounts.plans["acme"] = "team"
        hub.add_user("alice", {"acme": "admin"})
        yield hub


@pytest.fixture
def login(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> str:
    permissions = {"acme": ["repo.content.read", "repo.write"]}
    login = hub.add_token("alice", "fineGrained", permissions=permissions)
    monkeypatch.setenv("HF_TOKEN", login)
    return login


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / "clone")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small Space in a clone, enough for what is read of it."""
    deploy("http://127.0.0.1:1", "a b")  # finds the package
    folder = tmp_path / "clone" / "frontend"
    folder.mkdir(parents=True)
    (folder / "app.py").write_text("A = 1\n")
    (folder / "README.md").write_text("# A\n")
    return folder


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    ran = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return ran.stdout.strip()


def commit_all(clone: Path) -> str:
    if not (clone / ".git").exists():
        git(clone, "init", "--quiet")
        (clone / ".gitignore").write_text(".venv\n__pycache__\n")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "All")
    return git(clone, "rev-parse", "HEAD")


def refused(folder: Path) -> str:
    """Why the files are not uploaded."""
    from deploy.files import read_files
    from deploy.refusals import Stopped

    with pytest.raises(Stopped) as error:
        read_files(folder)
    return str(error.value)


def files(folder: Path) -> Any:
    from deploy.files import read_files

    return read_files(folder)


def first(hub: Hub, clone: Path, token: str, *arguments: str) -> None:
    ran = deploy(hub.url, "acme", *arguments, clone=clone, secrets={"HF_TOKEN": token})
    assert ran.status == 0, ran.output
    hub.calls.reset()


def changes(hub: Hub) -> list[str]:
    return [call.route for call in hub.calls.log if call.method != "GET"]


# What a Space's variables may do here


def test_a_variable_of_the_space_is_none_of_the_program_that_reads_the_settings(clone: Path) -> None:
    deploy("http://127.0.0.1:1", "a b")
    from deploy.space_settings import Reader

    seen = clone / "seen"
    envs = clone / "frontend" / "src" / "envs.py"
    envs.write_text(
        envs.read_text() + f"\nimport os\nopen({str(seen)!r}, 'w').write(repr(dict(os.environ)))\n"
    )
    hostile = {
        "PYTHONWARNINGS": "error",
        "BROWSER": "x",
        "LD_PRELOAD": "/x.so",
        "PATH": "/x",
        "OWNER": "emca",
    }
    found = Reader(clone).read("frontend", FRONTEND, hostile, ["HF_TOKEN"])
    assert (found.owner, found.requests) == ("emca", "emca/requests")
    environment = eval(seen.read_text())
    assert not {"PYTHONWARNINGS", "BROWSER", "LD_PRELOAD", "OWNER", "HF_TOKEN"} & environment.keys()
    assert environment["PATH"] == os.environ["PATH"]


def test_a_data_folder_in_envs_is_refused(clone: Path) -> None:
    deploy("http://127.0.0.1:1", "a b")
    from deploy.refusals import Stopped
    from deploy.space_settings import Reader

    envs = clone / "frontend" / "src" / "envs.py"
    envs.write_text(envs.read_text().replace("LEADERBOARD_DATA_DIR = None", 'LEADERBOARD_DATA_DIR = "data"'))
    with pytest.raises(Stopped, match="LEADERBOARD_DATA_DIR is set"):
        Reader(clone).read("frontend", FRONTEND, {}, [])


# The files of the clone


def test_if_git_does_not_answer_nothing_is_uploaded(folder: Path) -> None:
    (folder.parent / ".git").mkdir()
    assert "git does not say which files of" in refused(folder)
    assert "not a git repository" in refused(folder)


def test_a_hooks_git_variables_do_not_choose_the_repository(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "notes.txt").write_text("private")
    (folder.parent / ".gitignore").write_text("notes.txt\n")
    git(folder.parent, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert files(folder).contents.keys() == {"app.py", "README.md"}


def test_a_repository_further_up_has_no_say(folder: Path, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    git(tmp_path, "init", "--quiet")
    assert files(folder).contents.keys() == {"app.py", "README.md"}
    assert not files(folder).untracked


def test_a_space_without_its_readme_is_refused(folder: Path) -> None:
    (folder.parent / ".gitignore").write_text("README.md\n")
    git(folder.parent, "init", "--quiet")
    assert "README.md is no file to upload" in refused(folder)


def test_a_link_within_the_space_is_uploaded_as_its_file(folder: Path) -> None:
    (folder / "b.py").symlink_to("app.py")
    assert files(folder).contents["b.py"] == b"A = 1\n"


@pytest.mark.parametrize("target", ["../../secret", ".", "missing", "ignored.txt", "b"])
@pytest.mark.parametrize("has_git", [False, True])
def test_any_other_link_is_refused_by_its_name(
    folder: Path, tmp_path: Path, target: str, has_git: bool
) -> None:
    (tmp_path / "secret").write_text("x")
    (folder / "b").symlink_to(target)
    if has_git:
        (folder / "ignored.txt").write_text("x")
        (folder / ".gitignore").write_text("ignored.txt\n")
        git(folder.parent, "init", "--quiet")
    assert str(folder / "b") in refused(folder)


def test_a_repository_in_the_space_is_refused_by_its_name(folder: Path) -> None:
    git(folder.parent, "init", "--quiet")
    inner = folder / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    (inner / "a").write_text("a")
    assert f"{inner} is no file: it may be a git repository" in refused(folder)
    git(inner, "add", "a")
    git(inner, "commit", "--quiet", "--message", "a")
    git(folder, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    assert f"{inner} is a submodule" in refused(folder)


def test_files_that_look_like_secrets_are_left_out_and_named(folder: Path) -> None:
    secrets = [".env", ".env.local", "a.pem", "b.key", ".netrc", "credentials.json", "credentials"]
    for name in [*secrets, "credentials.py", "keys.py"]:
        (folder / name).write_text("x")
    found = files(folder)
    assert found.left_out == tuple(sorted(secrets))
    assert found.contents.keys() == {"app.py", "README.md", "credentials.py", "keys.py"}


@pytest.mark.parametrize("has_git", [False, True])
def test_a_name_that_is_not_utf_8_is_told(folder: Path, has_git: bool) -> None:
    if has_git:
        git(folder.parent, "init", "--quiet")
    (folder / os.fsdecode(b"\xff.txt")).write_text("x")
    assert r"The name of the file '\udcff.txt' is not UTF-8" in refused(folder)


def test_a_dry_run_names_each_file_that_git_does_not_know(hub: Hub, login: str, clone: Path) -> None:
    commit_all(clone)
    names = [f"mine{number}.py" for number in range(8)]
    for name in names:
        (clone / "frontend" / name).write_text("A = 1\n")
    (clone / "frontend" / "tls.pem").write_text("x")
    ran = deploy(hub.url, "acme", "--dry-run", clone=clone)
    assert ran.status == 0, ran.output
    assert f"; not in git: {', '.join(names)}\n" in ran.output
    assert "Note: frontend/tls.pem is not uploaded, because it looks like a secret." in ran.output


# What others put on the Hub


def test_a_squashed_space_of_another_program_is_not_replaced(hub: Hub, login: str, clone: Path) -> None:
    there = {"README.md": "---\nsdk: gradio\n---\n", "app.py": "print('another program')"}
    repository = hub.add(RepoName("space", BACKEND), first=there)
    assert len(HfApi(endpoint=hub.url, token=login).list_repo_commits(BACKEND, repo_type="space")) == 1
    ran = deploy(hub.url, "acme", clone=clone, secrets={"HF_TOKEN": login})
    assert (ran.status, changes(hub)) == (1, [])
    assert f"{BACKEND} was edited on the Hub and was never deployed from a clone" in ran.output
    assert repository.read("app.py") == there["app.py"].encode()


def test_a_newer_deployment_of_another_clone_is_not_taken_back(
    hub: Hub, login: str, clone: Path, tmp_path: Path
) -> None:
    commit_all(clone)
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(clone), str(other))
    (other / ".venv").symlink_to(clone / ".venv")
    about = other / "frontend" / "src" / "about.py"
    about.write_text(about.read_text() + "\n# newer\n")
    newer = commit_all(other)
    first(hub, other, login)

    ran = deploy(hub.url, "acme", clone=clone)
    assert (ran.status, changes(hub)) == (1, []), ran.output
    assert f"{FRONTEND} was deployed from the commit {newer[:10]}" in ran.output
    assert "`git pull`" in ran.output and "make deploy ORG=acme ARGS=--overwrite" in ran.output
    assert deploy(hub.url, "acme", "--overwrite", "--no-wait", clone=clone).status == 0
    assert b"# newer" not in hub.get(RepoName("space", FRONTEND)).read("src/about.py")

    ran = deploy(hub.url, "acme", "--no-wait", clone=other)  # comes after what is there
    assert ran.status == 0, ran.output


def test_a_dataset_with_other_contents_is_named(hub: Hub, login: str, clone: Path) -> None:
    hub.add_dataset("acme/requests", {"README.md": "# Mine", "train.csv": "a,b\n"})
    hub.add_dataset("acme/results", {"README.md": "# Old", "a/b/results_2024.json": "{}"})
    ran = deploy(hub.url, "acme", "--dry-run", clone=clone)
    assert ran.status == 0, ran.output
    assert (
        "Note: the dataset acme/requests is there, and its files are no leaderboard's: train.csv."
        in ran.output
    )
    assert "the dataset acme/results is there" not in ran.output


# Waiting


def test_a_private_space_is_asked_with_the_token_and_a_public_one_without(
    hub: Hub, login: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(hub, clone, login)
    hub.get(RepoName("space", BACKEND)).private = True
    monkeypatch.setattr("deploy.waiting.HEALTH_SECONDS", 0.1)
    asked: dict[str, bool] = {}
    import deploy.waiting as waiting

    ask = waiting._ask_health

    def spy(request: Any) -> str:
        asked[request.full_url.removeprefix(hub.url)] = request.has_header("Authorization")
        return ask(request)

    monkeypatch.setattr(waiting, "_ask_health", spy)
    ran = deploy(hub.url, "acme", clone=clone)
    assert ran.status == 0, ran.output
    assert asked == {f"/_spaces/{FRONTEND}/health": False, f"/_spaces/{BACKEND}/health": True}


@pytest.mark.parametrize(
    ("host", "is_trusted"),
    [
        ("https://acme-backend.hf.space/health", True),
        ("https://huggingface.co/x", True),
        ("http://acme-backend.hf.space/health", False),
        ("https://acme-backend.hf.space.evil.example/health", False),
        ("https://evilhf.space/health", False),
    ],
)
def test_the_token_goes_to_the_hub_only(host: str, is_trusted: bool) -> None:
    deploy("http://127.0.0.1:1", "a b")
    from deploy.waiting import _is_the_hubs
    from src.shared.stores.hub import Hub as Client

    assert _is_the_hubs(Client("hf_x", endpoint="https://huggingface.co"), host) == is_trusted


@pytest.mark.parametrize("stage", ["PAUSED", "STOPPED", "BUILD_ERROR", "CONFIG_ERROR"])
def test_an_end_of_an_older_commit_is_one_as_well(stage: str) -> None:
    deploy("http://127.0.0.1:1", "a b")
    from deploy.waiting import Look

    look = Look(stage, "older", "newer", "", "", False)
    assert look.is_final(is_early=False, has_begun=True)
    assert not look.is_final(is_early=True, has_begun=True), "the Hub may not have begun to build it"
    runs = look._replace(stage="RUNNING")
    assert not runs.is_final(is_early=False, has_begun=True)


def test_after_a_new_setting_the_old_stage_is_not_believed() -> None:
    deploy("http://127.0.0.1:1", "a b")
    from deploy.waiting import Look

    look = Look("RUNNING", "head", "head", "", "", False)
    assert not look.is_final(is_early=True, has_begun=False)
    assert look.is_final(is_early=True, has_begun=True)
    assert look.is_final(is_early=False, has_begun=False)


def test_a_paused_space_is_told_at_once_whatever_its_commit(
    hub: Hub, login: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(hub, clone, login)
    hub.space(BACKEND).ended(Stage.PAUSED)
    envs = clone / "backend" / "src" / "envs.py"
    envs.write_text(envs.read_text() + "\n# mine\n")
    monkeypatch.setattr("deploy.waiting.GRACE_SECONDS", 0.1)
    ran = deploy(hub.url, "acme", "--minutes", "0.2", clone=clone)
    assert ran.status == 1
    assert "acme/backend is paused. Restart it" in ran.output


# Secrets and money


@pytest.mark.parametrize("same", ["HF_TOKEN", "login"])
@pytest.mark.parametrize("held", ["INFERENCE_TOKEN", "FLEET_TOKEN"])
def test_one_token_for_two_purposes_is_refused_before_a_secret_is_set(
    hub: Hub, login: str, clone: Path, held: str, same: str
) -> None:
    token = hub.add_token("alice")
    given = {"HF_TOKEN": token, held: token if same == "HF_TOKEN" else login}
    ran = deploy(hub.url, "acme", clone=clone, secrets=given)
    assert (ran.status, changes(hub)) == (1, [])
    assert f"{held} is the same token as" in ran.output
    assert token not in ran.output and login not in ran.output


def test_a_second_run_with_the_same_secrets_changes_nothing(hub: Hub, login: str, clone: Path) -> None:
    given = {"HF_TOKEN": login, "INFERENCE_TOKEN": "key-of-mine"}
    assert deploy(hub.url, "acme", "--no-wait", clone=clone, secrets=given).status == 0
    hub.calls.reset()
    ran = deploy(
        hub.url,
        "acme",
        "--no-wait",
        clone=clone,
        secrets=given | {"HF_READ_TOKEN": hub.add_token("alice", "read")},
    )
    assert ran.status == 0, ran.output
    assert changes(hub) == ["add_secret", "add_secret"], "only HF_READ_TOKEN was missing, in both"


def test_hardware_without_credits_has_its_own_words(hub: Hub, login: str, clone: Path) -> None:
    first(hub, clone, login, "--no-wait")
    hub.spaces.can_pay = False
    ran = deploy(hub.url, "acme", "--hardware", "t4-small", clone=clone)
    assert ran.status == 1
    assert "https://huggingface.co/organizations/acme/settings/billing" in ran.output
    assert "PRO of a person" not in ran.output


def test_without_a_login_the_question_says_what_the_token_is_for(hub: Hub, clone: Path) -> None:
    ran = deploy(hub.url, "acme", clone=clone)
    assert ran.status == 1
    assert "the token that deploys, and that the Spaces write to their datasets with" in ran.output
    assert "Write access to contents/settings of all repos* in acme" in ran.output
