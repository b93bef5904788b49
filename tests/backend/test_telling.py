"""What others are told: a webhook and the models' discussions, once, in the background, and only if set."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from src.parts import make_herald
from src.settings import Settings
from src.shared.data.names import result_path
from src.shared.data.reports import read_result
from src.shared.data.request import Attempt, Request, Status
from src.shared.data.result import Result
from src.shared.errors import ConfigurationError
from src.shared.process.steady import on_the_wall, steady_now
from src.shared.stores.hub import Hub as Client
from src.shared.wiring import Stores
from src.telling.comments import Comments
from src.telling.herald import DRAINED_ENDS_WITHIN_SECONDS, MOST_WAITING, Herald
from src.telling.news import Kind, News, Watcher
from src.telling.webhook import LONGEST_TEXT, TIMEOUT_SECONDS, Webhook, plain
from src.withdrawn_secrets import is_secret
from support.executors import FunctionExecutor, bad
from support.factories import MODEL, RUN, make_request, make_result_file
from support.hub import Fault, Hub, running_hub
from support.queues import Queue, drain
from support.receiver import Receiver, running_receiver
from support.waiting import PATIENCE, wait_for

PATH = "acme/tiny_eval_request_False_float32_Original_01234567.json"
NOW = on_the_wall(steady_now())
START = NOW + timedelta(seconds=1)
"""When the process started that looks: what `finished` makes is older."""
NEWS = News(Kind.REQUEST_ENDED, "acme/tiny is FINISHED.", {"model": "acme/tiny"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add_user("alice", {"acme": "admin"})
        hub.add_model("zoo/tiny")
        yield hub


def webhook(receiver: Receiver, **options: Any) -> Webhook:
    return Webhook(receiver.url, board="acme/requests", worker="here-0", sleep=lambda _: None, **options)


def finished(run: str = RUN, model: str = MODEL, **changes: Any) -> Request:
    attempt = Attempt(1, "here-0", NOW, NOW, "finished")
    values = {"status": Status.FINISHED, "run": run, "result": result_path(model, run), "history": (attempt,)}
    return make_request(model=model, **{**values, **changes})


def result(model: str = MODEL, run: str = RUN) -> Result:
    scores = {"tiny_addition": {"acc,none": 0.75}, "tiny_copy": {"exact_match,none": None}}
    return read_result(result_path(model, run), make_result_file(model=model, run=run, scores=scores))


# What is news


def test_what_was_there_at_the_first_look_is_no_news() -> None:
    assert Watcher("here-0", START).look({PATH: finished()}, []) == []


def test_an_end_is_told_once_by_the_worker_that_evaluated() -> None:
    mine, other = Watcher("here-0", START), Watcher("there-1", START)
    for watcher in (mine, other):
        watcher.look({PATH: make_request(status=Status.RUNNING)}, [])
    ended = {PATH: finished()}
    [news] = mine.look(ended, [])
    assert (news.kind, news.path, news.facts["status"]) == (Kind.REQUEST_ENDED, PATH, "FINISHED")
    assert mine.look(ended, []) == []
    assert mine.look(dict(ended), []) == []
    assert other.look(ended, []) == []


def test_a_dispatcher_tells_of_what_the_members_of_its_fleet_did() -> None:
    dispatcher = Watcher("space", START, is_for_all=True)
    dispatcher.look({PATH: make_request(status=Status.RUNNING)}, [])
    [news] = dispatcher.look({PATH: finished()}, [])
    assert (news.kind, news.path) == (Kind.REQUEST_ENDED, PATH)


@pytest.mark.parametrize(
    ("end", "kinds"),
    [
        ("unreachable", [Kind.WORKER_FAULT]),
        ("disk full", [Kind.WORKER_FAULT]),
        ("crashed", []),
        ("stopped", []),
        ("over budget", []),
    ],
)
def test_a_fault_of_the_worker_is_told_and_one_of_the_model_is_not(end: str, kinds: list[Kind]) -> None:
    watcher = Watcher("here-0", START)
    watcher.look({PATH: make_request(status=Status.RUNNING)}, [])
    released = make_request(
        status=Status.PENDING, history=(Attempt(1, "here-0", NOW, NOW, end, "So it is."),)
    )
    assert [each.kind for each in watcher.look({PATH: released}, [])] == kinds


def test_problems_of_the_suite_and_failed_ticks_are_told_once_for_each_reason() -> None:
    watcher = Watcher("here-0", START)
    assert [each.kind for each in watcher.look({}, ["There is no task arc."])] == [Kind.SUITE_PROBLEMS]
    assert watcher.look({}, ["There is no task arc."]) == []
    assert [each.kind for each in watcher.fault("The Hub is down.")] == [Kind.WORKER_FAULT]
    assert watcher.fault("The Hub is down.") == []
    assert watcher.look({}, []) == []
    assert len(watcher.fault("The Hub is down.")) == 1


def test_old_ends_are_no_news_when_a_file_is_delivered_or_corrected_later() -> None:
    watcher, fault = Watcher("here-0", START), Attempt(1, "here-0", NOW, NOW, "disk full", "So it is.")
    watcher.look({}, [])
    late = {"a": finished(), "b": make_request(status=Status.PENDING, history=(fault,))}
    assert watcher.look(late, []) == []


def test_a_file_that_vanishes_and_comes_back_is_no_news() -> None:
    watcher = Watcher("here-0", START)
    watcher.look({PATH: make_request(status=Status.RUNNING)}, [])
    assert len(watcher.look({PATH: finished()}, [])) == 1
    assert watcher.look({}, []) == []
    assert watcher.look({PATH: finished()}, []) == []


def test_what_ended_while_its_file_was_not_delivered_is_told_once() -> None:
    watcher = Watcher("here-0", START)
    watcher.look({PATH: make_request(status=Status.RUNNING)}, [])
    watcher.look({}, [])
    assert [each.path for each in watcher.look({PATH: finished()}, [])] == [PATH]


def test_a_request_that_this_process_ran_between_two_looks_is_told() -> None:
    watcher = Watcher("here-0", START)
    watcher.look({}, [])
    attempt = Attempt(1, "here-0", START, START, "finished")
    assert [each.path for each in watcher.look({PATH: finished(history=(attempt,))}, [])] == [PATH]


# The webhook


def test_a_webhook_gets_one_object_with_what_happened(receiver: Receiver) -> None:
    assert webhook(receiver).send(NEWS)
    [got] = receiver.got
    assert got["event"] == "request_ended"
    assert (got["board"], got["worker"], got["model"]) == ("acme/requests", "here-0", "acme/tiny")
    assert got["text"] == got["content"] == "acme/tiny is FINISHED."
    assert got["time"].endswith("Z")


def test_a_message_keeps_its_id_when_it_is_sent_again_and_each_has_its_own(receiver: Receiver) -> None:
    receiver.answers = [503]
    sender = webhook(receiver)
    assert sender.send(NEWS)
    assert sender.send(NEWS)
    first, again, other = [each["id"] for each in receiver.got]
    assert first == again
    assert first != other


def test_a_passing_failure_is_retried_and_a_lasting_one_is_not(receiver: Receiver) -> None:
    receiver.answers = [503, 429]
    assert webhook(receiver).send(NEWS)
    assert len(receiver.got) == 3
    receiver.answers = [404]
    assert not webhook(receiver).send(NEWS)
    assert len(receiver.got) == 4
    receiver.answers = [500] * 9
    assert not webhook(receiver).send(NEWS)
    assert len(receiver.got) == 8


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [302], {"Location": receiver.url}
    assert not webhook(receiver).send(NEWS)
    assert len(receiver.got) == 1


def test_a_wait_that_the_receiver_asks_for_is_bounded(receiver: Receiver) -> None:
    waits: list[float] = []
    receiver.answers, receiver.headers = [429], {"Retry-After": "999999"}
    Webhook(receiver.url, board="", worker="", sleep=waits.append).send(NEWS)
    assert waits == [60.0]


def test_the_address_is_in_no_log(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.answers = [404]
    webhook(receiver).send(NEWS)
    Webhook("https://127.0.0.1:9/a-secret", board="", worker="", sleep=lambda _: None).send(NEWS)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("src.")]
    assert len(told) == 2
    assert "a-secret" not in " ".join(told)
    assert is_secret("NOTIFY_URL")


def test_a_strangers_text_mentions_nobody_and_is_bounded() -> None:
    told = plain("<!channel> @everyone `x`\n\u202e<https://evil.example|click>" + "x" * 5_000)
    assert not set("<>@`\n\u202e") & set(told)
    assert len(told) == LONGEST_TEXT


@pytest.mark.parametrize(
    "text",
    ["[click](https://evil.example)", "see HTTPS://evil.example", "WWW.evil.example", "ftp://x [y]: /z"],
)
def test_a_strangers_text_makes_no_link_in_a_chat(text: str) -> None:
    told = plain(text)
    assert not any(each in told.lower() for each in ("[", "]", "://", "www."))
    assert len(told) == len(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.acme.org/x",
        "ftp://hooks.acme.org/x",
        "https://",
        "https://me:key@hooks.acme.org/",
        "hooks",
        "https://[x",
    ],
)
def test_an_address_that_is_not_encrypted_or_no_webhook_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings(notify_url=url)
    assert url == "https://" or url not in str(error.value)


@pytest.mark.parametrize(
    "url", ["https://hooks.acme.org/x?y=z", "http://127.0.0.1:8000/x", "http://localhost/x"]
)
def test_an_encrypted_address_and_this_machine_are_fine(url: str) -> None:
    settings = Settings(notify_url=url)
    assert settings.notify_url == url
    assert url not in repr(settings)


# The herald


def test_by_default_nobody_is_told_and_no_thread_starts(queue: Queue) -> None:
    herald = make_herald(Settings(), Stores(queue.requests, queue.results, models=None), "here-0")  # type: ignore[arg-type]
    assert herald.is_idle
    herald.tell([NEWS], {})
    assert herald._thread is None


def test_the_worker_never_waits_for_a_receiver_that_hangs(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.may_answer.clear()
    herald = Herald(webhook(receiver))
    before = steady_now()
    herald.tell([NEWS] * (MOST_WAITING + 50), {})
    assert (steady_now() - before).total_seconds() < TIMEOUT_SECONDS, "it waited for at least one answer"
    assert "dropped news" in caplog.text
    receiver.may_answer.set()
    wait_for(lambda: len(receiver.got) >= MOST_WAITING, what="the news")
    herald.close()


def test_what_the_end_of_the_worker_drops_is_in_the_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.may_answer.clear()
    herald = Herald(webhook(receiver))
    herald.tell([replace(NEWS, sentence=f"{each} is over.") for each in ("one", "two", "three")], {})
    wait_for(lambda: receiver.got, what="the first news")
    herald.close(within=0.1)
    told = [record.getMessage() for record in caplog.records if "ended before this was told" in record.msg]
    assert [each.rpartition(": ")[2] for each in told] == ["one is over.", "two is over.", "three is over."]
    receiver.may_answer.set()
    assert herald._thread
    herald._thread.join(PATIENCE)
    assert len(receiver.got) == 1


def test_a_patient_end_of_the_worker_waits_until_all_is_told(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.may_answer.clear()
    herald = Herald(webhook(receiver))
    herald.tell([NEWS] * 3, {})
    closing = Thread(target=herald.close, args=[DRAINED_ENDS_WITHIN_SECONDS])
    closing.start()
    wait_for(lambda: receiver.got, what="the first news")
    receiver.may_answer.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert len(receiver.got) == 3
    assert "ended before" not in caplog.text


def test_an_unforeseen_error_ends_no_herald(receiver: Receiver) -> None:
    class Failing(Webhook):
        def send(self, news: News) -> bool:
            if news.sentence == "boom":
                raise RuntimeError
            return super().send(news)

    herald = Herald(Failing(receiver.url, board="", worker=""))
    herald.tell([replace(NEWS, sentence="boom"), NEWS], {})
    wait_for(lambda: receiver.got, what="the second news")
    herald.close()


def test_a_worker_tells_how_its_evaluations_end(queue: Queue, receiver: Receiver) -> None:
    good_one, bad_one = queue.submit("acme/good"), queue.submit("acme/bad")
    worker = queue.worker(
        executor=FunctionExecutor(lambda job: bad(job) if "bad" in job.model else _good(job))
    )
    watcher, herald = Watcher(worker.worker, START), Herald(webhook(receiver))
    watcher.look(worker.latest, [])
    worker.refresh()
    watcher.look(worker.latest, [])
    drain(worker)
    herald.tell(watcher.look(worker.latest, []), worker.datasets.results.values)
    wait_for(lambda: len(receiver.got) == 2, what="both")
    herald.close()
    assert {(each["request"], each["status"]) for each in receiver.got} == {
        (good_one, "FINISHED"),
        (bad_one, "FAILED"),
    }


def _good(job: Any) -> Any:
    from support.executors import good

    return good(job)


# Comments


def comments(hub: Hub, token: str) -> Comments:
    client = Client(token, endpoint=hub.url, patience=5, sleep=lambda _: None)
    return Comments(client, "acme", lambda: "https://hub.test/spaces/acme/leaderboard")


def texts(hub: Hub, model: str = "zoo/tiny") -> list[list[str]]:
    """The comments of each discussion of a model."""
    from support.hub.repository import RepoName

    found = hub.get(RepoName("model", model)).discussions
    return [[event["data"]["latest"]["raw"] for event in each["events"]] for each in found]


def test_a_published_result_is_told_with_its_scores_and_a_link(hub: Hub) -> None:
    assert comments(hub, hub.add_token("alice")).publish(finished(model="zoo/tiny"), result("zoo/tiny"))
    [[text]] = texts(hub)
    assert "[acme](https://hub.test/spaces/acme/leaderboard)" in text
    assert "| tiny_addition | acc,none | 0.75 |" in text
    assert "tiny_copy" not in text


def test_a_run_is_told_once_even_by_another_process_and_another_run_in_the_same_discussion(hub: Hub) -> None:
    token, request = hub.add_token("alice"), finished(model="zoo/tiny")
    for _ in range(3):
        assert comments(hub, token).publish(request, result("zoo/tiny"))
    assert [len(each) for each in texts(hub)] == [1]
    later = "2026-02-01T12-00-00.000000"
    comments(hub, token).publish(finished(later, "zoo/tiny"), result("zoo/tiny", later))
    assert [len(each) for each in texts(hub)] == [2]


def test_a_model_whose_discussion_was_closed_is_left_alone(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    from support.hub.repository import RepoName

    caplog.set_level(logging.INFO)
    token = hub.add_token("alice")
    comments(hub, token).publish(finished(model="zoo/tiny"), result("zoo/tiny"))
    [discussion] = hub.get(RepoName("model", "zoo/tiny")).discussions
    discussion["status"] = "closed"
    later = "2026-02-01T12-00-00.000000"
    assert not comments(hub, token).publish(finished(later, "zoo/tiny"), result("zoo/tiny", later))
    assert [len(each) for each in texts(hub)] == [1]
    assert "did not comment on zoo/tiny: its discussion 1 is closed" in caplog.text
    assert comments(hub, token).publish(finished(model="zoo/tiny"), result("zoo/tiny"))  # that run was told


@pytest.mark.parametrize(
    "fault", [Fault.LOST_ANSWER, Fault.CUT_ANSWER, Fault.BAD_GATEWAY, Fault.LOST_REQUEST]
)
def test_an_answer_that_is_lost_makes_no_second_comment(hub: Hub, fault: Fault) -> None:
    hub.faults.strike_next(fault, route="create", method="POST", repository="zoo/tiny")
    comments(hub, hub.add_token("alice")).publish(finished(model="zoo/tiny"), result("zoo/tiny"))
    assert [len(each) for each in texts(hub)] == [1]


def test_a_token_that_may_not_and_a_model_without_discussions_are_left_alone(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    from support.hub.repository import RepoName

    caplog.set_level(logging.WARNING)
    token = hub.add_token("alice", "fineGrained", ["datasets/acme/results"])
    assert not comments(hub, token).publish(finished(model="zoo/tiny"), result("zoo/tiny"))
    hub.get(RepoName("model", "zoo/tiny")).discusses = False
    assert not comments(hub, hub.add_token("alice")).publish(finished(model="zoo/tiny"), result("zoo/tiny"))
    assert not comments(hub, hub.add_token("alice")).publish(finished(model="zoo/gone"), result("zoo/gone"))
    assert texts(hub) == []
    assert caplog.text.count("did not comment on") == 3


def test_only_a_published_result_is_told(hub: Hub) -> None:
    told = comments(hub, hub.add_token("alice"))
    assert not told.publish(make_request(model="zoo/tiny", status=Status.FAILED, run=RUN), result("zoo/tiny"))
    assert texts(hub) == []
