"""Which messages a state calls for: to the patient by the first channel that reaches them, and pages to staff.

A message exists only while what it speaks of stands: a confirmed slot, a signed hold plan, an open step. It
never says why the patient comes; it points. What cannot be sent becomes a call or a letter, never silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pathway.anchors import Moment, resolve, resolve_all
from pathway.flags import misplaced
from pathway.ground import Ground, procedure_start
from pathway.ladders import Alert, alerts
from pathway.lifecycle import LIVE, StepStatus, VisitStatus
from pathway.planned import Item, Kind
from pathway.protocol import PatientMessage
from pathway.records import Told
from pathway.state import Pathway, PathwayStatus, Step

# What makes the next channel worth trying; an uncertain or late message is a person's to judge.
_NEXT_CHANNEL = ("failed", "bounced")


@dataclass(frozen=True, slots=True)
class _Rung:
    """One message of a ladder, before a channel is chosen. ``name`` is its key without the channel."""

    name: str
    at: datetime
    until: datetime
    why: str
    asked: datetime
    any_day: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said because of one step, what came too late for that, and when that changes by itself (UTC).

    While the procedure lasts it ``drifts``: how long the silence after it will be is not known.
    """

    wanted: tuple[Item, ...] = ()
    late: tuple[Item, ...] = ()
    turns: tuple[datetime, ...] = ()
    drifts: bool = False


def patient_items(pathway: Pathway, ground: Ground) -> tuple[list[Item], list[Item]]:
    """What is to be said to the patient, and what came too late to be said. Silence for the dead."""
    of_steps = [said_of(step, pathway, ground) for step in pathway.steps]
    wanted = [item for said in of_steps for item in said.wanted]
    late = [item for said in of_steps for item in said.late]
    return [*wanted, *calls_of_none(pathway, ground)], late


def said_of(step: Step, pathway: Pathway, ground: Ground) -> Said:
    """The messages of one step: what its protocol says, and what takes back what was told of its slot."""
    rules = ground.protocol.step(step.key).messages if step.status in LIVE else ()
    if not rules and not (pathway.told and step.visit):
        return _NOTHING
    if is_silent(pathway, ground):
        return _NOTHING
    wanted, late, rungs = [], [], []
    for rung, items in _corrections(step, pathway, ground):
        wanted += items
        rungs.append(rung)
    if pathway.status is PathwayStatus.ACTIVE:
        for rule in rules:
            if _stands(rule, step, pathway, ground):
                ladder = list(_rungs(rule, step, pathway, ground))
                now, gone = _ladder(ladder, rule, step, pathway, ground)
                wanted += now
                late += gone
                rungs += ladder
    called = {one.key for one in pathway.called}
    wanted = [item for item in wanted if item.key not in called]
    if not rungs:
        return _NOTHING
    procedure = pathway.last(ground.protocol.procedure_step)
    drifts = procedure is not None and procedure.started is not None and procedure.settled is None
    return Said(tuple(wanted), tuple(late), _turns(rungs, step, pathway, ground), drifts)


_NOTHING = Said()


def calls_of_none(pathway: Pathway, ground: Ground) -> list[Item]:
    """The calls to the patient that no message of a step stands for."""
    if (pathway.hold.ended is None and not pathway.undelivered) or is_silent(pathway, ground):
        return []
    calls = [*_call_about_hold(pathway, ground)]
    if pathway.runs:
        calls += _calls_about_undelivered(pathway, ground)
    called = {one.key for one in pathway.called}
    return [item for item in calls if item.key not in called]


def _turns(rungs: list[_Rung], step: Step, pathway: Pathway, ground: Ground) -> tuple[datetime, ...]:
    """Every instant at which one of these messages begins, ends, or goes by another way."""
    turns = [instant for rung in rungs for instant in (rung.asked, rung.at, rung.until)]
    if step.visit is not None:
        turns.append(step.visit.start)
        turns.append(step.visit.start - timedelta(days=ground.protocol.messaging.letter_lead_days))
    if (start := procedure_start(pathway, ground.protocol)) is not None:
        turns.append(start)
    return tuple(turns)


def staff_pages(pathway: Pathway, ground: Ground) -> list[Item]:
    """A content-free page to each role on call for every alert that is overdue or worse and not yet taken."""
    return [item for alert in alerts(pathway, ground) for item in pages_of(alert, pathway, ground)]


