"""Reading what owners set: a variable of the environment, else what envs.py says, else the default."""

from __future__ import annotations

import inspect
import logging
import os
import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from .errors import ConfigurationError

log = logging.getLogger(__name__)

S = TypeVar("S")

Positive = Annotated[float, Field(gt=0), "a number above 0"]
Port = Annotated[int, Field(ge=0, le=65535), "a whole number up to 65535"]

WANTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
"""The name of a type in messages. An annotation may hold a better one."""

READING = ConfigDict(allow_inf_nan=False, coerce_numbers_to_str=True, str_strip_whitespace=True)


OLD_NAMES = {"HF_TOKEN": "TOKEN"}
"""Other names of settings in the old template's envs.py."""

QUIET_GRADIO = {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000"}
"""Switches off Gradio's reports to its makers and its statistics. It would sum up all past events after each
one, ever more slowly, and anybody could read the result at `/monitoring/summary`.
"""

LONGEST_MESSAGE = 300
"""Characters of an error that a message repeats."""

CORRECT = "Correct this line."

REMEDIES = (
    (
        r"\blogin\s*\(",
        "Remove this line: the Space signs in automatically with the token in its secret HF_TOKEN.",
    ),
    (
        r"\b(snapshot_download|hf_hub_download|add_to_collection|restart_space|Repository)\b",
        "Remove this line: the Space reads and writes its datasets automatically.",
    ),
    (
        r"\bsrc\.(display|leaderboard|submission|populate|scripts|tools|backend|manage_requests|utils)\b",
        "This module belongs to the old template and does not exist here: remove the line and what uses it. "
        "docs/moving-over.md shows where its settings are now.",
    ),
    (
        r"\b(num_questions|in_overall|displayed_by_default)\s*=",
        "Write weight for num_questions, in_average for in_overall, and is_default for displayed_by_default.",
    ),
    (
        r"\b(src\.)?envs\b",
        "src/envs.py has no such name: write the value itself here, or add the name to src/envs.py.",
    ),
    (
        r"\bopen\s*\(|\bread_text\s*\(|\bread_bytes\s*\(",
        "The file is not where this line looks: put it into the folder src and open it with "
        'Path(__file__).with_name("…"), or write its text here.',
    ),
)
"""Remedies for lines in old files: a pattern of the line, and a sentence."""

ALIKE = 0.87
"""The similarity, of at most 1, from which a name counts as a misspelt setting."""


def owners_file(module: str) -> ModuleType:
    """Import a file that owners edit, `src.envs` or `src.about`.

    Raises ConfigurationError with the line and what to do if the import fails for any reason.
    """
    path = module.replace(".", "/") + ".py"
    try:
        return import_module(module)
    except (Exception, SystemExit) as error:
        file, line = _place(path, error)
        frames = traceback.extract_tb(error.__traceback__)
        texts = [each.line or "" for each in frames if each.filename.endswith(file) and each.lineno == line]
        what = (
            error.msg if isinstance(error, SyntaxError) and error.msg else str(error)
        )  # the rest says the line once more
        message = " ".join(what.split())[:LONGEST_MESSAGE].rstrip(".")
        reason = f"{type(error).__name__}: {message}".removesuffix(": ")
        raise ConfigurationError(
            f"{file}, line {line}: {reason}. {_remedy(texts[0] if texts else '')}"
        ) from error


def _place(path: str, error: BaseException) -> tuple[str, int | None]:
    """The file and the line to correct: where the text of a file breaks the grammar, that file."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        file = Path(error.filename)
        if file.is_relative_to(Path.cwd()):
            file = file.relative_to(Path.cwd())
        return path if file.as_posix().endswith(path) else file.as_posix(), error.lineno
    return path, _line(path, error.__traceback__)


def _remedy(line: str) -> str:
    """Return what to do about a failing line of an owner's file."""
    return next((remedy for pattern, remedy in REMEDIES if re.search(pattern, line)), CORRECT)


def _line(path: str, trace: TracebackType | None) -> int | None:
    """Return the failing line of the file: inside a class its own line, inside a function the line of the
    call.
    """
    line = None
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename.endswith(path):
            if code.co_flags & inspect.CO_OPTIMIZED:  # set for functions, but not for modules and classes
                break
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def read_settings(
    kind: type[S], envs: ModuleType | None = None, environment: Mapping[str, str] = os.environ
) -> S:
    """Read the settings of a dataclass: its field `refresh_rate` is the setting REFRESH_RATE.

    So a duplicated Space can be configured without an edit, and names missing from an envs.py, as in the old
    template's, get their defaults. An empty text counts as not set, and so does None in the file. Names that
    look like a misspelt setting are logged.

    Raises ConfigurationError for a value of the wrong type.
    """
    types = get_type_hints(kind, include_extras=True)
    names = {field.name.upper() for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    in_the_file = filter(str.isupper, vars(envs) if envs else ())
    for sentence in misspelt(names, {*environment, *in_the_file}):
        log.warning("%s", sentence)
    given = {
        name.lower(): _read(name, value, types[name.lower()], is_variable=is_variable)
        for name, value, is_variable in _given(kind, envs, environment)
    }
    return kind(**given)


def as_written(
    kind: type[S], envs: ModuleType | None = None, environment: Mapping[str, str] = os.environ
) -> dict[str, object]:
    """Return the values that are set, by name, as the owner wrote them."""
    return {name: value for name, value, _ in _given(kind, envs, environment)}


def mistakes(
    kind: type[S], envs: ModuleType | None = None, environment: Mapping[str, str] = os.environ
) -> Iterator[str]:
    """Yield a sentence for each setting of the wrong type. `read_settings` stops at the first."""
    types = get_type_hints(kind, include_extras=True)
    for name, value, is_variable in _given(kind, envs, environment):
        try:
            _read(name, value, types[name.lower()], is_variable=is_variable)
        except ConfigurationError as error:
            yield str(error)


def _given(
    kind: type[S], envs: ModuleType | None, environment: Mapping[str, str]
) -> Iterator[tuple[str, object, bool]]:
    """Yield each setting that is set: its name, its value, and whether a variable sets it."""
    for field in fields(kind):  # type: ignore[arg-type]  # every caller gives a dataclass
        name = field.name.upper()
        text = environment.get(name, "").strip()
        value = text or _in_the_file(name, envs, other_owner=environment.get("OWNER", "").strip())
        if value is not None:
            yield name, value, bool(text)


def misspelt(names: Collection[str], given: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each given name that looks like a misspelt setting."""
    for name, meant in look_alike(names, given):
        yield f"{name} is not a setting, so it has no effect. Did you mean {meant}?"


def look_alike(
    names: Collection[str], given: Collection[str], *, alike: float = ALIKE
) -> Iterator[tuple[str, str]]:
    """Yield each given name that looks like a misspelt setting, with that setting.

    `alike` is the similarity, of at most 1, from which it does.
    """
    for name in sorted({*given} - {*names}):
        meant = get_close_matches(name.upper(), names, 1, cutoff=alike)
        if meant:
            yield name, meant[0]


def _in_the_file(name: str, envs: ModuleType | None, *, other_owner: str) -> object:
    """Return a value of envs.py. Datasets of the owner in the file follow an OWNER variable."""
    value = _filled(getattr(envs, name, None))
    if value is None:
        value = _filled(getattr(envs, OLD_NAMES.get(name, name), None))
    owner = getattr(envs, "OWNER", None)
    if other_owner and isinstance(owner, str) and isinstance(value, str) and value.startswith(f"{owner}/"):
        return f"{other_owner}/{value.removeprefix(f'{owner}/')}"
    return value


def _filled(value: object) -> object:
    """Return a value of envs.py. An empty text, as `os.environ.get("TOKEN", "")` leaves,
    counts as not set.
    """
    return None if isinstance(value, str) and not value.strip() else value


def _read(name: str, value: object, kind: Any, *, is_variable: bool) -> object:
    try:
        return TypeAdapter(kind, config=READING).validate_python(value)
    except ValidationError:
        place, remedy = ("", "leave it unset") if is_variable else (" in src/envs.py", "remove the line")
        wanted = _wanted(kind)
        raise ConfigurationError(
            f"{name}{place} is {value!r}, where {wanted} is needed: write {wanted.rstrip(',')}, or {remedy}."
        ) from None


def _wanted(kind: Any) -> str:
    """Return the values that a setting's type allows, in words."""
    parts = [kind, *get_args(kind)]
    parts += [part for inner in get_args(kind) for part in get_args(inner)]
    return next((part for part in parts if isinstance(part, str)), None) or next(
        WANTED[part] for part in parts if part in WANTED
    )
