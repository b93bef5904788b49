"""The demo models are made as the Hub would hold them, and always the same."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.sources import ROOT

NOVICE = "demo/adder-novice"


def make(folder: Path, *names: str) -> str:
    command = [sys.executable, str(ROOT / "scripts" / "make_models.py"), str(folder), *names]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def digests(model: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in model.iterdir()}


@pytest.mark.slow
def test_a_demo_model_is_made_whole_and_always_the_same(tmp_path: Path) -> None:
    assert make(tmp_path / "one", NOVICE).startswith(f"made {NOVICE}")
    make(tmp_path / "other", NOVICE)
    model = tmp_path / "one" / NOVICE
    assert digests(model) == digests(tmp_path / "other" / NOVICE)
    files = ["README.md", "config.json", "generation_config.json", "model.safetensors"]
    assert sorted(digests(model)) == [*files, "tokenizer.json", "tokenizer_config.json"]
    front_matter = yaml.safe_load((model / "README.md").read_text().split("---")[1])
    assert front_matter["license"] == "apache-2.0"


def test_a_model_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / NOVICE).mkdir(parents=True)
    assert make(tmp_path, NOVICE) == ""
    assert list((tmp_path / NOVICE).iterdir()) == []


def test_a_name_that_no_model_has_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        make(tmp_path, "demo/poet")
    assert "there is no model demo/poet" in failed.value.stderr
