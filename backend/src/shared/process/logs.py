"""How the log of a process reads, so that no stranger's text in it changes a terminal or forges a record."""

from __future__ import annotations

import logging
from types import TracebackType

from ..errors import printable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
BRIEF = "%(levelname)s %(name)s: %(message)s"
"""Without the time, for commands that end soon."""

INDENT = "    "


class Harmless(logging.Formatter):
    """Spells out invisible characters, and indents all lines of a record but its first."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return a record without its traceback."""
        record.message = _harmless(record.message)
        return super().formatMessage(record)

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """Return a traceback, which ends with the error's own words."""
        return INDENT + _harmless(super().formatException(ei))


def begin_logging(level: int = logging.INFO, form: str = FORMAT) -> None:
    """Log to standard error from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(Harmless(form))
    logging.basicConfig(level=level, handlers=[handler])


def _harmless(text: str) -> str:
    return f"\n{INDENT}".join(printable(line.expandtabs()) for line in text.split("\n"))
