"""The order to the Hub that runs a member as a Job: its image, command, variables, labels and time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from huggingface_hub import __version__ as CLIENT

from src.fleet.flavour import MB_PER_GB
from src.fleet.situation import Limits, Start

BOARD, MEMBER, SMALLEST, LARGEST = "leaderboard", "member", "smallest-mb", "largest-mb"
"""The labels of a member. Their values are letters, digits, `-` and `_` only."""

SETTING_UP = """\
set -eu
code=$1 revision=$2 client=$3 name=$4; shift 4
install() { env -u HF_TOKEN -u HF_READ_TOKEN pip install --quiet "$@"; }
install "huggingface_hub==$client"
hf download --quiet --repo-type space --revision "$revision" --local-dir backend "$code"
cd backend
install --requirement requirements.txt
export WORKER_ID="$name.$JOB_ID"
exec python -m src.worker --drain "$@"
"""
"""The script of a member on a plain image of Python.

It holds no token: the client finds that in HF_TOKEN, and installers do not see it.
"""

READY_MADE = """\
set -eu
export WORKER_ID="$1.$JOB_ID"; shift
exec python -m src.worker --drain "$@"
"""
"""The same on an image that has the backend in its working folder, as backend/Dockerfile makes it."""

PLAIN_IMAGE = "python:3.11"


@dataclass(frozen=True, kw_only=True)
class JobTerms:
    """The terms that all members have in common."""

    namespace: str
    """The account that runs the jobs and pays for them."""
    board: str
    """The requests dataset, which tells this leaderboard's members from all other jobs of the account."""
    image: str | None = None
    """An image with the backend in its working folder; None for a plain one into which `code` is fetched."""
    code: str = ""
    """The Space that has the backend's files."""
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    longest: timedelta = timedelta(hours=24)
    """How long a member's start and one evaluation may take together."""
    limits: Limits = field(default_factory=Limits)
    max_model_gb: float | None = None
    """The largest weights that the owner allows, whatever the hardware takes."""
    uses_all_gpus: bool = False
    """Whether a model is spread over all GPUs of a machine. Otherwise only one counts."""

    @property
    def digest(self) -> str:
        """The label that all members of this leaderboard have."""
        return hashlib.sha256(self.board.encode()).hexdigest()[:16]


def body_of(
    order: Start, terms: JobTerms, *, most_gb: float | None = None, revision: str = ""
) -> dict[str, Any]:
    """Return the arguments of `run_job`. `most_gb` is the largest model of all allowed hardware, `revision`
    the commit of the backend's files if they are fetched.
    """
    share = [order.name, *order.options(price=order.flavour.price)]
    command = ["sh", "-c", READY_MADE, "member", *share]
    if terms.image is None:
        command = ["sh", "-c", SETTING_UP, "member", terms.code, revision, CLIENT, *share]
    # Members publish the same limit as the dispatcher.
    limits = [each for each in (most_gb, terms.max_model_gb) if each is not None]
    largest = {"MAX_MODEL_GB": f"{min(limits):g}"} if limits else {}
    device = "cuda" if order.flavour.accelerators else "cpu"
    return {
        "image": terms.image or PLAIN_IMAGE,
        "command": command,
        "env": {**terms.variables, **largest, "DEVICE": device, "PYTHONUNBUFFERED": "1"},
        "secrets": dict(terms.secrets),
        "flavor": order.flavour.name,
        "timeout": int((order.claims_for + terms.longest).total_seconds()),
        "name": f"leaderboard-{terms.digest[:8]}-{order.name}",
        "labels": {
            BOARD: terms.digest,
            MEMBER: order.name,
            SMALLEST: str(round(order.smallest * MB_PER_GB)),
            LARGEST: str(round(order.largest * MB_PER_GB)),
        },
        "namespace": terms.namespace,
    }
