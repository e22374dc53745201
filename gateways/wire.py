"""What every HTTP client needs to know of the wire: whether the body has left, when to come back, whom to trust."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class Departure:
    """Watches one request leave. Hand `watch` to httpx as the request's `trace` extension.

    The fence is called once the connection stands and before the first byte of the request is written;
    if it raises, the connection is closed unused. `left` tells whether the body, and with it the
    message, may be out.
    """

    def __init__(self, fence: Callable[[], None]) -> None:
        self._fence = fence
        self._fenced = False
        self.left = False

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore at each stage of the connection and of the request."""
        request = info.get("request")
        if request is None or request.method == b"CONNECT":  # a proxy's tunnel carries nothing of ours yet
            return
        if event.endswith(".send_request_headers.started") and not self._fenced:
            self._fenced = True
            self._fence()
        elif event.endswith(".send_request_body.started"):
            self.left = True


_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def is_safe(url: str) -> bool:
    """Whether a secret may go there: by https, or without leaving this machine."""
    try:
        place = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        return False
    return bool(place.host) and (
        place.scheme == "https" or (place.scheme == "http" and place.host in _THIS_MACHINE)
    )


def time_limits(whole: timedelta) -> httpx.Timeout:
    """Limits of the stages that add up to the `whole`: a quarter to connect and to write, half to answer."""
    seconds = whole.total_seconds()
    return httpx.Timeout(connect=seconds / 4, write=seconds / 4, read=seconds / 2, pool=seconds / 4)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds the server asks us to wait. A date is measured against the server's own Date, not our clock."""
    asked = response.headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())
