"""A model on a server scores with lighteval as it does here: same tokens, same answers, same numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from string import ascii_letters
from typing import Any

import pandas as pd
import pytest
import torch
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, AutoTokenizer

from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.evaluation.lighteval import served as served_room
from src.evaluation.lighteval.asked import AskedModel
from src.evaluation.lighteval.engine import ENGINE
from src.evaluation.lighteval.model import MeteredModel
from src.evaluation.lighteval.served import ModelOnAServer, model_on_a_server
from src.evaluation.loading.loading import Loaded
from src.evaluation.progress import ProgressMeter
from src.evaluation.served import calls
from src.evaluation.served.calls import Patience
from src.running.inference import Api, Inference, Server
from src.running.job import End, Job, Progress
from src.running.suite import EngineName, Suite
from support.lighteval_jobs import lighteval_job, report_of
from support.openai_server import RunningServer, running_server
from support.scripted_server import a_text, scripted_server, sound
from support.served_jobs import on_a_server
from support.sources import ROOT
from support.tiny_model import byte_tokenizer, make_tiny_model
from support.transformers_serve import transformers_serve

KINDS_DIR = ROOT / "tests" / "support" / "kinds_of_tasks"

TEMPLATE = "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}[assistant] "

SHORT = 32
"""The context of the model that is too short for most prompts."""


def plain(folder: Path) -> Path:
    make_tiny_model(folder, max_position_embeddings=512, hidden_size=32)
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def with_a_beginning(folder: Path) -> Path:
    """A model whose texts begin with a token of their own, as those of most models do."""
    tokenizer = AutoTokenizer.from_pretrained(plain(folder))
    end = tokenizer.eos_token_id
    tokenizer._tokenizer.post_processor = TemplateProcessing("<end> $A", "<end> $A $B", [("<end>", end)])
    tokenizer.bos_token = "<end>"
    tokenizer.save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder).encode("a")[0] == end
    return folder


def short(folder: Path) -> Path:
    return make_tiny_model(folder, max_position_embeddings=SHORT)


HASTE = Patience(connect=60, answer=60, recovery=0.5, longest_pause=0.05)

MODELS = {"plain": plain, "with a beginning": with_a_beginning, "short": short}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    with torch.random.fork_rng():
        return {name: make(tmp_path_factory.mktemp("model")) for name, make in MODELS.items()}


@pytest.fixture(scope="module")
def servers(folders: dict[str, Path]) -> Iterator[dict[str, RunningServer]]:
    starting = {name: running_server(folder) for name, folder in folders.items()}
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        started = pool.map(stack.enter_context, starting.values())
        yield dict(zip(starting, started, strict=True))


@pytest.fixture
def server(servers: dict[str, RunningServer]) -> Iterator[RunningServer]:
    """The plain model's, in order when the test begins."""
    yield servers["plain"]
    servers["plain"].clear()


def here(folder: Path, task: str, **changes: object) -> Job:
    """One text at a time: lighteval counts the padding of a batch among the tokens that a model reads."""
    settings = {"tasks_dir": str(KINDS_DIR), "batch_size": "1", **changes}
    return lighteval_job(folder, task, **settings)


def same_samples(one: Path, other: Path) -> int:
    """Compare the files of samples in two folders, and return how many questions they have."""
    files = [sorted(folder.iterdir()) for folder in (one, other)]
    assert [file.name for file in files[0]] == [file.name for file in files[1]]
    count = 0
    for ours, its in zip(*files, strict=True):
        pd.testing.assert_frame_equal(pd.read_parquet(ours), pd.read_parquet(its))
        count += len(pd.read_parquet(ours))
    return count


KINDS = {
    "choice, examples": ("kind_choice|3", {}),
    "choice, chat template": ("kind_choice|2", {"use_chat_template": True}),
    "perplexity of answers": ("kind_answer_perplexity|0", {}),
    "subsets": ("kind_parts|0", {}),
    "writing, examples": ("kind_writing|2", {"limit": 12}),
    "writing, chat template": ("kind_writing|0", {"use_chat_template": True, "limit": 12}),
}


@pytest.mark.parametrize("name", ["plain", "with a beginning"])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_answers_and_fingerprints_are_those_of_a_model_that_runs_here(
    kind: str, name: str, folders: dict[str, Path], servers: dict[str, RunningServer], tmp_path: Path
) -> None:
    task, changes = KINDS[kind]
    job = here(folders[name], task, save_samples=True, **changes)
    local = evaluate(job, lambda progress: None, tmp_path / "here")
    served = evaluate(on_a_server(job, servers[name]), lambda progress: None, tmp_path / "there")
    assert served["results"] == local["results"]
    assert same_samples(tmp_path / "here", tmp_path / "there") >= 12
    assert tokens_read(served) == tokens_read(local)


