"""`python -m src.evaluate` evaluates one model without the queue, and publishes it if it is told to."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from src.evaluate import read_options
from src.inference.options import Place
from src.running.identity import take_identity
from src.running.inference import Inference
from src.settings import Settings
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.reports import read_result
from src.shared.data.request import Progress, Request, Status, read_request
from src.shared.errors import ConfigurationError, NotPossible
from src.shared.wiring import open_stores
from src.upkeep.evaluating import Asked, Evaluator
from src.upkeep.score_table import groups_in, parts_of, score_table
from src.upkeep.shown_progress import Bars, Lines, shown_on
from support.factories import make_model_folder, make_result_file
from support.hub import Hub, running_hub
from support.hub.repository import RepoName
from support.processes import is_alive
from support.sources import ROOT
from support.tiny_model import make_tiny_model
from support.waiting import PATIENCE, wait_for

BACKEND = ROOT / "backend"
MODEL = "demo/tiny"
TASKS = "tiny_addition, tiny_copy"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model."""
    data = tmp_path_factory.mktemp("models")
    make_tiny_model(data / "models" / MODEL, max_position_embeddings=256)
    return data / "models"


@pytest.fixture
def data(tmp_path: Path, tiny: Path) -> Path:
    """A leaderboard in a folder."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(tiny)
    return tmp_path / "data"


def environment(data: Path, **more: str) -> dict[str, str]:
    given = {"LEADERBOARD_DATA_DIR": str(data), "HF_HUB_OFFLINE": "1", "TASKS_HARNESS": TASKS}
    return {**os.environ, **given, "TMPDIR": str(data.parent), **more}


def run(
    data: Path, *arguments: str, program: tuple[str, ...] = ("-m", "src.evaluate"), **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=BACKEND,
        env=environment(data, **more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def files(folder: Path) -> list[str]:
    """The files of a dataset, without our own."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".leaderboard" not in path.parts
    )


def request_in(data: Path) -> Request:
    [path] = files(data / "requests")
    return read_request((data / "requests" / path).read_bytes())


# The whole command


@pytest.mark.slow
def test_it_prints_the_scores_that_lm_eval_computes_and_writes_nothing(data: Path) -> None:
    done = run(data, MODEL, "--precision", "float32")
    assert done.returncode == 0, done.stderr
    assert "Evaluating demo/tiny at " in done.stderr
    assert "tiny_copy: 100 of 100 calls of the model" in done.stderr
    assert "These scores were not published. To publish scores, add --publish" in done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["task", "metric", "score", "questions"]
    script = ROOT / "tests" / "support" / "direct_evaluation.py"
    command = [sys.executable, script, data / "models" / MODEL, "tasks", "tiny_addition", "tiny_copy"]
    direct = subprocess.run(command, cwd=BACKEND, capture_output=True, text=True, check=True).stdout
    its = json.loads(direct.splitlines()[-1])
    assert [row.split() for row in rows] == [
        [
            *("tiny_addition", "acc,none"),
            *(f"{its['tiny_addition']['acc,none']:.4f}", "±"),
            *(f"{its['tiny_addition']['acc_stderr,none']:.4f}", "100"),
        ],
        [
            *("tiny_copy", "exact_match,none"),
            *(f"{its['tiny_copy']['exact_match,none']:.4f}", "±"),
            *(f"{its['tiny_copy']['exact_match_stderr,none']:.4f}", "100"),
        ],
    ]
    assert not list(data.glob("requests/**/*.json"))
    assert not list(data.glob("results/**/*.json"))


@pytest.mark.slow
def test_with_publish_the_result_and_a_finished_request_are_there_and_the_suite_is_not_tried_again(
    data: Path,
) -> None:
    done = run(data, MODEL, "--precision", "float32", "--chat-template", "--publish")
    assert done.returncode == 1, "the tiny model has no chat template"
    assert files(data / "results") == []
    done = run(data, MODEL, "--precision", "float32", "--publish")
    assert done.returncode == 0, done.stderr
    assert (data / "results" / BACKEND_DESCRIPTION).exists()
    request = request_in(data)
    assert request.status is Status.FINISHED
    assert f"Published {request.result}, and finished demo/tiny_eval_request_" in done.stdout
    result = read_result("", (data / "results" / str(request.result)).read_bytes())
    assert {*result.scores} == {"tiny_addition", "tiny_copy"}
    assert str(data) not in (data / "results" / str(request.result)).read_text()
    again = run(data, MODEL, "--precision", "float32", "--publish")
    assert again.returncode == 0
    assert "Trying the suite" not in again.stderr
    assert [each.end for each in request_in(data).history] == ["finished", "rerun", "finished"]


