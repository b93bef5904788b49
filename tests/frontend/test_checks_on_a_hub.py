"""The checks that look at a model, each on a real repository of the Hub of the tests, and what they cost."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from src.board.keeper import Keeper
from src.checks import CHECKS, model_exists
from src.shared.data.backend_description import BackendDescription, write_description
from src.shared.data.names import BACKEND_DESCRIPTION, BLOCKLIST
from src.shared.data.request import Request
from src.shared.models.hub_models import HubModels
from src.shared.stores.hub import Hub as Client
from src.shared.stores.hub_store import HubStore
from src.submitting.accounts import Accounts
from src.submitting.desk import Desk, NotAccepted
from src.submitting.form import Form
from src.submitting.group_commit import GroupCommit
from src.submitting.receipts import submissions
from src.submitting.submitter import ANONYMOUS, Submitter
from support.boards import TASKS
from support.factories import CARD_TEXT, MODEL, make_backend
from support.hub import Fault, Hub, Repository, running_hub
from support.hub.repository import RepoName
from support.sources import ROOT
from support.waiting import PATIENCE

ALICE, MALLORY = Submitter("alice", frozenset({"acme"})), Submitter("mallory", frozenset({"evil"}))
BACKEND = make_backend(architectures=("LlamaForCausalLM",), quantizations=("fp8",), max_model_gb=20)
UNREACHABLE = "http://127.0.0.1:9"
LLAMA = {"architectures": ["LlamaForCausalLM"]}


def weights(params: int = 200, dtype: str = "F32") -> bytes:
    """A file of which only the header is true."""
    header = json.dumps({"weight": {"dtype": dtype, "shape": [params], "data_offsets": [0, 0]}}).encode()
    return len(header).to_bytes(8, "little") + header


def files(
    *, card: str = "license: mit", text: str = CARD_TEXT, **others: bytes | str | None
) -> dict[str, bytes | str]:
    """A model that nothing is wrong with, but for what is named; None leaves a file out."""
    whole: dict[str, bytes | str | None] = {
        "README.md": f"---\n{card}\n---\n{text}",
        "config.json": json.dumps(LLAMA),
        "model.safetensors": weights(),
    }
    whole |= {name.replace("__", "."): content for name, content in others.items()}
    return {name: content for name, content in whole.items() if content is not None}


def adapter(*, base: str | None = "acme/base", **others: bytes | str | None) -> dict[str, bytes | str]:
    """An adapter that names its base model, if it does."""
    config = {"peft_type": "LORA", **({"base_model_name_or_path": base} if base else {})}
    return files(
        config__json=None,
        model__safetensors=None,
        adapter_config__json=json.dumps(config),
        adapter_model__safetensors=weights(),
        **others,
    )


class Frontend:
    """One frontend's keeper and desk on a Hub, which it asks with the token of alice of acme."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.token = hub.add_user("alice", {"acme": "write"})
        client, reader = self.client(self.token), self.client(hub.add_user("reader"))
        requests = HubStore(client, "acme/requests")
        self.keeper = Keeper(requests, HubStore(client, "acme/results"), TASKS)
        self._group = GroupCommit(requests, self.keeper.read_requests, submissions(), show=self.keeper.show)
        self.desk = self.desk_with(HubModels(client, reader))
        self.keeper.sync()

    def client(self, token: str | None = None) -> Client:
        return Client(token, endpoint=self.hub.url, patience=0, sleep=lambda _: None)

    def desk_with(self, models: HubModels) -> Desk:
        return Desk(
            models,
            self._group,
            requests=lambda: self.keeper.requests_now,
            backend=lambda: self.keeper.now.board.backend,
            blocked=lambda: self.keeper.blocked,
        )

    def block(self, text: str) -> None:
        self.hub.get(RepoName("dataset", "acme/requests")).put({BLOCKLIST: text})
        self.keeper.sync()

    def describe(self, backend: BackendDescription | None) -> None:
        """Have the backend say what it runs, or nothing."""
        results = self.hub.get(RepoName("dataset", "acme/results"))
        if backend:
            results.put({BACKEND_DESCRIPTION: write_description(backend)})
        else:
            results.put(delete=[BACKEND_DESCRIPTION])
        self.keeper.sync()

    def submit(self, model: str = MODEL, who: Submitter = ANONYMOUS, **fields: Any) -> Request:
        form = Form(**{"model": model, "precision": "float32", "model_type": "pretrained", **fields})
        return self.desk.submit(form, who).request

    def refused(self, model: str = MODEL, who: Submitter = ANONYMOUS, **fields: Any) -> tuple[str, str]:
        """What the only thing that is wrong is about, and its sentence."""
        with pytest.raises(NotAccepted) as refusal:
            self.submit(model, who, **fields)
        [problem] = refusal.value.problems
        return problem.field, str(problem)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_dataset("acme/requests")
        hub.add_dataset("acme/results", {BACKEND_DESCRIPTION: write_description(BACKEND)})
        yield hub


