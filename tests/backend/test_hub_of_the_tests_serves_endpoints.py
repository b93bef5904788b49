"""The Inference Endpoints of the Hub of the tests, as huggingface_hub and their callers see them."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from huggingface_hub import HfApi, InferenceEndpoint, constants
from huggingface_hub.errors import (
    HfHubHTTPError,
    InferenceEndpointError,
    InferenceEndpointTimeoutError,
)
from transformers import AutoModelForCausalLM

from support.hub import Fault, Hub, State, Trouble, running_hub
from support.hub.repository import RepoName
from support.hub_process import hub_process
from support.processes import is_alive
from support.tiny_model import byte_tokenizer, make_tiny_model
from support.waiting import wait_for

pytestmark = pytest.mark.slow

NAME = "lb-0123abcd-0123456789abcdef"
PROMPT: list[int] = byte_tokenizer()("Hello wo")["input_ids"]
L4 = {"accelerator": "gpu", "instance_type": "nvidia-l4", "instance_size": "x1", "vendor": "aws"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub with a model, whose endpoints only pretend."""
    with running_hub() as hub:
        monkeypatch.setattr(constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{hub.url}/v2")
        hub.add_model("org/model", folder)
        hub.endpoints.pretends = True
        yield hub


@pytest.fixture
def api(hub: Hub) -> HfApi:
    """Of alice, who may write to acme."""
    return HfApi(endpoint=hub.url, token=hub.add_user("alice", {"acme": "write"}))


def create(api: HfApi, name: str = NAME, **changes: Any) -> InferenceEndpoint:
    settings: dict[str, Any] = {
        **L4,
        "region": "us-east-1",
        "repository": "org/model",
        "framework": "custom",
        "task": "text-generation",
        "custom_image": {"vLLM": {"url": "vllm/vllm-openai:v0.23.0", "port": 8000}},
        "container_args": ["--served-model-name", "org/model@c0ffee", "--generation-config", "vllm"],
        "min_replica": 0,
        "scale_to_zero_timeout": 15,
        "type": "authenticated",
        "tags": ["leaderboard"],
        "namespace": "acme",
        "token": api.token,  # without it, what huggingface_hub returns knows no token
    }
    return api.create_inference_endpoint(name, **settings | changes)


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return error.value.response.status_code


def models(url: str | None, token: str) -> httpx.Response:
    return httpx.get(f"{url}/v1/models", headers={"Authorization": f"Bearer {token}"})


def test_an_endpoint_answers_as_its_model_does_at_its_commit(hub: Hub, api: HfApi, folder: Path) -> None:
    hub.endpoints.pretends = False
    model = hub.get(RepoName("model", "org/model"))
    commit = model.head.id
    model.put({"config.json": "in this commit there is no model"})
    endpoint = create(api, revision=commit).wait(timeout=120, refresh_every=1)
    body = {"model": "org/model@c0ffee", "prompt": PROMPT, "echo": True, "logprobs": 1, "max_tokens": 1}
    headers = {"Authorization": f"Bearer {api.token}"}
    answer = httpx.post(f"{endpoint.url}/v1/completions", json=body, headers=headers, timeout=60).json()
    real = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        right = torch.log_softmax(real(torch.tensor([PROMPT])).logits[0], dim=-1)
    wanted = [float(right[place, each]) for place, each in enumerate(PROMPT[1:])]
    assert answer["choices"][0]["logprobs"]["token_logprobs"][1:-1] == pytest.approx(wanted, abs=1e-6)
    assert (endpoint.revision, endpoint.repository) == (commit, "org/model")


def test_an_endpoint_goes_from_pending_to_running_and_is_gone_when_deleted(hub: Hub, api: HfApi) -> None:
    made = create(api)
    assert (made.name, made.namespace, made.status, made.url) == (NAME, "acme", "pending", None)
    assert made.raw["tags"] == ["leaderboard"]
    endpoint = made.wait(timeout=60, refresh_every=1)
    assert models(endpoint.url, str(api.token)).json()["data"][0]["id"] == "org/model@c0ffee"
    assert [each.name for each in api.list_inference_endpoints("acme")] == [NAME]
    (kept,) = hub.endpoints.all
    assert kept.server
    pid = kept.server.pid
    endpoint.delete()
    assert not is_alive(pid)
    with pytest.raises(HfHubHTTPError) as error:
        endpoint.fetch()
    assert status_of(error) == 404
    with pytest.raises(HfHubHTTPError) as error:
        endpoint.delete()
    assert status_of(error) == 404
    assert api.list_inference_endpoints("acme") == []
    assert [state for state, _ in kept.history] == [State.PENDING, State.INITIALIZING, State.RUNNING]
    assert kept.deleted


def test_what_it_costs_is_counted_from_initializing_to_its_end(hub: Hub, api: HfApi) -> None:
    create(api).wait(timeout=60, refresh_every=1).delete()
    (endpoint,) = hub.endpoints.all
    assert endpoint.deleted
    assert endpoint.billed == endpoint.deleted - endpoint.history[1][1] > timedelta()
    assert endpoint.dollars == pytest.approx(0.8 * endpoint.billed.total_seconds() / 3600)
    hub.endpoints.trouble_next(Trouble.SOLD_OUT)
    create(api)
    assert hub.endpoints.all[1].billed == timedelta()


def test_who_may_call_is_asked_at_each_call(hub: Hub, api: HfApi) -> None:
    url = create(api).wait(timeout=60, refresh_every=1).url

    def status(token: str) -> int:
        return models(url, token).status_code

    caller = hub.add_token("alice", "fineGrained", (), {"acme": ["inference.endpoints.infer.write"]})
    assert status(caller) == 200
    assert status(hub.add_token("alice", "read")) == 200
    assert status(hub.add_token("alice", "fineGrained")) == 403
    assert status(hub.add_token("alice", "fineGrained", (), {"acme": ["inference.endpoints.write"]})) == 403
    elsewhere = {"alice": ["inference.endpoints.infer.write"]}
    assert status(hub.add_token("alice", "fineGrained", (), elsewhere)) == 403
    assert status(hub.add_user("bob")) == 403
    assert status("hf_unknown") == 401
    assert httpx.get(f"{url}/health").status_code == 401
    hub.accounts.revoke(caller)
    assert status(caller) == 401


def test_only_who_may_write_a_namespace_manages_its_endpoints(hub: Hub, api: HfApi) -> None:
    def statuses(token: str | bool) -> list[int]:
        other = HfApi(endpoint=hub.url, token=token)
        found = []
        calls = [
            lambda: other.list_inference_endpoints("acme", token=token),
            lambda: create(other, token=token),
            lambda: other.delete_inference_endpoint(NAME, namespace="acme", token=token),
            lambda: other.list_inference_endpoints_hardware(namespace="acme", token=token),
        ]
        for call in calls:
            with pytest.raises(HfHubHTTPError) as error:
                call()
            found.append(status_of(error))
        return found

    create(api)
    assert statuses(hub.add_user("bob")) == [403] * 4
    assert statuses(hub.add_token("alice", "read")) == [403] * 4
    caller = hub.add_token("alice", "fineGrained", (), {"acme": ["inference.endpoints.infer.write"]})
    assert statuses(caller) == [403] * 4
    assert statuses("hf_unknown") == [401] * 4
    assert statuses(False) == [401] * 4
    manager = hub.add_token("alice", "fineGrained", (), {"acme": ["inference.endpoints.write"]})
    HfApi(endpoint=hub.url, token=manager).delete_inference_endpoint(NAME, namespace="acme")


def test_whoami_tells_the_permissions_of_a_token(hub: Hub, api: HfApi) -> None:
    token = hub.add_token("alice", "fineGrained", (), {"acme": ["inference.endpoints.infer.write"]})
    scoped = api.whoami(token=token)["auth"]["accessToken"]["fineGrained"]["scoped"]
    assert [(each["entity"]["type"], each["entity"]["name"], each["permissions"]) for each in scoped] == [
        ("org", "acme", ["inference.endpoints.infer.write"])
    ]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"name": "x" * 33}, 400, "32 characters"),
        ({"name": "Upper"}, 400, "lowercase"),
        ({"name": "under_score"}, 400, "lowercase"),
        ({"name": "-dash"}, 400, "lowercase"),
        ({"instance_size": "x3"}, 400, "Compute instance not found"),
        ({"region": "mars"}, 400, "Compute instance not found"),
        ({"region": "eu-west-1", "instance_type": "nvidia-l40s"}, 400, "Compute instance not available yet"),
        ({"region": "eu-west-1", "instance_type": "nvidia-t4"}, 400, "Compute instance not available yet"),
        ({"repository": "org/nothing"}, 400, "repository org/nothing not found"),
        ({"revision": "0" * 40}, 400, "Invalid rev id"),
        ({"type": "secret"}, 422, "unknown variant"),
        ({"framework": None}, 422, "model.framework"),
    ],
)
def test_what_cannot_be_created_is_refused(
    hub: Hub, api: HfApi, changes: dict[str, Any], status: int, words: str
) -> None:
    with pytest.raises(HfHubHTTPError, match=words) as error:
        create(api, **changes)
    assert status_of(error) == status
    assert hub.endpoints.all == []


