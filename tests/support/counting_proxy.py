"""A proxy that keeps what passes: a browser does not say how many bytes came in a stream, and no client says
what it asked for.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from urllib.parse import urlsplit

PIECE = 1 << 16
REQUEST_LINE = re.compile(rb"\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/\S*) HTTP/1\.1\r\n")


@dataclass
class CountingProxy:
    """`url` leads to the server through the proxy; `sent` are the bytes that came back, and their number."""

    url: str
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    """What the server sent, in the order in which it came, with the number of its connection."""
    asked: list[list[bytes]] = field(default_factory=list)
    """What the clients sent, by connection."""

    @property
    def sent(self) -> bytes:
        """All that the server sent, headers included, connection by connection: lines stay whole."""
        return joined(self.pieces)

    @property
    def calls(self) -> set[tuple[str, str]]:
        """Every method and target that was asked for."""
        found = (call for pieces in self.asked for call in REQUEST_LINE.findall(b"".join(pieces)))
        return {(method.decode(), target.decode()) for method, target in found}


def joined(pieces: Sequence[tuple[int, bytes]]) -> bytes:
    """Join what several connections brought, one after the other."""
    return b"".join(piece for _, piece in sorted(pieces, key=itemgetter(0)))


@contextmanager
def counting_proxy(url: str) -> Iterator[CountingProxy]:
    """Run a proxy to the server at `url` until the block ends."""
    target = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = CountingProxy(f"http://127.0.0.1:{listener.getsockname()[1]}")
        address = (str(target.hostname), target.port or 80)
        threading.Thread(target=_serve, args=(listener, address, proxy), daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, address: tuple[str, int], proxy: CountingProxy) -> None:
    with suppress(OSError):  # the listener is closed
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(address)
            asked: list[bytes] = []
            number = len(proxy.asked)
            proxy.asked.append(asked)
            answered = partial(_note, proxy.pieces, number)
            threading.Thread(target=_pass_on, args=(client, server, asked.append), daemon=True).start()
            threading.Thread(target=_pass_on, args=(server, client, answered), daemon=True).start()


def _note(pieces: list[tuple[int, bytes]], number: int, piece: bytes) -> None:
    pieces.append((number, piece))


def _pass_on(source: socket.socket, target: socket.socket, keep: Callable[[bytes], None]) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE):
            keep(piece)
            target.sendall(piece)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    source.close()
