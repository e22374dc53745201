"""Procedures, stays and requests to stop: what they bring to the step that they speak of.

What a hospital says is done, but not with everything the step asks for, is kept at the step for a person to
complete, and goes on the list of anomalies so that it can be said again.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fhir_mappings.heard_steps import (
    DISCHARGE,
    Done,
    Stay,
    is_the_procedure,
    performed_on,
    procedure,
    stay,
)
from fhir_mappings.inbound import our_codes
from fhir_mappings.read import has_code, object_at, text_at
from fhir_mappings.referral_facts import IN_BED
from pathway import events as e
from pathway.ground import Ground
from pathway.lifecycle import LIVE, StepStatus, VisitStatus
from pathway.refusal import Refused, Text
from pathway.state import Pathway, Step
from pathway.watch import began
from scheduler.inbound_ground import Saying, Unclear, several

Found = tuple[Pathway, Ground, Step]


def reported(
    said: Saying,
    step: Step,
    what: str,
    status: str,
    words: str,
    at: datetime | None,
    *,
    withdrawn: bool = False,
) -> e.HospitalReported:
    """That the hospital says this of the step, in these words: kept at the step for a person."""
    return e.HospitalReported(
        by=said.by,
        occurred=at,
        step=step.key,
        occurrence=step.occurrence,
        what=what,
        document=said.document,
        status=status,
        said=words,
        withdrawn=withdrawn,
    )


# --- the procedure ----------------------------------------------------------------------------------------


def procedure_done(said: Saying) -> None:
    """The procedure has begun, is done, was stopped, or was not done and why."""
    found = _of_the_procedure(said)
    if found is None:
        return
    pathway, ground, step = found
    told = procedure(said.resource, ground.protocol.step(step.key), said.site)
    about: dict[str, Any] = {"by": said.by, "step": step.key, "occurrence": step.occurrence}
    if told.status == "entered-in-error":
        if step.is_settled or step.status is StepStatus.IN_PROGRESS:
            raise Unclear(
                "contradictory",
                Text(
                    fr="L'hôpital annule une intervention qui est notée ici : vérifiez auprès du service.",
                    en="The hospital takes back a procedure that is recorded here: ask the department.",
                ),
            )
        said.record(pathway.id, reported(said, step, "done", told.status, "", None, withdrawn=True))
    elif step.is_settled:
        return
    elif told.status == "in-progress":
        if step.status is not StepStatus.IN_PROGRESS:
            said.record(pathway.id, e.StepStarted(occurred=told.started, **about))
    elif told.status == "not-done":
        _not_done(said, pathway, step, told)
    elif told.status in ("completed", "stopped"):
        _done(said, pathway, ground, step, told)


def _done(said: Saying, pathway: Pathway, ground: Ground, step: Step, told: Done) -> None:
    """Done or stopped, with the outcome that is said or that its status stands for."""
    keys = [one.key for one in ground.protocol.step(step.key).outcomes]
    usual = keys[0] if told.status == "completed" else next((key for key in keys if key == "aborted"), "")
    outcome = told.outcome if told.outcome in keys else usual
    about: dict[str, Any] = {"by": said.by, "step": step.key, "occurrence": step.occurrence}
    events: list[e.Event] = []
    if told.started is not None and step.status is not StepStatus.IN_PROGRESS:
        events.append(e.StepStarted(occurred=told.started, **about))
    events.append(e.StepCompleted(outcome=outcome, occurred=told.ended, data=told.data, **about))
    _all_or_reported(said, pathway, step, events, "done", told.status, told.reason, told.ended)


def _not_done(said: Saying, pathway: Pathway, step: Step, told: Done) -> None:
    reason = told.reason or "non faite (sans motif transmis)"
    about: dict[str, Any] = {"by": said.by, "step": step.key, "occurrence": step.occurrence}
    if step.status is StepStatus.IN_PROGRESS:
        said.record(pathway.id, e.StepFailed(reason=reason, **about))
    elif step.visit is not None and step.visit.stands:
        said.record(pathway.id, e.VisitCancelled(reason=reason, **about))


def _of_the_procedure(said: Saying) -> Found | None:
    named = said.step_named()
    if named is not None:
        pathway, ground, step = named
        return named if step.key == ground.protocol.procedure_step else None
    of_its_day: list[Found] = []
    awaiting = False
    for pathway_id in said.pathways():
        pathway, ground = said.load(pathway_id)
        key = ground.protocol.procedure_step
        step_ = pathway.last(key)
        if step_ is None or not is_the_procedure(said.resource, said.site, key):
            continue
        on = performed_on(said.resource, said.zone(ground))
        known = any(one.document == said.document and one.step == step_.ref for one in pathway.reported)
        if known or on in _days(step_, ground):
            of_its_day.append((pathway, ground, step_))
        elif step_.status in LIVE and not (on and on < ground.calendar.day(pathway.referred)):
            awaiting = True
    fitting = [one for one in of_its_day if one[2].status in LIVE] or of_its_day
    if len(fitting) > 1:
        raise several(said)
    if not fitting and awaiting and text_at(said.resource, "status") in _TELLING:
        raise Unclear(
            "contradictory",
            Text(
                fr="Cette intervention ne nomme aucune de nos étapes et n'est pas du jour du rendez-vous : vérifiez.",
                en="This Procedure names no step of ours and is not of the day of the visit: check it, "
                "and name the visit in basedOn.",
            ),
        )
    return fitting[0] if fitting else None


_TELLING = ("in-progress", "not-done", "completed", "stopped")
"""What a Procedure of the day would have changed."""


def _days(step: Step, ground: Ground) -> set[date]:
    """The days on which this procedure is planned, was begun, and was done."""
    visit = step.visit
    planned = visit.start if visit is not None and visit.status is not VisitStatus.CANCELLED else None
    return {ground.calendar.day(at) for at in (planned, step.started, step.settled) if at is not None}


def _all_or_reported(
    said: Saying,
    pathway: Pathway,
    step: Step,
    events: list[e.Event],
    what: str,
    status: str,
    words: str,
    at: datetime | None,
) -> None:
    """These events together; else what can be kept of them: that the hospital says so, for a person to complete."""
    try:
        with said.session.begin_nested():
            for event in events:
                said.ledger.record(said.session, pathway.id, event, at=said.at)
    except Refused as refused:
        at = min(at, said.at) if at is not None else None
        said.record(pathway.id, reported(said, step, what, status, words, at))
        said.left = Unclear("refused", refused.text)
    said.moved = True


# --- stays ------------------------------------------------------------------------------------------------


def encounter(said: Saying) -> None:
    """The patient is there, or has left: the visit has its patient, the discharge its outcome."""
    named = said.step_named()
    pathways = [named[0].id] if named else said.pathways()
    if not pathways:
        return
    told: Stay | None = None
    for pathway_id in pathways:
        pathway, ground = said.load(pathway_id)
        told = stay(said.resource, said.zone(ground), IN_BED)
        if told.status in ("arrived", "triaged", "in-progress"):
            _arrived(said, pathway, ground, told, named[2] if named else None)
        elif told.status == "finished" and told.in_bed:
            _discharged(said, pathway, ground, told, named[2] if named else None)


def _arrived(said: Saying, pathway: Pathway, ground: Ground, told: Stay, named: Step | None) -> None:
    """Of the visit that it names; of a stay in bed without a name, the procedure's on that day."""
    step = named or (pathway.last(ground.protocol.procedure_step) if told.in_bed else None)
    visit = step.visit if step is not None else None
    if step is None or visit is None or visit.status is not VisitStatus.BOOKED:
        return
    day = told.first or ground.calendar.day(said.at)
    if named is None and day != ground.calendar.day(visit.start):
        return
    at = min(told.started, said.at) if told.started else None
    said.record(
        pathway.id, e.VisitArrived(by=said.by, step=step.key, occurrence=step.occurrence, occurred=at)
    )


