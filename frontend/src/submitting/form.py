"""What a submitter fills in, what can be chosen there, and the refusal that says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from src.model_types import MODEL_TYPES, read_model_type
from src.shared.data.backend_description import BackendDescription
from src.shared.data.model_name import linked_revision, model_name
from src.shared.data.precision import PRECISIONS
from src.shared.data.request import ORIGINAL
from src.shared.errors import LeaderboardError

WEIGHT_TYPES = (ORIGINAL, "Adapter", "Delta")
"""What is offered until the backend has said what it runs."""

LONGEST_READ = 1000
"""Characters of a field that are looked at. A field of so many is refused; a link to a model is shorter."""

MAIN = "main"
UNKNOWN_TYPE = "?"


class Refused(LeaderboardError):
    """A submission breaks a rule; the message says which, and what to do.

    `field` names the field of the form that it is about, if it is about one, and `request` the file of an
    earlier request.
    """

    def __init__(self, message: str, *, field: str = "", request: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.request = request


@dataclass(frozen=True)
class Form:
    """What a submitter filled in."""

    model: str
    base_model: str = ""
    revision: str = MAIN
    precision: str = PRECISIONS[0]
    weight_type: str = ORIGINAL
    model_type: str = UNKNOWN_TYPE
    use_chat_template: bool = False


def precisions(backend: BackendDescription | None) -> tuple[str, ...]:
    """The precisions that are offered: those that the backend runs."""
    return (backend.precisions if backend else ()) or PRECISIONS


def weight_types(backend: BackendDescription | None) -> tuple[str, ...]:
    """The weight types that are offered: those that the backend runs."""
    return (backend.weight_types if backend else ()) or WEIGHT_TYPES


def tidied(form: Form) -> Form:
    """The form without spaces around its fields, links and short names of model types spelled out.

    The revision in a link counts more than the one in its field, which may be that of a model before. Of a
    field that is too long the beginning is kept: strangers fill them in.
    """
    model, base_model, revision, precision, weight_type, model_type = (
        text[:LONGEST_READ].strip()
        for text in (
            form.model,
            form.base_model,
            form.revision,
            form.precision,
            form.weight_type,
            form.model_type,
        )
    )
    kind = read_model_type(model_type)
    return Form(
        model=model_name(model),
        base_model=model_name(base_model),
        revision=linked_revision(model) or revision or MAIN,
        precision=precision,
        weight_type=weight_type,
        model_type=str(kind) if kind in MODEL_TYPES else model_type,
        use_chat_template=form.use_chat_template,
    )
