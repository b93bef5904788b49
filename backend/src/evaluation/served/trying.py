"""Tries a server before anything depends on it: it has the model, which continues text with sound numbers."""

from __future__ import annotations

import math

from pydantic import ValidationError

from src.evaluation.failures import Failed
from src.evaluation.served.answers import Completions, KnownModels
from src.evaluation.served.asking import NOT_FOUND, Asker
from src.evaluation.served.calls import (
    BYTES_OF_A_LIST,
    MODELS,
    NOT_IMPLEMENTED,
    NOT_THE_MODEL,
    OWNER,
    Refused,
)
from src.evaluation.served.ratings import no_ratings, read_rating, to_rate
from src.running.inference import Api
from src.running.job import End

TRIED = (1, 2, 3)
"""Token ids with which a server is tried. Every vocabulary has them."""

DOES_NOT_CONTINUE = frozenset({400, NOT_FOUND, NOT_IMPLEMENTED})
"""How vLLM answers that it has loaded a model which does not continue text, such as a classifier."""


def try_server(asker: Asker, *, needs_ratings: bool, api: Api) -> int | None:
    """Return the most tokens of a prompt and its answer together, or None if the server does not say it.

    Raises `Failed` if it cannot be used. It has to rate texts only if that is needed.
    """
    context = _context_of_the_model(asker)
    if asker.is_ours:
        _check_that_it_continues(asker)
    if needs_ratings:
        _check_ratings(asker)
    elif asker.is_ours or api is Api.COMPLETIONS:
        _check_that_numbers_are_finite(asker)
    return context


def _context_of_the_model(asker: Asker) -> int | None:
    model = asker.server.model
    try:
        answer = asker.calls.get(MODELS, most_bytes=BYTES_OF_A_LIST)
    except Refused as error:
        raise asker.calls.nonsense(f"does not list its models at /models ({error})") from error
    known = {each.id: each for each in asker.read(KnownModels, answer).data}
    if model not in known:
        names = ", ".join(asker.calls.quoted(each[:100]) for each in list(known)[:3]) or "none"
        raise Failed(
            f"The server at {asker.calls.address} does not have {asker.name}: it should have a model named "
            f"{model}, but it has {names}. {OWNER} start it with that name "
            f"(vLLM: --served-model-name); {NOT_THE_MODEL}",
            End.WORKER,
        )
    return known[model].max_model_len


def _check_that_it_continues(asker: Asker) -> None:
    """Ask the simplest of questions. What the server refuses later may be a setting's fault."""
    body = {"model": asker.server.model, "prompt": list(TRIED), "max_tokens": 1, "temperature": 0}
    try:
        asker.post("/completions", body)
    except Refused as error:
        if error.status not in DOES_NOT_CONTINUE:
            raise asker.refused("/completions", error) from error
        raise Failed(
            f"The server ({asker.server.image}) does not let {asker.name} continue text: it answers "
            f"{error}. Submit a causal language model, which predicts the next token."
        ) from error


def _check_that_numbers_are_finite(asker: Asker) -> None:
    """Raise `Failed` if the server rates a text, and its numbers are undefined.

    A model whose numbers are all undefined still writes: the first word of its vocabulary, again and
    again. A server that does not rate texts, or fails on this, may still be able to write.
    """
    try:
        body = asker.post("/completions", to_rate(asker.server.model, TRIED))
        found = Completions.model_validate_json(body).choices[0].logprobs
    except (Refused, ValidationError):
        return
    except Failed as failed:
        if failed.end is End.CRASHED:
            return
        raise
    numbers = found.token_logprobs if found else []
    undefined = [each for each in numbers if each is not None and (math.isnan(each) or each == math.inf)]
    if undefined:
        raise asker.not_finite(f"its server rates a token with {undefined[0]}")


def _check_ratings(asker: Asker) -> None:
    try:
        body = asker.post("/completions", to_rate(asker.server.model, TRIED))
    except Refused as error:
        raise no_ratings(asker.calls.address, str(error)) from error
    except Failed as failed:
        if failed.end is End.CRASHED and not asker.is_ours:
            raise no_ratings(asker.calls.address, str(failed.__cause__)) from failed
        raise
    try:
        found = Completions.model_validate_json(body).choices[0].logprobs
    except ValidationError as error:
        raise no_ratings(asker.calls.address, "its answer has another form") from error
    if found is None:
        raise no_ratings(asker.calls.address, "its answer has none")
    read_rating(found, len(TRIED), 1, address=asker.calls.address)
