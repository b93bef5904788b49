"""The client of a served model: what it asks, what it believes, and whose fault it names."""

import gc
import math
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from src.evaluation.failures import Failed
from src.evaluation.served import awake
from src.evaluation.served.calls import Patience
from src.evaluation.served.client import ServedModel
from src.evaluation.served.ratings import Rating
from src.evaluation.served.stops import cut
from src.running.inference import Api, Server
from src.running.job import End
from support.scripted_server import (
    MODEL,
    Answered,
    Asked,
    Script,
    a_rating,
    a_reply,
    a_text,
    scripted_server,
    sound,
    the_models,
)
from support.waiting import wait_for

TOKEN = "hf_secret"
HASTE = Patience(connect=60, answer=60, recovery=0.5, longest_pause=0.05)
"""Gives a server up that fails, and not one that is slow as everything on a busy machine."""
PATIENCE = replace(HASTE, recovery=60)
IMAGE = "vllm/vllm-openai:v1"
NAN = "Out of range float values are not JSON compliant: nan"
"""What vLLM answers, with status 500, when a log-probability is NaN."""
NOBODY = "http://127.0.0.1:9/v1"
"""Where nobody listens."""

Use = Callable[[ServedModel], object]


def client(server: Server, **options: object) -> ServedModel:
    given = {"concurrency": 4, "on_answer": lambda number: None, "patience": HASTE}
    return ServedModel(server, TOKEN, **(given | options))


def checks(served: ServedModel) -> None:
    served.check(model="org/model", needs_ratings=True)


def rates(served: ServedModel) -> list[Rating]:
    return served.rate([[5, 6, 7]], [1])


def writes(served: ServedModel) -> list[str]:
    return served.write([[5, 6, 7]], max_tokens=8, stop=[])


def may_write(served: ServedModel) -> None:
    served.check(model="org/model", needs_ratings=False)


def failure(script: Script, use: Use, *, image: str | None = None, **options: object) -> Failed:
    with scripted_server(script) as running, pytest.raises(Failed) as failed:
        use(client(replace(running.server, image=image), **options))
    assert TOKEN not in str(failed.value)
    return failed.value


def always(answer: Answered) -> Script:
    return lambda asked: answer


def with_models(answer: Answered) -> Script:
    """Answer this, but list the models as one should."""
    return lambda asked: sound(asked) if asked.route == "/v1/models" else answer


def test_a_sound_server_passes_and_says_its_context() -> None:
    with scripted_server(
        lambda asked: the_models(MODEL, context=99) if asked.route == "/v1/models" else sound(asked)
    ) as running:
        served = client(running.server)
        checks(served)
    assert served.context == 99
    assert [each.route for each in running.asked] == ["/v1/models", "/v1/completions"]
    assert {each.token for each in running.asked} == {f"Bearer {TOKEN}"}


def test_without_tasks_that_rate_a_conversation_partner_is_asked_for_no_rating() -> None:
    with scripted_server() as running:
        client(running.server).check(model="org/model", needs_ratings=False, api=Api.CHAT)
    assert [each.route for each in running.asked] == ["/v1/models"]


@pytest.mark.parametrize(
    "answer",
    [
        Answered(status=400, content={"error": "echo is not supported"}),
        Answered(status=500, content={"error": "echo?"}),
        Answered(content={"choices": []}),
        a_text("123"),
        a_rating([1, 2, 3], -math.inf),
    ],
)
def test_a_server_need_not_rate_where_models_only_write(answer: Answered) -> None:
    with scripted_server(with_models(answer)) as running:
        may_write(client(running.server, patience=PATIENCE))
    assert {each.route for each in running.asked} == {"/v1/models", "/v1/completions"}


def test_without_a_token_none_is_sent() -> None:
    with scripted_server() as running:
        served = ServedModel(running.server, None, concurrency=1, on_answer=lambda number: None)
        served.check(model="org/model", needs_ratings=False)
    assert running.asked[0].token is None


