"""How a URL names what it is about: a repository, a revision, a path in it.

Routes match the URL as it was sent, so that a revision with a slash (`refs%2Fpr%2F1`) is one segment.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor

from .repository import RepoName

ID = "[^/]+(?:/[^/]+)?"


class InApi(Convertor[RepoName]):
    """`models/acme/tiny`, `datasets/acme/requests`, `spaces/acme/leaderboard`."""

    regex = f"(?:models|datasets|spaces)/{ID}"

    def convert(self, value: str) -> RepoName:
        return RepoName.from_path(unquote(value.removeprefix("models/")))


class OnSite(Convertor[RepoName]):
    """`acme/tiny`, `datasets/acme/requests`, `spaces/acme/leaderboard`."""

    regex = f"(?:(?:datasets|spaces)/)?{ID}"

    def convert(self, value: str) -> RepoName:
        return RepoName.from_path(unquote(value))


class Revision(Convertor[str]):
    """One segment, or a pull request whose slashes were not encoded."""

    regex = "refs/(?:pr|convert)/[^/]+|[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)


class FilePath(Convertor[str]):
    """The rest of the URL."""

    regex = ".*"

    def convert(self, value: str) -> str:
        return unquote(value)


def register() -> None:
    """Let routes use `{repo:api}`, `{repo:site}`, `{revision:revision}` and `{path:file}`."""
    register_url_convertor("api", InApi())
    register_url_convertor("site", OnSite())
    register_url_convertor("revision", Revision())
    register_url_convertor("file", FilePath())
