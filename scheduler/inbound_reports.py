"""Reports: a result for the step that awaits it, to be read, and the facts that it brings.

A final report is a result that a person has to read; it settles its step only where a named physician signs right
after. One that is taken back takes back all that it brought.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fhir_mappings.heard_facts import read_facts
from fhir_mappings.heard_steps import CHANGED, REPORT_STEPS, WITHDRAWN, Report, report, report_answers
from fhir_mappings.read import text_at
from pathway import events as e
from pathway.ground import Ground
from pathway.lifecycle import LIVE, StepStatus
from pathway.refusal import Text
from pathway.state import Pathway, Step
from pathway.watch import began
from scheduler.inbound_facts import forget, learn
from scheduler.inbound_ground import Saying, Unclear, several
from scheduler.inbound_steps import reported


def diagnostic_report(said: Saying) -> None:
    """A result for the step that awaits it, to be read; a change of it is read again. Preliminary says nothing yet."""
    if text_at(said.resource, "status") in WITHDRAWN:
        _withdrawn(said)
        return
    found = _awaiting(said)
    if found is None:
        _need_a_pathway(said)
        return
    pathway, ground, step, told = found
    known = any(one.document == said.document for one in pathway.reported)
    if not told.is_final or (step.is_settled and not known and told.status not in CHANGED):
        return
    learn(
        said,
        pathway,
        read_facts(said.resource, source=said.source, received=said.at, zone=said.zone(ground)).facts,
    )
    at = min(told.at or said.at, said.at)
    said.record(pathway.id, reported(said, step, "result", told.status, told.conclusion, at))
    if told.outcome and _is_signed_after(step, ground):
        pathway, _ = said.load(pathway.id)
        last = pathway.last(step.key)
        assert last is not None
        said.record(
            pathway.id,
            e.StepCompleted(
                by=said.by,
                step=last.key,
                occurrence=last.occurrence,
                outcome=told.outcome,
                occurred=at,
                data=report_answers(told, ground.protocol.step(step.key)),
            ),
        )


def _withdrawn(said: Saying) -> None:
    """It stands no more, whatever it says now: neither the facts that it brought nor the result at its step."""
    forget(said)
    for pathway_id in said.running():
        pathway, _ = said.load(pathway_id)
        status = text_at(said.resource, "status") or ""
        for before in [one for one in pathway.reported if one.document == said.document]:
            step = pathway.named(before.step)
            assert step is not None, "a report is of a step that there is"
            said.record(pathway_id, reported(said, step, before.what, status, "", None, withdrawn=True))


def _awaiting(said: Saying) -> tuple[Pathway, Ground, Step, Report] | None:
    """The step that this report speaks of: the one it names, the one it spoke of before, or the one that awaits it."""
    named = said.step_named()
    fitting: list[tuple[Pathway, Ground, Step, Report]] = []
    for pathway_id in [named[0].id] if named else said.pathways():
        pathway, ground = said.load(pathway_id)
        told = report(said.resource, said.site, said.zone(ground))
        before = next((one for one in pathway.reported if one.document == said.document), None)
        if told is None and named is None:
            return None
        told = told or _plain(said)
        step = (
            named[2] if named else pathway.named(before.step) if before else _expecting(pathway, ground, told)
        )
        if step is not None:
            fitting.append((pathway, ground, step, told))
    if len(fitting) > 1:
        raise several(said)
    return fitting[0] if fitting else None


def _need_a_pathway(said: Saying) -> None:
    """A result of pathology is never lost: when the pathway has ended, a person must see it."""
    told = report(said.resource, said.site, ZoneInfo("UTC"))
    if told is None or told.kind != "pathology" or not told.is_final:
        return
    if said.running() and not _is_of_an_older_sample(said, told):
        return
    raise Unclear(
        "unmatched",
        Text(
            fr="Un résultat d'anatomopathologie arrive et aucun parcours en cours ne l'attend : lisez-le.",
            en="A pathology result has come and no running pathway awaits it: read it.",
        ),
    )


def _is_of_an_older_sample(said: Saying, told: Report) -> bool:
    """Whether it is of a sample of before a procedure whose result is awaited, though not of before its referral."""
    for pathway_id in said.pathways():
        pathway, ground = said.load(pathway_id)
        if _may_be_of_the_sample(pathway, ground, told):
            continue
        on = told.on or (told.at.date() if told.at else None)
        if on is None or on >= ground.calendar.day(pathway.referred):
            return True
    return False


def _plain(said: Saying) -> Report:
    """A report of a kind that we do not know, which names its step."""
    status = text_at(said.resource, "status") or ""
    return Report("other", status, text_at(said.resource, "conclusion") or "", None, None, None)


def _expecting(pathway: Pathway, ground: Ground, told: Report) -> Step | None:
    if told.kind == "pathology" and not _may_be_of_the_sample(pathway, ground, told):
        return None
    steps = [step for key in REPORT_STEPS[told.kind] if (step := pathway.last(key)) is not None]
    live = next((step for step in steps if step.status in LIVE), None)
    settled = next((step for step in steps if step.status is StepStatus.DONE), None)
    return live or (settled if told.status in CHANGED else None)


def _may_be_of_the_sample(pathway: Pathway, ground: Ground, told: Report) -> bool:
    """Whether this report is not of an older sample than the one that the procedure took, by the days it says."""
    taken, at = began(pathway, ground), told.at
    on = told.on or (ground.calendar.day(at) if at is not None else None)
    return taken is None or on is None or on >= ground.calendar.day(taken)


def _is_signed_after(step: Step, ground: Ground) -> bool:
    return any(
        rule.signed_by and any(one.step == step.key for one in rule.after) for rule in ground.protocol.steps
    )
