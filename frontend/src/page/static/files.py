"""What the files of an exported board are called: names that every file system and web server can have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import chain
from urllib.parse import quote, urlencode

from src.leaderboard.references import reference
from src.leaderboard.rows import Standings
from src.leaderboard.scores import main_column, score_columns
from src.page.charts.choice import Choice, Kind
from src.page.details.links import MODEL, TASK, address
from src.page.plain.charts import PICTURES

INDEX, EVERYTHING, CHARTS, ABOUT, QUEUE = (
    "index.html",
    "everything.html",
    "charts.html",
    "about.html",
    "queue.html",
)
DATA = {"table.csv": "CSV", "table.json": "JSON", "table.parquet": "Parquet"}

SHARED = ("plain.css", "details.css", "static.css", "static.js")
"""What all pages share."""

PAGE, PICTURE = ".html", ".svg"

LONGEST_PART = 80
"""Characters of one part of a path that are kept."""

HARMLESS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for itself."""


def paths_of(names: Iterable[str]) -> dict[str, str]:
    """Return a path for each name, such as `acme/tiny` or `acme/tiny--float16`, that no other name has.

    A name that a path cannot have gets a part of its hash, and so do names that differ only in upper and
    lower case. The order of the names has no effect, so a name keeps its path when the ranks change.
    """
    made = {name: _path(name) for name in names}
    shared = Counter(path.casefold() for path in made.values())
    return {
        name: path if shared[path.casefold()] == 1 else _with_hash(path, name) for name, path in made.items()
    }


def _path(name: str) -> str:
    organisation, slash, rest = name.replace(":", "--").replace(" ", "-").partition("/")
    parts = [organisation, rest] if slash else [organisation]
    # A folder must not be called like the file of a name without a slash.
    is_harmless = all(
        HARMLESS.fullmatch(part) and not RESERVED.fullmatch(part) and len(part) <= LONGEST_PART
        for part in parts
    ) and not (slash and organisation.casefold().endswith((PAGE, PICTURE)))
    if is_harmless and "--" not in name:
        return "/".join(parts)
    kept = [re.sub(r"[^A-Za-z0-9_-]+", "-", part)[:LONGEST_PART].strip("-") or "x" for part in parts]
    kept = [f"{part}-" if RESERVED.fullmatch(part) else part for part in kept]
    return _with_hash("/".join(kept), name)


def _with_hash(path: str, name: str) -> str:
    return f"{path}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:10]}"


class Files:
    """The file of each page, and of each address that the parts of the leaderboard's page link to."""

    def __init__(self, standings: Standings, pictures: Iterable[str] = ()) -> None:
        references = [reference(standings, row) for row in standings.rows]
        tasks = [column.task.col_name for column in standings.tasks]
        columns = [column.name for column in score_columns(standings)]
        main = main_column(standings).name
        self.models = _pages(MODEL, references)
        """By reference."""
        self.tasks = _pages(TASK, tasks)
        """By the name of the column."""
        self.charts = {**_pages("charts", (name for name in columns if name != main)), main: CHARTS}
        """By the name of the column."""
        paths = paths_of(columns)
        self.pictures = {
            (kind, name): f"chart/{kind}/{path}{PICTURE}" for kind in PICTURES for name, path in paths.items()
        }
        """By the chart and the name of the column."""
        own = [EVERYTHING, ABOUT, QUEUE, *DATA, *SHARED, *pictures]
        self.all = frozenset(
            chain(
                [INDEX, *own],
                self.models.values(),
                self.tasks.values(),
                self.charts.values(),
                self.pictures.values(),
            )
        )
        """Every file, relative to the folder."""
        targets = {"table": INDEX, "charts": CHARTS, **{file: file for file in own}}
        targets |= {address(MODEL, name): file for name, file in self.models.items()}
        targets |= {address(TASK, name): file for name, file in self.tasks.items()}
        targets |= {f"?{urlencode({TASK: name})}": file for name, file in self.tasks.items()}
        targets |= {chart_address(name): file for name, file in self.charts.items()}
        for column in score_columns(standings):
            query = Choice(Kind.SIZE, column).query(standings)
            for kind in PICTURES:
                used = f"chart/{kind}.svg?{query}" if query else f"chart/{kind}.svg"
                targets[used] = self.pictures[kind, column.name]
        self.targets: Mapping[str, str] = {each: quote(file) for each, file in targets.items()}
        """The path of the file for each address, relative to the folder, as a link has it."""


def chart_address(column: str) -> str:
    """Return the address of the charts of a column, as pages here link to it."""
    return f"charts?{urlencode({'of': column}, errors='replace')}"


def _pages(folder: str, names: Iterable[str]) -> dict[str, str]:
    return {name: f"{folder}/{path}{PAGE}" for name, path in paths_of(names).items()}
