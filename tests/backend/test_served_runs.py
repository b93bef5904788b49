"""A run over a server: what its report says, what ends it and whose fault that is, and how it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from src.evaluation.evaluating import evaluate
from src.evaluation.failures import Failed
from src.evaluation.reports.kept import key
from src.evaluation.served import calls
from src.evaluation.served.calls import Patience
from src.running.inference import Api, Hardware, Inference, Server
from src.running.job import End, Job, Progress
from src.shared.data.reports import OURS
from support.jobs import make_job
from support.openai_server import RunningServer, running_server
from support.scripted_server import Scripted, scripted_server
from support.sums import CHATS, write_tasks
from support.tiny_model import make_tiny_model

pytestmark = pytest.mark.usefixtures("in_the_backends_folder", "random_numbers")

NAME = "org/model@cccccccc"
TOKEN = "hf_only_for_calls"
HASTE = Patience(connect=60, answer=60, recovery=0.5, longest_pause=0.1)
"""Gives a server up that fails, and not one that is slow as everything on a busy machine."""
CHOICES, WRITTEN = "tiny_agreement", "tiny_copy"
QUESTIONS = 10


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tiny_model(tmp_path_factory.mktemp("models") / "tiny", max_position_embeddings=512)
    (folder / "chat_template.jinja").write_text(CHATS["default"])
    return folder


@pytest.fixture(scope="module")
def started(model: Path) -> Iterator[RunningServer]:
    with running_server(model, name=NAME, token=TOKEN) as running:
        yield running


@pytest.fixture
def server(started: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    """The server without faults, for a client that does not wait long."""
    monkeypatch.setattr(calls, "Patience", lambda: HASTE)
    started.clear()
    yield started
    started.clear()
    started.change(has_prompt_logprobs=True)


def at(url: str, **more: Any) -> Server:
    return Server(url=url, model=NAME, is_exact=True, **more)


def job_on(running: RunningServer | Scripted, model: Path, **changes: Any) -> Job:
    given = {
        "tasks": (CHOICES, WRITTEN),
        "limit": QUESTIONS,
        "inference": Inference.SERVER,
        "server": at(running.url),
        "most_empty": 1.0,
        "concurrency": 4,
    }
    return make_job(model, **(given | changes))


def run(
    job: Job, on_progress: Callable[[Progress], None] = lambda progress: None, token: str = TOKEN
) -> dict[str, Any]:
    return evaluate(job, on_progress, token=token)


def failure(job: Job, token: str = TOKEN) -> Failed:
    with pytest.raises(Failed) as failed:
        run(job, token=token)
    assert TOKEN not in str(failed.value)
    return failed.value


def test_a_report_says_how_the_model_was_served(server: RunningServer, model: Path) -> None:
    rented = at(
        server.url.replace("http://", "http://me:word@"),
        image="vllm/vllm-openai:v1",
        hardware="1 × Nvidia L4 (24 GB)",
        region="aws us-east-1",
        price=0.8,
    )
    report = run(job_on(server, model, inference=Inference.ENDPOINT, server=rented))
    ours = report[OURS]
    assert ours["served"] == {
        "inference": "endpoint",
        "api": "completions",
        "address": server.url,
        "is_exact": True,
        "image": "vllm/vllm-openai:v1",
        "region": "aws us-east-1",
        "price": 0.8,
        "empty_answers": {CHOICES: 0, WRITTEN: ours["served"]["empty_answers"][WRITTEN]},
        "answers": {CHOICES: 0, WRITTEN: QUESTIONS},
    }
    assert ours["hardware"] == "1 × Nvidia L4 (24 GB)"
    assert ours["settings"] == {"inference": "endpoint", "inference_api": "completions"}
    assert not {"torch", "accelerate"} & ours["versions"].keys()
    assert report["config"]["model"] == report["model_source"] == "local-completions"
    assert report["config"]["model_args"]["pretrained"] == report["model_name"] == "org/model"
    assert report["config"]["device"] is None
    assert "model_num_parameters" not in report["config"]
    assert not {"empty_answers", "answers"} & report.keys()
    written = json.dumps(report)
    assert TOKEN not in written
    assert "word@" not in written
    assert str(model) not in written


def test_a_server_whose_machine_is_unknown_is_named_by_its_host(server: RunningServer, model: Path) -> None:
    assert run(job_on(server, model, tasks=(CHOICES,)))[OURS]["hardware"] == "a server at 127.0.0.1"


def test_progress_counts_the_questions(server: RunningServer, model: Path) -> None:
    reported: list[Progress] = []
    run(job_on(server, model), reported.append)
    assert reported[-1].task == WRITTEN
    assert (reported[-1].done, reported[-1].total) == (QUESTIONS, QUESTIONS)
    assert {each.task for each in reported} == {CHOICES, WRITTEN}


def test_no_more_empty_answers_than_allowed_are_published_with_their_number(
    server: RunningServer, model: Path
) -> None:
    server.fault("null", route="completions", every=5)
    report = run(job_on(server, model, tasks=(WRITTEN,), most_empty=0.2))
    assert report[OURS]["served"]["empty_answers"] == {WRITTEN: 2}


@pytest.mark.parametrize("fault", ["null", "empty", "filtered"])
def test_more_empty_answers_than_allowed_end_the_run(fault: str, server: RunningServer, model: Path) -> None:
    server.fault(fault, route="completions", every=5)
    failed = failure(job_on(server, model, tasks=(WRITTEN,), most_empty=0.1))
    assert failed.end is End.INVALID
    assert f"2 of {QUESTIONS} answers to {WRITTEN} empty, more than the 10 per cent" in str(failed)
    assert "ask the owner to raise MAX_EMPTY_ANSWERS" in str(failed)


def test_a_server_without_log_probabilities_is_refused_before_anything_is_asked(
    server: RunningServer, model: Path
) -> None:
    server.change(has_prompt_logprobs=False)
    before = len(server.seen("completions"))
    assert failure(job_on(server, model)).end is End.WORKER
    assert len(server.seen("completions")) == before + 1
    assert run(job_on(server, model, tasks=(WRITTEN,)))["results"]


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ("unavailable", End.UNREACHABLE),
        ("drop", End.UNREACHABLE),
        ("server error", End.UNREACHABLE),
        ("hang", End.UNREACHABLE),
        ("drip", End.UNREACHABLE),
        ("huge", End.WORKER),
        ("moved", End.WORKER),
        ("invalid json", End.WORKER),
        ("no choices", End.WORKER),
        ("other model", End.WORKER),
        ("no logprobs", End.WORKER),
        ("short logprobs", End.WORKER),
        ("nan logprob", End.INVALID),
        ("positive logprob", End.INVALID),
    ],
)
def test_a_fault_of_the_server_ends_the_run_with_a_sentence(
    fault: str, end: End, server: RunningServer, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault in ("hang", "drip"):
        monkeypatch.setattr(calls, "Patience", lambda: replace(HASTE, answer=2))
    server.fault(fault)
    failed = failure(job_on(server, model, tasks=(CHOICES,)))
    assert failed.end is end
    assert server.url in str(failed)


def test_a_run_goes_on_after_a_server_was_busy(
    server: RunningServer, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "Patience", lambda: replace(HASTE, recovery=60))
    server.fault("unavailable", next=2)
    server.fault("drop", next=3)
    assert run(job_on(server, model))["results"].keys() == {CHOICES, WRITTEN}


def test_a_wrong_token_is_the_owners_to_change(server: RunningServer, model: Path) -> None:
    failed = failure(job_on(server, model), token="hf_wrong")
    assert failed.end is End.WORKER
    assert "INFERENCE_TOKEN" in str(failed)


def test_an_attempt_goes_on_with_the_next_task_at_another_address(
    server: RunningServer, model: Path, tmp_path: Path
) -> None:
    with running_server(model, name=NAME, token=TOKEN) as first:
        job = job_on(first, model, kept_tasks=str(tmp_path / "kept"))
        uninterrupted = run(replace(job, kept_tasks=None))
        asked = len(first.seen("completions")) - QUESTIONS  # the probe, and those of the first task
        first.die_after(asked + 3)
        assert failure(job).end is End.UNREACHABLE
    before = len(server.seen("completions"))
    report = run(replace(job, server=at(server.url)))
    assert report["results"] == uninterrupted["results"]
    assert report[OURS]["served"]["answers"] == {CHOICES: 0, WRITTEN: QUESTIONS}
    assert len(server.seen("completions")) - before == 1 + QUESTIONS


def test_where_a_machine_is_and_its_price_have_no_effect_on_kept_reports_but_image_and_hardware_have(
    model: Path,
) -> None:
    hardware = Hardware(
        id="a",
        vendor="aws",
        region="us-east-1",
        accelerator="gpu",
        instance_type="l4",
        instance_size="x1",
        name="1 × L4",
        memory_gb=24,
        price=0.8,
    )
    server = at("https://one/v1", image="vllm:1", hardware="1 × L4", region="aws us-east-1", price=0.8)
    job = make_job(model, inference=Inference.ENDPOINT, server=server, hardware=hardware)
    for same in (
        replace(job, server=replace(server, url="https://two/v1", price=0.9)),
        replace(job, server=replace(server, region="gcp europe-west4")),
        replace(job, hardware=replace(hardware, price=0.9)),
        replace(
            job, hardware=replace(hardware, id="b", vendor="gcp", region="europe-west4", instance_type="g2")
        ),
        replace(job, concurrency=1, most_empty=0.5),
        replace(job, batch_size="3", device="meta"),
    ):
        assert key(same) == key(job)
    for other in (
        replace(job, server=replace(server, image="vllm:2")),
        replace(job, server=replace(server, hardware="1 × L40S")),
        replace(job, hardware=replace(hardware, name="1 × L40S")),
        replace(job, inference_api=Api.CHAT),
        replace(job, inference=Inference.LOCAL, server=None, hardware=None),
    ):
        assert key(other) != key(job)


def test_a_conversation_has_the_scores_of_the_same_template_here(
    server: RunningServer, model: Path, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks")
    settings = {
        "tasks": ("filtered",),
        "tasks_dir": str(tmp_path / "tasks"),
        "num_fewshot": 2,
        "use_chat_template": True,
        "system_instruction": "Add.",
    }
    here = run(make_job(model, limit=QUESTIONS, **settings))
    there = run(job_on(server, model, inference_api=Api.CHAT, **settings))
    assert there["results"] == here["results"]
    assert there["model_source"] == "local-chat-completions"
    assert there["chat_template"] is None
    [first, *_] = [each["body"]["messages"] for each in server.seen("chat")][-QUESTIONS:]
    assert [turn["role"] for turn in first] == ["system", *(["user", "assistant"] * 2), "user"]


def test_a_conversation_needs_the_models_chat_template(server: RunningServer, model: Path) -> None:
    failed = failure(job_on(server, model, tasks=(WRITTEN,), inference_api=Api.CHAT))
    assert failed.end is End.REFUSED
    assert "Submit it with its chat template" in str(failed)


def test_a_task_that_rates_cannot_be_a_conversation(server: RunningServer, model: Path) -> None:
    job = job_on(server, model, tasks=(CHOICES,), inference_api=Api.CHAT, use_chat_template=True)
    failed = failure(job)
    assert failed.end is End.WORKER
    assert "set INFERENCE_API to completions" in str(failed)


def test_a_setting_that_a_server_cannot_follow_ends_the_run(server: RunningServer, model: Path) -> None:
    failed = failure(job_on(server, model, tasks=(WRITTEN,), gen_kwargs={"num_beams": 2}))
    assert failed.end is End.WORKER
    assert "`num_beams`" in str(failed)


def test_texts_that_do_not_fit_into_the_servers_context_are_the_owners(
    model: Path, server: RunningServer
) -> None:
    with running_server(model, name=NAME, token=TOKEN, arguments=["--max-model-len", "6"]) as short:
        failed = failure(job_on(short, model, tasks=(WRITTEN,)))
    assert failed.end is End.WORKER
    assert "too long for the server, whose context is 6 tokens" in str(failed)


def test_a_text_to_rate_leaves_the_server_room_for_the_token_that_it_writes(
    server: RunningServer, model: Path
) -> None:
    with running_server(model, name=NAME, token=TOKEN, arguments=["--max-model-len", "20"]) as short:
        report = run(job_on(short, model, tasks=(CHOICES,), num_fewshot=0))
        rated = [len(call["body"]["prompt"]) for call in short.seen("completions")]
    assert max(rated) == 19
    assert report["truncated_prompts"][CHOICES] == rated.count(19) > 0
    assert report["config"]["model_args"]["max_length"] == 20


def with_another_config(model: Path, folder: Path, **changes: object) -> Path:
    """Copy a model without its weights, and change its configuration."""
    folder.mkdir()
    for file in model.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return folder


def with_only_this_config(model: Path, folder: Path, config: dict[str, Any]) -> Path:
    """Copy a model without its weights, and replace its configuration."""
    with_another_config(model, folder)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("task", [CHOICES, WRITTEN])
def test_tokens_without_an_embedding_are_the_models_fault(
    task: str, server: RunningServer, model: Path, tmp_path: Path
) -> None:
    small = with_another_config(model, tmp_path / "small", vocab_size=50)
    failed = failure(job_on(server, small, tasks=(task,)))
    assert failed.end is End.REFUSED
    assert "token ids for which its weights have no embedding" in str(failed)


def test_a_server_may_run_an_architecture_that_transformers_does_not_know(
    server: RunningServer, model: Path, tmp_path: Path
) -> None:
    odd = with_another_config(model, tmp_path / "odd", model_type="brand_new")
    here = run(make_job(model, tasks=(CHOICES,), limit=QUESTIONS))
    assert run(job_on(server, odd, tasks=(CHOICES,)))["results"] == here["results"]


@pytest.mark.parametrize("part", ["text_config", "llm_config"])
def test_an_unknown_architecture_may_have_the_configuration_of_its_text_model_within_its_own(
    part: str, server: RunningServer, model: Path, tmp_path: Path
) -> None:
    config = json.loads((model / "config.json").read_text())
    within = {**config, "model_type": "brand_new_text"}
    odd = with_only_this_config(model, tmp_path / "odd", {"model_type": "brand_new", part: within})
    here = run(make_job(model, tasks=(CHOICES,), limit=QUESTIONS))
    assert run(job_on(server, odd, tasks=(CHOICES,)))["results"] == here["results"]


def test_a_context_that_no_file_says_is_the_servers(
    server: RunningServer, model: Path, tmp_path: Path
) -> None:
    config = json.loads((model / "config.json").read_text())
    sizes = {"vocab_size": config["vocab_size"]}
    odd = with_only_this_config(model, tmp_path / "odd", {"model_type": "brand_new", "text_config": sizes})
    report = run(job_on(server, odd))
    here = run(make_job(model, tasks=(CHOICES, WRITTEN), limit=QUESTIONS))
    assert report["results"] == here["results"]
    assert report["config"]["model_args"]["max_length"] == config["max_position_embeddings"]


def test_a_context_that_nobody_says_is_the_models_fault(model: Path, tmp_path: Path) -> None:
    odd = with_only_this_config(model, tmp_path / "odd", {"model_type": "brand_new", "vocab_size": 300})
    with scripted_server() as running:
        job = job_on(running, odd, server=running.server)
        failed = failure(job)
    assert failed.end is End.REFUSED
    assert "Add `max_position_embeddings` to the config.json" in str(failed)


@pytest.mark.parametrize("size", [None, "300", -1, True, 2**60, 1.5])
def test_an_unknown_architecture_needs_the_size_of_its_vocabulary(
    size: object, model: Path, tmp_path: Path
) -> None:
    odd = with_only_this_config(model, tmp_path / "odd", {"model_type": "brand_new", "vocab_size": size})
    with scripted_server() as running:
        failed = failure(job_on(running, odd, server=running.server))
    assert failed.end is End.REFUSED
    assert "has no number of tokens as `vocab_size`" in str(failed)
    assert running.asked == []


def test_sampling_draws_another_answer_to_each_question_and_the_same_in_each_run(
    server: RunningServer, model: Path
) -> None:
    settings = {"do_sample": True, "temperature": 1.5, "top_p": 0.9}
    job = job_on(server, model, tasks=(WRITTEN,), gen_kwargs=settings, seeds=(0, 1, 2, 3))
    before = len(server.seen("completions"))
    assert run(job)["results"] == run(job)["results"]
    calls = server.seen("completions")[before:]
    asked = [call["body"] for call in calls if not call["body"].get("echo")]  # the probes
    assert sorted(body["seed"] for body in asked) == sorted([*range(2, 2 + QUESTIONS)] * 2)
    assert {(body["temperature"], body["top_p"]) for body in asked} == {(1.5, 0.9)}


def test_samples_are_kept(server: RunningServer, model: Path, tmp_path: Path) -> None:
    evaluate(job_on(server, model, save_samples=True), lambda progress: None, tmp_path, token=TOKEN)
    assert {file.name for file in tmp_path.iterdir()} == {f"{CHOICES}.parquet", f"{WRITTEN}.parquet"}
