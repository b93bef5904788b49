"""The commands in the documentation do what it says, as far as that can be tried without an account."""

import re
import subprocess
from pathlib import Path

from support.sources import ROOT


def git(*arguments: str, cwd: Path) -> str:
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def test_every_option_of_hf_repos_create_in_the_docs_exists() -> None:
    hf = ROOT / ".venv" / "frontend" / "bin" / "hf"
    usage = subprocess.run(
        [hf, "repos", "create", "--help"], capture_output=True, text=True, check=True
    ).stdout
    documents = [*ROOT.glob("docs/*.md"), ROOT / "frontend" / "src" / "shared" / "errors.py"]
    options = {
        option
        for document in documents
        for command in re.findall(r"hf repos create [^`\n]*", document.read_text(encoding="utf-8"))
        for option in re.findall(r"--[a-z-]+", command)
    }
    assert options == {"--repo-type", "--private"}
    assert all(option in usage for option in options)
