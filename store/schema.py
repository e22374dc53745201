"""Every table there is: importing this fills ``SQLModel.metadata`` for migrations and for tests."""

from __future__ import annotations

from store import (
    account_tables,
    audit_tables,
    exchange_tables,
    inbound_tables,
    publication_tables,
    resource_tables,
    start_tables,
    subscription_tables,
    tables,
)

__all__ = [
    "account_tables",
    "audit_tables",
    "exchange_tables",
    "inbound_tables",
    "publication_tables",
    "resource_tables",
    "start_tables",
    "subscription_tables",
    "tables",
]
