"""Who calls the API: a system by its bearer token, or a person by their sign-in. Never whom the body names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request

from app.http_errors import Forged, NotSignedIn
from app.service import Service
from app.web.signed import service_of, signed_in
from pathway.codec import Malformed
from pathway.state import Actor
from store import tokens
from store.audit import Entry

LONGEST_BODY = 20_000_000
"""Bytes; twenty years of a patient's history in one Bundle are a few million."""


@dataclass(frozen=True)
class Caller:
    """Who sends this request, at this instant, with the service they speak to."""

    actor: Actor
    service: Service
    now: datetime

    def trace(self, action: str, what: str, patient_id: str | None = None, **detail: object) -> Entry:
        """The audit entry of something this caller does now."""
        actor = self.actor
        return Entry(self.now, actor.name, actor.role, action, what, patient_id, {**detail, "by": "api"})


def caller(request: Request) -> Caller:
    """The holder of the bearer token, else who is signed in. NotSignedIn when there is neither."""
    service = service_of(request)
    now = service.clock()
    scheme, _, plain = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        with service.db.read() as session:
            holder = tokens.token_holder(session, plain.strip(), now)
        if holder is None:
            raise NotSignedIn
        if holder.stale:
            with service.db.write() as session:
                tokens.used(session, holder, now)
        return Caller(holder.actor, service, now)
    if request.method not in ("GET", "HEAD") and request.headers.get("sec-fetch-site") != "same-origin":
        # A sign-in is sent along by the browser whoever wrote the page: a write needs proof that it was ours.
        raise Forged if request.cookies else NotSignedIn
    return Caller(signed_in(request).actor, service, now)


async def body(request: Request) -> bytes:
    """The bytes of the request; Starlette reads bodies in coroutines only. Malformed when there are too many."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > LONGEST_BODY:
            raise Malformed("", f"the body is longer than {LONGEST_BODY} bytes; send less at once")
    return bytes(received)


def said_in(received: bytes) -> dict[str, Any]:
    """The JSON object that a body holds. Malformed when it holds anything else, or text no database can keep."""
    try:
        data = json.loads(received, parse_constant=_no_number, object_pairs_hook=_no_name_twice)
        json.dumps(data, ensure_ascii=False).encode()
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("", "the body is not JSON in UTF-8") from None
    if not isinstance(data, dict):
        raise Malformed("", 'the body must be a JSON object, like {"type": "StepStarted", "step": "triage"}')
    if b"\\u0000" in received:
        raise Malformed("", "the body holds the character U+0000, which no text may have")
    return data


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise Malformed("", "the body says the same name twice in one object; keep the one meant")
    return read


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


By = Annotated[Caller, Depends(caller)]
Body = Annotated[bytes, Depends(body)]
