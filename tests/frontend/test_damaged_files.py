"""Five hundred files of every form and damage: good rows are shown, bad files are named, nothing stops."""

import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import orjson
import pytest
from pydantic_core import to_json

from src.board.keeper import Keeper
from src.page import api, notices
from src.page.leaderboard_tab import LeaderboardTab
from src.page.queue_tables import queue_table
from src.page.ready import ready
from src.queue.entries import grouped
from src.shared.data.request import Status, write_request
from support.boards import NO_LINKS, NOW, TASKS, TEXTS, Leaderboard, path_of
from support.factories import make_request, make_result_file, old_request_file

NUMBER = 500
SEED = 20260131
TASK_METRICS = [(task.benchmark, task.metric) for task in TASKS]
HUGE = 10**400
DEEP = b"[" * 100_000 + b"]" * 100_000

Object = dict[str, Any]
Shown = tuple[float | None, ...]


# The forms: what a model's file holds before anything happens to it


def of_lm_eval(model: str, scores: Shown) -> Object:
    results = {
        task: {f"{metric},none": score} for (task, metric), score in zip(TASK_METRICS, scores, strict=True)
    }
    report: Object = json.loads(make_result_file(model=model, scores=results))
    return {key: value for key, value in report.items() if key != "leaderboard"}


def ours(model: str, scores: Shown) -> Object:
    added: Object = json.loads(make_result_file(model=model))["leaderboard"]
    return of_lm_eval(model, scores) | {"leaderboard": added}


def plain(scores: Shown, key: str) -> dict[str, Object]:
    return {
        key.format(task): {metric: score} for (task, metric), score in zip(TASK_METRICS, scores, strict=True)
    }


def minimal(model: str, scores: Shown) -> Object:
    config = {"model_dtype": "torch.float16", "model_name": model, "model_sha": "main"}
    return {"config": config, "results": plain(scores, "{}")}


def lighteval(model: str, scores: Shown) -> Object:
    config = {"model_dtype": "torch.bfloat16", "model_name": model, "model_sha": "", "model_size": "1.45 MB"}
    return {"config_general": config, "results": plain(scores, "leaderboard|{}|5") | {"all": {"acc": 0.5}}}


def v1(model: str, scores: Shown) -> Object:
    config = {"model_dtype": "4bit", "model_name": model, "model_sha": "main", "batch_size": 1}
    return {"results": plain(scores, "harness|{}|25"), "versions": {"all": 0}, "config": config}


def old_request(model: str, scores: Shown) -> Object:
    found: Object = json.loads(old_request_file(model=model, status="PENDING"))
    return found


FORMS = [ours, of_lm_eval, minimal, lighteval, v1, old_request]


# The damages: a file's bytes, None in the place of a good file's scores where it can no longer be understood


@dataclass(frozen=True)
class Damaged:
    """A file: its bytes, and the scores left in it, or None where nothing of it can be understood."""

    data: bytes
    scores: Shown | None


def written(content: Mapping[str, object]) -> bytes:
    """JSON as Python writes it: with NaN, which is none."""
    return json.dumps(content).encode()


def without_first(scores: Shown) -> Shown:
    return (None, *scores[1:])


def with_first_score(content: Object, score: object) -> Object:
    """The content with another first score; a request has its size in its place."""
    if "results" not in content:
        return content | {"params": score, "likes": score}
    first, metrics = next(iter(content["results"].items()))
    key = next(key for key in metrics if key != "alias")
    return content | {"results": content["results"] | {first: metrics | {key: score}}}


def unharmed(content: Object, scores: Shown, _: random.Random) -> Damaged:
    return Damaged(written(content), scores)


def truncated(content: Object, _: Shown, chance: random.Random) -> Damaged:
    data = written(content)
    return Damaged(data[: chance.randrange(1, len(data))], None)


def not_a_number(content: Object, scores: Shown, chance: random.Random) -> Damaged:
    broken = chance.choice([math.nan, math.inf, -math.inf])
    return Damaged(written(with_first_score(content, broken)), without_first(scores))


