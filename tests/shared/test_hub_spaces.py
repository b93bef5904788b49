"""The Spaces of the Hub for tests, as the official Python client sees them."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from urllib.error import HTTPError

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError

from support.hub import Fault, Hub, Stage, running_hub

pytestmark = pytest.mark.slow

SPACE = "acme/leaderboard"
APP = {"README.md": "---\nsdk: gradio\napp_file: app.py\n---\n", "app.py": "print()"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.accounts.plans["acme"] = "team"
        yield hub


@pytest.fixture
def api(hub: Hub) -> HfApi:
    """Of alice, who may write to acme."""
    return HfApi(endpoint=hub.url, token=hub.add_user("alice", {"acme": "write"}))


@pytest.fixture
def space(api: HfApi) -> str:
    api.create_repo(SPACE, repo_type="space", space_sdk="gradio")
    return SPACE


def fine_grained(hub: Hub, *, repositories: tuple[str, ...] = (), **permissions: list[str]) -> HfApi:
    token = hub.add_token("alice", "fineGrained", repositories, permissions)
    return HfApi(endpoint=hub.url, token=token)


def upload(api: HfApi, files: dict[str, str], space: str = SPACE) -> None:
    for path, text in files.items():
        api.upload_file(path_or_fileobj=text.encode(), path_in_repo=path, repo_id=space, repo_type="space")


def stages(api: HfApi, looks: int) -> list[str]:
    return [api.get_space_runtime(SPACE).stage for _ in range(looks)]


# Creation


def test_a_new_space_has_what_it_was_created_with_and_no_app(hub: Hub, api: HfApi) -> None:
    url = api.create_repo(
        SPACE,
        repo_type="space",
        space_sdk="gradio",
        space_hardware="t4-small",  # type: ignore[arg-type]
        space_sleep_time=3600,
        space_secrets=[{"key": "HF_TOKEN", "value": "hf_x"}],
        space_variables=[{"key": "OWNER", "value": "acme", "description": "whose"}],
    )
    assert (url.repo_type, url.repo_id) == ("space", SPACE)
    runtime = api.get_space_runtime(SPACE)
    assert (runtime.stage, runtime.hardware, runtime.requested_hardware) == ("NO_APP_FILE", None, "t4-small")
    assert runtime.sleep_time == 3600
    assert list(api.get_space_secrets(SPACE)) == ["HF_TOKEN"]
    variable = api.get_space_variables(SPACE)["OWNER"]
    assert (variable.value, variable.description) == ("acme", "whose")
    info = api.space_info(SPACE)
    assert (info.sdk, info.subdomain, info.host) == (
        "gradio",
        "acme-leaderboard",
        f"{hub.url}/_spaces/{SPACE}",
    )
    assert [each.rfilename for each in info.siblings or ()] == [".gitattributes", "README.md"]
    assert [each.title for each in api.list_repo_commits(SPACE, repo_type="space")] == ["initial commit"]


@pytest.mark.parametrize("sdk", ["gradio", "docker"])
@pytest.mark.parametrize(
    ("namespace", "plan", "told"), [("alice", None, "PRO"), ("acme", None, "Team"), ("alice", "pro", None)]
)
def test_a_space_that_runs_needs_a_plan(
    hub: Hub, api: HfApi, sdk: str, namespace: str, plan: str | None, told: str | None
) -> None:
    hub.accounts.plans = {namespace: plan} if plan else {}
    if not told:
        assert api.create_repo(f"{namespace}/app", repo_type="space", space_sdk=sdk)
        return
    with pytest.raises(HfHubHTTPError, match=f"requires a {told}") as error:
        api.create_repo(f"{namespace}/app", repo_type="space", space_sdk=sdk)
    assert error.value.response.status_code == 402
    assert not api.repo_exists(f"{namespace}/app", repo_type="space")
    assert api.create_repo(f"{namespace}/page", repo_type="space", space_sdk="static")


def test_a_user_without_a_plan_may_have_a_space_on_zero_gpu(hub: Hub, api: HfApi) -> None:
    api.create_repo("alice/app", repo_type="space", space_sdk="gradio", space_hardware="zero-a10g")  # type: ignore[arg-type]
    with pytest.raises(HfHubHTTPError, match="402"):
        hub.accounts.plans.clear()
        api.create_repo("acme/app", repo_type="space", space_sdk="gradio", space_hardware="zero-a10g")  # type: ignore[arg-type]


def test_a_space_that_exists_is_found_also_without_a_plan(hub: Hub, api: HfApi, space: str) -> None:
    hub.accounts.plans.clear()
    again = api.create_repo(space, repo_type="space", space_sdk="gradio", exist_ok=True)
    assert again.repo_id == space


def test_whoami_tells_the_plans(hub: Hub, api: HfApi) -> None:
    who = api.whoami()
    assert who["isPro"] is False
    assert [(org["name"], org["isEnterprise"], org["plan"]) for org in who["orgs"]] == [
        ("acme", True, "team")
    ]
    hub.accounts.plans = {"alice": "pro"}
    who = api.whoami()
    assert who["isPro"] is True
    assert "plan" not in who["orgs"][0]


# Rights


def test_a_fine_grained_token_may_do_what_its_scopes_say(hub: Hub, api: HfApi, space: str) -> None:
    of_acme = fine_grained(hub, acme=["repo.content.read", "repo.write"])
    scopes = of_acme.whoami()["auth"]["accessToken"]["fineGrained"]["scoped"]
    assert [(each["entity"]["type"], each["entity"]["name"], each["permissions"]) for each in scopes] == [
        ("org", "acme", ["repo.content.read", "repo.write"])
    ]
    of_acme.create_repo("acme/backend", repo_type="space", space_sdk="gradio")
    of_acme.add_space_secret(space, "A", "1")
    of_one = fine_grained(hub, repositories=(f"spaces/{space}",))
    of_one.add_space_secret(space, "B", "2")
    readers = fine_grained(hub, acme=["repo.content.read"])
    for other, call in [(of_one, "acme/backend"), (readers, space)]:
        with pytest.raises(HfHubHTTPError) as error:
            other.add_space_secret(call, "C", "3")
        assert error.value.response.status_code == 403
    assert set(api.get_space_secrets(space)) == {"A", "B"}


CALLS: dict[str, Callable[[HfApi], object]] = {
    "get_secrets": lambda api: api.get_space_secrets(SPACE),
    "add_secret": lambda api: api.add_space_secret(SPACE, "A", "1"),
    "delete_secret": lambda api: api.delete_space_secret(SPACE, "A"),
    "get_variables": lambda api: api.get_space_variables(SPACE),
    "add_variable": lambda api: api.add_space_variable(SPACE, "A", "1"),
    "delete_variable": lambda api: api.delete_space_variable(SPACE, "A"),
    "hardware": lambda api: api.request_space_hardware(SPACE, "t4-small"),  # type: ignore[arg-type]
    "sleep_time": lambda api: api.set_space_sleep_time(SPACE, 60),
    "pause": lambda api: api.pause_space(SPACE),
    "restart": lambda api: api.restart_space(SPACE),
    "logs": lambda api: list(api.fetch_space_logs(SPACE)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_only_those_who_may_write_set_up_a_space(
    hub: Hub, space: str, call: Callable[[HfApi], object]
) -> None:
    reader = HfApi(endpoint=hub.url, token=hub.add_token("alice", "read"))
    stranger = HfApi(endpoint=hub.url, token=hub.add_user("bob"))
    for api in (reader, stranger):
        with pytest.raises(HfHubHTTPError) as error:
            call(api)
        assert error.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError) as error:
        call(HfApi(endpoint=hub.url, token=False))
    assert error.value.response.status_code == 401
    assert stranger.get_space_runtime(SPACE).stage == "NO_APP_FILE"


# Settings


def test_secrets_and_variables_are_set_changed_and_deleted(hub: Hub, api: HfApi, space: str) -> None:
    api.add_space_secret(space, "HF_TOKEN", "hf_a", description="what writes")
    api.add_space_secret(space, "HF_TOKEN", "hf_b")
    assert hub.space(space).secrets["HF_TOKEN"].value == "hf_b"
    assert api.get_space_secrets(space)["HF_TOKEN"].updated_at
    assert api.add_space_variable(space, "OWNER", "acme")["OWNER"].value == "acme"
    with pytest.raises(BadRequestError, match="already used by a variable"):
        api.add_space_secret(space, "OWNER", "x")
    with pytest.raises(BadRequestError, match="already used by a secret"):
        api.add_space_variable(space, "HF_TOKEN", "x")
    api.delete_space_secret(space, "HF_TOKEN")
    assert api.delete_space_variable(space, "OWNER") == {}
    assert api.get_space_secrets(space) == {}


def test_hardware_and_sleep_time(hub: Hub, api: HfApi, space: str) -> None:
    assert api.get_space_runtime(space).sleep_time == 172_800
    moved = api.request_space_hardware(space, "t4-small", sleep_time=-1)  # type: ignore[arg-type]
    assert (moved.requested_hardware, moved.sleep_time) == ("t4-small", -1)
    assert api.set_space_sleep_time(space, 3600).sleep_time == 3600
    with pytest.raises(BadRequestError, match="hardware flavor"):
        api.request_space_hardware(space, "abacus")  # type: ignore[arg-type]
    hub.spaces.can_pay = False
    with pytest.raises(HfHubHTTPError, match="payment method") as error:
        api.request_space_hardware(space, "a100-large")  # type: ignore[arg-type]
    assert error.value.response.status_code == 402
    assert "t4-small" in [each.name for each in api.list_spaces_hardware()]


# Stages


def test_a_space_is_built_and_runs(hub: Hub, api: HfApi, space: str) -> None:
    hub.spaces.looks = 2
    upload(api, APP)
    expected = ["BUILDING", "BUILDING", "APP_STARTING", "APP_STARTING", "RUNNING", "RUNNING"]
    assert stages(api, 6) == expected
    assert api.get_space_runtime(space).raw["sha"] == api.space_info(space).sha
    hub.spaces.looks = 1
    upload(api, {"app.py": "print(1)"})
    assert stages(api, 3) == ["RUNNING_BUILDING", "RUNNING_APP_STARTING", "RUNNING"]
    api.add_space_secret(space, "A", "1")
    assert stages(api, 2) == ["RUNNING_APP_STARTING", "RUNNING"]


@pytest.mark.parametrize(
    ("fate", "build", "log"),
    [
        (Stage.BUILD_ERROR, True, "No matching distribution"),
        (Stage.RUNTIME_ERROR, False, "Configuration error"),
    ],
)
def test_a_space_that_fails_says_why_in_its_log(
    hub: Hub, api: HfApi, space: str, fate: Stage, build: bool, log: str
) -> None:
    hub.spaces.fates[space] = fate
    upload(api, APP)
    assert stages(api, 3)[-1] == fate
    assert log in "".join(api.fetch_space_logs(space, build=build))


def test_a_readme_without_an_sdk_is_a_configuration_error(api: HfApi, space: str) -> None:
    upload(api, {"app.py": "print()", "README.md": "---\ntitle: A board\n---\n"})
    runtime = api.get_space_runtime(space)
    assert (runtime.stage, runtime.raw["errorMessage"]) == ("CONFIG_ERROR", "Missing configuration in README")


def test_a_space_can_be_paused_and_restarted_and_sleep(hub: Hub, api: HfApi, space: str) -> None:
    upload(api, APP)
    assert api.pause_space(space).stage == "PAUSED"
    upload(api, {"app.py": "print(2)"})
    assert stages(api, 2) == ["PAUSED", "PAUSED"]
    api.restart_space(space)
    assert stages(api, 3) == ["BUILDING", "APP_STARTING", "RUNNING"]
    hub.space(space).ended(Stage.SLEEPING)
    assert stages(api, 1) == ["SLEEPING"]


def test_a_held_space_runs_where_it_is_told(hub: Hub, api: HfApi, space: str) -> None:
    hub.spaces.held = True
    upload(api, APP)
    assert stages(api, 4) == ["BUILDING", "APP_STARTING", "APP_STARTING", "APP_STARTING"]
    hub.space(space).started("http://127.0.0.1:1234")
    assert (stages(api, 1), api.space_info(space).host) == (["RUNNING"], "http://127.0.0.1:1234")


# What visitors see


def read(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_space_that_runs_in_name_answers_for_its_health(hub: Hub, api: HfApi, space: str) -> None:
    address = f"{api.space_info(space).host}/health"
    assert read(address)[0] == 503
    upload(api, APP)
    stages(api, 3)
    status, text = read(address)
    assert (status, json.loads(text)["problem"]) == (200, "")


def test_a_static_space_shows_its_files_and_always_runs(hub: Hub, api: HfApi) -> None:
    hub.accounts.plans.clear()
    api.create_repo(SPACE, repo_type="space", space_sdk="static")
    assert stages(api, 1) == ["RUNNING"]
    upload(api, {"index.html": "<p>board", "data/table.csv": "a,b"})
    host = api.space_info(SPACE).host
    assert (read(f"{host}"), read(f"{host}/data/table.csv")) == ((200, "<p>board"), (200, "a,b"))
    assert read(f"{host}/nothing.html")[0] == 404
    with pytest.raises(BadRequestError, match="Static Spaces"):
        api.pause_space(SPACE)


def test_a_dataset_is_no_space(hub: Hub, api: HfApi) -> None:
    hub.add_dataset("acme/requests")
    with pytest.raises(RepositoryNotFoundError):
        api.get_space_runtime("acme/requests")


def test_calls_about_spaces_can_fail(hub: Hub, api: HfApi, space: str) -> None:
    hub.faults.strike_next(Fault.RATE_LIMITED, route="add_secret")
    with pytest.raises(HfHubHTTPError, match="429"):
        api.add_space_secret(space, "A", "1")
    assert api.get_space_secrets(space) == {}


def test_a_call_is_told_of_once_it_is_carried_out_and_before_it_is_answered(hub: Hub, api: HfApi) -> None:
    told: list[tuple[str, bool]] = []
    hub.traffic.on_answer = lambda call: told.append((call.route, SPACE in known(hub)))
    api.create_repo(SPACE, repo_type="space", space_sdk="gradio")
    assert told[-1] == ("create", True)


def known(hub: Hub) -> list[str]:
    return [name.id for name in hub._repositories]
