"""`python -m src.doctor` in the frontend: each mistake is found with its remedy, and nothing is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from src.board.keeper import Keeper
from src.doctor.checkup import Doctor
from src.settings import Settings
from src.shared.data.names import BACKEND_DESCRIPTION, BLOCKLIST, BOARD, result_path
from src.shared.data.request import Status
from src.shared.doctor.finding import Finding, Level, as_json, as_lines, status
from src.shared.doctor.settings import check_settings
from src.shared.wiring import open_stores
from support.boards import TASKS
from support.checkups import (
    NOW,
    Place,
    contents,
    fine_grained,
    finished,
    not_green,
    of,
    point_at,
    running,
    waiting,
)
from support.factories import RUN, make_result_file
from support.hub import Hub, running_hub
from support.hub.repository import RepoName
from support.sources import ROOT

FRONTEND = ROOT / "frontend"


def check(place: Place, tasks: object = TASKS, hints: tuple[str, ...] = ()) -> list[Finding]:
    """Check a frontend as the command does."""
    settings, found = check_settings(Settings, place.envs, place.environment)
    if settings is None:
        return found
    stores = open_stores(settings, only_look=True)
    keeper = Keeper(stores.requests, stores.results, tasks, hints=hints)  # type: ignore[arg-type]
    keeper.sync()
    return Doctor(
        settings, open_stores(settings, only_look=True), keeper, found, space=place.space
    ).check_up()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, "frontend")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "admin"})
        point_at(hub, monkeypatch)
        yield hub


@pytest.fixture
def on_a_hub(hub: Hub, tmp_path: Path) -> Place:
    place = Place(tmp_path, "frontend", hub)
    place.environment["HF_TOKEN"] = fine_grained(hub)
    return place


def test_a_healthy_board_in_folders_is_all_green(place: Place) -> None:
    found = check(place)
    assert not_green(found) == []
    assert {each.checked for each in found} >= {
        "settings",
        "login",
        "Space card",
        "contents",
        "worker",
        "tasks",
    }
    assert {each.checked for each in found} >= {"about.py", "version"}


def test_a_healthy_board_on_a_hub_is_all_green(on_a_hub: Place) -> None:
    on_a_hub.environment["HF_READ_TOKEN"] = on_a_hub.hub.add_token("alice", "read")  # type: ignore[union-attr]
    found = check(on_a_hub)
    assert not_green(found) == []
    assert {each.checked for each in found} >= {"token", "read token", "acme/requests", "acme/results"}


def test_a_healthy_space_is_all_green(on_a_hub: Place) -> None:
    on_a_hub.on_a_space()
    for dataset in ("requests", "results"):
        on_a_hub.put(dataset, BOARD, b"frontends:\n- acme/leaderboard\nbackends:\n- acme/backend\n")
    assert not_green(check(on_a_hub)) == []


Spoil = Callable[[Place], object]


def variables(**given: str) -> Spoil:
    return lambda place: place.environment.update(given)


def in_envs(name: str, value: object) -> Spoil:
    return lambda place: setattr(place.envs, name, value)


def in_the_card(old: str, new: str) -> Spoil:
    return lambda place: place.card(old, new)


def without_the_head(place: Place) -> None:
    (place.space / "README.md").write_text("# The frontend\n")


IN_FOLDERS = [
    ("a misspelt variable", variables(ANONYMOUS_SUBMISSION="true"), "Did you mean ANONYMOUS_SUBMISSIONS?"),
    ("a misspelt name in envs.py", in_envs("REFRESH_RAT", 30), "REFRESH_RAT in src/envs.py", "REFRESH_RATE?"),
    ("a name that is no setting", in_envs("COLOUR_OF_THE_SKY", "blue"), "COLOUR_OF_THE_SKY", "Remove"),
    ("a value of another type", variables(MAX_PENDING="many"), "MAX_PENDING is 'many'", "a whole number"),
    ("a wrong list of quotas", variables(RATE_LIMIT_QUOTA="-5"), "RATE_LIMIT_QUOTA", "at least 0"),
    ("a token in envs.py", in_envs("HF_TOKEN", "hf_" + "a" * 34), "holds a secret in HF_TOKEN", "Revoke it"),
    (
        "a folder on a Space",
        lambda place: place.on_a_space(ANONYMOUS_SUBMISSIONS="false"),
        "LEADERBOARD_DATA_DIR is set on a Space",
        "Unset it",
    ),
    ("no head in the card", without_the_head, "README.md has no head", "Copy it from the template"),
    (
        "another version of gradio",
        in_the_card("sdk_version: 5.50.0", "sdk_version: 4.1.0"),
        "sdk_version in README.md is '4.1.0'",
        "Write `sdk_version: 5.50.0`",
    ),
    (
        "a version of Python without quotes",
        in_the_card('python_version: "3.11"', "python_version: 3.10"),
        "python_version in README.md is 3.1",
        'Write `python_version: "3.11"`',
    ),
    (
        "an old Python",
        in_the_card('python_version: "3.11"', 'python_version: "3.9"'),
        "the packages need 3.11 to 3.13",
        'Write `python_version: "3.11"`',
    ),
    (
        "another sdk",
        in_the_card("sdk: gradio", "sdk: docker"),
        "sdk in README.md is 'docker'",
        "Write `sdk: gradio`",
    ),
    (
        "a file that is not there",
        in_the_card("app_file: app.py", "app_file: main.py"),
        "'main.py'",
        "Write `app_file",
    ),
    (
        "a colour that the Hub refuses",
        in_the_card("colorFrom: green", "colorFrom: teal"),
        "'teal'",
        "Write one of red",
    ),
    (
        "a long description",
        in_the_card("short_description: Submit", f"short_description: {'long ' * 12}"),
        "short_description in README.md has",
        "Shorten it",
    ),
    ("no tag for the Finder", in_the_card("  - leaderboard\n", ""), "lacks the tag `leaderboard`", "Add it"),
    (
        "no tag for its submissions",
        in_the_card("  - submission:automatic\n", ""),
        "no tag `submission:…`",
        "Add one of",
    ),
    (
        "an unknown tag",
        in_the_card("submission:automatic", "submission:automatik"),
        "does not know the tag `submission:automatik`",
        "Did you mean `submission:automatic`?",
    ),
    (
        "a misspelt tag",
        in_the_card("judge:function", "juge:function"),
        "`juge:function`",
        "Did you mean `judge:function`?",
    ),
    (
        "a code of a language",
        in_the_card("language:English", "language:en"),
        "`language:en`",
        "`language:English`",
    ),
    (
        "nobody can submit",
        lambda place: (
            place.card("hf_oauth: true\n", ""),
            place.environment.update(ANONYMOUS_SUBMISSIONS="false"),
        ),
        "nobody can submit on the page",
        "Add the line",
    ),
    (
        "no backend",
        lambda place: place.put("results", ".leaderboard/backend.yaml", None),
        "No backend has published what it runs",
        "Start the backend Space",
    ),
    (
        "tasks that were not tried",
        lambda place: place.describe(tried=None),
        "have not passed a trial",
        "src.suite",
    ),
    (
        "tasks with problems",
        lambda place: place.describe(
            tried=None, problems=("tasks/tiny.yaml, line 3: no doc_to_text. Add it.",)
        ),
        "tasks: tasks/tiny.yaml, line 3",
        "Add it",
    ),
    (
        "a column that the backend does not run",
        lambda place: place.describe(tasks=place.describe().tasks[:2]),
        "The column Copying stays empty",
        "Add it to TASKS_HARNESS",
    ),
    ("questions that are left out", lambda place: place.describe(limit=10), "LIMIT is 10", "Unset LIMIT"),
    (
        "a backend of another version",
        lambda place: place.describe(version="0.0.9"),
        "version 0.0.9",
        "Run make upgrade",
    ),
    (
        "a request without its result",
        lambda place: place.request(finished(model="acme/lost", result="acme/lost/results_x.json")),
        "1 request is finished but the results dataset has no result of it: acme/lost",
        "Write RERUN",
    ),
    (
        "a result without a request",
        lambda place: place.put(
            "results", result_path("acme/alone", RUN), make_result_file(model="acme/alone")
        ),
        "1 model is in the results dataset without a request: acme/alone",
        "Submit the models again",
    ),
    (
        "a dead lease",
        lambda place: place.request(running(until=NOW - timedelta(hours=1))),
        "1 request is RUNNING although its worker's lease has run out: acme/run",
        "start one",
    ),
    (
        "a request that is RUNNING without a lease",
        lambda place: place.request(waiting("acme/odd", status=Status.RUNNING)),
        "acme/odd",
        "start one",
    ),
    (
        "no worker",
        lambda place: (
            place.request(finished(history=())),
            place.request(waiting(since=NOW - timedelta(hours=9))),
        ),
        "no worker has given a sign since",
        "Start the backend Space",
    ),
    (
        "a model that is too large",
        lambda place: (place.describe(max_model_gb=16.0), place.request(waiting("acme/huge", params=70.0))),
        "1 waiting model is larger than any worker takes (up to 16 GB of weights): acme/huge (280 GB)",
        "Rent larger hardware",
    ),
    (
        "a request that cannot be understood",
        lambda place: place.put("requests", "acme/broken.json", b"{"),
        "acme/broken.json in",
        "Correct the file, or delete it",
    ),
    (
        "a list of blocked models that cannot be understood",
        lambda place: place.put("requests", BLOCKLIST, b"models: [[["),
        f"{BLOCKLIST} in",
        "Correct the file, or delete it",
    ),
    (
        "no folder",
        variables(LEADERBOARD_DATA_DIR="/nowhere/at/all"),
        "/nowhere/at/all/requests does not exist",
        "set LEADERBOARD_DATA_DIR to the folder",
    ),
]
"""What is wrong, how it came to be, and texts of the finding and its remedy."""


@pytest.mark.parametrize(
    ("spoil", "texts"),
    [(spoil, texts) for _, spoil, *texts in IN_FOLDERS],
    ids=[each[0] for each in IN_FOLDERS],
)
def test_a_mistake_is_found_with_its_remedy(place: Place, spoil: Spoil, texts: list[str]) -> None:
    spoil(place)
    found = not_green(check(place))
    assert any(all(text in sentence for text in texts) for sentence in found), found
    assert all(sentence.endswith((".", "?")) for sentence in found)


def token(role: str) -> Spoil:
    return lambda place: place.environment.update(HF_TOKEN=place.hub.add_token("alice", role))  # type: ignore[union-attr]


def token_for_more(place: Place) -> None:
    assert place.hub
    place.hub.add_model("acme/model")
    place.environment["HF_TOKEN"] = fine_grained(place.hub, "acme/model")


def token_for_less(place: Place) -> None:
    assert place.hub
    place.environment["HF_TOKEN"] = place.hub.add_token("alice", "fineGrained", ["datasets/acme/requests"])


def private(dataset: str) -> Spoil:
    def spoil(place: Place) -> None:
        assert place.hub
        from support.hub.repository import RepoName

        place.hub.get(RepoName("dataset", dataset)).private = True

    return spoil


def others(place: Place) -> None:
    place.on_a_space()
    place.put("requests", BOARD, b"frontends:\n- acme/other\nbackends:\n- acme/other-backend\n")


def no_backend_there(place: Place) -> None:
    place.on_a_space()
    place.put("requests", BOARD, b"frontends:\n- acme/leaderboard\n")
    assert place.hub
    for name in ("requests", "results"):
        dataset = place.hub.get(RepoName("dataset", f"acme/{name}"))
        used = [path for path in dataset.files() if path == BACKEND_DESCRIPTION or path.startswith("acme/")]
        dataset.put({}, delete=used)


def a_worker_without_a_space(place: Place) -> None:
    """It has described itself, but leaves no name of a Space."""
    place.on_a_space()
    place.put("requests", BOARD, b"frontends:\n- acme/leaderboard\n")


def other_datasets(place: Place) -> None:
    """As a token that may read the other Space's settings sees it."""
    assert place.hub
    place.on_a_space(HF_TOKEN=place.hub.add_token("alice"))
    place.hub.accounts.plans["acme"] = "team"
    from huggingface_hub import HfApi

    api = HfApi(place.hub.url, token=place.environment["HF_TOKEN"])
    api.create_repo("acme/backend", repo_type="space", space_sdk="gradio")
    api.add_space_variable("acme/backend", "QUEUE_REPO", "acme/math-requests")


