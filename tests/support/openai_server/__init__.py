"""A small OpenAI-compatible server over a real model, as a process. It answers as vLLM does, or fails.

with running_server(folder, name="org/model@c0ffee", token="hf_secret") as server:
    server.url                             # http://127.0.0.1:…/v1
    server.fault("unavailable", next=2)    # the next two answers are 503; the names are in `faults.py`
    server.fault("empty", every=50)        # and every 50th answer is empty
    server.clear()                         # no fault from here on
    server.die_after(10)                   # ten calls are answered, at the next one the process ends
    server.seen()                          # what came in: routes, tokens, statuses, bodies

The process needs torch and transformers (`python_with_models` finds a Python that has them). Its scores are
those of transformers in float32, one text at a time.
"""

from .process import RunningServer, python_with_models, running_server

__all__ = ["RunningServer", "python_with_models", "running_server"]
