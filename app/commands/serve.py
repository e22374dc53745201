"""``jalon serve`` and ``jalon work``: the two processes that stay."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated

import typer
import uvicorn

from app.commands.common import fail, opened, remark
from app.service import Service
from app.worker import asked_to_stop, working

_GRACE_SECONDS = 3
"""What open requests get to finish; with the worker's own time, the process ends within ten seconds."""

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)]


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Answer on HOST:PORT, and work beside it unless JALON_WORKER is false."""
    quiet_logs()
    with opened() as service:
        warn_of_a_copy(service)
        warn_of_an_unpublished_version(service)
        answer(service, bound(host, port))


def work() -> None:
    """Work alone: deadlines, messages, hospitals. On PostgreSQL any number, on SQLite one."""
    quiet_logs()
    with opened() as service, asked_to_stop() as asked, working(service):
        warn_of_a_copy(service)
        remark("working")
        asked.wait()
        remark("stopping")


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the port but does not answer yet, so that a port in use is found out before anything starts."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
    except OSError as error:
        fail(f"{host}:{port} cannot be listened on ({error.strerror}); choose another with --host and --port")
    return found


def answer(service: Service, listener: socket.socket, *, started: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, then end within ten seconds. ``started`` is called once it answers."""
    from app.api import create_app  # the web framework is slow to import, and only this needs it

    config = uvicorn.Config(
        create_app(service),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
    )
    server = _Server(config, started)
    # uvicorn raises the signal again when it has stopped: here it must only be the worker's turn.
    with listener, asked_to_stop() as asked, ExitStack() as stack:
        if service.settings.worker:
            stack.enter_context(working(service))
        if not asked.is_set():
            server.run(sockets=[listener])
    if not server.started and not asked.is_set():
        fail("the service could not start; the lines above say why")


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def warn_of_a_copy(service: Service) -> None:
    """Say it when nothing will leave."""
    if not service.at_home:
        remark(
            "This database is a copy of another installation's: it shows everything and sends nothing"
            " until `jalon release`."
        )


def warn_of_an_unpublished_version(service: Service) -> None:
    """Say it when the protocol's file is newer than what runs."""
    if service.unpublished:
        remark(
            f"{service.unpublished} is not published: new pathways begin with"
            f" {service.protocol.protocol.version}. Publish it with `jalon protocol publish`, then"
            " `jalon protocol use`."
        )


def quiet_logs() -> None:
    """Warnings and errors to stderr, one line each; no address, number or name of a patient is in them."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # A beat that comes while the last one still runs is dropped: that is meant so, and no warning every second.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # It writes whole addresses to the log, and some of them hold an identifier.
    logging.getLogger("httpx").setLevel(logging.WARNING)
