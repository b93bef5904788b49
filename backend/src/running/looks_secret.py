"""What looks like a secret in a text that strangers will read: in a log, or in an imported report."""

from __future__ import annotations

import re

REMOVED = "[removed]"

TOKENS = [
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"()\b(?:(?:hf|api_org)_[A-Za-z0-9]{12,}|hf_(?:oauth|jwt)_[\w.-]{12,})",  # the Hub's
        r"()\bsk-[\w-]{16,}",  # OpenAI's, and those of others in its form
        r"(://)[^/\s@]+(?=@)",  # a login in an address
    )
]
NAMED = [
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"([Bb]earer |(?i:authorization)\W{1,6}(?i:basic|token)\s)\S+",
        r"(\b(?i:(?:access_|auth_|hf_)?token)=[\"']?)[^\s\"'&,;)]+",
        r"(\b(?i:(?:\w{1,40}_)?api_?key)[\"']?(?:=|:\s?)[\"']?)[^\s\"'&,;)]+",
    )
]
"""The first group of each pattern stays."""

ADDRESS = re.compile(r"(?i:https?://)[^\s\"'<>]+")
SIGNED = re.compile(
    r"(?<![A-Za-z])(?i:Signature|Policy|Key-Pair-Id|X-Amz-[\w-]{1,40}|X-Goog-[\w-]{1,40}|token|sig|api_?key)=",
    re.ASCII,
)
"""What the query of a signed URL contains. Anyone who has such a URL has access."""


def without_tokens(text: str) -> str:
    """Return a text without tokens that have a form of their own, and without secrets in addresses."""
    text = ADDRESS.sub(_unsigned, text)
    return _without(TOKENS, text)


def without_secrets(text: str) -> str:
    """Return a text also without what is called a token or a key, whatever form it has."""
    return _without(NAMED, without_tokens(text))


def _without(patterns: list[re.Pattern[str]], text: str) -> str:
    for pattern in patterns:
        text = pattern.sub(rf"\1{REMOVED}", text)
    return text


def _unsigned(found: re.Match[str]) -> str:
    """Return a URL without its query if that contains a signature."""
    address, mark, query = found[0].partition("?")
    return address + mark + (REMOVED if SIGNED.search(query) else query)