def pages_of(alert: Alert, pathway: Pathway, ground: Ground) -> list[Item]:
    """The pages of one alert, while they are not too old."""
    until = alert.since + timedelta(hours=ground.protocol.messaging.page_life_hours)
    if alert.level == "reminder" or not alert.waits or until <= pathway.as_of:
        return []
    return [
        Item(
            key=f"{alert.key}/page" if role == alert.role else f"{alert.key}/page/{role}",
            kind=Kind.PAGE,
            at=alert.since,
            until=until,
            why=alert.level,
            role=role,
            step=alert.step.ref if alert.step else "",
            data={"template": "staff_page", "channel": "email", "level": alert.level},
        )
        for role in dict.fromkeys((alert.role, *alert.also))
    ]


def is_silent(pathway: Pathway, ground: Ground) -> bool:
    """Whether nothing more is said to the patient: after a silent end, and to the dead."""
    return pathway.patient.deceased or _is_silent_end(pathway, ground)


def _is_silent_end(pathway: Pathway, ground: Ground) -> bool:
    end = ground.protocol.ends.get(pathway.end or "")
    return end is not None and end.silent


def _stands(rule: PatientMessage, step: Step, pathway: Pathway, ground: Ground) -> bool:
    """Whether what the message speaks of is there to be spoken of."""
    if step.status not in LIVE or step.status is StepStatus.IN_PROGRESS:
        return False
    if rule.about == "step":
        return True
    if misplaced(step, pathway, ground):
        return False
    if rule.about == "hold":
        hold = pathway.hold
        start = procedure_start(pathway, ground.protocol)
        return hold.stands and bool(hold.drugs) and hold.procedure_start == start
    return step.visit is not None and step.visit.status is VisitStatus.BOOKED


def _ladder(
    rungs: list[_Rung], rule: PatientMessage, step: Step, pathway: Pathway, ground: Ground
) -> tuple[list[Item], list[Item]]:
    past = [rung for rung in rungs if rung.asked <= pathway.as_of]
    wanted: list[Item] = []
    late: list[Item] = []
    for rung in rungs:
        covered = rule.about == "visit" and rung in past and _is_covered(rung, step, pathway)
        swallowed = rung in past[:-1] or covered
        useless = rung.at >= rung.until or rung.until <= pathway.as_of
        if not swallowed and not useless:
            wanted += _by_channel(rule, rung, step, pathway, ground)
            continue
        reason = "a later one says it" if swallowed else "it would come too late"
        ends = swallowed or not (rung in past[-1:] if rule.about == "hold" else rung is rungs[-1])
        call = None if ends else _call_instead(rule, rung, step, pathway, ground)
        wanted += [call] if call else []
        late += [
            replace(item, why=reason)
            for item in _by_channel(rule, rung, step, pathway, ground)
            if call is None or item.key != call.key
        ]
    return wanted, late


def _call_instead(
    rule: PatientMessage, rung: _Rung, step: Step, pathway: Pathway, ground: Ground
) -> Item | None:
    """The call that says what no message can say in time any more, and none has said.

    An instruction about the hold, until the procedure: it was signed late, or nothing could be sent. The last word
    before a visit, while that is ahead: there is no decent hour left to write at.
    """
    known = {*pathway.said, *(one.key for one in pathway.undelivered)}
    start = procedure_start(pathway, ground.protocol)
    until = start if rule.about == "hold" and start is not None else rung.until
    if rule.about == "step" or until <= pathway.as_of or any(_rung_of(key) == rung.name for key in known):
        return None
    rung = replace(rung, at=max(rung.asked, _known_since(rule, step, pathway) or rung.asked), until=until)
    return _item(f"{rung.name}/call", Kind.CALL, rule, rung, step, pathway, ground, channel="phone")


def _rung_of(key: str) -> str:
    """The name of a rung, from the key of what says it by one way."""
    return key.rpartition("/")[0]


def is_missed(item: Item, now: datetime) -> bool:
    """Whether a message that can no longer be sent leaves something unsaid that a person has to say.

    An instruction about the hold does; and the last word before a visit, while that is ahead. What comes before
    is said by the next one.
    """
    if item.kind is not Kind.MESSAGE or item.until is None:
        return False
    spoken_of = [item.data[name] for name in ("slot_start", "told_start") if name in item.data]
    last = item.until in [datetime.fromisoformat(instant) for instant in spoken_of]
    return item.data.get("about") == "hold" or (last and item.until > now)


def _is_covered(rung: _Rung, step: Step, pathway: Pathway) -> bool:
    """Whether this rung was past already when the slot was moved, so that the word of the move says it."""
    visit = step.visit
    if visit is None or visit.since is None or rung.asked > visit.since:
        return False
    return any(
        (one.step, one.occurrence) == (step.key, step.occurrence) and one.revision < visit.revision
        for one in pathway.told
    )


