"""Facts about models in a local folder."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from src.shared.errors import ModelError, ModelNotFound, RevisionNotFound
from src.shared.models.folder_models import FolderModels, folder_commit
from support.factories import make_model_folder

TENSORS = {
    "__metadata__": {"format": "pt"},
    "embed": {"dtype": "BF16", "shape": [100, 8], "data_offsets": [0, 1600]},
    "scale": {"dtype": "F32", "shape": [], "data_offsets": [1600, 1604]},
    "norm": {"dtype": "F32", "shape": [8], "data_offsets": [1604, 1636]},
}


@pytest.fixture
def models(tmp_path: Path) -> FolderModels:
    return FolderModels(tmp_path)


def test_the_facts_are_those_of_the_card_the_config_and_the_weights(
    models: FolderModels, tmp_path: Path
) -> None:
    folder = make_model_folder(
        tmp_path, "acme/tiny", card="license: mit\nbase_model: acme/base", tensors=TENSORS
    )
    facts = models.describe("acme/tiny")
    assert (facts.name, facts.location) == ("acme/tiny", str(folder))
    assert (facts.params, facts.dtype) == (809, "BF16")
    assert (facts.license, facts.base_models, facts.architecture) == (
        "mit",
        ("acme/base",),
        "LlamaForCausalLM",
    )
    assert (facts.gated, facts.likes) == (False, None)
    assert facts.commit == folder_commit(folder)


def test_weights_in_several_files_count_together(models: FolderModels, tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path, "acme/tiny", tensors=TENSORS)
    (folder / "model.safetensors").rename(folder / "one.safetensors")
    weight_map = dict.fromkeys(TENSORS, "one.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    assert models.describe("acme/tiny").params == 809


def test_a_card_may_name_several_licences_and_base_models(models: FolderModels, tmp_path: Path) -> None:
    make_model_folder(tmp_path, "acme/tiny", card="license: [mit, apache-2.0]\nbase_model: [a/b, 5, c/d]")
    facts = models.describe("acme/tiny")
    assert (facts.license, facts.base_models) == ("mit, apache-2.0", ("a/b", "c/d"))


# Missing and malformed files leave facts unknown


def write_card(folder: Path, text: str) -> None:
    (folder / "README.md").write_text(text, errors="surrogateescape")


@pytest.mark.parametrize(
    "text",
    [
        "# No front matter",
        "---\nlicense: [\n---\n",
        "---\n- a list\n---\n",
        "---\n5: x\n---\n",
        "---\n" + "[" * 5000 + "\n---\n",
        "---\nlicense: !!python/object:os.system x\n---\n",
        "---\nlicense: {a: b}\nbase_model: {a: b}\n---\n",
        "---\nlicense: \udcff\n---\n",
    ],
    ids=["none", "torn", "list", "number", "deep", "python", "objects", "not UTF-8"],
)
def test_a_malformed_card_leaves_its_facts_unknown(models: FolderModels, tmp_path: Path, text: str) -> None:
    write_card(make_model_folder(tmp_path, "acme/tiny"), text)
    facts = models.describe("acme/tiny")
    assert (facts.license, facts.base_models, facts.params) == ("", (), 200)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"architectures": "x"}', '{"architectures": [5]}', "[" * 5000]
)
def test_a_malformed_config_leaves_the_architecture_unknown(
    models: FolderModels, tmp_path: Path, text: str
) -> None:
    (make_model_folder(tmp_path, "acme/tiny") / "config.json").write_text(text)
    assert models.describe("acme/tiny").architecture in (None, "x")


@pytest.mark.parametrize("data", [b"", b"short", b"\xff" * 8, b"<html></html>", b"\x02" + bytes(7) + b"[]"])
def test_malformed_weights_leave_the_size_unknown(models: FolderModels, tmp_path: Path, data: bytes) -> None:
    (make_model_folder(tmp_path, "acme/tiny") / "model.safetensors").write_bytes(data)
    facts = models.describe("acme/tiny")
    assert (facts.params, facts.dtype) == (None, None)


@pytest.mark.parametrize("tensors", [{}, {"w": 5}, {"w": {"dtype": "F32"}}, {"__metadata__": {}}])
def test_a_header_without_tensors_leaves_the_size_unknown(
    models: FolderModels, tmp_path: Path, tensors: dict[str, object]
) -> None:
    make_model_folder(tmp_path, "acme/tiny", tensors=tensors)
    assert models.describe("acme/tiny").params is None


@pytest.mark.parametrize(
    "index", ["", "[]", '{"weight_map": []}', '{"weight_map": {"a": 5}}', '{"weight_map": {"a": "x"}}']
)
def test_a_malformed_index_leaves_the_size_unknown(models: FolderModels, tmp_path: Path, index: str) -> None:
    folder = make_model_folder(tmp_path, "acme/tiny")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index)
    assert models.describe("acme/tiny").params is None


# Names and revisions


NO_NAMES = ["", ".", "..", "/etc", "../secret/model", "acme/..", "acme/../../etc", "a/b/c", "acme/tiny/"]
NO_NAMES += ["acme\\tiny", "acme/ tiny", "acme/tiny\n", "acme/tiny\0", ".hidden/model", "a" * 300]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_is_none_is_refused_and_leads_nowhere(tmp_path: Path, name: str) -> None:
    make_model_folder(tmp_path, "secret/model")
    make_model_folder(tmp_path / "models", "acme/tiny")
    with pytest.raises(ModelNotFound, match="is not a model's name: write it as organisation/model"):
        FolderModels(tmp_path / "models").describe(name)


def test_a_model_that_is_not_there_is_told_in_a_sentence(models: FolderModels) -> None:
    with pytest.raises(ModelNotFound, match=r"^There is no model acme/tiny in .*\.$"):
        models.describe("acme/tiny")


def test_a_revision_is_main_or_the_commit_and_no_other(models: FolderModels, tmp_path: Path) -> None:
    make_model_folder(tmp_path, "acme/tiny")
    facts = models.describe("acme/tiny", "main")
    assert models.describe("acme/tiny", facts.commit) == facts
    with pytest.raises(RevisionNotFound, match=r"acme/tiny has no revision v2\."):
        models.describe("acme/tiny", "v2")


def test_a_model_that_cannot_be_read_is_told_in_a_sentence(
    models: FolderModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model_folder(tmp_path, "acme/tiny")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "config.json")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything, so no real file refuses
    with pytest.raises(ModelError, match=r"^Cannot read acme/tiny: Permission denied \(config.json\)\.$"):
        models.describe("acme/tiny")


# Commits


def test_a_commit_has_40_hexadecimal_digits_and_is_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    commits = {folder_commit(make_model_folder(tmp_path / place, "acme/tiny")) for place in ("here", "there")}
    assert len(commits) == 1
    assert len(bytes.fromhex(commits.pop())) == 20


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "config.json").write_text("{}"),
        lambda folder: (folder / "model.safetensors").write_bytes(b"other"),
        lambda folder: (folder / "README.md").rename(folder / "READ.md"),
        lambda folder: (folder / "README.md").unlink(),
        lambda folder: (folder / "new.txt").write_text(""),
    ],
    ids=["config", "weights", "rename", "delete", "add"],
)
def test_a_commit_changes_with_any_files_content_or_name(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    folder = make_model_folder(tmp_path, "acme/tiny")
    before = folder_commit(folder)
    change(folder)
    assert folder_commit(folder) != before


def test_hidden_files_do_not_change_a_commit(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path, "acme/tiny")
    before = folder_commit(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x.json").write_text("{}")
    assert folder_commit(folder) == before