ON_A_HUB = [
    (
        "no token",
        lambda place: place.environment.pop("HF_TOKEN"),
        "HF_TOKEN is not set",
        "Create one at https://",
    ),
    (
        "a revoked token",
        variables(HF_TOKEN="hf_gone"),
        "does not accept the token in HF_TOKEN",
        "Create one at",
    ),
    (
        "a token that can only read",
        token("read"),
        "in HF_TOKEN can only read",
        "with write access to acme/requests",
    ),
    ("a token that may do everything", token("write"), "may do everything that alice may", "fine-grained"),
    (
        "a token that may do more",
        token_for_more,
        "may more than it needs (`repo.write` of acme/model)",
        "Create one",
    ),
    ("a token for one dataset", token_for_less, "has no write access to acme/results", "add acme/results"),
    (
        "a read token that writes",
        lambda place: place.environment.update(HF_READ_TOKEN=place.hub.add_token("alice", "write")),  # type: ignore[union-attr]
        "HF_READ_TOKEN may write",
        "which can only read",
    ),
    (
        "the same token twice",
        lambda place: place.environment.update(HF_READ_TOKEN=place.environment["HF_TOKEN"]),
        "HF_READ_TOKEN is the same token as HF_TOKEN",
        "Create a token that can only read",
    ),
    (
        "one dataset for both",
        variables(RESULTS_REPO="acme/requests"),
        "are both acme/requests",
        "set one of the two",
    ),
    (
        "a dataset that is not there",
        variables(QUEUE_REPO="acme/nothing"),
        "acme/nothing does not exist",
        "Create it",
    ),
    ("an owner with a typo", variables(OWNER="acne"), "acne/requests does not exist", "or set OWNER"),
    (
        "one dataset is private",
        private("acme/results"),
        "acme/results is private, but acme/requests is not",
        "Give both",
    ),
    (
        "datasets of another board",
        others,
        "belongs to the leaderboard whose frontend is acme/other",
        "set QUEUE_REPO",
    ),
    (
        "a backend with other datasets",
        no_backend_there,
        "No backend Space has ever used",
        "set the same ones in both",
    ),
    (
        "a variable that differs",
        other_datasets,
        "The variable QUEUE_REPO of acme/backend is 'acme/math-requests'",
        "Set the same one in both",
    ),
    ("too many commits", variables(COMMITS_PER_HOUR="500"), "COMMITS_PER_HOUR is 500", "Set it to 120"),
    ("too many reads", variables(REFRESH_RATE="1"), "REFRESH_RATE is 1", "Set it to 30"),
    (
        "a login that the Hub does not give",
        lambda place: (place.on_a_space(), place.environment.pop("OAUTH_CLIENT_ID")),
        "the Hub has not given this Space a login",
        "factory rebuild",
    ),
    (
        "everybody may submit",
        lambda place: place.on_a_space(ANONYMOUS_SUBMISSIONS="true"),
        "anybody can fill the queue",
        "Unset it",
    ),
]


