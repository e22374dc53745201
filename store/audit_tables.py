"""The tables of the trace: what was read and written, the seals that chain it, and the keys that open it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel


class AuditRow(SQLModel, table=True):
    """One read or write. Never edited, but for ``seal``: the number of the seal that chained it.

    ``id`` begins with the instant in milliseconds, so that ids sort by time. ``payload`` (what, and the detail)
    is encrypted under the key of ``key_owner``: a patient, or the installation itself when that is empty. The
    rest is clear, so that the trace can be searched. ``mac`` signs the row, chained or not yet.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_seal_order", "seal", "id"),
        Index("audit_of_patient", "patient_id", "id"),
        Index("audit_by_actor", "actor", "id"),
    )

    id: str = Field(primary_key=True)
    at: datetime
    actor: str
    role: str
    action: str
    patient_id: str | None = None
    key_owner: str
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    mac: str
    seal: int | None = None


class SealRow(SQLModel, table=True):
    """A batch of audit rows, chained. ``digest`` is SHA-256 over ``previous`` and the rows; ``mac`` signs it."""

    __tablename__ = "audit_seal"

    number: int = Field(primary_key=True)
    at: datetime
    rows: int
    previous: str
    digest: str
    mac: str


class AuditHeadRow(SQLModel, table=True):
    """The last seal, signed: without it nobody would miss a chain's end. One row, and the lock of the sealers."""

    __tablename__ = "audit_head"

    id: int = Field(default=1, primary_key=True)
    number: int = 0
    digest: str
    mac: str


class AuditKeyRow(SQLModel, table=True):
    """The data key of one patient, wrapped by the installation's key; empty once ``erased``."""

    __tablename__ = "audit_key"

    owner: str = Field(primary_key=True)
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    erased: bool = False
