"""HTTP written by hand: what no client would send."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

PATIENCE_SECONDS = 180


class RawAnswer(NamedTuple):
    """What a server answered before it closed the connection, and how much of the body could be sent."""

    status: int
    headers: dict[str, str]
    body: bytes
    sent: int


def raw_call(
    url: str,
    method: str,
    target: str,
    headers: Iterable[str] = (),
    body: Iterable[bytes] = (),
    *,
    connection: str = "close",
    version: str = "1.1",
    host: bool = True,
) -> RawAnswer:
    """Send a request with any target, headers and body. The body ends where the server stops taking it."""
    address = urlsplit(url)
    head = [f"{method} {target} HTTP/{version}", f"Connection: {connection}", *headers]
    head += [f"Host: {address.netloc}"] if host else []
    sent = 0
    with socket.create_connection((str(address.hostname), address.port or 80), PATIENCE_SECONDS) as server:
        server.sendall("\r\n".join([*head, "\r\n"]).encode("latin-1"))
        with suppress(ConnectionError):
            for piece in body:
                server.sendall(piece)
                sent += len(piece)
        answer = _all_of(server)
    top, _, content = answer.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    named = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return RawAnswer(int(first.split()[1]), named, content, sent)


def _all_of(server: socket.socket) -> bytes:
    found = b""
    with suppress(ConnectionError):
        while piece := server.recv(1 << 16):
            found += piece
    return found


def chunks(total: int, piece: bytes = b"x" * 65_536) -> Iterable[bytes]:
    """A body of so many bytes, in chunks."""
    for _ in range(total // len(piece)):
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
