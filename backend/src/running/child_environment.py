"""The environment of a child: a few of the worker's variables, and a home directory without a token."""

from __future__ import annotations

import os
from pathlib import Path

# fmt: off
PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_XET",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
)
# fmt: on
"""The variables that a child gets from the worker, unless they contain a login (`http://me:…@proxy`)."""


INFERENCE_TOKEN = "INFERENCE_TOKEN"
"""The worker's variable with the token for calls of the server that runs a model. No child has it."""


def clean_environment(
    folder: Path, read_token: str | None = None, threads: int | None = None
) -> dict[str, str]:
    """Return the whole environment of a child: a few harmless variables and a home without a token.

    The only token in it can be `read_token`, for gated models and questions. `threads` limits the threads of
    children that share the processors, unless the owner has set a number.
    """
    token = {"HF_TOKEN": read_token} if read_token else {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    passed_on = {name: os.environ[name] for name in PASSED_ON if "@" not in os.environ.get(name, "@")}
    shared = {"OMP_NUM_THREADS": str(threads)} if threads else {}
    return {
        **shared,
        **passed_on,
        "HOME": str(folder / "home"),
        "HF_HOME": str(folder / "hf"),
        **token,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
