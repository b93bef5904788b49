"""The checks that a submission must pass, each a function that raises Refused with what to do.

Owners add, remove and reorder them in the list CHECKS, at the end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from src.model_types import MODEL_TYPES
from src.shared.data.model_name import OTHER_KINDS, is_model_name
from src.shared.data.names import is_data_path, is_safe_path
from src.shared.data.old_template import OLD_BACKEND, belongs_to_an_old_backend
from src.shared.data.precision import weights_in_gb
from src.shared.data.provenance import ENDPOINT
from src.shared.data.request import ADAPTER, DELTA, NO_DELTAS, ORIGINAL, Status
from src.shared.data.run_settings import LOCAL
from src.shared.errors import counted, shown
from src.shared.models.model_source import ADAPTER_CONFIG, README, is_a_note_of
from src.shared.moderation.steps import CAN_BE_RETRIED
from src.submitting.case import Case
from src.submitting.form import LONGEST_READ, UNKNOWN_TYPE, Refused
from src.submitting.limits import HOUR, usage, writes
from src.submitting.limits_in_words import (
    days,
    in_gb,
    next_accepted,
    next_in_the_quota,
    what_used_it,
)

CAN_BE_ASKED_FOR_AGAIN = CAN_BE_RETRIED
"""Requests that go back into the queue, in their own file. No other is ever overwritten."""

LONGEST_FIELD = 200
"""Characters; the Hub's longest names have 96, branches rarely more than 50."""

SHORTEST_CARD = 200
"""Characters of text in a model card that is worth reading."""

REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+#@-]*")
"""Branches, tags and commits; git allows more, and a commit names what has another name."""

CAUSAL = ("ForCausalLM", "LMHeadModel")
"""The endings of most class names in transformers that predict the next token."""

CAUSAL_ON_A_SERVER = (*CAUSAL, "ForConditionalGeneration")
"""The same of models that servers such as vLLM have and transformers has not. Many of these see, too."""

WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json")
ADAPTER_WEIGHTS = re.compile(r"adapter_model\.safetensors")
"""The files that transformers and peft load."""

OTHER_WEIGHTS = {".bin": "PyTorch", ".pt": "PyTorch", ".pth": "PyTorch", ".gguf": "GGUF", ".h5": "TensorFlow"}
"""Endings of other files with weights, and what they are called."""

OWN_MACHINE = ("limit of this leaderboard is", "for a larger machine")
RENTED = ("largest machine that this leaderboard rents takes", "to allow larger hardware")
"""What a model is too large for, and what to ask the owner."""

SIGN_IN = (
    "Sign in with your Hugging Face account first: press the button above the form. Programs send a token in "
    "the Authorization header."
)
CLOSED = (
    "Submissions without a login are switched off here. The owner can switch on the login with hf_oauth: "
    "true in the Space's README.md. To do without one, set ANONYMOUS_SUBMISSIONS to true in the Space's "
    "settings. Programs can send a token in the Authorization header."
)


# Before the model is looked up


def fields_are_not_too_long(case: Case) -> None:
    """No field has more than LONGEST_FIELD characters."""
    for name, value in vars(case.form).items():
        if isinstance(value, str) and len(value) > LONGEST_FIELD:
            length = f"{len(value):,} characters{' or more' * (len(value) >= LONGEST_READ)}"
            raise Refused(
                f"The field {name} has {length}. Shorten it to at most {LONGEST_FIELD}.",
                field=name,
            )


def submitter_is_signed_in(case: Case) -> None:
    """The Hub has confirmed who submits, unless the owner accepts anonymous submissions."""
    if not case.submitter.login and not case.terms.anonymous:
        raise Refused(SIGN_IN if case.terms.login else CLOSED)


def submitter_is_not_blocked(case: Case) -> None:
    """The owner has not blocked the submitter."""
    if case.blocked.broken:
        raise Refused(
            f"The owner's list of blocked models and users cannot be read: {case.blocked.broken}. "
            "Submissions are closed until it is fixed."
        )
    reason = case.blocked.user(case.submitter.login) if case.submitter.login else None
    if reason is not None:
        raise Refused(
            f"{case.submitter.login} may not submit here{_with(reason)}. "
            "Ask the leaderboard's owner about it."
        )