KILLED_BEFORE_THE_REQUEST = """
import os, signal, sys
from src.shared.stores.folder_store import FolderStore
commit = FolderStore.commit
def killed(self, *, add, **more):
    if any("_eval_request_" in path for path in add):
        os.kill(os.getpid(), signal.SIGKILL)
    commit(self, add=add, **more)
FolderStore.commit = killed
from src.evaluate import main
sys.exit(main())
"""


@pytest.mark.slow
def test_killed_between_result_and_request_the_same_command_completes_it_at_once(data: Path) -> None:
    arguments = (MODEL, "--precision", "float32", "--publish")
    done = run(data, *arguments, program=("-c", KILLED_BEFORE_THE_REQUEST), TASKS_HARNESS="tiny_copy")
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert files(data / "requests") == []
    [_, left] = files(data / "results")
    done = run(data, *arguments, TASKS_HARNESS="tiny_copy")
    assert done.returncode == 0, done.stderr
    assert "Evaluating" not in done.stderr
    assert done.stdout == (
        f"demo/tiny had been evaluated by hand, but its request was left unfinished. It is now FINISHED, "
        f"with {left}. To evaluate the model again, run the command again.\n"
    )
    assert request_in(data).result == left


@pytest.mark.slow
def test_a_model_that_fails_is_told_in_the_submitters_sentence_with_its_log(
    tmp_path: Path, tiny: Path
) -> None:
    broken = make_tiny_model(tmp_path / "data" / "models" / "demo" / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    done = run(tmp_path / "data", "demo/broken", "--publish")
    assert done.returncode == 1
    sentence, where = done.stderr.splitlines()[-2:]
    assert sentence.startswith("demo/broken could not be evaluated: The weights of demo/broken are damaged")
    log = Path(where.removeprefix("Its log is in ").removesuffix("."))
    assert log.is_relative_to(tmp_path)
    assert log.read_text()
    assert files(tmp_path / "data" / "results") == []
    assert files(tmp_path / "data" / "requests") == []


@pytest.mark.slow
def test_ctrl_c_stops_the_child_and_says_that_nothing_was_published(tmp_path: Path) -> None:
    make_tiny_model(tmp_path / "data" / "models" / MODEL, max_position_embeddings=256)
    command = subprocess.Popen(
        [sys.executable, "-m", "src.evaluate", MODEL, "--precision", "float32", "--publish"],
        cwd=BACKEND,
        env=environment(tmp_path / "data"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stderr
    while "Evaluating" not in (line := command.stderr.readline()):
        assert line, "it ended early"
    children = wait_for(lambda: children_of(command.pid), what="the child")
    command.send_signal(signal.SIGINT)
    _, told = command.communicate(timeout=PATIENCE)
    assert command.returncode == 130
    assert told.endswith("\nStopped. Nothing was published.\n")
    wait_for(lambda: not any(map(is_alive, children)), what="the end of the child")
    assert files(tmp_path / "data" / "results") == []


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
def test_a_suite_with_problems_is_told_and_nothing_is_evaluated(data: Path) -> None:
    done = run(data, MODEL, TASKS_HARNESS="tiny_additoin")
    assert done.returncode == 2
    assert "Did you mean tiny_addition?" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_on_a_hub_the_request_is_of_the_tokens_user(tmp_path: Path) -> None:
    with running_hub() as hub:
        token = with_a_model(hub, tmp_path)
        more = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "", "OWNER": "acme", "HF_TOKEN": token}
        arguments = (MODEL, "--precision", "float32", "--publish")
        settings = environment(tmp_path / "none", TASKS_HARNESS="tiny_copy", **more)
        del settings["LEADERBOARD_DATA_DIR"]
        done = subprocess.run(
            [sys.executable, "-m", "src.evaluate", *arguments],
            cwd=BACKEND,
            env=settings,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert token not in done.stdout + done.stderr
        requests = hub.get(RepoName("dataset", "acme/requests"))
        [request] = [read_request(requests.read(path)) for path in requests.files() if "_request_" in path]
        assert (request.status, request.submitted_by) == (Status.FINISHED, "alice")


def with_a_model(hub: Hub, folder: Path) -> str:
    made = make_tiny_model(folder / "made", max_position_embeddings=256)
    hub.add_model(MODEL, {path.name: path.read_bytes() for path in made.iterdir()})
    return hub.add_user("alice", {"acme": "write"})


# What is refused before anything runs


def refused(folder: Path, asked: Asked, **settings: object) -> str:
    given = Settings(leaderboard_data_dir=str(folder), **settings)  # type: ignore[arg-type]
    evaluator = Evaluator(
        given,
        open_stores(given, only_look=True),
        take_identity(None, folder / "workers"),
        say=lambda sentence: None,
        shown=Lines(lambda sentence: None),
    )
    with pytest.raises(NotPossible) as error:
        evaluator.run(asked)
    evaluator.close()
    return str(error.value)


def test_a_model_too_large_for_this_machine_is_refused(tmp_path: Path) -> None:
    make_model_folder(tmp_path / "models", "demo/large")
    asked = Asked("demo/large", precision="float32")
    assert refused(tmp_path, asked, max_model_gb=1e-9) == (
        "The weights of demo/large take 0.0 GB, and this machine evaluates at most 0.0 GB. Run the command "
        "on a larger machine, or set MAX_MODEL_GB."
    )


def test_an_adapters_base_model_counts_once(tmp_path: Path) -> None:
    weights = {"weight": {"dtype": "F32", "shape": [1_000_000_000], "data_offsets": [0, 4_000_000_000]}}
    make_model_folder(tmp_path / "models", "demo/base", tensors=weights)
    make_model_folder(tmp_path / "models", "demo/adapter", adapts="demo/base")
    asked = Asked("demo/adapter", precision="float32", weight_type="Adapter", base_model="demo/base")
    assert refused(tmp_path, asked, max_model_gb=1.0).startswith("The weights of demo/adapter take 4.0 GB")


def test_a_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    make_model_folder(tmp_path / "models", "demo/served")
    place = Place(Inference.SERVER, "http://127.0.0.1:9/v1")
    assert "http://127.0.0.1:9/v1" in refused(tmp_path, Asked("demo/served"), inference=place)


def test_endpoints_are_for_the_queue_only(tmp_path: Path) -> None:
    folder = Settings(leaderboard_data_dir=str(tmp_path))
    settings = Settings(
        owner="acme", hf_token="hf_a", inference_token="hf_b", inference=Place(Inference.ENDPOINT)
    )
    with pytest.raises(ConfigurationError, match="endpoints are rented only for requests in the queue"):
        Evaluator(
            settings,
            open_stores(folder, only_look=True),
            take_identity(None, tmp_path / "workers"),
            say=lambda sentence: None,
            shown=Lines(lambda sentence: None),
        )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["../etc"], "is not a model's name: write it as organisation/model"),
        (["a/b", "--base-model", "a b"], "'a b' is not a model's name"),
        (["a/b", "--weight-type", "Adapter"], "--weight-type Adapter and --base-model belong together"),
        (["a/b", "--base-model", "a/c"], "--weight-type Adapter and --base-model belong together"),
        (["a/b", "--precision", "int8"], "invalid choice: 'int8'"),
    ],
)
def test_a_command_line_that_cannot_work_is_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


