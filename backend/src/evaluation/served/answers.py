"""The answers of an OpenAI-compatible server, as far as they are read here."""

from __future__ import annotations

from pydantic import BaseModel, Field


class KnownModel(BaseModel):
    """One entry of `/v1/models`."""

    id: str
    max_model_len: int | None = Field(default=None, gt=0)
    """The most tokens of a prompt and its answer together. vLLM says it, others do not."""


class KnownModels(BaseModel):
    """The answer of `/v1/models`."""

    data: list[KnownModel]


class LogProbabilities(BaseModel):
    """The log-probabilities of a completion's tokens; of those of the prompt first, where it is repeated."""

    tokens: list[str] | None = None
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]


class Completion(BaseModel):
    """One choice of `/v1/completions`."""

    text: str | None = None
    finish_reason: str | None = None
    logprobs: LogProbabilities | None = None


class Completions(BaseModel):
    """The answer of `/v1/completions`."""

    model: str | None = None
    choices: list[Completion] = Field(min_length=1)


class Message(BaseModel):
    """What the model says in a conversation."""

    content: str | None = None


class Reply(BaseModel):
    """One choice of `/v1/chat/completions`."""

    message: Message
    finish_reason: str | None = None


class Replies(BaseModel):
    """The answer of `/v1/chat/completions`."""

    model: str | None = None
    choices: list[Reply] = Field(min_length=1)
