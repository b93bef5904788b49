"""What maintainers write into a field: names of models and users, patterns of names, and reasons."""

from __future__ import annotations

import re
from enum import Enum

from src.shared.data.model_name import is_model_name, model_name
from src.shared.errors import NotPossible, on_one_line, shown
from src.shared.moderation.acts import LONGEST_NAME, LONGEST_REASON
from src.submitting.submitter import is_a_login

PATTERN = re.compile(r"[A-Za-z0-9._*?-]+/[A-Za-z0-9._*?-]+")
"""Names with `*` for any characters and `?` for one."""


class Field(Enum):
    """What a field is to hold."""

    NOTHING = "the board, which has no name"
    MODEL = "one model"
    MODELS = "a model, or a pattern of models"
    USER = "a user of the Hub"
    ANYTHING = "what is in force under this name"

    def read(self, text: str) -> str:
        """Return the name in a field. Raises NotPossible if it can be none, with what to write."""
        text = text.strip()
        match self:
            case Field.NOTHING:
                return ""
            case Field.USER:
                is_one, kind = is_a_login(text), "a user's name"
                example = "Write a user's name on the Hub, such as alice"
            case Field.ANYTHING:
                is_one = 0 < len(text) <= LONGEST_NAME and text.isprintable()
                kind, example = "a name", "Copy the name from the list below"
            case Field.MODEL:
                text = model_name(text)
                is_one, kind = _is_a_model(text), "a model's name"
                example = "Write one model, such as org/model"
            case Field.MODELS:
                text = model_name(text)
                is_one, kind = _is_a_model(text) or _is_a_pattern(text), "a model's name"
                example = "Write a model, such as org/model, or a pattern, such as org/*"
        if not is_one:
            raise NotPossible(f"{shown(text)} is not {kind}. {example}.")
        return text


def _is_a_model(text: str) -> bool:
    """Return whether a text can be a model's name, also one without an organisation, such as gpt2."""
    return len(text) <= LONGEST_NAME and is_model_name(text)


def _is_a_pattern(text: str) -> bool:
    """Return whether a text is a pattern of names. It must say more than "all models"."""
    is_one = len(text) <= LONGEST_NAME and PATTERN.fullmatch(text) is not None and {*"*?"} & {*text}
    return bool(is_one) and any(letter.isalnum() for letter in text)


def read_reason(text: str, *, is_needed: bool) -> str:
    """Return a reason as it is kept. Raises NotPossible, with what to do."""
    reason = on_one_line(text)
    if is_needed and not reason:
        raise NotPossible("Give a reason: the people it affects will read it.")
    if len(reason) > LONGEST_REASON:
        raise NotPossible(
            f"The reason has {len(reason):,} characters. Shorten it to at most {LONGEST_REASON}."
        )
    return reason
