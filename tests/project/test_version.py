"""There is one version, of the code, of the project and of the changelog, and the changelog's tables hold."""

import re
import tomllib
from datetime import date

from support.sources import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def code_version() -> str:
    text = (ROOT / "frontend/src/shared/version.py").read_text(encoding="utf-8")
    [version] = re.findall(r'^VERSION = "(.+)"$', text, re.MULTILINE)
    return version


def test_the_project_has_the_version_of_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == code_version()


def test_the_changelog_begins_with_the_version_of_the_code_and_dates_each() -> None:
    headings = [line for line in re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE) if line != "Unreleased"]
    versions = [re.fullmatch(r"(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)", line) for line in headings]
    assert versions and all(versions), headings
    assert next(found[1] for found in versions if found) == code_version()
    dates = [date.fromisoformat(found[2]) for found in versions if found]
    assert dates == sorted(dates, reverse=True)


def exists(module: str) -> bool:
    """Whether the frontend has a module of this name; a folder is none."""
    return (ROOT / "frontend" / f"{module.replace('.', '/')}.py").exists()


def test_modules_that_moved_are_where_the_changelog_says() -> None:
    rows = re.findall(r"^\| `(src[\w.]+)` \| `(src[\w.]+)` \|$", CHANGELOG, re.MULTILINE)
    assert len(rows) > 40
    assert not [old for old, _ in rows if exists(old)]
    assert not [new for _, new in rows if not exists(new)]
    [stayed] = re.findall(r"^(.*) stay where they were\.$", CHANGELOG, re.MULTILINE)
    assert all(exists(name) for name in re.findall(r"`(src[\w.]+)`", stayed))
