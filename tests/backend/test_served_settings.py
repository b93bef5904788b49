"""Settings and tasks that have no meaning where a server runs the models are the owner's to correct."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from src.evaluation.lm_eval.description import describe
from src.evaluation.lm_eval.trial.trial import try_suite
from src.evaluation.served.sampling import not_served, sampling
from src.running.child_environment import clean_environment
from src.running.inference import Api, Inference
from src.running.suite import Suite
from src.shared.data.request import ORIGINAL
from src.shared.errors import ConfigurationError
from src.suite.from_settings import check_served
from support.sources import ROOT
from support.sums import write_tasks

SERVED = Suite(tasks=("tiny_copy",), tasks_dir="tasks", inference=Inference.ENDPOINT)
CHAT = replace(SERVED, inference_api=Api.CHAT)


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT / "backend")
    write_tasks(tmp_path / "tasks")
    return tmp_path / "tasks"


def problems(suite: Suite, tasks: Path, *names: str) -> tuple[str, ...]:
    suite = replace(suite, tasks=names, tasks_dir=str(tasks))
    return try_suite(suite, lambda progress: None).description.problems


def test_a_served_suite_has_no_problems(tasks: Path) -> None:
    assert problems(SERVED, tasks, "pair", "filtered", "perplexity") == ()
    assert problems(CHAT, tasks, "filtered") == ()


@pytest.mark.parametrize(("named", "rates"), [("perplexity", "perplexity"), ("pair", "choice")])
def test_a_task_that_rates_does_not_go_with_a_chat_api(named: str, rates: str, tasks: Path) -> None:
    assert problems(CHAT, tasks, "filtered", named) == (
        f"INFERENCE_API is chat, but the task {rates} rates given texts, which only /v1/completions does. "
        "Set it to completions, or remove the task.",
    )


def test_a_task_that_begins_the_answer_does_not_go_with_a_chat_api(tasks: Path) -> None:
    with (tasks / "filtered.yaml").open("a") as file:
        file.write('gen_prefix: "It is"\n')
    assert problems(SERVED, tasks, "filtered") == ()
    [problem] = problems(CHAT, tasks, "filtered")
    assert "the task filtered begins the model's answer (`gen_prefix`)" in problem


def test_what_a_server_cannot_do_is_named_with_its_place(tasks: Path) -> None:
    beams = replace(SERVED, gen_kwargs={"num_beams": 3})
    assert problems(beams, tasks, "filtered") == (
        "The task filtered has models write with `num_beams`, which a server cannot do. Remove it from "
        "GEN_KWARGS, or set INFERENCE to local.",
    )
    file = tasks / "filtered.yaml"
    file.write_text(file.read_text().replace("max_gen_toks: 6", "max_gen_toks: 6, no_repeat_ngram_size: 3"))
    [problem] = problems(SERVED, tasks, "filtered")
    assert "`no_repeat_ngram_size`" in problem
    assert "the file of filtered" in problem
    assert problems(replace(SERVED, inference=Inference.LOCAL), tasks, "filtered") == ()


def test_settings_for_writing_become_the_servers() -> None:
    random = {"do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 20, "repetition_penalty": 1.1}
    assert sampling(random, 7) == {
        "temperature": 0.6,
        "top_p": 0.9,
        "top_k": 20,
        "repetition_penalty": 1.1,
        "seed": 7,
    }
    assert sampling({**random, "do_sample": False}, 7) == {"repetition_penalty": 1.1}
    assert not_served({**random, "until": ["."], "max_gen_toks": 3, "num_beams": 1, "typical_p": None}) == []
    assert not_served({"num_beams": 2}) == ["num_beams"]


@pytest.mark.parametrize(
    ("suite", "named"),
    [
        *(
            (replace(SERVED, model_args={name: True}), f"MODEL_ARGS has `{name}`")
            for name in (
                *("attn_implementation", "parallelize", "softmax_dtype", "mixed_precision_dtype"),
                *("logits_cache", "max_batch_size", "truncation"),
            )
        ),
        (replace(CHAT, model_args={"add_bos_token": True}), "MODEL_ARGS has `add_bos_token`"),
        (replace(CHAT, model_args={"prefix_token_id": 1}), "MODEL_ARGS has `prefix_token_id`"),
        (replace(CHAT, chat_template_name="rag"), "CHAT_TEMPLATE_NAME is set"),
        (replace(SERVED, think_end_token="128"), "THINK_END_TOKEN is 128"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_setting_without_meaning_for_a_server_is_refused(suite: Suite, named: str) -> None:
    check_served(replace(suite, inference=Inference.LOCAL))
    with pytest.raises(ConfigurationError, match=re.escape(named)):
        check_served(suite)


def test_settings_of_prompts_that_are_made_here_go_with_completions() -> None:
    check_served(
        replace(
            SERVED,
            model_args={"add_bos_token": True, "prefix_token_id": 1, "chat_template_args": {"a": 1}},
            chat_template_name="rag",
            think_end_token="</think>",
        )
    )


def test_what_transformers_knows_here_does_not_bind_a_server(tasks: Path) -> None:
    description = describe(replace(SERVED, tasks=("choice",), tasks_dir=str(tasks)))
    assert "LlamaForCausalLM" in description.architectures
    assert description.quantizations is None
    assert description.weight_types == (ORIGINAL,)
    assert description.settings == {"inference": "endpoint", "inference_api": "completions"}
    assert not {"torch", "accelerate"} & description.versions.keys()
    local = describe(Suite(tasks=("choice",), tasks_dir=str(tasks)))
    assert "LlamaForCausalLM" in local.architectures
    assert local.quantizations is not None
    assert not {"inference", "inference_api"} & local.settings.keys()


def test_no_token_for_a_server_is_in_a_childs_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_makes_endpoints")
    monkeypatch.setenv("INFERENCE_TOKEN", "hf_calls")
    given = clean_environment(tmp_path)
    assert "INFERENCE_TOKEN" not in given
    assert not {"hf_makes_endpoints", "hf_calls"} & set(given.values())
