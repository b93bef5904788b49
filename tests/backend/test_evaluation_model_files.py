"""Nothing in a model's files selects code to run, or another repository to fetch from."""

import inspect
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers
from lm_eval.api.instance import Instance
from transformers import GenerationConfig, PretrainedConfig
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.utils.hub import get_checkpoint_shard_files

from src.evaluation.failures import Failed
from src.evaluation.lm_eval.engine import load_metered
from src.evaluation.loading.loading import load
from src.evaluation.loading.model_files import GENERATION, IMPLEMENTATIONS
from src.evaluation.progress import ProgressMeter
from src.running.job import End
from support import fake_kernels
from support.broken_models import edited, pickled, replaced
from support.families import make_family
from support.jobs import make_job
from support.sources import ROOT
from support.tiny_model import make_tiny_model

SOMEONE = "someone/kernel"


@pytest.fixture(scope="session")
def good_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "good")


@pytest.fixture
def model(good_model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(good_model, tmp_path / "model")


NAMES_CODE: list[dict[str, object]] = [
    {"attn_implementation": SOMEONE},
    {"_attn_implementation": SOMEONE},
    {"_attn_implementation_internal": SOMEONE},
    {"attn_implementation": f"{SOMEONE}@v1:attention"},
    {"attn_implementation": f"paged|{SOMEONE}"},
    {"attn_implementation": "kernels-community/flash-attn2"},
    {"attn_implementation": {"": "sdpa", "text_config": SOMEONE}},
    {"attn_implementation": "own"},
    {"experts_implementation": SOMEONE},
    {"_experts_implementation": {"": SOMEONE}},
    {"text_config": {"_attn_implementation": SOMEONE}},
    {"vision_config": {"encoder": [{"attn_implementation": SOMEONE}]}},
]


def name(changes: dict[str, object]) -> str:
    return json.dumps(changes)


@pytest.mark.parametrize("changes", NAMES_CODE, ids=name)
def test_a_configuration_that_names_code_from_elsewhere_is_refused(
    changes: dict[str, object], model: Path
) -> None:
    edited("config.json", **changes)(model)
    with pytest.raises(
        Failed, match=r"names code from elsewhere\. Such code is not run here\. Remove the line"
    ) as failed:
        load(make_job(model))
    assert failed.value.end is End.REFUSED
    assert "install" not in str(failed.value)


LOADER = """
import sys
from pathlib import Path
from src.evaluation.failures import Failed
from src.evaluation.loading.loading import load
from support.jobs import make_job

for model in sys.argv[1:]:
    try:
        load(make_job(Path(model)))
        print("loaded")
    except Failed as failed:
        print("refused")
"""


@pytest.mark.slow
def test_code_that_a_configuration_names_is_not_fetched_even_where_that_could_be(
    good_model: Path, tmp_path: Path
) -> None:
    """In a process where transformers finds the package that fetches it."""
    packages = tmp_path / "packages"
    fake_kernels.install(packages)
    models = [shutil.copytree(good_model, tmp_path / str(number)) for number in range(len(NAMES_CODE) + 1)]
    for model, changes in zip(models, NAMES_CODE, strict=False):
        edited("config.json", **changes)(model)
    paths = [str(packages), str(ROOT / "backend"), str(ROOT / "tests")]
    done = subprocess.run(
        [sys.executable, "-c", LOADER, *map(str, models)],
        env={"PYTHONPATH": ":".join(paths), "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["refused"] * len(NAMES_CODE) + ["loaded"]
    assert fake_kernels.notes(packages) == {"imported"}


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {"attn_implementation": "flash_attention_2"}),
        ("llama", {"_attn_implementation": "eager", "_attn_implementation_autoset": True}),
        ("llama", {"attn_implementation": None, "experts_implementation": None}),
        (
            "mixtral",
            {"_experts_implementation": "sonicmoe", "attn_implementation": "paged|flash_attention_3"},
        ),
        ("mixtral", {"experts_implementation": "batched_mm"}),
        ("gemma3", {"attn_implementation": {"text_config": "flex_attention"}}),
        ("gemma3", {"_attn_implementation": "flash_attention_4"}),
    ],
)
def test_the_worker_chooses_how_a_model_is_computed(
    family: str, changes: dict[str, object], tmp_path: Path
) -> None:
    plain = load(make_job(make_family(family, tmp_path / "plain"))).model
    asking = make_family(family, tmp_path / "asking")
    edited("config.json", **changes)(asking)
    chosen = load(make_job(asking)).model
    for ours, theirs in zip(chosen.modules(), plain.modules(), strict=True):
        if isinstance(getattr(ours, "config", None), PretrainedConfig):
            assert ours.config._attn_implementation == theirs.config._attn_implementation
            assert ours.config._experts_implementation == theirs.config._experts_implementation


