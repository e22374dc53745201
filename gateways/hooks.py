"""Calling a subscriber's endpoint: one request, and a plain word on how it failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

import httpcore
import httpx

from gateways.ports import DeliveryFailed
from gateways.reach import OutOfReach, Reach
from gateways.wire import retry_after, time_limits

_ADDRESSES = 3
"""How many addresses of one host are tried."""


class HookClient:
    """Whoever calls rest-hooks, and nothing out of its ``reach``. Safe to call from several threads.

    Redirects are not followed: the headers hold the subscriber's secrets and go to the address that was given and
    nowhere else. The answer's body is not read, nothing in it matters.
    """

    def __init__(self, reach: Reach | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self.reach = reach or Reach()
        self._client = httpx.Client(transport=transport or _Guarded(self.reach), follow_redirects=False)

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
        except OutOfReach as error:
            raise DeliveryFailed(str(error), permanent=False) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise DeliveryFailed(
                f"The endpoint cannot be reached or did not answer in time ({type(error).__name__}).",
                permanent=False,
            ) from error
        if not 200 <= status < 300:
            raise DeliveryFailed(
                f"The endpoint answered {status}.", permanent=status == 410, retry_after=wait, status=status
            )


class _Guarded(httpx.HTTPTransport):
    """Connects to what is in reach. No proxy of the environment is asked: where it leads cannot be seen from here."""

    def __init__(self, reach: Reach) -> None:
        context = httpx.create_ssl_context()
        super().__init__(verify=context)
        # httpx takes no network of one's own; its pool does. Replaced before anything is connected.
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_Network(reach))


class _Network(httpcore.SyncBackend):
    """Looks a name up once, judges what it leads to, and connects there: asked again, a name may say another thing."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = self._reach.addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        some = found[:_ADDRESSES]
        # Whoever has many addresses is waited for no longer than others.
        share = timeout / len(some) if timeout is not None and some else timeout
        failed: Exception = httpcore.ConnectError("The host has no address.")
        for address in some:
            try:
                return super().connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed
