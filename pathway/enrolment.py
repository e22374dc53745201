"""From a referral to the first state of a pathway."""

from __future__ import annotations

from datetime import datetime

from pathway.decide import settle
from pathway.ground import Ground
from pathway.plain import calmed
from pathway.referral import Referral
from pathway.state import Pathway, Step
from pathway.touch import stamp


def enrol(
    pathway_id: str,
    patient_id: str,
    referral: Referral,
    ground: Ground,
    *,
    at: datetime,
    previous: str | None = None,
) -> Pathway:
    """The pathway that this referral starts, with every step of the protocol in it and the first ones open.

    ``at`` is when the referral was received (UTC); every clock that counts from the referral starts there.
    """
    protocol = ground.protocol
    pathway = Pathway(
        id=pathway_id,
        protocol=protocol.protocol,
        protocol_version=protocol.version,
        protocol_digest=protocol.digest,
        patient_id=patient_id,
        patient=referral.patient,
        referrer=referral.requester,
        fracture=referral.fracture,
        referred=at,
        as_of=at,
        seq=1,
        steps=tuple(Step(key=rule.key) for rule in protocol.steps if not rule.on_demand),
        facts=referral.facts,
        priority=referral.priority,
        inpatient=referral.inpatient,
        previous=previous,
    )
    return calmed(stamp(None, settle(pathway, ground), ground), ground)
