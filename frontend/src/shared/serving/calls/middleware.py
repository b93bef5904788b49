"""What stands between a Space's doors and Gradio, in the order in which a call meets it."""

from __future__ import annotations

from starlette.middleware import Middleware

from .quietly import Quietly
from .slots import Slots

BOUNDS = (Middleware(Quietly), Middleware(Slots))