@pytest.fixture
def frontend(hub: Hub) -> Frontend:
    return Frontend(hub)


@pytest.fixture
def model(hub: Hub) -> Repository:
    return hub.add_model(MODEL, files())


# Whether it is there, and for whom


NOT_FOUND = "There is no model {} on the Hub, or it is private. Check its name, or make it public."


def test_a_model_that_is_not_there_is_not_found(frontend: Frontend) -> None:
    assert frontend.refused("acme/none") == ("model", NOT_FOUND.format("acme/none"))


@pytest.mark.parametrize("who", [ALICE, Submitter("Acme"), Submitter("bob", frozenset({"ACME"}))])
def test_who_owns_a_private_model_is_told_that_it_is(hub: Hub, frontend: Frontend, who: Submitter) -> None:
    hub.add_model("acme/secret", files(), private=True)
    assert frontend.refused("acme/secret", who) == (
        "model",
        "acme/secret is private. Make it public, so that everybody can see what is on the leaderboard.",
    )


@pytest.mark.parametrize("who", [ANONYMOUS, MALLORY])
def test_strangers_hear_of_a_private_model_what_they_hear_of_one_that_is_not_there(
    hub: Hub, frontend: Frontend, who: Submitter
) -> None:
    hub.add_model("acme/secret", files(), private=True)
    assert frontend.refused("acme/secret", who) == ("model", NOT_FOUND.format("acme/secret"))
    assert frontend.refused("acme/none", who) == ("model", NOT_FOUND.format("acme/none"))


@pytest.mark.parametrize("who", [ANONYMOUS, MALLORY])
def test_strangers_do_not_learn_of_a_private_model_by_a_revision_that_it_does_not_have(
    hub: Hub, frontend: Frontend, who: Submitter
) -> None:
    hub.add_model("acme/secret", files(), private=True)
    assert frontend.refused("acme/secret", who, revision="v2") == ("model", NOT_FOUND.format("acme/secret"))


@pytest.mark.parametrize("who", [ANONYMOUS, ALICE])
def test_a_private_base_model_that_only_the_adapter_names_is_named_in_the_message(
    hub: Hub, frontend: Frontend, who: Submitter
) -> None:
    """Nobody has typed it, so the form does not have it."""
    hub.add_model("acme/base", files(), private=True)
    hub.add_model("acme/adapter", adapter())
    field, message = frontend.refused("acme/adapter", who, weight_type="Adapter")
    assert field == "base_model"
    assert ("acme/base is private" if who is ALICE else NOT_FOUND.format("acme/base")) in message


def test_a_private_base_model_is_not_told_to_strangers(hub: Hub, frontend: Frontend) -> None:
    hub.add_model("acme/base", files(), private=True)
    hub.add_model("evil/adapter", adapter())
    fields = {"weight_type": "Adapter", "base_model": "acme/base"}
    assert frontend.refused("evil/adapter", MALLORY, **fields) == (
        "base_model",
        NOT_FOUND.format("acme/base"),
    )


