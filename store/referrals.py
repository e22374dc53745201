"""Referrals heard: kept whole, started once, shown when a person must decide.

The unique key of ``referral`` decides that a referral is the first; whoever loses that race reads what the
winner wrote. A second referral for the same fracture is kept as a possible duplicate and starts nothing.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from pathway.codec import decode
from pathway.referral import Referral, from_dict, same_fracture, to_dict
from pathway.refusal import Refused, Text
from pathway.state import Actor, Pathway
from store import patients
from store.ledger import Ledger, P
from store.tables import DocumentRow, PathwayRow, PatientIdentifierRow, PatientRow, ReferralRow
from store.upsert import insert_if_absent

_WHO = Text(
    fr="Les identifiants du patient désignent plusieurs de nos patients, ou quelqu’un né un autre jour : vérifiez"
    " l’identité, puis envoyez à nouveau.",
    en="The identifiers of the patient name several patients of ours, or somebody born on another day: check the"
    " identity, then send it again.",
)
_NAMESPACE = uuid.UUID("6f0c1f5e-7a53-5d0c-9d4e-3f2d7f6c8a10")


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a referral. ``new`` is False when this very referral had been heard before."""

    id: str
    key: str
    status: str
    pathway_id: str | None
    new: bool
    duplicate_of: str | None = None
    missing: tuple[str, ...] = ()
    patient_id: str = ""


def receive(
    session: Session,
    ledger: Ledger[P],
    referral: Referral,
    *,
    body: bytes,
    sender: str,
    missing: tuple[str, ...],
    must_wait: bool,
    digest: str,
    by: Actor,
    at: datetime,
) -> Received:
    """Keep a referral and start its pathway, unless it was heard before, is a duplicate, or must be completed.

    ``missing`` names what only a human can add; ``must_wait`` says that the clocks cannot start without it.
    """
    referral_id = uuid.uuid5(_NAMESPACE, referral.key).hex
    if not _is_first(session, referral, referral_id, body, sender, missing, at):
        return _heard(_row(session, referral.key), new=False)
    row = _row(session, referral.key)
    other = _same_fracture(session, row.patient_id, referral)
    if other is not None:
        row.status, row.duplicate_of = "duplicate", other
    elif must_wait:
        row.status = "incomplete"
    else:
        _start(session, ledger, row, referral, digest=digest, by=by, at=at)
    session.flush()
    return _heard(row, new=True)


def complete(
    session: Session,
    ledger: Ledger[P],
    referral_id: str,
    referral: Referral,
    *,
    digest: str,
    by: Actor,
    at: datetime,
) -> Received:
    """Start a referral that waited for a human, with what they added."""
    row = _waiting(session, referral_id, "incomplete", "duplicate")
    other = _same_fracture(session, row.patient_id, referral) if row.status == "incomplete" else None
    row.referral = to_dict(referral)
    row.missing = []
    if other is not None:
        row.status, row.duplicate_of = "duplicate", other
    else:
        _start(session, ledger, row, referral, digest=digest, by=by, at=at)
        row.settled_by = by.name
    return _heard(row, new=False)


def dismiss(session: Session, referral_id: str, *, note: str, by: Actor) -> Received:
    """Nothing is started from this referral, by somebody's decision; it stays on record."""
    row = _waiting(session, referral_id, "incomplete", "duplicate")
    if not note.strip():
        raise Refused(Text(fr="Indiquez le motif.", en="Give the reason."), kind="invalid", field="note")
    row.status, row.settled_by, row.note = "dismissed", by.name, note.strip()
    return _heard(row, new=False)


def waiting(session: Session) -> list[ReferralRow]:
    """Referrals that only a human can take further, oldest first."""
    query = select(ReferralRow).where(col(ReferralRow.status).in_(("incomplete", "duplicate")))
    return list(session.exec(query.order_by(col(ReferralRow.received))))


def heard_before(session: Session, referral_id: str) -> Received:
    """What has become of a referral by now."""
    return _heard(session.exec(select(ReferralRow).where(ReferralRow.id == referral_id)).one(), new=False)


