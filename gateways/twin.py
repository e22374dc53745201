"""The SMS provider's twin: a real HTTP server that speaks the provider's shape and misbehaves on request.

It ships with the product, to rehearse a bad night: `python -m gateways.twin --port 8090 --log
sent.jsonl --refuse 0.05 --lose-answer 0.10`. Its own log, synced before it answers, is the judge of
what was accepted. It never recognises a tag it has seen: a message sent twice is two lines.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import select
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

BEHAVIOURS = ("ok", "refuse", "lose", "hang", "invalid")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


@dataclass(frozen=True, slots=True)
class Manners:
    """How the twin treats senders. Shares are between 0 and 1, times in seconds.

    `refuse` answers 503 (with `retry_after` if given); `lose_answer` accepts, logs and hangs up; `hang`
    accepts nothing and says nothing until the client goes away. `delay` comes before every answer to a
    send; what was accepted shows in a search after `search_delay`. `unknown_numbers` are refused for
    good (400), as is whatever is not E.164. With `token`, other bearers get 401.
    """

    refuse: float = 0.0
    lose_answer: float = 0.0
    hang: float = 0.0
    delay: float = 0.0
    search_delay: float = 0.0
    retry_after: int | None = None
    unknown_numbers: Collection[str] = ()
    token: str | None = None


class Twin:
    """The provider, listening on 127.0.0.1. Port 0 takes a free one; `url` tells which.

    `clock` gives the seconds of the log: by default those since the machine started, which no change of
    the wall clock disturbs and which every process of the machine shares. The same `seed` draws the same
    misfortunes in the same order. A log that exists is continued.
    """

    def __init__(
        self,
        *,
        log: Path | str,
        port: int = 0,
        manners: Manners | None = None,
        seed: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.log = Path(log)
        self.manners = manners if manners is not None else Manners()
        self._clock = clock
        self._dice = random.Random(seed)  # noqa: S311 - misfortunes to be repeated, not secrets
        self._script: deque[str] = deque()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._accepted = read_log(self.log)
        self._from_before = len(self._accepted)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.log.open("ab")
        if self.log.stat().st_size and not self.log.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")  # the last line was cut by a crash: leave it, and begin a new one
        self._server = _Server(("127.0.0.1", port), self)

    @property
    def url(self) -> str:
        """Base URL to give to the gateway."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> Twin:
        """Serve from a thread of its own until `stop()`."""
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def serve(self) -> None:
        """Serve from this thread, until interrupted."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Stop listening, let go of those who hang, close the log."""
        self._closing.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self._file.close()

    def __enter__(self) -> Twin:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def script(self, *behaviours: str) -> None:
        """What the next sends meet, in order, before chance decides again. ValueError if unknown."""
        for behaviour in behaviours:
            if behaviour not in BEHAVIOURS:
                raise ValueError(f"{behaviour!r} is not one of {', '.join(BEHAVIOURS)}")
        with self._lock:
            self._script.extend(behaviours)

    def accepted(self) -> list[dict[str, Any]]:
        """What the log says was accepted, oldest first."""
        return read_log(self.log)

    def behaviour(self) -> str:
        """What the next send meets."""
        with self._lock:
            if self._script:
                return self._script.popleft()
            chance, manners = self._dice.random(), self.manners
        for name, share in (
            ("refuse", manners.refuse),
            ("lose", manners.lose_answer),
            ("hang", manners.hang),
        ):
            if chance < share:
                return name
            chance -= share
        return "ok"

    def accept(self, job: dict[str, Any]) -> list[int]:
        """Log one line per receiver, synced to disk, and return their identifiers."""
        with self._lock:
            at = self._clock()
            lines = [
                {
                    "id": len(self._accepted) + n,
                    "at": at,
                    "tag": job["tag"],
                    "to": receiver,
                    "text": job["message"],
                    "sender": job.get("sender"),
                }
                for n, receiver in enumerate(job["receivers"], start=1)
            ]
            self._file.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._accepted += lines
        return [line["id"] for line in lines]

    def outgoing(self, tag: str) -> list[int]:
        """Identifiers of what was accepted under the tag at least `search_delay` ago."""
        with self._lock:
            until = self._clock() - self.manners.search_delay
            return [
                line["id"]
                for n, line in enumerate(self._accepted)
                if line["tag"] == tag and (n < self._from_before or line["at"] <= until)
            ]

    def linger(self, connection: socket.socket) -> None:
        """Say nothing until the client hangs up or the twin stops."""
        while not self._closing.is_set():
            readable, _, _ = select.select([connection], [], [], 0.05)
            if readable and not connection.recv(1, socket.MSG_PEEK):
                return