def _rungs(rule: PatientMessage, step: Step, pathway: Pathway, ground: Ground) -> Iterator[_Rung]:
    moments: list[tuple[int, Moment]] = [
        (number, moment)
        for number, offset in enumerate(rule.at, start=1)
        for moment in resolve_all(offset, step, pathway, ground)
    ]
    moments.sort(key=lambda pair: pair[1].instant)
    end = _until(rule, step, pathway, ground)
    known = _known_since(rule, step, pathway)
    for index, (number, moment) in enumerate(moments):
        at = _after_recovery(max(moment.instant, known or moment.instant), pathway, ground)
        any_day = rule.any_day is True or (rule.any_day == "last" and index == len(moments) - 1)
        at = ground.calendar.decent(at, any_day=any_day)
        follower = moments[index + 1][1].instant if index + 1 < len(moments) else None
        stale = moment.instant + timedelta(hours=rule.life_hours) if rule.life_hours is not None else None
        until = min((one for one in (end, follower, stale) if one is not None), default=at)
        revision = f"@{moment.revision}" if moment.revision else ""
        if rule.about == "hold":
            revision += f".{pathway.hold.revision}"  # another instruction is another message
        day = f".{ground.calendar.day(moment.instant).isoformat()}" if rule.about == "hold" else ""
        name = f"{step.ref}/message/{rule.key}/{number}{day}{revision}"
        yield _Rung(name, at, until, moment.why, moment.instant, any_day)


def _known_since(rule: PatientMessage, step: Step, pathway: Pathway) -> datetime | None:
    """Since when there is something to say: nobody is told of a slot before it was set."""
    if rule.about == "hold":
        return pathway.hold.signed
    if rule.about == "visit":
        return step.visit.since if step.visit else None
    return step.opened


def _until(rule: PatientMessage, step: Step, pathway: Pathway, ground: Ground) -> datetime | None:
    if rule.until is not None:
        moment = resolve(rule.until, step, pathway, ground)
        return moment.instant if moment else None
    if step.visit is not None and step.visit.stands:
        return step.visit.start
    return None


def _after_recovery(instant: datetime, pathway: Pathway, ground: Ground) -> datetime:
    """Not from the actual start of the procedure until so many real hours after the end of cement injection."""
    silence = timedelta(hours=ground.protocol.messaging.recovery_silence_hours)
    for step in pathway.every(ground.protocol.procedure_step):
        ended = step.settled
        begun = step.started or (ended if step.status is StepStatus.DONE else None)
        if begun is not None and begun <= instant:
            instant = max(instant, (ended or pathway.as_of) + silence)
    return instant


def _by_channel(
    rule: PatientMessage, rung: _Rung, step: Step, pathway: Pathway, ground: Ground
) -> Iterator[Item]:
    """The message by the first channel that can still reach the patient; else a call, and a letter in time.

    What has left by one way stays said by that way, whatever the patient's ways of contact are now.
    """
    if f"{rung.name}/call" in {one.key for one in pathway.called}:
        return
    failed = {one.key: one for one in pathway.undelivered}
    said = next((key for key in pathway.said if _rung_of(key) == rung.name), None)
    if said is not None:
        channel = said.rpartition("/")[2]
        yield _item(said, Kind.MESSAGE, rule, rung, step, pathway, ground, channel=channel, to="")
        return
    for channel, address in reachable(pathway, rule.channels):
        key = f"{rung.name}/{channel}"
        if key in failed and failed[key].how in _NEXT_CHANNEL:
            continue
        yield _item(key, Kind.MESSAGE, rule, rung, step, pathway, ground, channel=channel, to=address)
        return
    if any(key.startswith(rung.name + "/") for key in failed):
        return  # the undelivered one already is a call
    if step.visit is not None and rule.about == "visit":
        lead = timedelta(days=ground.protocol.messaging.letter_lead_days)
        posted = min(rung.at, step.visit.start - lead)
        known = _known_since(rule, step, pathway) or pathway.as_of
        # Once owed it stays owed until somebody has written it, or it can no longer arrive.
        if posted > known and rule.at and rung.name.partition("@")[0].endswith("/1"):
            yield replace(
                _item(
                    f"{rung.name}/letter", Kind.LETTER, rule, rung, step, pathway, ground, channel="letter"
                ),
                at=posted,
            )
    yield _item(f"{rung.name}/call", Kind.CALL, rule, rung, step, pathway, ground, channel="phone")


