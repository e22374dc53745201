"""The public keys of whoever issues tokens to the systems that speak to us: fetched, kept, and fetched again.

A key that we do not know may be new, so we look again, but not at every token that anybody makes up.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from gateways.ports import DeliveryFailed
from gateways.wire import time_limits

_FRESH = 600.0
"""Seconds that keys are used without being looked at again: how long a key that was withdrawn is still believed."""
_PATIENCE = 30.0
"""Seconds between two looks for a key that is not there, or at an issuer that does not answer."""
_LEAST_RSA_BITS = 2048
_MOST_BYTES = 1_000_000

PublicKey = ECKey | RSAKey


class PublicKeys:
    """The keys of one issuer, at a URL or in a file. Safe to call from several threads."""

    def __init__(
        self,
        url: str = "",
        file: Path | None = None,
        *,
        timeout: timedelta = timedelta(seconds=5),
        elapsed: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        self._file = file
        self._elapsed = elapsed
        self._http = httpx.Client(timeout=time_limits(timeout), transport=transport, follow_redirects=False)
        self._turn = threading.Lock()
        self._keys: tuple[PublicKey, ...] = ()
        self._known = False
        self._looked: float | None = None

    def named(self, kid: str | None) -> tuple[PublicKey, ...]:
        """The keys of this name; every key when a token names none. Empty when there is none.

        DeliveryFailed while nothing is known yet and the issuer does not answer.
        """
        with self._turn:
            found = self._of(kid)
            age = None if self._looked is None else self._elapsed() - self._looked
            if age is None or age >= _FRESH or ((not found or not self._known) and age >= _PATIENCE):
                self._look()
                found = self._of(kid)
            if not self._known:
                raise DeliveryFailed("The issuer's keys cannot be had at the moment.", permanent=False)
            return found

    def close(self) -> None:
        """Close the connections kept open."""
        self._http.close()

    def _of(self, kid: str | None) -> tuple[PublicKey, ...]:
        return tuple(key for key in self._keys if kid is None or key.kid == kid)

    def _look(self) -> None:
        """Take what is there now; what cannot be had leaves what we had."""
        self._looked = self._elapsed()
        try:
            if self._file is not None:
                said = json.loads(self._file.read_text())
            else:
                answer = self._http.get(self._url, headers={"Accept": "application/json"})
                if not answer.is_success or len(answer.content) > _MOST_BYTES:
                    return
                said = answer.json()
        except (OSError, ValueError, httpx.RequestError):
            return
        entries = said.get("keys") if isinstance(said, dict) else None
        if isinstance(entries, list):
            self._keys = tuple(key for entry in entries if (key := _usable(entry)) is not None)
            self._known = True


def _usable(entry: Any) -> PublicKey | None:
    """A key that signs by one of ours; others in the set are somebody else's."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        if entry.get("kty") == "EC" and entry.get("crv") == "P-384":
            return ECKey.import_key(entry)
        if entry.get("kty") == "RSA":
            key = RSAKey.import_key(entry)
            return key if key.public_key.key_size >= _LEAST_RSA_BITS else None
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return None
