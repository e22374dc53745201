"""What a browser and we agree on: the cookie of a sign-in, and the token that proves a form is one of ours."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from typing import Literal, TypedDict
from urllib.parse import urlsplit

from store.accounts import SIGNED_IN_AT_MOST

_NONCE = 32


class CookieRules(TypedDict):
    """How a cookie is set: the keywords of ``Response.set_cookie``. ``max_age`` in seconds; the server decides."""

    key: str
    secure: bool
    max_age: int
    httponly: bool
    samesite: Literal["lax"]
    path: str


def sign_in_cookie(address: str) -> CookieRules:
    """The cookie that holds the token of a sign-in. Secure, unless people reach us by http on this machine.

    ``address`` comes from the settings, not from the request: behind a proxy that is another one.
    """
    secure = not _on_this_machine_in_the_clear(address)
    # The prefix makes browsers refuse one that a neighbouring host or a page in the clear tries to set.
    name = "__Host-jalon" if secure else "jalon"
    return {
        "key": name,
        "secure": secure,
        "max_age": int(SIGNED_IN_AT_MOST.total_seconds()),
        "httponly": True,
        "samesite": "lax",
        "path": "/",
    }


def form_token(secret: str) -> str:
    """A token for one form, bound to the secret of a sign-in (``Person.csrf_secret``) and different every time.

    Different, so that a compressed page gives nothing away to who can make us answer many times.
    """
    nonce = secrets.token_hex(_NONCE // 2)
    return nonce + _seal(secret, nonce)


def form_is_ours(secret: str, token: str | None) -> bool:
    """Whether a form came back with a token made for this secret. Takes the same time whichever way it is wrong."""
    nonce, seal = (token or "")[:_NONCE], (token or "")[_NONCE:]
    return hmac.compare_digest(seal.encode(), _seal(secret, nonce).encode()) and bool(secret)


def _seal(secret: str, nonce: str) -> str:
    return hmac.new(secret.encode(), b"jalon form\0" + nonce.encode(), hashlib.sha256).hexdigest()


def _on_this_machine_in_the_clear(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme != "http":
        return False
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
