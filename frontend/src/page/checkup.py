"""The check-up for the owner of the leaderboard. To everybody else it does not exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from src.maintaining.maintainers import IsOwner
from src.page.html import render
from src.page.updates import QUIETLY, Updates
from src.page.visitors import Visitors
from src.shared.doctor.finding import Finding, Level, summary

Findings = Callable[[], Sequence[Finding]]

LABEL = "🩺 For you, the owner: {}"
ORDER = (Level.WRONG, Level.WARNING, Level.GREEN)


class Checkup:
    """The components and their events. Make it at the foot of the page.

    `findings` is called for owners only, and may take seconds.
    """

    def __init__(self, findings: Findings, is_owner: IsOwner, visitors: Visitors) -> None:
        self._findings, self._is_owner, self._visitors = findings, is_owner, visitors
        self._signed_in = gr.Number(0, visible="hidden", label="Signed in")
        with gr.Accordion(LABEL.format("…"), open=False, visible=False, elem_id="checkup") as self.whole:
            self.list = gr.HTML(padding=False)
            self.again = gr.Button("Check again", size="sm")

    @property
    def outputs_of_opening(self) -> list[Any]:
        """The component that says whether somebody has signed in."""
        return [self._signed_in]

    def open(self, request: gr.Request) -> Updates:
        """Look further only if somebody has signed in, so that it costs other visitors nothing."""
        return {self._signed_in: int(bool(self._visitors.signed_in(request).login))}

    def listen(self) -> None:
        """Connect the events. Each call is answered by who makes it, whatever it sends."""
        for listen in (self._signed_in.change, self.again.click):
            listen(self._show, None, [self.whole, self.list], queue=False, **QUIETLY)

    def _show(self, request: gr.Request) -> Updates:
        who = self._visitors.signed_in(request)
        if not self._is_owner(who.login, self._visitors.own_token(request)):
            return {self.whole: gr.Accordion(LABEL.format("…"), visible=False), self.list: ""}
        found = self._findings()
        return {self.whole: gr.Accordion(LABEL.format(summary(found)), visible=True), self.list: shown(found)}


def shown(findings: Sequence[Finding]) -> Markup:
    """Return findings as a list, the worst first."""
    return render("checkup.html", findings=sorted(findings, key=lambda each: ORDER.index(each.level)))
