"""The examples in docs/api.md submit and withdraw as they stand there, on a Space with the login."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_leaderboard import ROOT, Space, running
from support.hub_process import RemoteHub, hub_process
from support.leaderboard import FRONTEND_PYTHON, TO_THE_HUB_OF_THE_TESTS, on_the_hub, with_a_login
from support.waiting import PATIENCE

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS, MODEL = "http://127.0.0.1:7860", "org/model"
REQUEST = "org/model_eval_request_False_bfloat16_Original_0123abcd.json"
SAY_IT = "\nimport json\nprint(json.dumps(answer))\n"

Answer = dict[str, Any]


def example(heading: str, language: str, *containing: str) -> str:
    """The one block of code below a heading that has these words in it."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert section, f"docs/api.md has no heading {heading}"
    blocks = re.findall(rf"^```{language}\n(.*?)^```", section[1], re.M | re.S)
    [block] = [each for each in blocks if all(word in each for word in containing)]
    return str(block)


READING = example("The API", "sh", "/call/leaderboard")
ANONYMOUS = example("`/submit`", "sh", "/call/submit")
BY_CURL = example("Who submits", "sh", "/call/submit", "Authorization: Bearer $TOKEN")
IN_PYTHON = example("Who submits", "python", 'api_name="/submit"')
WITHDRAW_BY_CURL = example("Who submits", "sh", "/call/withdraw", "Authorization: Bearer $TOKEN")
WITHDRAW_IN_PYTHON = example("Who submits", "python", 'api_name="/withdraw"')
MAINTAIN_BY_CURL = example("`/maintain`", "sh", "/call/maintain", "Authorization: Bearer $TOKEN")
MAINTAIN_IN_PYTHON = example("`/maintain`", "python", 'api_name="/maintain"')
FOLLOW = example("Following a request", "python", 'api_name="/queue"')


@dataclass(frozen=True)
class Place:
    """A Hub, a frontend on it that takes itself for a Space, and the tokens of two users."""

    hub: RemoteHub
    frontend: Space
    folder: Path
    alice: str
    mallory: str
    bob: str
    """A maintainer."""

    def add_model(self, name: str) -> str:
        """A model that can be submitted. Returns its name."""
        folder = make_model_folder(self.folder / "models" / name)
        self.hub.do("add_repository", type="model", id=name, folder=str(folder))
        return name

    def curl(self, example: str, token: str, **replaced: str) -> Answer:
        """Run an example of curl's, with this token in its variable. Returns the answer."""
        if not shutil.which("curl"):
            pytest.skip("curl is missing: install it")
        out = run(["bash", "-c", self._here(example, **replaced)], TOKEN=token)
        [line] = [line for line in out.splitlines() if line.startswith("data: [")]
        [answer] = json.loads(line.removeprefix("data: "))
        return dict(answer)

    def python(self, example: str, token: str, **replaced: str) -> str:
        """Run an example in Python, in the environment of the frontend. Returns what it prints."""
        return run([FRONTEND_PYTHON, "-c", self._here(example, **replaced)], TOKEN=token)

    def _here(self, example: str, *, model: str = MODEL, request: str = REQUEST) -> str:
        assert ADDRESS in example
        return example.replace(ADDRESS, self.frontend.url).replace(REQUEST, request).replace(MODEL, model)

    def get(self, path: str) -> Any:
        """What the Hub answers at an address."""
        with urllib.request.urlopen(f"{self.hub.url}/{path}") as answer:
            return json.load(answer)

    def request(self, path: str) -> Any:
        """A file of the requests dataset."""
        return self.get(f"datasets/acme/requests/resolve/main/{path}")

    def calls(self, **wanted: str) -> list[str]:
        """What was asked of the Hub, by a user or of a repository."""
        calls = self.hub.do("calls")
        return [call["route"] for call in calls if all(call[key] == value for key, value in wanted.items())]


def run(command: list[str], **variables: str) -> str:
    """What a command prints; it fails when the command does."""
    environment = os.environ | TO_THE_HUB_OF_THE_TESTS | {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"} | variables
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=ROOT
    )
    assert not ran.returncode, ran.stderr
    return ran.stdout


