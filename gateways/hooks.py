"""Calling a subscriber's endpoint: one request, and a plain word on how it failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import httpx

from gateways.ports import DeliveryFailed
from gateways.wire import retry_after, time_limits


class HookClient:
    """Whoever calls rest-hooks. Safe to call from several threads.

    Redirects are not followed: the headers hold the subscriber's secrets and go to the address that was given and
    nowhere else. The answer's body is not read, nothing in it matters.
    """

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(transport=transport, follow_redirects=False)

    def close(self) -> None:
        """Close the connections kept open."""
        self._client.close()

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes, timeout: timedelta
    ) -> None:
        """Deliver. Raises DeliveryFailed for anything but a 2xx in time; 410 alone is permanent.

        ``status`` and ``retry_after`` (seconds) are the endpoint's own words, where it said them.
        """
        try:
            with self._client.stream(
                method, url, headers=dict(headers), content=body, timeout=time_limits(timeout)
            ) as answer:
                status, wait = answer.status_code, retry_after(answer)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise DeliveryFailed(
                f"The endpoint cannot be reached or did not answer in time ({type(error).__name__}).",
                permanent=False,
            ) from error
        if not 200 <= status < 300:
            raise DeliveryFailed(
                f"The endpoint answered {status}.", permanent=status == 410, retry_after=wait, status=status
            )
