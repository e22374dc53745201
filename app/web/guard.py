"""What every answer carries: headers that keep the pages to this host, and what no address may contain."""

from __future__ import annotations

import uuid

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.fhir.answer import outcome
from fhir_mappings.outcome import error

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Not no-referrer: a browser would then call the origin of our own forms null.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Adds the headers to every answer; nothing but static files may be kept by a browser or a proxy."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        if https:
            self._headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: coroutines are its only colour."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                if static and message["status"] == 200:
                    headers["cache-control"] = "public, max-age=31536000, immutable"
                else:
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            # No name and no word has it, and no database keeps it.
            await _no_address(scope["path"])(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _no_address(path: str) -> Response:
    sentence = "U+0000 is no part of an address; take it out."
    if path.startswith("/fhir"):
        id_ = uuid.uuid4().hex
        return outcome(400, (error("value", sentence),), id_, {"X-Request-Id": id_})
    return PlainTextResponse(sentence, status_code=400)