def test_a_rating_has_the_tokens_from_the_start_on() -> None:
    def script(asked: Asked) -> Answered:
        own = -float(len(asked.body["prompt"]))
        return a_rating(asked.body["prompt"], own, best=-4.0)

    with scripted_server(script) as running:
        rated = client(running.server).rate([[1, 2, 3], [1, 2, 3, 4, 5]], [1, 3])
    assert rated == [Rating((-3.0, -3.0), True), Rating((-5.0, -5.0), False)]
    assert running.asked[0].body == {
        "model": MODEL,
        "prompt": running.asked[0].body["prompt"],
        "max_tokens": 1,
        "temperature": 0,
        "echo": True,
        "logprobs": 1,
    }


def test_each_answer_may_have_a_length_of_its_own() -> None:
    with scripted_server() as running:
        served = client(running.server)
        served.write([[1], [2, 3]], max_tokens=[8, 7], stop=[])
        served.chat([[{"role": "user", "content": "a"}]], max_tokens=[6], stop=[])
    assert {len(each.body.get("prompt", "")): each.body["max_tokens"] for each in running.asked} == {
        1: 8,
        2: 7,
        0: 6,
    }


def test_of_two_tokens_as_likely_the_one_that_the_server_writes_is_the_likeliest() -> None:
    with scripted_server(lambda asked: a_rating(asked.body["prompt"], -1.0, best=-1.0)) as running:
        assert client(running.server).rate([[1, 2]], [1]) == [Rating((-1.0,), False)]


def test_a_text_is_rated_after_at_least_one_token() -> None:
    with pytest.raises(ValueError, match="start"):
        client(Server(url=NOBODY, model=MODEL)).rate([[1, 2]], [0])


def test_answers_come_in_the_order_of_the_questions_and_are_counted_in_the_asking_thread() -> None:
    counted = []
    with scripted_server(lambda asked: a_text(str(asked.body["prompt"][0]))) as running:
        served = client(running.server, on_answer=counted.append)
        assert served.write([[each] for each in range(50)], max_tokens=3, stop=[]) == [
            str(each) for each in range(50)
        ]
    assert counted == [1] * 50
    assert (served.answers, served.empty) == (50, 0)


def test_no_more_is_asked_at_once_than_allowed() -> None:
    with scripted_server() as running:
        served = client(running.server, concurrency=1)
        served.write([[1], [2], [3]], max_tokens=3, stop=[])
    assert [each.body["prompt"] for each in running.asked] == [[1], [2], [3]]


def test_a_server_is_told_four_texts_to_stop_at_and_answers_are_cut_at_the_others() -> None:
    stop = ["", "1", "2", "3", "4", "e t"]
    with scripted_server(with_models(a_text("one e two"))) as running:
        assert client(running.server).write([[1]], max_tokens=3, stop=stop) == ["one "]
    assert running.asked[0].body["stop"] == ["1", "2", "3", "4"]


def test_conversations_go_as_they_are() -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]
    with scripted_server(always(a_reply("4\nQ"))) as running:
        assert client(running.server).chat([turns], max_tokens=3, stop=["\n"], top_p=0.5) == ["4"]
    assert running.asked[0].route == "/v1/chat/completions"
    assert running.asked[0].body == {
        "model": MODEL,
        "messages": turns,
        "max_tokens": 3,
        "temperature": 0,
        "top_p": 0.5,
        "stop": ["\n"],
    }


def test_each_question_has_a_seed_of_its_own() -> None:
    with scripted_server() as running:
        client(running.server).write([[1], [2]], max_tokens=3, stop=[], temperature=0.7, seed=10)
    bodies = [each.body for each in running.asked]
    assert {each["prompt"][0]: each["seed"] for each in bodies} == {1: 10, 2: 11}
    assert {each["temperature"] for each in bodies} == {0.7}


