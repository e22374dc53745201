"""An HTTP server that answers what a story tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What to answer: JSON unless `content` is bytes. Status 0 reads the request and hangs up."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class ScriptedServer:
    """Answers in the order of the script; a context manager, on a free loopback port."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._script: deque[Answer] = deque()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.story = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answers(self, *answers: Answer) -> None:
        self._script.extend(answers)

    def next_answer(self) -> Answer:
        return self._script.popleft()

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    story: ScriptedServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    wbufsize = -1

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.story.asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
        answer = self.server.story.next_answer()
        if answer.status == 0:
            return
        content = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _serve  # noqa: N815 - http.server calls them so

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Tue, 03 Mar 2026 09:00:00 GMT"

    def log_message(self, format: str, *args: Any) -> None:
        pass
