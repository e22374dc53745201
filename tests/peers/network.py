"""No test talks to the world: a connection or a name look-up that leaves this machine fails the test.

Python's audit events see every socket the test process opens, in any thread. Other processes are held by
their own means: the browser by its resolver rules, the peers by being given loopback addresses alone.
"""

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest


class OutsideReachedError(AssertionError):
    """A test tried to reach a host other than this one."""


_attempts: list[str] = []
_watching = False


def _allowed_hosts() -> set[str]:
    database = urlsplit(os.environ.get("JALON_TEST_POSTGRES", "")).hostname or ""
    return {"", "localhost", "localhost.localdomain", "ip6-localhost", socket.gethostname(), database}


def _stays_here(host: str) -> bool:
    if host in _allowed_hosts():
        return True
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _host_of(event: str, arguments: tuple[Any, ...]) -> str | None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        target = arguments[1]
        return target[0] if isinstance(target, tuple) else None
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
        return host.decode() if isinstance(host, bytes) else host
    return None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or not event.startswith("socket."):
        return
    host = _host_of(event, arguments)
    if host is None or _stays_here(host):
        return
    if host.endswith(
        ".invalid"
    ):  # RFC 6761: never resolves, so a test may use it for a host that is not there
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    sentence = f"A test tried to reach {host}: tests speak to this machine only ({event})."
    _attempts.append(sentence)
    raise OutsideReachedError(sentence)


sys.addaudithook(_audit)


@pytest.fixture(autouse=True)
def _nothing_leaves_the_machine() -> Iterator[None]:
    """Fail the test even where the code under test swallowed the refusal."""
    global _watching
    _attempts.clear()
    _watching = True
    yield
    _watching = False
    attempts = list(_attempts)
    _attempts.clear()
    if attempts:
        raise OutsideReachedError(attempts[0])
