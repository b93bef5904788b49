"""HTML from Jinja2 templates: every value is escaped, and a missing value is an error."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


class Templates:
    """The templates in one folder. Each is read once, so a change needs a restart."""

    def __init__(self, folder: Path) -> None:
        self.environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def render(self, name: str, /, **values: object) -> Markup:
        """Return a template filled with values. Text is escaped; Markup, such as a link, stays as it is."""
        return Markup(self.environment.get_template(name).render(values))
