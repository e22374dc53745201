"""Somebody's endpoint for rest-hooks, on the loopback: keeps what it is sent and answers as the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = int | tuple[int, Mapping[str, str]] | None
"""A status, with headers if need be; None: hang up without an answer."""


@dataclass(frozen=True)
class Call:
    """One request that came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said

    def parameter(self, name: str) -> Any:
        """The value of a parameter of the status that a notification begins with."""
        for each in self.json["entry"][0]["resource"]["parameter"]:
            if each["name"] == name:
                return next((value for key, value in each.items() if key.startswith("value")), each)
        return None

    @property
    def numbers(self) -> list[int]:
        """The numbers of the events it tells."""
        return [
            int(part["valueString"])
            for each in self.json["entry"][0]["resource"]["parameter"]
            if each["name"] == "notification-event"
            for part in each["part"]
            if part["name"] == "event-number"
        ]


@dataclass
class Subscriber:
    """``answers`` is asked what to answer to each call; ``heard`` holds the calls that were answered with 2xx."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    heard: list[Call] = field(default_factory=list)
    answers: Callable[[Call], Answer] = lambda _: 200

    def numbers(self, path: str = "/hook") -> list[int]:
        """The numbers of the events it has heard at this address, in the order it heard them."""
        return [
            number
            for call in self.heard
            if call.path == path and call.body and call.parameter("type") == "event-notification"
            for number in call.numbers
        ]


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    """An endpoint that says yes to everything until told otherwise."""
    known = Subscriber()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = Call(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            known.calls.append(call)
            answer = known.answers(call)
            if answer is None:
                self.close_connection = True
                return
            status, headers = (answer, {}) if isinstance(answer, int) else answer
            if 200 <= status < 300:
                known.heard.append(call)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_PUT = _take  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield known
    server.shutdown()
    server.server_close()
