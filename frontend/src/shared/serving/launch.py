"""Gradio's launch of a page, on a machine that is busy with something else as well."""

from __future__ import annotations

import threading
import time
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio import http_server
from gradio.exceptions import ServerFailedToStartError

LOOKS_AGAIN_SECONDS = 0.01


class PatientServer(http_server.Server):
    """Gradio's server. It has as long to start as it takes; Gradio 5.50 gives it five seconds."""

    def run_in_thread(self) -> None:
        """Return once the server answers. Raises ServerFailedToStartError if it ends before."""
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        while not self.started:
            if not self.thread.is_alive():
                raise ServerFailedToStartError("The server ended before it answered.")
            time.sleep(LOOKS_AGAIN_SECONDS)


def launch(page: gr.Blocks, **options: Any) -> FastAPI:
    """Serve a page beside the program that goes on, with these options of Gradio's launch.

    It does not have Gradio ask the page for itself either, which must answer that within three seconds.
    Raises OSError if the port is taken.
    """
    http_server.Server = PatientServer  # type: ignore[misc]
    site: FastAPI
    site, *_ = page.launch(ssr_mode=False, prevent_thread_lock=True, _frontend=False, **options)
    return site
