"""The commands in the documentation do what it says, as far as that can be tried without an account."""

import re
import subprocess
from pathlib import Path

import pytest

from support.sources import ROOT

YOUR_OWN = ROOT / "docs" / "your-own.md"


def git(*arguments: str, cwd: Path) -> str:
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("space", ["frontend", "backend"])
def test_the_commands_that_push_a_space_push_its_folder_and_nothing_else(tmp_path: Path, space: str) -> None:
    text = YOUR_OWN.read_text(encoding="utf-8")
    [split] = re.findall(rf"^git (subtree split --prefix={space} .*)$", text, re.MULTILINE)
    [push] = re.findall(rf"^git (push .* {space}-space:main)$", text, re.MULTILINE)
    address = next(word for word in push.split() if word.startswith("https://"))
    clone, hub = tmp_path / "clone", tmp_path / "hub.git"
    # A clone with one commit: splitting is the same, and a shallow clone of CI has no more.
    clone.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=clone)
    files = git("ls-files", "frontend", "backend", "README.md", cwd=ROOT).splitlines()
    for file in files:
        (clone / file).parent.mkdir(parents=True, exist_ok=True)
        (clone / file).write_bytes((ROOT / file).read_bytes())
    git("add", "--all", cwd=clone)
    git("commit", "--quiet", "--message", "all", cwd=clone)
    git("init", "--quiet", "--bare", str(hub), cwd=tmp_path)
    git(*split.split(), cwd=clone)
    git(*push.replace(address, str(hub)).split(), cwd=clone)
    pushed = git("ls-tree", "-r", "--name-only", "main", cwd=hub).splitlines()
    assert pushed == sorted(file.removeprefix(f"{space}/") for file in files if file.startswith(f"{space}/"))
    assert {"app.py", "README.md", "requirements.txt", "src/envs.py"} <= set(pushed)


def test_every_option_of_hf_repos_create_in_the_docs_exists() -> None:
    hf = ROOT / ".venv" / "frontend" / "bin" / "hf"
    usage = subprocess.run(
        [hf, "repos", "create", "--help"], capture_output=True, text=True, check=True
    ).stdout
    documents = [ROOT / "docs" / "your-own.md", ROOT / "frontend" / "src" / "shared" / "errors.py"]
    options = {
        option
        for document in documents
        for command in re.findall(r"hf repos create [^`\n]*", document.read_text(encoding="utf-8"))
        for option in re.findall(r"--[a-z-]+", command)
    }
    assert options == {"--repo-type", "--space-sdk", "--private"}
    assert all(option in usage for option in options)