def tokens_read(report: dict[str, Any]) -> dict[str, str]:
    """lighteval's fingerprint of the questions and the prompts' tokens."""
    return {
        task: summary["hashes"]["hash_examples"] + summary["hashes"]["hash_input_tokens"]
        for task, summary in report["summary_tasks"].items()
    }


def loaded_here(job: Job) -> MeteredModel:
    model = AutoModelForCausalLM.from_pretrained(job.weights, dtype=torch.float32)
    return MeteredModel(job, silent(), Loaded(model, AutoTokenizer.from_pretrained(job.weights)))


def silent() -> ProgressMeter:
    return ProgressMeter(lambda progress: None)


def there(job: Job, server: RunningServer) -> ModelOnAServer:
    return model_on_a_server(on_a_server(job, server), silent(), None, needs_ratings=True)


def write(model: AskedModel, size: int | None, *queries: str) -> list[ModelResponse]:
    docs = [
        Doc(query=query, choices=[""], gold_index=0, generation_size=size, stop_sequences=["\n"])
        for query in queries
    ]
    return model.greedy_until(docs)


def test_what_a_model_would_write_is_told_apart_from_other_choices(
    folders: dict[str, Path], server: RunningServer
) -> None:
    job = here(folders["plain"], "kind_choice|0")
    ours, its = loaded_here(job), there(job, server)
    queries = [f"Repeat: {letter}" for letter in ascii_letters]
    written = [answer.text[0] for answer in write(ours, 1, *queries)]
    found = [(query, text) for query, text in zip(queries, written, strict=True) if text.isprintable()]
    docs = [Doc(query=query, choices=[text, text + "a", "a"], gold_index=0) for query, text in found]
    answers = its.loglikelihood(docs)
    assert answers == ours.loglikelihood(docs)
    assert [True, False, False] in [answer.argmax_logits_eq_gold for answer in answers]


def test_an_answer_without_a_limit_has_all_of_the_context_that_its_prompt_leaves(
    folders: dict[str, Path], servers: dict[str, RunningServer]
) -> None:
    job = here(folders["short"], "kind_writing|0")
    queries = ["Repeat: a", "Repeat: abcdef", "Repeat: " + "ab" * 10]
    ours, its = write(loaded_here(job), None, *queries), write(there(job, servers["short"]), None, *queries)
    assert [answer.text for answer in its] == [answer.text for answer in ours]
    assert [answer.input_tokens for answer in its] == [answer.input_tokens for answer in ours]
    asked = [call["body"] for call in servers["short"].seen("completions") if "echo" not in call["body"]]
    assert {len(body["prompt"]) + body["max_tokens"] for body in asked[-3:]} == {SHORT}


@pytest.mark.parametrize("task", ["kind_choice|3", "kind_writing|3"])
def test_a_prompt_that_fills_the_context_loses_one_token_more_than_it_does_here(
    task: str, folders: dict[str, Path], servers: dict[str, RunningServer], tmp_path: Path
) -> None:
    """A server needs room for the token after the prompt. The weights do not depend on the context."""
    shorter = make_tiny_model(tmp_path / "shorter", max_position_embeddings=SHORT - 1)
    served = report_of(on_a_server(here(folders["short"], task), servers["short"]))
    local = report_of(here(shorter, task))
    assert served["results"] == local["results"]
    assert served["truncated_prompts"] == local["truncated_prompts"]
    assert served["truncated_prompts"][task] >= 14


def test_a_choice_that_leaves_no_room_for_its_question_is_refused(
    folders: dict[str, Path], servers: dict[str, RunningServer]
) -> None:
    model = there(here(folders["short"], "kind_choice|0"), servers["short"])
    doc = Doc(query="Say: ", choices=["a", "a" * SHORT], gold_index=0, task_name="long|0")
    with pytest.raises(Failed, match=r"A choice of the task long\|0 fills all 31 tokens") as failed:
        model.loglikelihood([doc])
    assert failed.value.end is End.REFUSED


def test_a_servers_context_that_is_too_short_is_the_owners_matter(folders: dict[str, Path]) -> None:
    with running_server(folders["plain"], arguments=["--max-model-len", "24"]) as server:
        model = there(here(folders["plain"], "kind_choice|0"), server)
        doc = Doc(query="Say: ", choices=["a" * SHORT], gold_index=0, task_name="long|0")
        with pytest.raises(Failed, match=r"The server's context is 24 tokens.* --max-model-len") as failed:
            model.loglikelihood([doc])
    assert failed.value.end is End.WORKER


