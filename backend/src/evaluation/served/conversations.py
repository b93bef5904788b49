"""What a server cannot do in a conversation, in sentences that both engines use."""

from __future__ import annotations

from src.evaluation.failures import Failed
from src.running.inference import Api, Inference
from src.running.job import Job
from src.running.suite import Suite

CANNOT_RATE = (
    "INFERENCE_API is chat, but the task {task} rates given texts, which only /v1/completions does. Set it "
    "to completions, or remove the task."
)


def is_chat(suite: Suite) -> bool:
    """Return whether a server answers in conversations."""
    return suite.inference is not Inference.LOCAL and suite.inference_api is Api.CHAT


def check_template(job: Job) -> None:
    """Raise `Failed` if the job's model should be asked without its chat template, which a chat adds."""
    if is_chat(job) and not job.use_chat_template:
        raise Failed(
            f"{job.model} was submitted without its chat template, but this leaderboard's models run on a "
            "server that always uses it. Submit it with its chat template."
        )
