"""What the old template's programs can read, and how to recognise its requests."""

from __future__ import annotations

from collections.abc import Iterable

from .json_file import write_object
from .request import Request, Status


def is_of_the_old_template(request: Request) -> bool:
    """Return whether neither of our Spaces has touched the request. Our frontend names the commit, and our
    backend does so when it claims an old request.
    """
    return request.commit is None and request.run is None and not request.history


def can_be_read_by_the_old_template(request: Request) -> bool:
    """Return whether the old backend evaluates what was requested: it knows no chat template."""
    return not request.use_chat_template


def write_for_the_old_template(request: Request) -> bytes:
    """Return the file of a waiting request in the old template's format. Its backend makes an object of all
    keys, and one unknown key stops it from reading the whole queue.

    The submitted commit stays, as the revision.
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
    """Return whether there are requests of the old template and no description of a backend of ours."""
    return not has_a_description and any(map(is_of_the_old_template, requests))
