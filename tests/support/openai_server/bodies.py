"""What clients send, validated, and what they get back: in the form of vLLM's answers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from .answers import Answer, Model, Sampling, Step

Tokens = Annotated[list[int], Field(min_length=1)]
Text = Annotated[str, Field(min_length=1)]


class Refused(Exception):
    """A request that is refused, as vLLM refuses it."""

    def __init__(self, message: str, status: int = 400, kind: str = "BadRequestError") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind

    def body(self, *, flat: bool) -> dict[str, Any]:
        """The error as vLLM writes it, or `flat` as versions before 0.10 did."""
        error = {"message": str(self), "type": self.kind, "param": None, "code": self.status}
        return {"object": "error", **error} if flat else {"error": error}


class Wanted(BaseModel):
    """What both routes understand. Other fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str
    stop: str | list[str] | None = None
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = None
    seed: int | None = None
    n: int | None = Field(default=1, ge=1, le=1)
    stream: bool | None = False
    skip_special_tokens: bool = True

    def sampling(self, max_tokens: int) -> Sampling:
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return Sampling(
            max_tokens=max_tokens,
            stop=tuple(stops),
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            top_k=max(self.top_k or 0, 0),
            seed=self.seed,
            skip_special_tokens=self.skip_special_tokens,
        )


class CompletionsWanted(Wanted):
    """The body of `/v1/completions`."""

    prompt: (
        Text
        | Tokens
        | Annotated[list[Text], Field(min_length=1)]
        | Annotated[list[Tokens], Field(min_length=1)]
    )
    max_tokens: int | None = Field(default=16, ge=0)
    echo: bool | None = False
    logprobs: int | None = Field(default=None, ge=0, le=20)
    add_special_tokens: bool = True
    return_tokens_as_token_ids: bool | None = False

    def prompts(self, model: Model) -> list[list[int]]:
        """The prompts as tokens."""
        prompts: list[Any] = self.prompt if _is_many(self.prompt) else [self.prompt]
        return [
            model.encode(each, add_special_tokens=self.add_special_tokens)
            if isinstance(each, str)
            else list(each)
            for each in prompts
        ]


class ChatWanted(Wanted):
    """The body of `/v1/chat/completions`."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)

    def prompt(self, model: Model) -> list[int]:
        """The conversation as tokens, after the model's chat template."""
        text = model.conversation(self.messages, **self.chat_template_kwargs)
        if text is None:
            raise Refused(
                "As of transformers v4.44, default chat template is no longer allowed, so you must provide "
                "a chat template if the tokenizer does not define one."
            )
        return model.encode(text, add_special_tokens=False)


def check_fits(prompt: Sequence[int], max_tokens: int, model: Model) -> None:
    """Refuse what the model cannot take, with vLLM's words."""
    if not prompt:
        raise Refused("The decoder prompt cannot be empty")
    if strange := [token for token in prompt if not 0 <= token < model.vocabulary]:
        raise Refused(f"Token id {strange[0]} is out of vocabulary")
    if len(prompt) + max_tokens > model.max_length:
        raise Refused(
            f"This model's maximum context length is {model.max_length} tokens. However, you requested "
            f"{len(prompt) + max_tokens} tokens ({len(prompt)} in the messages, {max_tokens} in the "
            "completion). Please reduce the length of the messages or completion."
        )


def completions(
    wanted: CompletionsWanted, prompts: list[list[int]], answers: list[Answer], model: Model
) -> Any:
    """The answer of `/v1/completions`."""
    choices = [
        completion(wanted, index, prompt, answer, model)
        for index, (prompt, answer) in enumerate(zip(prompts, answers, strict=True))
    ]
    return {**_head("cmpl", "text_completion", wanted), "choices": choices, "usage": usage(prompts, answers)}


def completion(
    wanted: CompletionsWanted, index: int, prompt: list[int], answer: Answer, model: Model
) -> dict[str, Any]:
    """One choice."""
    echoed = model.decode(prompt) if wanted.echo else ""
    return {
        "index": index,
        "text": echoed + answer.text,
        "logprobs": None if wanted.logprobs is None else logprobs(wanted, prompt, answer, model),
        "finish_reason": answer.finish_reason,
        "stop_reason": answer.stop_reason,
        "prompt_logprobs": None,
    }


def logprobs(wanted: CompletionsWanted, prompt: list[int], answer: Answer, model: Model) -> dict[str, Any]:
    """The log-probabilities of the tokens. An echoed prompt's first token has none."""

    def named(token: int) -> str:
        return f"token_id:{token}" if wanted.return_tokens_as_token_ids else model.decode([token])

    def likeliest(step: Step) -> dict[str, float]:
        """The token itself comes first. Of tokens with the same text, the last one stays. As in vLLM."""
        others = step.likeliest[: wanted.logprobs]
        return {named(token): value for token, value in [(step.token, step.log_probability), *others]}

    steps = [*(answer.rated if wanted.echo else ()), *answer.steps]
    tokens = [*(prompt[:1] if wanted.echo else ()), *(step.token for step in steps)]
    offsets, offset = [], 0
    for token in tokens:
        offsets.append(offset)
        offset += len(model.decode([token]))
    first = [None] if wanted.echo else []
    return {
        "text_offset": offsets,
        "token_logprobs": [*first, *(step.log_probability for step in steps)],
        "tokens": [named(token) for token in tokens],
        "top_logprobs": [*first, *(likeliest(step) for step in steps)],
    }


def chat_completion(wanted: ChatWanted, prompt: list[int], answer: Answer) -> dict[str, Any]:
    """The answer of `/v1/chat/completions`."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.text, "refusal": None, "tool_calls": []},
        "logprobs": None,
        "finish_reason": answer.finish_reason,
        "stop_reason": answer.stop_reason,
    }
    return {
        **_head("chatcmpl", "chat.completion", wanted),
        "choices": [choice],
        "usage": usage([prompt], [answer]),
    }


def usage(prompts: list[list[int]], answers: list[Answer]) -> dict[str, Any]:
    """How many tokens there were."""
    read, written = sum(map(len, prompts)), sum(len(answer.steps) for answer in answers)
    return {
        "prompt_tokens": read,
        "total_tokens": read + written,
        "completion_tokens": written,
        "prompt_tokens_details": None,
    }


def models(name: str, max_length: int) -> dict[str, Any]:
    """The answer of `/v1/models`."""
    model = {
        "id": name,
        "object": "model",
        "created": int(time.time()),
        "owned_by": "vllm",
        "root": "/repository",
        "parent": None,
        "max_model_len": max_length,
    }
    return {"object": "list", "data": [model]}


def _head(prefix: str, kind: str, wanted: Wanted) -> dict[str, Any]:
    return {
        "id": f"{prefix}-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": wanted.model,
    }


def _is_many(prompt: object) -> bool:
    """Whether these are several prompts: a list of numbers is one."""
    return isinstance(prompt, list) and not isinstance(prompt[0], int)