def reachable(pathway: Pathway, channels: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The electronic channels that may be used, in order, each with its number or address."""
    contact = pathway.patient.contact
    addresses = {"sms": contact.mobile, "email": contact.email}
    for channel in channels:
        address = addresses.get(channel)
        if address and channel not in pathway.opted_out:
            yield channel, address


def _item(
    key: str,
    kind: Kind,
    rule: PatientMessage,
    rung: _Rung,
    step: Step,
    pathway: Pathway,
    ground: Ground,
    **data: str,
) -> Item:
    slot = _slot(step) if rule.about == "visit" else {}
    return Item(
        key=key,
        kind=kind,
        at=rung.at,
        until=rung.until,
        why=rung.why,
        role=ground.protocol.messaging.desk if kind in (Kind.CALL, Kind.LETTER) else "",
        step=step.ref,
        data={
            "template": rule.template,
            "about": rule.about,
            "language": pathway.patient.contact.language,
            "any_day": rung.any_day,
            **slot,
            **data,
        },
    )


def _slot(step: Step) -> dict[str, str | int]:
    if step.visit is None:
        return {}
    return {
        "slot_step": step.key,
        "slot_occurrence": step.occurrence,
        "slot_revision": step.visit.revision,
        "slot_start": step.visit.start.isoformat(),
        "slot_place": step.visit.place,
    }


def _calls_about_undelivered(pathway: Pathway, ground: Ground) -> Iterator[Item]:
    """A message that did not arrive and goes by no other channel is a person's business, once for all channels."""
    failed = {one.key for one in pathway.undelivered if one.how in _NEXT_CHANNEL}
    last = {one.key.rpartition("/")[0]: one for one in pathway.undelivered}
    for one in last.values():
        name, _, channel = one.key.rpartition("/")
        others = [c for c, _ in reachable(pathway, ("sms", "email")) if f"{name}/{c}" not in failed]
        if one.how in _NEXT_CHANNEL and others:
            continue
        yield Item(
            key=f"{one.key}/undelivered",
            kind=Kind.CALL,
            at=one.at,
            why=f"{channel}: {one.how}",
            role=ground.protocol.messaging.desk,
            step="/".join(one.key.split("/")[:2]),
            data={"template": "undelivered", "channel": "phone", "about": one.key},
        )


# --- what was said and no longer stands -------------------------------------------------------------------


def _call_about_hold(pathway: Pathway, ground: Ground) -> Iterator[Item]:
    """A signed plan that stands no longer is taken back by a person: no message may speak of a drug."""
    hold = pathway.hold
    step = pathway.last(ground.protocol.hold.step)
    if hold.ended is None or step is None:
        return
    yield Item(
        key=f"{step.key}/1/message/hold_stopped/1@{hold.ended.isoformat()}/call",
        kind=Kind.CALL,
        at=hold.ended,
        why="the signed hold plan stands no longer",
        role=ground.protocol.messaging.desk,
        step=step.ref,
        data={
            "template": "hold_stopped",
            "about": "hold",
            "language": pathway.patient.contact.language,
            "channel": "phone",
        },
    )


def _corrections(step: Step, pathway: Pathway, ground: Ground) -> Iterator[tuple[_Rung, list[Item]]]:
    """One message when the patient was told of a slot that no longer stands as told."""
    told = _last_told(step, pathway)
    if told is None or step.visit is None or told.revision == step.visit.revision:
        return
    visit = step.visit
    stands = visit.stands and visit.status is not VisitStatus.PENDING and not step.is_settled
    if stands and told.standing and (told.start, told.place) == (visit.start, visit.place):
        return
    if not stands and (not told.standing or told.start <= pathway.as_of or step.status is StepStatus.DONE):
        return
    if stands and misplaced(step, pathway, ground):
        return
    template = "moved" if stands else "cancelled"
    since = _after_recovery(visit.since or pathway.as_of, pathway, ground)
    rung = _Rung(
        name=f"{step.ref}/message/{template}/1@{step.occurrence}.{visit.revision}",
        at=ground.calendar.decent(since, any_day=True),
        until=visit.start if stands else told.start,
        why="the slot that was told no longer stands",
        asked=since,
        any_day=True,
    )
    if rung.until <= pathway.as_of:
        return
    rule = PatientMessage(key=template, template=template, at=())
    call = _call_instead(rule, rung, step, pathway, ground) if rung.at >= rung.until else None
    told_of = {"told_start": told.start.isoformat(), "slot_standing": stands}
    items = [call] if call else _by_channel(rule, rung, step, pathway, ground)
    yield rung, [replace(item, data={**item.data, **told_of}) for item in items]


def _last_told(step: Step, pathway: Pathway) -> Told | None:
    told = [one for one in pathway.told if (one.step, one.occurrence) == (step.key, step.occurrence)]
    return max(told, key=lambda one: one.revision, default=None)
