"""Which rows are computed again, on which tasks and by which requests."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from src.shared.data.backend_description import BackendDescription
from src.shared.data.names import request_path
from src.shared.data.reports import read_result
from src.shared.data.request import RERUN, Request, Status
from src.shared.data.result import Result
from src.shared.errors import NotPossible
from src.shared.moderation.acts import Act, Done, Moderation
from src.shared.moderation.blocklist import Blocklist
from src.shared.moderation.rerun_rows import Records
from src.shared.moderation.rerun_tasks import Selection
from src.shared.moderation.reruns import Reruns, plan_reruns
from src.shared.moderation.reruns_in_words import told
from src.shared.stores.folder_store import FolderStore
from src.shared.stores.mirror import Reading
from src.shared.stores.store import Snapshot
from support.factories import COMMIT, MODEL, make_backend, make_request, make_result_file, make_task

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER = "f" * 40
ALL = ("tiny_addition", "tiny_agreement", "tiny_copy")
BACKEND = make_backend(
    tasks=tuple(make_task(name, version="1.0") for name in ALL),
    precisions=("float16", "float32"),
    weight_types=("Original", "Adapter"),
)


def path_of(request: Request) -> str:
    return request_path(
        request.model,
        private=False,
        precision=request.precision,
        weight_type=request.weight_type,
        commit=request.commit,
        use_chat_template=request.use_chat_template,
    )


def finished(**changes: Any) -> Request:
    return make_request(**{"status": Status.FINISHED, **changes})


def result(*tasks: str, path: str = "", run: str = "2026-01-31T12-00-00.000000", **changes: Any) -> Result:
    """A result with scores in these tasks."""
    scores = changes.pop("scores", {task: {"acc,none": 0.5} for task in tasks})
    data = make_result_file(scores=scores, run=run, **changes)
    return read_result(path or f"{changes.get('model', MODEL)}/results_{run}.json", data)


def by_hand(*tasks: str, **changes: Any) -> Result:
    """A result that names no request."""
    return result(*tasks, **{"leaderboard": {}, **changes})


def records(
    requests: list[Request] | Mapping[str, Request], results: list[Result], **changes: Any
) -> Records:
    if isinstance(requests, list):
        requests = {path_of(each): each for each in requests}
    blobs = dict.fromkeys(requests, "blob")
    readings = (
        Reading(Snapshot("1", blobs), requests, {}),
        Reading(Snapshot("1", {}), {each.path: each for each in results}, {}),
    )
    return Records(*readings, **{"description": BACKEND, **changes})


def plan(
    selection: Selection,
    requests: list[Request] | Mapping[str, Request],
    results: list[Result],
    **changes: Any,
) -> Reruns:
    return plan_reruns(selection, records(requests, results, **changes), by="alice", now=NOW)


def whys(reruns: Reruns) -> list[str]:
    assert not reruns.wanted
    return [each.why for each in reruns.left]


MISSING, OLDER, EVERYTHING = Selection(missing=True), Selection(older=True), Selection()


def test_all_evaluates_a_finished_request_again_on_everything() -> None:
    reruns = plan(EVERYTHING, [finished()], [result(*ALL)])
    [rerun] = reruns.wanted
    assert (rerun.path, rerun.tasks, rerun.is_new) == (path_of(finished()), ALL, False)
    assert (rerun.request.status, rerun.request.tasks) == (Status.PENDING, None)
    entry = rerun.request.history[-1]
    assert (entry.end, entry.by, entry.ended) == (RERUN, "alice", NOW)
    assert rerun.request.is_rerun
    assert reruns.evaluations == 3


def test_what_the_newest_evaluations_took_is_told_and_what_nobody_noted() -> None:
    def lines(*costs: dict[str, Any] | None) -> list[str]:
        requests = [finished(model=f"acme/m{number}") for number in range(len(costs))]
        results = [result(*ALL, model=f"acme/m{number}", cost=cost) for number, cost in enumerate(costs)]
        found = plan(EVERYTHING, requests, results)
        return [each for each in told(found, BACKEND, FolderStore(Path("x"))) if "took" in each]

    rented, own = {"seconds": 5_400, "price": 1.2}, {"seconds": 600}
    assert lines(rented, rented) == [
        "Their newest evaluations took 3 h 0 min in all, which cost at most $3.60."
    ]
    assert lines(own, own) == ["Their newest evaluations took 20 min in all."]
    assert lines(rented) == ["Its newest evaluation took 1 h 30 min, which cost at most $1.80."]
    assert lines(rented, own, None) == [
        "Their newest evaluations took 1 h 40 min in all, which cost at most $1.80 (1 row has no "
        "recorded time, 2 rows have no recorded cost)."
    ]
    assert lines(None) == []


def test_only_the_tasks_without_a_score_are_missing() -> None:
    [rerun] = plan(MISSING, [finished()], [result("tiny_copy", "tiny_addition")]).wanted
    assert rerun.tasks == rerun.request.tasks == ("tiny_agreement",)


def test_a_row_that_misses_everything_is_evaluated_on_all_tasks() -> None:
    [rerun] = plan(MISSING, [finished()], [result("another")]).wanted
    assert (rerun.tasks, rerun.request.tasks) == (ALL, None)


def test_a_score_that_is_no_finite_number_is_missing() -> None:
    scores = {**{task: {"acc,none": 0.5} for task in ALL}, "tiny_copy": {"exact_match,none": "NaN"}}
    [rerun] = plan(MISSING, [finished()], [result(scores=scores)]).wanted
    assert rerun.tasks == ("tiny_copy",)


def test_a_score_of_another_engine_is_missing() -> None:
    description = replace(BACKEND, engine="lighteval")
    [rerun] = plan(MISSING, [finished()], [result(*ALL)], description=description).wanted
    assert rerun.tasks == ALL


def test_a_row_that_has_everything_is_left_alone() -> None:
    assert whys(plan(MISSING, [finished()], [result(*ALL)])) == ["It needs nothing."]
    assert whys(plan(OLDER, [finished()], [result(*ALL)])) == ["It needs nothing."]


def test_scores_of_several_runs_of_a_commit_complete_a_row() -> None:
    results = [result(*ALL[:2]), result("tiny_copy", run="2026-02-01T12-00-00.000000")]
    assert whys(plan(MISSING, [finished()], results)) == ["It needs nothing."]


def test_only_tasks_of_another_version_are_older_by_their_newest_score() -> None:
    old = result(*ALL, versions=dict.fromkeys(ALL, 0.5))
    new = result("tiny_copy", run="2026-02-01T12-00-00.000000")
    [rerun] = plan(OLDER, [finished()], [old, new]).wanted
    assert rerun.tasks == ("tiny_addition", "tiny_agreement")


def test_a_version_that_nobody_tells_is_not_older() -> None:
    assert whys(plan(OLDER, [finished()], [result(*ALL, versions={})])) == ["It needs nothing."]
    description = make_backend()
    old = result(*ALL, versions=dict.fromkeys(ALL, 0.5))
    assert whys(plan(OLDER, [finished()], [old], description=description)) == ["It needs nothing."]


def test_missing_and_older_together_are_what_is_either() -> None:
    old = result("tiny_addition", "tiny_copy", versions={"tiny_addition": 0.5, "tiny_copy": 1.0})
    [rerun] = plan(Selection(missing=True, older=True), [finished()], [old]).wanted
    assert rerun.tasks == ("tiny_addition", "tiny_agreement")


def test_a_named_task_is_computed_again_for_every_row_and_only_where_it_is_needed() -> None:
    requests = [finished(), finished(model="acme/other")]
    results = [result("tiny_copy"), result("tiny_addition", model="acme/other")]
    tasks = ("tiny_copy",)
    reruns = plan(Selection(tasks=tasks), requests, results)
    assert [each.tasks for each in reruns.wanted] == [tasks, tasks]
    reruns = plan(Selection(tasks=tasks, missing=True), requests, results)
    assert [(each.request.model, each.tasks) for each in reruns.wanted] == [("acme/other", tasks)]


def test_named_models_are_the_only_ones_in_any_letter_case() -> None:
    requests = [finished(), finished(model="acme/other")]
    results = [result(*ALL), result(*ALL, model="acme/other")]
    [rerun] = plan(Selection(models=("ACME/Other",)), requests, results).wanted
    assert rerun.request.model == "acme/other"


def test_an_unknown_task_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(NotPossible) as error:
        plan(Selection(tasks=("tiny_copi",)), [finished()], [result(*ALL)])
    assert str(error.value) == (
        "The suite has no task tiny_copi: it has tiny_addition, tiny_agreement, tiny_copy."
    )


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(NotPossible, match=r"No result of acme/tyni is on this leaderboard: check the name\."):
        plan(Selection(models=("acme/tyni",)), [finished()], [result(*ALL)])


def test_a_suite_without_tasks_is_refused() -> None:
    with pytest.raises(NotPossible, match="The suite has no tasks yet: start the worker"):
        plan(MISSING, [], [], description=BackendDescription(tasks=()))


# Groups, tags, and names of lighteval

GROUP = make_task("group", parts=("one", "two"), subtasks=2)


def grouped(scores: Mapping[str, Mapping[str, object]], **changes: object) -> Reruns:
    return plan(
        MISSING, [finished()], [by_hand(scores=scores, **changes)], description=make_backend(tasks=(GROUP,))
    )


SCORE = {"acc,none": 0.5}


@pytest.mark.parametrize(
    ("scores", "is_there"),
    [
        pytest.param({"group": SCORE}, True, id="its own score"),
        pytest.param({"one": SCORE, "two": SCORE}, True, id="all its tasks"),
        pytest.param({"group": {}, "one": SCORE, "two": SCORE}, True, id="no score of its own"),
        pytest.param({"one": SCORE}, False, id="one of its tasks"),
        pytest.param({"group": {"acc,none": None}, "one": SCORE}, False, id="a score that is none"),
        pytest.param({"group|5": SCORE}, True, id="with its examples"),
    ],
)
def test_a_group_is_there_with_its_own_score_or_with_those_of_all_its_tasks(
    scores: dict[str, dict[str, object]], *, is_there: bool
) -> None:
    assert bool(grouped(scores).wanted) is not is_there


def test_a_group_that_a_run_was_given_is_there_although_some_parts_have_no_score() -> None:
    ours = {"tasks": {"group": 0}, "run": "2026-01-31T12-00-00.000000"}
    scores = {"one": SCORE, "inner": {"alias": "inner"}}
    assert not grouped(scores, leaderboard=ours).wanted


def test_of_a_tag_the_request_names_the_tag() -> None:
    tasks = (make_task("one", tag="tag"), make_task("two", tag="tag"), make_task("three"))
    description = make_backend(tasks=tasks)
    [rerun] = plan(MISSING, [finished()], [result("one", "three")], description=description).wanted
    assert rerun.request.tasks == ("tag",)
    [rerun] = plan(
        Selection(tasks=("two",)), [finished()], [result("one", "three")], description=description
    ).wanted
    assert rerun.request.tasks == ("tag",)


def test_the_names_of_lighteval_have_their_examples() -> None:
    tasks = (make_task("gsm8k|5"), make_task("mmlu|0", parts=("mmlu:a|0", "mmlu:b|0"), subtasks=2))
    lighteval = {
        "config_general": {"model_name": MODEL, "model_sha": COMMIT, "model_dtype": "float32"},
        "results": {"mmlu:a|0": {"acc": 0.5}, "mmlu:b|0": {"acc": 0.5}},
    }
    found = read_result("acme/tiny/results_2026.json", json.dumps(lighteval).encode())
    [rerun] = plan(
        MISSING, [finished()], [found], description=make_backend(tasks=tasks, engine="lighteval")
    ).wanted
    assert rerun.request.tasks == ("gsm8k|5",)


# Which request


def test_the_request_of_the_newest_commit_is_evaluated_and_not_that_of_its_history() -> None:
    old, new = finished(), finished(commit=OTHER)
    results = [
        result("tiny_copy"),
        result("tiny_copy", "tiny_addition", commit=OTHER, run="2026-02-01T12-00-00.000000"),
    ]
    [rerun] = plan(MISSING, [old, new], results).wanted
    assert (rerun.path, rerun.tasks) == (path_of(new), ("tiny_agreement",))


def test_each_precision_and_chat_template_is_a_row_of_its_own() -> None:
    requests = [finished(), finished(precision="float16"), finished(use_chat_template=True)]
    results = [
        result(*ALL),
        result(precision="float16", run="2026-01-31T12-00-01.000000"),
        by_hand("tiny_copy", chat_template="{{ messages }}", run="2026-01-31T12-00-02.000000"),
    ]
    reruns = plan(MISSING, requests, results).wanted
    assert [(each.path, each.is_new) for each in reruns] == [
        (path_of(requests[1]), False),
        (path_of(requests[2]), False),
    ]


def test_a_request_of_an_old_template_is_evaluated_at_the_commit_of_its_result() -> None:
    requests = {"acme/tiny_eval_request_False_float32_Original.json": finished(commit=None)}
    [rerun] = plan(MISSING, requests, [by_hand("tiny_copy")]).wanted
    assert rerun.path in requests
    assert (rerun.request.commit, rerun.request.tasks) == (COMMIT, ("tiny_addition", "tiny_agreement"))


def test_what_an_unknown_commit_scored_is_computed_again_as_a_whole() -> None:
    requests = {"acme/tiny_eval_request_False_float32_Original.json": finished(commit=None)}
    [rerun] = plan(MISSING, requests, [by_hand("tiny_copy", commit="main")]).wanted
    assert (rerun.tasks, rerun.request.tasks) == (ALL, None)


def test_a_failed_rerun_is_tried_again_behind_the_submissions() -> None:
    failed = finished(status=Status.FAILED, tasks=("tiny_copy",))
    [rerun] = plan(MISSING, [failed], [result("tiny_copy")]).wanted
    assert rerun.request.tasks == ("tiny_addition", "tiny_agreement")
    assert rerun.request.is_rerun


def test_a_result_by_hand_gets_a_request_of_what_it_says() -> None:
    [rerun] = plan(MISSING, [], [by_hand("tiny_copy")]).wanted
    assert rerun.is_new
    assert rerun.path == path_of(finished())
    request = rerun.request
    assert (request.model, request.commit, request.precision) == (MODEL, COMMIT, "float32")
    assert (request.weight_type, request.use_chat_template) == ("Original", False)
    assert (request.params, request.submitted_time) == (None, "2026-03-01T12:00:00Z")
    assert (request.status, request.tasks) == (Status.PENDING, ("tiny_addition", "tiny_agreement"))
    assert request.is_rerun


def test_a_new_request_keeps_what_another_one_of_the_model_knew() -> None:
    other = finished(commit=OTHER, license="apache-2.0")
    [rerun] = plan(MISSING, [other], [by_hand("tiny_copy")]).wanted
    assert rerun.is_new
    assert (rerun.request.license, rerun.request.params) == ("apache-2.0", 0.1)


def test_a_new_request_takes_no_place_of_a_file_that_cannot_be_read() -> None:
    there = records([], [by_hand("tiny_copy")])
    snapshot = Snapshot("1", {path_of(finished()).upper(): "blob"})
    there = replace(there, requests=replace(there.requests, snapshot=snapshot))
    [rerun] = plan_reruns(MISSING, there, by=None, now=NOW).wanted
    assert rerun.path == "acme/tiny_eval_request_False_float32_Original_01234567_2.json"


def test_an_adapter_is_put_on_the_base_of_its_result() -> None:
    ours = {"weight_type": "Adapter", "base_model": "acme/base", "base_commit": OTHER}
    [rerun] = plan(MISSING, [], [result("tiny_copy", leaderboard=ours)]).wanted
    assert (rerun.request.base_model, rerun.request.base_commit) == ("acme/base", OTHER)


# What is left alone


@pytest.mark.parametrize("status", [Status.WAITING, Status.PENDING, Status.RUNNING])
@pytest.mark.parametrize("commit", [COMMIT, OTHER])
def test_what_waits_or_runs_already_is_left_alone(status: Status, commit: str) -> None:
    requests = {"a.json": finished(), "b.json": finished(status=status, commit=commit)}
    assert whys(plan(EVERYTHING, requests, [result(*ALL)])) == [
        "It is in the queue already, or waits to be approved."
    ]


def test_what_was_cancelled_is_left_alone() -> None:
    [why] = whys(plan(MISSING, [finished(status=Status.CANCELLED)], [by_hand("tiny_copy")]))
    assert why == "Its request was withdrawn or cancelled. To evaluate it, submit it again."


def done(act: Act) -> Moderation:
    return Moderation((Done(act=act, name=MODEL, by="alice", at=NOW),))


@pytest.mark.parametrize(
    "changes",
    [
        {"moderation": done(Act.HIDE)},
        {"moderation": done(Act.BLOCK)},
        {"blocked": Blocklist(models={"acme/*": ""})},
        {"blocked": Blocklist(hidden={MODEL: ""})},
    ],
)
def test_a_hidden_or_blocked_model_is_left_alone(changes: dict[str, Any]) -> None:
    assert whys(plan(EVERYTHING, [finished()], [result(*ALL)], **changes)) == ["It is hidden or blocked."]


def test_what_began_before_a_model_was_removed_does_not_come_back() -> None:
    assert plan(EVERYTHING, [], [result(*ALL)], moderation=done(Act.REMOVE)) == Reruns()


def test_a_result_imported_after_a_removal_is_a_row_although_it_was_computed_before() -> None:
    """The page goes by the run's name too."""
    times = {"run": "2027-01-01T12-00-00.000000", "ended": "2026-01-01T12-00-00.000000"}
    imported = result(*ALL, leaderboard=times)
    removed = done(Act.REMOVE)
    assert imported.ended < removed.acts[0].at < imported.began
    assert len(plan(EVERYTHING, [], [imported], moderation=removed).wanted) == 1


