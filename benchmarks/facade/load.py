"""Clients that send the same kind of request again and again over kept connections, and how long each took."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median, quantiles

Ask = Callable[[int], tuple[bytes, int]]
"""Makes the request of that number: its bytes, and the status that it must be answered with."""


@dataclass
class Load:
    """``seconds`` of every request that was answered well, how many were not, and how long all took together."""

    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    failed: int = 0

    def add(self, other: Load) -> None:
        """One more slice of the same load."""
        self.seconds += other.seconds
        self.wall += other.wall
        self.failed += other.failed

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.seconds) / self.wall

    @property
    def typical(self) -> float:
        """Milliseconds of the median request."""
        return median(self.seconds) * 1000 if self.seconds else float("inf")

    @property
    def worst(self) -> float:
        """Milliseconds that 99 in 100 stay under; the longest when there are fewer than 100."""
        if len(self.seconds) < 100:
            return max(self.seconds, default=float("inf")) * 1000
        return quantiles(self.seconds, n=100)[98] * 1000


def request(method: str, path: str, *, token: str = "", body: bytes = b"") -> bytes:
    """A request over HTTP/1.1 as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/fhir+json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/fhir+json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def load(port: int, ask: Ask, *, clients: int, seconds: float, first: int) -> Load:
    """So many clients for so long. Requests are numbered from ``first``, each client's own."""
    until = time.perf_counter() + seconds

    def one(client: int) -> tuple[list[float], int]:
        taken, failed = [], 0
        number = first + client * 1_000_000
        with Connection(port) as connection:
            while time.perf_counter() < until:
                sent, wanted = ask(number)
                begun = time.perf_counter()
                try:
                    connection.answered(sent, wanted)
                    taken.append(time.perf_counter() - begun)
                except Unanswered:
                    failed += 1
                number += 1
        return taken, failed

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(one, range(clients)))
    wall = time.perf_counter() - begun
    return Load([each for taken, _ in found for each in taken], wall, sum(failed for _, failed in found))


class Unanswered(Exception):
    """An answer with another status than it should have had."""


class Connection:
    """A kept connection that reads just enough of HTTP to know where an answer ends."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def answered(self, sent: bytes, wanted: int) -> bytes:
        """The body of the answer. Unanswered when its status is another than ``wanted``."""
        self._socket.sendall(sent)
        read = self._left
        while (end := read.find(b"\r\n\r\n")) < 0:
            read += self._more()
        head, parts = read[:end], [read[end + 4 :]]
        length = _length(head.split(b"\r\n")[1:])
        held = len(parts[0])
        while length is not None and held < length:
            parts.append(self._more())
            held += len(parts[-1])
        body = b"".join(parts)
        while length is None and not body.endswith(b"0\r\n\r\n"):
            body += self._more()
        self._left = body[length:] if length is not None else b""
        status = int(head.split(b" ", 2)[1])
        if status != wanted:
            raise Unanswered(f"{status} instead of {wanted}: {body[:400]!r}")
        return body

    def _more(self) -> bytes:
        got = self._socket.recv(262_144)
        if not got:
            raise RuntimeError("the server closed the connection")
        return got


def _length(headers: Sequence[bytes]) -> int | None:
    """How long the body is; None where it comes in chunks."""
    for each in headers:
        name, _, value = each.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return None