def test_a_name_is_taken_until_its_endpoint_is_deleted(hub: Hub, api: HfApi) -> None:
    create(api)
    with pytest.raises(HfHubHTTPError, match="already exists") as error:
        create(api)
    assert status_of(error) == 409
    api.delete_inference_endpoint(NAME, namespace="acme")
    create(api)
    assert len(hub.endpoints.of("acme")) == 1


def test_a_namespace_that_cannot_pay_gets_nothing(hub: Hub, api: HfApi) -> None:
    hub.endpoints.can_pay = False
    with pytest.raises(HfHubHTTPError, match="payment method") as error:
        create(api)
    assert status_of(error) == 402


def test_a_quota_counts_what_is_there(hub: Hub, api: HfApi) -> None:
    hub.endpoints.quotas["nvidia-l4"] = 2
    create(api, "one")
    create(api, "two")
    with pytest.raises(HfHubHTTPError, match="Conflict: Quota exceeded") as error:
        create(api, "three")
    assert status_of(error) == 409
    (l4, l4x4) = [
        each
        for each in api.list_inference_endpoints_hardware(namespace="acme")
        if (each.instance_type, each.region) == ("nvidia-l4", "us-east-1")
    ]
    assert (l4.used_accelerators, l4.max_accelerators) == (2, 2)
    api.delete_inference_endpoint("one", namespace="acme")
    create(api, "three")
    with pytest.raises(HfHubHTTPError, match="Quota exceeded"):
        create(api, "four", instance_size=l4x4.instance_size)


