"""What other systems' security asks of us by name: our public keys, and where tokens for ``/fhir`` are had."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.service import Service
from pathway.refusal import Refused, Text

router = APIRouter(include_in_schema=False)


@router.get("/.well-known/jwks.json")
def jwks(request: Request) -> Response:
    """The public halves of our keys, for hospitals that check our assertions. 404 where we have none."""
    service: Service = request.app.state.service
    if service.keys is None:
        raise _none()
    return JSONResponse(service.keys.public())


@router.get("/fhir/.well-known/smart-configuration")
def smart_configuration(request: Request) -> Response:
    """Where the clients of our issuer get their tokens. 404 unless one issuer says where that is."""
    service: Service = request.app.state.service
    known = [issuer.says for issuer in service.issuers.values() if issuer.says.token_url]
    if len(known) != 1:
        raise _none()
    (issuer,) = known
    said: dict[str, Any] = {
        "issuer": issuer.issuer,
        "token_endpoint": issuer.token_url,
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": ["system/*.read", "system/*.write", "system/*.cruds"],
        "capabilities": ["permission-v1", "permission-v2"],
    }
    if issuer.jwks_url:
        said["jwks_uri"] = issuer.jwks_url
    return JSONResponse(said)


def _none() -> Refused:
    return Refused(Text(fr="Rien n’est réglé ici.", en="Nothing is set up here."), kind="not-found")
