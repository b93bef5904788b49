"""A model is loaded whole or refused, with a sentence that says what is wrong with it."""

import errno
import inspect
import shutil
from collections.abc import Callable
from pathlib import Path
from socket import gaierror

import aiohttp
import datasets
import httpx
import huggingface_hub.file_download
import pytest
import torch
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import errors as hub
from lm_eval.api.instance import Instance
from transformers import GPT2Config, GPT2LMHeadModel

from src.evaluation.errors import CUT_OFF
from src.evaluation.failures import Failed, Step, explained
from src.evaluation.lm_eval.engine import load_metered
from src.evaluation.loading.loading import load
from src.evaluation.progress import ProgressMeter
from src.running.job import End
from support.blamed import OWNER, blamed
from support.broken_models import BREAKAGES, Breakage, edited, with_code_that_says_so
from support.jobs import make_job
from support.tiny_model import byte_tokenizer, make_tiny_model

GATED = "Dataset '{path}' is a gated dataset on the Hub."
"""What `datasets` says of one: the class of the error does not tell."""


@pytest.fixture(scope="session")
def good_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "good")


def spoilt(model: Path, target: Path, spoil: Callable[[Path], None]) -> Path:
    shutil.copytree(model, target)
    spoil(target)
    return target


def name(breakage: Breakage) -> str:
    return breakage.name


@pytest.mark.parametrize("breakage", BREAKAGES, ids=name)
def test_a_broken_model_is_refused_with_its_reason(
    breakage: Breakage, good_model: Path, tmp_path: Path
) -> None:
    model = spoilt(good_model, tmp_path / "model", breakage.spoil)
    with pytest.raises(Failed) as failed:
        load(make_job(model))
    message = str(failed.value)
    assert failed.value.end is End.REFUSED
    assert breakage.reason in message
    assert "org/model" in message
    assert str(tmp_path) not in message


def test_code_that_a_model_brings_is_not_run(good_model: Path, tmp_path: Path) -> None:
    model = spoilt(good_model, tmp_path / "model", with_code_that_says_so)
    with pytest.raises(Failed):
        load(make_job(model))
    assert not (model / "code was run").exists()


def test_a_known_architecture_is_loaded_without_the_code_beside_it(good_model: Path, tmp_path: Path) -> None:
    brings_code = edited("config.json", auto_map={"AutoModelForCausalLM": "own.Own"})
    model = spoilt(good_model, tmp_path / "model", brings_code)
    assert type(load(make_job(model)).model).__module__.startswith("transformers.")


def test_attention_that_the_owner_chose_without_its_package_is_the_workers_fault(good_model: Path) -> None:
    """It was "refused … or submit the model without quantization"."""
    job = make_job(good_model, model_args={"attn_implementation": "flash_attention_2"}, precision="bfloat16")
    with pytest.raises(Failed, match="lacks the package for its own setting `attn_implementation`") as failed:
        load(job)
    assert failed.value.end is End.WORKER
    assert "quantiz" not in str(failed.value)
    assert blamed(failed.value.end, str(failed.value)) == OWNER


def test_a_first_token_that_a_model_does_not_have_is_the_owners_to_correct(good_model: Path) -> None:
    """Its tokenizer was said to be wrong."""
    last = 256
    job = make_job(good_model, model_args={"prefix_token_id": last})
    assert load_metered(job, ProgressMeter(lambda progress: None)).prefix_token_id == last
    job = make_job(good_model, model_args={"prefix_token_id": last + 1})
    with pytest.raises(
        Failed, match="has 257 tokens, but MODEL_ARGS sets `prefix_token_id` to 257"
    ) as failed:
        load_metered(job, ProgressMeter(lambda progress: None))
    assert failed.value.end is End.WORKER
    assert blamed(failed.value.end, str(failed.value)) == OWNER


def instance(kind: str, *arguments: object) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0, metadata=("task", 0, 1))