def test_the_list_of_hardware_has_prices_and_memory(api: HfApi) -> None:
    found = {each.id: each for each in api.list_inference_endpoints_hardware(namespace="acme")}
    assert len(found) == 14
    big = found["aws-us-east-1-nvidia-a100-x4"]
    assert (big.gpu_memory_gb, big.num_accelerators, big.price_per_hour) == (320, 4, 10.0)
    assert {each.status for each in found.values()} == {
        *("available", "low_availability", "not_available", "deprecated")
    }
    assert found["aws-us-east-1-intel-spr-x4"].gpu_memory_gb is None


def test_troubles_come_as_they_were_ordered(hub: Hub, api: HfApi) -> None:
    for trouble in (Trouble.SOLD_OUT, Trouble.STUCK, Trouble.FAILING):
        hub.endpoints.trouble_next(trouble)
    sold_out, stuck, failing, fine = (create(api, name) for name in ("one", "two", "three", "four"))
    fine.wait(timeout=60, refresh_every=1)
    with pytest.raises(InferenceEndpointError):
        failing.wait(timeout=60, refresh_every=1)
    assert failing.fetch().raw["status"]["message"].startswith("Endpoint failed to start")
    for each, state in ((sold_out, "pending"), (stuck, "initializing")):
        with pytest.raises(InferenceEndpointTimeoutError):
            each.wait(timeout=0, refresh_every=1)
        assert each.fetch().status == state
    for each in (sold_out, stuck):
        hub.endpoints.release("acme", each.name)
        each.wait(timeout=60, refresh_every=1)


