"""The tables of people and systems: accounts, sign-ins, tokens, and who is on call. Instants are UTC.

No secret is kept as it was given: passwords as argon2, the tokens of sign-ins and systems as SHA-256 (they are
random and long, so nothing slower is needed).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel


class AccountRow(SQLModel, table=True):
    """A person who signs in. ``name`` is what signatures and the history show, so no two accounts share one.

    ``functions`` are protocol roles (radiologist, anaesthetist); ``default_duty`` says that this person answers
    for them whenever the rota names nobody.
    """

    __tablename__ = "account"

    id: str = Field(primary_key=True)
    login: str = Field(unique=True)
    name: str = Field(unique=True)
    role: str
    functions: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    default_duty: bool = False
    email: str | None = None
    phone: str | None = None
    language: str = "fr"
    active: bool = True
    password_hash: str
    created: datetime


class SignInRow(SQLModel, table=True):
    """One browser that is signed in. ``csrf_secret`` is the key of the tokens in its forms."""

    __tablename__ = "sign_in"

    digest: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    csrf_secret: str
    created: datetime
    seen: datetime
    expires: datetime = Field(index=True)


class SignInFailureRow(SQLModel, table=True):
    """Failed sign-ins of one login in a row, whether or not that login exists.

    The login is kept as a short digest: people type passwords into that field.
    """

    __tablename__ = "sign_in_failure"

    digest: str = Field(primary_key=True)
    failures: int = 0
    last: datetime
    blocked_until: datetime


class TokenRow(SQLModel, table=True):
    """A token by which a system speaks to us.

    ``owner`` is the organisation in whose name it may move Tasks as their owner; ``requester`` lets it speak as
    their requester; ``functions`` are the queues (protocol roles) it may claim Tasks from.
    """

    __tablename__ = "token"

    id: str = Field(primary_key=True)
    digest: str = Field(unique=True)
    name: str
    role: str = "system"
    owner: str | None = None
    requester: bool = False
    functions: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    last_used: datetime | None = None


class RotaRow(SQLModel, table=True):
    """One duty: who answers for a protocol role from ``starts`` (included) to ``ends`` (not included).

    Either an account, whose name and numbers are then read from it, or a person without one.
    """

    __tablename__ = "rota"
    __table_args__ = (Index("rota_role", "role", "ends"),)

    id: int | None = Field(default=None, primary_key=True)
    role: str
    account_id: str | None = Field(default=None, foreign_key="account.id")
    name: str = ""
    email: str | None = None
    phone: str | None = None
    starts: datetime
    ends: datetime
