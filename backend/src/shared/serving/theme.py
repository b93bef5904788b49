"""The look of both pages: Gradio's default theme in our colours, with enough contrast in light and dark."""

from __future__ import annotations

import gradio as gr


def theme() -> gr.themes.Base:
    """Return the theme. It has the next shade where Gradio's own has less contrast than 4.5 to 1."""
    made: gr.themes.Base = gr.themes.Default(
        primary_hue="indigo",
        neutral_hue="slate",
        # The visitor's own fonts: nothing is fetched from other hosts.
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        color_accent="*primary_600",
        body_text_color_subdued="*neutral_500",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        link_text_color_dark="*secondary_400",
        link_text_color_active_dark="*secondary_400",
        link_text_color_hover_dark="*secondary_300",
        link_text_color_visited="*secondary_600",
        link_text_color_visited_dark="*secondary_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )
    return made
