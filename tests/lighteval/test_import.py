"""What lighteval's own command line leaves is imported with exactly its scores, on a board of lighteval."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from src.import_results import import_folders, read_options
from src.settings import Settings
from src.shared.data.backend_description import write_description
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.reports import read_result
from src.shared.data.request import Status, read_request
from src.shared.models.folder_models import folder_commit
from support.factories import make_backend, make_task
from support.lighteval_jobs import SHIPPED, SHIPPED_FILE, lighteval_job, on_the_command_line

NAMES = [f"acme/model-{number}" for number in range(5)]


def test_five_folders_of_lighteval_are_imported(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    jobs = []
    for name in NAMES:
        folder = data / "models" / name
        shutil.copytree(model, folder)
        (folder / "README.md").write_text(f"# {name}")  # so that each has a commit of its own
        jobs.append((lighteval_job(folder), SHIPPED_FILE))
    reports = on_the_command_line(jobs)
    board = make_backend(engine="lighteval", tasks=tuple(make_task(task, metrics=()) for task in SHIPPED))
    described = data / "results" / BACKEND_DESCRIPTION
    described.parent.mkdir(parents=True)
    described.write_bytes(write_description(board))
    settings = Settings(leaderboard_data_dir=str(data))
    for name, report in zip(NAMES, reports, strict=True):
        place = elsewhere / name / "results" / "_tmp_models"
        place.mkdir(parents=True)
        (place / "results_2026-01-31T12-00-00.000000.json").write_text(json.dumps(report))
        told = ("--model", name, "--commit", folder_commit(data / "models" / name))
        status = 0 if import_folders(settings, read_options([str(elsewhere / name), *told])) else 1
        assert status == 0, capsys.readouterr().out
    requests = [read_request(path.read_bytes()) for path in (data / "requests").glob("acme/*.json")]
    assert {each.model for each in requests} == {*NAMES}
    assert {each.status for each in requests} == {Status.FINISHED}
    by_model = dict(zip(NAMES, reports, strict=True))
    for request in requests:
        file = (data / "results" / str(request.result)).read_bytes()
        result = read_result(str(request.result), file)
        named = {**by_model[request.model], "config": {"model_name": request.model}}  # it names a folder
        assert result.scores == read_result("", json.dumps(named).encode()).scores
        assert str(tmp_path).encode() not in file
