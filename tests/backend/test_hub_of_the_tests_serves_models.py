"""transformers downloads a model from the Hub for tests, as it does from the real one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.hub import running_hub
from support.tiny_model import make_tiny_model

pytestmark = pytest.mark.slow

LOAD = """
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer
name, commit = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(name, revision=commit)
tokens = AutoTokenizer.from_pretrained(name, revision=commit)("Hi")["input_ids"]
print(json.dumps([model.num_parameters(), tokens]))
"""


def test_transformers_loads_a_gated_model_at_an_earlier_commit(tmp_path: Path) -> None:
    with running_hub() as hub:
        folder = make_tiny_model(tmp_path / "model")
        model = hub.add_model("acme/tiny", folder, gated="manual", readers={"bob"})
        wanted = model.head.id
        model.put({"config.json": "in this commit there is no model"})
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": hub.add_user("bob"),
            "HF_HOME": str(tmp_path / "home"),
        }
        command = [sys.executable, "-c", LOAD, "acme/tiny", wanted]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        parameters, tokens = json.loads(run.stdout)
        assert (parameters > 1000, len(tokens)) == (True, 2)
        assert hub.calls.count(route="fetch", status=200) == 1  # the weights, from where large files lie
