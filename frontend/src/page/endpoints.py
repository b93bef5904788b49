"""The named endpoints for programs; docs/api.md describes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr
from gradio.events import api as api_endpoint

from src.board.board import Board
from src.board.keeper import Keeper
from src.maintaining.maintainers import Maintainer, Maintainers
from src.maintaining.office import Office
from src.page import api
from src.page.ready import pass_ready_answers_on, ready
from src.page.updates import WAITING_FOR_A_COMMIT
from src.page.visitors import Visitors
from src.shared.data.precision import PRECISIONS
from src.shared.data.request import ORIGINAL
from src.shared.errors import LeaderboardError
from src.shared.serving.calls.delivered import text
from src.submitting.desk import Desk
from src.submitting.form import MAIN, UNKNOWN_TYPE, Form
from src.submitting.submitter import Submitter
from src.submitting.threads import Threads

TRUE = ("true", "1")
"""What programs may send for true. Types are not checked before this."""

ASKED_AT_ONCE = 8
"""How many tokens the Hub is asked about at the same time, in threads of their own."""


def add_endpoints(
    keeper: Keeper, desk: Desk, visitors: Visitors, office: Office, maintainers: Maintainers
) -> None:
    """Add the endpoints to the page that is being made."""
    pass_ready_answers_on()
    api_endpoint(_leaderboard(keeper), api_description="The whole table: headers, and rows of plain values.")
    api_endpoint(_reproduce(keeper), api_description="The commands that reproduce the rows of a model.")
    api_endpoint(_queue(keeper), api_description="All requests with their status.")
    identified = _identified(visitors)
    api_endpoint(
        _submit(desk, identified), api_description="Submit a model for evaluation.", **WAITING_FOR_A_COMMIT
    )
    api_endpoint(
        _withdraw(desk, identified),
        api_description="Withdraw a request of your own.",
        **WAITING_FOR_A_COMMIT,
    )
    api_endpoint(
        _maintain(office, maintainers, visitors),
        api_description="For maintainers: act on a request, a model, a user or the board.",
        **WAITING_FOR_A_COMMIT,
    )


def _leaderboard(keeper: Keeper) -> Callable[..., Any]:
    def leaderboard() -> dict[str, Any]:
        answer: dict[str, Any] = _once(keeper.now.board, api.leaderboard)
        return answer

    return leaderboard


def _reproduce(keeper: Keeper) -> Callable[..., Any]:
    def reproduce(model: str = "") -> list[dict[str, Any]]:
        answer: Any = api.reproduce(keeper.now.board, text(model))  # it may be an error
        return answer  # type: ignore[no-any-return]

    return reproduce


def _queue(keeper: Keeper) -> Callable[..., Any]:
    def queue() -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = _once(keeper.now.board, api.queue)
        return answer

    return queue


def _once(board: Board, answer: Callable[[Board], object]) -> Any:
    """Return the answer of a board: it is made once and sent to everybody who asks."""
    return board.derived.once(answer, lambda: ready(answer(board)))


Identified = Callable[[gr.Request, Callable[[Submitter], Awaitable[api.Answer]]], Awaitable[dict[str, Any]]]
"""Identifies the caller, then answers with the result of the given function."""


def _identified(visitors: Visitors) -> Identified:
    threads = Threads(ASKED_AT_ONCE)

    async def identified(
        request: gr.Request, do: Callable[[Submitter], Awaitable[api.Answer]]
    ) -> dict[str, Any]:
        try:
            who = await threads.run(visitors.submitter, request)
        except LeaderboardError as error:
            return {**api.refusal(error)}
        return {**await do(who)}

    return identified


def _submit(desk: Desk, identified: Identified) -> Callable[..., Any]:
    async def submit(
        request: gr.Request,
        model: str,
        base_model: str = "",
        revision: str = MAIN,
        precision: str = PRECISIONS[0],
        weight_type: str = ORIGINAL,
        model_type: str = UNKNOWN_TYPE,
        use_chat_template: bool = False,
    ) -> dict[str, Any]:
        optional = {
            "base_model": base_model,
            "revision": revision,
            "precision": precision,
            "weight_type": weight_type,
            "model_type": model_type,
        }
        # Types were not checked before this. Clients that cannot omit a value send null.
        given = {name: text(value) for name, value in optional.items() if value}
        is_chat = text(use_chat_template).lower() in TRUE
        form = Form(text(model), **given, use_chat_template=is_chat)
        return await identified(request, lambda who: api.submit(desk, form, who))

    return submit


def _withdraw(desk: Desk, identified: Identified) -> Callable[..., Any]:
    async def withdraw(request: gr.Request, path: str) -> dict[str, Any]:
        return await identified(request, lambda who: api.withdraw(desk, text(path), who))

    return withdraw


def _maintain(office: Office, maintainers: Maintainers, visitors: Visitors) -> Callable[..., Any]:
    threads = Threads(ASKED_AT_ONCE)

    def admitted(request: gr.Request) -> Maintainer:
        return maintainers.admit(visitors.submitter(request), visitors.token(request))

    async def maintain(request: gr.Request, act: str, target: str = "", reason: str = "") -> dict[str, Any]:
        try:
            who = await threads.run(admitted, request)
        except LeaderboardError as error:
            return {**api.refusal(error)}
        return {**await api.maintain(office, text(act), text(target), text(reason), who)}

    return maintain