@pytest.mark.parametrize(
    ("answer", "stop", "expected"),
    [
        ("a b c", ["b"], "a "),
        ("a b c", ["c", "b"], "a "),
        ("abc", ["b", "abc"], "a"),
        ("a", [""], "a"),
        ("a", [], "a"),
        ("bb", ["b"], ""),
    ],
)
def test_an_answer_ends_at_the_first_text_that_is_complete(
    answer: str, stop: list[str], expected: str
) -> None:
    assert cut(answer, stop) == expected


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_empty_and_null_answers_are_counted(text: str | None) -> None:
    def script(asked: Asked) -> Answered:
        empty = asked.body.get("prompt") == [1] or asked.route == "/v1/chat/completions"
        answer = a_reply if asked.route == "/v1/chat/completions" else a_text
        return answer(text if empty else "an answer")

    with scripted_server(script) as running:
        served = client(running.server)
        served.write([[1], [2], [3]], max_tokens=3, stop=[])
        served.chat([[{"role": "user", "content": "?"}]], max_tokens=3, stop=[])
    assert (served.answers, served.empty) == (4, 2)


def test_an_answer_that_was_filtered_counts_as_empty_and_is_dropped() -> None:
    with scripted_server(always(a_text("half an ans", reason="content_filter"))) as running:
        served = client(running.server)
        assert writes(served) == [""]
    assert (served.answers, served.empty) == (1, 1)


def test_a_server_that_is_busy_for_a_while_is_waited_for() -> None:
    statuses = iter([503, 429, 500, 408])

    def script(asked: Asked) -> Answered:
        status = next(statuses, 200)
        return sound(asked) if status == 200 else Answered(status=status, headers={"Retry-After": "0"})

    with scripted_server(script) as running:
        assert writes(client(running.server, patience=PATIENCE)) == ["an answer"]
    assert len(running.asked) == 5


def test_a_server_says_how_long_to_wait_but_not_for_ever() -> None:
    first = iter([Answered(status=503, headers={"Retry-After": "86400"})])
    with scripted_server(lambda asked: next(first, None) or sound(asked)) as running:
        assert writes(client(running.server)) == ["an answer"]


def test_a_server_that_stays_busy_is_not_waited_for_for_ever() -> None:
    failed = failure(always(Answered(status=503, content={"error": "loading"})), writes)
    assert failed.end is End.UNREACHABLE
    assert "does not answer any more (503 loading)" in str(failed)


def test_a_server_that_fails_on_one_question_is_not_waited_for() -> None:
    def script(asked: Asked) -> Answered:
        is_bad = asked.body.get("prompt") == [4]
        return Answered(status=500, content={"error": {"message": "odd"}}) if is_bad else sound(asked)

    with scripted_server(script) as running, pytest.raises(Failed) as failed:
        client(running.server, patience=PATIENCE).write([[4]], max_tokens=3, stop=[])
    assert failed.value.end is End.CRASHED
    assert "fails on the same question of org/model@abc each time (500 odd)" in str(failed.value)
    assert len([each for each in running.asked if each.body]) == PATIENCE.errors


def test_errors_of_a_server_that_is_not_there_between_them_do_not_count() -> None:
    assert failure(always(Answered(status=502)), writes).end is End.UNREACHABLE
    errors = iter([502] * 4 * PATIENCE.errors)
    with scripted_server(
        lambda asked: Answered(status=502) if next(errors, None) else sound(asked)
    ) as running:
        assert writes(client(running.server, patience=PATIENCE)) == ["an answer"]
    assert len([each for each in running.asked if each.body]) > PATIENCE.errors


def test_a_server_that_is_unavailable_for_a_question_is_waited_for() -> None:
    failed = failure(with_models(Answered(status=503)), writes)
    assert failed.end is End.UNREACHABLE


def test_a_server_that_recovers_from_its_errors_goes_on() -> None:
    errors = iter([500] * (PATIENCE.errors - 1))

    def script(asked: Asked) -> Answered:
        return sound(asked) if not asked.body or not next(errors, None) else Answered(status=500)

    with scripted_server(script) as running:
        assert writes(client(running.server, patience=PATIENCE)) == ["an answer"]


@pytest.mark.parametrize("use", [checks, rates, may_write])
def test_a_model_whose_numbers_no_server_can_write_is_refused(use: Use) -> None:
    script = with_models(Answered(status=500, content={"error": {"message": NAN}}))
    failed = failure(script, use, patience=PATIENCE)
    assert failed.end is End.REFUSED
    assert "gives infinite or undefined scores to words" in str(failed)
    assert "precision with a larger range" in str(failed)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_that_would_write_without_sound_numbers_is_refused(value: float) -> None:
    failed = failure(lambda asked: with_models(a_rating([1, 2, 3], value))(asked), may_write)
    assert failed.end is End.REFUSED
    assert "org/model gives infinite or undefined scores" in str(failed)


