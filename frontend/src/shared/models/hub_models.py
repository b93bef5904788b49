"""Models on the Hub: the facts about a revision from one call, without any of its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import hf_hub_url
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.repocard import REGEX_YAML_BLOCK

from ..data.json_file import as_object, as_text, as_texts
from ..errors import CannotBeEvaluated, ModelError, ModelIsPrivate, ModelNotFound, RevisionNotFound, shown
from ..stores.hub import FAILURES, TRY_AGAIN, Hub, reason, status_of
from .model_source import (
    CHAT_TEMPLATE,
    KEPT_TAGS,
    LONGEST_CARD_BYTES,
    README,
    ModelFacts,
    Presence,
    license_in,
    quantization_in,
    within_bounds,
)

NOT_FOUND = "There is no model {} on the Hub, or it is private. Check its name, or make it public."
PRIVATE = "{} is private. Make it public, so that everybody can see what is on the leaderboard."
GATED = (
    "{} is gated, and this leaderboard has no access to it. Open it, or ask the leaderboard's owner to "
    "request access and to set HF_READ_TOKEN to a token that has it."
)
DISABLED = "The Hub has disabled {}. See its page for the reason."
ODD = (
    "The metadata of {} cannot be understood. Correct the metadata at the top of its README.md, and its "
    "config.json."
)


CARD_KEYS = ("license", "license_name", "license_link", "base_model")


class HubModels:
    """Every model that the token can see. `reader` has the evaluations' token, which decides about the files
    of gated models.
    """

    def __init__(self, hub: Hub, reader: Hub | None = None) -> None:
        self._hub = hub
        self._reader = reader or hub

    def describe(self, name: str, revision: str) -> ModelFacts:
        """Return the facts of a model at a revision, under its present name on the Hub.

        Raises ModelNotFound, ModelIsPrivate, RevisionNotFound or another ModelError, each with what to do.
        """
        try:
            info = self._info(name, revision)
        except RevisionNotFound:
            self._info(name, None)  # of a private model, not even this is revealed
            raise
        if info.disabled:
            raise CannotBeEvaluated(DISABLED.format(name))
        if info.gated:  # everybody can see the model, but not its files
            with _model_errors(name, revision, self._reader):
                self._reader.call(self._reader.api.auth_check, info.id)
        return within_bounds(_facts(info))

    def _info(self, name: str, revision: str | None) -> ModelInfo:
        with _model_errors(name, revision or "", self._hub):
            info = self._hub.call(self._hub.api.model_info, name, revision=revision)
        if info.private:
            raise ModelIsPrivate(PRIVATE.format(name))
        return info

    def card(self, name: str, revision: str) -> str:
        """Return the beginning of a model card's text, without its metadata; empty if there is no card.

        Raises as `describe` does.
        """
        try:
            data = self._readme(self._hub, name, revision)
        except CannotBeEvaluated:  # it is gated
            data = self._readme(self._reader, name, revision)
        return REGEX_YAML_BLOCK.sub("", data.decode("utf-8", "replace"), count=1)

    def _readme(self, hub: Hub, name: str, revision: str) -> bytes:
        try:
            with _model_errors(name, revision, hub):
                address = hf_hub_url(name, README, revision=revision, endpoint=hub.api.endpoint)
                return hub.get(address, most=LONGEST_CARD_BYTES)
        except EntryNotFoundError:
            return b""

    def presence(self, name: str) -> Presence | None:
        """Return whether everybody can find the model on the Hub, and its tags; None if the Hub does not say.

        Only the answer to a valid token counts as gone: without a token, private models are not found either.
        Raises ModelError if the Hub cannot be asked.
        """
        try:
            info = self._hub.call(self._hub.api.model_info, name, expand=["private", "tags"])
        except RepositoryNotFoundError as error:
            return Presence(False) if status_of(error) == 404 and self._hub.api.token else None
        except FAILURES as error:
            raise ModelError(f"Cannot look up {name}: {reason(error, self._hub, TRY_AGAIN)}") from error
        return None if info.private else Presence(True, KEPT_TAGS.intersection(as_texts(info.tags)))


@contextmanager
def _model_errors(name: str, revision: str, hub: Hub) -> Iterator[None]:
    """Turn the errors of a call about a model into ModelErrors. A missing file is passed on."""
    try:
        yield
    except HFValidationError:
        raise ModelNotFound(f"{shown(name)} is not a model's name: write it as organisation/model.") from None
    except EntryNotFoundError:
        raise
    except GatedRepoError as error:
        raise CannotBeEvaluated(GATED.format(name)) from error
    except RevisionNotFoundError as error:
        raise RevisionNotFound(
            f"{name} has no revision {revision}: name a branch, a tag or a commit that it has."
        ) from error
    except DisabledRepoError as error:
        raise CannotBeEvaluated(DISABLED.format(name)) from error
    except (
        AttributeError,
        KeyError,
        TypeError,
    ) as error:  # the client fails on what the model's author wrote
        raise CannotBeEvaluated(ODD.format(name)) from error
    except FAILURES as error:
        is_known = status_of(error) == 404 or not hub.api.token
        if isinstance(error, RepositoryNotFoundError) and is_known:
            raise ModelNotFound(NOT_FOUND.format(name)) from error
        raise ModelError(f"Cannot look up {name}: {reason(error, hub, TRY_AGAIN)}") from error


def _facts(info: ModelInfo) -> ModelFacts:
    card = {key: info.card_data.get(key) for key in CARD_KEYS} if info.card_data else {}
    config = as_object(info.config)
    architectures = as_texts(config.get("architectures"))
    adapted = as_text(as_object(config.get("peft")).get("base_model_name_or_path"))
    files = tuple(sorted(each.rfilename for each in info.siblings or () if "/" not in each.rfilename))
    counts = info.safetensors.parameters if info.safetensors else {}
    return ModelFacts(
        name=info.id,
        commit=str(info.sha),
        location=info.id,
        params=info.safetensors.total if info.safetensors else None,
        dtype=max(counts, key=lambda dtype: counts[dtype], default=None),
        files=files,
        license=license_in(card),
        base_models=as_texts(card.get("base_model")) or ((adapted,) if adapted else ()),
        adapts=adapted,
        architecture=next(iter(architectures), None),
        needs_remote_code="auto_map" in config,
        quantization=quantization_in(config),
        has_chat_template=CHAT_TEMPLATE in files
        or "chat_template" in as_object(config.get("tokenizer_config")),
        tags=tuple(info.tags or ()),
        gated=bool(info.gated),
        likes=info.likes,
    )
