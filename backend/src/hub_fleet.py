"""The fleet on the Hub's Jobs, as the settings shape it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from huggingface_hub import constants

from src.fleet.job_orders import JobTerms
from src.fleet.jobs import JobsFleet
from src.fleet.seam import Fleet
from src.fleet.situation import Limits
from src.fleet.variables import variables_of
from src.settings import Settings
from src.shared.errors import ConfigurationError
from src.shared.stores.hub import Hub

FLEET_NEEDS_THE_HUB = (
    "FLEET is `jobs`, but the data is in a local folder, which jobs cannot reach. Set OWNER, or leave FLEET "
    "unset."
)
FLEET_NEEDS_TOKENS = (
    "FLEET is `jobs`, which needs two secrets: HF_TOKEN, which may start Jobs, and FLEET_TOKEN, which may "
    "only write the leaderboard's datasets. docs/fleet.md says how to create them."
)
FLEET_NEEDS_CODE = (
    "FLEET is `jobs`, but it is not said what jobs run. Set FLEET_CODE to the backend's Space, such as "
    "acme/backend, or FLEET_IMAGE to an image made from backend/Dockerfile."
)
FLEET_RUNS_STRANGERS_CODE = (
    "CONFIRM_RUN_UNSAFE_CODE is True, so code that models write would run in a job beside FLEET_TOKEN, as "
    "the same user. Set FLEET_IMAGE to an image made from backend/Dockerfile, whose worker is an ordinary "
    "user, or unset CONFIRM_RUN_UNSAFE_CODE."
)


def make_jobs(
    settings: Settings, given: Mapping[str, object], limits: Limits, connect: Callable[..., Hub]
) -> Fleet:
    """Return the fleet on the Hub's Jobs. Raises ConfigurationError."""
    if not settings.is_on_the_hub:
        raise ConfigurationError(FLEET_NEEDS_THE_HUB)
    if settings.hf_token is None or settings.fleet_token is None:
        raise ConfigurationError(FLEET_NEEDS_TOKENS)
    code = code_of(settings)
    if not settings.fleet_image and not code:
        raise ConfigurationError(FLEET_NEEDS_CODE)
    if settings.confirm_run_unsafe_code and not settings.fleet_image:
        raise ConfigurationError(FLEET_RUNS_STRANGERS_CODE)
    fixed = {
        "FLEET": "off",
        "COMMENT_ON_MODELS": "false",  # the dispatcher tells
        "MAX_PARALLEL": "1",  # whatever envs.py says, which members fetch with the code
        "OWNER": str(settings.organisation),
        "QUEUE_REPO": settings.requests_dataset,
        "RESULTS_REPO": settings.results_dataset,
    }
    if constants.ENDPOINT != constants._HF_DEFAULT_ENDPOINT:
        fixed["HF_ENDPOINT"] = constants.ENDPOINT
    if settings.space_id:  # so that a member describes the suite as this Space does
        fixed["SPACE_ID"] = settings.space_id
    secrets = {"HF_TOKEN": settings.fleet_token, "HF_READ_TOKEN": settings.hf_read_token}
    terms = JobTerms(
        namespace=settings.namespace_of_the_fleet,
        board=settings.requests_dataset,
        image=settings.fleet_image,
        code=code or "",
        variables=variables_of(given, fixed),
        secrets={name: token for name, token in secrets.items() if token},
        longest=settings.longest_of_a_member,
        limits=limits,
        max_model_gb=settings.max_model_gb,
        uses_all_gpus=bool((settings.model_args or {}).get("parallelize")),
    )
    # A start whose answer is lost may have succeeded, so it is not repeated before the jobs are listed again.
    return JobsFleet(connect(settings.hf_token), connect(settings.hf_token, patience=0.0), terms)


def code_of(settings: Settings) -> str | None:
    """Return the Space whose files members fetch; None if they come with an image."""
    return None if settings.fleet_image else settings.fleet_code or settings.space_id
