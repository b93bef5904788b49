"""Every family of causal language models is scored on its answer only, and on what it saw before."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)

from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.evaluation.lm_eval.engine import load_metered
from src.evaluation.lm_eval.model import MeteredModel
from src.evaluation.loading.behaviour import bears_padding
from src.evaluation.loading.loading import load
from src.evaluation.progress import ProgressMeter
from src.running.job import Job
from support.broken_models import edited
from support.families import CONTINUE_OTHERWISE, LOOK_AHEAD, MADE, NOT_MADE, TOKENS, make_family
from support.jobs import make_job
from support.tiny_model import make_tiny_model

WITH_AN_ENCODER_TOO = sorted(
    set(MADE) & (MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES.keys() | {"trocr", "whisper"})
)
RECURRENT = ["rwkv", "mamba", "mamba2", "recurrent_gemma", "jamba", "qwen3_5"]
OTHERS = ["llama", "gpt2", "gemma3", "bert", "mixtral", "reformer", "roberta", "xlm"]
SOME = sorted({*WITH_AN_ENCODER_TOO, *RECURRENT, *OTHERS})

PROMPTS = [
    "The secret is a long word that stands in the question: perspicacious. What is it?",
    "Say it: hippopotamus.",
    "One, two, three,",
]
LENGTH = 6
STOP = "\n"


def metered(job: Job) -> MeteredModel:
    return load_metered(job, ProgressMeter(lambda progress: None))


def instance(kind: str, *arguments: object) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0, metadata=("task", 0, 1))


def written(model: MeteredModel, prompts: list[str]) -> list[str]:
    settings = {"until": [STOP], "max_gen_toks": LENGTH, "do_sample": False}
    return model.generate_until([instance("generate_until", prompt, settings) for prompt in prompts])


@torch.no_grad()
def written_word_by_word(lm: MeteredModel, prompt: str) -> str:
    """What a model writes, computed the long way: the whole text anew for each token, alone."""
    tokens = lm.tokenizer.encode(prompt)
    start = len(tokens)
    while len(tokens) < start + LENGTH:
        tokens.append(int(lm.model(torch.tensor([tokens])).logits[0, -1].argmax()))
        if tokens[-1] == lm.model.generation_config.eos_token_id or STOP in lm.tokenizer.decode(tokens[-1:]):
            break
    text: str = lm.tokenizer.decode(tokens[start:], skip_special_tokens=True)
    return text.split(STOP)[0]


@torch.no_grad()
def rated_word_by_word(lm: MeteredModel, prompt: str, answer: str) -> float:
    """The log-probability of an answer, computed the long way: each token from what stands before it."""
    tokens, rated = lm.tokenizer.encode(prompt), 0.0
    for token in lm.tokenizer.encode(prompt + answer)[len(tokens) :]:
        rated += lm.model(torch.tensor([tokens])).logits[0, -1].log_softmax(-1)[token].item()
        tokens.append(token)
    return rated


def check_family(family: str, folder: Path) -> None:
    lm = metered(make_job(make_family(family, folder)))
    if family in CONTINUE_OTHERWISE:
        with pytest.raises(Failed, match="the text that org/model generates does not match the scores"):
            written(lm, PROMPTS)
    else:
        assert written(lm, PROMPTS) == [written_word_by_word(lm, prompt) for prompt in PROMPTS]
    asked = [(PROMPTS[0], " perspicacious."), (PROMPTS[1], " No."), (PROMPTS[2], " four")]
    rated = lm.loglikelihood([instance("loglikelihood", *each) for each in asked])
    expected = [rated_word_by_word(lm, *each) for each in asked]
    assert [value for value, _ in rated] == pytest.approx(expected, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("family", SOME)
def test_a_family_is_scored_on_its_answer_only(family: str, tmp_path: Path) -> None:
    check_family(family, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(set(MADE) - set(SOME) - LOOK_AHEAD))
def test_every_other_family_is_scored_on_its_answer_only(family: str, tmp_path: Path) -> None:
    check_family(family, tmp_path)


def test_nearly_all_families_are_tried() -> None:
    assert MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.keys() > NOT_MADE
    assert len(MADE) > 0.9 * len(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


@pytest.mark.parametrize("family", ["bart", "marian", "llama"])
def test_a_secret_of_the_question_is_not_found_in_the_answer(family: str, tmp_path: Path) -> None:
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "secret.jsonl").write_text('{"text": "The secret is perspicacious. What is it?"}\n' * 3)
    (tasks / "secret.yaml").write_text(
        f"""