def _discharged(said: Saying, pathway: Pathway, ground: Ground, told: Stay, named: Step | None) -> None:
    """Of the stay in which the injection ended. Another stay of the patient says nothing of this one."""
    step = pathway.last(DISCHARGE)
    if step is None or step.status not in LIVE:
        return
    procedure_step = ground.protocol.procedure_step
    operated = pathway.last(procedure_step)
    visit = operated.visit if operated is not None else None
    injected = began(pathway, ground) or (visit.start if visit is not None else None)
    within = told.covers(injected, ground.calendar.day(injected)) if injected is not None else None
    is_named = named is not None and named.key in (procedure_step, DISCHARGE)
    if within is False or (named is not None and not is_named):
        return
    if within is None and not is_named:
        raise Unclear(
            "contradictory",
            Text(
                fr="Un séjour est terminé, sans dire de quand à quand ni quel rendez-vous il suit : vérifiez.",
                en="A stay has finished and does not say from when to when, nor which visit it is of: give "
                "Encounter.period, or name the visit in Encounter.appointment.",
            ),
        )
    at = min(told.ended, said.at) if told.ended else None
    outcome = "transferred" if told.home is False else "home"
    event = e.StepCompleted(
        by=said.by, step=step.key, occurrence=step.occurrence, outcome=outcome, occurred=at
    )
    _all_or_reported(said, pathway, step, [event], "discharged", told.status, "", at)


# --- a request to stop ------------------------------------------------------------------------------------


def task(said: Saying) -> None:
    """A Task of somebody else's with ``code`` abort, whose focus is ours: its step is to stop.

    What has begun is not taken away from whoever does it: they are told, and a late completion is kept.
    """
    if not _asks_to_stop(said):
        return
    found = said.step_named()
    if found is None:
        raise Unclear(
            "unmatched",
            Text(
                fr="Une demande d'arrêt ne nomme aucune de nos tâches : indiquez-la dans « focus ».",
                en="A request to stop names no Task of ours: give it in Task.focus.",
            ),
        )
    pathway, _, step = found
    status = text_at(said.resource, "status")
    if step.is_settled or status in ("draft", "completed", "failed", "rejected"):
        return
    reason = text_at(said.resource, "reasonCode", "text") or text_at(said.resource, "description") or ""
    withdrawn = status in ("cancelled", "entered-in-error")
    said.record(
        pathway.id,
        reported(said, step, "abort", status or "", reason, None, withdrawn=withdrawn),
    )


def _asks_to_stop(said: Saying) -> bool:
    code = object_at(said.resource, "code")
    return has_code(code, "abort") or "abort" in our_codes(code, said.site.code_system("step"))