def test_a_gated_model_without_access_says_which_token_needs_it(hub: Hub, frontend: Frontend) -> None:
    gated = hub.add_model("meta/gated", files(), gated="manual")
    assert frontend.refused("meta/gated") == (
        "model",
        "meta/gated is gated, and this leaderboard has no access to it. Open it, or ask the leaderboard's "
        "owner to request access and to set HF_READ_TOKEN to a token that has it.",
    )
    gated.readers.add("reader")
    assert frontend.submit("meta/gated").model == "meta/gated"


def test_our_own_wrong_token_is_said_as_such(hub: Hub, frontend: Frontend, model: Repository) -> None:
    hub.accounts.revoke(frontend.token)
    assert frontend.refused() == (
        "model",
        "Cannot look up acme/tiny: the Hub does not accept the token in HF_TOKEN. Create a new one and set "
        "it as HF_TOKEN.",
    )


def test_a_hub_that_cannot_be_reached_is_said_as_such(frontend: Frontend) -> None:
    models = HubModels(Client("hf_x", endpoint=UNREACHABLE, patience=0))
    frontend.desk = frontend.desk_with(models)
    field, message = frontend.refused()
    assert field == "model"
    assert f"Cannot look up acme/tiny: {UNREACHABLE} cannot be reached." in message


def test_a_disabled_model_is_said_as_such(frontend: Frontend, model: Repository) -> None:
    model.disabled = True
    assert frontend.refused() == ("model", "The Hub has disabled acme/tiny. See its page for the reason.")


# Its revision


@pytest.mark.parametrize("revision", ["v2", "0" * 40, "refs/pr/9"])
def test_a_revision_that_is_not_there_is_named(frontend: Frontend, model: Repository, revision: str) -> None:
    assert frontend.refused(revision=revision) == (
        "revision",
        f"acme/tiny has no revision {revision}: name a branch, a tag or a commit that it has.",
    )


def test_branches_tags_and_short_commits_are_resolved_to_their_commit(
    frontend: Frontend, model: Repository
) -> None:
    old = model.head.id
    model.history.point("refs/tags/v1", old)
    model.history.point("refs/heads/feature/x", old)
    model.put({"new.txt": "new"})
    first = frontend.submit(revision="v1")
    assert (first.revision, first.commit) == ("v1", old)
    for same in ("feature/x", old, old[:8]):
        field, message = frontend.refused(revision=same)
        assert (
            field,
            f"acme/tiny (commit {old[:8]}, float32, Original) was already submitted" in message,
        ) == (
            "model",
            True,
        )
    assert frontend.submit().commit == model.head.id


def test_main_and_its_commit_are_the_same(frontend: Frontend, model: Repository) -> None:
    first = frontend.submit(revision=model.head.id)
    assert first.commit == model.head.id
    field, message = frontend.refused(revision="main")
    assert field == "model"
    assert "was already submitted and is PENDING: its request is acme/tiny_eval_request_False" in message


# What it is called


def test_a_renamed_model_is_submitted_under_its_present_name(
    hub: Hub, frontend: Frontend, model: Repository
) -> None:
    hub.rename("model", MODEL, "new/name")
    assert frontend.submit(MODEL).model == "new/name"
    for name in (MODEL, "new/name", "NEW/Name"):
        field, message = frontend.refused(name)
        assert (field, "new/name (commit" in message and "already" in message) == ("model", True)


@pytest.mark.parametrize("blocked", [MODEL, "new/name", "new/*"])
def test_a_blocked_model_is_blocked_under_its_old_name_and_after_a_rename(
    hub: Hub, frontend: Frontend, model: Repository, blocked: str
) -> None:
    hub.rename("model", MODEL, "new/name")
    frontend.block(f"models:\n- {blocked}: it leaks")
    field, message = frontend.refused(MODEL)
    assert field == "model"
    assert message.endswith("is not evaluated here: it leaks. Ask the leaderboard's owner about it.")


