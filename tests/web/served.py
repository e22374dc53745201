"""A ward behind a real server, for a real browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from playwright.sync_api import Page

from tests.peers.ports import free_port
from tests.web.cast import PASSWORD, Ward


@contextmanager
def serving(ward: Ward) -> Iterator[str]:
    """The address of the ward while it is served."""
    port = free_port()
    config = uvicorn.Config(ward.app, host="127.0.0.1", port=port, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def sign_in(page: Page, address: str, login: str = "nadia") -> None:
    """Sign in as somebody who works here."""
    page.goto(f"{address}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{address}/")