def make_model_folder(folder: Path) -> Path:
    """A model of which only what a submission looks at is there."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n" + "It was made for a test. " * 20)
    header = json.dumps({"weight": {"dtype": "F32", "shape": [10, 20], "data_offsets": [0, 800]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("api")
    with hub_process(FRONTEND_PYTHON) as hub:
        owner = hub.do("add_user", name="owner", organizations={"acme": "admin"})
        for dataset in ("requests", "results"):
            hub.do("add_repository", type="dataset", id=f"acme/{dataset}", files={"README.md": "# A dataset"})
        tokens = {}
        for name in ("alice", "mallory", "bob"):
            hub.do("add_user", name=name)
            tokens[name] = hub.do("add_token", user=name, role="fineGrained")
        settings = on_the_hub(hub, owner) | with_a_login(hub) | {"ANONYMOUS_SUBMISSIONS": "false"}
        settings["MAINTAINERS"] = "bob"
        with running(folder, ("frontend",), **settings) as spaces:
            yield Place(hub, spaces["frontend"], folder, **tokens)


def test_the_example_of_reading_needs_no_token(place: Place) -> None:
    assert place.curl(READING, "")["headers"][:4] == ["Rank", "T", "Model", "Average ⬆️"]


def test_a_space_does_not_answer_in_one_step(place: Place) -> None:
    request = urllib.request.Request(
        f"{place.frontend.url}/gradio_api/run/leaderboard",
        b'{"data": []}',
        {"Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert error.value.code == 404
    error.value.close()


def test_without_the_header_a_submission_is_refused_with_how_to_sign_in(place: Place) -> None:
    model = place.add_model("alice/unsigned")
    answer = place.curl(ANONYMOUS, place.alice, model=model)
    assert (answer["ok"], answer["request"]) == (False, None)
    assert answer["message"] == (
        "Sign in with your Hugging Face account first: press the button above the form. Programs send a "
        "token in the Authorization header."
    )
    assert answer["problems"] == [{"field": None, "message": answer["message"], "request": None}]


def test_the_example_of_curl_submits_for_whom_the_token_is(place: Place) -> None:
    model = place.add_model("alice/by-curl")
    place.hub.do("reset_calls")
    answer = place.curl(BY_CURL, place.alice, model=model)
    assert answer["ok"], answer
    request = place.request(answer["request"])
    assert (request["model"], request["submitted_by"], request["use_chat_template"]) == (
        model,
        "alice",
        False,
    )
    assert place.calls(user="alice") == ["whoami"]


def test_the_example_in_python_submits_for_whom_the_token_is(place: Place) -> None:
    model = place.add_model("alice/in-python")
    place.hub.do("reset_calls")
    answer = json.loads(place.python(IN_PYTHON + SAY_IT, place.alice, model=model).splitlines()[-1])
    assert answer["ok"], answer
    request = place.request(answer["request"])
    assert (request["model"], request["submitted_by"]) == (model, "alice")
    assert place.calls(user="alice") == ["whoami"]


def test_the_example_in_python_says_what_is_wrong_with_which_field(place: Place) -> None:
    said = place.python(IN_PYTHON, place.alice, model="alice/nothing")
    assert said.splitlines()[-1].startswith("model There is no model alice/nothing on the Hub")


def test_the_example_of_curl_withdraws_for_the_submitter_and_for_nobody_else(place: Place) -> None:
    model = place.add_model("alice/withdrawn-by-curl")
    path = place.curl(BY_CURL, place.alice, model=model)["request"]
    answer = place.curl(WITHDRAW_BY_CURL, place.mallory, request=path)
    assert not answer["ok"]
    assert answer["message"] == f"{model}: only alice, who submitted it, can withdraw it."
    assert place.request(path)["status"] == "PENDING"
    assert place.curl(WITHDRAW_BY_CURL, place.alice, request=path)["ok"]
    request = place.request(path)
    assert (request["status"], request["history"][-1]["by"]) == ("CANCELLED", "alice")


def test_the_examples_in_python_submit_withdraw_and_follow_to_the_end(place: Place) -> None:
    model = place.add_model("alice/withdrawn-in-python")
    said = place.python(f"{IN_PYTHON}\n{WITHDRAW_IN_PYTHON}\n{FOLLOW}", place.alice, model=model)
    assert said.splitlines()[-1] == "CANCELLED It was withdrawn by alice."


def test_the_example_of_curl_hides_a_model_for_a_maintainer_and_for_nobody_else(place: Place) -> None:
    model = place.add_model("alice/hidden-by-curl")
    told = place.curl(MAINTAIN_BY_CURL, place.alice, model=model)
    assert (told["ok"], told["message"]) == (False, "Only maintainers of this leaderboard can do this.")
    assert place.curl(MAINTAIN_BY_CURL, place.bob, model=model)["ok"]
    [act] = [each for each in place.request(".leaderboard/acts.json")["acts"] if each["name"] == model]
    assert (act["act"], act["by"]) == ("hide", "bob")
    assert "It was trained on the test questions." in place.curl(BY_CURL, place.alice, model=model)["message"]


def test_the_example_in_python_approves_what_waits(place: Place) -> None:
    path = "alice/waits_eval_request_False_bfloat16_Original_0123abcd.json"
    content = {
        "model": "alice/waits",
        "precision": "bfloat16",
        "weight_type": "Original",
        "status": "WAITING",
    }
    place.hub.do(
        "put",
        type="dataset",
        id="acme/requests",
        files={path: json.dumps(content | {"submitted_by": "alice", "format": 1})},
    )
    place.curl(MAINTAIN_BY_CURL, place.bob, model="alice/another")  # after an act the page is up to date
    assert "alice/waits (commit " in place.python(MAINTAIN_IN_PYTHON, place.bob)
    request = place.request(path)
    assert (request["status"], request["history"][-1]["by"]) == ("PENDING", "bob")


def test_a_submission_costs_the_hub_what_the_docs_say(place: Place) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("### What a submission asks of the Hub")[2].partition("\n## ")[0]
    told = [int(number) for number in re.findall(r"^\|.*\| (\d) \|", table, re.M)]
    assert told == [1, 1, 1, 2, 1, 1, 1, 1]
    model, requests = place.add_model("alice/counted"), "datasets/acme/requests"
    place.hub.do("reset_calls")
    assert place.curl(BY_CURL, place.alice, model=model)["ok"]
    assert place.calls(user="alice") == ["whoami"]
    assert place.calls(repository=model) == ["info", "resolve"]
    of_the_dataset = place.calls(repository=requests)
    assert "info" in of_the_dataset  # once more when the frontend happens to look at it meanwhile
    assert [route for route in of_the_dataset if route in ("preupload", "commit")] == ["preupload", "commit"]


def test_a_token_that_the_hub_does_not_know_is_refused(place: Place) -> None:
    model = place.add_model("alice/unknown-token")
    answer = place.curl(BY_CURL, "hf_" + "x" * 34, model=model)
    assert not answer["ok"]
    assert answer["message"].startswith("The Hub does not accept the token in the Authorization header.")


def test_the_token_is_in_no_log_and_in_nothing_of_the_datasets(place: Place) -> None:
    model = place.add_model("alice/secret")
    path = place.curl(BY_CURL, place.alice, model=model)["request"]
    place.curl(WITHDRAW_BY_CURL, place.alice, request=path)
    log = place.frontend.log.read_bytes()
    assert path.encode() in log
    kept = [file.read_bytes() for file in place.folder.rglob("*") if file.is_file()]
    for dataset in ("acme/requests", "acme/results"):
        kept.append(json.dumps(place.get(f"api/datasets/{dataset}/commits/main")).encode())
        for sibling in place.get(f"api/datasets/{dataset}")["siblings"]:
            address = f"{place.hub.url}/datasets/{dataset}/resolve/main/{sibling['rfilename']}"
            with urllib.request.urlopen(address) as answer:
                kept.append(answer.read())
    assert any(f"Withdraw {path}".encode() in each for each in kept)
    assert not [each[:200] for each in kept if place.alice.encode() in each]
