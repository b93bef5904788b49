"""Removes from an engine's report what must not be published: secrets, and the paths of the machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

from src.running.looks_secret import without_secrets as without_secrets_in
from src.running.looks_secret import without_tokens
from src.shared.data.json_file import Object
from src.shared.data.reports import OURS

Names = Mapping[str, str]
"""The models' names on the Hub, by the names or folders that a report has for them."""

A_SECRET = re.compile(
    r"(?:(?:hf|hub|auth|access|api|bearer|use_auth|read|write)_?)?token"
    r"|.*(?:api_?key|secret|password|passwd|credential|authorization).*|.*(?:^|_)auth|env_vars|headers?",
    re.IGNORECASE,
)
"""The names of settings that hold a secret. Tokens of text, such as `eos_token`, are none."""

AN_ARGUMENT = re.compile(r"(^|,)([^,=]+)=[^,]*")
"""One of lm_eval's arguments in its short form, `name=value,name=value`."""

ONLY_A_PATH = re.compile(r"\s*(?:file://)?(?:(?:~\w*|[A-Za-z]:)[/\\]|\\\\[\w.$-]+\\(?=\w)|/[^/\n]+/)[^\n]*")
"""A text that is nothing but the path of a file or folder, from the root or somebody's home."""

IN_A_TEXT = re.compile(
    r"(?<![\w./\\])(?:file://)?(?:/(?:home|Users|mnt|scratch|workspace)|/(?=root/)|[A-Za-z]:\\Users)"
    r"(?:[/\\]+[\w.@+~-]+)+"
)
"""A path within a text, if it begins like one that names a person or a machine. Prompts have slashes too."""

OF_THE_RUN, OF_TASKS = ("config", "config_general", OURS), ("configs", "config_tasks")
"""The sections of a report with settings: of the whole run, and of each task by its name."""

NAME_THE_MODEL = ("model_name", "pretrained", "peft")
"""Keys whose value names the model, even if it is a bare word. Elsewhere such a word may mean anything."""


def without_secrets(report: Object) -> dict[str, object]:
    """Return a report without its secrets: an API's key, the token of a library, the login in an address."""

    def cleaned(name: str, section: object) -> object:
        of_a_text = _of_a_setting if name in OF_THE_RUN else _of_a_prompt
        return _mapped(_without_secret_settings(name, section), without_tokens, of_a_text)

    return {name: cleaned(name, section) for name, section in report.items()}


def without_paths(report: Object, names: Names) -> dict[str, object]:
    """Return a report with names on the Hub in place of folders, and other paths cut to their end."""
    paths = sorted((name for name in names if re.search(r"\w", name) and re.search(r"[/\\]", name)), key=len)
    any_of_them = "|".join(re.escape(name.rstrip("/\\")) for name in reversed(paths))
    given = re.compile(rf"(?<![\w./\\-])(?:{any_of_them})(?![\w-]|\.\w)") if paths else None
    by_path = {name.rstrip("/\\"): names[name] for name in paths}

    def without_a_path(text: str) -> str:
        if given:
            text = given.sub(lambda found: by_path[found[0]], text)
        if ONLY_A_PATH.fullmatch(text):
            return _end_of(text)
        return IN_A_TEXT.sub(lambda found: _end_of(found[0]), text)

    def of_a_key(key: str, text: str) -> str:
        return names[text] if key in NAME_THE_MODEL and text in names else without_a_path(text)

    return cast(dict[str, object], _mapped(report, without_a_path, of_a_key))


def _without_secret_settings(section: str, value: object) -> object:
    """Return a section without settings whose name is that of a secret. A task may have such a name."""
    if section in OF_TASKS and isinstance(value, Mapping):
        return {task: _without(each) for task, each in value.items()}
    return _without(value) if section in OF_THE_RUN else value


def _without(value: object) -> object:
    if isinstance(value, list):
        return [_without(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _without(each)
        for name, each in value.items()
        if not (A_SECRET.fullmatch(name) and isinstance(each, str | list | Mapping))
    }


def _of_a_prompt(_: str, text: str) -> str:
    """Return a text without tokens. Words that only look like a secret's name may belong to a question."""
    return without_tokens(text)


def _of_a_setting(key: str, text: str) -> str:
    if key == "model_args":
        text = AN_ARGUMENT.sub(lambda found: "" if A_SECRET.fullmatch(found[2].strip()) else found[0], text)
        text = text.removeprefix(",")
    return without_secrets_in(text)


def _end_of(path: str) -> str:
    return re.split(r"[/\\]", path.strip().rstrip("/\\"))[-1]


def _mapped(
    value: object, of_a_name: Callable[[str], str], of_a_text: Callable[[str, str], str], key: str = ""
) -> object:
    """Return a value of JSON with its names and texts mapped. A text comes with the key that it is below."""
    match value:
        case str():
            return of_a_text(key, value)
        case Mapping():
            return {
                of_a_name(name): _mapped(each, of_a_name, of_a_text, name) for name, each in value.items()
            }
        case list():
            return [_mapped(each, of_a_name, of_a_text, key) for each in value]
        case _:
            return value
