"""What hospitals said and nobody could use: heard again or set aside, by the pages, the API and the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.service import Service
from pathway.state import Actor
from scheduler import inbound
from store import anomalies
from store.audit import Entry
from store.inbound_tables import AnomalyRow


def replay(service: Service, anomaly_id: str, by: Actor) -> bool:
    """Let it be heard again, now that something has changed. Whether that settled it. Refused when it is closed."""
    now = service.clock()
    with service.db.write() as session:
        settled = inbound.replay(session, service.ledger, service.site, anomaly_id, by=by, at=now)
        service.audit.write(session, _trace(by, "replay", anomaly_id, now, settled=settled))
    return settled


def dismiss(service: Service, anomaly_id: str, note: str, by: Actor) -> None:
    """Set it aside with a note that says why. Refused without one."""
    now = service.clock()
    with service.db.write() as session:
        anomalies.dismiss(session, anomaly_id, by=by.name, at=now, note=note)
        service.audit.write(session, _trace(by, "dismiss", anomaly_id, now, note=note.strip()))


def as_json(row: AnomalyRow) -> dict[str, Any]:
    """An anomaly for the API, without what came: that may be read one by one."""
    return {
        "id": row.id,
        "source": row.source,
        "kind": row.kind,
        "type": row.type,
        "remote": row.remote,
        "reason": {"fr": row.reason_fr, "en": row.reason_en},
        "at": row.at.isoformat(),
        "last": row.last.isoformat(),
        "times": row.times,
        "status": row.status,
        "settled_by": row.settled_by,
        "note": row.note,
    }


def _trace(by: Actor, action: str, anomaly_id: str, at: datetime, **detail: object) -> Entry:
    return Entry(at, by.name, by.role, action, f"anomaly/{anomaly_id}", None, dict(detail))
