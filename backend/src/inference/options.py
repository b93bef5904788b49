"""How the owner's settings for served models are read."""

from __future__ import annotations

import re
import shlex
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from src.running.inference import Inference
from src.shared.errors import ConfigurationError

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
IMAGE = re.compile(r"[\w./:@-]{1,200}", re.ASCII)

NO_ADDRESS = (
    "INFERENCE is neither `local`, nor `endpoint`, nor an address: write one such as "
    "https://models.acme.org/v1, or leave it unset."
)
HOLDS_SECRETS = (
    "INFERENCE holds more than an address: remove the login, `?` and `#`. A key belongs in the secret "
    "INFERENCE_TOKEN."
)
NOT_ENCRYPTED = (
    "{} begins with http://, so a token would be sent unencrypted. Write https://, or leave the token unset."
)


class Place(NamedTuple):
    """Where models run."""

    inference: Inference = Inference.LOCAL
    url: str | None = None
    """The base address of a server that is there, without a slash at the end."""


def read_place(text: object) -> Place:
    """Read `INFERENCE`. An address without a path gets `/v1`. Raises ConfigurationError, without a secret."""
    given = str(text).strip()
    if given.lower() in (Inference.LOCAL, Inference.ENDPOINT):
        return Place(Inference(given.lower()))
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(NO_ADDRESS) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not given.isprintable() or " " in given:
        raise ConfigurationError(NO_ADDRESS)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(HOLDS_SECRETS)
    path = parts.path.rstrip("/") or "/v1"
    return Place(Inference.SERVER, f"{parts.scheme}://{parts.netloc}{path}")


def check_encryption(url: str, token: str | None, *, setting: str = "INFERENCE") -> None:
    """Raise ConfigurationError if a token would cross a network unencrypted. Within one machine it may."""
    parts = urlsplit(url)
    if token and parts.scheme == "http" and not is_this_machine(parts.hostname or ""):
        raise ConfigurationError(NOT_ENCRYPTED.format(setting))


def is_this_machine(host: str) -> bool:
    """Return whether a host is the machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_names(given: object) -> tuple[str, ...]:
    """Read names of hardware or regions, as a list or separated by commas. Raises ValueError."""
    entries = (
        given.split(",")
        if isinstance(given, str)
        else list(given)
        if isinstance(given, list | tuple)
        else None
    )
    names = tuple(str(each).strip().lower() for each in entries or () if str(each).strip())
    if entries is None or not all(NAME.fullmatch(each) for each in names):
        raise ValueError("these are no names")
    return names


def read_image(text: str) -> str:
    """Return the name of a container image. Raises ValueError."""
    if not IMAGE.fullmatch(text):
        raise ValueError("it is no name of an image")
    return text


def read_args(given: object) -> tuple[str, ...]:
    """Read a command's arguments, as a list or as a shell takes them. Raises ValueError for an open quote."""
    return tuple(str(each) for each in (shlex.split(given) if isinstance(given, str) else list(given)))  # type: ignore[call-overload]
