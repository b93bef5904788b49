"""The model behind a server: rates token ids and writes texts, checks each answer, and counts empty ones."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from src.evaluation.failures import Failed
from src.evaluation.served.answers import Completions, KnownModels, LogProbabilities, Replies
from src.evaluation.served.awake import keep_awake
from src.evaluation.served.calls import (
    BYTES_OF_A_LIST,
    MODELS,
    NOT_IMPLEMENTED,
    NOT_THE_MODEL,
    OWNER,
    Calls,
    Patience,
    Refused,
    Unable,
)
from src.evaluation.served.in_parallel import in_parallel
from src.evaluation.served.stops import cut, sent
from src.running.inference import Api, Server
from src.running.job import End

B = TypeVar("B", bound=BaseModel)
Q = TypeVar("Q")
A = TypeVar("A")

BYTES_OF_AN_ANSWER, BYTES_OF_A_TOKEN = 1_000_000, 2_000
"""The longest answer that is read: the first number, and the second for each token in it."""

SECONDS_FOR_A_TOKEN = 0.25
"""How long a server may take to write a token, while it writes many texts at once."""

CONTENT_FILTER = "content_filter"
"""A server's reason why it kept an answer for itself."""

TRIED = (1, 2, 3)
"""Token ids with which a server is tried. Every vocabulary has them."""

LEAST = -9_999.0
"""What vLLM writes for the logarithm of zero, because JSON has no infinity."""

NOT_FOUND = 404

DOES_NOT_CONTINUE = frozenset({400, NOT_FOUND, NOT_IMPLEMENTED})
"""How vLLM answers that it has loaded a model which does not continue text, such as a classifier."""

NOT_FINITE = re.compile(r"out of range float|\bnan\b|finite number", re.IGNORECASE)
"""What servers say when a number is infinite or undefined, which JSON has no form for."""

ROUNDING = 1e-3
"""How far above zero rounding may take a log-probability."""

NO_RATINGS = (
    "The server at {address} does not give the log-probabilities of a prompt's tokens ({reason}), which "
    f"tasks with given answers need. {OWNER} use a server that does, such as vLLM, or evaluate only tasks in "
    f"which models write; {NOT_THE_MODEL}"
)


class Rating(NamedTuple):
    """How likely a model finds the end of a text."""

    log_probabilities: tuple[float, ...]
    """Of each token, given those before it."""
    is_greedy: bool
    """Whether each token was the likeliest."""