def test_an_endpoint_can_have_an_address_before_it_answers(hub: Hub, api: HfApi) -> None:
    hub.endpoints.tell_next("faults", fault="unavailable", route="health", next=1)
    endpoint = create(api).wait(timeout=60, refresh_every=1)
    health = [call["status"] for call in hub.endpoints.tell("acme", NAME, "seen")]
    assert health == [503, 200]
    assert endpoint.status == "running"


def test_an_endpoint_that_is_deleted_while_it_starts_leaves_no_server(hub: Hub, api: HfApi) -> None:
    for place in range(8):
        create(api)
        if place % 2:
            wait_for(lambda: hub.endpoints.all[-1].server, what="the server to start")
        api.delete_inference_endpoint(NAME, namespace="acme")
    for thread in threading.enumerate():
        if thread.name == f"endpoint {NAME}":
            thread.join()
    assert servers_of(hub) == []
    assert all(each.server is None for each in hub.endpoints.all)
    create(api).wait(timeout=60, refresh_every=1)
    assert len(servers_of(hub)) == 1


def servers_of(hub: Hub) -> list[str]:
    """The processes that serve for a Hub."""
    wanted = f"OPENAI_SERVER_HUB={hub.url}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (process / "environ").read_bytes() and is_alive(int(process.name)):
                found.append(process.name)
    return found


def test_an_endpoint_whose_server_dies_has_failed(hub: Hub, api: HfApi) -> None:
    hub.endpoints.tell_next("die_after", answers=1)
    endpoint = create(api).wait(timeout=60, refresh_every=1)
    body = {"model": "org/model@c0ffee", "prompt": "Hi", "max_tokens": 1}
    headers = {"Authorization": f"Bearer {api.token}"}
    assert httpx.post(f"{endpoint.url}/v1/completions", json=body, headers=headers).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{endpoint.url}/v1/completions", json=body, headers=headers)
    wait_for(lambda: endpoint.fetch().status == "failed", what="the endpoint to fail")
    assert endpoint.url is None


def test_a_model_that_does_not_load_makes_the_endpoint_fail(hub: Hub, api: HfApi) -> None:
    hub.endpoints.pretends = False
    hub.add_model("org/broken", {"config.json": "{}"})
    with pytest.raises(InferenceEndpointError):
        create(api, repository="org/broken").wait(timeout=120, refresh_every=1)


def test_a_gated_model_is_served_to_who_may_read_it(hub: Hub, api: HfApi, folder: Path) -> None:
    hub.add_model("org/gated", folder, gated="manual", readers={"bob"})
    with pytest.raises(InferenceEndpointError):
        create(api, repository="org/gated").wait(timeout=60, refresh_every=1)
    assert "restricted" in hub.endpoints.all[0].message
    bob = HfApi(endpoint=hub.url, token=hub.add_user("bob"))
    create(bob, repository="org/gated", namespace="bob").wait(timeout=60, refresh_every=1)


def test_an_endpoint_rests_and_is_resumed(hub: Hub, api: HfApi) -> None:
    endpoint = create(api).wait(timeout=60, refresh_every=1)
    url = endpoint.url
    for rest, state in ((endpoint.pause, "paused"), (endpoint.scale_to_zero, "scaledToZero")):
        rest()
        assert (endpoint.status, endpoint.url) == (state, None)
        with pytest.raises(httpx.ConnectError):
            models(url, str(api.token))
        endpoint.resume()
        url = endpoint.wait(timeout=60, refresh_every=1).url
        assert models(url, str(api.token)).status_code == 200
    assert endpoint.resume().status == "running"  # which huggingface_hub takes for done
    assert len(hub.endpoints.all) == 1


