"""How every model is run, in words: the backend's settings that are not at their default."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from src.shared.data.backend_description import BackendDescription
from src.shared.data.provenance import ENDPOINT, SERVER
from src.shared.data.run_settings import CHAT, COMPLETIONS, LOCAL

QUOTED = "system_instruction"
"""The setting that is shown as it is, below its sentence."""

LONGEST = 500
"""The most characters that are shown of a value."""

LONGEST_QUOTED = 2_000
"""The most characters that are shown of a text that models read."""


class Told(NamedTuple):
    """One setting in words."""

    sentence: str
    quoted: str = ""
    """A text that follows the sentence."""


def told_settings(backend: BackendDescription) -> Sequence[Told]:
    """Return a sentence for each setting, in the order of SENTENCES. Unknown ones come last."""
    order = {name: place for place, name in enumerate((QUOTED, *SENTENCES))}
    names = sorted(backend.settings, key=lambda name: order.get(name, len(order)))
    return [_told(name, backend.settings[name]) for name in names]


def where_models_run(backend: BackendDescription | None) -> str:
    """Return where models run, in sentences; empty if the worker runs them, or nobody has said."""
    if backend is None or backend.inference == LOCAL:
        return ""
    given = {name: backend.settings[name] for name in WHERE if name in backend.settings}
    return " ".join(SENTENCES[name](value) for name, value in given.items())


def _told(name: str, value: object) -> Told:
    if name == QUOTED:
        return Told("Every prompt begins with this system instruction:", _shown(value, LONGEST_QUOTED))
    say = SENTENCES.get(name)
    return Told(say(value) if say else f"{name}: {_shown(value)}.")


def _shown(value: object, longest: int = LONGEST) -> str:
    """Return how a value reads: arguments as `name=value`, a list with commas, texts without quotes."""
    if isinstance(value, Mapping):
        text = ", ".join(f"{name}={_shown(each)}" for name, each in value.items())
    elif isinstance(value, list):
        text = ", ".join(_shown(each) for each in value)
    else:
        text = value if isinstance(value, str) else "none" if value is None else json.dumps(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else _shown(value)


def _thinking(value: object) -> str:
    return f"Where a model's chat template knows thinking, it is switched {'on' if value else 'off'}."


def _turns(value: object) -> str:
    return (
        "The examples are earlier turns of the conversation."
        if value
        else "The examples and the question are one turn of the conversation."
    )


def _place(value: object) -> str:
    places = {
        LOCAL: "Models run on the leaderboard's worker.",
        ENDPOINT: "Models run on Inference Endpoints of the Hub, each made for one evaluation.",
        SERVER: "Models run on a server that the leaderboard's owner keeps.",
    }
    return places.get(str(value)) or f"Models run on {_shown(value)}."


def _route(value: object) -> str:
    routes = {
        COMPLETIONS: "They continue the prompts as the leaderboard wrote them.",
        CHAT: "They are asked in conversations, so the chat template is always used.",
    }
    return routes.get(str(value)) or f"They are asked through {_shown(value)}."


WHERE = ("inference", "inference_api")
"""The settings that say where models run."""

SENTENCES: dict[str, Callable[[object], str]] = {
    "inference": _place,
    "inference_api": _route,
    "gen_kwargs": lambda value: f"Models write with {_shown(value)}.",
    "enable_thinking": _thinking,
    "think_end_token": lambda value: f"What a model writes before {_shown(value)} is not part of its answer.",
    "chat_template_name": lambda value: (
        f"Of a model's several chat templates, the one named {_shown(value)} is used."
    ),
    "fewshot_as_multiturn": _turns,
    "max_length": lambda value: f"A model reads at most {_count(value)} tokens at once.",
    "model_args": lambda value: f"Models are loaded with {_shown(value)}.",
    "metadata": lambda value: f"The tasks make their questions with {_shown(value)}.",
    "seeds": lambda value: (
        f"The seeds of Python, NumPy, PyTorch and the choice of examples are {_shown(value)}."
    ),
    "bootstrap_iters": lambda value: (
        f"Standard errors without a formula come from {_count(value)} resamples."
    ),
}
"""What each setting means to a visitor, in the order in which they are shown."""
