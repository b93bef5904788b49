"""What a server cannot do in a conversation, in sentences for the owner."""

from __future__ import annotations

from src.running.inference import Api, Inference
from src.running.suite import Suite

CANNOT_RATE = (
    "INFERENCE_API is chat, but the task {task} rates given texts, which only /v1/completions does. Set it "
    "to completions, or remove the task."
)


def is_chat(suite: Suite) -> bool:
    """Return whether a server answers in conversations."""
    return suite.inference is not Inference.LOCAL and suite.inference_api is Api.CHAT
