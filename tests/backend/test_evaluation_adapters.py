"""An adapter is evaluated on its base model as lm_eval does with `peft=`, or refused in a sentence."""

import json
import shutil
import struct
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager
from peft import LoraConfig

from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.evaluation.lm_eval.engine import load_metered
from src.evaluation.lm_eval.model import MeteredModel
from src.evaluation.loading.adapter_config import has_only_allowed_settings
from src.evaluation.loading.adapters import (
    MOST_REPLACED,
    MOST_TENSORS,
    saves_only_modules_in_its_file,
    shapes_in,
)
from src.evaluation.loading.loading import load
from src.evaluation.progress import ProgressMeter
from src.running.job import End
from support.adapters import (
    SPOILT,
    Spoilt,
    edited_config,
    job_of,
    make_adapter,
    make_base,
    with_other_weights,
)
from support.broken_models import edited, reweighted
from support.jobs import TASKS, make_job
from support.sentences import too_long

pytestmark = [
    pytest.mark.usefixtures("in_the_backends_folder", "random_numbers"),
    pytest.mark.filterwarnings("ignore:`lora_bias=True` was passed"),
    pytest.mark.filterwarnings("ignore:Adapter 'default'. 2 LoRA tensor.s. have invalid shape"),  # biases
    pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`"),
]

QUESTIONS = ("tiny_agreement", "tiny_copy")
"""Multiple choice, and texts that are generated."""

CONV = {"fan_in_fan_out": True}
PLAIN: dict[str, Any] = {"target_modules": ["q_proj", "v_proj"]}
PLAIN_CONV: dict[str, Any] = {"target_modules": ["c_attn"], **CONV}

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("llama", {"target_modules": "all-linear", "use_rslora": True}),
    ("llama", {"target_modules": ["q_proj", "down_proj"], "use_dora": True}),
    ("llama", {"target_modules": ["q_proj"], "lora_bias": True}),
    ("llama", {**PLAIN, "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 3}}),
    ("llama", {**PLAIN, "layers_to_transform": [1], "layers_pattern": "layers"}),
    ("llama", {**PLAIN, "exclude_modules": ["layers.0.self_attn.q_proj"]}),
    ("llama", {**PLAIN, "modules_to_save": ["norm", "lm_head"]}),
    ("llama", {"target_modules": ["embed_tokens", "lm_head"]}),
    ("llama", {**PLAIN, "task_type": None}),
    ("gpt2", {"target_modules": ["c_attn", "c_fc"], "use_dora": True, **CONV}),
    ("gpt2", {"target_modules": ["c_attn", "c_proj"], "bias": "all", **CONV}),
    ("gpt2", {"target_modules": ["c_attn"], "bias": "lora_only", **CONV}),
    ("gpt2", {"target_modules": ["c_attn", "wte"], **CONV}),
    ("gpt2", {"target_modules": ["c_attn"], "modules_to_save": ["wte"], **CONV}),
]


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {kind: make_base(folder / kind, kind) for kind in ("llama", "gpt2")}


@pytest.fixture(scope="session")
def good(bases: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the small Llama."""
    return make_adapter(tmp_path_factory.mktemp("adapters") / "good", bases["llama"], **PLAIN)


def loaded(adapter: Path, base: Path, **changes: Any) -> MeteredModel:
    """Our model of lm_eval, with the adapter on its base model."""
    job = job_of(adapter, base, batch_size="1", **changes)
    return load_metered(job, ProgressMeter(lambda progress: None))


@cache
def the_tasks() -> TaskManager:
    return TaskManager(include_path=str(TASKS), include_defaults=False)


def answers(model: Any, **settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What lm_eval computes: the scores, and the answer to every question."""
    report = simple_evaluate(
        model=model,
        tasks=list(QUESTIONS),
        task_manager=the_tasks(),
        limit=4,
        device="cpu",
        batch_size=1,  # in bfloat16 the padding of a batch can change an answer
        **settings,
    )
    given = {task: [each["resps"] for each in samples] for task, samples in report["samples"].items()}
    return report["results"], given


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("llama", PLAIN),
        ("gpt2", PLAIN_CONV),
        *(pytest.param(*kind, marks=pytest.mark.slow) for kind in KINDS),
    ],
    ids=str,
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_answer_is_that_of_lm_eval_with_peft(
    kind: str, settings: dict[str, Any], precision: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    base = bases[kind]
    adapter = make_adapter(tmp_path / "adapter", base, **settings)
    ours = loaded(adapter, base, precision=precision)
    arguments = {"pretrained": str(base), "peft": str(adapter), "dtype": precision}
    theirs = answers("hf", model_args=arguments)
    assert answers(ours) == theirs
    if settings in (PLAIN, PLAIN_CONV):
        assert answers("hf", model_args={"pretrained": str(base), "dtype": precision}) != theirs


def test_the_report_names_the_adapter_the_base_model_and_no_path(
    good: Path, bases: dict[str, Path], tmp_path: Path
) -> None:
    job = job_of(good, bases["llama"], tasks=QUESTIONS, limit=2)
    report = evaluate(job, lambda progress: None)
    assert report["model_name"] == "org/adapter"
    assert report["config"]["model_args"] == {
        "pretrained": "org/base",
        "peft": "org/adapter",
        "revision": "c" * 40,
        "dtype": "float32",
    }
    assert "peft" in report["leaderboard"]["versions"]
    assert not any(str(folder) in str(report) for folder in (good, bases["llama"]))


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda spoilt: spoilt.name)
def test_a_hostile_adapter_is_refused_with_its_reason(
    spoilt: Spoilt, good: Path, bases: dict[str, Path], tmp_path: Path
) -> None:
    adapter = shutil.copytree(good, tmp_path / "adapter")
    spoilt.spoil(adapter)
    with pytest.raises(Failed) as failed:
        load(job_of(adapter, bases["llama"]))
    message = str(failed.value)
    assert failed.value.end is End.REFUSED
    assert spoilt.reason in message
    assert "org/adapter" in message
    assert str(tmp_path) not in message
    assert too_long(message) == [] or "peft cannot put" in message  # that repeats what peft says


def test_an_adapter_whose_base_model_is_broken_names_the_base_model(
    good: Path, bases: dict[str, Path], tmp_path: Path
) -> None:
    base = shutil.copytree(bases["llama"], tmp_path / "base")
    reweighted(lambda weights: weights["model.norm.weight"].fill_(float("nan")))(base)
    with pytest.raises(
        Failed, match=r"base model of org/adapter cannot be evaluated. The weights of org/base"
    ):
        load(job_of(good, base))


ADAPTER = job_of(Path("adapter"), Path("base"))


class Modules:
    """A model of which only the names of its modules are known."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.read = 0

    def named_modules(self) -> Iterator[tuple[str, None]]:
        for name in self.names:
            self.read += 1
            yield name, None


class CountedShapes(dict[str, tuple[int, ...]]):
    """Shapes that count how many of their names are read or looked up."""

    read = 0

    def __iter__(self) -> Iterator[str]:
        for name in super().__iter__():
            self.read += 1
            yield name

    def __contains__(self, name: object) -> bool:
        self.read += 1
        return super().__contains__(name)


def experts(number: int) -> tuple[Modules, CountedShapes, Mapping[str, list[str]]]:
    """A model of many experts, empty tensors of an adapter for all, and a configuration that names 100."""
    names = [f"model.layers.{place % 50}.mlp.experts.{place}" for place in range(number)]
    shapes = CountedShapes({f"base_model.model.{name}.weight": (0, 0) for name in names})
    named = [f"experts.{place}" for place in range(100)]
    return Modules(names), shapes, {"modules_to_save": named}


@pytest.mark.parametrize("number", [100, 10_000])
def test_modules_and_tensors_are_read_once_however_many_are_named(number: int) -> None:
    model, shapes, config = experts(number)
    saves_only_modules_in_its_file(ADAPTER, model, config, shapes)
    assert (model.read, shapes.read) == (number, number)


def test_a_tensor_with_any_number_of_parts_is_read_as_deep_as_the_model_is() -> None:
    model, shapes, config = experts(100)
    shapes["." * 100_000] = (0,)
    saves_only_modules_in_its_file(ADAPTER, model, config, shapes)
    del shapes["base_model.model.model.layers.7.mlp.experts.7.weight"]
    with pytest.raises(Failed, match=r"do not contain model\.layers\.7\.mlp\.experts\.7"):
        saves_only_modules_in_its_file(ADAPTER, model, config, shapes)


def test_a_name_that_fits_very_many_modules_is_refused_before_tensors_are_looked_at() -> None:
    model, shapes, _ = experts(10 * MOST_REPLACED + 10)
    with pytest.raises(Failed, match=r"names 1,001 modules of .*, but at most 1,000 are replaced") as failed:
        saves_only_modules_in_its_file(ADAPTER, model, {"modules_to_save": ["7"]}, shapes)
    assert not too_long(str(failed.value))
    assert shapes.read == 0


def test_an_adapter_of_very_many_tensors_is_refused_however_small_they_are(tmp_path: Path) -> None:
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps({str(number): empty for number in range(MOST_TENSORS + 1)}).encode()
    file = tmp_path / "many.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(Failed, match=r"has 200,001 tensors in .*, but at most 200,000 are read") as failed:
        shapes_in(ADAPTER, str(file))
    assert not too_long(str(failed.value))


def test_a_worker_without_peft_blames_no_adapter(
    good: Path, bases: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "src.evaluation.loading.adapters", None)
    with pytest.raises(Failed, match="this worker cannot import the package peft") as failed:
        load(job_of(good, bases["llama"]))
    assert failed.value.end is End.WORKER
    assert load(make_job(bases["llama"])).model


def test_an_adapter_of_another_architecture_is_refused(good: Path, bases: dict[str, Path]) -> None:
    with pytest.raises(Failed, match="peft cannot put the adapter org/adapter onto its base model"):
        load(job_of(good, bases["gpt2"]))


def test_a_tied_head_that_an_adapter_replaces_is_refused_as_lm_eval_fails_on_it(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    adapter = make_adapter(
        tmp_path / "adapter", bases["gpt2"], target_modules=["c_attn"], modules_to_save=["lm_head"], **CONV
    )
    arguments = {"pretrained": str(bases["gpt2"]), "peft": str(adapter)}
    with pytest.raises(KeyError, match="already exists"):
        answers("hf", model_args=arguments)
    with pytest.raises(Failed, match="uses twice"):
        load(job_of(adapter, bases["gpt2"]))


NOTES = [
    None,
    "",
    "org/base",
    "ORG/Base",
    "base",
    "/home/me/llama",
    "../llama",
    "C:\\llama",
    "~/llama",
    "a/b/c",
]


@pytest.mark.parametrize("note", NOTES)
def test_a_folder_of_the_training_says_nothing_about_the_base_model(
    note: str | None, good: Path, bases: dict[str, Path], tmp_path: Path
) -> None:
    adapter = shutil.copytree(good, tmp_path / "adapter")
    edited_config(base_model_name_or_path=note)(adapter)
    assert load(job_of(adapter, bases["llama"])).model


def test_weights_that_are_saved_in_another_type_are_read_as_lm_eval_reads_them(
    good: Path, bases: dict[str, Path], tmp_path: Path
) -> None:
    adapter = shutil.copytree(good, tmp_path / "adapter")
    with_other_weights(lambda all: all.update({name: each.half() for name, each in all.items()}))(adapter)
    ours = loaded(adapter, bases["llama"])
    arguments = {"pretrained": str(bases["llama"]), "peft": str(adapter), "dtype": "float32"}
    assert answers(ours) == answers("hf", model_args=arguments)


def test_a_base_model_with_more_embeddings_than_tokens_is_cut_as_lm_eval_cuts_it(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base", "llama")

    def pad(weights: dict[str, Any]) -> None:
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            weights[name] = torch.cat([weights[name], torch.ones(7, 16)])

    reweighted(pad)(base)
    edited("config.json", vocab_size=264)(base)
    adapter = make_adapter(tmp_path / "adapter", base, **PLAIN)
    ours = loaded(adapter, base)
    assert ours.model.get_output_embeddings().weight.shape[0] == 257
    assert answers(ours) == answers("hf", model_args={"pretrained": str(base), "peft": str(adapter)})
    for_all = make_adapter(tmp_path / "for all", base, **PLAIN, modules_to_save=["lm_head"])
    with pytest.raises(Failed, match=r"1 have another shape.*which has 257 tokens"):
        load(job_of(for_all, base))


def test_everything_that_peft_saves_by_itself_is_allowed() -> None:
    for key, value in LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"]).to_dict().items():
        saved = list(value) if isinstance(value, set) else value
        has_only_allowed_settings(job_of(Path("adapter"), Path("base")), key, saved)
