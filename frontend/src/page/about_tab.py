"""The tab "📝 About": the owner's text, the tests as the backend runs them, how to compute a row again."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import Markup

from src.board.board import Board, Now
from src.board.keeper import Keeper
from src.leaderboard.reproduction import reproductions
from src.leaderboard.search import LONGEST, read_search
from src.page.suite import suite
from src.page.texts import Texts
from src.page.updates import Updates

NOTHING_FOUND = "# No model's name or licence contains this."
NOTHING_YET = "# There are no results yet."
REPRODUCE = """
## Reproduce a row

Name a model as in the table's search. Without a name, you get the commands for the best one.
"""


class AboutTab:
    """The tab's components, and what happens to them. Make it inside the tab."""

    def __init__(self, keeper: Keeper, texts: Texts, *, num_fewshot: int | None) -> None:
        self._keeper = keeper
        self._num_fewshot = num_fewshot
        gr.Markdown(texts.benchmarks, elem_id="about")
        gr.Markdown("## The tests")
        self.suite = gr.HTML(padding=False)
        gr.Markdown(REPRODUCE)
        self.model = gr.Textbox(
            "",
            label="Model",
            placeholder="organisation/model",
            elem_id="reproduced-model",
            max_length=LONGEST,
        )
        self.commands = gr.Textbox(
            label="Commands", lines=8, max_lines=40, show_copy_button=True, elem_id="reproduction"
        )

    @property
    def outputs(self) -> list[Any]:
        """The components that follow the board."""
        return [self.suite, self.commands]

    def listen(self) -> None:
        """Connect the search."""
        self.model.input(
            lambda model: {self.commands: _commands(self._keeper.now.board, model)},
            self.model,
            [self.commands],
            trigger_mode="always_last",
            show_progress="hidden",
            show_api=False,
        )

    def follow(self, now: Now, model: str) -> Updates:
        """Update the tab to the present board."""
        board = now.board
        return {
            self.suite: board.derived.once(suite, lambda: self._suite(board)),
            self.commands: board.derived.once(_commands, lambda: _commands(board, ""))
            if not model
            else _commands(board, model),
        }

    def _suite(self, board: Board) -> Markup:
        return suite(board.standings.tasks, board.backend, num_fewshot=self._num_fewshot)


def _commands(board: Board, model: str) -> str:
    found = reproductions(board.standings, model, local_models=board.local_models, description=board.backend)
    nothing = NOTHING_FOUND if board.standings.rows else NOTHING_YET
    left_out = read_search(model).left_out
    parts = [f"# {left_out}"] if left_out else []
    return "\n\n".join([*parts, *(map(str, found) if found else [nothing])])
