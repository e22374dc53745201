"""What a hospital's resource means for its patient's pathways: one ear for what is written here and what is fetched.

Called in the transaction that keeps the resource. What cannot be matched, or what the door refuses, becomes an
anomaly that a person sees and may replay; it never undoes the keeping and never stops what comes after.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from fhir_mappings.body import parse
from fhir_mappings.outcome import Issue, information, warning
from fhir_mappings.read import Json, instant, text_at
from fhir_mappings.site import Site
from fhir_mappings.validate import check
from pathway.refusal import Refused, Text
from pathway.state import Actor
from scheduler.hearing import hear_own
from scheduler.inbound_facts import answers, medication, observation
from scheduler.inbound_ground import Saying, Unclear
from scheduler.inbound_people import patient, whose
from scheduler.inbound_reports import diagnostic_report
from scheduler.inbound_steps import encounter, procedure_done, task
from scheduler.inbound_visits import appointment, appointment_response
from store import anomalies, heard, joins
from store.heard import Word
from store.ledger import Ledger

EARS: dict[str, Callable[[Saying], None]] = {
    "Appointment": appointment,
    "AppointmentResponse": appointment_response,
    "DiagnosticReport": diagnostic_report,
    "Encounter": encounter,
    "MedicationRequest": medication,
    "MedicationStatement": medication,
    "Observation": observation,
    "Patient": patient,
    "Procedure": procedure_done,
    "QuestionnaireResponse": answers,
    "Task": task,
}
"""What is understood, by type. Everything else is kept and says nothing to a pathway."""

_OF_NOBODY = ("AppointmentResponse",)
"""Types that name no patient: whose they are is said by what they answer."""


@dataclass(frozen=True, slots=True)
class Understood:
    """``moved``: whether anything happened to a pathway. ``issues`` are for the sender, without patient data.

    ``anomaly`` is the id of what a person must look at, if there is anything.
    """

    moved: bool = False
    issues: tuple[Issue, ...] = ()
    anomaly: str | None = None


def understand(
    session: Session,
    ledger: Ledger[Any],
    site: Site,
    resource: Json,
    *,
    patient_id: str | None,
    source: str,
    by: Actor,
    at: datetime,
    body: bytes | None = None,
    again: bool = False,
) -> Understood:
    """Let what this resource says happen to the running pathways of its patient.

    ``resource`` has passed the gate. ``patient_id`` is our patient, whom the caller has found; None: nobody of
    ours. ``source`` is the system that said it (a token's or a destination's name), ``body`` its bytes where they
    are not kept here. Never raises for what is in it. The same word twice, or one older than what was heard, changes
    nothing; with ``again`` it is heard all the same.
    """
    ear = EARS.get(str(resource.get("resourceType")))
    if ear is None:
        return Understood()
    said = Saying(session, ledger, site, resource, patient_id, source, by, at)
    if not heard.is_news(session, _word(said), at=at) and not again:
        return Understood(issues=(information("This was heard already, or a later version of it."),))
    words = heard.words_of(session, source, said.type, str(resource.get("id", "")))
    if patient_id is not None and said.type != "Patient":
        said.patient_id = joins.goes_on_as(session, patient_id)
    try:
        with session.begin_nested():
            if patient_id is None and said.type not in _OF_NOBODY:
                said.patient_id = whose(said)
            if _is_of_ours(said, written=again or words is not None):
                ear(said)
    except Refused as refused:
        said.moved, said.left = False, Unclear("refused", refused.text)
    except Unclear as unclear:
        said.moved, said.left = False, unclear
    if said.left is None:
        return Understood(said.moved, tuple(said.issues))
    row = anomalies.add(
        session,
        source=source,
        kind=said.left.kind,
        type=said.type,
        remote=f"{said.type}/{resource.get('id', '')}",
        reason=said.left.text,
        body=body or words or json.dumps(resource, ensure_ascii=False).encode(),
        at=at,
        again=again,
    )
    return Understood(said.moved, (*said.issues, warning("processing", said.left.text.en)), row.id)


def replay(
    session: Session, ledger: Ledger[Any], site: Site, anomaly_id: str, *, by: Actor, at: datetime
) -> bool:
    """Understand an anomaly again, now that something has changed. Whether it is settled by that.

    Refused when there is no open one of that id. What is still not understood stays open, with today's reason.
    """
    row = anomalies.one(session, anomaly_id)
    if row.status != "open":
        raise Refused(Text(fr="Cette anomalie est déjà close.", en="This anomaly is closed already."))
    if row.type == "Bundle":
        raise Refused(
            Text(
                fr="Une demande est renvoyée par son expéditeur une fois l’identité vérifiée ; classez ensuite ceci.",
                en="A referral is sent again by its sender once the identity is checked; then dismiss this.",
            )
        )
    resource, issues = parse(row.body)
    faults = issues if resource is None else [one for one in check(resource) if one.refuses]
    if resource is None or faults:
        row.reason_fr = row.reason_en = faults[0].diagnostics if faults else row.reason_en
        return False
    # The words are the hospital's, whoever has them heard again.
    speaker = Actor(row.source)
    try:
        with session.begin_nested():
            own = hear_own(session, ledger, site, resource, by=speaker, at=at)
    except Refused as refused:
        row.reason_fr, row.reason_en = refused.text.fr, refused.text.en
        return False
    if own is not None:
        refusing = [issue for issue in own.issues if issue.refuses]
        if refusing:
            row.reason_fr = row.reason_en = refusing[0].diagnostics
            return False
    else:
        said = understand(
            session,
            ledger,
            site,
            resource,
            patient_id=None,
            source=row.source,
            by=speaker,
            at=at,
            body=row.body,
            again=True,
        )
        if said.anomaly is not None:
            return False
    anomalies.settle(session, anomaly_id, by=by.name, at=at)
    return True


def _word(said: Saying) -> Word:
    content = {name: value for name, value in said.resource.items() if name != "meta"}
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Word(
        said.source,
        said.type,
        str(said.resource.get("id", "")),
        hashlib.sha256(plain.encode()).hexdigest(),
        text_at(said.resource, "meta", "versionId") or "",
        instant(text_at(said.resource, "meta", "lastUpdated"), UTC),
    )


def _is_of_ours(said: Saying, *, written: bool) -> bool:
    """Whether it concerns a patient of ours. Unclear when it should and does not.

    What a server tells of patients whom nobody has referred is passed over: a hospital has many. What was written
    here, or names something of ours, was meant for us.
    """
    if said.type == "Patient":
        return said.patient_id is not None or bool(said.resource.get("identifier"))
    named = {one.pathway_id for one in Saying.names(replace(said, patient_id=None))}
    if said.patient_id is not None:
        own = set(heard.every(said.session, said.patient_id))
        if named and not named & own:
            raise Unclear(
                "contradictory",
                Text(
                    fr=f"Ce document ({said.type}) nomme le parcours d'un autre patient que le sien.",
                    en=f"This {said.type} names the pathway of another patient than its own.",
                ),
            )
        return True
    if said.type in _OF_NOBODY:
        return True
    if named or (written and said.type != "Task"):
        raise Unclear(
            "unmatched",
            Text(
                fr=f"Ce document ({said.type}) ne désigne aucun patient connu ici.",
                en=f"This {said.type} is about no patient who is known here.",
            ),
        )
    return False
