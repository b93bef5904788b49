"""Links to models, requests, results and logs. What has no web page is plain text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from huggingface_hub import constants
from markupsafe import Markup, escape

from src.board.keeper import Keeper
from src.leaderboard.rows import Row
from src.shared.data.model_name import is_model_name
from src.shared.data.provenance import Samples
from src.shared.stores.store import Store

REQUEST = "request"
"""In the page's address: the path of the request that is to be shown."""


@dataclass(frozen=True)
class Links:
    """Links into the two datasets, and to models that are not in the local folder."""

    requests: Store
    results: Store
    local_models: Collection[str] = ()

    @classmethod
    def of(cls, keeper: Keeper) -> Links:
        """Links into what is on the board now."""
        return cls(keeper.requests, keeper.results, keeper.now.board.local_models)

    def request(self, path: str, text: str) -> Markup:
        """The request's file."""
        return link(self.requests.address(path), text)

    def result(self, path: str, text: str) -> Markup:
        """A file of the results dataset: a result or a log."""
        return link(self.results.address(path), text)

    def samples(self, kept: Samples) -> str | None:
        """Return the address of the folder with a run's questions and answers, or None on this machine."""
        if kept.repo is None:
            return self.results.folder_address(kept.path)
        return f"{constants.ENDPOINT}/datasets/{quote(kept.repo)}/tree/main/{quote(kept.path)}"

    def model(self, name: str) -> Markup:
        """The model's page."""
        return link(self._page(name), name)

    def commit(self, name: str, commit: str, text: str) -> Markup:
        """The model's files at a commit."""
        page = self._page(name)
        return link(page and files_address(page, commit), text)

    def _page(self, name: str) -> str | None:
        return None if name in self.local_models else model_address(name)


def link(address: str | None, text: Markup | str) -> Markup:
    """Return a link that opens in a new tab, or only the text. Both are escaped."""
    if not address:
        return escape(text)
    # Markup's own format takes ten times as long, and a table has thousands of links.
    return Markup(f'<a href="{escape(address)}" target="_blank" rel="noopener">{escape(text)}</a>')


def files_address(page: str, commit: str) -> str:
    """Return the address of a model's files at a commit, given that of the model's page."""
    return f"{page}/tree/{quote(commit, safe='')}"


def request_link(path: str, text: Markup | str) -> Markup:
    """Return a link to the page with one request open."""
    return Markup('<a href="{}">{}</a>').format(request_address(path), text)


def request_address(path: str) -> str:
    """Return the address of the page with one request open, which people can keep and share."""
    return f"?{REQUEST}={quote(path)}"


def page_of(row: Row, local_models: Collection[str]) -> str | None:
    """Return the address of a row's model on the Hub, or None if it lies in the local folder or is gone."""
    is_there = row.model not in local_models and row.is_available is not False
    return model_address(row.model) if is_there else None


def model_address(name: str) -> str | None:
    """Return the address of a model's page on the Hub, or None if the Hub could not have the name."""
    return f"{constants.ENDPOINT}/{quote(name)}" if is_model_name(name) else None
