"""The tables of FHIR resources: what stands, every version there was, and what each is found by.

What we say is written with the state that says it. What others wrote is kept beside it as the bytes it came in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

# The condition of a partial index; a query uses it only when it says the same words.
UNTOLD = "announced = false"


class ResourceRow(SQLModel, table=True):
    """A FHIR resource as it stands. ``version`` counts real changes.

    ``source`` names the system that wrote it; None: it is ours, and says our state. ``body`` is what came, byte
    for byte, where it is not ours; ``content`` is the same, read, for whoever looks into it. ``indexed`` is the version
    of the search parameters that its tokens and spans were made by.
    """

    __tablename__ = "resource"
    __table_args__ = (
        # What a hospital polls: one patient's open Tasks by due date, everybody's by due date, what has changed.
        Index("resource_patient", "type", "patient_id", "status", "due"),
        Index("resource_updated", "type", "updated", "id"),
        Index("resource_due", "type", "due", "id"),
        Index("resource_status", "type", "status", "due", "id"),
        Index("resource_pathway", "pathway_id"),
        Index("resource_indexed", "indexed"),
    )

    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    version: int
    updated: datetime
    pathway_id: str | None = None
    patient_id: str | None = None
    status: str | None = None
    due: datetime | None = None
    not_before: datetime | None = None
    source: str | None = None
    indexed: int = 0
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class ResourceVersionRow(SQLModel, table=True):
    """One version of a resource, the one that stands included. Never changed, but for ``announced``.

    ``announced`` says whether those who subscribed have been told of it: an outbox, written with the change.
    """

    __tablename__ = "resource_version"
    __table_args__ = (
        Index("resource_version_updated", "type", "updated", "id"),
        Index(
            "resource_version_untold",
            "updated",
            "type",
            "id",
            "version",
            sqlite_where=text(UNTOLD),
            postgresql_where=text(UNTOLD),
        ),
    )

    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    updated: datetime
    method: str
    pathway_id: str | None = None
    patient_id: str | None = None
    source: str | None = None
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    announced: bool = False


class ResourceTokenRow(SQLModel, table=True):
    """A code, identifier or reference that a resource is found by.

    ``system`` is empty where there is none; of a literal reference it is the type, and ``value`` the id (or the
    whole URL, and then ``system`` is empty). A logical reference is kept under ``param:identifier``.
    """

    __tablename__ = "resource_token"
    __table_args__ = (Index("resource_token_of", "type", "id"),)

    type: str = Field(primary_key=True)
    param: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    system: str = Field(primary_key=True)
    id: str = Field(primary_key=True)


class ResourceSpanRow(SQLModel, table=True):
    """A date that a resource is found by: from ``start`` until ``end``, which is not in it any more (UTC)."""

    __tablename__ = "resource_span"
    __table_args__ = (
        Index("resource_span_start", "type", "param", "start", "id"),
        Index("resource_span_end", "type", "param", "end", "id"),
    )

    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    param: str = Field(primary_key=True)
    start: datetime = Field(primary_key=True)
    end: datetime
