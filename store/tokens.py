"""Systems that speak to us: the tokens they hold, and as whom they act.

``token_holder`` only reads; when the holder it returns is ``stale``, the caller notes the use with ``used``, in a
transaction that writes.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import bindparam
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from pathway.refusal import Refused, Text
from pathway.state import Actor
from store.account_tables import TokenRow

# How every token begins, so that one that leaks is recognised by people and by secret scanners.
PREFIX = "jalon_"
NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Holder:
    """A system that showed a valid token.

    ``owner`` is the organisation in whose name it may move Tasks, ``requester`` whether it may speak as their
    requester, ``functions`` the queues it may claim Tasks from. ``scopes`` is what a token of an authorisation
    server was granted, in the words of SMART (``system/Task.rs``); None: a token of ours, limited by nothing else.
    """

    id: str
    name: str
    role: str
    owner: str | None
    requester: bool
    functions: tuple[str, ...]
    stale: bool = False
    scopes: tuple[str, ...] | None = None

    @property
    def actor(self) -> Actor:
        """As whom this system's events go through the door."""
        return Actor(name=self.name, role=self.role, functions=self.functions)


def add_token(
    session: Session,
    *,
    name: str,
    now: datetime,
    owner: str | None = None,
    requester: bool = False,
    functions: Iterable[str] = (),
    expires: datetime | None = None,
) -> tuple[TokenRow, str]:
    """A token for a system, and its text, which is shown once and cannot be had again."""
    if not name.strip():
        raise Refused(
            Text(fr="Donnez au jeton le nom du système.", en="Name the token after its system."),
            kind="invalid",
            field="name",
        )
    if expires is not None and expires <= now:
        raise Refused(
            Text(fr="Le jeton serait déjà expiré.", en="The token would have expired already."),
            kind="invalid",
            field="expires",
        )
    plain = PREFIX + secrets.token_urlsafe(32)
    row = TokenRow(
        id=uuid4().hex,
        digest=_digest(plain),
        name=name.strip(),
        owner=(owner or "").strip() or None,
        requester=requester,
        functions=sorted(set(functions)),
        created=now,
        expires=expires,
    )
    session.add(row)
    session.flush()
    return row, plain


def token_holder(session: Session, plain: str, now: datetime) -> Holder | None:
    """Which system shows this token, or None when it is unknown, expired or revoked."""
    row = session.connection().execute(_of_digest(), {"digest": _digest(plain)}).first()
    if row is None or row.revoked is not None or (row.expires is not None and row.expires <= now):
        return None
    return Holder(
        id=row.id,
        name=row.name,
        role=row.role,
        owner=row.owner,
        requester=row.requester,
        functions=tuple(row.functions),
        stale=row.last_used is None or now - row.last_used >= NOTED_EVERY,
    )


@cache
def _of_digest() -> Any:
    """Every request pays for this: made once, and columns, for a session would watch an object."""
    token = TokenRow
    return select_columns(
        col(token.id),
        col(token.name),
        col(token.role),
        col(token.owner),
        col(token.requester),
        col(token.functions),
        col(token.revoked),
        col(token.expires),
        col(token.last_used),
    ).where(col(token.digest) == bindparam("digest"))


def used(session: Session, holder: Holder, now: datetime) -> None:
    """Note that the token was used."""
    row = session.get(TokenRow, holder.id)
    if row is not None:
        row.last_used = now


def tokens(session: Session) -> list[TokenRow]:
    """Every token, the latest first, revoked ones included."""
    return list(session.exec(select(TokenRow).order_by(col(TokenRow.created).desc(), TokenRow.id)))


def revoke(session: Session, token_id: str, now: datetime) -> None:
    """End a token, at once and for good. Refused when there is no such token."""
    row = session.get(TokenRow, token_id)
    if row is None:
        raise Refused(Text(fr="Ce jeton n'existe pas.", en="There is no such token."), kind="not-found")
    row.revoked = row.revoked or now


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
