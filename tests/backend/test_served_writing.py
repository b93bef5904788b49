"""What a server writes counts as the same model would have written it here."""

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer, GenerationConfig

from src.evaluation.failures import Failed
from src.evaluation.lm_eval.served import turns_of
from src.evaluation.loading.loading import load_without_weights
from src.evaluation.served.connecting import sound_token
from src.evaluation.served.decoding import drops_a_space
from src.evaluation.served.sampling import preferred, sampling
from src.running.inference import Inference, Server
from src.running.job import BaseModel, End
from support.jobs import make_job
from support.tiny_model import make_tiny_model, with_a_sentencepiece_tokenizer


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "model")


def test_a_tokenizer_that_drops_the_space_before_an_answer_is_known(model: Path) -> None:
    assert not drops_a_space(AutoTokenizer.from_pretrained(model))
    with_a_sentencepiece_tokenizer(model)
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert drops_a_space(tokenizer, "two")
    whole = tokenizer.encode("one two three", add_special_tokens=False)
    of_a_server = tokenizer.decode(whole).removeprefix(tokenizer.decode(whole[:1]))
    assert of_a_server == " two three"
    assert tokenizer.decode(whole[1:]) == "two three"


def test_a_conversation_is_read_back_and_any_other_prompt_is_one_turn() -> None:
    turns = [{"role": "system", "content": "ä"}, {"role": "user", "content": "[]"}]
    assert turns_of(json.dumps(turns)) == turns
    for text in ("[]", "4", "What?", '[{"role": "user"}]', '["a"]'):
        assert turns_of(text) == [{"role": "user", "content": text}]


@pytest.mark.parametrize(("given", "sent"), [("hf_a\n", "hf_a"), (" ", None), ("", None), (None, None)])
def test_a_token_is_sent_without_what_surrounds_it(given: str | None, sent: str | None) -> None:
    assert sound_token(given) == sent


@pytest.mark.parametrize("given", ["hf_a\nb", "hf_ä", "hf a"])
def test_what_cannot_be_a_token_is_not_quoted(given: str) -> None:
    with pytest.raises(Failed, match="INFERENCE_TOKEN") as failed:
        sound_token(given)
    assert failed.value.end is End.WORKER
    assert "hf" not in str(failed.value)


def test_a_models_own_preferences_are_followed_unless_the_task_says_otherwise() -> None:
    own = preferred(GenerationConfig(repetition_penalty=1.2, top_p=0.8, num_beams=3))
    assert own == {"repetition_penalty": 1.2, "top_p": 0.8}
    assert sampling({**own, "do_sample": False, "temperature": 0.0}, 1) == {"repetition_penalty": 1.2}
    assert sampling({**own, "do_sample": True, "temperature": 0.5, "top_p": 0.9}, None) == {
        "temperature": 0.5,
        "top_p": 0.9,
        "repetition_penalty": 1.2,
    }


def test_an_adapter_is_refused_because_servers_run_whole_models(model: Path) -> None:
    base = BaseModel(model="org/base", weights=str(model), commit="b" * 40)
    server = Server(url="https://here/v1", model="org/model")
    with pytest.raises(Failed, match="Merge it into its base model") as failed:
        load_without_weights(make_job(model, inference=Inference.SERVER, server=server, base=base))
    assert failed.value.end is End.REFUSED


def test_what_is_loaded_for_a_server_needs_no_weights(model: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "generation_config.json").write_text('{"repetition_penalty": 1.3}')
    server = Server(url="https://here/v1", model="org/model")
    job = make_job(model, inference=Inference.SERVER, server=server)
    loaded = load_without_weights(job)
    assert loaded.model.generation_config.repetition_penalty == 1.3
    assert loaded.model.get_input_embeddings().weight.shape[0] == loaded.model.config.vocab_size
    assert loaded.tokenizer.encode("a")
