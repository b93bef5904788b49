"""The page's HTML: the templates in `templates/`, filled with values."""

from __future__ import annotations

from pathlib import Path

from src.shared.serving.templates import Templates

FOLDER = Path(__file__).with_name("templates")
TEMPLATES = Templates(FOLDER)

render = TEMPLATES.render
