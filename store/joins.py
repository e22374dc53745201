"""Two records that are one person: what bears the one's name goes on under the other's, and can be taken back.

A join moves identifiers, pathways, referrals and what is owed; how everything stood is kept with it. Nothing is
joined that contradicts itself: a message to the wrong person cannot be taken back.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from pathway import events as e
from pathway.codec import decode, encode
from pathway.referral import Identifier, Person
from pathway.refusal import Refused, Text
from pathway.state import Actor
from store import heard
from store.inbound_tables import JoinRow
from store.ledger import Ledger
from store.resource_tables import ResourceRow
from store.tables import OwedRow, PatientIdentifierRow, PatientRow, ReferralRow


class Contradictory(Exception):
    """These two cannot be one person, or nobody may say so but a human. The text says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def standing(session: Session, patient_id: str) -> JoinRow | None:
    """The join by which this patient goes on as another one."""
    query = select(JoinRow).where(JoinRow.gone == patient_id, col(JoinRow.undone).is_(None))
    return session.exec(query).one_or_none()


def said_by(session: Session, document: str) -> list[JoinRow]:
    """The joins that stand because this resource (``source/Patient/id``) said so."""
    rows = session.exec(select(JoinRow).where(col(JoinRow.undone).is_(None)))
    return [row for row in rows if row.before["document"] == document]


def goes_on_as(session: Session, patient_id: str) -> str:
    """Under which id this patient is known now."""
    while (row := standing(session, patient_id)) is not None:
        patient_id = row.kept
    return patient_id


def join(
    session: Session,
    ledger: Ledger[Any],
    *,
    kept: str,
    gone: str,
    document: str,
    source: str,
    by: Actor,
    at: datetime,
) -> JoinRow | None:
    """Let ``gone`` go on as ``kept``. None when that is so already. Contradictory when they cannot be one person."""
    kept, gone = goes_on_as(session, kept), goes_on_as(session, gone)
    if kept == gone:
        return None
    ours = _locked(session, kept, gone)
    theirs, mine = heard.every(session, gone), heard.every(session, kept)
    people = {one: ledger.load(session, one)[0].patient for one in _lock(session, ledger, [*theirs, *mine])}
    person = _one_person(ours[kept], ours[gone], people, mine, theirs)
    identifiers = session.exec(
        select(PatientIdentifierRow).where(PatientIdentifierRow.patient_id == gone)
    ).all()
    before = {
        "document": document,
        "identifiers": [[row.system, row.value] for row in identifiers],
        "theirs": {one: encode(people[one]) for one in theirs},
        "mine": {one: encode(people[one]) for one in mine},
        "referrals": list(session.exec(select(ReferralRow.key).where(ReferralRow.patient_id == gone))),
        "resources": [
            [row.type, row.id]
            for row in session.exec(select(ResourceRow).where(ResourceRow.patient_id == gone))
            if row.type != "Patient" or row.source is not None
        ],
    }
    row = JoinRow(
        id=uuid.uuid4().hex,
        kept=kept,
        gone=gone,
        source=source,
        joined=at,
        joined_by=by.name,
        before=before,
    )
    session.add(row)
    _move(session, before, kept)
    for one in sorted([*theirs, *mine]):
        event = e.IdentityJoined(by=by, patient_id=kept, patient=_as(person, people[one], mine=one in mine))
        ledger.record(session, one, event, at=at)
    _refuse_for_all(session, ledger, [*mine, *theirs], by, at)
    session.flush()
    return row


def part(session: Session, ledger: Ledger[Any], row: JoinRow, *, by: Actor, at: datetime) -> tuple[str, ...]:
    """Take a join back: everything stands as it did. Returns the pathways that were begun meanwhile.

    A person must say whose these are. A contact that was given while the two were one may be the other's, so each
    has again the one of before.
    """
    before = row.before
    session.exec(select(JoinRow).where(JoinRow.id == row.id).with_for_update()).one()
    _locked(session, row.kept, row.gone)
    known = heard.every(session, row.kept)
    _move(session, before, row.gone)
    for one in _lock(session, ledger, [*before["theirs"], *before["mine"]]):
        now = ledger.load(session, one)[0].patient
        theirs = one in before["theirs"]
        was = decode(Person, before["theirs"][one] if theirs else before["mine"][one])
        person = replace(was, deceased=was.deceased or now.deceased)
        if not theirs:
            person = replace(now, identifiers=was.identifiers)
        id_ = row.gone if theirs else row.kept
        ledger.record(session, one, e.IdentityParted(by=by, patient_id=id_, patient=person), at=at)
    row.undone, row.undone_by = at, by.name
    session.flush()
    return tuple(one for one in known if one not in before["theirs"] and one not in before["mine"])