def enormous(content: Object, scores: Shown, _: random.Random) -> Damaged:
    return Damaged(written(with_first_score(content, 1e308)), (1e308, *scores[1:]))


def huge_integer(content: Object, scores: Shown, _: random.Random) -> Damaged:
    return Damaged(written(with_first_score(content, HUGE)), without_first(scores))


def text_for_a_number(content: Object, scores: Shown, chance: random.Random) -> Damaged:
    wrong = chance.choice(["half", [0.5], {"value": 0.5}, True, None])
    return Damaged(written(with_first_score(content, wrong)), without_first(scores))


def wrong_types(content: Object, _: Shown, chance: random.Random) -> Damaged:
    needed = ("results", "config", "config_general") if "results" in content else ("model", "status")
    name = chance.choice([key for key in needed if key in content])
    return Damaged(written(content | {name: chance.choice([3, [], [content[name]], None, True])}), None)


def nested_deep(content: Object, _: Shown, __: random.Random) -> Damaged:
    return Damaged(written(content)[:-1] + b', "deep": ' + DEEP + b"}", None)


def nested(content: Object, scores: Shown, _: random.Random) -> Damaged:
    deep: object = "the innermost"
    for _level in range(50):
        deep = {"deeper": [deep]}
    return Damaged(written(content | {"deep": deep}), scores)


def duplicate_keys(content: Object, scores: Shown, _: random.Random) -> Damaged:
    """The last one counts, as for every reader of JSON that we know."""
    first = b'{"results": {}, "config": 3, "config_general": {}, "model": "acme/other", "status": "RUNNING", '
    return Damaged(first + written(content)[1:], scores)


def empty(_: Object, __: Shown, chance: random.Random) -> Damaged:
    return Damaged(chance.choice([b"", b" \n", b"\xef\xbb\xbf"]), None)


def not_utf_8(content: Object, _: Shown, chance: random.Random) -> Damaged:
    text = json.dumps(content)
    return Damaged(
        chance.choice([text.replace("acme", "acm\xe9").encode("latin-1"), text.encode("utf-16")]), None
    )


def a_list(content: Object, _: Shown, __: random.Random) -> Damaged:
    return Damaged(written({"list": [content]})[len(b'{"list": ') : -1], None)


def null_bytes(content: Object, _: Shown, chance: random.Random) -> Damaged:
    data = written(content)
    place = chance.randrange(1, len(data))
    return Damaged(chance.choice([data[:place] + b"\0" + data[place:], bytes(100)]), None)


DAMAGES: list[Callable[[Object, Shown, random.Random], Damaged]] = [
    unharmed,
    truncated,
    not_a_number,
    enormous,
    huge_integer,
    text_for_a_number,
    wrong_types,
    nested_deep,
    nested,
    duplicate_keys,
    empty,
    not_utf_8,
    a_list,
    null_bytes,
]


@dataclass(frozen=True)
class Written:
    """What was put into the datasets: the models of good requests, rows by model, paths of bad files."""

    requests: set[str]
    rows: dict[str, Shown]
    bad: set[str]


