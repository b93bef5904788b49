"""A Hub as a process: `python -m support.hub --port 8000`, with `tests` on PYTHONPATH. It prints its URL."""

import argparse
import signal
import sys

from .server import listen, make_server
from .state import Hub


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m support.hub", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    hub = Hub()
    listener = listen(hub, parser.parse_args().port)
    print(hub.url, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what uvicorn hands the signal on to, at its end
    try:
        make_server(hub).run(sockets=[listener])
    finally:
        hub.endpoints.close()
        hub.jobs.close()


if __name__ == "__main__":
    main()
