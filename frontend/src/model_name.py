"""The name of a model as people type or paste it."""

from __future__ import annotations

import re

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

LINK = re.compile(r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/([^?#]*)", re.IGNORECASE)
WITHIN_A_REPOSITORY = ("tree", "blob", "resolve", "discussions", "commits", "commit")


def model_name(text: str) -> str:
    """The name that a text holds; of a link to a model's page, the part that is the name."""
    link = LINK.match(text.strip())
    if not link:
        return text.strip()
    parts = [part for part in link[1].split("/") if part]
    return parts[0] if len(parts) > 1 and parts[1] in WITHIN_A_REPOSITORY else "/".join(parts[:2])


def is_model_name(text: str) -> bool:
    """Whether the Hub could have a model of this name."""
    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return True
