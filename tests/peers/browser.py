"""A real browser: Debian's Chromium driven by Playwright, at any width, with JavaScript or without."""

import os
import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.peers.missing import skip_for_want_of

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

PageAt = Callable[..., Page]


def _chromium() -> str:
    path = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    if shutil.which(path) is None:
        skip_for_want_of("Chromium", "apt-get install chromium, or set CHROMIUM to its path")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window, one for the session."""
    path = _chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def page_at(browser: Browser) -> Iterator[PageAt]:
    """`page_at(width, javascript=True)`: a page of its own, in French, in Paris, that asks only this machine.

    A request to another host is cut and fails the test.
    """
    contexts: list[BrowserContext] = []
    strayed: list[str] = []

    def stray(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in (
            "127.0.0.1",
            "localhost",
        )

    def open_page(width: int, javascript: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            java_script_enabled=javascript,
            locale="fr-FR",
            timezone_id="Europe/Paris",
        )
        contexts.append(context)
        context.on("request", lambda request: strayed.append(request.url) if stray(request.url) else None)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert not strayed, f"The page asked {strayed[0]}: Jalon's pages ask their own host only."


@pytest.fixture
def page(page_at: PageAt) -> Page:
    """A page as wide as a coordinator's screen (1280 px), with JavaScript."""
    return page_at(1280)