def test_all_of_transformers_own_ways_to_compute_may_be_named() -> None:
    own = {*ALL_ATTENTION_FUNCTIONS.valid_keys(), *ALL_EXPERTS_FUNCTIONS.valid_keys()}
    assert own <= IMPLEMENTATIONS
    assert not any("/" in each for each in IMPLEMENTATIONS)


@pytest.mark.parametrize("key", ["text_config", "vision_config", "encoder"])
def test_a_part_that_needs_code_of_its_own_is_refused(key: str, model: Path) -> None:
    part = {"model_type": "own", "auto_map": {"AutoConfig": "someone/repository--own.Own"}}
    edited("config.json", **{key: part})(model)
    with pytest.raises(Failed, match="org/model needs code of its own, which is not run here"):
        load(make_job(model))


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "someone/repository"},
        {"vision_config": {"model_type": "detr", "backbone": "someone/repository"}},
        {"vision_config": {"model_type": "timm_wrapper", "architecture": "hf-hub:someone/repository"}},
        {"backbone_config": {"model_type": "timm_backbone", "backbone": "local-dir:/somewhere"}},
    ],
    ids=name,
)
def test_a_part_that_is_another_repository_is_refused(changes: dict[str, object], model: Path) -> None:
    edited("config.json", **changes)(model)
    with pytest.raises(Failed, match="another repository"):
        load(make_job(model))


def test_a_part_may_be_named_after_its_kind(model: Path) -> None:
    edited("config.json", backbone="resnet50", vision_config={"architecture": "mobilenetv5_300m_enc"})(model)
    load(make_job(model))


def test_a_configuration_cannot_name_weights_in_another_format(model: Path) -> None:
    pickled(model)
    for file in ("adapter_model.bin", "pytorch_model.bin", "weights.pt", 1):
        edited("config.json", transformers_weights=file)(model)
        with pytest.raises(Failed, match=r"names weights that are not in the safetensors format"):
            load(make_job(model))


def test_a_configuration_may_name_other_weights_in_safetensors(model: Path) -> None:
    (model / "model.safetensors").rename(model / "best.safetensors")
    edited("config.json", transformers_weights="best.safetensors")(model)
    load(make_job(model))


@pytest.mark.parametrize("file", ["tokenizer_config.json", "config.json"])
@pytest.mark.parametrize(
    "named",
    [
        "LlamaForCausalLM",
        "AutoModelForCausalLM",
        "AutoProcessor",
        "RagTokenizer",
        "pipeline",
        "utils",
        "__class__",
        3,
    ],
)
def test_what_is_named_as_the_tokenizer_must_be_one(named: object, file: str, model: Path) -> None:
    edited(file, tokenizer_class=named)(model)
    with pytest.raises(Failed, match="names something that is not a tokenizer"):
        load(make_job(model))


@pytest.mark.parametrize(
    "named",
    ["LlamaTokenizer", "LlamaTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend", "Unheard"],
)
def test_a_tokenizer_may_be_named_or_one_that_transformers_does_not_have(named: str, model: Path) -> None:
    edited("tokenizer_config.json", tokenizer_class=named)(model)
    load(make_job(model))


def test_a_tokenizer_without_an_end_of_text_is_refused(model: Path) -> None:
    edited("tokenizer_config.json", eos_token=None, pad_token=None)(model)
    with pytest.raises(Failed, match="has no token for the end of a text"):
        load(make_job(model))


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no') }}",
        "{% if",
        "{{ messages[0].nothing.more }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% for _ in range(10 ** 9) %}x{% endfor %}",
        {"rag": "{{ messages }}", "tool_use": "{{ messages }}"},
    ],
    ids=["raises", "syntax", "undefined", "breaks out", "endless", "no default"],
)
def test_a_chat_template_that_fails_is_refused_before_anything_is_evaluated(
    template: object, model: Path
) -> None:
    edited("tokenizer_config.json", chat_template=template)(model)
    load(make_job(model))
    with pytest.raises(Failed, match="chat template of org/model fails"):
        load(make_job(model, use_chat_template=True))


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        (
            {"quant_method": "own"},
            "quantized in a way that transformers does not know: `quant_method` is 'own'",
        ),
        ({"bits": 4}, "quantized in a way that transformers does not know: `quant_method` is 'None'"),
        ({"quant_method": "eetq"}, r"need code that is downloaded from the Hub \(`kernels`\)"),
        ({"quant_method": "gptq", "bits": 4}, "needs a Python package that this worker does not have"),
    ],
    ids=str,
)
def test_a_quantization_that_cannot_be_read_is_refused(
    method: dict[str, object], sentence: str, model: Path
) -> None:
    edited("config.json", quantization_config=method)(model)
    with pytest.raises(Failed, match=sentence):
        load(make_job(model))


