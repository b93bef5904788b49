"""The indexes of the two datasets: which columns people see, and how their rows are read again."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import TypeAdapter

from ..data.names import OWN_FOLDER
from ..data.request import Request, read_request, write_request
from ..data.result import UNKNOWN_TIME, Result
from .index import TIME, Index, IndexColumn

_RESULT = TypeAdapter(Result)


def _scores(result: Result) -> Mapping[str, float]:
    return {
        f"{task} {metric}": score
        for task, metrics in result.scores.items()
        for metric, score in metrics.items()
        if score is not None
    }


def _read_result(path: str, text: str) -> Result:
    return _RESULT.validate_json(text)


def _read_request(path: str, text: str) -> Request:
    return read_request(text.encode())


RESULTS_INDEX = Index[Result](
    path=f"{OWN_FOLDER}/results.parquet",
    reader=7,
    columns=[
        IndexColumn("model", "string", lambda result: result.model),
        IndexColumn("precision", "string", lambda result: result.precision),
        IndexColumn("weight_type", "string", lambda result: result.weight_type),
        IndexColumn("commit", "string", lambda result: result.commit),
        IndexColumn("use_chat_template", "bool", lambda result: result.use_chat_template),
        IndexColumn("engine", "string", lambda result: result.engine),
        IndexColumn("ended", TIME, lambda result: None if result.ended == UNKNOWN_TIME else result.ended),
        IndexColumn("limit", "double", lambda result: result.limit),
        IndexColumn("request", "string", lambda result: result.request),
    ],
    scores=_scores,
    dump=lambda result: _RESULT.dump_json(result, ensure_ascii=True).decode(),  # ASCII loads faster
    load=_read_result,
)

REQUESTS_INDEX = Index[Request](
    path=f"{OWN_FOLDER}/requests.parquet",
    reader=5,
    columns=[
        IndexColumn("model", "string", lambda request: request.model),
        IndexColumn("revision", "string", lambda request: request.revision),
        IndexColumn("commit", "string", lambda request: request.commit),
        IndexColumn("precision", "string", lambda request: request.precision),
        IndexColumn("weight_type", "string", lambda request: request.weight_type),
        IndexColumn("use_chat_template", "bool", lambda request: request.use_chat_template),
        IndexColumn("status", "string", lambda request: request.status.value),
        IndexColumn("message", "string", lambda request: request.message),
        IndexColumn("submitted", TIME, lambda request: request.submitted),
        IndexColumn("submitted_by", "string", lambda request: request.submitted_by),
        IndexColumn("model_type", "string", lambda request: request.model_type),
        IndexColumn("params", "double", lambda request: request.params),
        IndexColumn("license", "string", lambda request: request.license),
        IndexColumn("attempts", "int64", lambda request: request.attempt),
        IndexColumn("result", "string", lambda request: request.result),
    ],
    dump=lambda request: write_request(request).decode(),
    load=_read_request,
)
