"""Leaderboards of earlier versions of the template with owners' edits, and what is needed to try them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local_leaderboard import ROOT

EDITS = ROOT / "tests" / "support" / "upgrade"
SMALL, LARGE = "acme/small", "acme/large"
HEAD = "title: Leaderboard\n"
OWN_HEAD = "title: Our capitals\n"
OWN_PACKAGE = "einops==0.8.1  # for our task"


@dataclass(frozen=True)
class Version:
    """A version of the template: its commit here, and the folder of what an owner edited in it."""

    name: str
    commit: str
    folder: Path

    def edit(self, clone: Path) -> None:
        """Make the owner's edits in a clone that is at this version."""
        for space in ("frontend", "backend"):
            shutil.copytree(self.folder / space, clone / space, dirs_exist_ok=True)
            requirements = clone / space / "requirements.txt"
            requirements.write_text(f"{requirements.read_text(encoding='utf-8')}{OWN_PACKAGE}\n")
        shutil.copytree(EDITS / "backend" / "tasks", clone / "backend" / "tasks", dirs_exist_ok=True)
        card = clone / "frontend" / "README.md"
        card.write_text(card.read_text(encoding="utf-8").replace(HEAD, OWN_HEAD), encoding="utf-8")
        checks, columns = (self.folder / f"own_{name}.py" for name in ("checks", "columns"))
        add_checks_and_columns(clone, checks.read_text(encoding="utf-8"), columns.read_text(encoding="utf-8"))


VERSIONS = (
    Version("first", "9117eae", EDITS / "first"),
    Version("0.1", "85e1666^", EDITS),
    Version("0.2", "63f385d", EDITS / "0.2"),
)
"""An early one, the one before the modules moved into folders, and the last one that the changelog dates."""


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody whom it knows."""
    command = ["git", "-c", "user.name=alice", "-c", "user.email=alice@example.org", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout.strip()


def is_here(commit: str) -> bool:
    """Whether this project's clone has a commit: a shallow one, or an archive, does not."""
    command = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def template_of_this_tree(folder: Path) -> Path:
    """A repository with this project's history, and its files as they are now in one more commit."""
    git(ROOT, "clone", "--quiet", "--no-tags", str(ROOT), str(folder))
    files = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for file in git(folder, "ls-files").splitlines():
        (folder / file).unlink()
    for file in files:
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "as it is now")
    return folder


def paste(file: Path, code: str, *, above: str, lists: dict[str, str]) -> None:
    """Put code above a line of a file, and names at the end of its lists."""
    text = file.read_text(encoding="utf-8")
    assert text.count(f"\n{above}") == 1
    text = text.replace(f"\n{above}", f"\n{code}\n\n{above}")
    for name, members in lists.items():
        text, number = re.subn(rf"^({name}\b[^=]*= \[[^\]]*?),?\s*\]", rf"\1, {members}]", text, flags=re.M)
        assert number == 1
    file.write_text(text, encoding="utf-8")


def add_checks_and_columns(clone: Path, checks: str, columns: str) -> None:
    """Paste the owner's checks and columns, and name them in the lists."""
    source = clone / "frontend" / "src"
    names = {"CHECKS": "leaves_room_for_others, is_small"}
    paste(source / "checks.py", checks, above="CHECKS: ", lists=names)
    names = {"BEFORE_TASKS": "SUBMITTED", "AFTER_TASKS": "RESULTS"}
    paste(source / "columns.py", columns, above="BEFORE_TASKS = ", lists=names)


def add_model(data: Path, name: str, params: int) -> None:
    """A model of which only the header of the weights is true."""
    folder = data / "models" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n" + "It was made to be evaluated. " * 20)
    weight = {"dtype": "F32", "shape": [params], "data_offsets": [0, 4 * params]}
    header = json.dumps({"weight": weight}).encode()
    weights = len(header).to_bytes(8, "little") + header + bytes(4 * params)
    (folder / "model.safetensors").write_bytes(weights)


def add_result(data: Path) -> None:
    """A finished request of a model, its result, and what the backend of then has published."""
    identity = {"model": SMALL, "precision": "float16", "weight_type": "Original"}
    request = identity | {"status": "FINISHED", "submitted_time": "2026-01-31T12:00:00Z"}
    files: dict[str, object] = {
        f"requests/{SMALL}_eval_request_False_float16_Original.json": request,
        f"results/{SMALL}/results_2026-01-31T13-00-00.000000.json": {
            "config": {"model_name": SMALL, "model_dtype": "torch.float16", "model_sha": "0" * 40},
            "results": {"capitals": {"acc,none": 0.75}, "tiny_copy": {"exact_match,none": 0.25}},
        },
    }
    published = {"format": 1, "tasks": [{"name": "capitals"}, {"name": "tiny_copy"}]}
    files["results/.leaderboard/backend.yaml"] = published
    for path, content in files.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text(json.dumps(content))


def without_git_settings() -> dict[str, str]:
    """The environment without what git is told in it, and without a template."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "TEMPLATE"))}