@pytest.mark.parametrize(
    ("results", "why"),
    [
        (
            [by_hand("tiny_copy", commit="main")],
            "It has no request, and its result does not say which commit it is of. Submit it.",
        ),
        (
            [by_hand("tiny_copy", commit="0123456")],
            "It has no request, and its result does not say which commit it is of. Submit it.",
        ),
        (
            [by_hand("tiny_copy", model="acme/tiny..model")],
            "It has no request, and the Hub cannot have a model of its name.",
        ),
        ([by_hand("tiny_copy", precision="8bit")], "Its precision, 8bit, is not evaluated here."),
        (
            [result("tiny_copy", leaderboard={"weight_type": "Delta"})],
            "It has Delta weights, which are not evaluated here. Add the delta to its base model and submit "
            "the whole model.",
        ),
        (
            [result("tiny_copy", leaderboard={"weight_type": "Adapter"})],
            "Neither its request nor its result says on which commit of which model the adapter was put.",
        ),
    ],
)
def test_what_cannot_be_requested_is_left_alone_with_the_reason(results: list[Result], why: str) -> None:
    assert whys(plan(MISSING, [], results)) == [why]


def test_a_request_of_a_private_model_is_left_alone() -> None:
    assert whys(plan(MISSING, [finished(private=True)], [result("tiny_copy")])) == [
        "Its request is of a private model."
    ]


def test_one_that_is_left_alone_says_how_it_is_evaluated() -> None:
    [left] = plan(MISSING, [], [result(*ALL)]).left
    assert (left.model, left.kind) == (MODEL, "float32, Original")
