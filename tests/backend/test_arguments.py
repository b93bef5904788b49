"""lm_eval's arguments are read as lm_eval reads them, and only from the list of those that are safe."""

import inspect
import json
import re
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from lm_eval.utils import simple_parse_args_string
from transformers import PreTrainedTokenizerBase

from src.running.arguments import LONGEST, MODEL_ARGS, NOT_OF_THE_TEMPLATE, SETTINGS_OF_THEIR_OWN, read_seeds
from src.running.arguments import read_arguments as read_arguments_of
from src.running.suite import SETTINGS, EngineName, Suite
from src.settings import Settings
from src.shared.data.backend_description import BackendDescription, read_description, write_description
from src.shared.data.run_settings import DEEPEST
from src.shared.environment import read_settings
from src.shared.errors import ConfigurationError
from src.suite.from_settings import THINKING_HAS_NO_END, make_suite

DEEP = '{"a":' * DEEPEST + "1" + "}" * DEEPEST
"""As deep as arguments may be."""


def read_arguments(value: object) -> dict[str, Any]:
    return read_arguments_of(value, setting="GEN_KWARGS")


@pytest.mark.parametrize(
    "text",
    [
        "temperature=0.6,top_p=0.95,do_sample=true",
        "do_sample=False, max_gen_toks=32",
        "top_k=None",
        "name='12',other=\"x\"",
        "temperature=1e-1,number=-3,word=a b",
    ],
)
def test_a_text_means_what_it_means_to_lm_eval(text: str) -> None:
    given = simple_parse_args_string(text)
    assert read_arguments(text) == {name.strip(): value for name, value in given.items()}


def test_json_and_mappings_are_read_as_well() -> None:
    assert read_arguments('{"until": ["\\n"], "top_k": 5}') == {"until": ["\n"], "top_k": 5}
    assert read_arguments({"until": ["\n"]}) == {"until": ["\n"]}


@pytest.mark.parametrize(
    "value",
    [
        "temperature",
        "=3",
        "a=1,b",
        '{"a": }',
        "{'a': 1}",
        "[1]",
        5,
        {"a": {1, 2}},
        {"a": float("nan")},
        {3: 4},
        {"a": "x" * LONGEST},
    ],
    ids=repr,
)
def test_what_is_no_argument_is_refused_at_the_start(value: object) -> None:
    with pytest.raises(ValueError):
        read_arguments(value)


@pytest.mark.parametrize("name", ["GEN_KWARGS", "METADATA", "MODEL_ARGS"])
@pytest.mark.parametrize("levels", [1, 2000], ids=["one too deep", "too deep to be read"])
def test_arguments_that_are_nested_too_deeply_are_refused_at_the_start(name: str, levels: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} has objects or lists nested more than {DEEPEST}"):
        read_settings(Settings, environment={name: '{"a":' * levels + DEEP + "}" * levels})


def test_the_deepest_arguments_are_published_and_read_again() -> None:
    settings = read_settings(Settings, environment={"TASKS_HARNESS": "sums", "GEN_KWARGS": DEEP})
    description = BackendDescription(tasks=(), settings=make_suite(settings).settings)
    assert read_description(write_description(description)).settings == {"gen_kwargs": json.loads(DEEP)}


REFUSED = [
    ("GEN_KWARGS", "temperature", "arguments such as `temperature=0.6,do_sample=true`, or a JSON object"),
    ("METADATA", "[1]", "a JSON object"),
    ("MODEL_ARGS", "trust_remote_code=true", "arguments such as `add_bos_token=true`"),
    ("MODEL_ARGS", "pretrained=other/model", "arguments such as `add_bos_token=true`"),
    ("MODEL_ARGS", "peft=evil/adapter", "arguments such as `add_bos_token=true`"),
    ("MODEL_ARGS", "max_batch_size=0", "arguments such as `add_bos_token=true`"),
    ("MODEL_ARGS", "add_bos_token=yes", "arguments such as `add_bos_token=true`"),
    ("MODEL_ARGS", "attn_implementation=someone/kernel", "arguments such as `add_bos_token=true`"),
    ("SEEDS", "1,2", "a whole number, or four such as"),
    ("SEEDS", "-1", "a whole number, or four such as"),
    ("SEEDS", "4294967296", "a whole number, or four such as"),
    ("MAX_LENGTH", "0", "a whole number above 0"),
    ("SYSTEM_INSTRUCTION", "x" * (LONGEST + 1), "a text of at most"),
    ("CHAT_TEMPLATE_NAME", "../x", "a name of letters"),
    ("SAMPLES_REPO", "samples", "a dataset's name on the Hub"),
    ("SAMPLES_REPO", "a/b/c", "a dataset's name on the Hub"),
    ("ENABLE_THINKING", "perhaps", "true or false"),
]


@pytest.mark.parametrize(("name", "value", "wanted"), REFUSED)
def test_a_setting_that_cannot_be_is_refused_with_what_is_needed(name: str, value: str, wanted: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(wanted)) as refused:
        read_settings(Settings, environment={name: value})
    assert str(refused.value).startswith(f"{name} is ")