def board_takes_submissions(case: Case) -> None:
    """No maintainer has closed the board, and what maintainers did can be read."""
    if case.blocked.closed:
        raise Refused(case.blocked.closed)


def queue_belongs_to_our_backend(case: Case) -> None:
    """A backend of the old template, which cannot read our requests, has given the queue up."""
    if belongs_to_an_old_backend(case.requests.values(), has_a_description=case.backend is not None):
        raise Refused(OLD_BACKEND)


def queue_has_room(case: Case) -> None:
    """No more than MAX_PENDING requests wait."""
    waiting = sum(each.status in (Status.WAITING, Status.PENDING) for each in case.requests.values())
    if waiting >= case.terms.pending:
        are_waiting = "request is" if waiting == 1 else "requests are"
        raise Refused(
            f"{waiting:,} {are_waiting} already waiting, so the queue is full. Try again when some have been "
            "evaluated."
        )


def quota_is_not_used_up(case: Case) -> None:
    """No login has more submissions evaluated in the period than its quota. Open ones count too."""
    login, terms = case.submitter.login, case.terms
    if not login:
        return
    quota = terms.quota_of(login)
    used = usage(case.requests.values(), case.submitter, case.now - terms.period)
    if used.number >= quota:
        raise Refused(
            f"{login} has used up the quota of {counted(quota, 'submission')} in {days(terms.period)}"
            f"{what_used_it(used)}. {next_in_the_quota(used, quota, terms.period)}"
        )


def writes_are_not_used_up(case: Case) -> None:
    """No login submits and withdraws more often than the limit of one hour."""
    login, terms = case.submitter.login, case.terms
    if not login:
        return
    times = writes(case.requests.values(), case.submitter, case.now - HOUR)
    if len(times) >= terms.writes:
        raise Refused(
            f"{login} has submitted and withdrawn {counted(len(times), 'time')} within an hour. The limit of "
            f"one login is {terms.writes}. {next_accepted(times, terms.writes, HOUR)}"
        )


def model_is_named(case: Case) -> None:
    """The model's name could be one on the Hub."""
    if not case.form.model:
        raise Refused("Which model? Write its name as on the Hub: organisation/model.", field="model")
    kind, _, rest = case.form.model.partition("/")
    if kind in OTHER_KINDS and "/" in rest:
        raise Refused(f"{shown(rest)} is one of the Hub's {kind}. Name a model.", field="model")
    _refuse_impossible(case.form.model, field="model")


def base_model_is_named(case: Case) -> None:
    """The base model's name, if there is one, could be one on the Hub."""
    name, revision = case.form.base_name, case.form.base_revision
    if not case.form.base_model:
        return
    _refuse_impossible(name, field="base_model")
    if not _is_possible_revision(revision):
        raise Refused(
            f"{shown(revision)} cannot be a revision of {shown(name)}. Write organisation/model, or "
            "organisation/model@commit.",
            field="base_model",
        )


def revision_is_possible(case: Case) -> None:
    """The revision could be a branch, a tag or a commit."""
    revision = case.form.revision
    if not _is_possible_revision(revision):
        raise Refused(
            f"{shown(revision)} cannot be a revision of {shown(case.form.model)}. Write a branch, a tag or a "
            "commit, using only letters, digits, '-', '_', '.' and '/'.",
            field="revision",
        )


def _is_possible_revision(revision: str) -> bool:
    return bool(REVISION.fullmatch(revision)) and ".." not in revision


def precision_is_offered(case: Case) -> None:
    """The precision is one that the backend runs."""
    _refuse_unless_offered("precision", case, case.form.precision, case.precisions, field="precision")