@pytest.fixture
def files(leaderboard: Leaderboard) -> Written:
    """Every damage of every form in turn, until there are enough, and one file of 50 MB."""
    chance = random.Random(SEED)
    of_all = [replace(task, engine="any") for task in TASKS]
    leaderboard.keeper = Keeper(leaderboard.requests, leaderboard.results, of_all, clock=lambda: NOW)
    put = Written(set(), {}, set())
    for number in range(NUMBER - 1):
        form = FORMS[number % len(FORMS)]
        damage = DAMAGES[number // len(FORMS) % len(DAMAGES)]
        model = f"acme/{form.__name__}-{damage.__name__}-{number}"
        scores = tuple(round(chance.random(), 4) for _ in TASKS)
        damaged = damage(form(model, scores), scores, chance)
        is_request = form is old_request
        path = (
            f"{model}_eval_request_False_float16_Original.json" if is_request else f"{model}/results_1.json"
        )
        leaderboard.write("requests" if is_request else "results", path, damaged.data)
        if damaged.scores is None:
            put.bad.add(path)
        elif is_request:
            put.requests.add(model)
        else:
            put.rows[model] = damaged.scores
    put.bad.add(
        leaderboard.write("results", "acme/long/results_1.json", b'{"a": "' + b"x" * 50_000_000 + b'"}')
    )
    leaderboard.keeper.sync()
    return put


def as_shown(scores: Shown) -> Shown:
    """In the first column, some scores are enormous: so none of it is taken for a fraction."""
    first, *others = scores
    return (first, *(None if score is None else score * 100 for score in others))


def strict(value: object) -> object:
    """The value as a browser reads it. Fails on NaN and infinities, which are not JSON."""
    json.dumps(value, allow_nan=False)
    return json.loads(to_json(value))


def test_every_file_is_of_a_form_and_a_damage_of_its_own(files: Written) -> None:
    assert len(files.requests) + len(files.rows) + len(files.bad) == NUMBER
    assert min(len(files.requests), len(files.rows)) > 30


def test_every_good_row_is_in_the_standings_with_its_right_scores(
    leaderboard: Leaderboard, files: Written
) -> None:
    assert leaderboard.keeper.now.problem == ""
    rows = {row.model: row for row in leaderboard.keeper.now.board.standings.rows}
    assert rows.keys() == files.rows.keys()
    for model, scores in files.rows.items():
        assert rows[model].scores == as_shown(scores), model
        assert (rows[model].average is None) == (None in scores), model
        assert (rows[model].rank is None) == (None in scores), model
    queue = {entry.request.model for entry in leaderboard.keeper.now.board.queue}
    assert queue == files.requests


def test_each_file_that_cannot_be_understood_is_named_with_a_reason(
    leaderboard: Leaderboard, files: Written
) -> None:
    broken = leaderboard.keeper.now.board.broken
    assert {sentence.split(" in ")[0] for sentence in broken} == files.bad
    assert all(" was skipped: it " in sentence for sentence in broken)
    assert len(max(broken, key=len)) < 600
    assert f"{len(files.bad)} files were skipped" in notices.banner(leaderboard.keeper.now, notice="")


def test_the_page_is_built_and_what_it_sends_is_strict_json(leaderboard: Leaderboard, files: Written) -> None:
    leaderboard.page()
    with gr.Blocks():
        tab = LeaderboardTab(leaderboard.keeper, TASKS, TEXTS)
    shown = tab.show_all(None, *[control.value for control in tab.choices])[tab.table]
    strict(shown)
    assert len(shown["data"]) == len(files.rows)
    strict(json.loads(orjson.dumps(tab.table.postprocess(shown))))
    strict(api.leaderboard(leaderboard.keeper.now.board))
    strict(api.queue(leaderboard.keeper.now.board))
    tables = [
        queue_table(group, entries, NO_LINKS)
        for group, entries in grouped(leaderboard.keeper.now.board.queue).items()
    ]
    assert all(any(model in table for table in tables) for model in files.requests)


@pytest.mark.parametrize("number", [10**19, -(10**19), HUGE], ids=["large", "negative", "huge"])
def test_a_file_with_an_absurd_number_does_not_keep_the_answers_from_everybody(
    leaderboard: Leaderboard, number: int
) -> None:
    """The answers of the endpoints are made with orjson, which takes 64 bits and else fails as a whole."""
    request = make_request(status=Status.FINISHED)
    counted = {"task": "tiny_addition", "done": number, "total": number}
    absurd = {"likes": number, "params": number, "attempt": number, "progress": counted}
    content = json.loads(write_request(request)) | absurd
    leaderboard.write("requests", path_of(request), json.dumps(content).encode())
    leaderboard.add_result()
    leaderboard.keeper.sync()
    board = leaderboard.keeper.now.board
    assert [row.request is not None for row in board.standings.rows] == [True]
    assert ready(api.leaderboard(board))
    assert ready(api.queue(board))