def test_the_models_own_penalty_of_repetitions_is_kept(
    folders: dict[str, Path], server: RunningServer, tmp_path: Path
) -> None:
    """transformers follows generation_config.json, too."""
    shutil.copytree(folders["plain"], tmp_path / "model")
    (tmp_path / "model" / "generation_config.json").write_text('{"repetition_penalty": 1.3, "top_p": 0.5}')
    report_of(on_a_server(here(tmp_path / "model", "kind_writing|0", limit=2), server))
    body = server.seen("completions")[-1]["body"]
    assert body["repetition_penalty"] == 1.3
    assert body["temperature"] == 0 and "top_p" not in body


@pytest.mark.parametrize("task", ["kind_choice|0", "kind_writing|0"])
def test_tokens_without_an_embedding_are_the_models_fault(
    task: str, folders: dict[str, Path], server: RunningServer, tmp_path: Path
) -> None:
    shutil.copytree(folders["plain"], tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "vocab_size": 20}))
    with pytest.raises(Failed, match="token ids for which its weights have no embedding") as failed:
        report_of(on_a_server(here(tmp_path / "model", task, limit=2), server))
    assert failed.value.end is End.REFUSED


@pytest.mark.parametrize(("drops", "text"), [(True, "two three"), (False, " two three")])
def test_an_answer_is_decoded_as_it_is_here(
    drops: bool, text: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server keeps the space before an answer, which the tokenizers of some models drop."""
    monkeypatch.setattr(served_room, "drops_a_space", lambda tokenizer: drops)
    with scripted_server(
        lambda asked: sound(asked) if asked.route == "/v1/models" else a_text(" two three")
    ) as running:
        job = on_a_server(here(folders["plain"], "kind_writing|0"), running.server)
        model = model_on_a_server(job, silent(), None, needs_ratings=False)
        [answer] = write(model, 8, "one")
    assert answer.text == [text]


def test_the_weights_are_not_loaded(folders: dict[str, Path], server: RunningServer, tmp_path: Path) -> None:
    small = make_tiny_model(tmp_path / "small", max_position_embeddings=512, hidden_size=32)
    (small / "model.safetensors").unlink()
    job = here(small, "kind_choice|0", limit=3)
    assert (
        report_of(on_a_server(job, server))["results"]
        == report_of(replace(job, weights=str(folders["plain"])))["results"]
    )


def test_the_report_does_not_say_that_this_machine_computed(
    folders: dict[str, Path], server: RunningServer
) -> None:
    report = report_of(on_a_server(here(folders["plain"], "kind_writing|0", limit=2), server))
    assert report["config_general"]["model_sha"] == "c" * 40
    assert report["config_general"]["model_dtype"] == "float32"
    said = report["config_general"]["model_config"]
    assert (said["model_name"], said["revision"], said["dtype"]) == ("org/model", "c" * 40, "float32")
    assert {"device", "batch_size"}.isdisjoint(said)


def test_progress_counts_what_the_server_was_asked(folders: dict[str, Path], server: RunningServer) -> None:
    reported: list[Progress] = []
    job = here(folders["plain"], "kind_choice|0", limit=5)
    evaluate(on_a_server(job, server), reported.append)
    assert reported[-1] == Progress("kind_choice|0", 20, 20)


def chatting(folders: dict[str, Path], *tasks: str, **changes: object) -> Job:
    settings = {"use_chat_template": True, "inference_api": Api.CHAT, "limit": 12, **changes}
    return replace(here(folders["plain"], "kind_writing|0", **settings), tasks=tasks or ("kind_writing|2",))


def test_answers_in_a_chat_are_those_of_a_model_that_runs_here(
    folders: dict[str, Path], server: RunningServer, tmp_path: Path
) -> None:
    job = chatting(folders, save_samples=True)
    local = evaluate(job, lambda progress: None, tmp_path / "here")
    served = evaluate(on_a_server(job, server), lambda progress: None, tmp_path / "there")
    assert served["results"] == local["results"]
    ours, its = (
        pd.read_parquet(next(folder.iterdir())) for folder in (tmp_path / "here", tmp_path / "there")
    )
    assert [list(each) for each in its["answers"]] == [list(each) for each in ours["answers"]]
    said = json.loads(its["prompt"][0])
    assert [each["role"] for each in said] == ["user", "assistant", "user", "assistant", "user"]
    assert server.seen("chat")[-1]["body"]["max_tokens"] == 12


@pytest.mark.slow
def test_answers_in_a_chat_are_those_of_transformers_serve(
    folders: dict[str, Path], server: RunningServer, tmp_path: Path
) -> None:
    """A second opinion: another server, by others, says the same."""
    job = chatting(folders, "kind_writing|0", "kind_writing|2", save_samples=True, limit=None)
    ours = evaluate(on_a_server(job, server), lambda progress: None, tmp_path / "ours")
    with transformers_serve(folders["plain"], tmp_path) as its_server:
        its = evaluate(on_a_server(job, its_server), lambda progress: None, tmp_path / "its")
    assert its["results"] == ours["results"]
    assert same_samples(tmp_path / "ours", tmp_path / "its") == 28


def test_a_chat_does_not_rate_answers(folders: dict[str, Path], server: RunningServer) -> None:
    """The owner reads it of the suite, before any model is evaluated."""
    tasks = ("kind_writing|0", "kind_choice|2")
    suite = Suite(
        engine=EngineName.LIGHTEVAL,
        tasks=tasks,
        tasks_dir=str(KINDS_DIR),
        inference=Inference.ENDPOINT,
        inference_api=Api.CHAT,
    )
    [problem] = ENGINE.describe(suite).problems
    assert "the task kind_choice rates given texts, which only /v1/completions does" in problem
    assert ENGINE.try_suite(suite, lambda progress: None).description.problems == (problem,)
    assert ENGINE.describe(replace(suite, inference_api=Api.COMPLETIONS)).problems == ()
    assert ENGINE.describe(replace(suite, inference=Inference.LOCAL)).problems == ()
    with pytest.raises(Failed, match="the task kind_choice rates given texts") as failed:
        report_of(on_a_server(chatting(folders, *tasks), server))
    assert failed.value.end is End.WORKER


def test_the_report_says_by_what_the_model_was_served(
    folders: dict[str, Path], server: RunningServer
) -> None:
    report = report_of(replace(on_a_server(chatting(folders), server), device="none of this machine"))
    assert report["leaderboard"]["served"] == {
        "inference": "server",
        "api": "chat",
        "address": server.url,
        "is_exact": True,
        "image": None,
        "region": None,
        "price": None,
        "empty_answers": {"kind_writing|2": 0},
        "answers": {"kind_writing|2": 12},
    }
    assert "torch" not in report["leaderboard"]["versions"]
    assert report["leaderboard"]["settings"] == {"inference": "server", "inference_api": "chat"}


def test_empty_answers_are_counted_and_more_than_the_owner_accepts_are_refused(
    folders: dict[str, Path], server: RunningServer
) -> None:
    job = on_a_server(here(folders["plain"], "kind_writing|0"), server, most_empty=0.5)
    server.fault("null", every=7)
    assert report_of(job)["leaderboard"]["served"]["empty_answers"] == {"kind_writing|0": 2}
    with pytest.raises(Failed, match=r"left 2 of 14 answers to kind_writing\|0 empty") as failed:
        report_of(replace(job, most_empty=0.1))
    assert failed.value.end is End.INVALID


FAULTS = {
    "no ratings": (
        lambda server: server.fault("no logprobs"),
        End.WORKER,
        "does not give the log-probabilities of a prompt's tokens",
    ),
    "no number": (
        lambda server: server.fault("nan logprob", every=5),
        End.INVALID,
        "gives nan as the log-probability of a token",
    ),
    "another model": (lambda server: server.fault("other model"), End.WORKER, "does not have org/model"),
    "gone": (lambda server: server.die_after(9), End.UNREACHABLE, "does not answer any more"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_server_does_wrong_ends_as_it_should(
    name: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "Patience", lambda: HASTE)
    spoil, end, words = FAULTS[name]
    with running_server(folders["plain"]) as server:
        spoil(server)
        with pytest.raises(Failed, match=words) as failed:
            report_of(on_a_server(here(folders["plain"], "kind_choice|0"), server))
    assert failed.value.end is end


def test_a_chat_needs_the_models_chat_template(folders: dict[str, Path], server: RunningServer) -> None:
    job = on_a_server(chatting(folders, use_chat_template=False), server)
    with pytest.raises(Failed, match="was submitted without its chat template") as failed:
        report_of(job)
    assert failed.value.end is End.REFUSED


def test_a_killed_attempt_goes_on_at_another_address(
    folders: dict[str, Path], server: RunningServer, tmp_path: Path
) -> None:
    job = here(folders["plain"], "kind_writing|0", kept_tasks=str(tmp_path / "kept"), limit=3)
    report_of(on_a_server(job, server))
    asked = len(server.seen())
    other = Server(url="http://127.0.0.1:9/v1", model=server.model, is_exact=True)
    report_of(on_a_server(job, other))
    assert len(server.seen()) == asked
