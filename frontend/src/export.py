"""The command `python -m src.export FOLDER`: writes the whole board as pages that need no server."""

from __future__ import annotations

from src.shared.process.hardening import forbid_inspection

if __name__ == "__main__":  # before the imports below, which take a second
    forbid_inspection()

import argparse
import logging
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from src.board.keeper import Keeper
from src.columns import TAKEN
from src.leaderboard.availability import read_presences
from src.leaderboard.local_models import local_models
from src.settings import Settings
from src.shared.environment import QUIET_GRADIO, owners_file, read_settings
from src.shared.errors import ConfigurationError, StoreError, exit_on_configuration_error, printable
from src.shared.process.logs import BRIEF, begin_logging
from src.shared.stores.hub import RETRIED
from src.shared.times import utc_now
from src.shared.version import VERSION
from src.shared.wiring import LOCAL_FOLDER, Stores, open_stores
from src.tasks import read_num_fewshot, read_rank_mixed_scores, read_tasks

if TYPE_CHECKING:  # they import gradio, which takes seconds
    from src.page.static.pages import File, Source, StaticBoard
    from src.page.static.writing import Written

WELL, NOT_READ, INTERRUPTED = 0, 1, 130
"""Exit statuses. 2 means a mistake in the settings, or in the name of the folder."""

AGAIN = "Run the command again."
TOLD_EVERY_SECONDS = 3.0
MOST_TOLD = 20
"""How many sentences about broken files are printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Export the board, print what was done on standard output, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m src.export", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to; an older export is replaced")
    folder = parser.parse_args(arguments).folder
    begin_logging(logging.ERROR, BRIEF)
    with exit_on_configuration_error():
        try:
            written = export(folder)
        except StoreError as error:
            sys.stderr.write(
                printable(f"The board could not be exported: {str(error).replace(RETRIED, AGAIN)}") + "\n"
            )
            return NOT_READ
        except KeyboardInterrupt:
            sys.stderr.write("Interrupted. An older export stays as it was.\n")
            return INTERRUPTED
    sys.stdout.write(f"{in_words(written)} {folder.resolve()}\n")
    return WELL


def export(folder: Path) -> Written:
    """Read the board, and write it into a folder. Raises ConfigurationError and StoreError."""
    settings, about = read_settings(Settings, owners_file("src.envs")), owners_file("src.about")
    stores = open_stores(settings, only_look=True)
    check_there_is_data(settings)
    num_fewshot = read_num_fewshot(getattr(about, "NUM_FEWSHOT", None))
    presences = read_presences(stores.results)
    keeper = Keeper(
        stores.requests,
        stores.results,
        read_tasks(getattr(about, "Tasks", None), taken=TAKEN),
        num_fewshot=num_fewshot,
        rank_mixed=read_rank_mixed_scores(getattr(about, "RANK_MIXED_SCORES", True)),
        local_models=lambda: local_models(stores.local_models),
        presences=lambda: presences,
    )
    for name, value in QUIET_GRADIO.items():  # gradio reads them on import
        os.environ.setdefault(name, value)
    from src.page.links import Links
    from src.page.static.pages import StaticBoard
    from src.page.static.writing import write_export
    from src.page.texts import read_texts

    texts = read_texts(about)
    read(keeper)
    now = utc_now()
    sources = sources_of(keeper, stores)
    board = StaticBoard(keeper.now.board, texts, Links.of(keeper), now, num_fewshot, sources)
    told = {"version": VERSION, "sources": [each._asdict() for each in sources]}
    return write_export(folder, counting(board.pages(), board), board.opening, now=now, about=told)


def check_there_is_data(settings: Settings) -> None:
    """Raise ConfigurationError if the data should be in a folder that is not there."""
    folder = Path(settings.leaderboard_data_dir or LOCAL_FOLDER).resolve()
    if not settings.is_on_the_hub and not (folder / "results").is_dir():
        raise ConfigurationError(
            f"There is no board in {folder}. Set OWNER to the owner of the datasets on the Hub, or "
            "LEADERBOARD_DATA_DIR to the folder that contains requests/ and results/."
        )


def read(keeper: Keeper) -> None:
    """Read the datasets, and print what cannot be used. Raises StoreError."""
    with telling_what_is_left(keeper):
        keeper.sync()
    now = keeper.now
    if now.problem or not now.synced:
        raise StoreError(now.problem or "the datasets could not be read.")
    sentences = [*now.board.broken, *now.board.failing_columns]
    for sentence in sentences[:MOST_TOLD]:
        sys.stderr.write(f"{printable(sentence)}\n")
    if len(sentences) > MOST_TOLD:
        sys.stderr.write(f"and {len(sentences) - MOST_TOLD} more\n")


@contextmanager
def telling_what_is_left(keeper: Keeper) -> Iterator[None]:
    """Print now and then how many files are still to be read."""
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(TOLD_EVERY_SECONDS):
            if keeper.now.left:
                sys.stderr.write(f"Reading the datasets: {keeper.now.left:,} files are left.\n")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def sources_of(keeper: Keeper, stores: Stores) -> list[Source]:
    """Return the datasets that were read. A folder of this machine is not named."""
    from src.page.static.pages import Source

    if stores.local_models is not None:
        return [Source("local folders")]
    return [Source(name, revision) for name, revision in keeper.revisions.items()]


def counting(files: Iterable[File], board: StaticBoard) -> Iterator[File]:
    """Yield the files, and print now and then how many are made."""
    told = monotonic()
    for number, file in enumerate(files, start=1):
        yield file
        if monotonic() - told > TOLD_EVERY_SECONDS:
            told = monotonic()
            sys.stderr.write(f"Made {number:,} of {board.number:,} files.\n")


def in_words(written: Written) -> str:
    """Return what an export came to, as the beginning of a sentence that ends with the folder."""
    size = f"{written.files:,} files, {written.size / 1e6:.1f} MB"
    if not written.changed and not written.removed:
        return f"Nothing has changed ({size}) in"
    removed = f", removed {written.removed:,}" if written.removed else ""
    return f"Wrote {written.changed:,} new or changed files{removed} ({size}) to"


if __name__ == "__main__":
    sys.exit(main())
