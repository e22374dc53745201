"""The tables of what we hear: what nobody could use, which records are one person, whose slot it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

# The condition of a partial index; a query uses it only when it says the same words.
STANDING = "undone IS NULL"


class AnomalyRow(SQLModel, table=True):
    """Something a hospital said that a person must look at. ``id`` is a digest of who said exactly what.

    ``kind``: unmatched, unreadable, refused or contradictory. ``status``: open, settled or dismissed. ``at`` is when
    it first came, ``last`` when it came last (UTC), and ``times`` how often. ``body`` is what came, byte for byte.
    """

    __tablename__ = "anomaly"
    __table_args__ = (Index("anomaly_open", "status", "at", "id"),)

    id: str = Field(primary_key=True)
    source: str
    kind: str
    type: str
    remote: str = ""
    reason_fr: str
    reason_en: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime
    last: datetime
    times: int = 1
    status: str = "open"
    settled: datetime | None = None
    settled_by: str | None = None
    note: str = ""


class WordRow(SQLModel, table=True):
    """What was heard last of a resource of somebody else's, so that the same or an older word changes nothing.

    ``source`` is the system that says it. ``updated`` is its own ``meta.lastUpdated`` (UTC), ``digest`` that of its
    content without ``meta``.
    """

    __tablename__ = "heard_word"

    source: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    version: str = ""
    updated: datetime | None = None
    digest: str
    at: datetime


class JoinRow(SQLModel, table=True):
    """Two records that a hospital says are one person. ``before`` is how they stood, so that it can be undone.

    ``gone`` is the patient who goes on as ``kept``. ``undone`` is when they were parted again (UTC).
    """

    __tablename__ = "identity_join"
    __table_args__ = (
        # A record goes on as one other at a time.
        Index(
            "identity_join_standing",
            "gone",
            unique=True,
            sqlite_where=text(STANDING),
            postgresql_where=text(STANDING),
        ),
        Index("identity_join_kept", "kept"),
    )

    id: str = Field(primary_key=True)
    kept: str = Field(foreign_key="patient.id")
    gone: str = Field(foreign_key="patient.id")
    source: str
    joined: datetime
    joined_by: str
    undone: datetime | None = None
    undone_by: str | None = None
    before: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class TakenSlotRow(SQLModel, table=True):
    """A Slot that is ours for a visit. The primary key decides between two who want it at once.

    ``home`` is the destination whose server keeps the Slot; empty: it is kept on our facade. ``status``: taking (asked
    for, the answer not known yet), held until ``until``, confirming, booked, freeing. ``since`` is the beginning of
    this status (UTC); ``seq`` the event of the pathway up to which the visit was seen to stand with it.
    """

    __tablename__ = "slot_taken"
    __table_args__ = (
        Index("slot_taken_of", "pathway_id", "step", "occurrence"),
        Index("slot_taken_status", "status", "since"),
    )

    home: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    pathway_id: str = Field(foreign_key="pathway.id")
    step: str
    occurrence: int
    status: str
    start: datetime
    end: datetime
    place: str = ""
    by: str
    since: datetime
    until: datetime | None = None
    seq: int = 0
