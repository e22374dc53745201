"""The tables of the ledger. Instants are UTC; JSON columns hold what ``pathway.codec`` writes.

``owed`` is the one queue: everything planned is a row there, and a row tells its own story to the end.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

# The conditions of partial indexes; a query uses one only when it says the same words (see ``store.worklist``).
ALERTED = "alerts > 0"
BLOCKED = "blocked > 0"
REFUSED = "refused_version IS NOT NULL"
TO_DO = "status = 'planned' AND live = true AND kind IN ('task', 'call', 'letter')"


class InstanceRow(SQLModel, table=True):
    """Which installation this database belongs to. A copy started elsewhere sends nothing until released."""

    __tablename__ = "instance"

    id: int = Field(default=1, primary_key=True)
    identity: str
    since: datetime


class ProtocolRow(SQLModel, table=True):
    """A protocol version as it was pinned: definition, texts and calendar in one document. Never updated."""

    __tablename__ = "protocol"

    digest: str = Field(primary_key=True)
    key: str
    version: str
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    pinned: datetime


class PatientRow(SQLModel, table=True):
    """A person, once, however many referrals name them."""

    __tablename__ = "patient"

    id: str = Field(primary_key=True)
    family: str = Field(index=True)
    given: str
    birth_date: date
    created: datetime


class PatientIdentifierRow(SQLModel, table=True):
    """A name given to a patient by a system; the unique key is what finds the hospital's own patient."""

    __tablename__ = "patient_identifier"

    system: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    patient_id: str = Field(foreign_key="patient.id", index=True)


class DocumentRow(SQLModel, table=True):
    """The bytes of a Bundle as they came in; kept, never re-serialised."""

    __tablename__ = "document"

    sha256: str = Field(primary_key=True)
    received: datetime
    sender: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ReferralRow(SQLModel, table=True):
    """A referral heard. ``status``: started, duplicate, incomplete or dismissed; ``key`` decides sameness."""

    __tablename__ = "referral"

    key: str = Field(primary_key=True)
    id: str = Field(unique=True)
    received: datetime
    sender: str
    status: str = Field(index=True)
    patient_id: str = Field(foreign_key="patient.id", index=True)
    pathway_id: str | None = Field(default=None, index=True)
    duplicate_of: str | None = None
    referral: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    missing: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    document: str = Field(foreign_key="document.sha256")
    settled_by: str | None = None
    note: str | None = None


class PathwayRow(SQLModel, table=True):
    """The state of one pathway. ``seq`` counts its events; ``planner`` is the version its rows were planned by."""

    __tablename__ = "pathway"
    __table_args__ = (
        # What the worklist asks for, without reading the states of everybody else.
        Index("pathway_alerted", "as_of", "id", sqlite_where=text(ALERTED), postgresql_where=text(ALERTED)),
        Index("pathway_blocked", "as_of", "id", sqlite_where=text(BLOCKED), postgresql_where=text(BLOCKED)),
    )

    id: str = Field(primary_key=True)
    patient_id: str = Field(foreign_key="patient.id", index=True)
    protocol_digest: str = Field(foreign_key="protocol.digest")
    planner: str
    seq: int
    status: str = Field(index=True)
    stage: str
    as_of: datetime
    created: datetime
    state: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    alerts: int = 0
    blocked: int = 0
    flags: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class HistoryRow(SQLModel, table=True):
    """One event that went through the door, with what it changed in the plan."""

    __tablename__ = "history"

    pathway_id: str = Field(foreign_key="pathway.id", primary_key=True)
    seq: int = Field(primary_key=True)
    recorded: datetime
    occurred: datetime
    type: str
    by: str
    event: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    changes: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class OwedRow(SQLModel, table=True):
    """One planned thing and what became of it.

    ``status``: planned, sending (claimed and begun), then one of sent, failed, uncertain, too-late, withdrawn,
    fired, passed-over, settled. ``next_at`` is when it may be claimed; ``at`` stays what the plan says.
    ``lease_until`` is seconds since 1970 on the database's clock. A withdrawn key is never revived: if it is
    wanted again it is a new ``generation``, with a tag of its own.
    """

    __tablename__ = "owed"
    __table_args__ = (
        UniqueConstraint("pathway_id", "key", "generation"),
        Index("owed_due", "status", "kind", "channel", "next_at"),
        # What people are to do now, by due date and by role: a small part of all rows.
        Index("owed_work", "kind", "next_at", "id", sqlite_where=text(TO_DO), postgresql_where=text(TO_DO)),
        Index(
            "owed_work_of_role",
            "kind",
            "role",
            "next_at",
            "id",
            sqlite_where=text(TO_DO),
            postgresql_where=text(TO_DO),
        ),
        Index("owed_sent_to", "patient_id", "settled"),
    )

    id: int | None = Field(default=None, primary_key=True)
    pathway_id: str = Field(foreign_key="pathway.id")
    patient_id: str
    key: str
    generation: int = 1
    kind: str
    status: str = "planned"
    step: str = ""
    role: str = ""
    channel: str = ""
    at: datetime | None = None
    until: datetime | None = None
    not_before: datetime | None = None
    live: bool = True
    why: str = ""
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    next_at: datetime | None = None
    attempts: int = 0
    lease_owner: str | None = None
    lease_until: float = 0.0
    tag: str = Field(unique=True)
    begun: datetime | None = None
    settled: datetime | None = None
    provider_id: str | None = None
    reason: str = ""
    subject: str | None = None
    text: str | None = None


class DeliveryRow(SQLModel, table=True):
    """What a destination still has to hear of one pathway. ``wanted`` > ``sent``: something is owed.

    One row is one writer: whoever holds its lease speaks to that destination about that pathway, alone.
    """

    __tablename__ = "delivery"
    __table_args__ = (Index("delivery_due", "owes", "next_at"),)

    destination: str = Field(primary_key=True)
    pathway_id: str = Field(primary_key=True, foreign_key="pathway.id")
    wanted: int = 1
    sent: int = 0
    owes: bool = True
    attempts: int = 0
    next_at: datetime
    lease_owner: str | None = None
    lease_until: float = 0.0
    reason: str = ""


class DeliveredRow(SQLModel, table=True):
    """What a destination has of one resource: which version of ours, in which words, under which name of theirs.

    ``added`` is what the destination's people added to their copy and what we leave there (``fhir_mappings.merging``).
    ``refused`` holds the OperationOutcome of a resource the destination will not take, at ``refused_version``.
    """

    __tablename__ = "delivered"
    __table_args__ = (
        Index("delivered_remote", "destination", "remote"),
        Index(
            "delivered_refused",
            "destination",
            "pathway_id",
            sqlite_where=text(REFUSED),
            postgresql_where=text(REFUSED),
        ),
    )

    destination: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    pathway_id: str = Field(index=True)
    version: int = 0
    content: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    remote: str | None = None
    etag: str | None = None
    refused_version: int | None = None
    refused: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    refused_at: datetime | None = None
    added: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))


class HeartbeatRow(SQLModel, table=True):
    """The last sign of life of a worker."""

    __tablename__ = "heartbeat"

    worker: str = Field(primary_key=True)
    at: datetime
