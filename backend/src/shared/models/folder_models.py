"""Models in a local folder, `<folder>/<org>/<model>/`, each laid out as the Hub would hold it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import get_local_safetensors_metadata
from huggingface_hub.errors import HFValidationError, NotASafetensorsRepoError, SafetensorsParsingError
from huggingface_hub.repocard import REGEX_YAML_BLOCK
from huggingface_hub.utils import validate_repo_id

from ..data.json_file import as_object, as_text, as_texts, read_object
from ..data.yaml_file import read_yaml
from ..errors import BadFile, ModelError, ModelNotFound, RevisionNotFound, shown
from .model_source import (
    ADAPTER_CONFIG,
    CHAT_TEMPLATE,
    CONFIG,
    LONGEST_CARD_BYTES,
    README,
    ModelFacts,
    license_in,
    quantization_in,
    within_bounds,
)

MAIN = "main"

UNREADABLE_WEIGHTS = (
    NotASafetensorsRepoError,
    SafetensorsParsingError,
    OSError,
    ValueError,
    AttributeError,
    TypeError,
)
"""The errors of huggingface_hub for missing weights, and for malformed headers and indexes."""


class FolderModels:
    """Models in a folder. Each has one revision, `main`, whose commit follows from its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self, name: str, revision: str = MAIN) -> ModelFacts:
        """Return the facts of a local model. Raises ModelNotFound, RevisionNotFound, or
        another ModelError.
        """
        try:
            folder = self._find(name)
            commit = folder_commit(folder)
        except OSError as error:
            raise ModelError(f"Cannot read {name}: {error.strerror} ({error.filename}).") from error
        if revision not in (MAIN, commit):
            raise RevisionNotFound(
                f"{name} has no revision {revision}. It is in a local folder, which has only {MAIN} "
                f"(currently {commit[:8]})."
            )
        card, config = _card(folder), _json(folder / CONFIG)
        architectures = as_texts(config.get("architectures"))
        adapted = as_text(_json(folder / ADAPTER_CONFIG).get("base_model_name_or_path"))
        files = tuple(sorted(each.name for each in folder.iterdir() if each.is_file()))
        params, dtype = _weights(folder)
        facts = ModelFacts(
            name=name,
            commit=commit,
            location=str(folder),
            params=params,
            dtype=dtype,
            files=files,
            license=license_in(card),
            base_models=as_texts(card.get("base_model")) or ((adapted,) if adapted else ()),
            adapts=adapted,
            architecture=architectures[0] if architectures else None,
            needs_remote_code="auto_map" in config,
            quantization=quantization_in(config),
            has_chat_template=CHAT_TEMPLATE in files
            or "chat_template" in _json(folder / "tokenizer_config.json"),
            tags=as_texts(card.get("tags")),
        )
        return within_bounds(facts)

    def card(self, name: str, revision: str = MAIN) -> str:
        """Return the text of a local model's card. Raises ModelNotFound, or ModelError if
        it cannot be read.
        """
        try:
            text = _readme(self._find(name)).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ModelError(f"Cannot read {name}: {error.strerror} ({error.filename}).") from error
        return REGEX_YAML_BLOCK.sub("", text, count=1)

    def _find(self, name: str) -> Path:
        """Return the folder of a model. Strangers give the name; a valid repository name
        cannot lead outside.
        """
        try:
            validate_repo_id(name)
        except HFValidationError:
            raise ModelNotFound(
                f"{shown(name)} is not a model's name: write it as organisation/model."
            ) from None
        folder = self._folder / name
        if not any((folder / name).is_file() for name in (CONFIG, ADAPTER_CONFIG)):
            raise ModelNotFound(f"There is no model {name} in {self._folder.name}/: check its name.")
        return folder


def folder_commit(folder: Path) -> str:
    """A commit for a folder, of 40 hexadecimal digits: SHA-1 over its sorted files' paths and contents."""
    digest = hashlib.sha1(usedforsecurity=False)
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        with path.open("rb") as file:
            content = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
        digest.update(f"{relative.as_posix()}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _readme(folder: Path) -> bytes:
    """The beginning of the model card. Raises OSError."""
    with (folder / README).open("rb") as file:
        return file.read(LONGEST_CARD_BYTES)


def _card(folder: Path) -> Mapping[str, object]:
    """Return the front matter of the model card; empty if there is none that can be read."""
    try:
        found = REGEX_YAML_BLOCK.search(_readme(folder).decode("utf-8", "surrogateescape"))
        return as_object(read_yaml(found[2].encode())) if found else {}
    except (OSError, BadFile, UnicodeEncodeError):  # the last one means that it is not UTF-8
        return {}


def _json(file: Path) -> dict[str, object]:
    try:
        return read_object(file.read_bytes())
    except (BadFile, FileNotFoundError):  # the evaluation will report what is wrong with it
        return {}


def _weights(folder: Path) -> tuple[int | None, str | None]:
    """Return the number of parameters and the type of most of them; None if the headers do not say."""
    try:
        counts = get_local_safetensors_metadata(folder).parameter_count
    except UNREADABLE_WEIGHTS:
        return None, None
    return sum(counts.values()) or None, max(counts, key=lambda dtype: counts[dtype], default=None)
