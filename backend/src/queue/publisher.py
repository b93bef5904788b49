"""Publishes evaluations that have ended: the result, the samples and the log of each, in one commit."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

from src.queue.both_datasets import BothDatasets
from src.queue.publication import result_file
from src.queue.samples import Published, SamplesPublisher
from src.queue.situation import held
from src.queue.validation import of_a_size
from src.running.job import End, Ending
from src.running.suite import Suite
from src.shared.data.names import log_path, result_path
from src.shared.data.queue_order import Requests
from src.shared.data.result import Result
from src.shared.stores.mirror import Reading
from src.shared.stores.store import blob_id
from src.shared.times import Clock

log = logging.getLogger(__name__)


class AttemptKey(NamedTuple):
    """An attempt under one name of its run. The run gets another name if its file name is taken."""

    nonce: str
    run: str


class Publisher:
    """Publishes each ending once. Its request's status follows later."""

    def __init__(self, datasets: BothDatasets, suite: Suite, samples: SamplesPublisher, clock: Clock) -> None:
        self._datasets = datasets
        self._suite = suite
        self._samples = samples
        self._clock = clock
        self._published: set[AttemptKey] = set()
        self.own_files: dict[str, str] = {}
        """The files that it wrote to the results dataset: git's blob id by path."""

    def publish(self, endings: dict[str, Ending], requests: Requests) -> None:
        """Commit what the endings left, given by nonce. Raises StoreError.

        Remove those from `endings` that must wait for their samples. An ending whose result is too large
        becomes an invalid one.
        """
        ended = held(requests, endings)
        runs = {AttemptKey(nonce, requests[path].run or "") for nonce, path in ended.items()}
        if runs <= self._published:
            return
        samples = {
            nonce: self._samples.publish(endings[nonce], requests[path]) for nonce, path in ended.items()
        }
        for nonce in [nonce for nonce, each in samples.items() if each.is_waiting]:
            del endings[nonce]
        files: dict[str, bytes] = {}

        def decide(reading: Reading[Result]) -> dict[str, bytes]:
            nonlocal files
            files = self._files(endings, requests, samples, reading)
            return files

        self._datasets.write_results(decide)
        if files:
            self.own_files |= {path: blob_id(data) for path, data in files.items()}
            log.info("published %s", ", ".join(files))
            self._datasets.refresh()
        # One that turned out to be too large is looked at again until its request says so.
        self._published = {
            run for run in runs if run.nonce in endings and endings[run.nonce].end is not End.INVALID
        }

    def _files(
        self,
        endings: dict[str, Ending],
        requests: Requests,
        samples: Mapping[str, Published],
        reading: Reading[Result],
    ) -> dict[str, bytes]:
        """Return the result, samples and log of each ending, unless its run already has a result."""
        files: dict[str, bytes] = {}
        for nonce, path in held(requests, endings).items():
            ending, request = endings[nonce], requests[path]
            assert request.run
            place = result_path(request.model, request.run)
            if AttemptKey(nonce, request.run) in self._published or place in reading.snapshot.files:
                continue
            if ending.report is not None:
                tasks = request.tasks_among(self._suite.tasks)
                data = result_file(
                    ending.report,
                    path=path,
                    request=request,
                    tasks={task: self._suite.fewshot(task) for task in tasks},
                    now=self._clock(),
                    samples=samples[nonce].entry,
                )
                endings[nonce] = of_a_size(ending, len(data))
                if endings[nonce].report is not None:
                    files |= {place: data, **(samples[nonce].files or {})}
            if ending.log:
                files[log_path(request.model, request.run, request.attempt)] = ending.log
        return files
