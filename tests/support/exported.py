"""Exports a board of invented models as `python -m src.export` does: `support.exported DATA FOLDER`.

`--models` says how many; `--hostile` adds models, texts and an owner's page that try to do harm.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from types import ModuleType

from bench.corpora import Corpus
from src.shared.data.names import request_path, result_path
from src.shared.data.request import Status, write_request
from support.factories import make_request, make_result_file

HOSTILE = [
    "<script>window.pwned = 1</script>/x",
    '"><img src=x onerror="window.pwned=1">/y',
    "../../../../etc/passwd",
    "CON/aux",
    "acme/Twin",
    "acme/twin",
    "acme.html/model",
    "acme.html",
    "javascript:window.pwned=1",
    "-->]]></script><script>window.pwned=1</script>",
    "\u202egnp/exe\u202c",
    "long/" + "x" * 300,
]
"""Names of models that anybody could have written into a dataset by hand."""

INTRODUCTION = """**Bold** words, [a link](https://elsewhere.example), <script>window.pwned = 1</script>

![a picture](https://elsewhere.example/a.png)
"""


def main() -> int:
    """Make the data, unless it is there, and export it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("folder")
    parser.add_argument("--models", type=int, default=500)
    parser.add_argument("--hostile", action="store_true")
    options = parser.parse_args()
    corpus = Corpus(options.models, organizations=40)
    if not options.data.exists():
        make_data(options.data, corpus)
        if options.hostile:
            make_hostile(options.data)
    os.environ["LEADERBOARD_DATA_DIR"] = str(options.data)
    sys.modules["src.about"] = about(corpus)
    from src.export import main as export

    return export([options.folder])


def make_data(data: Path, corpus: Corpus) -> None:
    """Write requests and results."""
    for each in corpus.evaluated():
        for dataset, files in (("requests", each.request), ("results", {**each.result, **each.log})):
            for path, content in files.items():
                file = data / dataset / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)


def make_hostile(data: Path) -> None:
    """Write a request and a result of each hostile name, with hostile texts wherever a text can be."""
    for number, name in enumerate(HOSTILE):
        text = HOSTILE[number % 4]
        scores = {f"task_{task}": {"acc,none": 0.5 + number / 100} for task in range(6)}
        place = f"hostile-{number}/model"
        result = make_result_file(model=name, scores=scores, commit=f"{number:040x}")
        file = data / "results" / result_path(place, f"2026-01-01T00-00-{number:02}.000000")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(result)
        request = make_request(
            model=name,
            commit=f"{number:040x}",
            license=text,
            status=Status.FAILED,
            message=text,
            submitted_by=text,
            revision=text,
        )
        file = (
            data
            / "requests"
            / request_path(
                place, private=False, precision="float32", weight_type="Original", commit=f"{number:040x}"
            )
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(write_request(request))


def about(corpus: Corpus) -> ModuleType:
    """An about.py with the tasks of the corpus."""
    made = ModuleType("src.about")
    vars(made).update(
        Tasks=list(corpus.columns),
        TITLE="<h1>🏅 The exported board</h1>",
        INTRODUCTION_TEXT=INTRODUCTION,
        LLM_BENCHMARKS_TEXT="## How\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        EVALUATION_QUEUE_TEXT="",
        CITATION_BUTTON_LABEL="Cite",
        CITATION_BUTTON_TEXT="@misc{board}",
    )
    return made


if __name__ == "__main__":
    sys.exit(main())