def read_log(log: Path) -> list[dict[str, Any]]:
    """The lines of a twin's log, oldest first; one cut by a crash was never answered and is passed over."""
    if not log.exists():
        return []
    lines = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], twin: Twin) -> None:
        self.twin = twin
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is what the twin is for: no traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        content = self._content()
        if content is None:
            return
        path = urlsplit(self.path).path
        if path == "/_script":
            self._take_script(content)
        elif path != "/jobs":
            self._answer(404, {"message": "There is nothing here."})
        elif self._known_bearer():
            self._take_job(content)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path != "/outgoing":
            self._answer(404, {"message": "There is nothing here."})
        elif self._known_bearer():
            tags = parse_qs(parts.query).get("tag", [])
            self._answer(200, [n for tag in tags for n in self.server.twin.outgoing(tag)])

    def log_message(self, format: str, *args: Any) -> None:
        """The twin's log is the one that matters; standard error stays quiet."""

    def _content(self) -> Any:
        """The JSON body, or None when it was cut short (the sender died) or is no JSON, which is answered."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        try:
            return json.loads(body)
        except ValueError:
            self._answer(400, {"message": "The body must be JSON."})
            return None

    def _known_bearer(self) -> bool:
        token = self.server.twin.manners.token
        if token is None or self.headers.get("Authorization") == f"Bearer {token}":
            return True
        self._answer(401, {"message": "This token opens nothing here."})
        return False

    def _take_script(self, content: Any) -> None:
        try:
            self.server.twin.script(*content["next"])
        except (KeyError, TypeError, ValueError):
            self._answer(400, {"message": f'Send {{"next": [...]}} with any of {", ".join(BEHAVIOURS)}.'})
        else:
            self._answer(200, {"next": content["next"]})

    def _take_job(self, job: Any) -> None:
        twin = self.server.twin
        if fault := _fault(job):
            self._answer(400, {"message": fault})
            return
        behaviour = twin.behaviour()
        if behaviour != "hang" and twin.manners.delay:
            time.sleep(twin.manners.delay)
        unknown = [
            to for to in job["receivers"] if not _E164.fullmatch(to) or to in twin.manners.unknown_numbers
        ]
        if behaviour == "hang":
            twin.linger(self.connection)
            self.close_connection = True
        elif behaviour == "refuse":
            self._answer(503, {"message": "Too busy."}, retry_after=twin.manners.retry_after)
        elif behaviour == "invalid" or unknown:
            self._answer(400, {"message": f"{job['receivers'][0]} is not a number we know."})
        else:
            ids = twin.accept(job)
            if behaviour == "lose":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            else:
                self._answer(200, {"ids": ids, "validReceivers": job["receivers"], "invalidReceivers": []})

    def _answer(self, status: int, content: Any, retry_after: int | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(body)


def _fault(job: Any) -> str | None:
    """What is wrong with the shape of a job, in a sentence."""
    match job:
        case {"receivers": [*receivers], "message": str(), "tag": str()}:
            if receivers and all(isinstance(to, str) for to in receivers):
                return None
    return "A job needs receivers (a list of numbers), a message and a tag."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the twin in the foreground; prints one line `address: …` once it listens."""
    ask = argparse.ArgumentParser(
        prog="python -m gateways.twin", description="An SMS provider that misbehaves."
    )
    ask.add_argument("--port", type=int, default=0, help="0 takes a free port")
    ask.add_argument("--log", type=Path, required=True, help="JSONL file of what was accepted")
    for share in ("refuse", "lose-answer", "hang"):
        ask.add_argument(f"--{share}", type=float, default=0.0, help="share of the sends, 0 to 1")
    for seconds in ("delay", "search-delay"):
        ask.add_argument(f"--{seconds}", type=float, default=0.0, help="seconds")
    ask.add_argument("--retry-after", type=int, help="seconds, said when refusing")
    ask.add_argument(
        "--unknown-number", action="append", default=[], help="refused for good; may be repeated"
    )
    ask.add_argument("--token", help="the only bearer token let in")
    ask.add_argument("--seed", type=int, default=1)
    said = ask.parse_args(arguments)
    manners = Manners(
        refuse=said.refuse,
        lose_answer=said.lose_answer,
        hang=said.hang,
        delay=said.delay,
        search_delay=said.search_delay,
        retry_after=said.retry_after,
        unknown_numbers=said.unknown_number,
        token=said.token,
    )
    twin = Twin(log=said.log, port=said.port, manners=manners, seed=said.seed)
    sys.stdout.write(f"address: {twin.url}\n")
    sys.stdout.flush()
    try:
        twin.serve()
    except KeyboardInterrupt:
        twin.stop()


if __name__ == "__main__":
    main()
