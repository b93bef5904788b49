"""Comments on evaluated models: the scores of a run, in a discussion of the model's repository."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from huggingface_hub import DiscussionComment

from src.shared.data.request import Request, Status
from src.shared.data.result import Result
from src.shared.stores.hub import FAILURES, Hub, reason, status_of
from src.telling.webhook import plain

log = logging.getLogger(__name__)

TITLE = "Results on {}"
MARK = "<!-- run {} -->"
"""Names the run in a comment, by which a later look finds that it was told."""

LEFT_OUT = "It is left out."
MOST_SCORES = 30
MOST_DISCUSSIONS = 200
"""How many of our own discussions of a model are looked at."""


CLOSED = (
    "did not comment on %s: its discussion %s is closed, so nobody wants to hear more. Open it again to "
    "have later runs told."
)


class _Ours(NamedTuple):
    """Our discussions of a model, by their numbers, and whether a comment in them names the run."""

    number: int | None
    closed: int | None
    is_told: bool = False


class Comments:
    """Writes at most one comment for a run. All runs of a model are told in one discussion. Once somebody
    closes it, no more is written about that model.

    `board` names the leaderboard for people, `page` returns the address of its page.
    """

    def __init__(self, hub: Hub, board: str, page: Callable[[], str | None] = lambda: None) -> None:
        self._hub = hub
        self._board = board
        self._page = page
        self._user: str | None = None

    def publish(self, request: Request, result: Result) -> bool:
        """Comment on the model unless this run was told. Return whether it is told now. Raises no error."""
        if request.status is not Status.FINISHED or not request.run:
            return False
        try:
            return self._publish(request, result, request.run)
        except FAILURES as error:
            if status_of(error) in (403, 404):  # discussions are off, or the token may not
                log.warning("did not comment on %s: %s", request.model, reason(error, self._hub))
            else:
                log.warning("could not comment on %s: %s", request.model, reason(error, self._hub, LEFT_OUT))
            return False

    def _publish(self, request: Request, result: Result, run: str) -> bool:
        """Look before each try: the answer to an earlier one may have been lost."""
        model, text = request.model, self.text(request, result, run)

        def one_try() -> bool:
            ours = self._look(model, run)
            if ours.is_told:
                return True
            if ours.closed is not None:
                log.info(CLOSED, model, ours.closed)
                return False
            if ours.number is None:
                self._hub.api.create_discussion(model, TITLE.format(self._board), description=text)
            else:
                self._hub.api.comment_discussion(model, ours.number, comment=text)
            return True

        return self._hub.call(one_try)

    def _look(self, model: str, run: str) -> _Ours:
        """Look at our discussions of a model, of which there should be one."""
        if self._user is None:
            self._user = str(self._hub.api.whoami()["name"])
        number = closed = None
        title = TITLE.format(self._board)
        found = self._hub.api.get_repo_discussions(
            model, author=self._user, discussion_type="discussion", discussion_status="all"
        )
        for _, discussion in zip(range(MOST_DISCUSSIONS), found, strict=False):
            if discussion.title != title or discussion.author != self._user:
                continue
            details = self._hub.api.get_discussion_details(model, discussion.num)
            comments = [each for each in details.events if isinstance(each, DiscussionComment)]
            if any(MARK.format(run) in each.content for each in comments if each.author == self._user):
                return _Ours(discussion.num, closed, is_told=True)
            if discussion.status == "open":
                number = discussion.num
            else:
                closed = discussion.num
        return _Ours(number, closed)

    def text(self, request: Request, result: Result, run: str) -> str:
        """Return the comment, in Markdown."""
        page = self._page()
        board = f"[{self._board}]({page})" if page else f"`{self._board}`"
        rows = [
            f"| {_cell(task)} | {_cell(metric)} | {value:.4g} |"
            for task, metrics in result.scores.items()
            for metric, value in metrics.items()
            if value is not None
        ]
        more = [f"\nand {len(rows) - MOST_SCORES} more."] if len(rows) > MOST_SCORES else []
        kind = f"commit `{(request.commit or '')[:8]}`, {_cell(request.kind)}"
        return "\n".join(
            [
                f"This model was evaluated on the leaderboard {board} ({kind}).",
                "",
                "| task | metric | score |",
                "| --- | --- | --- |",
                *rows[:MOST_SCORES],
                *more,
                "",
                MARK.format(run),
            ]
        )


def page_of(endpoint: str, space: str | None) -> str | None:
    """Return the address of a Space, if there is one."""
    return f"{endpoint}/spaces/{quote(space)}" if space else None


def _cell(text: str) -> str:
    """Return a text for a cell of a Markdown table."""
    return plain(text).replace("|", "\\|")
