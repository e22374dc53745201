"""Hospitals' servers tell us that something has changed: believed only that far, and fetched afterwards.

Who calls is known by the secret in the address. What is in the call is not kept: numbers and ids are read, no more.
"""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Depends, Response

from app.fhir.asked import is_id
from app.fhir.asking import Body
from app.fhir.errors import refuse
from app.following import secret_of
from app.secrets import installation_key
from app.service import Service
from fhir_mappings.body import parse
from fhir_mappings.notices import read
from scheduler.listening import notified


def serve_notifications(router: APIRouter, service: Service) -> None:
    """Add the addresses at which we are told; a resource may be put below them, as R4's rest-hook with a payload."""

    def known(destination: str, secret: str) -> None:
        _type_of(service, destination, secret)

    # Looked at before the body: nothing is taken in of who does not know the address.
    first = [Depends(known)]

    @router.post("/notify/{destination}/{secret}", dependencies=first)
    def told(destination: str, secret: str, body: Body) -> Response:
        return _told(service, destination, secret, body)

    @router.put("/notify/{destination}/{secret}/{type_}/{id_}", dependencies=first)
    def put(destination: str, secret: str, type_: str, id_: str, body: Body) -> Response:
        return _told(service, destination, secret, b"", (type_, id_))


def _told(
    service: Service, destination: str, secret: str, body: bytes, about: tuple[str, str] = ("", "")
) -> Response:
    type_ = _type_of(service, destination, secret)
    content, _ = parse(body) if body.strip() else (None, [])
    said = read(content) if content is not None else None
    hint = about[1] if about[0] == type_ and is_id(about[1]) else ""
    notified(service.works, destination, type_, said, hint, now=service.clock())
    return Response(status_code=200, headers={"Cache-Control": "no-store"})


def _type_of(service: Service, destination: str, secret: str) -> str:
    """What is told of at this address; 404 for an address that we gave nobody."""
    key = installation_key(service.settings)
    for one in service.followings:
        for type_ in one.types if one.name == destination else ():
            if hmac.compare_digest(secret_of(key, one.name, type_).encode(), secret.encode()):
                return type_
    raise refuse(404, "Nobody is told of anything at this address.")
