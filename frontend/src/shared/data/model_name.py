"""The name of a model as people type or paste it."""

from __future__ import annotations

import re
from urllib.parse import unquote

from huggingface_hub import constants
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

HUB = r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)"
AT_A_REVISION = ("tree", "blob", "resolve", "commits", "commit")
WITHIN_A_REPOSITORY = (*AT_A_REVISION, "discussions")
OTHER_KINDS = ("datasets", "spaces")


def model_name(text: str) -> str:
    """Return the model name in a text; of a link to a model's page, the part that is the name."""
    parts = _parts_of_a_link(text)
    if parts is None:
        return text.strip()
    if parts and parts[0] in OTHER_KINDS:
        return "/".join(parts[:3])
    return parts[0] if len(parts) > 1 and parts[1] in WITHIN_A_REPOSITORY else "/".join(parts[:2])


def linked_revision(text: str) -> str:
    """Return the revision in a link to a model's files, if it is a single part; empty without one."""
    parts = _parts_of_a_link(text) or []
    place = next((number for number, part in enumerate(parts[:3]) if part in AT_A_REVISION), None)
    after = parts[place + 1 :] if place else []
    return unquote(after[0]) if after else ""


def _parts_of_a_link(text: str) -> list[str] | None:
    """Return the path's parts in a link to the Hub or the configured endpoint; None for other texts."""
    link = re.match(rf"(?:{HUB}|{re.escape(constants.ENDPOINT)})/([^?#]*)", text.strip(), re.IGNORECASE)
    return [part for part in link[1].split("/") if part] if link else None


def is_model_name(text: str) -> bool:
    """Return whether the Hub could have a model of this name."""
    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return text.isascii()  # the client takes letters of any alphabet, the Hub does not
