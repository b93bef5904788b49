"""The form, the choices it offers, and the refusal for what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from src.model_types import MODEL_TYPES, read_model_type
from src.shared.data.backend_description import BackendDescription
from src.shared.data.model_name import linked_revision, model_name
from src.shared.data.precision import PRECISIONS
from src.shared.data.request import ADAPTER, ORIGINAL
from src.shared.errors import LeaderboardError

WEIGHT_TYPES = (ORIGINAL, ADAPTER)
"""Offered until the backend has published what it runs."""

LONGEST_READ = 1000
"""How many characters of a field are read. A field of this length is refused; a link to a
model is shorter.
"""

MAIN = "main"
UNKNOWN_TYPE = "?"


class Refused(LeaderboardError):
    """A submission breaks a rule; the message has the rule and what to do.

    `field` is the form's field, if any, and `request` the file of an earlier request.
    """

    def __init__(self, message: str, *, field: str = "", request: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.request = request


@dataclass(frozen=True)
class Form:
    """The submitter's entries."""

    model: str
    """The model's name, or the address of its page."""
    base_model: str = ""
    """The model that an adapter was made from, perhaps with a revision: organisation/model@commit."""
    revision: str = MAIN
    """A branch, a tag or a commit."""
    precision: str = PRECISIONS[0]
    weight_type: str = ORIGINAL
    model_type: str = UNKNOWN_TYPE
    use_chat_template: bool = False
    """Whether prompts go through the model's chat template."""

    @property
    def base_name(self) -> str:
        """The name of the base model; empty if none is named."""
        return self.base_model.partition("@")[0]

    @property
    def base_revision(self) -> str:
        """The branch, tag or commit of the base model."""
        return self.base_model.partition("@")[2] or MAIN


def precisions(backend: BackendDescription | None) -> tuple[str, ...]:
    """Return the precisions on offer: those that the backend runs."""
    return (backend.precisions if backend else ()) or PRECISIONS


def weight_types(backend: BackendDescription | None) -> tuple[str, ...]:
    """Return the weight types on offer: those that the backend runs."""
    return (backend.weight_types if backend else ()) or WEIGHT_TYPES


def tidied(form: Form) -> Form:
    """Return the form without spaces around fields, with links and short names of model types spelled out.

    A revision in a link overrides the field, which may still belong to the previous model. Fields that are
    too long are cut, since strangers fill them in.
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
        base_model=at(model_name(base_model), linked_revision(base_model)),
        revision=linked_revision(model) or revision or MAIN,
        precision=precision,
        weight_type=weight_type,
        model_type=str(kind) if kind in MODEL_TYPES else model_type,
        use_chat_template=form.use_chat_template,
    )


def at(base_model: str, revision: str | None) -> str:
    """Return what the form's field has for a base model at a revision."""
    return f"{base_model}@{revision}" if base_model and revision else base_model