def test_an_answer_that_is_lost_leaves_an_endpoint_behind(hub: Hub, api: HfApi) -> None:
    hub.faults.strike_next(Fault.LOST_ANSWER, route="create_endpoint")
    with pytest.raises(httpx.RemoteProtocolError):
        create(api)
    assert [each.name for each in api.list_inference_endpoints("acme")] == [NAME]
    hub.faults.strike_next(Fault.UNAVAILABLE, route="delete_endpoint")
    with pytest.raises(HfHubHTTPError):
        api.delete_inference_endpoint(NAME, namespace="acme")
    assert len(hub.endpoints.of("acme")) == 1


def test_others_make_endpoints_too(hub: Hub, api: HfApi) -> None:
    hub.endpoints.add("acme", "by-hand", age=timedelta(hours=2))
    (other,) = api.list_inference_endpoints("acme")
    assert (other.name, other.status) == ("by-hand", "running")
    assert hub.endpoints.all[0].billed >= timedelta(hours=2)


def test_secrets_are_not_told(hub: Hub, api: HfApi) -> None:
    endpoint = create(api, secrets={"HF_TOKEN": "hf_secret"}, env={"SHOWN": "1"})
    assert "hf_secret" not in json.dumps(endpoint.raw)
    assert endpoint.raw["model"]["env"] == {"SHOWN": "1"}


def test_all_servers_end_with_the_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_hub() as hub:
        monkeypatch.setattr(constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{hub.url}/v2")
        hub.add_model("org/model", folder)
        hub.endpoints.pretends = True
        api = HfApi(endpoint=hub.url, token=hub.add_user("alice", {"acme": "write"}))
        create(api).wait(timeout=60, refresh_every=1)
        create(api, "another")
        server = hub.endpoints.all[0].server
        assert server
    assert not is_alive(server.pid)
    assert all(each.server is None and each.deleted for each in hub.endpoints.all)


@pytest.mark.parametrize("kills", [False, True])
def test_a_hub_in_another_process_is_told_the_same_and_takes_its_servers_with_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: bool
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    others = children_of_this_process()
    with hub_process(sys.executable) as hub:
        monkeypatch.setattr(constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{hub.url}/v2")
        token = hub.do("add_user", name="alice", organizations={"acme": "write"})
        hub.do("add_repository", type="model", id="org/model", folder=str(folder))
        hub.do("set_endpoints", pretends=True, quotas={"nvidia-a100": 0})
        hub.do("add_endpoint", namespace="acme", name="by-hand", hours=3)
        hub.do("trouble_next_endpoint", trouble="sold out")
        hub.do("tell_next_endpoint", order="faults", fault="empty")
        api = HfApi(endpoint=hub.url, token=token)
        create(api, "never")
        endpoint = create(api).wait(timeout=60, refresh_every=1)
        body = {"model": "org/model@c0ffee", "prompt": "Hi", "max_tokens": 1}
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.post(f"{endpoint.url}/v1/completions", json=body, headers=headers).json()
        assert answer["choices"][0]["text"] == ""
        seen = hub.do("tell_endpoint", namespace="acme", name=NAME, order="seen")
        assert [call["token"] for call in seen if call["route"] == "completions"] == [token]
        by_hand, never, ours = hub.do("endpoints")
        assert (by_hand["name"], never["state"], ours["state"]) == ("by-hand", "pending", "running")
        assert (by_hand["seconds"] >= 3 * 3600, never["seconds"], ours["deleted"]) == (True, 0, None)
        assert is_alive(ours["pid"])
        assert [*tmp_path.iterdir()]
        if kills:
            (hub_pid,) = children_of_this_process() - others
            subprocess.run(["kill", "-9", str(hub_pid)], check=True)
    wait_for(lambda: not is_alive(ours["pid"]), what="the server to end")
    wait_for(lambda: not [*tmp_path.iterdir()], what="the model's files to be removed")


def children_of_this_process() -> set[int]:
    """The processes that this one has started and not waited for."""
    found = Path(f"/proc/self/task/{Path('/proc/self').resolve().name}/children").read_text()
    return {int(pid) for pid in found.split() if is_alive(int(pid))}