@pytest.mark.parametrize("kind", ["generate_until", "loglikelihood"])
def test_texts_that_only_the_owners_context_makes_too_long_are_not_the_models_fault(
    kind: str, good_model: Path
) -> None:
    """The submitter was told to send a model with a longer context."""
    request = {
        "generate_until": instance("generate_until", "a", {"max_gen_toks": 32, "until": []}),
        "loglikelihood": instance("loglikelihood", "a", "b" * 32),
    }[kind]
    model = load_metered(make_job(good_model, max_length=16), ProgressMeter(lambda progress: None))
    with pytest.raises(Failed, match="too long for MAX_LENGTH, which is 16 on this worker") as failed:
        getattr(model, kind)([request])
    assert failed.value.end is End.WORKER
    assert blamed(failed.value.end, str(failed.value)) == OWNER
    own = load_metered(make_job(good_model, max_length=100_000), ProgressMeter(lambda progress: None))
    assert len(getattr(own, kind)([request])) == 1


def test_attention_that_an_architecture_does_not_have_is_not_called_damage(tmp_path: Path) -> None:
    """It was "The weights … do not match its config.json"."""
    size = {"n_layer": 1, "n_head": 1, "n_embd": 4, "n_positions": 64}
    tokenizer = byte_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    config = GPT2Config(**size, vocab_size=len(tokenizer), bos_token_id=None, eos_token_id=256)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    load(make_job(tmp_path))
    with pytest.raises(Failed, match="cannot compute attention in the way that") as failed:
        load(make_job(tmp_path, model_args={"attn_implementation": "flex_attention"}))
    assert failed.value.end is End.REFUSED
    assert blamed(failed.value.end, str(failed.value)) == OWNER


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("float16", torch.float16), ("bfloat16", torch.bfloat16), ("float32", torch.float32)],
)
def test_a_model_is_loaded_in_the_precision_it_was_submitted_in(
    precision: str, dtype: torch.dtype, good_model: Path
) -> None:
    assert load(make_job(good_model, precision=precision)).model.dtype == dtype


def test_another_precision_is_refused(good_model: Path) -> None:
    with pytest.raises(Failed, match="in 4bit"):
        load(make_job(good_model, precision="4bit"))


def test_a_chat_template_that_is_asked_for_must_be_there(good_model: Path) -> None:
    with pytest.raises(Failed, match="was submitted with a chat template but has none"):
        load(make_job(good_model, use_chat_template=True))


def test_a_model_that_is_nowhere_is_refused() -> None:
    with pytest.raises(Failed, match="no longer available"):
        load(make_job("/no such folder"))


def answer(kind: type[hub.HfHubHTTPError], status: int) -> hub.HfHubHTTPError:
    return kind(
        f"status {status}", response=httpx.Response(status, request=httpx.Request("GET", "http://hub"))
    )


def fail(step: Step, error: Exception) -> None:
    """Fail as transformers does with what the Hub client raised."""
    with explained(step, make_job("org/model")):
        raise OSError("We couldn't load it") from error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (answer(hub.GatedRepoError, 403), "is gated"),
        (answer(hub.RepositoryNotFoundError, 401), "deleted, renamed or made private"),
        (answer(hub.RevisionNotFoundError, 404), f"The commit {'c' * 40} of org/model"),
        (hub.HFValidationError("org/../model"), "no longer available"),
    ],
    ids=["gated", "no model", "no commit", "no name"],
)
def test_what_the_hub_will_not_give_is_refused(error: Exception, reason: str) -> None:
    with pytest.raises(Failed, match=reason):
        fail(Step.CONFIGURATION, error)


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize(
    "error",
    [
        answer(hub.HfHubHTTPError, 503),
        answer(hub.HfHubHTTPError, 429),
        hub.LocalEntryNotFoundError("the Hub is down"),
        hub.XetDownloadError("broken off"),
        httpx.ReadTimeout("slow"),
        aiohttp.ClientPayloadError("broken off"),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        gaierror(-2, "Name or service not known"),
        OSError(f"{CUT_OFF} 100 but has size 40 (model.safetensors)."),
    ],
    ids=repr,
)
def test_a_hub_that_does_not_answer_is_not_the_fault_of_the_model(step: Step, error: Exception) -> None:
    with pytest.raises(Failed) as failed:
        fail(step, error)
    assert failed.value.end is End.UNREACHABLE
    message = str(failed.value)
    is_of_a_task = step is Step.EVALUATION and "needs a site that did not answer" in message
    assert is_of_a_task or message.startswith("The Hub did not answer while org/model was")


