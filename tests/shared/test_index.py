"""The Parquet index: what it holds comes back equal, and what is none is told apart."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.shared.data.reports import read_result
from src.shared.data.request import Attempt, Lease, Progress, Request, Status
from src.shared.data.result import Result
from src.shared.errors import BadFile
from src.shared.index.index import FIRST_FORMAT, FIRST_READER, FORMAT, MOST_SCORES, NewerIndex
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from src.shared.stores.store import blob_id
from support.factories import make_request, make_result_file, old_result_file

RESULTS = {
    path: read_result(path, data)
    for path, data in {
        "acme/tiny/results_1.json": make_result_file(scores={"a": {"acc,none": 0.5}, "b": {"em,x": 1 / 3}}),
        "acme/tiny/results_2.json": make_result_file(scores={"a": {"acc,none": float("nan")}}, commit=None),
        "old/results_2023-11-21T18-10-08.json": old_result_file(),
        "old/results.json": old_result_file(anli={"acc": 1e300}),
    }.items()
}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LEASE = Lease("here-0", "nonce", NOON, NOON, NOON)
REQUESTS = {
    "a.json": make_request(),
    "b.json": make_request(
        status=Status.RUNNING,
        lease=LEASE,
        progress=Progress("a", 1, 2),
        extra={"of others": [1, {"x": None}]},
    ),
    "c.json": make_request(
        history=(Attempt(1, "here-0", NOON, None, "lost", "<b>", "logs/x.txt"),),
        params=None,
        submitted_time="",
    ),
}


def files_of(values: dict[str, Result] | dict[str, Request]) -> dict[str, str]:
    return {path: blob_id(path.encode()) for path in (*values, "README.md", "acme/broken.json")}


def table_of(data: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(data))


def test_results_come_back_as_they_were_read() -> None:
    files = files_of(RESULTS)
    data = RESULTS_INDEX.write(files, RESULTS)
    indexed = RESULTS_INDEX.read(data)
    assert indexed.values == RESULTS
    assert indexed.files == RESULTS_INDEX.read_files(data) == files
    assert data == RESULTS_INDEX.write(dict(reversed(files.items())), dict(reversed(RESULTS.items())))


def test_requests_come_back_as_they_were_read() -> None:
    data = REQUESTS_INDEX.write(files_of(REQUESTS), REQUESTS)
    assert REQUESTS_INDEX.read(data).values == REQUESTS


def test_people_see_typed_columns_and_one_row_for_each_result() -> None:
    table = table_of(RESULTS_INDEX.write(files_of(RESULTS), RESULTS))
    assert table.num_rows == len(RESULTS)
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "path": "string",
        "model": "string",
        "precision": "string",
        "weight_type": "string",
        "commit": "string",
        "use_chat_template": "bool",
        "engine": "string",
        "ended": "timestamp[us, tz=UTC]",
        "limit": "double",
        "request": "string",
        "a acc,none": "double",
        "anli acc": "double",
        "anli_r1 acc": "double",
        "b em,x": "double",
        "blob": "string",
        "reader": "int32",
        "parsed": "string",
    }
    [first, *_] = table.to_pylist()
    assert (first["model"], first["a acc,none"], first["b em,x"]) == ("acme/tiny", 0.5, 1 / 3)


def test_an_empty_index_has_its_columns() -> None:
    for index in (RESULTS_INDEX, REQUESTS_INDEX):
        data = index.write({}, {})
        assert index.read(data).values == {}
        assert {"path", "model", "precision"} <= set(table_of(data).column_names)


def test_a_report_of_very_many_tasks_does_not_make_very_many_columns() -> None:
    scores = {f"task{number}": {"acc,none": 0.5} for number in range(MOST_SCORES + 50)}
    result = read_result("x/results_1.json", make_result_file(scores=scores))
    data = RESULTS_INDEX.write({result.path: "0" * 40}, {result.path: result})
    assert len(table_of(data).column_names) == MOST_SCORES + 13
    assert RESULTS_INDEX.read(data).values[result.path] == result


def test_a_task_that_is_named_like_a_column_does_not_take_its_place() -> None:
    result = replace(RESULTS["acme/tiny/results_1.json"], scores={"path": {"": 1.0}})
    data = RESULTS_INDEX.write({result.path: "0" * 40}, {result.path: result})
    assert RESULTS_INDEX.read(data).values == {result.path: result}


GOOD = RESULTS_INDEX.write(files_of(RESULTS), RESULTS)


def rewritten(**columns: list[object] | None) -> bytes:
    """The index with other columns; None leaves one out."""
    table = table_of(GOOD)
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.remove_column(place)
        table = table if values is None else table.add_column(place, name, pa.array(values))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def with_format(number: int) -> bytes:
    buffer = io.BytesIO()
    ours = b'{"format": %d, "files": {}}' % number
    pq.write_table(table_of(GOOD).replace_schema_metadata({b"leaderboard": ours}), buffer)
    return buffer.getvalue()


def test_an_index_of_a_newer_version_is_told_apart() -> None:
    with pytest.raises(NewerIndex):
        RESULTS_INDEX.read(with_format(FORMAT + 1))


def test_the_first_layout_is_read_and_its_rows_are_of_the_first_reader() -> None:
    table = table_of(with_format(FIRST_FORMAT)).drop_columns(["reader"])
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    indexed = RESULTS_INDEX.read(buffer.getvalue())
    assert indexed.values == RESULTS
    assert indexed.readers == dict.fromkeys(RESULTS, FIRST_READER)


def test_a_value_of_another_reader_that_cannot_be_loaded_is_left_out_and_damages_no_other() -> None:
    others = {"acme/tiny/results_1.json": RESULTS_INDEX.reader - 1}
    data = RESULTS_INDEX.write(files_of(RESULTS), RESULTS, others)
    table = table_of(data)
    parsed = ["{}", *table.column("parsed").to_pylist()[1:]]
    place = table.column_names.index("parsed")
    buffer = io.BytesIO()
    pq.write_table(table.set_column(place, "parsed", pa.array(parsed)), buffer)
    indexed = RESULTS_INDEX.read(buffer.getvalue())
    assert indexed.values == {path: value for path, value in RESULTS.items() if path not in others}


def with_a_flipped_bit() -> bytes:
    """Somewhere in the rows, of which the first column are the paths."""
    return GOOD[:60] + bytes([GOOD[60] ^ 1]) + GOOD[61:]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PAR1",
        b"{}",
        GOOD[:-10],
        GOOD[: len(GOOD) // 2],
        with_a_flipped_bit(),
        rewritten(parsed=None),
        rewritten(blob=None),
        rewritten(parsed=["{}"] * len(RESULTS)),
        rewritten(parsed=[None] * len(RESULTS)),
        rewritten(parsed=["{"] * len(RESULTS)),
        with_format(0),
        rewritten(path=[None, *sorted(RESULTS)[1:]]),
        rewritten(blob=[None] * len(RESULTS)),
    ],
)
def test_what_is_no_index_is_told_apart(data: bytes) -> None:
    with pytest.raises(BadFile, match="it is "):
        RESULTS_INDEX.read(data)
