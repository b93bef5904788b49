"""The recipes of docs/maintaining.md for backup, removal and retirement, run on a Hub as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hub_process import RemoteHub, hub_process
from support.sources import ROOT
from support.waiting import PATIENCE

TEXT = (ROOT / "docs" / "maintaining.md").read_text(encoding="utf-8")
PYTHON = ROOT / ".venv" / "frontend" / "bin" / "python"
MODEL = "spammers/copy"
REQUEST = f"{MODEL}_eval_request_False_float32_Original.json"
PENDING = '{"model": "spammers/copy", "status": "PENDING", "precision": "float32"}'


def commands(title: str) -> list[str]:
    """The blocks of commands of a section."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert found, title
    return re.findall(r"^```sh\n(.*?)^```", found[1], re.M | re.S)


@pytest.fixture(scope="module")
def hub() -> Iterator[RemoteHub]:
    with hub_process(str(PYTHON)) as hub:
        yield hub


@pytest.fixture(scope="module")
def token(hub: RemoteHub) -> str:
    found: str = hub.do("add_user", name="alice", organizations={"acme": "write", "newcorp": "write"})
    hub.do("add_repository", type="dataset", id="acme/requests", files={REQUEST: PENDING})
    hub.do("add_repository", type="dataset", id="acme/results", files={"a/results_1.json": "{}"})
    return found


def run(line: str, hub: RemoteHub, token: str, folder: Path, more: str = "") -> str:
    """Run a line as `make` would, in a folder of its own, without making the environments anew."""
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": token, "HF_HOME": str(folder / "home")}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
    if line.startswith("make "):
        told = f"{line} --no-print-directory --dry-run --old-file=.venv/frontend/.ready"
        done = subprocess.run(told, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
        environment |= dict(re.findall(r'(REASON)="([^"]*)"', line))
        line = done.stdout.strip().replace("scripts:frontend", f"{ROOT}/scripts:{ROOT}/frontend")
    line = line.replace(".venv/", f"{ROOT}/.venv/")
    done = subprocess.run(
        f"{line} {more}".strip(),
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert token not in done.stdout + done.stderr
    return done.stdout


def test_the_recipes_do_what_they_say(hub: RemoteHub, token: str, tmp_path: Path) -> None:
    back_up, look, restore, move = (each.strip() for each in commands("Back up and restore"))
    remove, squash = (each.strip() for each in commands("Remove a model"))
    retire, freeze, undo = (each.strip() for each in commands("Retire or freeze a board"))

    def do(line: str, more: str = "") -> str:
        return run(line, hub, token, tmp_path, more)

    assert "requests: 2 files (2 new), " in do(back_up)
    assert (tmp_path / "acme-backup" / "requests" / REQUEST).read_text() == PENDING
    for named, place in {"cd ": f"cd {ROOT}/", "../acme-": f"{tmp_path}/acme-", "../.venv": ".venv"}.items():
        look = look.replace(named, place)
    do(look)
    assert (tmp_path / "acme-pages" / "index.html").exists()
    assert "acme/requests: 0 files written, 0 deleted, 2 already right." in do(restore)
    again, elsewhere, deploy = move.splitlines()
    assert again == back_up and deploy == "make deploy ORG=newcorp"
    assert "newcorp/requests: created, " in do(elsewhere)

    assert "The queue goes on: " in do(freeze)
    assert "The board takes submissions again." in do(undo)
    with pytest.raises(AssertionError, match=r"There is no terminal to ask you on\."):
        do(f"{remove} < /dev/null")
    assert f"Removed {MODEL}: 1 request, " in do(remove, "--yes")
    for line in squash.splitlines():
        do(line)
    assert hub.do("writes", type="dataset", id="acme/requests").keys() == {
        ".gitattributes",
        ".leaderboard/acts.json",
    }
    do(restore.replace("acme-backup", "acme-backup ARGS='--replace'"))
    said = do(retire)
    assert "Cancelled: 1 request." in said and "The backup in " in said


def test_a_name_that_cannot_be_is_refused(hub: RemoteHub, token: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="write the name of your organisation"):
        run("make retire ORG='no such' ARGS=--undo", hub, token, tmp_path)


def test_what_is_missing_on_the_line_is_named() -> None:
    for line, sentence in {
        "backup ORG=acme": "make backup ORG=acme TO=folder",
        "restore ORG=acme": "make restore ORG=acme FROM=folder",
        "remove ORG=acme": "make remove ORG=acme MODEL=org/name",
    }.items():
        command = ["make", "--dry-run", "--old-file=.venv/frontend/.ready", *line.split()]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and sentence in done.stderr
        helped = [*command, "ARGS=--help"]
        assert subprocess.run(helped, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_a_reason_may_hold_quotes(hub: RemoteHub, token: str, tmp_path: Path) -> None:
    line = "make retire ORG=acme REASON='It is \"over\"; $(false)' ARGS=--freeze --dry-run"
    done = subprocess.run(
        f"{line} --old-file=.venv/frontend/.ready",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '--reason "$REASON"' in done.stdout and "over" not in done.stdout
