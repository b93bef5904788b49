"""Weights and scores that are no numbers are refused, whatever kind of task asks."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from transformers import GPT2Config, GPT2LMHeadModel

from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.evaluation.lm_eval.engine import load_metered
from src.evaluation.lm_eval.model import MeteredModel
from src.evaluation.loading.finite import FiniteScores, extremes
from src.evaluation.loading.weights import has_only_numbers
from src.evaluation.progress import ProgressMeter
from src.running.job import Job
from support.broken_models import diverge, edited, reweighted
from support.jobs import make_job
from support.tiny_model import make_tiny_model

pytestmark = pytest.mark.usefixtures("in_the_backends_folder", "random_numbers")

INFINITY, NAN = math.inf, math.nan
UP, DOWN = "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.down_proj.weight"
GATE, EMBEDDING = "model.layers.0.mlp.gate_proj.weight", "model.embed_tokens.weight"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "models" / "good")


def setting(name: str, value: float) -> Callable[[dict[str, Any]], None]:
    """Set the first number of one of the weights."""

    def change(weights: dict[str, Any]) -> None:
        weights[name].view(-1)[0] = value

    return change


def overflow(weights: dict[str, Any]) -> None:
    """Weights that float16 holds, and that overflow when they are multiplied."""
    for name in (UP, DOWN):
        weights[name].fill_(6e4)


def overflow_on_q(weights: dict[str, Any]) -> None:
    """Overflow in float16 where a text has a q, and nowhere else."""
    weights[EMBEDDING][ord("q") - ord("!")] = 6e4
    for name in (GATE, UP):
        weights[name].fill_(0.1)
    weights[DOWN].fill_(156.0)


@pytest.mark.parametrize("task", ["tiny_copy", "tiny_agreement"])
@pytest.mark.parametrize(
    ("spoil", "precision", "sentence"),
    [
        (setting("model.norm.weight", INFINITY), "float32", "model.norm.weight contains infinity"),
        (setting("lm_head.weight", -INFINITY), "bfloat16", "lm_head.weight contains infinity"),
        (setting(EMBEDDING, NAN), "float32", "embed_tokens.weight contains NaN"),
        (
            setting("model.norm.weight", 7e4),
            "float16",
            "numbers in float16: model.norm.weight contains infinity",
        ),
        (overflow, "float16", "gives NaN or infinity as the probability of a text in float16"),
    ],
    ids=["inf", "-inf", "nan", "more than float16 has", "overflow"],
)
def test_weights_that_are_no_numbers_are_refused_on_every_kind_of_task(
    spoil: Callable[[dict[str, Any]], None], precision: str, sentence: str, task: str, model: Path
) -> None:
    reweighted(spoil)(model)
    with pytest.raises(Failed, match=sentence):
        evaluate(make_job(model, tasks=(task,), precision=precision, limit=2), lambda progress: None)


@pytest.mark.parametrize("task", ["tiny_copy", "tiny_agreement"])
@pytest.mark.parametrize("spoil", [setting("model.norm.weight", 7e4), overflow])
def test_the_same_weights_are_evaluated_where_their_precision_holds_them(
    spoil: Callable[[dict[str, Any]], None], task: str, model: Path
) -> None:
    reweighted(spoil)(model)
    evaluate(make_job(model, tasks=(task,), precision="bfloat16", limit=2), lambda progress: None)


def metered(job: Job) -> MeteredModel:
    return load_metered(job, ProgressMeter(lambda progress: None))


def instance(kind: str, *arguments: object) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0, metadata=("task", 0, 1))


def ask(lm: MeteredModel, kind: str, text: str) -> object:
    match kind:
        case "generate_until":
            return lm.generate_until(
                [instance(kind, text, {"until": ["\n"], "max_gen_toks": 4, "do_sample": False})]
            )
        case "loglikelihood":
            return lm.loglikelihood([instance(kind, text, " yes")])
    return lm.loglikelihood_rolling([instance(kind, text)])


@pytest.mark.parametrize("kind", ["generate_until", "loglikelihood", "loglikelihood_rolling"])
def test_a_model_that_fails_on_some_texts_only_is_refused_when_it_meets_one(kind: str, model: Path) -> None:
    reweighted(overflow_on_q)(model)
    lm = metered(make_job(model, precision="float16"))
    ask(lm, kind, "A text like others")
    with pytest.raises(Failed, match="gives NaN or infinity"):
        ask(lm, kind, "A q, and one more q")


@pytest.mark.parametrize("beams", [1, 2])
def test_no_setting_of_a_model_hides_what_is_no_number(beams: int, model: Path) -> None:
    reweighted(overflow)(model)
    (model / "generation_config.json").write_text(
        f'{{"remove_invalid_values": true, "suppress_tokens": [1, 2], "num_beams": {beams}}}'
    )
    lm = metered(make_job(model, precision="float16"))
    with pytest.raises(Failed, match="gives NaN or infinity"):
        ask(lm, "generate_until", "A text")


@pytest.mark.parametrize(
    "settings",
    [
        {"suppress_tokens": list(range(200))},
        {"bad_words_ids": [[5]], "begin_suppress_tokens": [7]},
        {"eos_token_id": [256, 10]},
        {"num_beams": 3},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_words_that_a_model_never_writes_are_no_fault(settings: dict[str, object], model: Path) -> None:
    edited("generation_config.json", **settings)(model)
    ask(metered(make_job(model)), "generate_until", "A text")


def test_a_model_that_ends_at_once_is_evaluated(model: Path) -> None:
    edited("generation_config.json", eos_token_id=list(range(257)))(model)
    assert ask(metered(make_job(model)), "generate_until", "A text") != [""]
    report = evaluate(make_job(model, tasks=("tiny_copy",), limit=2), lambda progress: None)
    assert report["results"]["tiny_copy"]["exact_match,none"] == 0.0


@pytest.mark.parametrize(
    ("scores", "written", "is_refused"),
    [
        ([[1.0, 2.0], [3.0, -INFINITY]], [[5], [6]], False),
        ([[1.0, NAN], [3.0, 4.0]], [[5], [6]], True),
        ([[1.0, INFINITY], [3.0, 4.0]], [[5], [6]], True),
        ([[-INFINITY, -INFINITY], [3.0, 4.0]], [[5], [6]], True),
        ([[1.0, NAN], [3.0, 4.0]], [[9], [6]], False),
        ([[1.0, NAN], [NAN, 4.0]], [[9], [6]], True),
    ],
    ids=["finite", "nan", "inf", "nothing possible", "has ended", "another has not ended"],
)
def test_a_text_that_is_still_written_needs_a_best_next_word(
    scores: list[list[float]], written: list[list[int]], is_refused: bool
) -> None:
    prompt = torch.full((2, 3), 9)  # That the prompt has an end in it says nothing.
    finite = FiniteScores(prompt=3, ends=[8, 9], error=lambda: Failed("refused"))
    arguments = torch.cat([prompt, torch.tensor(written)], dim=1), torch.tensor(scores)
    if is_refused:
        with pytest.raises(Failed, match="refused"):
            finite(*arguments)
    else:
        assert finite(*arguments) is arguments[1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_extremes_are_found_in_every_precision(dtype: torch.dtype) -> None:
    assert extremes(torch.tensor([[1.0, -2.0], [3.0, 0.5]]).to(dtype)) == (-2.0, 3.0)
    assert all(map(math.isnan, extremes(torch.tensor([1.0, NAN, 3.0]).to(dtype))))


def test_what_has_no_numbers_has_no_extremes() -> None:
    assert extremes(torch.tensor([])) == (0.0, 0.0)
    assert extremes(torch.tensor([1, 2])) == (0.0, 0.0)


def test_a_buffer_may_have_infinite_limits_but_no_nan() -> None:
    sizes = {"n_embd": 8, "n_layer": 1, "n_head": 1, "n_positions": 8, "vocab_size": 8}
    model = GPT2LMHeadModel(GPT2Config(**sizes))
    model.register_buffer("limits", torch.tensor([-INFINITY, INFINITY]))
    has_only_numbers(make_job("org/model"), model, {})
    model.limits[0] = NAN
    with pytest.raises(Failed, match="limits contains NaN"):
        has_only_numbers(make_job("org/model"), model, {})


def test_a_model_that_diverged_gets_advice(model: Path) -> None:
    reweighted(diverge)(model)
    with pytest.raises(Failed) as failed:
        evaluate(make_job(model), lambda progress: None)
    assert str(failed.value) == (
        "The weights of org/model are not all finite numbers in float32: model.norm.weight contains NaN. "
        "Submit it in a precision with a larger range, or upload weights from before the training diverged."
    )
