"""Which requests are evaluated, by their type of weights, and what those of adapters must say."""

from __future__ import annotations

from typing import NamedTuple

from src.running.suite import Suite
from src.shared.data.request import DELTA, NO_DELTAS, Request
from src.shared.errors import CannotBeEvaluated, unquoted


class Base(NamedTuple):
    """The base model of an adapter, as its request has it."""

    model: str
    commit: str


def has_weights_that_are_evaluated(request: Request, suite: Suite) -> None:
    """Raise CannotBeEvaluated for a type of weights that this worker does not evaluate."""
    offered = suite.weight_types
    if request.weight_type in offered:
        return
    remedy = NO_DELTAS if request.weight_type == DELTA else "Submit the merged model."
    raise CannotBeEvaluated(
        f"{request.model} has {unquoted(request.weight_type)} weights, but only {' and '.join(offered)} "
        f"ones are evaluated here. {remedy}"
    )


def base_of(request: Request) -> Base:
    """Return the base model in an adapter's request. Raises CannotBeEvaluated if it is not exact."""
    if not request.base_model:
        raise CannotBeEvaluated(
            f"The request of the adapter {request.model} names no base model. Submit it again with its base "
            "model."
        )
    if not request.base_commit:
        raise CannotBeEvaluated(
            f"The request of the adapter {request.model} does not say which commit of its base model "
            f"{unquoted(request.base_model)} to use. Submit it again."
        )
    return Base(request.base_model, request.base_commit)
