"""Deadlines: a rung whose hour has come becomes an event through the door, once."""

from __future__ import annotations

import logging
from datetime import datetime

from pathway import events as e
from pathway.planned import Kind
from pathway.refusal import Refused
from scheduler.ground import CLOCK, Works
from store import claims, rota
from store.claims import Claimed

log = logging.getLogger("jalon.rungs")

_LEASE_SECONDS = 60.0


def fire_due(works: Works, *, now: datetime, limit: int = 100) -> int:
    """Fire every rung that is due, each in a transaction of its own. Returns how many were fired."""
    with works.db.write() as session:
        due = claims.claim(
            session, [Kind.RUNG], owner=works.owner, lease_seconds=_LEASE_SECONDS, limit=limit, now=now
        )
    fired = 0
    for claimed in due:
        try:
            fired += _fire(works, claimed, now)
        except Exception:
            # It keeps its lease and is taken up again when that has ended; the others do not wait for it.
            log.exception("rung could not be fired", extra={"key": claimed.key})
    return fired


def _fire(works: Works, claimed: Claimed, now: datetime) -> bool:
    """The door settles the row with the event, so a crash leaves both or neither."""
    with works.db.write() as session:
        works.ledger.lock(session, claimed.pathway_id)
        if not claims.is_ours(session, claimed, works.owner):
            return False
        ground = works.ledger.load(session, claimed.pathway_id)[1]
        duty = rota.on_call(
            session,
            claimed.role,
            now,
            lambda role: ground.protocol.roles[role].fallback if role in ground.protocol.roles else None,
        )
        event = e.RungFired(by=CLOCK, key=claimed.key, person=duty.name if duty else "")
        try:
            works.ledger.record(session, claimed.pathway_id, event, at=now)
        except Refused as refusal:
            # The plan and the row disagree: never seen, but a row that cannot fire must not stay due for ever.
            log.error("rung refused", extra={"key": claimed.key, "reason": str(refusal)})
            claims.withdraw(session, claimed, reason=str(refusal), now=now)
            return False
        what = f"pathway/{claimed.pathway_id}"
        works.trace(session, "write", what, claimed.patient_id, now=now, event="RungFired", key=claimed.key)
        if duty is None:
            log.warning("nobody on call", extra={"role": claimed.role, "key": claimed.key})
        return True