def weight_type_is_offered(case: Case) -> None:
    """The weight type is one that the backend runs."""
    value, offered = case.form.weight_type, case.weight_types
    if value == DELTA:
        raise Refused(
            f"{shown(case.form.model)} was submitted as Delta, but deltas are not evaluated. {NO_DELTAS}",
            field="weight_type",
        )
    if value == ADAPTER and value not in offered:
        raise Refused(
            f"{shown(case.form.model)} was submitted as {value}, but only {', '.join(offered)} weights are "
            "evaluated here. Merge it into its base model and submit the merged model.",
            field="weight_type",
        )
    _refuse_unless_offered("weight type", case, value, offered, field="weight_type")


def model_type_is_offered(case: Case) -> None:
    """The model type is one of MODEL_TYPES, or unknown."""
    offered = [*map(str, MODEL_TYPES), UNKNOWN_TYPE]
    _refuse_unless_offered("model type", case, case.form.model_type, offered, field="model_type")


def chat_template_is_used_where_it_must_be(case: Case) -> None:
    """Prompts go through the chat template if models run on a server that always uses it."""
    if case.backend is not None and case.backend.is_chat_only and not case.form.use_chat_template:
        raise Refused(
            f"{shown(case.form.model)} was submitted without its chat template, but models run here on a "
            "server that always uses it. Tick Use the chat template. Programs send use_chat_template.",
            field="use_chat_template",
        )


def model_is_not_blocked(case: Case) -> None:
    """The owner has blocked neither the model nor the model that it was made from."""
    for field, name in {"model": case.form.model, "base_model": case.form.base_name}.items():
        _refuse_blocked(case, name, field)


# With the model's facts


def model_exists(case: Case) -> None:
    """The model and the revision exist and may be read, and the model's canonical name is not blocked."""
    _refuse_blocked(case, case.facts.name, "model")


def name_can_be_a_folder(case: Case) -> None:
    """Its request gets a path that is found again and is not one of our own files."""
    if not is_safe_path(case.path) or not is_data_path(case.path):
        raise Refused(
            f"{case.facts.name} cannot be the name of a folder in the requests dataset. Rename the model.",
            field="model",
        )


def weight_type_fits_the_files(case: Case) -> None:
    """An adapter is submitted as an adapter, and nothing else is."""
    files, name = case.facts.files, case.facts.name
    if case.facts.is_adapter and case.form.weight_type != ADAPTER:
        remedy = (
            "Choose Adapter as its weights type"
            if ADAPTER in case.weight_types
            else "Only whole models are evaluated here, so merge it into its base model and submit that"
        )
        raise Refused(f"{name} is an adapter (it has {ADAPTER_CONFIG}). {remedy}.", field="weight_type")
    if case.form.weight_type == ADAPTER and files and ADAPTER_CONFIG not in files:
        raise Refused(
            f"{name} is not an adapter: it has no {ADAPTER_CONFIG}. Choose another weights type.",
            field="weight_type",
        )


def has_a_base_model_where_it_needs_one(case: Case) -> None:
    """Adapters can be evaluated only on top of a base model, which is there."""
    if case.form.weight_type != ORIGINAL and not case.base:
        raise Refused(
            f"{case.facts.name} was submitted as {case.form.weight_type}, but its base model is missing. "
            "Name the model that it was made from.",
            field="base_model",
        )
    if case.base and case.base.is_adapter:
        raise Refused(
            f"{case.base.name} is itself an adapter. Name the whole model below it as the base model.",
            field="base_model",
        )
    if case.base:
        _refuse_blocked(case, case.base.name, "base_model")


def has_the_base_model_that_it_was_made_from(case: Case) -> None:
    """The base model is the one in the adapter's configuration, if that names one and not a folder."""
    note, base = case.facts.adapts, case.base
    if base is None or is_a_note_of(note, base.name) or case.lookup.is_the_base_model(note):
        return
    raise Refused(
        f"{case.facts.name} was trained on {shown(note)} (`base_model_name_or_path` in {ADAPTER_CONFIG}), "
        f"not on {base.name}. Name the base model that it was trained on, or correct the file.",
        field="base_model",
    )


