"""One model goes all the way round: submitted, claimed, evaluated, published, shown; by real processes."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from local_leaderboard import ROOT
from support.leaderboard import BACKEND_PYTHON, Leaderboard
from support.waiting import PATIENCE
from visitor import NoResult

TASKS = {"Addition": "tiny_addition", "Agreement": "tiny_agreement", "Copying": "tiny_copy"}
MODEL = "demo/adder-novice"
METRICS = {"tiny_addition": "acc,none", "tiny_agreement": "acc,none", "tiny_copy": "exact_match,none"}


@pytest.fixture(scope="session")
def scores_of_lm_eval(models: Path) -> dict[str, dict[str, float]]:
    """What lm_eval itself computes of a model."""
    script = ROOT / "tests" / "support" / "direct_evaluation.py"
    command = [BACKEND_PYTHON, str(script), str(models / MODEL), "tasks", *METRICS]
    output = subprocess.run(command, cwd=ROOT / "backend", check=True, capture_output=True, text=True).stdout
    results: dict[str, dict[str, float]] = json.loads(output.splitlines()[-1])
    return results


def test_a_submitted_model_is_shown_with_the_scores_that_lm_eval_computes(
    leaderboard: Leaderboard, scores_of_lm_eval: dict[str, dict[str, float]]
) -> None:
    visitor = leaderboard.visitor
    path = visitor.submit(MODEL, precision="float32")
    visitor.wait_for([MODEL], seconds=PATIENCE)

    [row] = [row for row in visitor.table() if row["Model"] == MODEL]
    assert {column: row[column] for column in TASKS} == {
        column: pytest.approx(scores_of_lm_eval[task][METRICS[task]] * 100) for column, task in TASKS.items()
    }

    [request] = [each for each in visitor.queue() if each["request"] == path]
    assert request["status"] == "FINISHED"
    published = leaderboard.result(request["result"])
    assert published["leaderboard"]["request"] == path
    assert str(leaderboard.data) not in json.dumps(published)


@pytest.mark.slow
def test_the_commands_on_the_page_compute_the_row_again(leaderboard: Leaderboard, tmp_path: Path) -> None:
    model = "demo/fourth"
    leaderboard.visitor.submit(model, precision="float32")
    leaderboard.visitor.wait_for([model], seconds=PATIENCE)
    [row] = [each for each in leaderboard.visitor.table() if each["Model"] == model]
    [answer] = leaderboard.visitor.reproduce(model)
    install, command = answer["commands"]
    assert install.startswith("pip install 'lm_eval[hf]==")
    path = f"{Path(BACKEND_PYTHON).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-c", f"{command} --output_path {tmp_path}"],
        cwd=ROOT / "backend",
        env={**os.environ, **leaderboard.variables, "PATH": path},
        check=True,
        capture_output=True,
    )
    [file] = tmp_path.rglob("results_*.json")
    found = json.loads(file.read_text())["results"]
    assert {column: found[task][METRICS[task]] * 100 for column, task in TASKS.items()} == {
        column: row[column] for column in TASKS
    }


def test_a_model_that_cannot_be_evaluated_fails_with_a_reason_and_the_queue_goes_on(
    leaderboard: Leaderboard,
) -> None:
    visitor = leaderboard.visitor
    visitor.submit("demo/broken", precision="float32")
    with pytest.raises(NoResult, match="The weights of demo/broken are damaged"):
        visitor.wait_for(["demo/broken"], seconds=PATIENCE)
    visitor.submit("demo/second", precision="float32")
    visitor.wait_for(["demo/second"], seconds=PATIENCE)


def test_the_same_model_is_not_evaluated_twice(leaderboard: Leaderboard) -> None:
    visitor = leaderboard.visitor
    visitor.submit(MODEL, precision="bfloat16")
    with pytest.raises(NoResult, match="was not accepted"):
        visitor.submit(MODEL, precision="bfloat16")


def test_a_model_that_does_not_exist_is_refused_with_what_to_do(leaderboard: Leaderboard) -> None:
    with pytest.raises(NoResult, match="demo/nothing"):
        leaderboard.visitor.submit("demo/nothing", precision="float32")


def test_the_backend_shows_its_page(leaderboard: Leaderboard) -> None:
    with urllib.request.urlopen(leaderboard.backend.url, timeout=PATIENCE) as page:
        assert b"Leaderboard backend" in page.read()


def test_the_log_of_an_evaluation_can_be_looked_at(leaderboard: Leaderboard) -> None:
    visitor = leaderboard.visitor
    [request] = [each for each in visitor.queue() if each["model"] == "demo/second"]
    run = leaderboard.result(request["result"])["leaderboard"]
    log = f".logs/demo/second/{run['run']}_{run['attempt']}.txt"
    places = [leaderboard.frontend.url, leaderboard.backend.url]
    if leaderboard.hub:
        addresses = [f"{leaderboard.hub.url}/datasets/acme/results/resolve/main/{log}"]
    else:
        addresses = [f"{place.rstrip('/')}/files/results/{log}" for place in places]
    for address in addresses:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            text = answer.read().decode()
            assert answer.headers["Content-Type"].startswith("text/plain")
        assert "evaluated demo/second on tiny_copy" in text
        assert str(leaderboard.models) not in text


def test_the_backend_tells_machines_that_it_is_at_work(leaderboard: Leaderboard) -> None:
    with urllib.request.urlopen(f"{leaderboard.backend.url.rstrip('/')}/health", timeout=PATIENCE) as answer:
        facts = json.load(answer)
    assert facts["is_ticking"]
    assert facts["running"] + facts["pending"] <= 1  # the last model that was submitted here
    assert facts["problem"] == ""
    assert facts["last_sync"]


def test_neither_space_says_anything_alarming(leaderboard: Leaderboard) -> None:
    for space in (leaderboard.frontend, leaderboard.backend):
        log = space.log.read_text()
        assert "Traceback" not in log, log
        assert "ERROR" not in log, log
        assert not leaderboard.token or leaderboard.token not in log


def test_the_environment_of_a_space_that_was_started_with_a_token_holds_none(tmp_path: Path) -> None:
    """Not even for root, who may look. The same for the backend with its page as for the worker alone."""
    if not Path("/proc").exists():
        pytest.skip("needs /proc: run it on Linux")
    from local_leaderboard import running

    with running(tmp_path, ("backend",), HF_TOKEN="hf_decoy") as spaces:
        try:
            environment = Path(f"/proc/{spaces['backend'].process.pid}/environ").read_bytes()
        except PermissionError:  # which Linux refuses to all but root
            return
    assert b"LEADERBOARD_DATA_DIR" in environment
    assert b"hf_decoy" not in environment
    assert os.environ.get("HF_TOKEN") is None