def test_a_base_model_is_blocked_after_a_rename_too(hub: Hub, frontend: Frontend) -> None:
    hub.add_model("acme/base", files())
    hub.add_model(MODEL, adapter())
    hub.rename("model", "acme/base", "new/base")
    frontend.block("models:\n- new/base: it leaks")
    assert frontend.refused(weight_type="Adapter") == (
        "base_model",
        "'new/base' is not evaluated here: it leaks. Ask the leaderboard's owner about it.",
    )


@pytest.mark.parametrize("name", ["index/tiny", "logs/tiny"])
def test_a_model_named_as_our_own_folders_is_refused(hub: Hub, frontend: Frontend, name: str) -> None:
    hub.add_model(name, files())
    assert frontend.refused(name) == (
        "model",
        f"{name} cannot be the name of a folder in the requests dataset. Rename the model.",
    )


# What lies in it

UNKNOWN_CODE = {"architectures": ["OddForCausalLM"], "auto_map": {"AutoModelForCausalLM": "odd.Odd"}}

REFUSED: list[tuple[str, Mapping[str, bytes | str], dict[str, str], str, str]] = [
    (
        "has_safetensors_weights",
        files(model__safetensors=None, pytorch_model__bin="x"),
        {},
        "model",
        "acme/tiny has only PyTorch files, but only weights in safetensors files are evaluated. Save it with "
        "model.save_pretrained(), or convert it with https://huggingface.co/spaces/safetensors/convert.",
    ),
    (
        "needs_no_remote_code",
        files(config__json=json.dumps(UNKNOWN_CODE)),
        {},
        "model",
        "acme/tiny needs code of its own (auto_map in config.json), but we do not run code that comes "
        "with models. Submit a version whose architecture transformers knows.",
    ),
    (
        "architecture_is_known",
        files(config__json=json.dumps({"architectures": ["OddForCausalLM"]})),
        {},
        "model",
        "acme/tiny is a 'OddForCausalLM', and the transformers 5.23.0 of this leaderboard has no such causal "
        "language model. Ask the owner for a newer version.",
    ),
    (
        "weights_can_be_loaded",
        files(config__json=json.dumps({**LLAMA, "quantization_config": {"quant_method": "gptq"}})),
        {},
        "model",
        "The weights of acme/tiny are quantized with 'gptq', which this leaderboard's worker cannot load. "
        "Submit the model without quantization, or ask the owner to install what the method needs.",
    ),
    (
        "fits_the_size_cap",
        files(model__safetensors=weights(7_000_000_000, "BF16")),
        {},
        "precision",
        "acme/tiny has 28 GB of weights in float32, but the limit of this leaderboard is 20 GB. "
        "Choose float16 or bfloat16.",
    ),
    (
        "states_a_license",
        files(card="language: en"),
        {},
        "model",
        "acme/tiny states no licence. Add `license:`, or both `license_name:` and `license_link:`, to the "
        "metadata at the top of its README.md.",
    ),
    (
        "states_a_license",
        files(card="license_name: ours"),
        {},
        "model",
        "acme/tiny states no licence. Add `license:`, or both `license_name:` and `license_link:`, to the "
        "metadata at the top of its README.md.",
    ),
    (
        "has_a_model_card",
        files(text="# Tiny\n"),
        {},
        "model",
        "acme/tiny has a model card with 0 characters of text. Describe in its README.md what it is, how it "
        "was trained and what it is for, in at least 200 characters.",
    ),
    (
        "weight_type_fits_the_files",
        files(),
        {"weight_type": "Adapter", "base_model": "acme/base"},
        "weight_type",
        "acme/tiny is not an adapter: it has no adapter_config.json. Choose another weights type.",
    ),
    (
        "weight_type_fits_the_files",
        adapter(),
        {},
        "weight_type",
        "acme/tiny is an adapter (it has adapter_config.json). Choose Adapter as its weights type.",
    ),
    (
        "has_a_base_model_where_it_needs_one",
        adapter(base=None),
        {"weight_type": "Adapter"},
        "base_model",
        "acme/tiny was submitted as Adapter, but its base model is missing. Name the model that it was made "
        "from.",
    ),
    (
        "has_a_base_model_where_it_needs_one",
        adapter(base="acme/gone"),
        {"weight_type": "Adapter"},
        "base_model",
        NOT_FOUND.format("acme/gone"),
    ),
    (
        "has_the_base_model_that_it_was_made_from",
        adapter(base="acme/else"),
        {"weight_type": "Adapter", "base_model": "acme/base"},
        "base_model",
        "acme/tiny was trained on 'acme/else' (`base_model_name_or_path` in adapter_config.json), not on "
        "acme/base. Name the base model that it was trained on, or correct the file.",
    ),
]