class ServedModel:
    """A model that a server runs.

    Every method raises `Failed` if the server is gone, refuses, or answers what cannot be true. `on_answer`
    is called with the number of questions answered since, always in the thread that asks.
    """

    def __init__(
        self,
        server: Server,
        token: str | None,
        *,
        concurrency: int,
        on_answer: Callable[[int], None],
        patience: Patience | None = None,
    ) -> None:
        self._server = server
        self._concurrency = concurrency
        self._on_answer = on_answer
        self._calls = Calls(server, token, concurrency=concurrency, patience=patience)
        self._lock = Lock()
        self._name = server.model
        """The model's name for messages."""
        self._answered: set[str] = set()
        """The routes that have answered."""
        self.empty = 0
        """How many of the written answers were empty, null or filtered."""
        self.answers = 0
        """How many answers were written."""
        self.context: int | None = None
        """The most tokens of a prompt and its answer together, if `check` found that the server says it."""

    def check(self, *, model: str, needs_ratings: bool, api: Api = Api.COMPLETIONS) -> None:
        """Check that the server has the model, which continues text with sound numbers. Call it first.

        It has to rate texts only if that is needed. `model` is the model's name for messages.
        """
        self._name = model
        try:
            answer = self._calls.get(MODELS, most_bytes=BYTES_OF_A_LIST)
        except Refused as error:
            raise self._calls.nonsense(f"does not list its models at /models ({error})") from error
        known = {each.id: each for each in self._read(KnownModels, answer).data}
        if self._server.model not in known:
            names = ", ".join(self._calls.quoted(each[:100]) for each in list(known)[:3]) or "none"
            raise Failed(
                f"The server at {self._calls.address} does not have {model}: it should have a model named "
                f"{self._server.model}, but it has {names}. {OWNER} start it with that name "
                f"(vLLM: --served-model-name); {NOT_THE_MODEL}",
                End.WORKER,
            )
        self.context = known[self._server.model].max_model_len
        if self._is_ours:
            self._check_that_it_continues()
        if needs_ratings:
            self._check_ratings()
        elif self._is_ours or api is Api.COMPLETIONS:
            self._check_that_numbers_are_finite()

    def keep_awake(self) -> None:
        """Call the server now and then while this model is used, however long no question is asked."""
        keep_awake(self._calls)

    def rate(self, prompts: Sequence[Sequence[int]], starts: Sequence[int]) -> list[Rating]:
        """Rate each prompt's tokens from its start on, a position of at least 1.

        A server needs room for one token more than the prompt.
        """
        if len(prompts) != len(starts) or any(
            not 0 < start < len(prompt) for prompt, start in zip(prompts, starts, strict=True)
        ):
            raise ValueError("each prompt needs a start between its first and last token")
        pairs = list(zip(prompts, starts, strict=True))
        return self._all(lambda pair: self._rate(*pair), pairs)

    def write(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        max_tokens: int | Sequence[int],
        stop: Sequence[str],
        **sampling: object,
    ) -> list[str]:
        """Return what the model writes after each prompt, up to the first of the texts in `stop`.

        `max_tokens` is the most tokens of every answer, or of each.
        `sampling` goes to the server as it is, a temperature of 0 if it has none. A `seed` is that of the
        first prompt; the others count on from it.
        """

        def ask(question: tuple[int, Sequence[int]]) -> str:
            number, prompt = question
            most = most_of(max_tokens, number)
            body = {**self._body(most, stop, sampling, number), "prompt": list(prompt)}
            choice = self._ask(Completions, "/completions", body, most).choices[0]
            return self._counted(choice.text, choice.finish_reason, stop)

        return self._all(ask, list(enumerate(prompts)))

    def chat(
        self,
        conversations: Sequence[Sequence[Mapping[str, str]]],
        *,
        max_tokens: int | Sequence[int],
        stop: Sequence[str],
        **sampling: object,
    ) -> list[str]:
        """Return what the model says next in each conversation, as `write` does."""

        def ask(question: tuple[int, Sequence[Mapping[str, str]]]) -> str:
            number, conversation = question
            most = most_of(max_tokens, number)
            written = self._body(most, stop, sampling, number)
            body = {**written, "messages": [dict(each) for each in conversation]}
            choice = self._ask(Replies, "/chat/completions", body, most).choices[0]
            return self._counted(choice.message.content, choice.finish_reason, stop)

        return self._all(ask, list(enumerate(conversations)))

    def _all(self, ask: Callable[[Q], A], questions: Sequence[Q]) -> list[A]:
        try:
            return in_parallel(ask, questions, threads=self._concurrency, on_answer=self._on_answer)
        except BaseException:
            self._calls.give_up()
            raise

    def _body(
        self, max_tokens: int, stop: Sequence[str], sampling: Mapping[str, object], number: int
    ) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self._server.model,
            "max_tokens": max_tokens,
            "temperature": 0,
            **sampling,
        }
        if stops := sent(stop):
            body["stop"] = stops
        if isinstance(seed := sampling.get("seed"), int):
            body["seed"] = seed + number
        return body

    def _counted(self, text: str | None, reason: str | None, stop: Sequence[str]) -> str:
        answer = "" if text is None or reason == CONTENT_FILTER else text
        with self._lock:
            self.answers += 1
            self.empty += not answer.strip()
        return cut(answer, stop)

    def _ask(self, kind: type[B], route: str, body: Mapping[str, object], tokens: int) -> B:
        """Return the server's answer, which holds about so many tokens."""
        most_bytes = BYTES_OF_AN_ANSWER + BYTES_OF_A_TOKEN * tokens
        try:
            answer = self._post(route, body, most_bytes, SECONDS_FOR_A_TOKEN * tokens)
        except Refused as error:
            raise self._refused(route, error) from error
        return self._read(kind, answer)

    def _post(self, route: str, body: Mapping[str, object], most_bytes: int, seconds: float = 0) -> bytes:
        """Return what the server answers to a body. Raises `Failed` and `Refused`."""
        try:
            answer = self._calls.post(route, body, most_bytes=most_bytes, seconds=seconds)
        except Unable as error:
            if NOT_FINITE.search(str(error)):
                raise self._not_finite(f"its server answers {error}") from error
            raise Failed(
                f"The server at {self._calls.address} fails on the same question of {self._name} each time "
                f"({error}), while it still lists its models. The question or the model may be the reason; "
                "the leaderboard's owner can find out more in the server's log.",
                End.CRASHED,
            ) from error
        self._answered.add(route)
        return answer

    def _not_finite(self, reason: str) -> Failed:
        return Failed(
            f"{self._name} gives infinite or undefined scores to words ({reason}). Submit it in a precision "
            "with a larger range, or repair its weights."
        )

    def _refused(self, route: str, error: Refused) -> Failed:
        """Return the failure of a question that the server refuses."""
        if error.status == NOT_FOUND and route in self._answered:
            return Failed(f"The server at {self._calls.address} is gone ({error}).", End.UNREACHABLE)
        remedy = (
            f"use a server that has the route {route}, or change INFERENCE_API"
            if error.status in (NOT_FOUND, NOT_IMPLEMENTED)
            else "give it a longer context or set MAX_LENGTH if the question is too long, or else remove "
            "from the settings what the server does not support"
        )
        return Failed(
            f"The server at {self._calls.address} refuses a question ({error}). {OWNER} {remedy}; "
            f"{NOT_THE_MODEL}",
            End.WORKER,
        )

    def _read(self, kind: type[B], answer: bytes) -> B:
        try:
            read = kind.model_validate_json(answer)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(each) for each in first["loc"])
            reason = self._calls.quoted(f"{place}: {first['msg']}" if place else first["msg"])
            raise self._calls.nonsense(f"answers what cannot be read ({reason})") from error
        name = getattr(read, "model", None)
        if self._server.is_exact and name not in (None, self._server.model):
            raise self._calls.nonsense(
                f"answers in the name of another model, {self._calls.quoted(str(name))}, when it is asked "
                f"for {self._server.model}"
            )
        return read

    def _rate(self, prompt: Sequence[int], start: int) -> Rating:
        answer = self._ask(Completions, "/completions", self._echo(prompt), len(prompt))
        found = answer.choices[0].logprobs
        if found is None:
            raise self._no_ratings("an answer has none")
        return self._rating(found, len(prompt), start)

    def _echo(self, prompt: Sequence[int]) -> dict[str, object]:
        return {
            "model": self._server.model,
            "prompt": list(prompt),
            "max_tokens": 1,
            "temperature": 0,
            "echo": True,
            "logprobs": 1,
        }

    def _rating(self, found: LogProbabilities, length: int, start: int) -> Rating:
        given, best = found.token_logprobs, found.top_logprobs
        # The token that it writes comes last. With another number, which is whose is unknown.
        if len(given) != length + 1 or len(best) != len(given):
            raise self._no_ratings(f"{len(given)} for {length} tokens")
        rated = []
        is_greedy = True
        for place in range(start, length):
            own, others = given[place], best[place]
            if own is None or not others:
                raise self._no_ratings("a token has none")
            if not (math.isfinite(own) and LEAST < own <= ROUNDING):
                raise Failed(
                    f"The server at {self._calls.address} gives {own} as the log-probability of a token, "
                    "which no probability has. The weights may not suit its precision; ask the "
                    "leaderboard's owner to look into it, or submit the model in another precision.",
                    End.INVALID,
                )
            rated.append(min(own, 0.0))
            token = found.tokens[place] if found.tokens and place < len(found.tokens) else None
            is_greedy &= _is_the_likeliest(own, token, others)
        return Rating(tuple(rated), is_greedy)

    @property
    def _is_ours(self) -> bool:
        """Whether we chose the server's image and arguments: then what it cannot do is the model's fault."""
        return self._server.is_exact and self._server.image is not None

    def _check_that_it_continues(self) -> None:
        """Ask the simplest of questions. What the server refuses later may be a setting's fault."""
        body = {"model": self._server.model, "prompt": list(TRIED), "max_tokens": 1, "temperature": 0}
        try:
            self._post("/completions", body, BYTES_OF_AN_ANSWER)
        except Refused as error:
            if error.status not in DOES_NOT_CONTINUE:
                raise self._refused("/completions", error) from error
            raise Failed(
                f"The server ({self._server.image}) does not let {self._name} continue text: it answers "
                f"{error}. Submit a causal language model, which predicts the next token."
            ) from error

    def _check_that_numbers_are_finite(self) -> None:
        """Raise `Failed` if the server rates a text, and its numbers are undefined.

        A model whose numbers are all undefined still writes: the first word of its vocabulary, again and
        again. A server that does not rate texts, or fails on this, may still be able to write.
        """
        try:
            body = self._post("/completions", self._echo(TRIED), BYTES_OF_AN_ANSWER)
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
            raise self._not_finite(f"its server rates a token with {undefined[0]}")

    def _check_ratings(self) -> None:
        try:
            body = self._post("/completions", self._echo(TRIED), BYTES_OF_AN_ANSWER)
        except Refused as error:
            raise self._no_ratings(str(error)) from error
        except Failed as failed:
            if failed.end is End.CRASHED and not self._is_ours:
                raise self._no_ratings(str(failed.__cause__)) from failed
            raise
        try:
            found = Completions.model_validate_json(body).choices[0].logprobs
        except ValidationError as error:
            raise self._no_ratings("its answer has another form") from error
        if found is None:
            raise self._no_ratings("its answer has none")
        self._rating(found, len(TRIED), 1)

    def _no_ratings(self, reason: str) -> Failed:
        return Failed(NO_RATINGS.format(address=self._calls.address, reason=reason), End.WORKER)


def most_of(max_tokens: int | Sequence[int], number: int) -> int:
    """Return the most tokens of an answer by its number: the same for all, or its own."""
    return max_tokens if isinstance(max_tokens, int) else max_tokens[number]


def _is_the_likeliest(own: float, token: str | None, best: Mapping[str, float]) -> bool:
    """Return whether no other token is as likely. Of two that are, the server names the one it writes."""
    others = [value for text, value in best.items() if text != token]
    if token is None or token not in best:
        return own >= max(best.values())
    return max(best.values()) <= own and all(value < own for value in others)
