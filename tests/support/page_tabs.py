"""What the tests of the page's tabs share: a filled leaderboard, and a text that must stay one."""

from src.shared.data.request import Status
from support.boards import Leaderboard, scores

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">[x](javascript:alert(3))'


def is_harmless(html: str) -> bool:
    return "<script" not in html and "<img" not in html


def fill(leaderboard: Leaderboard) -> None:
    leaderboard.add_request(status=Status.FINISHED)
    leaderboard.add_result(scores=scores(0.5, 0.5, 0.5))
    leaderboard.keeper.sync()