@pytest.mark.parametrize("status", [400, 404, 501])
@pytest.mark.parametrize("use", [checks, may_write])
def test_a_model_that_our_server_does_not_let_continue_text_is_refused(status: int, use: Use) -> None:
    script = with_models(Answered(status=status, content={"error": "does not support Completions API"}))
    failed = failure(script, use, image=IMAGE)
    assert failed.end is End.REFUSED
    assert f"({IMAGE}) does not let org/model continue text" in str(failed)
    assert "does not support Completions API" in str(failed)


def test_what_another_server_refuses_first_is_its_owners() -> None:
    failed = failure(with_models(Answered(status=501)), checks)
    assert failed.end is End.WORKER


def test_what_our_server_refuses_later_is_its_owners() -> None:
    def script(asked: Asked) -> Answered:
        is_later = asked.body.get("max_tokens") == 8
        return Answered(status=400, content={"error": "too long"}) if is_later else sound(asked)

    def check_and_write(served: ServedModel) -> None:
        may_write(served)
        writes(served)

    failed = failure(script, check_and_write, image=IMAGE)
    assert failed.end is End.WORKER
    assert "MAX_LENGTH" in str(failed)


def test_our_server_that_has_no_ratings_is_not_the_models_fault() -> None:
    def script(asked: Asked) -> Answered:
        return (
            Answered(status=400, content={"error": "max_logprobs"})
            if asked.body.get("echo")
            else sound(asked)
        )

    assert failure(script, checks, image=IMAGE).end is End.WORKER


def test_another_server_that_fails_on_a_rating_has_none() -> None:
    failed = failure(with_models(Answered(status=500, content={"error": "echo?"})), checks, patience=PATIENCE)
    assert failed.end is End.WORKER
    assert "log-probabilities of a prompt's tokens (500 echo?)" in str(failed)


