"""Pages about a model, several models or a task. The whole page shows them in a dialog."""

from pathlib import Path

STYLE = Path(__file__).with_name("details.css")
SCRIPT = Path(__file__).with_name("details.js")
