"""Models on the Hub: what one call tells of a revision, without any of its files."""

from __future__ import annotations

from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo

from .errors import CannotBeEvaluated, ModelError, ModelNotFound, RevisionNotFound
from .hub import FAILURES, Hub, reason, status_of
from .json_file import as_texts
from .model_source import ModelFacts

NOT_FOUND = "There is no model {} on the Hub, or it is private: check its name, or make it public."
DISABLED = "{} was disabled by the Hub: its page says more."


class HubModels:
    """Every model that the Hub shows to the token."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def describe(self, name: str, revision: str) -> ModelFacts:
        """The facts of a model at a revision, under the name that the Hub has for it now.

        Raises ModelNotFound, RevisionNotFound, or another ModelError; each says what to do.
        """
        try:
            info = self._hub.call(self._hub.api.model_info, name, revision=revision)
        except HFValidationError:
            raise ModelNotFound(f"{name!r} is not a model's name: write it as organisation/model.") from None
        except GatedRepoError as error:
            raise CannotBeEvaluated(
                f"{name} is gated, and this leaderboard has no access to it. Open it, or ask the "
                "leaderboard's owner to request access."
            ) from error
        except RevisionNotFoundError as error:
            raise RevisionNotFound(
                f"{name} has no revision {revision}: name a branch, a tag or a commit that it has."
            ) from error
        except DisabledRepoError as error:
            raise CannotBeEvaluated(DISABLED.format(name)) from error
        except FAILURES as error:
            is_known = status_of(error) == 404 or not self._hub.api.token
            if isinstance(error, RepositoryNotFoundError) and is_known:
                raise ModelNotFound(NOT_FOUND.format(name)) from error
            raise ModelError(f"Cannot look up {name}: {reason(error, self._hub)}") from error
        if info.private:  # our token may see more than whoever asks
            raise ModelNotFound(NOT_FOUND.format(name))
        if info.disabled:
            raise CannotBeEvaluated(DISABLED.format(name))
        return _facts(info)

    def is_available(self, name: str) -> bool | None:
        """Whether everybody finds the model on the Hub; None when the Hub does not say.

        Gone is only what it does not find for a valid token: without one it says so of private models too.
        Raises ModelError when it cannot be asked.
        """
        try:
            info = self._hub.call(self._hub.api.model_info, name, expand=["private"])
        except RepositoryNotFoundError as error:
            return False if status_of(error) == 404 and self._hub.api.token else None
        except FAILURES as error:
            raise ModelError(f"Cannot look up {name}: {reason(error, self._hub)}") from error
        return None if info.private else True


def _facts(info: ModelInfo) -> ModelFacts:
    card = info.card_data
    architectures = (info.config or {}).get("architectures")
    counts = info.safetensors.parameters if info.safetensors else {}
    return ModelFacts(
        name=info.id,
        commit=str(info.sha),
        location=info.id,
        params=info.safetensors.total if info.safetensors else None,
        dtype=max(counts, key=lambda dtype: counts[dtype], default=None),
        license=", ".join(as_texts(card.get("license") if card else None)),
        base_models=as_texts(card.get("base_model") if card else None),
        architecture=next(iter(as_texts(architectures)), None),
        gated=bool(info.gated),
        likes=info.likes,
    )
