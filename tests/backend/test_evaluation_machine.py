"""The machine of an evaluation is described in a few words, and not by lm_eval, which takes ten programs."""

import os
import platform
import socket
from types import SimpleNamespace

import pytest
import torch
from lm_eval.loggers.utils import add_env_info
from torch.utils import collect_env

from src.evaluation.lm_eval.engine import ENGINE
from src.evaluation.reports import machine as described
from src.evaluation.reports.machine import machine, machine_not_described
from src.evaluation.versions import added_versions
from src.shared.data.provenance import LONGEST_HARDWARE, PACKAGE, VERSION
from src.shared.version import VERSION as TEMPLATE_VERSION


def test_no_program_is_started_to_describe_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(collect_env, "get_env_info", lambda: asked.append(True))
    report: dict[str, object] = {}
    with machine_not_described():
        add_env_info(report)
    assert report["pretty_env_info"] == ""
    assert report["lm_eval_version"]
    assert not asked
    add_env_info(report)
    assert asked


@pytest.mark.parametrize(
    ("cores", "memory", "words"),
    [({0, 1}, 8_200_000_000, "CPU, 2 cores, 8 GB"), ({3}, 16 * 1024**3, "CPU, 1 core, 16 GB")],
)
def test_a_processor_is_its_cores_and_the_memory(
    cores: set[int], memory: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: cores)
    monkeypatch.setattr(described, "available_memory", lambda: memory)
    assert machine("cpu") == words


def test_where_the_system_does_not_restrict_processes_all_cores_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    assert machine("mps").startswith("MPS, 10 cores, ")


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_is_its_name_and_its_memory(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(name="NVIDIA H200", total_memory=150_110_011_392)
    monkeypatch.setattr(torch.cuda, "get_device_properties", {device: card}.__getitem__)
    assert machine(device) == "1 × NVIDIA H200 (140 GB)"


def test_this_machine_is_described_without_its_name() -> None:
    words = machine("cpu")
    assert len(words) <= LONGEST_HARDWARE
    assert socket.gethostname() not in words
    assert platform.node() not in words


def test_the_added_versions_are_what_is_installed_and_can_be_read_again() -> None:
    versions = added_versions(ENGINE.unnamed_packages)
    assert versions["torch"] == torch.__version__
    assert versions["leaderboard-template"] == TEMPLATE_VERSION
    assert versions.keys() == {"torch", "datasets", "accelerate", "python", "leaderboard-template"}
    assert all(PACKAGE.fullmatch(name) and VERSION.fullmatch(each) for name, each in versions.items())
