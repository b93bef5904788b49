"""Why a deployment stops, as a sentence for the owner, and the Hub's failures as such sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from src.shared.errors import StoreError
from src.shared.stores.hub import FAILURES, RETRIED, Hub, reason, status_of

P = ParamSpec("P")
T = TypeVar("T")

NEW = "sign in with it (`hf auth login`), or give it when it is asked for"
AGAIN = "Run the same command again: it goes on where it stopped."


IN_THE_SHELL = "the variable HF_TOKEN of your shell"
"""The name of a token that comes from there."""
CREDITS = re.compile(r"payment method|\bcredits?\b|\bbilling\b", re.IGNORECASE)
"""The Hub's words where hardware is what nobody pays for; it asks for a plan with the same status."""


class Stopped(Exception):
    """The deployment cannot go on; the message says what happened and what to do."""


class NoPlan(Stopped):
    """The Hub wants a plan."""


class NoCredits(Stopped):
    """The Hub wants a payment method or credits, for hardware."""


def ask(hub: Hub, what: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the Hub. `what` follows "Cannot" in the message. Raises Stopped."""
    try:
        return hub.call(function, *args, **kwargs)
    except FAILURES as error:
        raise refusal(what, error, hub) from error


def refusal(what: str, error: Exception, hub: Hub) -> Stopped:
    """Return a failed call as a reason: NoPlan or NoCredits for a 402."""
    reason = f"Cannot {what}: {why(error, hub)}"
    if status_of(error) != 402:
        return Stopped(reason)
    return NoCredits(reason) if CREDITS.search(reason) else NoPlan(reason)


def told(error: StoreError) -> Stopped:
    """What a store says, for somebody who waits for no automatic retry."""
    return Stopped(str(error).replace(RETRIED, AGAIN))


def why(error: Exception, hub: Hub) -> str:
    """Return why a call failed, and what to do."""
    status = status_of(error)
    message = " ".join(str(getattr(error, "server_message", "") or "").split())[:300]
    if status == 401 and hub.token_name == IN_THE_SHELL:
        return (
            f"the Hub does not accept the token in {IN_THE_SHELL}. Unset it (`unset HF_TOKEN`), so that your "
            "saved login counts, or set it to a new one."
        )
    if status == 401:
        return f"the Hub does not accept the token in {hub.token_name}. Create a new one, and {NEW}."
    if status == 402:
        return message or "the Hub asks for a paid plan (402)."
    if status == 403:
        return (
            f"the token in {hub.token_name} lacks the permission ({message or 'no reason is given'}). Create "
            f"one with write access to contents and settings of all repositories there, and {NEW}."
        )
    if (
        "README.md" in str(error) and not status
    ):  # the client had it checked, and was told what is wrong in it
        return f"{' '.join(str(error).split())[:500]}. Correct it and run the same command again."
    return reason(error, hub, AGAIN)