def test_a_download_that_breaks_off_still_has_these_words() -> None:
    assert CUT_OFF in inspect.getsource(huggingface_hub.file_download)


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("Data processing error: I/O error: No space left on device (os error 28)"),
        OSError("Not enough disk space. Needed: 40.00 GiB (download: 12.00 GiB, generated: 28.00 GiB"),
    ],
    ids=repr,
)
def test_a_full_disk_is_the_owners_to_mend(step: Step, error: Exception) -> None:
    with pytest.raises(Failed, match="disk is full, so org/model could not") as failed:
        fail(step, error)
    assert failed.value.end is End.DISK_FULL


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError("Cannot allocate memory (os error 12)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("unable to mmap 9 bytes"),
        RuntimeError("No executable batch size found, reached zero."),
    ],
    ids=repr,
)
def test_memory_that_runs_out_is_recognised(step: Step, error: Exception) -> None:
    with (
        pytest.raises(Failed, match="org/model needs more memory") as failed,
        explained(step, make_job("org/model")),
    ):
        raise error
    assert failed.value.end is End.OUT_OF_MEMORY


@pytest.mark.parametrize("step", list(Step))
def test_a_disk_that_is_broken_is_not_the_fault_of_the_model(step: Step) -> None:
    with pytest.raises(OSError, match="We couldn't load it"):
        fail(step, OSError(errno.EIO, "Input/output error"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError("questions.jsonl"), "The questions of the task sums cannot be found"),
        (DatasetNotFoundError("'org/sums' doesn't exist"), "The questions of the task sums cannot be found"),
        (answer(hub.RemoteEntryNotFoundError, 404), "The questions of the task sums cannot be found"),
        (DatasetNotFoundError(GATED.format(path="org/sums")), "The questions of the task sums are gated"),
        (
            AssertionError("Invalid configuration: requested max tokens to generate"),
            "texts of the task sums are too long for",
        ),
        (
            AssertionError(
                "Invalid configuration: requested max tokens to generate (100000) must be less than"
            ),
            "task sums has a model write more tokens than models can.*owner has to lower `max_gen_toks`",
        ),
        (IndexError("index out of range in self"), "token ids"),
        (RuntimeError("index 292 is out of bounds for dimension 1 with size 40"), "token ids"),
    ],
    ids=[
        "no questions",
        "no dataset",
        "no file in the dataset",
        "gated questions",
        "too long",
        "more than any model writes",
        "no such token",
        "no such token, gathered",
    ],
)
def test_a_failed_evaluation_says_whose_fault_it_is(error: Exception, reason: str) -> None:
    with pytest.raises(Failed, match=reason), explained(Step.EVALUATION, make_job("org/model"), "sums"):
        raise error


def test_a_gated_dataset_still_has_these_words() -> None:
    assert GATED in inspect.getsource(datasets.load)


def test_an_unforeseen_error_is_let_through() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        explained(Step.EVALUATION, make_job("org/model")),
    ):
        raise ZeroDivisionError


def test_a_failure_inside_a_step_keeps_its_sentence() -> None:
    with pytest.raises(Failed, match="for another reason"), explained(Step.TOKENIZER, make_job("org/model")):
        raise Failed("for another reason")