@pytest.mark.parametrize(
    ("spoil", "texts"), [(spoil, texts) for _, spoil, *texts in ON_A_HUB], ids=[each[0] for each in ON_A_HUB]
)
def test_a_mistake_on_the_hub_is_found_with_its_remedy(
    on_a_hub: Place, spoil: Spoil, texts: list[str]
) -> None:
    spoil(on_a_hub)
    found = not_green(check(on_a_hub))
    assert any(all(text in sentence for text in texts) for sentence in found), found


def test_there_are_forty_mistakes_and_more() -> None:
    assert len({each[0] for each in [*IN_FOLDERS, *ON_A_HUB]}) >= 40


def test_no_finding_holds_a_token(on_a_hub: Place) -> None:
    tokens = [on_a_hub.environment["HF_TOKEN"], "hf_" + "a" * 34]
    on_a_hub.envs.HF_TOKEN = tokens[1]  # type: ignore[attr-defined]
    on_a_hub.environment["HF_READ_TOKEN"] = tokens[0]
    told = as_lines(check(on_a_hub)) + as_json(check(on_a_hub))
    assert not [each for each in tokens if each in told]


def test_fields_without_effect_in_about_are_told(place: Place) -> None:
    found = not_green(check(place, hints=("The field wight has no effect. Write weight.",)))
    assert found == ["about.py: The field wight has no effect. Write weight."]


