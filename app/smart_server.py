"""Systems that show a JWT of an issuer we trust: what is checked of it, and as whom they act here.

Only signatures we name (never ``none``, never a shared secret), only tokens meant for us and in their time, only
clients of the settings. A ``jti`` never comes twice in two tokens; where the issuer is ``single_use`` it never comes
twice at all (docs/decisions/0013).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from app.fhir.errors import FhirError, refuse
from app.issuers import Issuer, holder_id
from gateways.ports import DeliveryFailed
from store import seen_tokens
from store.database import Database
from store.tokens import PREFIX, Holder

ALGORITHMS = ("RS256", "RS384", "ES384")
LEEWAY = timedelta(seconds=30)
"""What two clocks may disagree by."""
_LONGEST = 16_384
_TYPES = ("at+jwt", "application/at+jwt", "jwt")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that holds says: who shows it, what it may do, and until when."""

    client: str
    jti: str
    scopes: tuple[str, ...]
    expires: datetime


def is_jwt(token: str) -> bool:
    """Whether this is to be read as a JWT: our own tokens say what they are."""
    return token.count(".") == 2 and not token.startswith(PREFIX)


def holder_of_jwt(db: Database, known: Mapping[str, Issuer], token: str, now: datetime) -> Holder:
    """The system that shows this token at ``now`` (UTC), with its scopes.

    FhirError: 401 when the token does not hold, 403 when its client is nobody to us, 503 while its issuer's keys
    cannot be had.
    """
    issuer, said = _verified(known, token)
    claims = _claims(said, issuer, now)
    system = issuer.says.clients.get(claims.client)
    if system is None:
        raise _insufficient("This client of the issuer is not registered here; ask for it to be.")
    _not_replayed(db, issuer, claims, token, now)
    return Holder(
        id=holder_id(issuer.says.issuer, claims.client),
        name=system.name,
        role="system",
        owner=system.owner,
        requester=system.requester,
        functions=tuple(system.functions),
        scopes=claims.scopes,
    )


def _verified(known: Mapping[str, Issuer], token: str) -> tuple[Issuer, dict[str, Any]]:
    """The issuer that the token names, and what the token says, its signature checked."""
    if len(token) > _LONGEST:
        raise _invalid("The token is too long.")
    try:
        read = jws.extract_compact(token.encode())
        header, said = read.headers(), json.loads(read.payload)
    except (JoseError, ValueError):
        raise _invalid("The token cannot be read.") from None
    if header.get("alg") not in ALGORITHMS:
        raise _invalid(f"The token is not signed by one of {', '.join(ALGORITHMS)}.")
    if str(header.get("typ", "JWT")).lower() not in _TYPES or "crit" in header:
        raise _invalid("The token is not an access token.")
    issuer = known.get(said["iss"]) if isinstance(said, dict) and isinstance(said.get("iss"), str) else None
    if issuer is None:
        raise _invalid("Tokens of this issuer are not taken here.")
    kid = header.get("kid")
    try:
        keys = issuer.keys.named(kid if isinstance(kid, str) else None)
    except DeliveryFailed as failure:
        raise refuse(503, failure.reason, code="transient", headers={"Retry-After": "30"}) from failure
    for key in keys:
        try:
            jws.deserialize_compact(token, key, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            continue
        return issuer, said
    raise _invalid("The signature of the token is not its issuer's.")


def _claims(said: dict[str, Any], issuer: Issuer, now: datetime) -> Claims:
    """What the token says, when it is meant for us and in its time."""
    audience = said.get("aud")
    if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        raise _invalid(f"The token is meant for another server; its aud must hold {issuer.audience}.")
    expires, issued = _instant(said, "exp"), _instant(said, "iat")
    if expires is None or issued is None:
        raise _invalid("The token lacks exp or iat.")
    if expires <= now - LEEWAY:
        raise _invalid("The token has expired.")
    begins = _instant(said, "nbf")
    if issued > now + LEEWAY or ("nbf" in said and (begins is None or begins > now + LEEWAY)):
        raise _invalid("The token is not valid yet.")
    jti = said.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 256:
        raise _invalid("The token lacks a jti.")
    client = said.get("client_id") or said.get("azp") or said.get("sub")
    if not isinstance(client, str):
        raise _invalid("The token does not name its client (client_id).")
    scope = said.get("scope", said.get("scp", ""))
    scopes = scope if isinstance(scope, list) else str(scope).split()
    return Claims(client, jti, tuple(map(str, scopes)), expires)


def _not_replayed(db: Database, issuer: Issuer, claims: Claims, token: str, now: datetime) -> None:
    """401 for a jti that came in another token, and for one that came at all where tokens are for single use."""
    name = issuer.says.issuer
    with db.read() as session:
        sight = seen_tokens.seen(session, name, claims.jti, token)
    if sight is None:
        with db.write() as session:
            sight = seen_tokens.note(
                session,
                name,
                claims.jti,
                token,
                expires=claims.expires + LEEWAY,
                forget_before=now - LEEWAY,
            )
    if sight == "another":
        raise _invalid("The jti of the token has been used in another token.")
    if sight == "again" and issuer.says.single_use:
        raise _invalid("The token has been used; its issuer's are for single use.")


def _instant(said: dict[str, Any], name: str) -> datetime | None:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _invalid(sentence: str) -> FhirError:
    """401: another token may be taken."""
    return refuse(401, sentence, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _insufficient(sentence: str) -> FhirError:
    return refuse(403, sentence, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
