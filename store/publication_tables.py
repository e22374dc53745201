"""The tables of published protocols. Their rows, and the protocols', are written once: triggers refuse the rest."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel


class PublicationRow(SQLModel, table=True):
    """A version of a protocol, published: from then on this name means this content, for ever."""

    __tablename__ = "publication"

    key: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    digest: str = Field(foreign_key="protocol.digest", index=True)
    published: datetime
    by: str
    note: str = ""


class ProtocolUseRow(SQLModel, table=True):
    """From ``since`` on new pathways begin with this version. The last row counts."""

    __tablename__ = "protocol_use"

    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(foreign_key="protocol.digest")
    since: datetime
    by: str