def writes(model: Path, **settings: object) -> list[str]:
    """What a model writes with these settings in its generation_config.json."""
    (model / "generation_config.json").write_text(json.dumps(settings))
    lm = load_metered(make_job(model), ProgressMeter(lambda progress: None))
    arguments = ("Repeat: abc", {"until": ["\n"], "max_gen_toks": 6, "do_sample": False})
    instance = Instance(
        request_type="generate_until", doc={}, arguments=arguments, idx=0, metadata=("t", 0, 1)
    )
    answers: list[str] = lm.generate_until([instance, instance])
    return answers


@pytest.mark.parametrize(
    "settings",
    [
        # Code that would be downloaded.
        {"penalty_alpha": 0.6, "top_k": 4},
        {"dola_layers": "low"},
        {"force_words_ids": [[1]], "num_beams": 1},
        {"custom_generate": "someone/repository", "trust_remote_code": True},
        # Packages, and ways to compute.
        {"cache_implementation": "quantized", "cache_config": {"backend": "quanto"}},
        {"compile_config": {"backend": "own"}, "cache_implementation": "static"},
        {"prompt_lookup_num_tokens": 3},
        {"use_mtp": True},
        # How long an answer may be, and may take.
        {"max_new_tokens": 1},
        {"max_length": 3, "max_time": 0.0},
        {"min_new_tokens": 5, "stop_strings": ["a"]},
        {"forced_eos_token_id": 256},
        # What is returned.
        {"return_dict_in_generate": True, "output_scores": True},
        {"num_return_sequences": 2},
        {"remove_invalid_values": True},
        {"watermarking_config": {"greenlist_ratio": 0.5, "bias": 50.0}},
        {"no setting": "at all"},
    ],
    ids=name,
)
def test_settings_that_are_not_the_models_to_choose_do_not_count(
    settings: dict[str, object], model: Path
) -> None:
    assert writes(model, **settings) == writes(model)


@pytest.mark.parametrize(
    "settings",
    [
        {"suppress_tokens": list(range(60, 120))},
        {"bad_words_ids": [[number] for number in range(60, 120)]},
        {"sequence_bias": [[[5], 1000.0]]},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_which_words_a_model_prefers_is_its_own_to_say(settings: dict[str, object], model: Path) -> None:
    assert writes(model, **settings) != writes(model)


def test_old_models_have_their_settings_in_the_configuration(model: Path) -> None:
    plain = writes(model)
    expected = writes(model, suppress_tokens=list(range(60, 120)))
    (model / "generation_config.json").unlink()
    edited("config.json", suppress_tokens=list(range(60, 120)), max_new_tokens=1)(model)
    settings = load(make_job(model)).model.generation_config
    assert settings.suppress_tokens == list(range(60, 120))
    assert settings.max_new_tokens is None
    assert expected != plain


@pytest.mark.parametrize("content", [b"{", b"[]", b"", b"\xff"])
def test_settings_that_cannot_be_read_are_refused(content: bytes, model: Path) -> None:
    replaced("generation_config.json", content)(model)
    with pytest.raises(Failed, match=r"generation_config.json of org/model cannot be read"):
        load(make_job(model))


def test_the_settings_that_count_are_settings_of_transformers() -> None:
    assert set(GENERATION) <= vars(GenerationConfig()).keys()


@pytest.mark.parametrize("changes", [{"return_dict": False}, {"output_attentions": True}], ids=name)
def test_a_configuration_cannot_change_what_is_returned(changes: dict[str, object], model: Path) -> None:
    edited("config.json", **changes)(model)
    assert writes(model)


def test_a_type_of_numbers_that_is_none_is_refused(model: Path) -> None:
    edited("config.json", dtype="load", torch_dtype="load")(model)
    with pytest.raises(Failed, match=r"cannot read the config\.json"):
        load(make_job(model))


PLACES: list[tuple[Callable[..., object], str]] = [
    (
        transformers.PreTrainedModel._check_and_adjust_attn_implementation,
        "is_kernel(applicable_attn_implementation)",
    ),
    (transformers.PreTrainedModel.from_pretrained, 'getattr(config, "transformers_weights", None)'),
    (transformers.GenerationMixin._get_deprecated_gen_repo, "GENERATION_MODES_MAPPING[generation_mode]"),
    (get_checkpoint_shard_files, 'sorted(set(index["weight_map"].values()))'),
    (
        transformers.models.auto.tokenization_auto.tokenizer_class_from_name,
        "getattr(main_module, class_name)",
    ),
]


@pytest.mark.parametrize(("place", "text"), PLACES, ids=lambda value: getattr(value, "__name__", None))
def test_transformers_still_takes_code_and_files_by_their_names(
    place: Callable[..., object], text: str
) -> None:
    """Where this changes, read anew what a name in a model's files can reach (decision 13)."""
    assert text in inspect.getsource(place)
