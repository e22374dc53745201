"""The keys under which systems start pathways: the same key again is the same start."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class StartRow(SQLModel, table=True):
    """A start that was asked for under a key of its caller. Written once, with the pathway it began, or not at all.

    ``caller`` is the name of the system, whatever token it shows; keys of two systems have nothing to do with each
    other. ``plan`` is the canonical (``url|version``) that was started. The referral tells for whom and for
    what, and what has become of it.
    """

    __tablename__ = "start"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    at: datetime
    plan: str
    referral_id: str
