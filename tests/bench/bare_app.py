"""A bare gradio_leaderboard with the data that the frontend shows: nothing but the component on a page."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import gradio as gr
import pandas as pd
from gradio_leaderboard import Leaderboard, SelectColumns

from bench.corpora import Corpus
from src.board.keeper import Keeper
from src.leaderboard.view import ViewState, view
from src.page.table import contents
from src.shared.stores.folder_store import FolderStore


def main() -> None:
    """Serve it: `python -m bench.bare_app TASKS`, with the frontend's variables."""
    folder = Path(os.environ["LEADERBOARD_DATA_DIR"])
    tasks = Corpus(1, 1, int(sys.argv[1])).columns
    keeper = Keeper(FolderStore(folder / "requests"), FolderStore(folder / "results"), tasks)
    keeper.sync()
    sent = contents(view(keeper.now.board.standings, ViewState()), ())
    headers = [str(header) for header in sent["headers"]]  # type: ignore[attr-defined]
    table = pd.DataFrame(sent["data"], columns=headers)  # type: ignore[arg-type]
    with gr.Blocks() as page:
        Leaderboard(
            value=table,
            datatype=["markdown" if header == "Model" else "str" for header in headers],
            search_columns=["Model"],
            select_columns=SelectColumns(default_selection=headers, allow=False),
            interactive=False,
            height=620,
        )
    page.launch(server_name="127.0.0.1", server_port=int(os.environ["GRADIO_SERVER_PORT"]), ssr_mode=False)


if __name__ == "__main__":
    main()