def told_to_the_template(name: str) -> dict[str, str]:
    return {"MODEL_ARGS": json.dumps({"chat_template_args": {name: True}})}


@pytest.mark.parametrize(("name", "setting"), SETTINGS_OF_THEIR_OWN.items())
def test_a_template_is_not_told_behind_the_back_of_a_setting(name: str, setting: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(Settings, environment=told_to_the_template(name))
    assert str(refused.value) == (
        f"MODEL_ARGS has `{name}` in chat_template_args: remove it there, and set {setting} instead."
    )


def test_arguments_of_transformers_are_not_taken_for_the_templates() -> None:
    known = {*inspect.signature(PreTrainedTokenizerBase.apply_chat_template).parameters} - {"kwargs"}
    seen_by_the_template = {"tools", "documents"}
    assert known - seen_by_the_template <= NOT_OF_THE_TEMPLATE | SETTINGS_OF_THEIR_OWN.keys()
    for name in NOT_OF_THE_TEMPLATE:
        with pytest.raises(ConfigurationError, match=f"MODEL_ARGS has `{name}` in chat_template_args, but"):
            read_settings(Settings, environment=told_to_the_template(name))
    for name in seen_by_the_template:
        read_settings(Settings, environment=told_to_the_template(name))


def test_every_argument_of_the_list_can_be_set() -> None:
    values: dict[str, Any] = {
        "add_bos_token": True,
        "prefix_token_id": 3,
        "logits_cache": False,
        "truncation": True,
        "max_batch_size": 32,
        "softmax_dtype": "float32",
        "mixed_precision_dtype": "bfloat16",
        "chat_template_args": {"style": "plain"},
        "attn_implementation": "eager",
        "parallelize": True,
    }
    assert values.keys() == MODEL_ARGS.keys()
    assert read_settings(Settings, environment={"MODEL_ARGS": json.dumps(values)}).model_args == values


def test_one_seed_is_for_everything_and_four_are_as_lm_eval_has_them() -> None:
    assert read_seeds("42") == (42, 42, 42, 42)
    assert read_seeds("0, None, 1234, 7") == (0, None, 1234, 7)
    assert read_seeds([1, 2, 3, None]) == (1, 2, 3, None)


CHANGES: dict[str, object] = {
    "gen_kwargs": {"temperature": 0.6},
    "system_instruction": "Be brief.",
    "fewshot_as_multiturn": False,
    "chat_template_name": "short",
    "enable_thinking": False,
    "think_end_token": "</think>",
    "max_length": 512,
    "seeds": (1, 2, 3, 4),
    "metadata": {"max_seq_lengths": [4096]},
    "model_args": {"add_bos_token": True},
    "bootstrap_iters": 1000,
}


def test_a_suite_tells_what_is_not_at_its_default() -> None:
    suite = Suite(tasks=("sums",), tasks_dir="tasks")
    assert suite.settings == {}
    assert CHANGES.keys() == set(SETTINGS)
    for name, value in CHANGES.items():
        assert replace(suite, **{name: value}).settings == {name: value}  # type: ignore[arg-type]


def test_the_settings_reach_the_suite() -> None:
    environment = {name.upper(): as_text(value) for name, value in CHANGES.items()}
    assert make_suite(read_settings(Settings, environment=environment)).settings == CHANGES


@pytest.mark.parametrize("name", ["gen_kwargs", "metadata", "model_args", "system_instruction"])
def test_an_empty_setting_is_not_set(name: str) -> None:
    """It was published as a setting that changes scores."""
    empty = " " if name == "system_instruction" else {}
    envs = ModuleType("envs")
    setattr(envs, name.upper(), empty)
    as_variable = read_settings(Settings, environment={name.upper(): as_text(empty)})
    for settings in (as_variable, read_settings(Settings, envs, {})):
        assert make_suite(settings).settings == {}
        make_suite(replace(settings, engine=EngineName.LIGHTEVAL))


def as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_of_lm_eval_is_refused_where_lighteval_would_ignore_it(name: str) -> None:
    variables = {"ENGINE": "lighteval", "TASKS_LIGHTEVAL": "gsm8k|5", name.upper(): as_text(CHANGES[name])}
    with pytest.raises(ConfigurationError, match=f"{name.upper()} is a setting of lm_eval, but ENGINE is"):
        make_suite(read_settings(Settings, environment=variables))


def test_lighteval_evaluates_no_adapters_whatever_the_setting_says() -> None:
    variables = {"ENGINE": "lighteval", "TASKS_LIGHTEVAL": "gsm8k|5", "ADAPTERS": "true"}
    assert not make_suite(read_settings(Settings, environment=variables)).adapters
    assert make_suite(read_settings(Settings, environment={"ADAPTERS": "true"})).adapters


def test_thoughts_without_an_end_are_refused_at_the_start() -> None:
    settings = read_settings(Settings, environment={"ENABLE_THINKING": "true"})
    with pytest.raises(ConfigurationError, match=re.escape(THINKING_HAS_NO_END)):
        make_suite(settings)
