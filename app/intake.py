"""A referral comes in: read it, then keep it and start its pathway in one transaction.

The one way in for ``POST /fhir``, ``POST /api/referrals`` and ``jalon refer``. Reading is arithmetic on bytes and
happens before the transaction begins, so that nobody waits for it.
"""

from __future__ import annotations

import json
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.service import Service
from fhir_mappings.outcome import Issue
from fhir_mappings.referral import Intake, read_referral
from fhir_mappings.referral_example import example_referral
from pathway.referral import Fracture, Identifier, Party, Referral
from pathway.refusal import Refused
from pathway.state import Actor
from store import anomalies, referrals
from store.audit import Entry
from store.referrals import Received


def receive_referral(service: Service, body: bytes, sender: str, by: Actor) -> Received | list[Issue]:
    """What became of this Bundle, committed; or the issues that refuse it, and then nothing is kept.

    ``sender`` is kept with the document: who brought the bytes (a system's name, a file, a person). The same
    Bundle again answers what the first one made, with ``new`` False.
    """
    now = service.clock()
    zone = ZoneInfo(service.protocol.ground.calendar.zone)
    test_identities = service.settings.test_identities
    intake = read_referral(body, received=now, zone=zone, test_identities=test_identities)
    if intake.referral is None:
        return list(intake.issues)
    try:
        with service.db.write() as session:
            return take_in(service, session, intake, intake.referral, body, sender, by, now)
    except Refused as refused:
        # Whoever sent it is told, and so is whoever can look into the identity here.
        with service.db.write() as session:
            anomalies.add(
                session,
                source=sender,
                kind="contradictory",
                type="Bundle",
                remote=f"Bundle/{intake.referral.key}",
                reason=refused.text,
                body=body,
                at=now,
            )
        raise


def take_in(
    service: Service,
    session: Session,
    intake: Intake,
    referral: Referral,
    body: bytes,
    sender: str,
    by: Actor,
    now: datetime,
) -> Received:
    """Keep what was read of these bytes, start its pathway and leave the trace, in the caller's transaction."""
    received = referrals.receive(
        session,
        service.ledger,
        referral,
        body=body,
        sender=sender,
        missing=tuple(each.key for each in intake.missing),
        must_wait=any(each.blocks_start for each in intake.missing),
        digest=service.begins_with(session),
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


_STILL_TRUE = ("antithrombotics", "creatinine_umol_l", "height_cm", "medications", "weight_kg")
"""What is known of the person and not of the fracture, and so is told of the next one too, with its own date."""


def start_again(service: Service, pathway_id: str, fracture: Fracture, by: Actor) -> Received:
    """A pathway of its own for another fracture of the same patient; it names the one before it.

    Everything is asked and done again but what is true of the person. Refused when there is no such pathway;
    ValueError with a sentence when this cannot be a referral.
    """
    with service.db.read() as session:
        before, _ = service.ledger.load(session, pathway_id)
    onset = fracture.onset.isoformat() if fracture.onset else "unknown"
    known = (before.fact(key) for key in _STILL_TRUE)
    bundle = example_referral(
        before.patient,
        fracture,
        identifier=Identifier(f"urn:uuid:{uuid5(NAMESPACE_URL, pathway_id)}", f"{fracture.level}-{onset}"),
        requester=Party(by.name, (Identifier("urn:jalon:person", by.name),)),
        facts=tuple(fact for fact in known if fact is not None),
        authored=service.clock(),
    )
    answer = receive_referral(service, json.dumps(bundle, ensure_ascii=False).encode(), by.name, by)
    if isinstance(answer, list):
        raise ValueError("; ".join(issue.diagnostics for issue in answer))
    return answer
