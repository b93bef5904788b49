"""`python -m src.rerun`: what it says, what it writes, and what becomes of it in the queue."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from src.rerun import main
from src.running.job import Job
from src.shared.data.backend_description import BackendDescription, read_description, write_description
from src.shared.data.names import ACTS, BACKEND_DESCRIPTION, BLOCKLIST
from src.shared.data.request import RERUN, Status, read_request, write_request
from src.shared.errors import Conflict, NotPossible, StoreError
from src.shared.moderation.rerun_commits import reader, write_reruns
from src.shared.moderation.rerun_tasks import Selection
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_store import HubStore
from src.upkeep.rerunning import rerun
from support.executors import FunctionExecutor, good
from support.factories import make_result_file, make_task
from support.hub import Hub, Repository, running_hub
from support.queues import COMMIT, SUITE, Queue, drain
from support.tiny_model import make_tiny_model
from support.waiting import PATIENCE

BACKEND = Path("backend").resolve()
NEW = replace(SUITE, tasks=(*SUITE.tasks, "tiny_agreement"))
MANY = 500
MISSING = Selection(missing=True)


def describe(queue: Queue, *tasks: str) -> None:
    """Write what a worker with these tasks says."""
    description = BackendDescription(tasks=tuple(make_task(task, version="1.0") for task in tasks))
    file = queue.folder / "results" / BACKEND_DESCRIPTION
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(write_description(description))


def publish(
    queue: Queue, model: str, *tasks: str, run: str = "2026-01-30T12-00-00.000000", **more: object
) -> Path:
    """Put a result of a request into the dataset."""
    scores = {task: {"acc,none": 0.5} for task in tasks}
    file = queue.folder / "results" / model / f"results_{run}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(
        make_result_file(model=model, commit=COMMIT, precision="float16", scores=scores, run=run, **more)
    )
    return file


def board_of(queue: Queue, number: int, *, without_request: int = 0) -> list[str]:
    """Fill a board with finished models of two tasks; return the paths of their requests."""
    describe(queue, *NEW.tasks)
    for each in range(without_request):
        publish(queue, f"imported/model-{each}", *SUITE.tasks, leaderboard={})
    paths = []
    for each in range(number - without_request):
        paths.append(queue.submit(f"acme/model-{each:03}", status=Status.FINISHED))
        publish(queue, f"acme/model-{each:03}", *SUITE.tasks)
    return paths


class Said(NamedTuple):
    is_done: bool
    lines: list[str]


def run(queue: Queue, selection: Selection, *, yes: bool = True, **options: object) -> Said:
    lines: list[str] = []
    is_done = rerun(
        queue.requests,
        queue.results,
        selection,
        by="alice",
        say=lines.append,
        confirm=lambda question: lines.append(question) or yes,  # type: ignore[func-returns-value]
        clock=queue.clock,
        **options,  # type: ignore[arg-type]
    )
    return Said(is_done, lines)


# What it says


def test_it_says_what_will_be_computed_and_what_is_left_alone_and_asks(queue: Queue) -> None:
    board_of(queue, 4, without_request=1)
    queue.submit("acme/model-002", status=Status.PENDING)
    said = run(queue, MISSING)
    requests = queue.requests
    assert said == (
        True,
        [
            "3 rows of the board will be computed again, 3 task evaluations in all:",
            "  tiny_agreement: 3 rows",
            "1 result without a request will get one.",
            "1 row will be left alone:",
            "  It is in the queue already, or waits to be approved (1 row): "
            "acme/model-002 (float16, Original)",
            f"That takes 1 commit to {requests}.",
            f"Write 3 requests to {requests}?",
            "Wrote 3 requests. Workers evaluate what visitors submit first.",
        ],
    )


def test_it_writes_nothing_when_the_answer_is_no_or_nothing_was_to_be_written(queue: Queue) -> None:
    board_of(queue, 2)
    before = queue.requests.snapshot()
    assert run(queue, MISSING, yes=False) == (
        False,
        [*run(queue, MISSING, yes=False).lines[:-1], "Nothing was written."],
    )
    dry = run(queue, MISSING, dry_run=True)
    assert (dry.is_done, dry.lines[-1]) == (True, "Nothing was written, because of --dry-run.")
    assert not any("?" in line for line in dry.lines)
    assert queue.requests.snapshot() == before


def test_a_board_that_needs_nothing_is_told_so(queue: Queue) -> None:
    board_of(queue, 2)
    describe(queue, *SUITE.tasks)
    assert run(queue, MISSING) == (
        True,
        [
            "2 rows will be left alone:",
            "  It needs nothing (2 rows): "
            "acme/model-000 (float16, Original), acme/model-001 (float16, Original)",
            "Nothing needs to be computed again.",
        ],
    )


def test_tasks_that_no_worker_has_announced_yet_are_named(queue: Queue) -> None:
    board_of(queue, 1)
    describe(queue, *SUITE.tasks)
    said = run(queue, MISSING, suite=NEW.tasks)
    assert said.lines[0] == (
        "The settings here name tiny_agreement, which backend.yaml does not have yet. If the board should "
        "have it, first start the worker with these settings: it writes backend.yaml."
    )


def test_without_a_description_it_says_what_to_do(queue: Queue) -> None:
    queue.submit()
    with pytest.raises(NotPossible) as error:
        run(queue, MISSING)
    assert str(error.value) == (
        f"There is no .leaderboard/backend.yaml in {queue.results} yet, which says what the tasks are: start "
        "the worker, which writes it. `python -m src.suite` shows whether the suite has problems."
    )


@pytest.mark.parametrize(
    ("dataset", "path"),
    [("results", BACKEND_DESCRIPTION), ("requests", ACTS), ("requests", BLOCKLIST)],
)
def test_a_file_that_decides_and_cannot_be_read_is_named(queue: Queue, dataset: str, path: str) -> None:
    board_of(queue, 1)
    file = queue.folder / dataset / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[no")
    with pytest.raises(StoreError, match=rf"^{path} in .*{dataset} cannot be read: .*\.$"):
        run(queue, MISSING)


# The command


@pytest.fixture
def settings(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a board in folders, in the Space's folder."""
    monkeypatch.chdir(BACKEND)
    monkeypatch.setenv("LEADERBOARD_DATA_DIR", str(queue.folder))
    monkeypatch.setattr("src.upkeep.who.getpass.getuser", lambda: "alice")
    monkeypatch.setattr("src.upkeep.commands.withdraw_secrets", dict)  # it would start the tests anew


