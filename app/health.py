"""Is all well? The one judgement behind ``/readyz``, the banner on every page, and whoever watches us.

"No sign of life" never counts as well: a worker that was never seen is silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.service import Service
from store import claims, heartbeat, instance
from store.readiness import schema_is_current

SILENT_AFTER = timedelta(seconds=60)
"""A worker says every second that it lives; messages that are due leave within seconds."""


@dataclass(frozen=True, slots=True)
class Health:
    """What was found. ``worker_seen`` and ``waiting_since`` are instants (UTC), None when there is nothing to say."""

    at: datetime
    database: bool
    schema: bool = False
    at_home: bool = False
    worker_seen: datetime | None = None
    waiting_since: datetime | None = None

    @property
    def worker_silent(self) -> bool:
        """Whether no worker has given a sign of life for a minute."""
        return self.worker_seen is None or self.at - self.worker_seen > SILENT_AFTER

    @property
    def messages_wait(self) -> bool:
        """Whether a message should have left a minute ago. On a copy nothing leaves, and another banner says so."""
        return self.at_home and self.waiting_since is not None and self.at - self.waiting_since > SILENT_AFTER

    @property
    def ready(self) -> bool:
        """Whether work may be entrusted to this installation."""
        return self.database and self.schema and self.at_home and not self.worker_silent


def look(service: Service) -> Health:
    """How it stands now. Never raises for a database that is away."""
    now = service.clock()
    try:
        schema = schema_is_current(service.db)
    except ConnectionError:
        return Health(now, database=False)
    if not schema:
        return Health(now, database=True)
    with service.db.read() as session:
        return Health(
            now,
            database=True,
            schema=True,
            at_home=instance.at_home(session, service.works.identity),
            worker_seen=heartbeat.last(session),
            waiting_since=claims.waiting_since(session, now),
        )
