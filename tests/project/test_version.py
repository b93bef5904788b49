"""There is one version: of the code, of the project and of the changelog."""

import re
import tomllib

from support.sources import ROOT


def code_version() -> str:
    text = (ROOT / "frontend/src/shared/version.py").read_text(encoding="utf-8")
    [version] = re.findall(r'^VERSION = "(.+)"$', text, re.MULTILINE)
    return version


def test_the_project_has_the_version_of_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == code_version()
