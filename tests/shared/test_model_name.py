"""A model's name is found in what people type and paste."""

import pytest

from src.model_types import MODEL_TYPES, UNKNOWN, ModelType, read_model_type
from src.shared.data.model_name import is_model_name, linked_revision, model_name


@pytest.mark.parametrize(
    "text",
    [
        "acme/tiny",
        "  acme/tiny \n",
        "https://huggingface.co/acme/tiny",
        "https://huggingface.co/acme/tiny/",
        "http://www.huggingface.co/acme/tiny?library=transformers#files",
        "https://huggingface.co/acme/tiny/tree/main",
        "huggingface.co/acme/tiny/blob/main/config.json",
        "https://hf.co/acme/tiny",
        "HTTPS://HuggingFace.co/acme/tiny",
    ],
)
def test_a_name_or_a_link_gives_the_name(text: str) -> None:
    assert model_name(text) == "acme/tiny"


def test_a_link_to_a_model_without_an_organisation_gives_its_name() -> None:
    assert model_name("https://huggingface.co/gpt2") == "gpt2"
    assert model_name("https://huggingface.co/gpt2/tree/main") == "gpt2"


@pytest.mark.parametrize("name", ["acme/tiny", "gpt2", "acme/Tiny-1.5_b", "a/b"])
def test_possible_names(name: str) -> None:
    assert is_model_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../tiny",
        "acme/../tiny",
        "a/b/c",
        "acme/",
        "/tiny",
        "acme/ti ny",
        "acme/<b>",
        "acme/" + "x" * 100,
        "-a/b",
    ],
)
def test_impossible_names(name: str) -> None:
    assert not is_model_name(name)


@pytest.mark.parametrize(
    "text", ["🟢 : pretrained", "🟢 : 🟢 : pretrained", "pretrained", "Pretrained", " 🟢:pretrained "]
)
def test_a_model_type_is_read_however_it_is_written(text: str) -> None:
    assert read_model_type(text) == MODEL_TYPES[0]


def test_an_unknown_model_type_is_blank_and_a_foreign_one_is_kept() -> None:
    assert read_model_type("? : ") == read_model_type("") == read_model_type("?") == UNKNOWN
    assert read_model_type("🤝 : base merges and moerges") == ModelType("🤝", "base merges and moerges")
    assert read_model_type("something else") == ModelType("", "something else")


def test_a_model_type_is_written_as_the_old_template_writes_it() -> None:
    assert str(MODEL_TYPES[0]) == "🟢 : pretrained"
    assert str(UNKNOWN) == "? : "


@pytest.mark.parametrize(
    ("link", "revision"),
    [
        ("https://huggingface.co/acme/tiny/tree/v2", "v2"),
        ("https://huggingface.co/acme/tiny/blob/dev/config.json", "dev"),
        ("https://huggingface.co/acme/tiny/commit/0123abcd", "0123abcd"),
        ("https://huggingface.co/acme/tiny/commits/dev", "dev"),
        ("https://huggingface.co/acme/tiny/tree/refs%2Fpr%2F1", "refs/pr/1"),
        ("https://huggingface.co/gpt2/tree/main", "main"),
        ("https://huggingface.co/acme/tiny/discussions/1", ""),
        ("https://huggingface.co/acme/tiny", ""),
        ("acme/tiny", ""),
    ],
)
def test_a_link_names_its_revision(link: str, revision: str) -> None:
    assert linked_revision(link) == revision


@pytest.mark.parametrize("kind", ["datasets", "spaces"])
def test_a_link_to_something_else_keeps_what_it_is(kind: str) -> None:
    assert model_name(f"https://huggingface.co/{kind}/acme/tiny/tree/main") == f"{kind}/acme/tiny"
