"""The model behind a server: rates token ids, writes texts, and counts empty answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TypeVar

from src.evaluation.served.answers import Completions, Replies
from src.evaluation.served.asking import Asker
from src.evaluation.served.awake import keep_awake
from src.evaluation.served.calls import Patience
from src.evaluation.served.in_parallel import in_parallel
from src.evaluation.served.ratings import Rating, no_ratings, read_rating, to_rate
from src.evaluation.served.stops import cut, sent
from src.evaluation.served.trying import try_server
from src.running.inference import Api, Server

Q = TypeVar("Q")
A = TypeVar("A")

CONTENT_FILTER = "content_filter"
"""A server's reason why it kept an answer for itself."""


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
        self._asker = Asker(server, token, concurrency=concurrency, patience=patience)
        self._model = server.model
        self._concurrency = concurrency
        self._on_answer = on_answer
        self._lock = Lock()
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
        self._asker.name = model
        self.context = try_server(self._asker, needs_ratings=needs_ratings, api=api)

    def keep_awake(self) -> None:
        """Call the server now and then while this model is used, however long no question is asked."""
        keep_awake(self._asker.calls)

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
            choice = self._asker.ask(Completions, "/completions", body, most).choices[0]
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
            choice = self._asker.ask(Replies, "/chat/completions", body, most).choices[0]
            return self._counted(choice.message.content, choice.finish_reason, stop)

        return self._all(ask, list(enumerate(conversations)))

    def _all(self, ask: Callable[[Q], A], questions: Sequence[Q]) -> list[A]:
        try:
            return in_parallel(ask, questions, threads=self._concurrency, on_answer=self._on_answer)
        except BaseException:
            self._asker.calls.give_up()
            raise

    def _body(
        self, max_tokens: int, stop: Sequence[str], sampling: Mapping[str, object], number: int
    ) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self._model,
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

    def _rate(self, prompt: Sequence[int], start: int) -> Rating:
        body, address = to_rate(self._model, prompt), self._asker.calls.address
        found = self._asker.ask(Completions, "/completions", body, len(prompt)).choices[0].logprobs
        if found is None:
            raise no_ratings(address, "an answer has none")
        return read_rating(found, len(prompt), start, address=address)


def most_of(max_tokens: int | Sequence[int], number: int) -> int:
    """Return the most tokens of an answer by its number: the same for all, or its own."""
    return max_tokens if isinstance(max_tokens, int) else max_tokens[number]
