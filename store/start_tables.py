"""The keys under which systems start pathways: the same key again is the same start."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class StartRow(SQLModel, table=True):
    """A start that was asked for under a key of its caller. Written once, with the pathway it began, or not at all.

    ``caller`` is the id of the system's token, or of its client at the issuer; keys of two callers have nothing to do
    with each other. ``plan`` is the canonical (``url|version``) that was started, ``asked`` a digest of for what. The
    referral tells what has become of it.
    """

    __tablename__ = "start"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    at: datetime
    plan: str
    patient_id: str = Field(foreign_key="patient.id")
    asked: str
    referral_id: str
