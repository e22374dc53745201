"""SMART Backend Services: we prove who we are with a signed assertion and get a token that lasts a few minutes.

No refresh token: when a token ends, we ask for another. It is asked for at an address that is safe (https, or this
machine), redirects are not followed, and an answer that grants less than what we need is said in a sentence at once
rather than met as a 403 in the middle of the night.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from joserfc import jwt

from gateways import scopes
from gateways.keys import ALGORITHMS, Keys, algorithm
from gateways.ports import DeliveryFailed
from gateways.wire import is_safe, retry_after, time_limits

log = logging.getLogger("jalon.smart")

ASSERTION_LASTS = timedelta(minutes=4)
"""SMART allows five; a minute is left to clocks that disagree."""
_UNSAID = timedelta(minutes=1)
"""How long a token is taken to last when the server does not say, although it must."""
_BEFORE_THE_END = timedelta(seconds=30)
_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: datetime


class SmartToken:
    """A bearer token for one FHIR server, fetched when needed and kept until shortly before it ends.

    Call it for the token; ``refused`` tells it that the server did not take one (401), so that the next call
    fetches another. Safe to call from several threads. DeliveryFailed, never permanent for a resource: what is
    wrong is our account or the authorisation server (``status`` 401 or 403), or the network.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        keys: Keys,
        clock: Callable[[], datetime],
        *,
        scope: str = "system/*.read system/*.write",
        token_url: str = "",
        timeout: timedelta = timedelta(seconds=20),
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._client_id = client_id
        self._keys = keys
        self._clock = clock
        self._scope = scope
        self._token_url = token_url
        self._http = httpx.Client(timeout=time_limits(timeout), transport=transport, follow_redirects=False)
        self._turn = threading.Lock()
        self._found: tuple[str, tuple[str, ...]] | None = None
        self._token: _Token | None = None

    def __call__(self) -> str:
        """The token to show now."""
        with self._turn:
            now = self._clock()
            if self._token is None or now >= self._token.until:
                self._token = self._fetch(now)
            return self._token.text

    def refused(self, token: str) -> None:
        """The server did not take this token: forget it, unless it has been replaced already."""
        with self._turn:
            if self._token is not None and self._token.text == token:
                self._token = None

    def close(self) -> None:
        """Close the connections kept open."""
        self._http.close()

    def _fetch(self, now: datetime) -> _Token:
        place, algorithms = self._where()
        form = {
            "grant_type": "client_credentials",
            "scope": self._scope,
            "client_assertion_type": _BEARER,
            "client_assertion": assertion(self._client_id, place, self._keys, now, algorithms),
        }
        answer = self._ask("POST", place, data=form, headers={"Accept": "application/json"})
        said = _object(answer)
        if not answer.is_success:
            # A key that was replaced, an address that has moved: look again the next time.
            self._found = None
            raise _unwilling(answer, said)
        return self._granted(said, now)

    def _granted(self, said: dict[str, Any], now: datetime) -> _Token:
        text = said.get("access_token")
        if not isinstance(text, str) or not text or str(said.get("token_type", "")).lower() != "bearer":
            raise _account("The authorisation server answered without a bearer token.", 401)
        asked = self._scope.split()
        granted = str(said.get("scope", self._scope)).split()  # left out: granted as asked (RFC 6749, 5.1)
        if short := scopes.missing(asked, granted):
            raise _account(
                f"The authorisation server does not grant {', '.join(short)}: ask the hospital for it, or ask for"
                " less in JALON_FHIR_DESTINATIONS (smart.scope).",
                403,
            )
        if more := scopes.beyond(asked, granted):
            log.warning("more is granted than was asked for: %s", ", ".join(more))
        length = _length(said.get("expires_in"))
        return _Token(text, now + length - min(_BEFORE_THE_END, length / 4))

    def _where(self) -> tuple[str, tuple[str, ...]]:
        """Where tokens are had and how an assertion may be signed there."""
        if self._token_url:
            return self._token_url, ALGORITHMS
        if self._found is None:
            said = self._configuration()
            place = said.get("token_endpoint")
            if not isinstance(place, str) or not is_safe(place):
                raise _account(
                    "The server's .well-known/smart-configuration names no token_endpoint with https; set"
                    " smart.token_url in JALON_FHIR_DESTINATIONS.",
                    401,
                )
            spoken = said.get("token_endpoint_auth_signing_alg_values_supported") or ALGORITHMS
            self._found = place, tuple(name for name in ALGORITHMS if name in spoken) or ALGORITHMS
        return self._found

    def _configuration(self) -> dict[str, Any]:
        place = f"{self._base_url}/.well-known/smart-configuration"
        answer = self._ask("GET", place, headers={"Accept": "application/json"})
        if not answer.is_success:
            raise _account(
                f"The server answered {answer.status_code} for .well-known/smart-configuration; set smart.token_url"
                " in JALON_FHIR_DESTINATIONS.",
                401 if 400 <= answer.status_code < 500 else answer.status_code,
                retry_after(answer),
            )
        return _object(answer)

    def _ask(self, method: str, url: str, **rest: Any) -> httpx.Response:
        try:
            return self._http.request(method, url, **rest)
        except httpx.RequestError as error:
            raise DeliveryFailed(
                f"The authorisation server cannot be reached or did not answer ({type(error).__name__}).",
                permanent=False,
            ) from error


def assertion(
    client_id: str, audience: str, keys: Keys, now: datetime, algorithms: tuple[str, ...] = ALGORITHMS
) -> str:
    """The signed statement of who we are: for this audience, once (``jti``), and for less than five minutes."""
    key = keys.signing(algorithms)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": int(now.timestamp()),
        "exp": int((now + ASSERTION_LASTS).timestamp()),
        "jti": uuid.uuid4().hex,
    }
    name = algorithm(key)
    return jwt.encode({"alg": name, "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=[name])


def _unwilling(answer: httpx.Response, said: dict[str, Any]) -> DeliveryFailed:
    """A refusal of the token endpoint, by its error code; its description stays out of our logs."""
    status = answer.status_code
    code = str(said.get("error", ""))[:60]
    words = (
        f"The authorisation server answered {status}" + (f" ({code})" if code.isidentifier() else "") + "."
    )
    if status in (408, 429) or status >= 500:
        return DeliveryFailed(words, permanent=False, status=status, retry_after=retry_after(answer))
    # Whatever its number: it speaks of our account, not of any resource.
    return _account(words, 403 if code in ("invalid_scope", "unauthorized_client") else 401)


def _account(words: str, status: int, wait: float | None = None) -> DeliveryFailed:
    return DeliveryFailed(words, permanent=status in (401, 403), status=status, retry_after=wait)


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _length(said: object) -> timedelta:
    if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < 10**7:
        return timedelta(seconds=said)
    return _UNSAID
