"""The server as a process: `python -m support.openai_server --model FOLDER`, with `tests` on PYTHONPATH.

It prints its address once the model is loaded, and ends when its standard input does. It takes those options
of vLLM that matter here, and ignores the others. The environment may have OPENAI_SERVER_TOKENS, a JSON list
of the tokens that may call; or OPENAI_SERVER_HUB and OPENAI_SERVER_NAMESPACE, to ask a Hub of the tests.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from threading import Thread

import uvicorn

from support.hub.breakage import BreakableConnection
from support.hub.server import listen_at

from .answers import Model
from .app import Served, create_app
from .gate import Gate, gate_for, gate_of_the_hub, open_gate
from .pretended import PretendedModel


def main() -> None:
    options = read_options()
    listener = listen_at(options.port)
    model = PretendedModel() if options.pretend else real_model(options)
    served = Served(name=options.served_model_name[0], model=model, gate=gate_from_environment())
    config = uvicorn.Config(
        create_app(served),
        http=BreakableConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=600,
        timeout_graceful_shutdown=1,
    )
    print(f"http://{listener.getsockname()[0]}:{listener.getsockname()[1]}", flush=True)
    Thread(target=end_with_standard_input, args=(options,), daemon=True).start()
    uvicorn.Server(config).run(sockets=[listener])


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m support.openai_server", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a folder with a model")
    parser.add_argument("--served-model-name", nargs="+", default=["/repository"])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16"], default="float32")
    parser.add_argument("--pretend", action="store_true", help="answer anything, without the model")
    parser.add_argument(
        "--remove-orphaned", action="store_true", help="remove the model's folder if nobody else can"
    )
    parser.add_argument(
        "--max-model-len",
        type=lambda text: None if text == "auto" else int(text),
        help="default, and `auto`: what the model was made for",
    )
    return parser.parse_known_args()[0]


def real_model(options: argparse.Namespace) -> Model:
    from .model import TransformersModel  # it needs torch, and seconds

    return TransformersModel(options.model, dtype=options.dtype, max_length=options.max_model_len)


def gate_from_environment() -> Gate:
    if hub := os.environ.get("OPENAI_SERVER_HUB"):
        return gate_of_the_hub(hub, os.environ["OPENAI_SERVER_NAMESPACE"])
    tokens = json.loads(os.environ.get("OPENAI_SERVER_TOKENS", "[]"))
    return gate_for(tokens) if tokens else open_gate


def end_with_standard_input(options: argparse.Namespace) -> None:
    """Whoever started this process may be killed, and can neither end it then nor tidy up."""
    sys.stdin.buffer.read()
    if options.remove_orphaned:
        shutil.rmtree(options.model, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