@pytest.mark.parametrize(
    ("content", "fields", "field", "sentence"),
    [case[1:] for case in REFUSED],
    ids=[f"{case[0]}-{number}" for number, case in enumerate(REFUSED)],
)
def test_what_lies_in_a_repository_is_refused_with_what_to_do(
    hub: Hub,
    frontend: Frontend,
    content: Mapping[str, bytes | str],
    fields: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    hub.add_model("acme/base", files())
    hub.add_model(MODEL, content)
    assert frontend.refused(**fields) == (field, sentence)


def test_a_model_without_a_card_lacks_its_licence_too(hub: Hub, frontend: Frontend) -> None:
    hub.add_model(MODEL, files(README__md=None))
    with pytest.raises(NotAccepted) as refusal:
        frontend.submit()
    licence, card = map(str, refusal.value.problems)
    assert "acme/tiny states no licence" in licence
    assert "acme/tiny has no model card. Describe in its README.md" in card


def test_a_licence_with_a_name_and_a_link_is_one(hub: Hub, frontend: Frontend) -> None:
    hub.add_model(MODEL, files(card="license_name: ours\nlicense_link: https://acme.example/licence"))
    assert frontend.submit().license == "ours"


def test_an_adapter_is_accepted_with_its_base_model_and_the_commit_of_it(
    hub: Hub, frontend: Frontend
) -> None:
    base = hub.add_model("acme/base", files())
    hub.add_model(MODEL, adapter())
    request = frontend.submit(weight_type="Adapter")
    assert (request.base_model, request.base_commit) == ("acme/base", base.head.id)


def test_an_adapter_of_a_base_model_that_was_renamed_since_is_accepted(hub: Hub, frontend: Frontend) -> None:
    hub.add_model("acme/old", files())
    hub.rename("model", "acme/old", "acme/base")
    hub.add_model(MODEL, adapter(base="acme/old"))
    assert frontend.submit(weight_type="Adapter", base_model="acme/base").base_model == "acme/base"


def test_a_hub_that_fails_about_the_old_name_of_a_base_model_makes_no_wrong_one_of_it(
    hub: Hub, frontend: Frontend
) -> None:
    hub.add_model("acme/old", files())
    hub.rename("model", "acme/old", "acme/base")
    hub.add_model(MODEL, adapter(base="acme/old"))
    hub.faults.strike_next(Fault.SERVER_ERROR, repository="acme/old", times=50)
    field, message = frontend.refused(weight_type="Adapter", base_model="acme/base")
    assert (field, message.partition(":")[0]) == ("base_model", "Cannot look up acme/old")
    assert "correct the file" not in message
    hub.faults.stop()
    assert frontend.submit(weight_type="Adapter", base_model="acme/base").base_model == "acme/base"


@pytest.mark.parametrize("base", ["x" * 5000, "acme/base\u202e\n<b>", "../../x", "a/b/c", "аcme/base"])
def test_a_base_model_that_an_adapter_names_and_that_cannot_be_one_is_refused_in_few_words(
    hub: Hub, frontend: Frontend, base: str
) -> None:
    """Strangers write adapter_config.json; what is not typed into the form is checked nowhere else."""
    hub.add_model(MODEL, adapter(base=base))
    field, message = frontend.refused(weight_type="Adapter")
    assert field == "base_model"
    assert "write it as organisation/model" in message
    assert (message.isprintable(), len(message) < 300) == (True, True)


def test_a_model_that_is_too_large_fits_in_half_the_precision(hub: Hub, frontend: Frontend) -> None:
    hub.add_model(MODEL, files(model__safetensors=weights(7_000_000_000, "BF16")))
    assert frontend.submit(precision="bfloat16").params == 7


def test_every_check_that_looks_at_a_model_is_here() -> None:
    own_tests = {"model_exists", "name_can_be_a_folder", "is_not_submitted_yet"}
    names = {check.__name__ for check in CHECKS[CHECKS.index(model_exists) :]}
    assert names == own_tests | {case[0] for case in REFUSED}


# What it costs


def routes(hub: Hub) -> list[str]:
    return [f"{call.method} {call.route} {call.repository or ''}".strip() for call in hub.calls.log]


def test_a_submission_of_a_whole_model_takes_at_most_six_calls(
    hub: Hub, frontend: Frontend, model: Repository
) -> None:
    hub.calls.reset()
    frontend.submit()
    assert len(routes(hub)) <= 6, routes(hub)


def test_an_adapter_takes_one_more_for_its_base_model(hub: Hub, frontend: Frontend) -> None:
    frontend.describe(None)
    hub.add_model("acme/base", files())
    hub.add_model(MODEL, adapter())
    hub.calls.reset()
    frontend.submit(weight_type="Adapter")
    assert len(routes(hub)) <= 7, routes(hub)


def test_a_token_takes_one_more(hub: Hub, frontend: Frontend, model: Repository) -> None:
    hub.add_user("bob")
    token = hub.add_token("bob", "fineGrained")
    accounts = Accounts(partial(Client, endpoint=hub.url))
    hub.calls.reset()
    assert frontend.submit(who=accounts.of_token(token)).submitted_by == "bob"
    assert len(routes(hub)) <= 7, routes(hub)


def test_what_was_looked_up_first_costs_no_more_than_one_more_look(
    hub: Hub, frontend: Frontend, model: Repository
) -> None:
    """Whoever looks at the form, corrects it and submits has the model looked up twice, and its card once."""
    form = Form(MODEL, precision="float32", model_type="pretrained")
    hub.calls.reset()
    for precision in ("float16", "bfloat16", "float32"):
        finding = frontend.desk.look_up(Form(MODEL, precision=precision, model_type="pretrained"))
        assert finding.problems == ()
    frontend.desk.submit(form)
    assert hub.calls.count(repository=MODEL) == 3


def test_a_form_that_breaks_a_rule_by_itself_costs_nothing(hub: Hub, frontend: Frontend) -> None:
    hub.calls.reset()
    for fields in ({"model": "../x"}, {"revision": "a..b"}, {"model_type": "x"}, {"base_model": "a/b/c"}):
        frontend.refused(**fields)
    assert routes(hub) == []


SUBMITTING = """
import sys
from pathlib import Path

import app
from src.page import page, visitors
from support.boards import Leaderboard

leaderboard = Leaderboard(Path(sys.argv[1]))
leaderboard.add_model()
leaderboard.desk.submit(leaderboard.form())
print(sorted({"torch", "transformers", "tensorflow", "jax"} & set(sys.modules)))
"""


def test_submitting_needs_neither_transformers_nor_torch(tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT / "frontend"), str(ROOT / "tests")])
    told = subprocess.run(
        [sys.executable, "-c", SUBMITTING, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert told.stdout.strip() == "[]", told.stderr
