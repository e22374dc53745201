"""Which events a person or a system may send through the door, by the role of their account.

Everybody who signs in may read, and leaves a trace; an administrator's account changes no pathway. Who may sign,
override a gate or settle a signed step is the protocol's business and the door's. What the clock and the
gateways tell (rungs, receipts) comes from nobody outside.
"""

from __future__ import annotations

from pathway import events as e
from pathway.refusal import Refused, Text
from pathway.state import Actor

WARD = frozenset({"coordinator", "clinician"})
WARD_AND_SYSTEMS = WARD | {"system"}

MAY: dict[type[e.Event], frozenset[str]] = {
    e.FactsRecorded: WARD_AND_SYSTEMS,
    e.ObservationsRecorded: WARD_AND_SYSTEMS,
    e.StepAsked: WARD_AND_SYSTEMS,
    e.StepReceived: WARD_AND_SYSTEMS,
    e.StepAccepted: WARD_AND_SYSTEMS,
    e.StepStarted: WARD_AND_SYSTEMS,
    e.StepCompleted: WARD_AND_SYSTEMS,
    e.StepRejected: WARD_AND_SYSTEMS,
    e.StepFailed: WARD_AND_SYSTEMS,
    e.StepWaived: WARD,
    e.StepHeld: WARD_AND_SYSTEMS,
    e.StepReleased: WARD_AND_SYSTEMS,
    e.VisitBooked: WARD_AND_SYSTEMS,
    e.VisitCancelled: WARD_AND_SYSTEMS,
    e.VisitArrived: WARD_AND_SYSTEMS,
    e.VisitMissed: WARD_AND_SYSTEMS,
    e.HoldProposed: WARD,
    e.HoldSigned: frozenset({"clinician"}),
    e.HoldNotRequired: frozenset({"clinician"}),
    e.HoldRejected: frozenset({"clinician"}),
    e.LastDoseDeclared: WARD,
    e.GateOverridden: frozenset({"clinician"}),
    e.AlertAcknowledged: WARD,
    e.AlertSnoozed: WARD,
    e.ChannelOptedOut: WARD_AND_SYSTEMS,
    e.ChannelOptedIn: WARD,
    e.ContactChanged: WARD_AND_SYSTEMS,
    e.CarerNamed: WARD,
    e.PatientDied: WARD_AND_SYSTEMS,
    e.PathwayHeld: WARD,
    e.PathwayResumed: WARD,
    e.PathwayEnded: WARD,
    e.CallSettled: WARD,
    e.HospitalReported: WARD_AND_SYSTEMS,
}


def allow(actor: Actor, kind: type[e.Event]) -> None:
    """Refused (forbidden) when this role may not send such an event."""
    if actor.role not in MAY.get(kind, frozenset()):
        raise Refused(
            Text(
                fr=f"Votre compte ({actor.role}) ne permet pas d’enregistrer cela ({kind.__name__}).",
                en=f"Your account ({actor.role}) may not record this ({kind.__name__}).",
            ),
            kind="forbidden",
        )


def need_ward(actor: Actor) -> None:
    """Refused (forbidden) for whoever may not take referrals further."""
    if actor.role not in WARD:
        raise Refused(
            Text(
                fr="Seul le service (coordination, cliniciens) traite les demandes.",
                en="Only the ward (coordination, clinicians) deals with referrals.",
            ),
            kind="forbidden",
        )
