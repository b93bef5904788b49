"""Pages that Gradio itself serves, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from src.shared.serving.launch import launch
from support.processes import free_port


@contextmanager
def served(page: Any, **options: Any) -> Iterator[str]:
    """Serve a page until the block ends, and return its URL.

    On a port of its own: tests that run side by side would all take Gradio's first.
    """
    launch(page, server_port=free_port(), quiet=True, **options)
    try:
        yield page.local_url.rstrip("/")
    finally:
        page.close()
