"""The OpenAI-compatible server of the tests: transformers' scores in vLLM's form, and faults as told."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.models.openai_completions import LocalCompletionsAPI
from transformers import AutoModelForCausalLM, AutoTokenizer

from support.openai_server import RunningServer, running_server
from support.processes import is_alive
from support.tiny_model import byte_tokenizer, make_tiny_model

pytestmark = pytest.mark.slow

NAME = "org/model@c0ffee"
PROMPT: list[int] = byte_tokenizer()("Hello wo")["input_ids"]
TEMPLATE = "{% for each in messages %}<{{ each['role'] }}>{{ each['content'] }}{% endfor %}<assistant>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tiny_model(tmp_path_factory.mktemp("model"), num_hidden_layers=2)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[RunningServer]:
    with running_server(folder, name=NAME, token="hf_right") as server:
        yield server


@pytest.fixture
def server(shared: RunningServer) -> RunningServer:
    shared.clear()
    return shared


def post(server: RunningServer, route: str, **body: Any) -> httpx.Response:
    headers = {"Authorization": "Bearer hf_right"}
    return httpx.post(f"{server.url}/{route}", json={"model": NAME} | body, headers=headers, timeout=60)


def complete(server: RunningServer, **body: Any) -> Any:
    response = post(server, "completions", **body)
    assert response.status_code == 200, response.text
    return response.json()


def expected(folder: Path, tokens: list[int]) -> torch.Tensor:
    """transformers' log-probabilities of what comes after each token."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        return torch.log_softmax(model(torch.tensor([tokens])).logits[0], dim=-1)