def test_a_server_is_kept_awake_while_no_question_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub stops an endpoint that nobody calls."""
    monkeypatch.setattr(awake, "SECONDS", 0.02)
    failing = iter([Answered(status=500), Answered(content=b"<html>"), Answered(status=401)])
    with scripted_server(lambda asked: next(failing, None) or sound(asked)) as running:
        served = client(running.server)
        served.keep_awake()
        wait_for(lambda: len(running.asked) > 5, what="calls after some that failed")
        assert {each.route for each in running.asked} == {"/v1/models"}
        assert {each.token for each in running.asked} == {f"Bearer {TOKEN}"}
        del served
        gc.collect()
        wait_for(lambda: "keep awake" not in {each.name for each in threading.enumerate()}, what="its end")


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(Failed, match="does not answer any more") as failed:
        checks(client(Server(url=NOBODY, model=MODEL)))
    assert failed.value.end is End.UNREACHABLE


def test_a_server_that_dies_half_way_is_unreachable_and_the_rest_is_not_asked() -> None:
    with scripted_server() as running:
        served = client(running.server)
        writes(served)
    with pytest.raises(Failed, match="does not answer any more") as failed:
        served.write([[each] for each in range(1000)], max_tokens=3, stop=[])
    assert failed.value.end is End.UNREACHABLE
    assert served.answers == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_may_not_call_is_the_owners(status: int) -> None:
    failed = failure(always(Answered(status=status, content={"error": f"bad {TOKEN}"})), checks)
    assert failed.end is End.WORKER
    assert "INFERENCE_TOKEN" in str(failed)


def test_a_message_of_the_server_is_quoted_without_the_token() -> None:
    script = with_models(Answered(status=400, content={"error": {"message": f"context\n{TOKEN} is 10"}}))
    failed = failure(script, writes)
    assert failed.end is End.WORKER
    assert "refuses a question (400: context [token] is 10)" in str(failed)
    assert "MAX_LENGTH" in str(failed)


def test_a_question_that_is_refused_is_asked_once() -> None:
    with scripted_server(with_models(Answered(status=422))) as running, pytest.raises(Failed):
        writes(client(running.server))
    assert len(running.asked) == 1


def test_a_server_without_the_route_is_told_apart() -> None:
    failed = failure(with_models(Answered(status=404)), writes)
    assert failed.end is End.WORKER
    assert "INFERENCE_API" in str(failed)


def test_a_server_that_is_gone_is_not_one_without_the_route() -> None:
    first = iter([a_text("an answer")])
    script = with_models(Answered(status=404, content={"error": "no such endpoint"}))
    with scripted_server(lambda asked: next(first, None) or script(asked)) as running:
        served = client(running.server)
        writes(served)
        with pytest.raises(Failed, match="is gone") as failed:
            writes(served)
    assert failed.value.end is End.UNREACHABLE


@pytest.mark.parametrize("use", [checks, writes])
def test_a_redirect_is_not_followed_and_its_target_never_sees_the_token(use: Use) -> None:
    with scripted_server() as elsewhere:
        script = always(Answered(status=307, headers={"Location": f"{elsewhere.url}/models"}))
        failed = failure(script, use)
    assert failed.end is End.WORKER
    assert "redirect (307)" in str(failed)
    assert elsewhere.asked == []


def test_another_model_is_refused() -> None:
    failed = failure(always(the_models("org/other", "more")), checks)
    assert failed.end is End.WORKER
    assert f"should have a model named {MODEL}, but it has org/other, more" in str(failed)


def test_an_answer_in_the_name_of_another_model_is_refused() -> None:
    script = with_models(Answered(content={"model": "org/other", "choices": [{"text": "an answer"}]}))
    failed = failure(script, writes)
    assert failed.end is End.WORKER
    assert "another model, org/other" in str(failed)


@pytest.mark.parametrize(
    "answer",
    [
        a_text("123"),
        Answered(status=400, content={"error": "echo is not supported"}),
        Answered(content={"choices": [{"text": "123", "logprobs": {"content": []}}]}),
        a_rating([1, 2, 3, 4]),
        a_rating([1, 2]),
        a_rating([1, 2, 3], None),
    ],
)
def test_a_server_that_does_not_rate_is_refused_before_anything_is_asked(answer: Answered) -> None:
    failed = failure(with_models(answer), checks)
    assert failed.end is End.WORKER
    assert "log-probabilities of a prompt's tokens" in str(failed)
    assert "such as vLLM, or evaluate only tasks in which models write" in str(failed)


def test_a_server_that_stops_rating_is_refused() -> None:
    assert failure(always(a_text("123")), rates).end is End.WORKER


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.5, -9999.0])
def test_log_probabilities_that_cannot_be_are_refused(value: float) -> None:
    failed = failure(lambda asked: a_rating(asked.body["prompt"], value), rates)
    assert failed.end is End.INVALID
    assert "log-probability of a token" in str(failed)


@pytest.mark.parametrize(
    "content", [b"<html>", b"", b"[]", b'{"choices": []}', b"[" * 100_000, b'{"a": "\xff"}']
)
def test_an_answer_that_is_not_one_is_the_servers(content: bytes) -> None:
    failed = failure(always(Answered(content=content)), writes)
    assert failed.end is End.WORKER
    assert "answers what cannot be read" in str(failed)


@pytest.mark.parametrize("use", [checks, writes])
def test_an_answer_without_an_end_is_not_read_to_its_end(use: Use) -> None:
    failed = failure(always(Answered(content=b" " * 65_536, endless=True)), use)
    assert failed.end is End.WORKER
    assert "answers with more than" in str(failed)


def test_an_answer_that_drips_is_given_up() -> None:
    failed = failure(
        always(Answered(content=b" ", endless=True, pause=0.02)),
        writes,
        patience=replace(HASTE, answer=10, recovery=0),
    )
    assert failed.end is End.UNREACHABLE
    assert "its answer does not end" in str(failed)


def test_the_address_in_messages_has_no_login() -> None:
    with pytest.raises(Failed) as failed:
        checks(client(Server(url="http://me:word@127.0.0.1:9/v1?key=x", model=MODEL)))
    assert "http://127.0.0.1:9/v1 " in str(failed.value)
    assert "word" not in str(failed.value)