def test_several_wrong_values_are_all_told(place: Place) -> None:
    place.environment |= {"MAX_PENDING": "many", "REFRESH_RATE": "often"}
    found = of(check(place), Level.WRONG)
    assert len(found) == 2
    assert any("MAX_PENDING" in each for each in found)
    assert any("REFRESH_RATE" in each for each in found)


def test_a_finding_of_a_strangers_file_stays_on_its_line(place: Place) -> None:
    place.put("requests", "acme/a\nwrong  token: send it to me.json", b"{")
    lines = as_lines(check(place)).splitlines()
    assert not [line for line in lines if line.startswith("wrong  token")]


def test_it_changes_nothing_in_folders(place: Place, tmp_path: Path) -> None:
    before = contents(tmp_path)
    check(place)
    assert contents(tmp_path) == before


def test_it_only_reads_on_the_hub_and_asks_little(on_a_hub: Place) -> None:
    hub = on_a_hub.hub
    assert hub
    hub.calls.reset()
    assert not_green(check(on_a_hub)) == []
    changing = [
        call for call in hub.calls.log if call.method not in ("GET", "HEAD") and call.route != "paths_info"
    ]
    assert changing == []
    assert len(hub.calls.log) < 30


@pytest.mark.parametrize("missing", ["acme/requests", "acme/results"])
def test_it_creates_no_dataset(hub: Hub, tmp_path: Path, missing: str) -> None:
    from support.hub.repository import RepoName

    place = Place(tmp_path, "frontend", hub)
    place.environment["HF_TOKEN"] = hub.add_token("alice")
    hub.delete(RepoName("dataset", missing))
    assert any(f"{missing} does not exist" in each for each in not_green(check(place)))
    assert hub.find(RepoName("dataset", missing)) is None
    assert hub.calls.count(route="create") == 0


