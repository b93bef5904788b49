"""A frontend that starts on 5,000 models: calls of the Hub and seconds, against the old template's way."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.utils import disable_progress_bars

from bench.corpora import Corpus
from bench.figures import Report, number, say, seconds, timed
from bench.hub_place import LIMITS, NO_LIMITS, Calls, Place, corpus_on, expected
from src.board.keeper import Keeper
from src.shared.index.indexes import REQUESTS_INDEX, RESULTS_INDEX
from support.hub_process import hub_process

MODELS = 5_000
ORGANIZATIONS = (97, 2_500)
NEWER = 150
SHARE = 5
"""Of the old way only such a part is measured, and multiplied: each file costs it the same."""

START, REFRESH, IDLE = 30, 12, 2
"""Goals, in calls."""


def main() -> None:
    """Measure both datasets, and the old way on both."""
    report = Report(
        "A start on 5,000 models",
        [
            "5,000 models, each with a request, a result on six tasks and a log, on the tests' "
            "Hub-compatible server, which runs in a process of its own. Calls are those that the Hub limits.",
            "With no index, an old one or a damaged one the server enforces the limits of a free account, "
            "1,000 calls of the API and 5,000 reads of files in five minutes. Waiting for the next five "
            "minutes is skipped, and told apart from the seconds.",
            "The old template downloads both datasets with `snapshot_download` at every start. That was "
            f"measured on a {SHARE}th of the models and multiplied by {SHARE}: each file costs it two calls.",
        ],
    )
    disable_progress_bars()
    for organizations in ORGANIZATIONS:
        ours = _ours(report, organizations)
        old = _old(report, organizations)
        where = f"{organizations:,} organisations"
        report.add(
            f"{where}: our start / the old one",
            f"{ours.all / old.all:.4f} of the calls, {ours.seconds / old.seconds:.4f} of the time",
        )
    report.hand_over()


def _ours(report: Report, organizations: int) -> Calls:
    """All steps on one pair of datasets; what a start with a fresh index cost."""
    corpus, where = Corpus(MODELS, organizations), f"{organizations:,} organisations"
    with hub_process(sys.executable) as hub, corpus_on(hub, corpus) as place:
        say(f"{where}: the datasets are there")
        keeper = _with_limits(report, f"{where}: no index", place, corpus)
        keeper.keep_indexes()
        keeper = place.start()
        cold = _told(report, f"{where}: start with an index", place, keeper, most=START)
        _told(report, f"{where}: nothing changed", place, keeper, most=IDLE)
        new = corpus.model(MODELS)
        place.put(new.request, {**new.result, **new.log})
        _told(report, f"{where}: one new result, its request finished", place, keeper, most=REFRESH)
        table = expected(Corpus(MODELS + 1, organizations))
        report.holds("… shows what the files say", keeper.now.board.standings == table)
        newer = [corpus.model(MODELS + 1 + number) for number in range(NEWER - 1)]
        for each in newer:
            place.put(each.request, {**each.result, **each.log})
        more = Corpus(MODELS + NEWER, organizations)
        _with_limits(report, f"{where}: an index that lacks {NEWER} results", place, more)
        place.put({REQUESTS_INDEX.path: b"PAR1 no table"}, {RESULTS_INDEX.path: b"PAR1 no table"})
        _with_limits(report, f"{where}: an index that is damaged", place, more)
    return cold


def _with_limits(report: Report, what: str, place: Place, corpus: Corpus) -> Keeper:
    """Start under the Hub's limits, and compare with the table that the files make."""
    place.limit(LIMITS)
    keeper = place.start()
    calls = _told(report, what, place, keeper)
    place.limit(NO_LIMITS)
    report.holds("… without one refused call", not calls.refused)
    report.holds("… shows what the files say", keeper.now.board.standings == expected(corpus))
    return keeper


def _told(report: Report, what: str, place: Place, keeper: Keeper, *, most: int | None = None) -> Calls:
    calls = place.measured(keeper)
    found = f"{calls.all:,} calls, {calls.reads:,} of them reads, {seconds(calls.seconds)}"
    if calls.waited:
        found += f" and {number(calls.waited.total_seconds() / 60)} minutes of waiting"
    report.add(
        what,
        found,
        goal="" if most is None else f"≤ {most} calls",
        is_met=None if most is None else calls.all <= most,
    )
    return calls


def _old(report: Report, organizations: int) -> Calls:
    """The old template's start, on a part of the models in as large a part of the organisations."""
    corpus = Corpus(MODELS // SHARE, organizations // SHARE)
    with (
        hub_process(sys.executable) as hub,
        corpus_on(hub, corpus) as place,
        tempfile.TemporaryDirectory() as folder,
    ):
        hub.do("reset_calls")

        def download() -> None:
            for name in ("requests", "results"):
                snapshot_download(
                    f"acme/{name}",
                    repo_type="dataset",
                    local_dir=Path(folder, name),
                    token=place.token,
                    endpoint=hub.url,
                    etag_timeout=30,
                )

        took = timed(download) * SHARE
        counted = [call for call in hub.do("calls") if call["kind"] != "storage"]
        reads = sum(call["kind"] == "resolve" for call in counted) * SHARE
    calls = Calls(len(counted) * SHARE, reads, 0, took, place.now() - place.now())
    found = f"{calls.all:,} calls, {calls.reads:,} of them reads, {seconds(calls.seconds)}"
    report.add(f"{organizations:,} organisations: the old template's start (× {SHARE})", found)
    return calls


if __name__ == "__main__":
    main()