@pytest.mark.usefixtures("settings")
def test_the_command_has_a_task_of_a_model_computed_again(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = board_of(queue, 2)
    assert main(["--task", "tiny_copy", "--model", "ACME/model-001", "--yes"]) == 0
    assert "Wrote 1 request." in capsys.readouterr().out
    assert queue.read(paths[0]).status is Status.FINISHED
    request = queue.read(paths[1])
    assert (request.status, request.tasks) == (Status.PENDING, ("tiny_copy",))
    assert (request.history[-1].end, request.history[-1].by) == (RERUN, "alice")


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["--task", "tiny_copi", "--yes"],
            "The suite has no task tiny_copi: it has tiny_addition, tiny_copy, ",
        ),
        (["--all", "--model", "acme/mdoel", "--yes"], "No result of acme/mdoel is on this leaderboard: "),
    ],
)
def test_what_is_not_there_is_refused(
    queue: Queue, capsys: pytest.CaptureFixture[str], arguments: list[str], error: str
) -> None:
    board_of(queue, 1)
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith(error)


@pytest.mark.usefixtures("settings")
def test_where_nobody_can_be_asked_it_wants_a_yes(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    [path] = board_of(queue, 1)
    assert main(["--all"]) == 1
    assert capsys.readouterr().out.endswith(
        "There is no terminal to ask you on. If you are sure, add --yes.\nNothing was written.\n"
    )
    assert queue.read(path).status is Status.FINISHED


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(("answer", "status"), [("yes", Status.PENDING), ("", Status.FINISHED)])
def test_on_a_terminal_it_asks(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, answer: str, status: Status
) -> None:
    [path] = board_of(queue, 1)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert main(["--all"]) == (0 if answer else 1)
    assert queue.read(path).status is status


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "say what to compute: --all, --missing, --task-version-older or --task NAME"),
        (["--model", "acme/tiny"], "say what to compute: "),
        (["--all", "--missing"], "--all already means every task: leave it out, or the other options"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], error: str
) -> None:
    with pytest.raises(SystemExit) as exit_status:
        main(arguments)
    assert exit_status.value.code == 2
    assert error in capsys.readouterr().err


