"""The Jobs of the Hub of the tests, as huggingface_hub and their commands see them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi, JobInfo
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, JobNotFoundError

from support.hub import Fate, Hub, Job, JobStage, running_hub
from support.hub.jobs import processes_of
from support.processes import is_alive
from support.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def api(hub: Hub) -> HfApi:
    """Of alice, who may write to acme."""
    return HfApi(endpoint=hub.url, token=hub.add_user("alice", {"acme": "write"}))


def run(api: HfApi, command: str, **changes: Any) -> JobInfo:
    settings: dict[str, Any] = {"image": "python:3.11", "flavor": "l4x1", "namespace": "acme"}
    return api.run_job(command=["sh", "-c", command], **settings | changes)


def finished(hub: Hub, job: JobInfo) -> Job:
    """The job, when it has ended and nothing of it is left."""
    found = hub.jobs.get("acme", job.id)
    wait_for(lambda: found.is_over and not processes_of(found), what="the end of the job")
    return found


def status_of(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return error.value.response.status_code


def test_a_job_runs_its_command_and_its_output_is_its_log(hub: Hub, api: HfApi) -> None:
    job = run(api, "echo one; echo two >&2; sleep 0.1; echo three", name="a.name", labels={"board": "b1"})
    assert (job.status.stage, job.flavor, job.owner.name) == ("SCHEDULING", "l4x1", "acme")
    assert job.labels == {"board": "b1", "name": "a.name"}
    assert list(api.fetch_job_logs(job_id=job.id, namespace="acme", follow=True)) == ["one", "two", "three"]
    finished(hub, job)
    now = api.inspect_job(job_id=job.id, namespace="acme")
    assert now.status.stage == "COMPLETED"
    assert now.started_at
    assert now.finished_at
    assert list(api.fetch_job_logs(job_id=job.id, namespace="acme", tail=2)) == ["two", "three"]


def test_a_job_has_nothing_of_the_tests_environment(
    hub: Hub, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_TESTS", "s3cret")
    job = run(api, "env; ls -A $HOME", env={"ONE": "1"}, secrets={"HF_TOKEN": "hf_x"}, flavor="cpu-basic")
    variables = dict(line.split("=", 1) for line in finished(hub, job).text.splitlines())
    home = variables["HOME"]
    assert variables.pop("PATH")
    assert {name: variables[name] for name in variables if name not in ("PWD", "OLDPWD", "_", "SHLVL")} == {
        "ONE": "1",
        "HF_TOKEN": "hf_x",
        "JOB_ID": job.id,
        "ACCELERATOR": "",
        "CPU_CORES": "2",
        "MEMORY": "16Gi",
        "HOME": home,
        "TMPDIR": home,
    }
    wait_for(lambda: not Path(home).exists(), what="the end of its home")
    assert "hf_x" not in json.dumps(vars(api.inspect_job(job_id=job.id, namespace="acme")), default=str)


def test_a_failing_command_is_an_error(hub: Hub, api: HfApi) -> None:
    job = finished(hub, run(api, "exit 3"))
    assert (job.stage, job.message) == (JobStage.ERROR, "Job failed with exit code: 3")
    hub.jobs.trouble_next(Fate.CRASHING)
    assert hub.jobs.get("acme", run(api, "echo never").id).stage is JobStage.ERROR


def test_a_job_and_all_its_processes_end_at_its_timeout(hub: Hub, api: HfApi) -> None:
    job = run(api, "setsid sleep 1000 & echo $!; sleep 1000", timeout=10)
    found = finished(hub, job)
    assert (found.stage, found.message) == (JobStage.ERROR, "Job timeout")
    assert not is_alive(int(found.text))
    assert timedelta(seconds=10) <= found.billed < timedelta(seconds=1000)
    assert found.dollars == pytest.approx(0.8 * found.billed / timedelta(hours=1))


def test_a_job_ends_when_it_is_cancelled(hub: Hub, api: HfApi) -> None:
    job = run(api, "echo $$; sleep 1000")
    found = hub.jobs.get("acme", job.id)
    wait_for(lambda: found.text, what="the first line")
    api.cancel_job(job_id=job.id, namespace="acme")
    assert finished(hub, job).stage is JobStage.CANCELED
    assert not is_alive(int(found.text))
    api.cancel_job(job_id=job.id, namespace="acme")
    assert found.stage is JobStage.CANCELED
    with pytest.raises(JobNotFoundError):
        api.cancel_job(job_id="6800000000000000", namespace="acme")


def test_a_lost_machine_takes_everything_with_it(hub: Hub, api: HfApi) -> None:
    job = run(api, "echo begun; trap '' TERM; sleep 1000")
    found = hub.jobs.get("acme", job.id)
    wait_for(lambda: found.text, what="the first line")
    hub.jobs.kill(found)
    assert finished(hub, job).stage is JobStage.ERROR


def test_a_job_of_a_sold_out_flavour_waits_and_costs_nothing(hub: Hub, api: HfApi) -> None:
    hub.jobs.sold_out.add("h200")
    waiting = hub.jobs.get("acme", run(api, "echo now", flavor="h200").id)
    assert finished(hub, run(api, "true")).stage is JobStage.COMPLETED
    assert (waiting.stage, waiting.billed) == (JobStage.SCHEDULING, timedelta())
    hub.jobs.release(waiting)
    wait_for(lambda: waiting.stage is JobStage.COMPLETED, what="the job that was released")


def test_jobs_are_found_by_stage_and_labels_on_all_pages(hub: Hub, api: HfApi) -> None:
    hub.jobs.page = 2
    ours = [hub.jobs.add("acme", labels={"board": "b", "slot": str(slot)}).id for slot in range(5)]
    hub.jobs.add("acme", labels={"board": "other"})
    hub.jobs.add("acme", labels={"board": "b"}, stage="COMPLETED")
    hub.jobs.add("alice", labels={"board": "b"})
    found = api.list_jobs(status=["RUNNING", "SCHEDULING"], labels={"board": "b"}, namespace="acme")
    assert [each.id for each in found] == ours[::-1]
    (one,) = api.list_jobs(labels={"board": "b", "slot": "3"}, namespace="acme")
    assert one.id == ours[3]
    api.update_job_labels(job_id=one.id, labels={"board": "c"}, namespace="acme")
    assert [each.id for each in api.list_jobs(labels={"board": "c"}, namespace="acme")] == [one.id]


def test_hardware_has_memory_and_a_price_a_minute(api: HfApi) -> None:
    listed = {each.name: each for each in api.list_jobs_hardware()}
    assert listed["cpu-basic"].accelerator is None
    l4 = listed["l4x1"]
    assert l4.accelerator
    assert (l4.accelerator.vram, l4.ram, l4.unit_label) == ("24 GB", "30 GB", "minute")
    assert l4.unit_cost_usd * 60 == pytest.approx(0.8, rel=1e-3)
    assert l4.unit_cost_micro_usd == 13333


def test_only_who_may_write_and_pay_starts_jobs(hub: Hub, api: HfApi) -> None:
    def refusal(token: str) -> int:
        with pytest.raises(HfHubHTTPError) as error:
            run(HfApi(endpoint=hub.url, token=token), "true")
        return status_of(error)

    assert refusal(hub.add_user("bob")) == 403
    assert refusal(hub.add_token("alice", "read")) == 403
    assert refusal(hub.add_token("alice", "fineGrained", ["datasets/acme/requests"])) == 403
    assert refusal("hf_unknown") == 401
    right = hub.add_token("alice", "fineGrained", permissions={"acme": ["job.write"]})
    assert run(HfApi(endpoint=hub.url, token=right), "true").id
    hub.jobs.can_pay = False
    assert refusal(right) == 402


def test_what_is_no_job_is_refused(hub: Hub, api: HfApi) -> None:
    for changes in ({"flavor": "abacus"}, {"labels": {"board": "a/b"}}, {"labels": {"board": "x" * 101}}):
        with pytest.raises(BadRequestError):
            run(api, "true", **changes)
    assert hub.jobs.all == []


def test_metrics_are_told_while_a_job_runs(hub: Hub, api: HfApi) -> None:
    job = run(api, "sleep 1000")
    wait_for(lambda: hub.jobs.all[0].stage is JobStage.RUNNING, what="the start")
    reading = next(iter(api.fetch_job_metrics(job_id=job.id, namespace="acme")))
    assert reading["memory_total_bytes"] == 30_000_000_000


def test_calls_beyond_the_rate_limit_are_refused(hub: Hub, api: HfApi) -> None:
    hub.budget.limits = {"api": 0}  # type: ignore[dict-item]
    with pytest.raises(HfHubHTTPError) as error:
        run(api, "true")
    assert status_of(error) == 429
