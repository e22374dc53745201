"""The tables of how we speak with hospitals' servers: how each destination does, whose turn it is, and tokens seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class DestinationRow(SQLModel, table=True):
    """How we stand with one destination of the settings.

    ``mode`` and ``resources`` are those it was last opened with. ``objection`` is a sentence (``fr``, ``en``)
    when its CapabilityStatement says that it does not take what we would say (None: nothing speaks against it), found
    at ``checked_at``. While ``not_before`` lies ahead nobody speaks to it: it failed (``failures`` times in a row, last
    for this ``reason``), or asked us to wait.
    """

    __tablename__ = "destination"

    name: str = Field(primary_key=True)
    mode: str
    resources: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    objection: dict[str, str] | None = Field(default=None, sa_column=Column(JSON))
    checked_at: datetime | None = None
    last_success: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0
    reason: str = ""


class IntroductionRow(SQLModel, table=True):
    """Who is telling a destination of a patient it may not know yet: one pathway at a time, or it makes two."""

    __tablename__ = "introduction"

    destination: str = Field(primary_key=True)
    patient_id: str = Field(primary_key=True)
    owner: str
    lease_until: float = 0.0


class SeenTokenRow(SQLModel, table=True):
    """A token's ``jti``, kept until the token has ended, with a digest of the token that it came in."""

    __tablename__ = "seen_token"

    issuer: str = Field(primary_key=True)
    jti: str = Field(primary_key=True)
    digest: str
    expires: datetime = Field(index=True)
