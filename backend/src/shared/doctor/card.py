"""Checks of the Space's card: the head of its README.md, as the Hub reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from ..data.json_file import as_object
from ..data.yaml_file import read_yaml
from ..errors import BadFile
from .finding import Finding, green, warning, wrong

CHECKED = "Space card"
HEAD = re.compile(r"---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
GRADIO = re.compile(r"^gradio(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
PYTHONS = ("3.11", "3.12", "3.13")
LONGEST_DESCRIPTION = 60
"""Characters of `short_description` that the Hub takes."""

FINDER: Mapping[str, tuple[str, ...]] = {
    "submission": ("automatic", "semiautomatic", "manual", "closed"),
    "test": ("public", "mix", "private", "rolling"),
    "judge": ("function", "model", "humans", "vibe_eval", "auto"),
    "modality": ("text", "image", "audio", "video", "tools", "artefact", "artefacts", "3d", "agent"),
    "eval": ("generation", "math", "code", "performance", "safety", "rag", "reasoning"),
}
"""The values of the Leaderboard Finder's tags. A leaderboard with another one is not found by it."""

WANTED = ("submission", "test", "judge")
"""What the Finder asks of every leaderboard, in this order."""


def check_card(space: Path, *, is_a_leaderboard: bool) -> list[Finding]:
    """Check the card in a Space's folder. `is_a_leaderboard`: whether the Finder should find this Space."""
    try:
        head = read_head(space)
    except BadFile as error:
        return [
            wrong(
                CHECKED, f"README.md has no head that the Hub can read: {error}. Copy it from the template."
            )
        ]
    found = [*_software(space, head), *_looks(head)]
    if is_a_leaderboard:
        found += _tags(head)
    return found or [green(CHECKED, "The head of README.md is as the Hub wants it.")]


def read_head(space: Path) -> Mapping[str, object]:
    """Return the head of a Space's README.md. Raises BadFile if it is missing or no YAML."""
    try:
        text = (space / "README.md").read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise BadFile("the file cannot be read") from None
    match = HEAD.match(text)
    if match is None:
        raise BadFile("it does not begin with lines between two `---`")
    head = read_yaml(match.group(1).encode())
    if not isinstance(head, Mapping):
        raise BadFile("it holds no names with values")
    return as_object(head)


def _software(space: Path, head: Mapping[str, object]) -> Iterator[Finding]:
    if head.get("sdk") != "gradio":
        yield wrong(CHECKED, f"sdk in README.md is {head.get('sdk')!r}. Write `sdk: gradio`.")
    if not (space / str(head.get("app_file") or "")).is_file():
        yield wrong(CHECKED, f"app_file in README.md is {head.get('app_file')!r}. Write `app_file: app.py`.")
    locked = _locked_gradio(space)
    if locked and str(head.get("sdk_version")) != locked:
        yield wrong(
            CHECKED,
            f"sdk_version in README.md is {head.get('sdk_version')!r}, but requirements.txt has gradio "
            f"{locked}. Write `sdk_version: {locked}`.",
        )
    python = head.get("python_version")
    if python is not None and (
        not isinstance(python, str) or python.rpartition(".")[0] not in ("3", *PYTHONS)
    ):
        yield wrong(
            CHECKED,
            f'python_version in README.md is {python!r}, which is no text such as "3.11". Write '
            '`python_version: "3.11"`, with the quotes.',
        )
    elif python is None or not python.startswith(PYTHONS):
        yield wrong(
            CHECKED,
            f"python_version in README.md is {python!r}, and the packages need {PYTHONS[0]} to "
            f"{PYTHONS[-1]}. "
            'Write `python_version: "3.11"`.',
        )


def _locked_gradio(space: Path) -> str | None:
    try:
        match = GRADIO.search((space / "requirements.txt").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return match.group(1) if match else None


def _looks(head: Mapping[str, object]) -> Iterator[Finding]:
    for name in ("colorFrom", "colorTo"):
        if head.get(name) is not None and head[name] not in COLOURS:
            yield wrong(
                CHECKED,
                f"{name} in README.md is {head[name]!r}, which the Hub refuses. Write one of "
                f"{', '.join(COLOURS)}.",
            )
    description = head.get("short_description")
    if isinstance(description, str) and len(description) > LONGEST_DESCRIPTION:
        yield wrong(
            CHECKED,
            f"short_description in README.md has {len(description)} characters, and the Hub takes "
            f"{LONGEST_DESCRIPTION}. Shorten it.",
        )


def _tags(head: Mapping[str, object]) -> Iterator[Finding]:
    listed = head.get("tags")
    tags = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    checked = "Finder tags"
    if "leaderboard" not in tags and "arena" not in tags:
        yield warning(
            checked,
            "README.md lacks the tag `leaderboard`, so the Leaderboard Finder does not list it. Add it.",
        )
        return
    keys = [tag.partition(":")[0] for tag in tags]
    for key in WANTED:
        if key not in keys:
            values = ", ".join(f"`{key}:{value}`" for value in FINDER[key])
            yield warning(
                checked, f"README.md has no tag `{key}:…` for the Leaderboard Finder. Add one of {values}."
            )
    for tag in tags:
        yield from (warning(checked, sentence) for sentence in _unknown(tag))


def _unknown(tag: str) -> Iterator[str]:
    """Yield a sentence if the Finder does not know a tag that is meant for it."""
    key, colon, value = tag.partition(":")
    if not colon:
        return
    if key in FINDER and value not in FINDER[key]:
        meant = get_close_matches(value, FINDER[key], 1)
        hint = f" Did you mean `{key}:{meant[0]}`?" if meant else ""
        values = ", ".join(f"`{each}`" for each in FINDER[key])
        yield f"The Leaderboard Finder does not know the tag `{tag[:60]}`.{hint} Write one of {values}."
    elif (
        key == "language"
        and (len(value) < 4 or not value[0].isupper())
        and value not in ("Twi", "Ewe", "Lao")
    ):
        yield (
            f"The Leaderboard Finder wants languages by their English names, not `{tag[:60]}`. Write "
            "`language:English`."
        )
    elif key not in FINDER and (meant := get_close_matches(key, FINDER, 1, cutoff=0.75)):
        yield (
            f"The Leaderboard Finder does not know the tag `{tag[:60]}`. Did you mean "
            f"`{meant[0]}:{value[:30]}`?"
        )