task: secret
dataset_path: json
dataset_kwargs: {{data_files: {{test: {tasks}/secret.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{text}}}}"
doc_to_target: perspicacious
process_results: !function secret.found
generation_kwargs: {{until: ["\\n"], max_gen_toks: 8, do_sample: false}}
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""
    )
    (tasks / "secret.py").write_text(
        "def found(doc, results):\n    return {'acc': float('perspicacious' in results[0])}\n"
    )
    job = make_job(make_family(family, tmp_path / "model"), tasks=("secret",), tasks_dir=str(tasks))
    assert evaluate(job, lambda progress: None)["results"]["secret"]["acc,none"] == 0.0


@pytest.mark.parametrize("says", [True, False])
def test_a_configuration_cannot_have_its_question_scored(says: bool, tmp_path: Path) -> None:
    model = make_family("llama", tmp_path)
    edited("config.json", is_encoder_decoder=says)(model)
    lm = metered(make_job(model))
    assert written(lm, PROMPTS) == [written_word_by_word(lm, prompt) for prompt in PROMPTS]


@pytest.mark.parametrize("family", ["bart", "rwkv", "pegasus", "reformer"])
def test_a_family_that_padding_changes_continues_texts_one_by_one(
    family: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lm = metered(make_job(make_family(family, tmp_path), batch_size="3"))
    with caplog.at_level("INFO"):
        together = written(lm, PROMPTS)
    assert together == [answer for prompt in PROMPTS for answer in written(lm, [prompt])]
    assert lm.batch_size == 3
    assert caplog.text.count("generating one text at a time") == 1


@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "mamba"])
def test_a_family_that_bears_padding_continues_texts_together(
    family: str, precision: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lm = metered(make_job(make_family(family, tmp_path), precision=precision))
    with caplog.at_level("INFO"):
        written(lm, PROMPTS)
    assert "one by one" not in caplog.text


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_rounding_is_no_difference(precision: str, tmp_path: Path) -> None:
    """Padding changes the order in which a deep model computes, and so its last digits."""
    model = make_tiny_model(tmp_path, num_hidden_layers=24, hidden_size=64)
    lm = metered(make_job(model, precision=precision))
    for implementation in ("sdpa", "eager"):
        lm.model.set_attn_implementation(implementation)
        assert bears_padding(lm.model, lm.tokenizer)


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "xlm-roberta"])
def test_a_model_that_sees_the_words_to_come_is_refused(family: str, tmp_path: Path) -> None:
    model = make_family(family, tmp_path)
    load(make_job(model))
    edited("config.json", is_decoder=False)(model)
    with pytest.raises(
        Failed, match="org/model is not a causal language model: to rate a word, it also reads"
    ):
        load(make_job(model))


@pytest.mark.parametrize("family", sorted(LOOK_AHEAD))
def test_a_family_that_sees_the_words_to_come_is_refused(family: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="also reads the words after it"):
        load(make_job(make_family(family, tmp_path)))


def test_a_mask_that_looks_both_ways_is_refused_in_every_precision(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"use_bidirectional_attention": True, "initializer_range": 0.5}
    model = make_family("gemma3_text", tmp_path, **settings)
    for precision in ("float32", "float16", "bfloat16"):
        with pytest.raises(Failed, match="also reads the words after it"):
            load(make_job(model, precision=precision))


def test_the_tokens_of_the_tests_are_all_in_the_models(tmp_path: Path) -> None:
    assert len(load(make_job(make_family("llama", tmp_path))).tokenizer) <= TOKENS
