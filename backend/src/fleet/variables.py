"""The owner's settings that a member gets: those that shape evaluations and the queue, and no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping

FOR_MEMBERS = frozenset(
    {
        *("commits_per_hour", "engine", "tasks_harness", "tasks_lighteval", "tasks_dir"),
        *("num_fewshot", "limit"),
        *("batch_size", "bootstrap_iters", "confirm_run_unsafe_code", "publish_examples", "save_samples"),
        *("samples_repo", "samples_private", "gen_kwargs", "system_instruction", "fewshot_as_multiturn"),
        *("chat_template_name", "enable_thinking", "think_end_token", "max_length", "seeds", "metadata"),
        *("model_args", "adapters", "max_hours", "stuck_minutes", "free_disk_gb", "max_attempts"),
        *("queue_order", "refresh_rate", "lease_minutes"),
    }
)
"""The settings that members take over as the owner wrote them."""

NOT_FOR_MEMBERS = frozenset(
    {
        *("hf_token", "hf_read_token", "inference_token", "notify_url", "fleet_token"),  # secrets
        *("system", "space_id", "space_author_name", "gradio_server_name", "gradio_server_port", "worker_id"),
        # Members get the names as they came out.
        *("owner", "queue_repo", "results_repo", "leaderboard_data_dir"),
        # These follow from a member's machine, and from its order.
        *(
            "hardware",
            "dollars_per_hour",
            "device",
            "max_parallel",
            "max_memory_gb",
            "max_model_gb",
            "min_model_gb",
        ),
        *("inference", "inference_api", "inference_concurrency", "max_empty_answers", "max_endpoints"),
        *("endpoint_namespace", "endpoint_hardware", "endpoint_regions", "endpoint_image", "endpoint_args"),
        *("endpoint_start_minutes", "inference_endpoints_url", "comment_on_models", "max_dollars_per_day"),
        *(
            "fleet",
            "max_workers",
            "fleet_flavors",
            "fleet_image",
            "fleet_code",
            "fleet_namespace",
            "fleet_machines",
            "fleet_folder",
            "fleet_start_minutes",
        ),
    }
)
"""All others. A test asks for each new setting to be in one of the two."""


def written(value: object) -> str:
    """Return a value of envs.py as a variable."""
    if isinstance(value, Mapping):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(written, value))
    return str(value)


def variables_of(given: Mapping[str, object], fixed: Mapping[str, str]) -> dict[str, str]:
    """Return a member's variables: what the owner set by name, and what is fixed for all members."""
    taken = {name: written(value) for name, value in given.items() if name.lower() in FOR_MEMBERS}
    return {**taken, **fixed}
