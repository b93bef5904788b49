"""The version of this template: shown on both pages, and published with what the backend runs."""

from __future__ import annotations

VERSION = "0.2.0"
"""The same as in pyproject.toml and at the top of CHANGELOG.md."""

FOOT = f'<p class="version">Leaderboard template {VERSION}</p>'
"""The line at the foot of a page, in HTML."""
