"""The tables of subscriptions: who asked to be told by us and of what, and what we follow on hospitals' servers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel


class SubscriptionRow(SQLModel, table=True):
    """How a Subscription kept here is served: what it asks, how far it has been told, and what went wrong.

    ``status`` is that of the resource: requested, active, error, off. ``events`` counts what matched since it
    began, ``told`` the events that its endpoint has taken: everything between the two is owed, in that order.
    ``headers`` are sealed under the installation's key. ``lease_until`` is on the database's clock.
    """

    __tablename__ = "subscription"
    __table_args__ = (Index("subscription_due", "status", "next_at"),)

    id: str = Field(primary_key=True)
    source: str
    holder: str | None = None
    scopes: list[str] | None = Field(default=None, sa_column=Column(JSON))
    status: str
    style: str
    criteria: list[str] = Field(sa_column=Column(JSON, nullable=False))
    topic: str = ""
    endpoint: str
    headers: str = ""
    mime: str = ""
    content: str
    heartbeat: int | None = None
    timeout: int
    most: int = 1
    end: datetime | None = None
    created: datetime
    events: int = 0
    told: int = 0
    last_event: datetime | None = None
    last_told: datetime | None = None
    next_at: datetime
    beat_at: datetime | None = None
    attempts: int = 0
    failing_since: datetime | None = None
    reason: str = ""
    lease_owner: str | None = None
    lease_until: float = 0.0


class NotificationRow(SQLModel, table=True):
    """One event of one subscription: its number, without gap, and the version of the resource that it speaks of."""

    __tablename__ = "notification"
    __table_args__ = (Index("notification_at", "at"),)

    subscription_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    type: str
    id: str
    version: int
    method: str
    at: datetime
    attempts: int = 0
    sent: datetime | None = None


class ListeningRow(SQLModel, table=True):
    """What we follow of one type on one hospital's server, and how far we have heard.

    ``cursor`` is the latest ``meta.lastUpdated`` met there (their clock). ``remote`` is our Subscription there and
    ``number`` the latest event number heard of it. ``wants`` > ``met``: something may have been missed, look now.
    """

    __tablename__ = "listening"

    destination: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    began: datetime
    cursor: datetime | None = None
    wants: int = 1
    met: int = 0
    next_at: datetime
    remote: str | None = None
    number: int | None = None
    gaps: int = 0
    notified: datetime | None = None
    looked: datetime | None = None
    heard: int = 0
    compared: datetime | None = None
    compare_at: datetime
    differed: int | None = None
    attempts: int = 0
    reason: str = ""
    lease_owner: str | None = None
    lease_until: float = 0.0


class ToFetchRow(SQLModel, table=True):
    """A resource on a hospital's server that is said to have changed and that we have not read since."""

    __tablename__ = "to_fetch"
    __table_args__ = (Index("to_fetch_due", "destination", "type", "next_at"),)

    destination: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    said: int = 1
    next_at: datetime
    attempts: int = 0


class HeardRow(SQLModel, table=True):
    """One version of a hospital's resource that we have read, and what came of it.

    ``outcome``: heard, ours (our own words come back), stranger (of nobody we follow), unreadable. ``body`` is what
    came, byte for byte; nothing is kept of strangers.
    """

    __tablename__ = "heard"

    destination: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    updated: datetime | None = None
    at: datetime
    outcome: str
    patient_id: str | None = Field(default=None, index=True)
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
