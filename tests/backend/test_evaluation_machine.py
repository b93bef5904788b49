"""lm_eval does not describe the machine, which takes ten programs and is not published."""

import pytest
from lm_eval.loggers.utils import add_env_info
from torch.utils import collect_env

from src.evaluation.reports.machine import machine_not_described


def test_no_program_is_started_to_describe_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[bool] = []
    monkeypatch.setattr(collect_env, "get_env_info", lambda: described.append(True))
    report: dict[str, object] = {}
    with machine_not_described():
        add_env_info(report)
    assert report["pretty_env_info"] == ""
    assert report["lm_eval_version"]
    assert not described
    add_env_info(report)
    assert described
