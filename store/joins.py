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
    ours, kept, gone = _both(session, kept, gone)
    if kept == gone:
        return None
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
    _move(session, before, gone, kept)
    for one in sorted([*theirs, *mine]):
        event = e.IdentityJoined(by=by, patient_id=kept, patient=_as(person, people[one], mine=one in mine))
        ledger.record(session, one, event, at=at)
    _refuse_for_all(session, ledger, [*mine, *theirs], by, at)
    session.flush()
    return row


def part(session: Session, ledger: Ledger[Any], row: JoinRow, *, by: Actor, at: datetime) -> tuple[str, ...]:
    """Take a join back: everything stands as it did. Returns the pathways of which a person must say whose they are.

    The one who stayed may have gone on as a third meanwhile, and those who came along may have left: only what still
    goes under the name of that one moves. Each pathway that leaves has again the contact of before.
    """
    session.exec(select(JoinRow).where(JoinRow.id == row.id).with_for_update()).one()
    _, _, now = _both(session, row.gone, row.kept)
    known = heard.every(session, now)
    leaving = _leaving(session, row, now)
    theirs = [one for one in leaving["theirs"] if one in known]
    _move(session, leaving, now, row.gone)
    row.undone, row.undone_by = at, by.name
    session.flush()
    for one in _lock(session, ledger, known):
        person = ledger.load(session, one)[0].patient
        id_ = now
        if one in theirs:
            id_, was = row.gone, decode(Person, row.before["theirs"][one])
            person = replace(was, deceased=was.deceased or person.deceased)
        borne = _borne(session, id_, person.identifiers)
        if one in theirs or one in row.before["mine"] or borne != person.identifiers:
            patient = replace(person, identifiers=borne)
            ledger.record(session, one, e.IdentityParted(by=by, patient_id=id_, patient=patient), at=at)
    # Those of a third, whom both went on as, are nobody's question.
    third = {one for each in _way(session, row.kept) for one in each.before["mine"]}
    return tuple(one for one in known if one not in {*theirs, *row.before["mine"], *third})


def _way(session: Session, patient_id: str) -> list[JoinRow]:
    """The joins by which this patient goes on as the one they are known as now, in order."""
    way: list[JoinRow] = []
    while (row := standing(session, way[-1].kept if way else patient_id)) is not None:
        way.append(row)
    return way


def _leaving(session: Session, row: JoinRow, now: str) -> dict[str, Any]:
    """What the join brought and takes away again: without what has come to who stays by another join since."""
    onward = [row.kept, *(each.kept for each in _way(session, row.kept))]
    others = session.exec(
        select(JoinRow).where(
            col(JoinRow.undone).is_(None),
            col(JoinRow.kept).in_(onward),
            col(JoinRow.gone).not_in([*onward, row.gone]),
        )
    ).all()
    return {
        name: [one for one in row.before[name] if all(one not in each.before[name] for each in others)]
        for name in ("identifiers", "theirs", "referrals", "resources")
    }


def _borne(session: Session, patient_id: str, known: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    """Those of the identifiers that are not another patient's."""
    rows = ((one, session.get(PatientIdentifierRow, (one.system, one.value))) for one in known)
    return tuple(one for one, row in rows if row is None or row.patient_id == patient_id)


def _both(session: Session, one: str, other: str) -> tuple[dict[str, PatientRow], str, str]:
    """Both rows under the names that they go by, locked in one order, and these names.

    A join of either that was waited for has given them other names: then these are locked too.
    """
    ours: dict[str, PatientRow] = {}
    while True:
        ends = goes_on_as(session, one), goes_on_as(session, other)
        if all(end in ours for end in ends):
            return ours, *ends
        ours |= _locked(session, *ends)


def _locked(session: Session, *ids: str) -> dict[str, PatientRow]:
    """These rows, always locked in one order. Refused when one of them is no patient of ours."""
    found = {}
    for id_ in sorted(set(ids)):
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


def _move(session: Session, named: dict[str, Any], of: str, to: str) -> None:
    """Everything of this patient's that is named here is the other's from now on."""
    for system, value in named["identifiers"]:
        held = session.get(PatientIdentifierRow, (system, value))
        if held is not None and held.patient_id == of:
            held.patient_id = to
    for table, owner, column, names in (
        (OwedRow, OwedRow.patient_id, OwedRow.pathway_id, list(named["theirs"])),
        (ReferralRow, ReferralRow.patient_id, ReferralRow.key, named["referrals"]),
    ):
        moved = update(table).where(col(column).in_(names), col(owner) == of).values(patient_id=to)
        session.connection().execute(moved)
    for type_, id_ in named["resources"]:
        resource = session.get(ResourceRow, (type_, id_))
        if resource is not None and resource.patient_id == of:
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
