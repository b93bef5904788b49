"""lm_eval's command line for a run whose answers came from a server: first the server, then lm_eval.

We serve the model with vLLM on the machine of whoever reads this, whatever served it before.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from src.leaderboard.commands.model import Model
from src.leaderboard.served import server_in_words
from src.shared.data.provenance import ENDPOINT, Served
from src.shared.data.result import Setup
from src.shared.data.run_settings import CHAT, NO_EFFECT_ON_SCORES

ADDRESS = "http://localhost:8000/v1"
"""Where vLLM serves by default."""

CONCURRENT = 16

TOKENS_READ = 2_047
"""How many tokens lm_eval sends of a prompt, unless it is told the model's context."""

WHEN_SAMPLING = ("temperature", "top_p", "top_k", "min_p")
"""What applies only to answers that are drawn at random."""

WRITING = {
    "do_sample": "do_sample",
    "until": "until",
    "repetition_penalty": "repetition_penalty",
    **{name: name for name in WHEN_SAMPLING},
    **dict.fromkeys(("max_gen_toks", "max_new_tokens", "max_tokens"), "max_gen_toks"),
}
"""The settings of how a model writes that a server follows, each with lm_eval's name where it asks one."""

HOW_IT_IS_ASKED = frozenset(NO_EFFECT_ON_SCORES | {"tokenizer", "tokenizer_backend", "tokenized_requests"})
"""Arguments of lm_eval's model that this command sets itself, or that are of the machine."""


class Route(NamedTuple):
    """One of a server's routes, as lm_eval asks it."""

    model: str
    """lm_eval's name for it."""
    path: str
    arguments: Mapping[str, str]
    """The further arguments of the model that it takes, each with its name there."""
    passed_over: frozenset[str] = HOW_IT_IS_ASKED
    """Those that need not be repeated."""


COMPLETING = Route(
    "local-completions",
    "completions",
    {
        "max_length": "max_length",
        "add_bos_token": "add_bos_token",
        "prefix_token_id": "custom_prefix_token_id",
    },
)
CHATTING = Route(
    "local-chat-completions",
    "chat/completions",
    {"think_end_token": "think_end_token"},
    HOW_IT_IS_ASKED | {"max_length"},  # the server's own, which counts the tokens
)


def route(served: Served) -> Route:
    """Return the route that answered. Completions are the default."""
    return CHATTING if served.api == CHAT else COMPLETING


def notes(setup: Setup, served: Served) -> Iterator[str]:
    """Yield how the model was served, and what the commands need or do not repeat."""
    image = f" with the image {served.image}" if served.image else ""
    yield f"The answers came from {server_in_words(served)}{image}."
    if served.inference != ENDPOINT:
        yield "The commands serve the model with vLLM. The leaderboard's server may be another program."
    if not served.is_exact:
        yield "The server did not prove which commit of the model it served."
    yield (
        "The first command needs a GPU and vLLM, best in an environment of its own. It runs until you stop "
        "it: give the others in another shell, once it answers."
    )
    if _is_random(_given(setup.settings.gen_kwargs)):
        yield "The answers were drawn at random. lm_eval sends a server other seeds, so scores can differ."
    if served.api == CHAT:
        yield "lm_eval names at most four stop texts to a server. The leaderboard stops at all of them."
    elif "max_length" not in _given(setup.settings.model_args):
        yield (
            f"lm_eval cuts longer prompts to {TOKENS_READ:,} tokens. If the model reads more, add "
            "max_length= and its context to --model_args."
        )


def install(setup: Setup) -> list[str]:
    """Return the packages to install beside the server's."""
    packages = [f"lm_eval[api,hf]=={setup.version}"]
    return packages + ([f"transformers=={setup.transformers}"] if setup.transformers else [])


def serve(model: Model) -> str:
    """Return the command that serves the model, as the leaderboard has Inference Endpoints serve one."""
    place = model.place
    options = [["--served-model-name", place.name]]
    if place.revision:
        options += [["--revision", place.revision], ["--tokenizer-revision", place.revision]]
    options += [["--dtype", model.precision], ["--generation-config", "vllm"]]
    path = f'"{place.path}"' if place.is_local else shlex.quote(place.path)
    return " ".join(["vllm serve", path, *map(shlex.join, options)])


def evaluate(setup: Setup, model: Model, served: Served) -> list[str]:
    """Return the beginning of lm_eval's command: the route of the server, and the model's arguments."""
    text = ",".join(f"{name}={value}" for name, value in _arguments(setup, model, served))
    quoted = f'"{text}"' if model.place.is_local else shlex.quote(text)
    return [f"lm_eval --model {route(served).model}", f"--model_args {quoted}"]


def uses_chat_template(setup: Setup, served: Served) -> bool:
    """Return whether the prompts are conversations. Of the chat route they always are."""
    return setup.has_chat_template or served.api == CHAT


def writes_like_the_leaderboard(setup: Setup) -> bool:
    """Return whether a command can say how the model wrote. lm_eval has a temperature of 0 for a server."""
    given = _given(setup.settings.gen_kwargs)
    return given.get("do_sample") is not True or "temperature" in given


def writing(setup: Setup) -> str:
    """Return how the model writes as JSON; empty for the tasks' own ways.

    lm_eval passes over `do_sample` where it asks a server, and samples at any temperature but 0.
    """
    given = _given(setup.settings.gen_kwargs)
    if given.get("do_sample") is False:
        given = {name: value for name, value in given.items() if name not in WHEN_SAMPLING}
        given["temperature"] = 0
    found = {WRITING[name]: value for name, value in given.items() if name in WRITING}
    return json.dumps(found) if found else ""


def further(setup: Setup, served: Served) -> str:
    """Return the further arguments of the model as JSON; empty for none."""
    given, names = _given(setup.settings.model_args), route(served).arguments
    found = {names[name]: value for name, value in given.items() if name in names}
    return json.dumps(found) if found else ""


def _arguments(setup: Setup, model: Model, served: Served) -> Iterator[tuple[str, object]]:
    asked, place = route(served), model.place
    yield "base_url", f"{ADDRESS}/{asked.path}"
    yield "model", place.name
    yield "num_concurrent", CONCURRENT
    if asked is COMPLETING:
        yield "tokenizer_backend", "huggingface"
        yield "tokenizer", place.path
        if place.revision:
            yield "revision", place.revision
        # As the leaderboard's, the tokenizer adds its first token where no chat template did.
        yield "add_bos_token", not setup.has_chat_template


def _is_random(given: Mapping[str, object]) -> bool:
    temperature = given.get("temperature")
    is_warm = isinstance(temperature, int | float) and temperature > 0
    return given.get("do_sample") is True or (is_warm and given.get("do_sample") is not False)


def _given(arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(arguments or "{}")
    return found
