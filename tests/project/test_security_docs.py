"""docs/security.md speaks of the packages that are installed, and of tests that exist."""

import re

import pytest

from support.sources import ROOT, SPACES

TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TABLE = TEXT.partition("## Known advisories")[2].partition("\nFixed in the locked versions")[0]
FIXED = TEXT.partition("\nFixed in the locked versions")[2].partition("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TABLE.splitlines()
    if re.match(r"\| [a-z]", line)
][1:]


def locked() -> dict[str, str]:
    files = [(ROOT / space / "requirements.txt").read_text() for space in SPACES]
    return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", "\n".join(files), re.MULTILINE))


def named(text: str) -> list[tuple[str, str]]:
    """The packages in a text that stand with a version."""
    return [
        (name.replace("_", "-"), version)
        for name, version in re.findall(r"([a-z][a-z0-9_-]+) (\d+\.\d[\d.]*\d)", text)
    ]


@pytest.mark.parametrize("package", sorted({row[0] for row in ROWS}))
def test_an_advisory_is_about_the_version_that_is_installed(package: str) -> None:
    name, version = package.split(" ")
    assert locked()[name] == version


def test_what_is_said_to_be_fixed_is_installed_in_that_version() -> None:
    assert len(named(FIXED)) >= 10
    assert {name: locked()[name] for name, _ in named(FIXED)} == dict(named(FIXED))


def test_every_advisory_has_a_reason_and_a_test() -> None:
    assert len(ROWS) > 15
    for row in ROWS:
        assert len(row) == 6
        assert all(row)
        assert "`tests/" in row[5] or row[5] == "the same"


def test_every_test_that_is_named_exists() -> None:
    files = set(re.findall(r"`(tests/[a-z_/]+\.py)`", TEXT))
    assert len(files) > 10
    assert [file for file in files if not (ROOT / file).exists()] == []
