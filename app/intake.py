"""A referral comes in: read it, then keep it and start its pathway in one transaction.

The one way in for ``POST /fhir``, ``POST /api/referrals`` and ``jalon refer``. Reading is arithmetic on bytes and
happens before the transaction begins, so that nobody waits for it.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from app.service import Service
from fhir_mappings.outcome import Issue
from fhir_mappings.referral import read_referral
from pathway.state import Actor
from store import referrals
from store.audit import Entry
from store.referrals import Received


def receive_referral(service: Service, body: bytes, sender: str, by: Actor) -> Received | list[Issue]:
    """What became of this Bundle, committed; or the issues that refuse it, and then nothing is kept.

    ``sender`` is kept with the document: who brought the bytes (a system's name, a file, a person). The same
    Bundle again answers what the first one made, with ``new`` False.
    """
    now = service.clock()
    zone = ZoneInfo(service.protocol.ground.calendar.zone)
    intake = read_referral(body, received=now, zone=zone)
    if intake.referral is None:
        return list(intake.issues)
    with service.db.write() as session:
        received = referrals.receive(
            session,
            service.ledger,
            intake.referral,
            body=body,
            sender=sender,
            missing=tuple(each.key for each in intake.missing),
            must_wait=any(each.blocks_start for each in intake.missing),
            digest=service.protocol.digest,
            by=by,
            at=now,
        )
        service.audit.write(
            session,
            Entry(
                at=now,
                actor=by.name,
                role=by.role,
                action="write",
                what=f"referral/{received.id}",
                patient_id=received.patient_id,
                detail={"status": received.status, "new": received.new, "sender": sender},
            ),
        )
    return received
