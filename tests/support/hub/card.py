"""The metadata at the head of a README, which the Hub shows and filters by."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from .git_objects import Blob, Commit
from .repository import Repository

FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)


def front_matter(text: str) -> dict[str, Any] | None:
    """The YAML between the two `---` lines; None without one. Raises yaml.YAMLError."""
    found = FRONT_MATTER.match(text)
    metadata = yaml.safe_load(found[1]) if found else None
    # As JSON has it: dates become texts.
    return json.loads(json.dumps(metadata, default=str)) if isinstance(metadata, dict) else None


def card_of(repository: Repository, commit: Commit) -> dict[str, Any] | None:
    """The metadata of a repository's README; None when there are none that can be read."""
    readme = commit.tree.find("README.md")
    if not isinstance(readme, Blob):
        return None
    try:
        return front_matter(repository.content(readme).decode("utf-8", "replace"))
    except yaml.YAMLError:
        return None


def texts(value: object) -> list[str]:
    """A field that may hold one text or a list of them."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]