def has_safetensors_weights(case: Case) -> None:
    """The weights that are loaded are in safetensors files: others can hold code."""
    for field, part in case.parts.items():
        names = ADAPTER_WEIGHTS if part.is_adapter else WEIGHTS
        if any(names.fullmatch(name) for name in part.files):
            continue
        endings = {kind for name in part.files for end, kind in OTHER_WEIGHTS.items() if name.endswith(end)}
        has = f"only {' and '.join(sorted(endings))} files" if endings else "no files with weights"
        remedy = (
            "Save it again with a recent peft, which writes adapter_model.safetensors"
            if part.is_adapter
            else "Save it with model.save_pretrained(), or convert it with "
            "https://huggingface.co/spaces/safetensors/convert"
        )
        raise Refused(
            f"{part.name} has {has}, but only weights in safetensors files are evaluated. {remedy}.",
            field=field,
        )


def needs_no_remote_code(case: Case) -> None:
    """It needs no code of its own. Architectures that transformers knows never do."""
    for field, part in case.parts.items():
        is_known = case.backend is not None and part.architecture in case.backend.architectures
        if part.needs_remote_code and not is_known:
            raise Refused(
                f"{part.name} needs code of its own (auto_map in config.json), but we do not run code that "
                "comes with models. Submit a version whose architecture transformers knows.",
                field=field,
            )


def architecture_is_known(case: Case) -> None:
    """The backend's transformers can load it as a causal language model, if both are known.

    A server may know others, but no other kind of model.
    """
    known = case.backend.architectures if case.backend else ()
    is_local = case.backend is not None and case.backend.inference == LOCAL
    for field, part in case.parts.items():
        if known and part.architecture and part.architecture not in known and not part.needs_remote_code:
            if not part.architecture.endswith(CAUSAL if is_local else CAUSAL_ON_A_SERVER):
                raise Refused(
                    f"{part.name} is a {shown(part.architecture)}, which is not a causal language model. "
                    "Only those are evaluated here: submit a model that predicts the next token.",
                    field=field,
                )
            if not is_local:
                continue
            version = case.backend.versions.get("transformers", "") if case.backend else ""
            raise Refused(
                f"{part.name} is a {shown(part.architecture)}, and the transformers {version} of this "
                "leaderboard has no such causal language model. Ask the owner for a newer version.",
                field=field,
            )


def weights_can_be_loaded(case: Case) -> None:
    """If its weights are quantized, the backend has what the method needs."""
    loadable = case.backend.quantizations if case.backend else None
    for field, part in case.parts.items():
        if loadable is None or part.quantization is None or part.quantization in loadable:
            continue
        how = f"with {shown(part.quantization)}" if part.quantization else "with an unnamed method"
        raise Refused(
            f"The weights of {part.name} are quantized {how}, which this leaderboard's worker cannot load. "
            "Submit the model without quantization, or ask the owner to install what the method needs.",
            field=field,
        )


def fits_the_size_cap(case: Case) -> None:
    """Its weights, in the requested precision, are not larger than the backend's limit.

    Those of an adapter count together with its base model's. Where models run on rented hardware, the limit
    is what the largest machine takes.
    """
    size = weights_in_gb(None if case.params is None else case.params / 1e9, case.form.precision)
    cap = case.backend.max_model_gb if case.backend else None
    if size is not None and cap is not None and size > cap:
        is_rented = case.backend is not None and case.backend.inference == ENDPOINT
        limit, larger = RENTED if is_rented else OWN_MACHINE
        is_half_enough = case.form.precision == "float32" and size / 2 <= cap
        remedy = (
            "Choose float16 or bfloat16"
            if is_half_enough
            else f"Submit a smaller model, or ask the owner {larger}"
        )
        raise Refused(
            f"{' with its base model '.join(part.name for part in case.parts.values())} has {in_gb(size)} of "
            f"weights in {case.form.precision}, but the {limit} {in_gb(cap)}. {remedy}.",
            field="precision",
        )