def under_way(session: Session, patient_id: str, referral: Referral) -> str | None:
    """A running pathway of this patient that may be for the same fracture. Nothing is locked."""
    ours = (referral.patient, referral.fracture)
    for row in session.exec(select(PathwayRow).where(PathwayRow.patient_id == patient_id)):
        pathway = decode(Pathway, row.state)
        if pathway.runs and same_fracture((pathway.patient, pathway.fracture), ours):
            return row.id
    return None


def read(row: ReferralRow) -> Referral:
    """The referral a row keeps."""
    return from_dict(row.referral)


def _is_first(
    session: Session,
    referral: Referral,
    referral_id: str,
    body: bytes,
    sender: str,
    missing: tuple[str, ...],
    at: datetime,
) -> bool:
    """Claim the key. Concurrent receivers wait for the first one's transaction here, and then lose."""
    sha256 = hashlib.sha256(body).hexdigest()
    insert_if_absent(session, DocumentRow(sha256=sha256, received=at, sender=sender, body=body))
    row = ReferralRow(
        key=referral.key,
        id=referral_id,
        received=at,
        sender=sender,
        status="received",
        patient_id=_patient(session, referral, at),
        referral=to_dict(referral),
        missing=list(missing),
        document=sha256,
    )
    return insert_if_absent(session, row)


def _patient(session: Session, referral: Referral, at: datetime) -> str:
    """The patient with any of these identifiers; made, under a key of the identifiers, when nobody has them.

    Refused when they name several of ours, or somebody born on another day: nobody starts on a doubtful identity.
    """
    person = referral.patient
    known = patients.bearers(session, ((each.system, each.value) for each in person.identifiers))
    if len(known) > 1 or any(patients.born(session, each) != person.birth_date for each in known):
        raise Refused(_WHO, kind="conflict", field="Patient.identifier")
    if known:
        (patient_id,) = known
    else:
        patient_id = uuid.uuid5(_NAMESPACE, str(min(person.identifiers))).hex
        made = PatientRow(
            id=patient_id, family=person.family, given=person.given, birth_date=person.birth_date, created=at
        )
        insert_if_absent(session, made)
    for identifier in sorted(person.identifiers):  # one order for everybody, so that nobody deadlocks
        insert_if_absent(
            session,
            PatientIdentifierRow(system=identifier.system, value=identifier.value, patient_id=patient_id),
        )
    return patient_id


def _same_fracture(session: Session, patient_id: str, referral: Referral) -> str | None:
    """A running pathway of this patient for the same fracture. The patient is locked: two senders at once.

    The lock lets rows that refer to the patient in: both senders have just written one, and would wait for
    each other for ever.
    """
    session.exec(select(PatientRow).where(PatientRow.id == patient_id).with_for_update(key_share=True)).one()
    return under_way(session, patient_id, referral)


def _start(
    session: Session,
    ledger: Ledger[P],
    row: ReferralRow,
    referral: Referral,
    *,
    digest: str,
    by: Actor,
    at: datetime,
) -> None:
    row.status, row.pathway_id = "started", row.id
    earlier = (
        select(PathwayRow).where(PathwayRow.patient_id == row.patient_id).order_by(col(PathwayRow.created))
    )
    rows = session.exec(earlier).all()
    ledger.begin(
        session,
        row.id,
        row.patient_id,
        referral,
        digest=digest,
        by=by,
        at=at,
        previous=rows[-1].id if rows else None,
    )


def _row(session: Session, key: str) -> ReferralRow:
    return session.exec(select(ReferralRow).where(ReferralRow.key == key)).one()


def _waiting(session: Session, referral_id: str, *statuses: str) -> ReferralRow:
    row = session.exec(
        select(ReferralRow).where(ReferralRow.id == referral_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise Refused(
            Text(fr="Cette demande n'existe pas.", en="There is no such referral."),
            kind="not-found",
            field="referral",
        )
    if row.status not in statuses:
        raise Refused(
            Text(fr=f"Cette demande est déjà « {row.status} ».", en=f"This referral is already {row.status}.")
        )
    return row


def _heard(row: ReferralRow, *, new: bool) -> Received:
    return Received(
        row.id,
        row.key,
        row.status,
        row.pathway_id,
        new,
        row.duplicate_of,
        tuple(row.missing),
        row.patient_id,
    )
