"""A submission is refused with a sentence that says what to do, or it is in the queue."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from src.checks import CHECKS, CLOSED
from src.shared.data.names import BACKEND_DESCRIPTION
from src.shared.data.request import RESUBMITTED, Attempt, Lease, Progress, Request, Status, read_request
from src.shared.errors import Conflict, LeaderboardError, StoreError
from src.shared.stores.hub import RETRIED
from src.shared.stores.mirror import Reading
from src.shared.stores.store import Snapshot, Store
from src.submitting.case import Case
from src.submitting.desk import NotAccepted
from src.submitting.form import Form, Refused, tidied
from src.submitting.limits import Terms
from src.submitting.new_request import form_of
from src.submitting.recent_models import LOOKUPS_OF_ONE
from src.submitting.submitter import Submitter
from support.boards import NOW, Leaderboard, path_of
from support.factories import COMMIT, MODEL, make_request, old_request_file


def the_request(leaderboard: Leaderboard) -> Request:
    """The only request there is."""
    [request] = leaderboard.keeper.read_requests().values.values()
    return request


def commit_of(leaderboard: Leaderboard, model: str = MODEL) -> str:
    return leaderboard.models.describe(model).commit


# What is written


def test_a_submission_becomes_a_request_with_every_field(leaderboard: Leaderboard) -> None:
    leaderboard.add_model(
        tensors={"weight": {"dtype": "F32", "shape": [2_000_000], "data_offsets": [0, 8_000_000]}}
    )
    receipt = leaderboard.desk.submit(leaderboard.form())
    commit = commit_of(leaderboard)
    assert receipt.path == f"{MODEL}_eval_request_False_float32_Original_{commit[:8]}.json"
    assert receipt.position == 1
    assert json.loads((leaderboard.folder / "requests" / receipt.path).read_text()) == {
        "model": MODEL,
        "base_model": "",
        "revision": "main",
        "private": False,
        "precision": "float32",
        "weight_type": "Original",
        "status": "PENDING",
        "submitted_time": "2026-02-01T12:00:00Z",
        "model_type": "🟢 : pretrained",
        "likes": None,
        "params": 0.002,
        "license": "mit",
        "commit": commit,
        "base_commit": None,
        "use_chat_template": False,
        "submitted_by": None,
        "run": None,
        "attempt": 0,
        "lease": None,
        "progress": None,
        "message": "It waits for a worker.",
        "history": [],
        "result": None,
        "tasks": None,
        "format": 1,
        "architectures": "LlamaForCausalLM",
    }


@pytest.mark.parametrize(("params", "billions"), [(200, 2e-07), (123_456_789, 0.123), (7_241_732_096, 7.242)])
def test_no_size_is_rounded_to_zero_which_would_mean_unknown(
    leaderboard: Leaderboard, params: int, billions: float
) -> None:
    leaderboard.add_model(
        tensors={"weight": {"dtype": "F32", "shape": [params], "data_offsets": [0, 4 * params]}}
    )
    assert leaderboard.desk.submit(leaderboard.form()).request.params == billions


def test_spaces_links_and_short_names_are_tidied(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    form = Form(" https://huggingface.co/acme/tiny ", "", " ", " float32 ", " Original ", " Pretrained ")
    request = leaderboard.desk.submit(form).request
    assert (request.model, request.revision, request.precision, request.weight_type, request.model_type) == (
        *("acme/tiny", "main", "float32", "Original"),
        "🟢 : pretrained",
    )


def test_the_revision_is_written_as_it_was_typed(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    commit = commit_of(leaderboard)
    request = leaderboard.desk.submit(leaderboard.form(revision=commit)).request
    assert (request.revision, request.commit) == (commit, commit)


def test_positions_count_up(leaderboard: Leaderboard) -> None:
    for name in ("acme/a", "acme/b"):
        leaderboard.add_model(name)
    assert [leaderboard.desk.submit(leaderboard.form(name)).position for name in ("acme/a", "acme/b")] == [
        1,
        2,
    ]


def test_a_model_type_may_stay_unknown(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    assert leaderboard.desk.submit(leaderboard.form(model_type="?")).request.model_type == "? : "


# What is refused


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"model": ""}, "Which model?"),
        ({"model": "../secrets"}, "cannot be a model's name. Write it as on the Hub, organisation/model"),
        ({"model": "acme/tiny model"}, "cannot be a model's name"),
        ({"model": "a" * 201}, "The field model has 201 characters. Shorten it to at most 200"),
        ({"revision": "r" * 300}, "The field revision has 300 characters"),
        (
            {"precision": "int3"},
            "The precision 'int3' of 'acme/tiny' is not offered. Choose one of float16, bfloat16, float32",
        ),
        ({"precision": ""}, "The precision of 'acme/tiny' is missing. Choose one of"),
        ({"weight_type": "Lora"}, "The weight type 'Lora' of 'acme/tiny' is not offered"),
        ({"model_type": ""}, "The model type of 'acme/tiny' is missing. Choose one of 🟢 : pretrained"),
        ({"model_type": "huge"}, "The model type 'huge' of 'acme/tiny' is not offered"),
        ({"base_model": "a/b/c"}, "'a/b/c' cannot be a model's name"),
        ({"weight_type": "Delta"}, "Add the delta to its base model and submit the whole model"),
    ],
)
def test_a_form_that_breaks_a_rule_is_refused_with_what_to_do(
    leaderboard: Leaderboard, fields: dict[str, str], sentence: str
) -> None:
    leaderboard.add_model()
    with pytest.raises(NotAccepted, match=sentence):
        leaderboard.desk.submit(leaderboard.form(**fields))
    assert leaderboard.keeper.read_requests().values == {}


def test_a_model_or_a_revision_that_is_not_there_is_said_as_such(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    with pytest.raises(NotAccepted, match="acme/none"):
        leaderboard.desk.submit(leaderboard.form("acme/none"))
    with pytest.raises(NotAccepted, match="v2"):
        leaderboard.desk.submit(leaderboard.form(revision="v2"))


def test_a_closed_desk_says_what_to_set(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    desk = leaderboard.make_desk(leaderboard.requests, terms=Terms(anonymous=False))
    with pytest.raises(NotAccepted, match="ANONYMOUS_SUBMISSIONS"):
        desk.submit(leaderboard.form())
    assert "ANONYMOUS_SUBMISSIONS" in CLOSED


def test_an_owner_adds_a_rule_by_adding_a_function(
    leaderboard: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_ours(case: Case) -> None:
        if not case.form.model.startswith("ours/"):
            raise Refused("Only our own models are evaluated here.")

    monkeypatch.setattr("src.checks.CHECKS", [*CHECKS, is_ours])
    with pytest.raises(NotAccepted, match="Only our own"):
        leaderboard.desk.submit(leaderboard.form())


# Base models


def test_an_adapter_is_submitted_with_its_base_model_and_the_commit_of_it(leaderboard: Leaderboard) -> None:
    leaderboard.add_model(adapts="acme/base")
    leaderboard.add_model("acme/base", card="license: apache-2.0")
    form = leaderboard.form(weight_type="Adapter", base_model="acme/base")
    request = leaderboard.desk.submit(form).request
    assert (request.base_model, request.base_commit) == ("acme/base", commit_of(leaderboard, "acme/base"))


def test_a_base_model_can_be_named_at_a_commit_and_stays_at_it_when_submitted_again(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_model(adapts="acme/base")
    leaderboard.add_model("acme/base")
    commit = commit_of(leaderboard, "acme/base")
    receipt = leaderboard.desk.submit(
        leaderboard.form(weight_type="Adapter", base_model=f"acme/base@{commit}")
    )
    assert receipt.request.base_commit == commit
    assert form_of(receipt.request).base_model == f"acme/base@{commit}"
    (leaderboard.folder / "models/acme/base/config.json").write_text("{}")
    with pytest.raises(NotAccepted, match="acme/base has no revision") as refusal:
        leaderboard.make_desk(leaderboard.requests).submit(form_of(receipt.request))
    assert refusal.value.problems[0].field == "base_model"


def test_a_link_to_a_base_model_at_a_commit_names_both() -> None:
    link = f"https://huggingface.co/acme/base/tree/{COMMIT}"
    form = tidied(Form("acme/tiny", base_model=link))
    assert (form.base_name, form.base_revision) == ("acme/base", COMMIT)
    assert tidied(form) == form
    assert tidied(Form("acme/tiny", base_model="acme/base")).base_revision == "main"


def test_the_size_in_an_adapters_request_is_that_of_both(leaderboard: Leaderboard) -> None:
    leaderboard.add_model(adapts="acme/base")
    large = {"weight": {"dtype": "F32", "shape": [1000, 5000], "data_offsets": [0, 20_000_000]}}
    leaderboard.add_model("acme/base", tensors=large)
    request = leaderboard.desk.submit(leaderboard.form(weight_type="Adapter")).request
    assert request.params == pytest.approx(0.005, rel=0.01)


def test_a_base_model_that_the_card_names_need_not_be_typed(leaderboard: Leaderboard) -> None:
    leaderboard.add_model(card="license: mit\nbase_model: acme/base", adapts="/home/me/base")
    leaderboard.add_model("acme/base")
    assert leaderboard.desk.submit(leaderboard.form(weight_type="Adapter")).request.base_model == "acme/base"


def test_a_base_model_that_is_not_there_is_refused(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    with pytest.raises(NotAccepted, match="acme/gone"):
        leaderboard.desk.submit(leaderboard.form(weight_type="Adapter", base_model="acme/gone"))


def test_a_base_model_means_nothing_for_original_weights(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    assert leaderboard.desk.submit(leaderboard.form(base_model="acme/gone")).request.base_model == ""


# The same again


@pytest.mark.parametrize("status", [Status.PENDING, Status.RUNNING, Status.FINISHED])
def test_what_waits_runs_or_is_finished_is_not_submitted_again(
    leaderboard: Leaderboard, status: Status
) -> None:
    leaderboard.add_model()
    path = leaderboard.add_request(commit=commit_of(leaderboard), status=status)
    before = (leaderboard.folder / "requests" / path).read_bytes()
    with pytest.raises(NotAccepted, match=f"already submitted and is {status}: its request is {path}"):
        leaderboard.desk.submit(leaderboard.form())
    assert (leaderboard.folder / "requests" / path).read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "float16"},
        {"weight_type": "Delta"},
        {"commit": "f" * 40},
        {"use_chat_template": True},
    ],
)
def test_another_precision_weight_type_commit_or_chat_template_is_another_evaluation(
    leaderboard: Leaderboard, changes: dict[str, Any]
) -> None:
    leaderboard.add_model()
    leaderboard.add_request(**{"commit": commit_of(leaderboard), "status": Status.FINISHED, **changes})
    leaderboard.desk.submit(leaderboard.form())
    assert len(leaderboard.keeper.read_requests().values) == 2


def test_a_model_can_be_submitted_with_its_chat_template_and_without(leaderboard: Leaderboard) -> None:
    """Whoever forgot to tick it need not wait for the wrong evaluation."""
    leaderboard.add_model()
    without = leaderboard.desk.submit(leaderboard.form())
    with_it = replace(leaderboard.form(), use_chat_template=True)
    receipt = leaderboard.desk.submit(with_it)
    assert receipt.path == without.path.replace(".json", "_chat.json")
    with pytest.raises(
        NotAccepted, match=r"float32, Original, with its chat template\) was already submitted"
    ):
        leaderboard.desk.submit(with_it)


def test_a_revision_and_its_commit_are_the_same(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    leaderboard.desk.submit(leaderboard.form())
    with pytest.raises(NotAccepted, match="already submitted and is PENDING"):
        leaderboard.desk.submit(leaderboard.form(revision=commit_of(leaderboard)))


def test_an_old_request_of_the_same_revision_stands_but_the_commit_may_be_asked_for(
    leaderboard: Leaderboard,
) -> None:
    leaderboard.add_model("demo-leaderboard/gpt2-demo")
    leaderboard.write("results", BACKEND_DESCRIPTION, b"tasks: []")
    leaderboard.keeper.sync()
    old = leaderboard.write("requests", "demo-leaderboard/old.json", old_request_file(precision="float32"))
    form = leaderboard.form("demo-leaderboard/gpt2-demo")
    commit = commit_of(leaderboard, form.model)
    with pytest.raises(
        NotAccepted, match=f"its request is {old}. To evaluate the current commit, enter {commit}"
    ):
        leaderboard.desk.submit(form)
    assert leaderboard.desk.submit(replace(form, revision=commit)).request.commit == commit


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_failed_or_cancelled_request_is_submitted_again_in_its_own_file_with_its_history(
    leaderboard: Leaderboard, status: Status
) -> None:
    leaderboard.add_model()
    attempts = (Attempt(1, "here-0", NOW, NOW, "crashed", "It crashed.", "logs/acme/tiny/x_1.txt"),)
    old = make_request(
        commit=commit_of(leaderboard),
        status=status,
        message="It crashed.",
        history=attempts,
        attempt=2,
        run="2026-01-31T12-00-00.000000",
        lease=Lease("here-0", "n", NOW, NOW, NOW, "l4-x1", 0.8),
        progress=Progress("tiny_copy", 1, 2),
        extra={"sender": "somebody"},
        submitted_time="2026-01-01T00:00:00Z",
    )
    leaderboard.add_request(**vars(old))
    receipt = leaderboard.desk.submit(leaderboard.form())
    assert receipt.path == path_of(old)
    request = the_request(leaderboard)
    assert (request.status, request.extra["sender"]) == (Status.PENDING, "somebody")
    assert request.history == (
        *attempts,
        Attempt(
            2, "here-0", NOW, NOW, "cancelled", "It was cancelled while it ran.", hardware="l4-x1", price=0.8
        ),
        Attempt(2, "", old.submitted, NOW, RESUBMITTED, "It was submitted again."),
    )
    assert (request.run, request.attempt, request.lease, request.progress, request.result) == (
        None,
        0,
        None,
        None,
        None,
    )
    assert request.submitted_time == "2026-02-01T12:00:00Z"
    assert request.message == "It waits for a worker."


def test_even_without_that_check_nothing_but_a_failed_request_is_overwritten(
    leaderboard: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaderboard.add_model()
    path = leaderboard.add_request(commit=commit_of(leaderboard), status=Status.RUNNING)
    monkeypatch.setattr("src.checks.CHECKS", [])
    assert leaderboard.desk.submit(leaderboard.form()).path == path.replace(".json", "_2.json")


def test_a_name_that_another_file_has_is_not_taken(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    path = path_of(make_request(commit=commit_of(leaderboard)))
    leaderboard.write("requests", path, b"{broken")
    leaderboard.add_request(commit=commit_of(leaderboard)[:8] + "0" * 32, status=Status.FINISHED)
    assert leaderboard.desk.submit(leaderboard.form()).path in {
        path.replace(".json", "_2.json"),
        path.replace(".json", "_3.json"),
    }


# Withdrawn


def test_what_nobody_signed_in_for_only_a_maintainer_cancels(leaderboard: Leaderboard) -> None:
    path = leaderboard.add_request()
    with pytest.raises(Refused) as refusal:
        leaderboard.desk.withdraw(path, Submitter("bob")).result()
    assert (
        str(refusal.value)
        == f"{MODEL}: it was submitted without a login, so only a maintainer can cancel it."
    )


def test_who_names_no_request_to_withdraw_is_asked_which_at_once(leaderboard: Leaderboard) -> None:
    """No lookup is counted, and the dataset is not read."""
    for _ in range(LOOKUPS_OF_ONE + 1):
        with pytest.raises(Refused, match="Which request"):
            leaderboard.desk.withdraw("", Submitter("bob"))


# Several at once, and a dataset that misbehaves


class Interrupted:
    """A store where something happens just before, or just after, the first commit."""

    def __init__(self, store: Store, *, before: Any = None, after: Any = None) -> None:
        self._store, self._before, self._after = store, before, after
        self.pace = store.pace

    def __str__(self) -> str:
        return str(self._store)

    def snapshot(self) -> Snapshot:
        return self._store.snapshot()

    def read(self, snapshot: Snapshot, paths: Any) -> dict[str, bytes]:
        return self._store.read(snapshot, paths)

    def commit(self, *, add: Mapping[str, bytes], delete: Any = (), message: str, parent: Snapshot) -> None:
        before, after, self._before, self._after = self._before, self._after, None, None
        if before:
            before()
        self._store.commit(add=add, delete=delete, message=message, parent=parent)
        if after:
            after()


def fail(error: LeaderboardError) -> Any:
    def raise_it() -> None:
        raise error

    return raise_it


def test_a_neighbour_that_comes_first_is_seen_and_both_are_in_the_queue(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    leaderboard.add_model("acme/other")
    store = Interrupted(
        leaderboard.requests, before=lambda: leaderboard.desk.submit(leaderboard.form("acme/other"))
    )
    assert leaderboard.make_desk(store).submit(leaderboard.form()).position == 2


def test_the_same_model_that_comes_first_makes_it_a_duplicate(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    store = Interrupted(
        leaderboard.requests, before=lambda: leaderboard.add_request(commit=commit_of(leaderboard), likes=3)
    )
    with pytest.raises(NotAccepted, match="already submitted and is PENDING"):
        leaderboard.make_desk(store).submit(leaderboard.form())


@pytest.mark.parametrize("error", [Conflict("The answer got lost."), StoreError("The answer got lost.")])
def test_a_commit_that_landed_although_its_answer_was_lost_is_a_success(
    leaderboard: Leaderboard, error: LeaderboardError
) -> None:
    leaderboard.add_model()
    desk = leaderboard.make_desk(Interrupted(leaderboard.requests, after=fail(error)))
    assert desk.submit(leaderboard.form()).position == 1
    assert the_request(leaderboard).status is Status.PENDING


def test_a_dataset_that_cannot_be_written_is_said_as_such(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    error = StoreError("Cannot write to acme/requests: the token can only read.")
    with pytest.raises(StoreError, match="the token can only read"):
        leaderboard.make_desk(Interrupted(leaderboard.requests, before=fail(error))).submit(
            leaderboard.form()
        )


@pytest.mark.parametrize(
    "cause",
    [
        "the Hub's rate limit is used up.",
        "https://huggingface.co cannot be reached.",
        "the Hub answers with an error (503).",
    ],
)
def test_who_submits_while_the_hub_fails_is_not_told_that_it_is_tried_again(
    leaderboard: Leaderboard, cause: str
) -> None:
    leaderboard.add_model()
    error = StoreError(f"Cannot write to acme/requests: {cause} {RETRIED}")
    desk = leaderboard.make_desk(Interrupted(leaderboard.requests, before=fail(error)))
    with pytest.raises(StoreError) as told:
        desk.submit(leaderboard.form())
    assert str(told.value) == (
        "Nothing was written, and it will not be retried automatically. Send it again in a minute. If that "
        f"does not help, tell the leaderboard's owner: Cannot write to acme/requests: {cause}"
    )


def test_who_submits_is_told_where_nobody_knows_whether_it_was_written(
    leaderboard: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaderboard.add_model()
    read, is_down = leaderboard.keeper.read_requests, threading.Event()

    def read_unless_down() -> Reading[Request]:
        if is_down.is_set():
            raise StoreError(f"Cannot read acme/requests. {RETRIED}")
        return read()

    def go_down() -> None:
        is_down.set()
        raise StoreError(f"Cannot write to acme/requests. {RETRIED}")

    monkeypatch.setattr(leaderboard.keeper, "read_requests", read_unless_down)
    desk = leaderboard.make_desk(Interrupted(leaderboard.requests, after=go_down))
    with pytest.raises(
        StoreError, match=r"We could not find out whether it was written.*Look for it in the queue"
    ) as told:
        desk.submit(leaderboard.form())
    assert RETRIED not in str(told.value)
    is_down.clear()
    assert the_request(leaderboard).status is Status.PENDING


def test_a_dataset_that_never_stands_still_ends_in_a_sentence(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()

    class Restless(Interrupted):
        def commit(self, **_: Any) -> None:
            raise Conflict("It changed.")

    with pytest.raises(StoreError, match=r"Nothing was written.* changes faster than it can be written"):
        leaderboard.make_desk(Restless(leaderboard.requests)).submit(leaderboard.form())


def test_one_of_many_who_submit_the_same_at_once_succeeds(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    outcomes: list[str] = []

    def submit() -> None:
        try:
            leaderboard.desk.submit(leaderboard.form())
            outcomes.append("in the queue")
        except NotAccepted as error:
            outcomes.append("already" if "already" in str(error) else str(error))

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Two that write the same bytes in the same second cannot be told apart, and need not be.
    assert set(outcomes) <= {"in the queue", "already"}
    assert "in the queue" in outcomes
    assert read_request((leaderboard.folder / "requests" / path_of(the_request(leaderboard))).read_bytes())


OLD_REQUEST = (
    b'{"model": "acme/old", "base_model": "", "revision": "main", "private": false, "precision": "float16", '
    b'"weight_type": "Original", "status": "PENDING", "submitted_time": "2023-11-21T18:10:08Z", '
    b'"model_type": "? : ", "likes": 0, "params": 0, "license": ""}'
)


def test_nothing_is_taken_while_the_queue_belongs_to_an_old_backend(leaderboard: Leaderboard) -> None:
    leaderboard.add_model()
    leaderboard.write("requests", "acme/old_eval_request_False_float16_Original.json", OLD_REQUEST)
    leaderboard.keeper.sync()
    assert "when the owner has started the new backend" in leaderboard.keeper.now.cannot_submit
    with pytest.raises(NotAccepted, match="when the owner has started the new backend"):
        leaderboard.desk.submit(leaderboard.form())
    leaderboard.write("results", BACKEND_DESCRIPTION, b"tasks: []")
    leaderboard.keeper.sync()
    assert not leaderboard.keeper.now.cannot_submit
    leaderboard.desk.submit(leaderboard.form())
