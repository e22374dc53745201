"""Why a message leaves at this hour, by this channel, or is a call: decent hours, recovery, channels, letters.

The plan's own instant is what counts; here each shift towards it is said, in the order in which it is applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pathway.explaining.explanation import Explanation, Input, sourced
from pathway.ground import Ground
from pathway.lifecycle import StepStatus
from pathway.messages import reachable
from pathway.planned import Item, Kind
from pathway.protocol import PatientMessage
from pathway.protocol_words import CHANNELS
from pathway.reasons import REASONS
from pathway.refusal import Text
from pathway.state import Pathway, Step
from pathway.wording import fill, joined, same, sentence, when


def shifts(
    item: Item, asked: datetime, known: datetime | None, pathway: Pathway, ground: Ground
) -> Iterator[Explanation]:
    """From the moment that the protocol asks for to the moment at which the message leaves."""
    at, calendar, messaging = asked, ground.calendar, ground.protocol.messaging
    if known is not None and known > at:
        at = known
        because = fill(
            "{when} : avant, il n'y avait rien à dire",
            "{when}: before that there was nothing to say",
            when=when(at, calendar),
        )
        yield _hour(item, "known", at, because, sourced())
    quiet = recovered(at, pathway, ground)
    if quiet is not None and quiet > at:
        at = quiet
        because = fill(
            "{when} : silence de {n} h après la fin de l'injection",
            "{when}: silence for {n} h after the end of the injection",
            when=when(at, calendar),
            n=messaging.recovery_silence_hours,
        )
        yield _hour(item, "recovery", at, because, messaging.source)
    decent = calendar.decent(at, any_day=bool(item.data.get("any_day")))
    if decent != at and item.kind is not Kind.CALL and item.kind is not Kind.LETTER:
        because = fill(
            "{when} : on n'écrit qu'entre {first:%H:%M} et {last:%H:%M}, ni dimanche ni jour férié",
            "{when}: written only between {first:%H:%M} and {last:%H:%M}, on no Sunday or holiday",
            when=when(decent, calendar),
            first=calendar.decent_from,
            last=calendar.decent_to,
        )
        yield _hour(item, "decent", decent, because, ground.protocol.hours.source)
    if item.kind is Kind.MESSAGE:
        yield _budget(item, ground)


def recovered(instant: datetime, pathway: Pathway, ground: Ground) -> datetime | None:
    """When the patient may be written to after a procedure that has begun by ``instant``; None without one."""
    silence = timedelta(hours=ground.protocol.messaging.recovery_silence_hours)
    until = None
    for step in pathway.steps:
        if step.key != ground.protocol.procedure_step:
            continue
        begun = step.started or (step.settled if step.status is StepStatus.DONE else None)
        if begun is not None and begun <= instant:
            until = (step.settled or pathway.as_of) + silence
    return until


def _hour(item: Item, name: str, at: datetime, because: Text, source: str) -> Explanation:
    title = Text(fr="Heure", en="Hour")
    return Explanation(f"{item.key}/hour/{name}", "hour", title, sentence(because), sourced(source), at=at)


def _budget(item: Item, ground: Ground) -> Explanation:
    messaging = ground.protocol.messaging
    because = fill(
        "{n} message par jour et par patient au plus, sauf dans les {free} h avant l'intervention : "
        "si un autre est parti ce jour-là, celui-ci attend.",
        "At most {n} message a day to one patient, except in the {free} h before the procedure: "
        "if another has left that day, this one waits.",
        n=messaging.daily_budget,
        free=messaging.budget_free_hours,
    )
    title = Text(fr="Messages par jour", en="Messages a day")
    return Explanation(f"{item.key}/hour/budget", "hour", title, because, sourced(messaging.source))


# --- by which way -----------------------------------------------------------------------------------------


def channels(item: Item, rule: PatientMessage, pathway: Pathway, ground: Ground) -> Explanation:
    """Which way it goes, and for each other way why not."""
    name = item.key.rpartition("/")[0]
    chosen = item.key.rpartition("/")[2]
    source = sourced(ground.protocol.messaging.source)
    parts = tuple(_channel(one, name, chosen, item, pathway, source) for one in rule.channels)
    if item.key in pathway.said:
        because = fill(
            "Déjà dit par {way}.", "Said already, by {way}.", way=CHANNELS.get(chosen, same(chosen))
        )
    elif item.kind is Kind.MESSAGE:
        because = fill(
            "Le premier canal qui peut l'atteindre : {way}.",
            "The first channel that can reach the patient: {way}.",
            way=CHANNELS.get(chosen, same(chosen)),
        )
    elif item.kind is Kind.LETTER:
        because = fill(
            "Aucun canal électronique : un courrier, posté {n} jours avant le rendez-vous.",
            "No electronic channel: a letter, posted {n} days before the visit.",
            n=ground.protocol.messaging.letter_lead_days,
        )
    elif parts and any(one.holds for one in parts):
        because = Text(
            fr="Un appel : aucun message ne pourrait plus partir à temps.",
            en="A call: no message could leave in time any more.",
        )
    else:
        because = Text(
            fr="Un appel : aucun canal électronique ne peut l'atteindre.",
            en="A call: no electronic channel can reach the patient.",
        )
    contact = pathway.patient.contact
    known = [
        Input(Text(fr="Mobile", en="Mobile"), same(contact.mobile) if contact.mobile else None),
        Input(Text(fr="E-mail", en="E-mail"), same(contact.email) if contact.email else None),
    ]
    return Explanation(
        key=f"{item.key}/channel",
        kind="channel",
        title=Text(fr="Canal", en="Channel"),
        because=because,
        source=source,
        rule=joined(
            (CHANNELS.get(one, same(one)) for one in rule.channels), Text(fr=", puis ", en=", then ")
        ),
        inputs=tuple(known),
        parts=parts,
    )


def _channel(channel: str, name: str, chosen: str, item: Item, pathway: Pathway, source: str) -> Explanation:
    usable = {one for one, _ in reachable(pathway, (channel,))}
    record = next((one for one in pathway.undelivered if one.key == f"{name}/{channel}"), None)
    if record is not None:
        because = fill(
            "{how} : {reason}",
            "{how}: {reason}",
            how=REASONS.get(record.how, same(record.how)),
            reason=record.reason,
        )
    elif channel in pathway.opted_out:
        because = Text(fr="le patient n'en veut plus", en="the patient wants no more of it")
    elif channel not in usable:
        because = Text(fr="aucun numéro ni adresse", en="no number or address")
    elif channel == chosen:
        because = Text(fr="c'est lui", en="this one")
    elif item.kind is Kind.MESSAGE:
        because = Text(fr="pas nécessaire : un autre passe avant", en="not needed: another comes first")
    else:
        because = Text(fr="utilisable, mais trop tard", en="could be used, but too late")
    return Explanation(
        key=f"{item.key}/channel/{channel}",
        kind="channel",
        title=CHANNELS.get(channel, same(channel)),
        because=sentence(because),
        source=source,
        holds=channel == chosen or (item.kind is not Kind.MESSAGE and channel in usable and record is None),
    )


def known_since(rule: PatientMessage, step: Step, pathway: Pathway) -> datetime | None:
    """Since when there is something to say: nobody is told of a slot before it was set."""
    if rule.about == "hold":
        return pathway.hold.signed
    if rule.about == "visit":
        return step.visit.since if step.visit else None
    return step.opened
