"""The worker's calls about endpoints, on a Hub that answers: what it makes, what each refusal becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from src.inference.endpoints import EndpointError, Endpoints, NameTaken
from src.inference.hardware import Allowed, Offers
from src.running.inference import Hardware
from src.running.job import End, Job
from src.shared.stores.hub import Hub as Client
from support.hub import Fault, Hub, running_hub
from support.hub.endpoints import Trouble
from support.jobs import make_job
from support.tiny_model import make_tiny_model

NONCE = "0123456789abcdef"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as hub:
        hub.endpoints.pretends = True
        monkeypatch.setattr(constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{hub.url}/v2")
        yield hub


@pytest.fixture
def endpoints(hub: Hub) -> Endpoints:
    token = hub.add_user("alice", {"acme": "admin"})
    return Endpoints(Client(token, endpoint=hub.url, patience=0.5), "acme", "acme/requests")


@pytest.fixture
def job(hub: Hub, tmp_path: Path) -> Job:
    model = hub.add_model("acme/tiny", make_tiny_model(tmp_path / "model"))
    return replace(make_job("acme/tiny"), model="acme/tiny", commit=model.head.id)


def offered(endpoints: Endpoints) -> Offers:
    return endpoints.offers(Allowed())


def l4(endpoints: Endpoints) -> Hardware:
    return next(each for each in offered(endpoints).all if each.instance_type == "nvidia-l4")


def create(endpoints: Endpoints, job: Job, hardware: Hardware | None = None, nonce: str = NONCE) -> None:
    args = ["--served-model-name", f"acme/tiny@{job.commit}"]
    endpoints.create(nonce, job, hardware or l4(endpoints), image="vllm/vllm-openai:v1", args=args)


def test_the_hubs_hardware_is_offered_cheapest_first_with_its_memory_and_price(endpoints: Endpoints) -> None:
    found = offered(endpoints)

    assert [each.price for each in found.all] == sorted(each.price for each in found.all)
    assert {each.accelerator for each in found.all} == {"gpu"}
    assert l4(endpoints).memory_gb == 24.0
    assert l4(endpoints).id in found.free


def test_an_endpoint_is_made_for_the_commit_for_callers_with_a_token_only_and_stops_by_itself(
    hub: Hub, endpoints: Endpoints, job: Job
) -> None:
    create(endpoints, job)

    (made,) = hub.endpoints.of("acme")
    model, compute = made.body["model"], made.body["compute"]
    assert made.name == endpoints.name(NONCE)
    assert len(made.name) <= 32
    assert (model["repository"], model["revision"]) == ("acme/tiny", job.commit)
    assert model["image"] == {"vLLM": {"url": "vllm/vllm-openai:v1", "port": 8000}}
    assert made.body["type"] == "authenticated"
    assert compute["scaling"] == {"minReplica": 0, "maxReplica": 1, "scaleToZeroTimeout": 15}
    assert "secrets" not in model
    assert "env" not in model


def test_an_endpoint_is_found_listed_and_deleted(hub: Hub, endpoints: Endpoints, job: Job) -> None:
    hub.endpoints.trouble_next(Trouble.SOLD_OUT)
    create(endpoints, job)

    found = endpoints.find(NONCE)
    assert found
    assert (found.state, found.url) == ("pending", None)
    assert endpoints.ours() == {NONCE}

    endpoints.delete(NONCE)
    endpoints.delete(NONCE)
    assert endpoints.find(NONCE) is None
    assert endpoints.ours() == frozenset()


def test_only_names_of_this_board_count_as_ours(hub: Hub, endpoints: Endpoints) -> None:
    other = Endpoints(Client(None, endpoint=hub.url), "acme", "acme/other-requests")
    ours = endpoints.name(NONCE)
    for name in (other.name(NONCE), f"{ours}0", ours[:-1], f"x{ours}", ours.replace("lb-", "lc-"), "by-hand"):
        hub.endpoints.add("acme", name[:32])

    assert endpoints.ours() == frozenset()


def test_a_second_endpoint_of_a_name_is_told_apart(hub: Hub, endpoints: Endpoints, job: Job) -> None:
    create(endpoints, job)
    with pytest.raises(NameTaken):
        create(endpoints, job)


def test_a_lost_answer_leaves_one_endpoint(hub: Hub, endpoints: Endpoints, job: Job) -> None:
    hub.faults.strike_next(Fault.LOST_ANSWER, route="create_endpoint")
    with pytest.raises(NameTaken):  # the client tried again
        create(endpoints, job)

    assert endpoints.ours() == {NONCE}


def refusal(endpoints: Endpoints, job: Job, hardware: Hardware | None = None) -> tuple[End, str]:
    with pytest.raises(EndpointError) as refused:
        create(endpoints, job, hardware)
    return refused.value.ending.end, refused.value.ending.message


def test_no_payment_method_is_the_owners_matter(hub: Hub, endpoints: Endpoints, job: Job) -> None:
    hub.endpoints.can_pay = False
    end, message = refusal(endpoints, job)

    assert end is End.WORKER
    assert "https://huggingface.co/settings/billing" in message
    assert "The model is not at fault." in message


def test_no_quota_and_sold_out_hardware_are_tried_again_later(
    hub: Hub, endpoints: Endpoints, job: Job
) -> None:
    chosen = l4(endpoints)
    hub.endpoints.quotas["nvidia-l4"] = 0
    end, message = refusal(endpoints, job, chosen)
    assert end is End.NO_HARDWARE
    assert "quota of acme" in message

    gone = next(each for each in offered(endpoints).all if each.id not in offered(endpoints).free)
    end, message = refusal(endpoints, job, gone)
    assert end is End.NO_HARDWARE
    assert gone.region in message


@pytest.mark.parametrize("role", ["read", "fineGrained"])
def test_a_token_that_may_not_is_the_owners_matter(
    hub: Hub, job: Job, role: str, endpoints: Endpoints
) -> None:
    chosen = l4(endpoints)
    weak = Endpoints(
        Client(hub.add_token("alice", role), endpoint=hub.url, patience=0), "acme", "acme/requests"
    )
    end, message = refusal(weak, job, chosen)

    assert end is End.WORKER
    assert "HF_TOKEN may not manage the Inference Endpoints of acme" in message


@pytest.mark.parametrize(
    "fault", [Fault.UNAVAILABLE, Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.CUT_ANSWER]
)
def test_a_hub_that_does_not_answer_is_tried_again_later(
    hub: Hub, endpoints: Endpoints, job: Job, fault: Fault
) -> None:
    chosen = l4(endpoints)
    hub.faults.strike_next(fault, times=100)
    end, message = refusal(endpoints, job, chosen)

    assert end is End.UNREACHABLE, message


def test_a_model_that_the_hub_does_not_serve_is_told_with_its_words(
    hub: Hub, endpoints: Endpoints, job: Job
) -> None:
    job = replace(job, model="acme/gone", commit="d" * 40)
    end, message = refusal(endpoints, job)

    assert end is End.REFUSED
    assert "acme/gone not found" in message
    assert "Make it public" in message


def test_an_endpoint_that_the_client_cannot_read_hides_no_other(
    hub: Hub, endpoints: Endpoints, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was made by hand, on the website, may lack what the client takes for granted."""
    create(endpoints, job)
    listed = json.loads(endpoints._hub.get(f"{hub.url}/v2/endpoint/acme"))
    listed["items"].insert(0, {"name": "by-hand", "model": {}, "status": {}})
    monkeypatch.setattr(endpoints._hub, "get", lambda address: json.dumps(listed).encode())

    assert endpoints.ours() == {NONCE}


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"<html>", b'{"items": [3]}'])
def test_a_list_that_is_none_is_an_error_and_no_empty_list(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(endpoints._hub, "get", lambda address: answer)
    with pytest.raises(EndpointError):
        endpoints.ours()


def test_a_busy_hub_is_not_taken_for_sold_out_hardware(hub: Hub, endpoints: Endpoints, job: Job) -> None:
    """Its words say "Service Unavailable"."""
    chosen = l4(endpoints)
    hub.faults.strike_next(Fault.UNAVAILABLE, times=100, route="create_endpoint")
    end, _ = refusal(endpoints, job, chosen)

    assert end is End.UNREACHABLE
