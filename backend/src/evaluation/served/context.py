"""How many tokens a model on a server reads at once, where its own files do not say it."""

from __future__ import annotations

from src.evaluation.failures import Failed
from src.evaluation.loading.unloaded import Unloaded
from src.evaluation.served.client import ServedModel
from src.running.job import Job


def take_the_servers_context(job: Job, model: Unloaded, served: ServedModel) -> bool:
    """Give a model without a context the server's. Return whether it had none. Raises `Failed`."""
    if not model.lacks_context:
        return False
    if served.context is None:
        raise Failed(
            f"The config.json of {job.model} does not say how many tokens the model reads at once, and "
            "neither does the server that runs it. Add `max_position_embeddings` to the config.json."
        )
    model.set_context(served.context)
    return True
