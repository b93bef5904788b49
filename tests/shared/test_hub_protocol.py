"""The Hub for tests answers as the real one is known to: with the same keys, headers and errors."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from huggingface_hub.utils import get_session

from support.hub import Hub, Repository, running_hub

pytestmark = pytest.mark.slow

BINARY = bytes(1000)
SHA256 = hashlib.sha256(BINARY).hexdigest()

INFO = (
    "_id author createdAt disabled downloads gated id lastModified likes "
    "private sha siblings tags usedStorage"
)
FILE = "oid path size type"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def token(hub: Hub) -> str:
    return hub.add_user("alice", {"acme": "write"})


@pytest.fixture(scope="module")
def dataset(hub: Hub) -> Repository:
    """Never changed by these tests."""
    return hub.add_dataset("acme/data", {"a/text": "0123456789", "binary": BINARY})


@pytest.fixture(scope="module")
def model(hub: Hub) -> Repository:
    files = {"README.md": "---\nlicense: mit\n---\n", "config.json": '{"architectures": ["XForCausalLM"]}'}
    return hub.add_model("acme/tiny", files)


@pytest.fixture(scope="module")
def moved(hub: Hub) -> Repository:
    """A model that had another name."""
    model = hub.add_model("acme/old")
    hub.rename("model", "acme/old", "acme/moved")
    return model


Call = Callable[..., Any]


@pytest.fixture(scope="module")
def call(hub: Hub, token: str, dataset: Repository, model: Repository) -> Call:
    """One request, as alice, without following redirects."""

    def send(
        method: str, path: str, *, json: object = None, content: bytes | None = None, **headers: str
    ) -> Any:
        headers = {"Authorization": f"Bearer {token}"} | {
            key.replace("_", "-"): headers[key] for key in headers
        }
        return get_session().request(
            method, f"{hub.url}{path}", headers=headers, json=json, content=content, follow_redirects=False
        )

    return send


@pytest.mark.parametrize(
    ("method", "path", "body", "keys"),
    [
        ("GET", "/api/agent-harnesses", None, "harnesses standardEnvVars"),
        (
            "GET",
            "/api/whoami-v2",
            None,
            "auth avatarUrl canPay email emailVerified fullname id isPro name orgs periodEnd type",
        ),
        (
            "POST",
            "/api/repos/create",
            {"type": "dataset", "organization": "acme", "name": "new"},
            "id name url",
        ),
        ("GET", "/api/datasets/acme/data", None, INFO),
        ("GET", "/api/datasets/acme/data/revision/main?expand=sha&expand=likes", None, "_id id likes sha"),
        ("GET", "/api/models/acme/tiny", None, f"{INFO} cardData config library_name modelId pipeline_tag"),
        ("GET", "/api/models/acme/tiny?expand[]=config", None, "_id config id modelId"),
        ("GET", "/api/datasets/acme/data/refs", None, "branches converts tags"),
        ("GET", "/api/datasets/acme/data/refs?include_prs=1", None, "branches converts pullRequests tags"),
        ("POST", "/api/datasets/acme/data/preupload/main", {"files": []}, "commitOid files"),
        (
            "POST",
            "/api/validate-yaml",
            {"content": "# No metadata", "repoType": "dataset"},
            "errors warnings",
        ),
        (
            "POST",
            "/datasets/acme/data.git/info/lfs/objects/batch",
            {"operation": "upload", "objects": []},
            "objects transfer",
        ),
    ],
)
def test_an_answer_has_these_keys(call: Call, method: str, path: str, body: object, keys: str) -> None:
    answer = call(method, path, json=body)
    assert answer.status_code == 200
    assert sorted(answer.json()) == sorted(keys.split())


@pytest.mark.parametrize(
    ("method", "path", "body", "keys"),
    [
        ("GET", "/api/datasets/acme/data/tree/main", None, [FILE, FILE, f"lfs {FILE}"]),
        ("GET", "/api/datasets/acme/data/tree/main/a", None, [FILE]),
        ("GET", "/api/datasets/acme/data/tree/main/a?expand=true", None, [f"lastCommit {FILE}"]),
        ("POST", "/api/datasets/acme/data/paths-info/main", {"paths": ["binary", "x"]}, [f"lfs {FILE}"]),
        ("GET", "/api/datasets/acme/data/commits/main?limit=1", None, ["authors date id message title"]),
    ],
)
def test_a_list_has_items_with_these_keys(
    call: Call, method: str, path: str, body: object, keys: list[str]
) -> None:
    items = call(method, path, json=body).json()
    assert [sorted(item) for item in items] == [sorted(each.split()) for each in keys]


def test_each_file_is_told_how_to_be_sent(call: Call, dataset: Repository) -> None:
    def sent(path: str, sample: bytes, size: int) -> dict[str, object]:
        return {"path": path, "sample": base64.b64encode(sample).decode(), "size": size}

    files = [
        sent("new.json", b"{}", 2),
        sent("new.bin", b"\0", 1),
        sent("long.json", b"{}", 11 * 2**20),
        sent("a/text", b"0", 1),
        sent("binary", b"\0", 1),
    ]
    answer = call("POST", "/api/datasets/acme/data/preupload/main", json={"files": files}).json()
    text = dataset.head.tree.find("a/text")
    assert answer["files"] == [
        {"path": "new.json", "uploadMode": "regular", "shouldIgnore": False},
        {"path": "new.bin", "uploadMode": "lfs", "shouldIgnore": False},
        {"path": "long.json", "uploadMode": "lfs", "shouldIgnore": False},
        {"path": "a/text", "uploadMode": "regular", "shouldIgnore": False, "oid": text.id},
        {"path": "binary", "uploadMode": "lfs", "shouldIgnore": False, "oid": SHA256},
    ]


def commit_lines(*edits: tuple[str, dict[str, object]], **header: object) -> bytes:
    lines = [("header", {"summary": "change", **header}), *edits]
    return b"".join(json.dumps({"key": key, "value": value}).encode() + b"\n" for key, value in lines)


def test_a_commit_answers_with_what_it_made(call: Call, hub: Hub) -> None:
    committed = hub.add_dataset("acme/committed")
    content = commit_lines(("file", {"path": "a", "content": "ü", "encoding": "utf-8"}))
    answer = call("POST", "/api/datasets/acme/committed/commit/main", content=content).json()
    assert answer == {
        "success": True,
        "hookOutput": "",
        "commitOid": committed.head.id,
        "commitUrl": f"{hub.url}/datasets/acme/committed/commit/{committed.head.id}",
    }
    assert committed.files() == {"a": "ü".encode()}
    assert (committed.head.title, committed.head.author) == ("change", "alice")
    answer = call("POST", "/api/datasets/acme/committed/commit/main?create_pr=1", content=content).json()
    assert answer["pullRequestUrl"] == f"{hub.url}/datasets/acme/committed/discussions/1"


# Files


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_file_has_the_headers_that_clients_need(call: Call, dataset: Repository, method: str) -> None:
    answer = call(method, "/datasets/acme/data/resolve/main/a/text")
    blob = dataset.head.tree.find("a/text")
    assert answer.status_code == 200
    assert answer.content == (b"0123456789" if method == "GET" else b"")
    wanted = {
        "X-Repo-Commit": dataset.head.id,
        "ETag": f'"{blob.id}"',
        "Content-Length": "10",
        "Accept-Ranges": "bytes",
    }
    assert {name: answer.headers[name] for name in wanted} == wanted


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_large_file_lies_on_another_host(call: Call, hub: Hub, dataset: Repository, method: str) -> None:
    answer = call(method, "/datasets/acme/data/resolve/main/binary")
    assert answer.status_code == 302
    wanted = {
        "X-Repo-Commit": dataset.head.id,
        "X-Linked-ETag": f'"{SHA256}"',
        "X-Linked-Size": "1000",
        "Location": f"{hub.url.replace('127.0.0.1', 'localhost')}/_storage/datasets/acme/data/{SHA256}",
    }
    assert {name: answer.headers[name] for name in wanted} == wanted
    stored = get_session().get(answer.headers["Location"], headers={"Range": "bytes=990-"})
    assert (stored.status_code, stored.content) == (206, bytes(10))


def test_raw_shows_the_pointer_of_a_large_file(call: Call) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA256}\nsize 1000\n"
    assert call("GET", "/datasets/acme/data/raw/main/binary").text == pointer
    assert call("GET", "/datasets/acme/data/raw/main/a/text").text == "0123456789"


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=1-2,4-5", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_a_range_of_a_file_can_be_asked_for(
    call: Call, asked: str, status: int, content: bytes, told: str | None
) -> None:
    answer = call("GET", "/datasets/acme/data/resolve/main/a/text", Range=asked)
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("Content-Range") == told


def test_a_pull_request_is_one_segment_of_the_url_or_three(call: Call, hub: Hub, model: Repository) -> None:
    model.history.refs["refs/pr/1"] = model.head.id
    for revision in ("refs%2Fpr%2F1", "refs/pr/1"):
        assert call("GET", f"/api/models/acme/tiny/tree/{revision}").status_code == 200
        assert call("HEAD", f"/acme/tiny/resolve/{revision}/config.json").status_code == 200


@pytest.mark.parametrize(
    ("method", "asked", "there"),
    [
        ("GET", "/api/models/acme/old?expand=sha", "/api/models/acme/moved?expand=sha"),
        ("GET", "/api/models/ACME/Moved/tree/main/a%2Fb", "/api/models/acme/moved/tree/main/a%2Fb"),
        ("HEAD", "/acme/old/resolve/main/config.json", "/acme/moved/resolve/main/config.json"),
        ("POST", "/api/models/acme/old/commit/main", "/api/models/acme/moved/commit/main"),
    ],
)
def test_an_old_name_is_answered_with_the_way_to_the_new_one(
    call: Call, moved: Repository, method: str, asked: str, there: str
) -> None:
    answer = call(method, asked)
    assert (answer.status_code, answer.headers["Location"]) == (307, there)


# Errors


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "/api/datasets/acme/none", 404, "RepoNotFound", "Repository not found"),
        ("GET", "/api/datasets/acme/data/revision/none", 404, "RevisionNotFound", "Invalid rev id: none"),
        ("GET", "/api/datasets/acme/data/tree/main/none", 404, "EntryNotFound", "none does not exist"),
        ("GET", "/datasets/acme/none/resolve/main/a", 404, "RepoNotFound", "Repository not found"),
        ("HEAD", "/datasets/acme/data/resolve/none/a", 404, "RevisionNotFound", "Invalid rev id: none"),
        ("HEAD", "/datasets/acme/data/resolve/main/none", 404, "EntryNotFound", "Entry not found"),
        ("GET", "/datasets/acme/data/resolve/main/%2E%2E%2Fsecret", 404, "EntryNotFound", "Entry not found"),
        ("GET", "/api/datasets/acme/data/revision/%0Aü", 404, "RevisionNotFound", "Invalid rev id: ??"),
        ("GET", "/api/nothing", 404, None, "Sorry, we can't find the page you are looking for."),
    ],
)
def test_an_error_is_told_in_the_headers(
    call: Call, method: str, path: str, status: int, code: str | None, message: str
) -> None:
    answer = call(method, path)
    assert answer.status_code == status
    assert (answer.headers.get("X-Error-Code"), answer.headers["X-Error-Message"]) == (code, message)
    assert method == "HEAD" or answer.json().keys() == {"error"}


def test_a_missing_file_still_tells_the_commit(call: Call, dataset: Repository) -> None:
    answer = call("HEAD", "/datasets/acme/data/resolve/main/none")
    assert answer.headers["X-Repo-Commit"] == dataset.head.id


def test_a_repository_that_exists_is_told_with_its_address(call: Call, hub: Hub) -> None:
    body = {"type": "dataset", "organization": "acme", "name": "data"}
    answer = call("POST", "/api/repos/create", json=body)
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "You already created this dataset repo: acme/data",
        "url": f"{hub.url}/datasets/acme/data",
    }


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../a", "a/../../b", "./a", "a//b", "a/", ".git/config", "a/.git", "a\0b", "\ud800"],
)
def test_an_impossible_path_is_refused(call: Call, dataset: Repository, path: str) -> None:
    before = dataset.head
    content = commit_lines(("file", {"path": path, "content": "", "encoding": "base64"}))
    answer = call("POST", "/api/datasets/acme/data/commit/main", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Invalid path: ")
    assert dataset.head is before


@pytest.mark.parametrize("name", ["", "..", "a--b", "a..b", ".a", "a.git", "a/b", "a b", "a" * 97])
def test_an_impossible_name_is_refused(call: Call, name: str) -> None:
    answer = call("POST", "/api/repos/create", json={"organization": "acme", "name": name})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "content",
    [
        b"no JSON",
        b"[]",
        b'{"key": "unknown", "value": {"path": "a"}}',
        b'{"key": "file", "value": {"path": "a"}}',
        b'{"key": "file", "value": {"path": "a", "content": "not base64"}}',
        commit_lines(("lfsFile", {"path": "a", "oid": "0" * 64})),
    ],
)
def test_a_commit_that_makes_no_sense_is_refused(call: Call, dataset: Repository, content: bytes) -> None:
    before = dataset.head
    assert call("POST", "/api/datasets/acme/data/commit/main", content=content).status_code == 400
    assert dataset.head is before


def test_a_pointer_to_a_file_that_was_not_uploaded_is_refused(call: Call) -> None:
    content = commit_lines(("lfsFile", {"path": "a", "oid": "0" * 64, "algo": "sha256", "size": 1}))
    answer = call("POST", "/api/datasets/acme/data/commit/main", content=content)
    assert "an LFS pointer pointed to a file that does not exist" in answer.json()["error"]


def test_an_upload_must_be_the_file_that_was_announced(call: Call, hub: Hub) -> None:
    objects = [{"oid": "0" * 64, "size": 3}]
    batch = call("POST", "/datasets/acme/data.git/info/lfs/objects/batch", json={"objects": objects}).json()
    upload = batch["objects"][0]["actions"]["upload"]["href"]
    assert get_session().put(upload, content=b"abc").status_code == 400
    verified = call("POST", "/datasets/acme/data.git/info/lfs/objects/verify", json=objects[0])
    assert verified.status_code == 404