@pytest.mark.parametrize(
    ("levels", "expected", "strict"),
    [([], 0, 0), ([Level.GREEN], 0, 0), ([Level.WARNING], 0, 1), ([Level.GREEN, Level.WRONG], 1, 1)],
)
def test_the_exit_status_tells_ci_what_was_found(levels: list[Level], expected: int, strict: int) -> None:
    findings = [Finding(level, "a thing", "It is so.") for level in levels]
    assert status(findings) == expected
    assert status(findings, is_strict=True) == strict


def command(place: Place, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **place.environment, **variables}
    return subprocess.run(
        [sys.executable, "-m", "src.doctor", *options],
        cwd=FRONTEND,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_a_line_for_each_thing_and_changes_nothing(place: Place, tmp_path: Path) -> None:
    before = contents(tmp_path)
    done = command(place)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(line.startswith("green ") for line in done.stdout.splitlines()[:-1])
    assert done.stdout.splitlines()[-1].endswith(" green, 0 warning, 0 wrong")
    assert contents(tmp_path) == before


def test_the_command_answers_programs_and_fails_when_something_is_wrong(place: Place) -> None:
    done = command(place, "--json", MAX_PENDING="many")
    assert done.returncode == 1
    [found] = [each for each in json.loads(done.stdout) if each["level"] == "wrong"]
    assert found["checked"] == "settings"
    assert "MAX_PENDING is 'many'" in found["sentence"]


def test_an_about_that_cannot_be_read_is_a_finding(place: Place, tmp_path: Path) -> None:
    """In a copy of the Space, whose about.py has a mistake."""
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("__pycache__"))
    about = copy / "src" / "about.py"
    about.write_text(about.read_text() + "\nTITLE = TITEL\n")
    done = subprocess.run(
        [sys.executable, "-m", "src.doctor"],
        cwd=copy,
        env={**os.environ, **place.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "wrong  about.py: src/about.py, line" in done.stdout
    assert "Correct this line." in done.stdout


def test_an_envs_of_the_old_template_is_no_mistake() -> None:
    envs = ModuleType("envs")
    for name in ("API", "REPO_ID", "CACHE_PATH", "EVAL_REQUESTS_PATH"):
        setattr(envs, name, "old-org/x")
    envs.TOKEN = "hf_" + "b" * 34  # type: ignore[attr-defined]  # as os.environ.get("HF_TOKEN") gives it
    _, found = check_settings(Settings, envs, {"HF_TOKEN": "hf_" + "b" * 34})
    assert not_green(found) == []


def test_a_worker_on_a_machine_of_ones_own_is_no_missing_space(on_a_hub: Place) -> None:
    a_worker_without_a_space(on_a_hub)

    assert not any("No backend Space" in each.sentence for each in check(on_a_hub))
