"""Secrets leave the environment of the worker's process, and reach the worker all the same."""

import json
import os
import subprocess
import sys

import pytest

from src.withdrawn_secrets import is_secret

CODE = """
import json, os
from pathlib import Path
from src.withdrawn_secrets import withdraw_secrets
secrets = dict(withdraw_secrets())
environ = Path("/proc/self/environ").read_bytes().decode()
print(json.dumps({"secrets": secrets, "environ": environ, "python": dict(os.environ)}))
"""


def run(**variables: str) -> dict[str, object]:
    clean = {name: value for name, value in os.environ.items() if not is_secret(name)}
    environment = {**clean, "PYTHONPATH": "backend", **variables}
    command = [sys.executable, "-c", CODE]
    output = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
    found: dict[str, object] = json.loads(output)
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc: run it on Linux")
def test_a_token_is_handed_over_and_can_no_longer_be_read_in_proc() -> None:
    found = run(HF_TOKEN="hf_very_secret", OPENAI_API_KEY="sk_very_secret", DEVICE="cpu")
    assert found["secrets"] == {"HF_TOKEN": "hf_very_secret", "OPENAI_API_KEY": "sk_very_secret"}
    assert "very_secret" not in str(found["environ"])
    assert "very_secret" not in str(found["python"])
    assert "DEVICE=cpu" in str(found["environ"])


def test_without_secrets_nothing_is_started_anew() -> None:
    assert run()["secrets"] == {}


@pytest.mark.parametrize(
    "name", ["HF_TOKEN", "OAUTH_CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "GH_PAT", "MYSQL_PWD", "OPENAI_KEY"]
)
def test_a_variable_with_a_secrets_name_is_a_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["PATH", "PWD", "SPACE_AUTHOR_NAME", "TOKENIZERS_PARALLELISM", "WORKER_ID", "OWNER"]
)
def test_a_harmless_variable_is_not(name: str) -> None:
    assert not is_secret(name)
