"""What the old template's programs can read, and how its requests are told from ours."""

from __future__ import annotations

from collections.abc import Iterable

from .json_file import write_object
from .request import Request, Status


def is_of_the_old_template(request: Request) -> bool:
    """Whether neither Space of ours has touched the request: our frontend names the commit, and our backend
    does so when it claims a request of the old template.
    """
    return request.commit is None and request.run is None and not request.history


def can_be_read_by_the_old_template(request: Request) -> bool:
    """Whether the old backend evaluates what was asked for: it knows no chat template."""
    return not request.use_chat_template


def write_for_the_old_template(request: Request) -> bytes:
    """Return the file of a waiting request as the old template writes it: its backend makes an object of all
    keys, and an unknown one ends its whole look at the queue.

    The commit that was submitted stays, as the revision.
    """
    return write_object(
        {
            "model": request.model,
            "base_model": request.base_model,
            "revision": request.commit or request.revision,
            "private": request.private,
            "precision": request.precision,
            "weight_type": request.weight_type,
            "status": Status.PENDING.value,
            "submitted_time": request.submitted_time,
            "model_type": request.model_type,
            "likes": request.likes or 0,
            "params": request.params or 0,
            "license": request.license,
        }
    )


OLD_BACKEND = (
    "Submissions are closed while the leaderboard moves. Its queue still belongs to the backend of the old "
    "template, which cannot read new requests. Submissions open when the owner has started the new backend."
)


def belongs_to_an_old_backend(requests: Iterable[Request], *, has_a_description: bool) -> bool:
    """Whether requests of the old template are there, and no backend of ours has said what it runs."""
    return not has_a_description and any(map(is_of_the_old_template, requests))
