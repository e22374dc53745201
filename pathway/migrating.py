"""Another version of the protocol for a pathway under way: what is carried over, what waits aside, what forbids it.

Steps that the new version does not have are set aside as they are, steps that only it has are added, and the plan
follows. Whatever is under way has to have a place in the new version; what has been done has to be sayable in it.
A move back is the same move, with what the first one took restored. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from pathway import events as e
from pathway.decide import follow
from pathway.gates import holds
from pathway.ground import Ground, procedure_start
from pathway.hold_plan import HoldStatus
from pathway.holding.profile import Profile
from pathway.lifecycle import Assignment, StepStatus
from pathway.moves import expire_hold
from pathway.plan import plan
from pathway.planned import Kind
from pathway.protocol import Condition, Protocol
from pathway.records import Override
from pathway.refusal import Refused, Text
from pathway.state import Migration, Pathway, Step
from pathway.touch import stamp
from pathway.watch import is_answered

NOT_NEEDED = "not needed on this pathway"
"""Why ``decide`` cancels a step whose conditions cannot come true: another version may ask otherwise."""


def migrate(before: Pathway, event: e.Migrated, old: Ground, new: Ground, *, at: datetime) -> Pathway:
    """The pathway on the ``new`` version, moved at ``at`` (UTC). Refused with the sentence of what forbids it."""
    _may_move(before, event, old, new)
    pathway = _carried(before, event, old, new, at)
    overrides = _mapped(before.overrides, old.protocol, new.protocol)
    record = Migration(
        from_digest=before.protocol_digest,
        from_version=before.protocol_version,
        at=pathway.as_of,
        by=event.by.name,
        reason=event.reason.strip(),
        overrides=before.overrides,
        carried=len(overrides),
        flagged=before.flagged,
        paused=tuple(step for step in before.steps if _was_put_back(step, pathway)),
        procedure=procedure_start(before, old.protocol),
    )
    pathway = replace(pathway, overrides=overrides)
    if _hold_asks_anew(before, old, new):
        held = expire_hold(pathway, new, "the protocol's version has changed")
        if held is not pathway:
            renewed = {step.ref for step in held.steps} - {step.ref for step in pathway.steps}
            record = replace(record, hold=pathway.hold, renewed=tuple(sorted(renewed)))
            pathway = held
    pathway = replace(pathway, migrations=(*before.migrations, record))
    return stamp(before, follow(pathway, event, new), new, stood=old)


def undo(before: Pathway, event: e.MigrationUndone, old: Ground, new: Ground, *, at: datetime) -> Pathway:
    """The pathway back on ``new``, the version it was moved from last; ``old`` is the one it leaves. Refused likewise.

    What happened meanwhile is kept. A hold plan that the move made expire stands again, if nobody has begun to sign
    another and the procedure is where it was.
    """
    if not before.migrations or before.migrations[-1].from_digest != new.protocol.digest:
        raise Refused(
            Text(
                fr="Ce parcours n'a pas changé de version : il n'y a rien à annuler.",
                en="This pathway was not moved to another version: there is nothing to undo.",
            )
        )
    *earlier, record = before.migrations
    _may_move(before, event, old, new)
    pathway = _hold_restored(before, record, old)
    pathway = _carried(pathway, event, old, new, at)
    later = _mapped(pathway.overrides[record.carried :], old.protocol, new.protocol)
    pathway = _as_it_was(pathway, (*record.paused, *before.set_aside), new)
    since = {one.key: one for one in (*pathway.flagged, *record.flagged)}
    pathway = replace(
        pathway,
        overrides=(*record.overrides, *later),
        flagged=tuple(since.values()),
        migrations=tuple(earlier),
    )
    return stamp(before, follow(pathway, event, new), new, stood=old)


def leaving(before: Pathway, after: Pathway, at: datetime) -> Pathway:
    """``before`` as it is to be said a last time: what is set aside unsettled shows as cancelled."""
    gone = {step.ref for step in before.steps} - {step.ref for step in after.steps}
    steps = tuple(
        replace(
            step,
            status=StepStatus.CANCELLED,
            settled=max(before.as_of, at),
            reason=f"not part of version {after.protocol_version}",
            touched=after.as_of,
        )
        if step.ref in gone and not step.is_settled
        else step
        for step in before.steps
    )
    return replace(before, steps=steps)


# --- what forbids it --------------------------------------------------------------------------------------


def _may_move(pathway: Pathway, event: e.Migrated | e.MigrationUndone, old: Ground, new: Ground) -> None:
    if not pathway.runs:
        raise Refused(
            Text(
                fr="Ce parcours est terminé : il reste sur la version sur laquelle il s'est terminé.",
                en="This pathway has ended: it stays on the version it ended on.",
            )
        )
    if not event.reason.strip():
        raise Refused(Text(fr="Indiquez le motif.", en="Give the reason."), kind="invalid", field="reason")
    if (event.from_digest, event.to_digest) != (pathway.protocol_digest, new.protocol.digest):
        raise Refused(
            Text(
                fr=f"Ce parcours est sur la version {pathway.protocol_version}, pas sur celle dont on part.",
                en=f"This pathway is on version {pathway.protocol_version}, not on the one to move from.",
            )
        )
    if old.protocol.digest == new.protocol.digest:
        raise Refused(
            Text(
                fr=f"Ce parcours est déjà sur la version {new.protocol.version}.",
                en=f"This pathway is on version {new.protocol.version} already.",
            )
        )
    if old.protocol.protocol != new.protocol.protocol:
        raise Refused(
            Text(
                fr=f"{new.protocol.protocol} est un autre protocole que {old.protocol.protocol}.",
                en=f"{new.protocol.protocol} is another protocol than {old.protocol.protocol}.",
            )
        )
    _keeps_its_pillars(pathway, old.protocol, new.protocol)
    spoken_of = _still_to_be_said(pathway, old)
    for step in pathway.steps:
        _fits(step, old.protocol, new.protocol, spoken_of)
    alarms = {one.key for one in new.protocol.surveillance.alarms} if new.protocol.surveillance else set()
    for raised in pathway.alarms:
        if raised.alarm not in alarms and not is_answered(raised, pathway):
            raise Refused(
                Text(
                    fr=f"L'alarme « {raised.alarm} » attend une réponse, et la version {new.protocol.version} ne"
                    " la connaît pas : répondez d'abord.",
                    en=f"The alarm {raised.alarm!r} awaits an answer, and version {new.protocol.version} does not"
                    " know it: answer it first.",
                )
            )


def _keeps_its_pillars(pathway: Pathway, old: Protocol, new: Protocol) -> None:
    """The procedure and the hold are what every date hangs on: neither changes its step once it has begun."""
    procedure = pathway.last(old.procedure_step)
    begun = procedure is not None and (procedure.visit is not None or procedure.is_settled)
    held = pathway.hold.status is not HoldStatus.UNKNOWN
    for is_so, one, other in (
        (begun, old.procedure_step, new.procedure_step),
        (held, old.hold.step, new.hold.step),
    ):
        if is_so and one != other:
            title = old.step(one).title
            raise Refused(
                Text(
                    fr=f"« {title.fr} » a commencé, et la version {new.version} en fait une autre étape ({other}).",
                    en=f"{title.en} has begun, and version {new.version} makes it another step ({other}).",
                )
            )


def _fits(step: Step, old: Protocol, new: Protocol, spoken_of: frozenset[str]) -> None:
    """Refused unless this step has a place in the new version, or may be set aside."""
    rule, title = (new.step(step.key) if new.has_step(step.key) else None), old.step(step.key).title
    if rule is None:
        if not (step.is_settled or _rests(step)) or step.ref in spoken_of:
            raise Refused(
                Text(
                    fr=f"« {title.fr} » est en cours, et la version {new.version} n'a pas cette étape :"
                    " terminez-la, ou libérez son créneau et prévenez le patient, d'abord.",
                    en=f"{title.en} is under way, and version {new.version} has no such step: finish it, or give"
                    " up its slot and let the patient know, first.",
                )
            )
        return
    if rule.kind != old.step(step.key).kind and not (step.is_settled or _rests(step)):
        raise Refused(
            Text(
                fr=f"« {title.fr} » est en cours et change de nature dans la version {new.version} ({rule.kind}).",
                en=f"{title.en} is under way and is of another kind in version {new.version} ({rule.kind}).",
            )
        )
    if step.outcome is not None and rule.outcome(step.outcome) is None:
        there = ", ".join(outcome.key for outcome in rule.outcomes)
        raise Refused(
            Text(
                fr=f"« {title.fr} » s'est terminée par « {step.outcome} », que la version {new.version} ne connaît"
                f" pas ; elle connaît : {there}.",
                en=f"{title.en} ended with {step.outcome!r}, which version {new.version} does not know; it knows:"
                f" {there}.",
            )
        )


def _hold_asks_anew(pathway: Pathway, old: Ground, new: Ground) -> bool:
    """Whether the hold plan was reasoned from another profile, or signed by somebody who may not any more.

    For a patient who explicitly takes no antithrombotic no profile was asked.
    """
    answer = pathway.fact("antithrombotics")
    if pathway.hold.status is HoldStatus.NOT_REQUIRED and answer is not None and answer.value == []:
        return False
    return _own_profile(old) != _own_profile(new) or set(old.protocol.hold.signers) != set(
        new.protocol.hold.signers
    )


def _own_profile(ground: Ground) -> Profile | None:
    return next(iter(ground.profiles.values()), None)


def _rests(step: Step) -> bool:
    """Whether nobody has begun with it: it waits or is open, and no slot of it stands."""
    status = step.came_from if step.status is StepStatus.ON_HOLD else step.status
    return status in (StepStatus.WAITING, StepStatus.OPEN) and not (step.visit and step.visit.stands)


def _still_to_be_said(pathway: Pathway, ground: Ground) -> frozenset[str]:
    """The steps of which the patient is still to be told that a slot stands no more."""
    speaking = (Kind.MESSAGE, Kind.CALL, Kind.LETTER)
    owed = (item for item in plan(pathway, ground).items if item.kind in speaking)
    return frozenset(item.step for item in owed if "told_start" in item.data)


# --- the move ---------------------------------------------------------------------------------------------


def _carried(
    before: Pathway, event: e.Migrated | e.MigrationUndone, old: Ground, new: Ground, at: datetime
) -> Pathway:
    """The state said in the new version: steps kept, set aside, brought back and added. Nothing follows from it yet."""
    protocol = new.protocol
    kept = [step for step in before.steps if protocol.has_step(step.key)]
    here = {step.ref for step in kept}
    back = [step for step in before.set_aside if protocol.has_step(step.key) and step.ref not in here]
    keys = {step.key for step in (*kept, *back)}
    added = [Step(key=rule.key) for rule in protocol.steps if not rule.on_demand and rule.key not in keys]
    aside = [step for step in before.steps if not protocol.has_step(step.key)]
    left = [step for step in before.set_aside if not protocol.has_step(step.key)]
    order = {rule.key: index for index, rule in enumerate(protocol.steps)}
    steps = sorted((*kept, *back, *added), key=lambda step: (order[step.key], step.occurrence))
    pathway = replace(
        before,
        protocol_version=protocol.version,
        protocol_digest=protocol.digest,
        as_of=max(before.as_of, at),
        seq=before.seq + 1,
        steps=tuple(steps),
        set_aside=(*left, *aside),
        flagged=tuple(one for one in before.flagged if protocol.red_flag(one.key) is not None),
    )
    again = _asked_anew(pathway, {step.key for step in added}, old.protocol, new)
    return replace(pathway, steps=tuple(_put_back(step) if step in again else step for step in pathway.steps))


def _asked_anew(pathway: Pathway, added: set[str], old: Protocol, ground: Ground) -> list[Step]:
    """Steps that the new version asks for on other conditions, or after steps that are asked for anew themselves.

    Those that were not needed, and those that are open, that nobody has touched, and that it does not open yet.
    """
    asked, found = set(added), list[Step]()
    while True:
        more = [
            step
            for step in pathway.steps
            if step not in found and _differs(step, asked, pathway, old, ground)
        ]
        if not more:
            return found
        found += more
        asked |= {step.key for step in more}


def _differs(step: Step, asked: set[str], pathway: Pathway, old: Protocol, ground: Ground) -> bool:
    unneeded = step.status is StepStatus.CANCELLED and step.reason == NOT_NEEDED
    if not unneeded and not (step.status is StepStatus.OPEN and _is_untouched(step)):
        return False
    rule = ground.protocol.step(step.key)
    same = old.has_step(step.key) and old.step(step.key).after == rule.after
    if rule.on_demand or (same and not any(_names(one, asked) for one in rule.after)):
        return False
    return unneeded or not all(holds(one, pathway, ground) for one in rule.after)


def _names(condition: Condition, steps: set[str]) -> bool:
    parts = (*condition.any_of, *condition.none_of)
    return condition.step in steps or any(_names(one, steps) for one in parts)


def _put_back(step: Step) -> Step:
    return Step(key=step.key, occurrence=step.occurrence, created=step.created, touched=step.touched)


def _was_put_back(step: Step, pathway: Pathway) -> bool:
    """Whether this step, open or not needed, waits in the pathway."""
    here = pathway.at(step.key, step.occurrence)
    return here is not None and here.status is StepStatus.WAITING and step.status is not StepStatus.WAITING


def _as_it_was(pathway: Pathway, steps: Iterable[Step], ground: Ground) -> Pathway:
    """What the move had wait or set aside is open, or not needed, as before: unless somebody has begun with it."""
    for step in steps:
        here = pathway.at(step.key, step.occurrence)
        if here is None or not _rests(here) or not _is_untouched(here):
            continue
        after = ground.protocol.step(step.key).after
        needed = step.status is StepStatus.CANCELLED and all(holds(one, pathway, ground) for one in after)
        if not needed:
            pathway = pathway.with_step(step)
    return pathway


def _is_untouched(step: Step) -> bool:
    taken = step.owner is not None or step.assignment in (Assignment.RECEIVED, Assignment.ACCEPTED)
    return step.visit is None and step.started is None and not step.data and not taken


def _mapped(given: Iterable[Override], old: Protocol, new: Protocol) -> tuple[Override, ...]:
    """Overrides said in the new version: of the needs that it asks in the same words, and lets anybody pass."""
    mapped = []
    for one in given:
        if not (old.has_gate(one.gate) and new.has_gate(one.gate)):
            continue
        asked, asks = old.gate(one.gate).needs, new.gate(one.gate).needs
        passed = [asked[index].when for index in one.needs if index < len(asked)]
        needs = tuple(
            index for index, need in enumerate(asks) if need.when in passed and not need.never_override
        )
        if needs:
            mapped.append(replace(one, needs=needs))
    return tuple(mapped)


def _hold_restored(pathway: Pathway, record: Migration, ground: Ground) -> Pathway:
    """The plan that the move made expire stands again, and what was to be done again because of it is not."""
    was, renewed = record.hold, [step for step in pathway.steps if step.ref in record.renewed]
    if (
        was is None
        or pathway.hold.status is not HoldStatus.EXPIRED
        or pathway.hold.revision != was.revision + 1
        or record.procedure != procedure_start(pathway, ground.protocol)
        or not all(_rests(step) and _is_untouched(step) for step in renewed)
    ):
        return pathway
    return replace(
        pathway,
        hold=replace(was, revision=pathway.hold.revision + 1),
        steps=tuple(step for step in pathway.steps if step not in renewed),
    )