def states_a_license(case: Case) -> None:
    """The card's metadata state a licence."""
    if not case.facts.license:
        raise Refused(
            f"{case.facts.name} states no licence. Add `license:`, or both `license_name:` and "
            "`license_link:`, to the metadata at the top of its README.md.",
            field="model",
        )


def has_a_model_card(case: Case) -> None:
    """A model card tells people what the model is."""
    length = case.lookup.card_length
    if length < SHORTEST_CARD:
        has = (
            f"a model card with {length} characters of text"
            if README in case.facts.files
            else "no model card"
        )
        raise Refused(
            f"{case.facts.name} has {has}. Describe in its README.md what it is, how it was trained and what "
            f"it is for, in at least {SHORTEST_CARD} characters.",
            field="model",
        )


def is_not_submitted_yet(case: Case) -> None:
    """The same evaluation was not requested yet, or it failed or was withdrawn."""
    for path, request in case.earlier.items():
        if request.status not in CAN_BE_ASKED_FOR_AGAIN:
            known = f"commit {request.commit[:8]}" if request.commit else f"revision {request.revision}"
            advice = f" To evaluate the current commit, enter {case.facts.commit} as the revision."
            raise Refused(
                f"{request.model} ({known}, {request.kind}) was already submitted and is {request.status}: "
                f"its request is {path}.{'' if request.commit else advice}",
                field="model",
                request=path,
            )


# What several checks say


def _refuse_impossible(name: str, *, field: str) -> None:
    foreign = next((letter for letter in name if letter.isalnum() and not letter.isascii()), None)
    if foreign:
        raise Refused(
            f"{shown(name)} has the letter {foreign!r} ({unicodedata.name(foreign, 'without a name')}), "
            "which no name on the Hub has. Copy the name from the model's page.",
            field=field,
        )
    if not is_model_name(name):
        raise Refused(
            f"{shown(name)} cannot be a model's name. Write it as on the Hub, organisation/model, "
            "using only letters, digits, '-', '_' and '.'.",
            field=field,
        )


def _refuse_unless_offered(what: str, case: Case, value: str, offered: Sequence[str], *, field: str) -> None:
    of_the_model = f" of {shown(case.form.model)}" if case.form.model else ""
    if not value:
        raise Refused(
            f"The {what}{of_the_model} is missing. Choose one of {', '.join(offered)}.", field=field
        )
    if value not in offered:
        raise Refused(
            f"The {what} {shown(value)}{of_the_model} is not offered. Choose one of {', '.join(offered)}.",
            field=field,
        )


def _refuse_blocked(case: Case, name: str, field: str) -> None:
    reason = case.blocked.model(name) if name else None
    if reason is not None:
        raise Refused(
            f"{shown(name)} is not evaluated here{_with(reason)}. Ask the leaderboard's owner about it.",
            field=field,
        )


def _with(reason: str) -> str:
    return f": {reason.removesuffix('.')}" if reason else ""


Check = Callable[[Case], None]

CHECKS: list[Check] = [
    fields_are_not_too_long,
    submitter_is_signed_in,
    submitter_is_not_blocked,
    board_takes_submissions,
    queue_belongs_to_our_backend,
    queue_has_room,
    quota_is_not_used_up,
    writes_are_not_used_up,
    model_is_named,
    base_model_is_named,
    revision_is_possible,
    precision_is_offered,
    weight_type_is_offered,
    model_type_is_offered,
    chat_template_is_used_where_it_must_be,
    model_is_not_blocked,
    model_exists,
    name_can_be_a_folder,
    weight_type_fits_the_files,
    has_a_base_model_where_it_needs_one,
    has_the_base_model_that_it_was_made_from,
    has_safetensors_weights,
    needs_no_remote_code,
    architecture_is_known,
    weights_can_be_loaded,
    fits_the_size_cap,
    states_a_license,
    has_a_model_card,
    is_not_submitted_yet,
]
"""All that a submission must pass. While one above `model_exists` fails, the Hub is not asked."""
