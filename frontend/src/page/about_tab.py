"""The tab "📝 About": the owner's text."""

from __future__ import annotations

import gradio as gr

from src.texts import Texts


def about_tab(texts: Texts) -> None:
    """Fill the tab."""
    gr.Markdown(texts.benchmarks, elem_id="about")
