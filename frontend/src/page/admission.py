"""Whether a maintainer calls a function of the page: by their login, not by anything that they send."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from src.maintaining.maintainers import Maintainer, Maintainers
from src.page.visitors import Visitors
from src.submitting.threads import Threads

ADMITTING = Threads(8)
"""The threads for asking whether somebody is an owner: the Hub may be slow."""


@dataclass(frozen=True)
class Admission:
    """Lets maintainers in. Both methods may ask the Hub, about a login that MAINTAINERS does not name."""

    maintainers: Maintainers
    visitors: Visitors

    def maintains(self, request: gr.Request) -> bool:
        """Return whether it is a maintainer who calls."""
        return self.maintainers.include(self.visitors.signed_in(request), self.visitors.own_token(request))

    def admit(self, request: gr.Request) -> Maintainer:
        """Return the maintainer who calls. Raises NotAMaintainer."""
        return self.maintainers.admit(self.visitors.signed_in(request), self.visitors.own_token(request))