# What is shown


def test_progress_is_told_at_each_tenth() -> None:
    said: list[str] = []
    lines = Lines(said.append)
    for done in range(0, 101, 5):
        lines.show(Progress(task="copy", done=done, total=100))
    assert len(said) == 11
    assert said[1] == "copy: 10 of 100 calls of the model"
    lines.show(Progress(task="other", done=0, total=0))
    assert said[-1] == "other: 0 of 0 calls of the model"


def test_on_a_terminal_there_is_a_bar_for_each_task() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    bars = shown_on(terminal, lambda sentence: None)
    assert isinstance(bars, Bars)
    for task in ("copy", "addition"):
        for done in (0, 2, 5):
            bars.show(Progress(task=task, done=done, total=10))
    bars.close()
    copy, addition, _ = terminal.getvalue().split("\n")
    assert "copy:  50%" in copy
    assert "addition:  50%" in addition
    assert isinstance(shown_on(io.StringIO(), lambda sentence: None), Lines)


def test_the_table_has_a_groups_parts_where_it_has_no_score_of_its_own() -> None:
    scores = {"one": {"acc,none": 0.25}, "two": {"acc,none": 0.5}, "deep": {"acc,none": 1.0}}
    data = make_result_file(
        scores=scores, **{"group_subtasks": {"tag": ["one", "inner", "tag"], "inner": ["deep"]}}
    )
    result = replace(read_result("", data), n_samples={"one": 1_000})
    groups = groups_in(json.loads(data))
    assert score_table(result, ["tag", "two", "gone"], groups) == [
        "task  metric    score            questions",
        "one   acc,none  0.2500 ± 0.0100  1,000",
        "deep  acc,none  1.0000 ± 0.0100  ?",
        "two   acc,none  0.5000 ± 0.0100  ?",
    ]


def test_groups_that_name_each_other_again_and_again_are_looked_through_once() -> None:
    """Anybody may have written a report: of 60 levels with two ways each, there are 2^60 ways down."""
    both = {
        f"{side}{level}": [f"left{level + 1}", f"right{level + 1}"]
        for level in range(60)
        for side in ("left", "right")
    }
    chain = {f"c{level}": [f"c{level + 1}"] for level in range(5_000)} | {"c5000": ["one"]}
    groups = {"top": ["left0", "right0"], **both, "left60": ["one"], "right60": ["one"], **chain}
    result = read_result("", make_result_file(scores={"one": {"acc,none": 0.25}}))
    assert parts_of("top", result, groups) == ["one"]
    assert parts_of("c0", result, groups) == ["one"]