def _locked(session: Session, *ids: str) -> dict[str, PatientRow]:
    """Both rows, always locked in one order. Refused when one of them is no patient of ours."""
    found = {}
    for id_ in sorted(ids):
        query = select(PatientRow).where(PatientRow.id == id_).with_for_update(key_share=True)
        row = session.exec(query).one_or_none()
        if row is None:
            raise Refused(
                Text(fr="Il n'y a pas de tel patient.", en="There is no such patient."), kind="not-found"
            )
        found[id_] = row
    return found


def _lock(session: Session, ledger: Ledger[Any], pathways: Sequence[str]) -> list[str]:
    ordered = sorted(pathways)
    for one in ordered:
        ledger.lock(session, one)
    return ordered


def _one_person(
    kept: PatientRow, gone: PatientRow, people: dict[str, Person], mine: list[str], theirs: list[str]
) -> Person | None:
    """Who the two are together, as the kept one's latest pathway knows them; None while neither has a pathway."""
    if kept.birth_date != gone.birth_date:
        raise Contradictory(
            Text(
                fr="Les deux dossiers n'ont pas la même date de naissance : à vérifier avant de les réunir.",
                en="The two records have different birth dates: check them before they are joined.",
            )
        )
    said = {people[one].gender for one in (*mine, *theirs)} & {"male", "female"}
    if len(said) > 1:
        raise Contradictory(
            Text(
                fr="Les deux dossiers n'ont pas le même sexe : à vérifier avant de les réunir.",
                en="The two records differ in sex: check them before they are joined.",
            )
        )
    if len({people[one].deceased for one in (*mine, *theirs)}) > 1:
        raise Contradictory(
            Text(
                fr="Un seul des deux dossiers dit le patient décédé : à vérifier avant de les réunir.",
                en="Only one of the two records says that the patient has died: check before they are joined.",
            )
        )
    if not people:
        return None
    known: list[Identifier] = []
    for one in (*mine, *theirs):
        known += [each for each in people[one].identifiers if each not in known]
    return replace(people[(mine or theirs)[-1]], identifiers=tuple(known))


def _as(person: Person | None, was: Person, *, mine: bool) -> Person:
    assert person is not None
    # Each pathway of the one who stays keeps the contact it has; those that come over take that of the person.
    return replace(was, identifiers=person.identifiers) if mine else person


def _move(session: Session, before: dict[str, Any], to: str) -> None:
    """Everything that the join names is this patient's from now on."""
    for system, value in before["identifiers"]:
        held = session.get(PatientIdentifierRow, (system, value))
        if held is not None:
            held.patient_id = to
    for table, column, names in (
        (OwedRow, OwedRow.pathway_id, list(before["theirs"])),
        (ReferralRow, ReferralRow.key, before["referrals"]),
    ):
        session.connection().execute(update(table).where(col(column).in_(names)).values(patient_id=to))
    for type_, id_ in before["resources"]:
        resource = session.get(ResourceRow, (type_, id_))
        if resource is not None:
            resource.patient_id = to
    session.flush()


def _refuse_for_all(
    session: Session, ledger: Ledger[Any], pathways: Sequence[str], by: Actor, at: datetime
) -> None:
    """A channel that the person has refused anywhere is refused everywhere."""
    refused = {one: set(ledger.load(session, one)[0].opted_out) for one in pathways}
    for channel in sorted(set().union(*refused.values())):
        if any(channel not in channels for channels in refused.values()):
            ledger.record(session, pathways[0], e.ChannelOptedOut(by=by, channel=channel), at=at)