@pytest.mark.usefixtures("settings")
def test_what_a_terminal_would_obey_is_spelled_out(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    board_of(queue, 1)
    assert main(["--task", "\x1b[2J", "--yes"]) == 1
    assert "\x1b" not in capsys.readouterr().err


def commands_of(section: str) -> list[str]:
    """The options of the commands that a section of the recipes for maintainers shows."""
    text = Path("docs/maintaining.md").read_text(encoding="utf-8")
    [found] = re.findall(rf"^## {section}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"^ *python -m src.rerun ([^#\n]*)", found, re.MULTILINE)
    return [command.strip() for command in commands]


AGAIN, NEW_TASK = commands_of("Evaluate again"), commands_of("A new task on a board that is full")


def test_the_recipes_show_commands() -> None:
    assert (len(AGAIN), NEW_TASK) == (5, ["--missing --dry-run", "--missing"])


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("command", sorted({*AGAIN, *NEW_TASK}))
def test_a_command_of_the_recipes_does_what_it_says(
    queue: Queue, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    describe(queue, *NEW.tasks)
    for model in ("acme/tiny", "acme/small", "acme/other"):
        queue.submit(model, status=Status.FINISHED)
        publish(queue, model, *SUITE.tasks, versions=dict.fromkeys(SUITE.tasks, 0.5))
    assert main([*command.split(), "--yes"]) == 0
    rows = 2 if "--model" in command else 3
    assert f"{rows} rows of the board will be computed again" in capsys.readouterr().out
    waiting = [queue.read(path) for path in queue.requests.snapshot().files]
    assert sum(each.is_rerun for each in waiting) == (0 if "--dry-run" in command else rows)


# In the queue


def test_a_request_that_changed_meanwhile_is_decided_anew(queue: Queue) -> None:
    paths = board_of(queue, 3)

    class Meanwhile(type(queue.requests)):  # type: ignore[misc]
        """Somebody has one evaluated again, and another is removed, just before the first commit."""

        def commit(self, **commit: object) -> None:
            if (running := queue.read(paths[0])).status is Status.FINISHED:
                queue.edit(paths[0], replace(running, status=Status.RUNNING))
                (queue.folder / "requests" / paths[1]).unlink()
                publish(queue, "acme/model-002", *NEW.tasks, run="2026-01-31T12-00-00.000000")
                raise Conflict("changed")
            super().commit(**commit)

    store = Meanwhile(queue.folder / "requests")
    written = write_reruns(store, reader(store, queue.results), MISSING, by="alice", clock=queue.clock)
    assert [(each.path, each.is_new) for each in written] == [(paths[1], True)]
    assert queue.read(paths[0]).status is Status.RUNNING
    assert queue.read(paths[2]).status is Status.FINISHED


def test_more_than_a_commit_holds_are_written_in_several_and_none_twice(queue: Queue) -> None:
    paths = board_of(queue, 5)
    store, commits = queue.requests, []

    class Counting(type(store)):  # type: ignore[misc]
        def commit(self, **commit: object) -> None:
            commits.append(commit["message"])
            super().commit(**commit)
            for path in paths[:2]:  # a worker is fast, and everything is asked for
                queue.edit(path, replace(queue.read(path), status=Status.FINISHED))

    counting = Counting(queue.folder / "requests")
    written = write_reruns(
        counting, reader(counting, queue.results), Selection(), by="alice", clock=queue.clock, most=2
    )
    assert sorted(each.path for each in written) == paths
    tasks = "tiny_addition, tiny_copy, tiny_agreement"
    assert commits == [f"evaluate {number} again on {tasks} (alice)" for number in (2, 2, 1)]


@pytest.mark.slow
def test_a_new_task_of_a_board_of_500_is_computed_alone_behind_a_submission_and_nothing_else_changes(
    queue: Queue,
) -> None:
    paths = board_of(queue, MANY, without_request=20)
    results = {path: (queue.folder / "results" / path).read_bytes() for path in queue.result_paths()}
    assert run(queue, MISSING).lines[:3] == [
        "500 rows of the board will be computed again, 500 task evaluations in all:",
        "  tiny_agreement: 500 rows",
        "20 results without a request will get one.",
    ]
    waiting = queue.requests.snapshot()
    assert len(waiting.files) == MANY
    executor = FunctionExecutor()
    worker = queue.worker(executor=executor, suite=NEW, slots=100)
    for _ in range(3):
        worker.tick()
    begun = len(executor.started)
    queue.clock.move(minutes=1)
    queue.submit("visitor/new")
    drain(worker)
    assert 0 < begun < MANY
    assert executor.started.pop(begun).model == "visitor/new"
    assert {job.tasks for job in executor.started} == {("tiny_agreement",)}
    assert len({job.model for job in executor.started}) == len(executor.started) == MANY
    assert {queue.read(path).status for path in queue.requests.snapshot().files} == {Status.FINISHED}
    assert {path: (queue.folder / "results" / path).read_bytes() for path in results} == results
    new = [path for path in queue.result_paths() if path not in results and "visitor" not in path]
    assert len(new) == MANY
    scored = [json.loads((queue.folder / "results" / path).read_bytes())["results"] for path in new]
    assert all(set(each) == {"tiny_agreement"} for each in scored)
    assert run(queue, MISSING).lines[-1] == "Nothing needs to be computed again."
    assert len(paths) == MANY - 20


def test_a_worker_that_is_killed_in_between_loses_nothing(queue: Queue) -> None:
    """Each life is a new process. A submission arrives in the middle, and is the next but for what runs."""
    board_of(queue, 30, without_request=5)
    run(queue, MISSING)
    evaluated: list[tuple[str, tuple[str, ...]]] = []

    def evaluate(job: Job) -> object:
        evaluated.append((job.model, job.tasks))
        return good(job)

    before_it = None
    for life in range(200):
        queue.clock.move(minutes=1)
        executor = FunctionExecutor(evaluate, wait=True)  # type: ignore[arg-type]
        worker = queue.worker(executor=executor, suite=NEW)
        if life == 10:
            before_it = len(evaluated)
            queue.submit("visitor/new")
        worker.tick()
        if life % 3:  # every third is killed while it evaluates
            executor.let_end()
            worker.tick()
        if worker.is_idle():
            break
    requests = queue.requests.snapshot().files
    assert {queue.read(path).status for path in requests} == {Status.FINISHED}
    assert sorted(each for each in evaluated if each[0] != "visitor/new") == sorted(
        (read_request((queue.folder / "requests" / path).read_bytes()).model, ("tiny_agreement",))
        for path in requests
        if not path.startswith("visitor/")
    )
    assert [model for model, _ in evaluated].index("visitor/new") - (before_it or 0) <= 1


def command(*program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the backend to its end."""
    return subprocess.run(
        [sys.executable, "-m", *program],
        cwd=BACKEND,
        env={**os.environ, "REFRESH_RATE": "0.2", **variables},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=3 * PATIENCE,
        check=False,
    )


# On a Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def on_the_hub(queue: Queue, hub: Hub) -> dict[str, Repository]:
    """The two datasets of a queue, on the Hub."""
    datasets = {}
    for name in ("requests", "results"):
        paths = [path for path in (queue.folder / name).rglob("*") if path.suffix in (".json", ".yaml")]
        files = {str(path.relative_to(queue.folder / name)): path.read_bytes() for path in paths}
        datasets[name] = hub.add_dataset(f"acme/{name}", files)
    return datasets


def test_500_are_evaluated_again_with_one_commit_and_few_calls(queue: Queue, hub: Hub) -> None:
    board_of(queue, MANY, without_request=20)
    dataset = on_the_hub(queue, hub)["requests"]
    client = Client(hub.add_user("alice", {"acme": "write"}), endpoint=hub.url)
    stores = [HubStore(client, f"acme/{name}") for name in ("requests", "results")]
    read = reader(*stores)
    read()
    hub.calls.reset()
    assert len(write_reruns(stores[0], read, MISSING, by="alice")) == MANY
    # The head of each dataset, backend.yaml, how to upload twice 250 files, and the commit.
    assert hub.calls.by("route") == {"info": 2, "resolve": 1, "preupload": 2, "commit": 1}
    waiting = [read_request(data) for path, data in dataset.files().items() if path.endswith(".json")]
    assert [each.status for each in waiting] == [Status.PENDING] * MANY


@pytest.mark.slow
def test_on_the_hub_the_command_writes_once_in_the_name_of_the_token_s_owner(queue: Queue, hub: Hub) -> None:
    board_of(queue, 3, without_request=1)
    dataset = on_the_hub(queue, hub)["requests"]
    head = dataset.head.id
    known = {"HF_ENDPOINT": hub.url, "OWNER": "acme", "TASKS_HARNESS": ",".join(NEW.tasks)}
    refused = command("src.rerun", "--missing", "--yes", **known)
    assert refused.returncode == 1
    assert "Set HF_TOKEN to a token of yours that can write to the datasets" in refused.stdout
    assert dataset.head.id == head
    known["HF_TOKEN"] = hub.add_user("alice", {"acme": "write"})
    hub.calls.reset()
    said = command("src.rerun", "--missing", "--yes", **known)
    assert said.returncode == 0, said.stdout
    assert said.stdout.endswith("Wrote 3 requests. Workers evaluate what visitors submit first.\n")
    assert hub.calls.count(route="commit") == 1
    requests = [read_request(data) for path, data in dataset.files().items() if path.endswith(".json")]
    assert [each.history[-1].by for each in requests] == ["alice"] * 3
    missing = command("src.rerun", "--missing", "--yes", **{**known, "OWNER": "nobody"})
    assert missing.returncode == 1
    assert "The dataset nobody/results does not exist" in missing.stdout
    assert hub.calls.count(route="commit") == 1


# With real models and a real child


def process(queue: Queue, *program: str, tasks: str) -> str:
    """Run a program of the backend on a board in a folder to its end, and return what it printed."""
    done = command(
        *program,
        LEADERBOARD_DATA_DIR=str(queue.folder),
        TMPDIR=str(queue.folder.parent),
        HF_HUB_OFFLINE="1",
        TASKS_HARNESS=tasks,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_two_real_models_get_a_third_task_and_only_that_is_computed(queue: Queue) -> None:
    for name in ("one", "two"):
        make_tiny_model(queue.folder / "models" / "acme" / name)
    paths = [queue.submit(f"acme/{name}", commit=None, precision="float32") for name in ("one", "two")]
    process(queue, "src.worker", "--drain", tasks="tiny_addition,tiny_copy")
    first = {path: (queue.folder / "results" / path).read_bytes() for path in queue.result_paths()}
    assert len(first) == 2
    three = "tiny_addition,tiny_copy,tiny_agreement"
    process(queue, "src.worker", "--drain", tasks=three)  # it says what it runs now
    description = (queue.folder / "results" / BACKEND_DESCRIPTION).read_bytes()
    assert len(read_description(description).tasks) == 3
    said = process(queue, "src.rerun", "--missing", "--yes", tasks=three)
    assert "  tiny_agreement: 2 rows\n" in said
    assert "Wrote 2 requests." in said
    process(queue, "src.worker", "--drain", tasks=three)
    assert {queue.read(path).status for path in paths} == {Status.FINISHED}
    new = [path for path in queue.result_paths() if path not in first]
    reports = [json.loads((queue.folder / "results" / path).read_bytes()) for path in new]
    assert [set(report["results"]) for report in reports] == [{"tiny_agreement"}] * 2
    assert [report["leaderboard"]["tasks"] for report in reports] == [{"tiny_agreement": None}] * 2
    assert {path: (queue.folder / "results" / path).read_bytes() for path in first} == first
    assert write_request(queue.read(paths[0])) == (queue.folder / "requests" / paths[0]).read_bytes()
    assert "Nothing needs to be computed again." in process(
        queue, "src.rerun", "--missing", "--task-version-older", "--yes", tasks=three
    )