def generated(folder: Path, tokens: list[int], number: int) -> list[int]:
    """What transformers writes."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        written = model.generate(torch.tensor([tokens]), do_sample=False, max_new_tokens=number)
    return list(map(int, written[0, len(tokens) :]))


def test_the_scores_of_a_prompt_are_those_of_transformers(server: RunningServer, folder: Path) -> None:
    answer = complete(server, prompt=PROMPT, echo=True, logprobs=1, max_tokens=1, temperature=0)
    found = answer["choices"][0]["logprobs"]
    right = expected(folder, PROMPT)
    assert found["token_logprobs"][0] is None and found["top_logprobs"][0] is None
    wanted = [float(right[place, token]) for place, token in enumerate(PROMPT[1:])]
    assert found["token_logprobs"][1:-1] == pytest.approx(wanted, abs=1e-6)
    for place, (token, tops) in enumerate(
        zip(found["tokens"][1:], found["top_logprobs"][1:], strict=True), start=0
    ):
        assert token in tops
        assert max(tops.values()) == pytest.approx(float(right[place].max()), abs=1e-6)
    assert found["text_offset"] == list(range(len(PROMPT) + 1))
    assert answer["choices"][0]["text"].startswith("Hello wo")
    assert answer["usage"]["prompt_tokens"] == len(PROMPT)


def test_greedy_answers_are_those_of_transformers(server: RunningServer, folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    answer = complete(server, prompt=PROMPT, max_tokens=20, temperature=0)
    assert answer["choices"][0]["text"] == tokenizer.decode(
        generated(folder, PROMPT, 20), skip_special_tokens=True
    )
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 20


def test_lm_eval_reads_the_answers_as_it_reads_those_of_vllm(server: RunningServer, folder: Path) -> None:
    answer = complete(server, prompt=[PROMPT, PROMPT[:4]], echo=True, logprobs=1, max_tokens=1, temperature=0)
    (first, _), (second, is_greedy) = LocalCompletionsAPI.parse_logprobs(
        answer, tokens=[PROMPT, PROMPT[:4]], ctxlens=[5, 1]
    )
    right = expected(folder, PROMPT)
    assert first == pytest.approx(
        sum(float(right[place, PROMPT[place + 1]]) for place in range(4, 7)), abs=1e-5
    )
    assert second == pytest.approx(
        sum(float(right[place, PROMPT[place + 1]]) for place in range(3)), abs=1e-5
    )
    assert not is_greedy
    written = generated(folder, PROMPT, 3)
    answer = complete(server, prompt=[PROMPT + written], echo=True, logprobs=1, max_tokens=1)
    [(_, is_greedy)] = LocalCompletionsAPI.parse_logprobs(
        answer, tokens=[PROMPT + written], ctxlens=[len(PROMPT)]
    )
    assert is_greedy


def test_lm_eval_gets_from_it_what_it_gets_from_the_model(folder: Path) -> None:
    texts = [("Hello", " world"), ("One two", " three"), ("1 + 1 =", " 2"), ("Äh", "ßé"), ("", "alone")]
    rated = [Instance("loglikelihood", {}, pair, place) for place, pair in enumerate(texts)]
    settings = {"until": ["\n", "e"], "max_gen_toks": 12, "do_sample": False}
    written = [
        Instance("generate_until", {}, (text, settings), place) for place, (text, _) in enumerate(texts[:4])
    ]
    local = HFLM(pretrained=str(folder), dtype="float32", device="cpu", batch_size=2)
    with running_server(folder, name=NAME) as server:
        served = LocalCompletionsAPI(
            base_url=f"{server.url}/completions",
            model=NAME,
            tokenizer=str(folder),
            max_length=64,
            num_concurrent=3,
        )
        assert served.generate_until(written, disable_tqdm=True) == local.generate_until(written)
        found, right = served.loglikelihood(rated), local.loglikelihood(rated)
        assert [score for score, _ in found] == pytest.approx([score for score, _ in right], abs=1e-4)
        assert {call["status"] for call in server.seen("completions")} == {200}


@pytest.mark.parametrize("prompt", ["Hello wo", ["Hello wo"], PROMPT, [PROMPT]])
def test_a_prompt_is_a_text_or_tokens_or_a_list_of_them(server: RunningServer, prompt: Any) -> None:
    answer = complete(server, prompt=prompt, max_tokens=5, temperature=0)
    assert answer == complete(server, prompt=PROMPT, max_tokens=5, temperature=0) | {
        "id": answer["id"],
        "created": answer["created"],
    }


def test_an_answer_ends_before_the_first_stop_text(server: RunningServer) -> None:
    whole = complete(server, prompt=PROMPT, max_tokens=20, temperature=0)["choices"][0]["text"]
    late, early = whole[9:12], whole[4:6]
    cut = complete(server, prompt=PROMPT, max_tokens=20, temperature=0, stop=[late, early])["choices"][0]
    at = min(whole.index(late), whole.index(early))
    assert (cut["text"], cut["finish_reason"]) == (whole[:at], "stop")
    assert cut["stop_reason"] in (late, early)


def test_the_same_seed_draws_the_same_answer(server: RunningServer) -> None:
    def drawn(seed: int) -> str:
        answer = complete(server, prompt=PROMPT, max_tokens=20, temperature=1.0, seed=seed, top_p=0.9)
        return str(answer["choices"][0]["text"])

    assert drawn(1) == drawn(1) != drawn(2)


def test_tokens_can_be_named_by_their_ids(server: RunningServer) -> None:
    answer = complete(
        server, prompt=[200, 201], echo=True, logprobs=1, max_tokens=0, return_tokens_as_token_ids=True
    )
    assert answer["choices"][0]["logprobs"]["tokens"] == ["token_id:200", "token_id:201"]


def test_chat_puts_the_models_template_around_the_messages(server: RunningServer, folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    messages = [{"role": "user", "content": "Hi"}]
    answer = post(server, "chat/completions", messages=messages, max_tokens=8, temperature=0).json()
    tokens = tokenizer("<user>Hi<assistant>")["input_ids"]
    assert answer["choices"][0]["message"]["content"] == tokenizer.decode(
        generated(folder, tokens, 8), skip_special_tokens=True
    )
    assert answer["usage"]["prompt_tokens"] == len(tokens)


def test_the_list_of_models_has_the_name_that_was_given(server: RunningServer) -> None:
    answer = httpx.get(f"{server.url}/models", headers={"Authorization": "Bearer hf_right"}).json()
    assert [(each["id"], each["max_model_len"]) for each in answer["data"]] == [(NAME, 64)]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"prompt": PROMPT, "model": "org/other"}, 404, "does not exist"),
        ({"prompt": PROMPT * 8, "max_tokens": 1}, 400, "maximum context length is 64 tokens"),
        ({"prompt": [999], "max_tokens": 1}, 400, "out of vocabulary"),
        ({"prompt": [], "max_tokens": 1}, 400, ""),
        ({"prompt": "Hi", "max_tokens": -1}, 400, "max_tokens"),
        ({"prompt": "Hi", "stream": True}, 400, "stream"),
    ],
)
def test_refusals_say_why_as_vllm_does(
    server: RunningServer, body: dict[str, Any], status: int, words: str
) -> None:
    response = post(server, "completions", **body)
    assert response.status_code == status
    assert words in response.json()["error"]["message"]


def test_only_the_right_token_is_let_in(server: RunningServer) -> None:
    assert httpx.get(f"{server.url}/models").status_code == 401
    response = httpx.get(f"{server.url}/models", headers={"Authorization": "Bearer hf_wrong"})
    assert response.status_code == 401
    assert [call["token"] for call in server.seen("models")[-2:]] == ["", "hf_wrong"]


@pytest.mark.parametrize(("fault", "status"), [("unavailable", 503), ("server error", 500), ("moved", 302)])
def test_the_next_calls_fail_as_told(server: RunningServer, fault: str, status: int) -> None:
    server.fault(fault, next=2, route="completions")
    found = [post(server, "completions", prompt="Hi", max_tokens=1).status_code for _ in range(3)]
    assert found == [status, status, 200]


def test_one_in_so_many_calls_fails(server: RunningServer) -> None:
    server.fault("empty", every=3)
    texts = [
        complete(server, prompt="Hi", max_tokens=1, temperature=0)["choices"][0]["text"] for _ in range(6)
    ]
    assert [text == "" for text in texts] == [False, False, True] * 2


def test_a_limited_call_says_when_to_come_back(server: RunningServer) -> None:
    server.fault("rate limited", next=1)
    response = post(server, "completions", prompt="Hi")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")


def test_wrong_answers_are_wrong_in_one_way_only(server: RunningServer) -> None:
    def spoilt(fault: str, **more: Any) -> Any:
        server.clear()
        server.fault(fault, next=1)
        body = {"prompt": PROMPT, "echo": True, "logprobs": 1, "max_tokens": 1, "temperature": 0} | more
        return complete(server, **body)["choices"]

    assert spoilt("null")[0]["text"] is None
    assert spoilt("empty")[0]["text"] == ""
    assert spoilt("filtered")[0]["finish_reason"] == "content_filter"
    assert spoilt("no logprobs")[0]["logprobs"] is None
    assert len(spoilt("short logprobs")[0]["logprobs"]["tokens"]) == len(PROMPT)
    assert math.isnan(spoilt("nan logprob")[0]["logprobs"]["token_logprobs"][-2])
    assert spoilt("positive logprob")[0]["logprobs"]["token_logprobs"][-2] == 0.5
    assert spoilt("no choices") == []
    server.fault("null", next=1)
    message = post(server, "chat/completions", messages=[{"role": "user", "content": "Hi"}], max_tokens=1)
    assert message.json()["choices"][0]["message"]["content"] is None


def test_another_models_name_is_told_where_a_client_can_look(server: RunningServer) -> None:
    server.fault("other model")
    listed = httpx.get(f"{server.url}/models", headers={"Authorization": "Bearer hf_right"}).json()
    assert [each["id"] for each in listed["data"]] == ["other/model"]
    assert complete(server, prompt="Hi", max_tokens=1)["model"] == "other/model"


def test_connections_break_hang_and_drip_as_told(server: RunningServer) -> None:
    headers = {"Authorization": "Bearer hf_right"}
    server.fault("drop", next=1)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/models", headers=headers)
    server.clear()
    server.fault("slow", next=1)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{server.url}/models", headers=headers, timeout=0.5)
    server.clear()
    server.fault("hang", next=1)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{server.url}/models", headers=headers, timeout=0.5)
    server.clear()
    server.fault("invalid json", next=1)
    with pytest.raises(ValueError):
        httpx.get(f"{server.url}/models", headers=headers).json()
    server.fault("drip", next=1)
    with httpx.stream("GET", f"{server.url}/models", headers=headers) as response:
        assert [next(chunk) for chunk in [response.iter_bytes()] for _ in range(3)] == [b" "] * 3
    server.fault("huge", next=1)
    with httpx.stream("GET", f"{server.url}/models", headers=headers) as response:
        assert next(response.iter_bytes())
    assert httpx.get(f"{server.url}/models", headers=headers).status_code == 200


def test_settings_make_it_another_kind_of_server(server: RunningServer) -> None:
    server.change(most_stops=4, has_prompt_logprobs=False, flat_errors=True)
    try:
        stops = ["a", "b", "c", "d", "e"]
        refused = post(server, "completions", prompt="Hi", stop=stops)
        assert (refused.status_code, refused.json()["object"]) == (400, "error")
        assert "maximum length 4" in refused.json()["message"]
        assert post(server, "completions", prompt="Hi", echo=True, logprobs=1).status_code == 400
        assert complete(server, prompt="Hi", max_tokens=1, stop=stops[:4])
    finally:
        server.change(most_stops=None, has_prompt_logprobs=True, flat_errors=False)


def test_the_process_dies_after_so_many_answers(folder: Path) -> None:
    with running_server(folder, name=NAME) as server:
        server.die_after(2)
        assert [post(server, "completions", prompt="Hi", max_tokens=1).status_code for _ in range(2)] == [
            200
        ] * 2
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, "completions", prompt="Hi", max_tokens=1)
        assert server.process.wait() == 1


def test_the_process_ends_with_who_started_it(folder: Path) -> None:
    with running_server(folder, name=NAME, arguments=["--max-model-len", "32", "--of-vllm", "1"]) as server:
        assert httpx.get(f"{server.url}/models").json()["data"][0]["max_model_len"] == 32
        assert server.process.stdin
        server.process.stdin.close()  # as the system does when its holder is killed
        server.process.wait()
        assert not is_alive(server.process.pid)
