"""Tokens that were shown to us, by the name their issuer gave them: the same name never comes in another token."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

from sqlalchemy import delete
from sqlmodel import Session, col

from store.exchange_tables import SeenTokenRow
from store.upsert import insert_if_absent

Sight = Literal["first", "again", "another"]
"""Seen for the first time; seen before, in the same token; its name was seen in another token."""


def seen(session: Session, issuer: str, jti: str, token: str) -> Sight | None:
    """Whether a token of this name was shown before, and was this one. None: never. Reads only."""
    row = session.get(SeenTokenRow, (issuer, jti))
    if row is None:
        return None
    return "again" if row.digest == _digest(token) else "another"


def note(
    session: Session, issuer: str, jti: str, token: str, *, expires: datetime, forget_before: datetime
) -> Sight:
    """Remember this token until it has ended (UTC), and say what it is to us; of two at once, one is the first."""
    session.connection().execute(delete(SeenTokenRow).where(col(SeenTokenRow.expires) < forget_before))
    row = SeenTokenRow(issuer=issuer, jti=jti, digest=_digest(token), expires=expires)
    if insert_if_absent(session, row):
        return "first"
    return seen(session, issuer, jti, token) or "first"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
