"""Messages, pages, calls and letters: what asks for each, why at this hour and by this way; and why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pathway.anchors import Moment, resolve_all
from pathway.explaining.explanation import Explanation, Input, Kind, sourced
from pathway.explaining.facts import STATUS, hold
from pathway.explaining.hours import channels, known_since, shifts
from pathway.explaining.moments import counted, said_as_sum
from pathway.flags import misplaced
from pathway.ground import Ground, procedure_start
from pathway.lifecycle import LIVE, StepStatus, VisitStatus
from pathway.messages import patient_items, staff_pages
from pathway.notices import notices
from pathway.planned import Item
from pathway.planned import Kind as Planned
from pathway.protocol import PatientMessage
from pathway.protocol_words import CHANNELS, LEVELS, offset, role, step_title
from pathway.reasons import reason
from pathway.refusal import Text
from pathway.state import Pathway, PathwayStatus, Step
from pathway.wording import fill, joined, same, sentence, when

_KINDS: dict[Planned, Kind] = {
    Planned.MESSAGE: "message",
    Planned.CALL: "call",
    Planned.LETTER: "letter",
    Planned.PAGE: "page",
}


def explain_messages(pathway: Pathway, ground: Ground) -> Iterator[Explanation]:
    """Every message, call, letter and page that is planned, those that came too late, and why the others are not."""
    wanted, late = patient_items(pathway, ground)
    for item in wanted:
        yield _to_the_patient(item, pathway, ground)
    for item in late:
        yield _late(item, pathway, ground)
    yield from _silences([*wanted, *late], pathway, ground)
    for item in staff_pages(pathway, ground):
        yield _page(item, ground)
    for item in notices(pathway, ground):
        yield _notice(item, pathway, ground)


def _to_the_patient(item: Item, pathway: Pathway, ground: Ground) -> Explanation:
    found = _rule_of(item, pathway, ground)
    if found is not None:
        return _of_a_rule(item, *found, pathway, ground)
    return _of_what_changed(item, pathway, ground)


def _rule_of(item: Item, pathway: Pathway, ground: Ground) -> tuple[PatientMessage, Step, int] | None:
    """The message of the protocol that an item comes from, its step and the number of its rung."""
    key, occurrence, _, name, *rest = item.key.split("/")
    step = pathway.at(key, int(occurrence)) if occurrence.isdigit() else None
    if (
        step is None
        or not rest
        or not ground.protocol.has_step(key)
        or item.data.get("template") == "undelivered"
    ):
        return None
    rule = next((one for one in ground.protocol.step(key).messages if one.key == name), None)
    number = rest[0].partition("@")[0].partition(".")[0]
    if rule is None or not number.isdigit() or not 0 < int(number) <= len(rule.at):
        return None
    return rule, step, int(number)


def _of_a_rule(
    item: Item, rule: PatientMessage, step: Step, number: int, pathway: Pathway, ground: Ground
) -> Explanation:
    given = rule.at[number - 1]
    moment = _moment(item, resolve_all(given, step, pathway, ground), ground)
    source = sourced(given.source, ground.protocol.messaging.source)
    base = replace(counted(given, step, pathway, ground, key=f"{item.key}/at"), source=source)
    asked = moment.instant if moment is not None else item.at
    parts = [base]
    if moment is not None and base.at is None:  # one of several last intakes
        why = said_as_sum(given, moment, step, pathway, ground)
        parts = [replace(base, at=moment.instant, because=why)]
    if asked is not None:
        parts += shifts(item, asked, known_since(rule, step, pathway), pathway, ground)
    parts.append(channels(item, rule, pathway, ground))
    inputs = (*base.inputs, *_about(rule, step, pathway, ground))
    return Explanation(
        key=item.key,
        kind=_KINDS[item.kind],
        title=_title(item, ground),
        because=_because(item, rule, pathway, ground),
        source=source,
        at=item.at,
        rule=offset(given, ground.protocol),
        inputs=inputs,
        parts=tuple(parts),
    )


def _moment(item: Item, moments: tuple[Moment, ...], ground: Ground) -> Moment | None:
    """The moment of this very item: of several last intakes, the one whose day its key names."""
    for one in moments:
        if f".{ground.calendar.day(one.instant).isoformat()}" in item.key:
            return one
    return moments[0] if moments else None


def _because(item: Item, rule: PatientMessage, pathway: Pathway, ground: Ground) -> Text:
    about = {
        "visit": Text(fr="un rendez-vous confirmé", en="a confirmed visit"),
        "hold": Text(fr="un plan d'arrêt signé pour ce créneau", en="a hold plan signed for this slot"),
        "step": Text(fr="une étape à faire", en="a step that is to be done"),
    }[rule.about]
    shown = when(item.at, ground.calendar) if item.at else same("?")
    said = fill("{when} : annonce {about}", "{when}: speaks of {about}", when=shown, about=about)
    if item.until is not None:
        said = fill(
            "{said} ; inutile après le {until}",
            "{said}; of no use after {until}",
            said=said,
            until=when(item.until, ground.calendar),
        )
    return sentence(said)


def _about(rule: PatientMessage, step: Step, pathway: Pathway, ground: Ground) -> tuple[Input, ...]:
    """What it speaks of."""
    if rule.about == "hold":
        return (hold(pathway, ground),)
    if rule.about == "visit" and step.visit is not None:
        what = fill("Rendez-vous n° {n}", "Visit, revision {n}", n=step.visit.revision)
        return (Input(what, when(step.visit.start, ground.calendar), step.visit.since, source="visit"),)
    return ()


def _title(item: Item, ground: Ground) -> Text:
    step = step_title(item.step, ground.protocol)
    way = CHANNELS.get(item.data.get("channel", ""), same(item.kind.value))
    return fill("{way} : {step}", "{way}: {step}", way=Text(fr=_up(way.fr), en=_up(way.en)), step=step)


def _up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_what_changed(item: Item, pathway: Pathway, ground: Ground) -> Explanation:
    """A correction, a call about a plan that no longer stands, a call about what did not arrive."""
    template = item.data.get("template")
    step = pathway.at(item.step.partition("/")[0], int(item.step.partition("/")[2] or 1))
    inputs: tuple[Input, ...] = ()
    if template in ("moved", "cancelled") and step is not None:
        told = [one for one in pathway.told if (one.step, one.occurrence) == (step.key, step.occurrence)]
        inputs = tuple(
            Input(
                fill("Annoncé, n° {n}", "Told, revision {n}", n=one.revision),
                when(one.start, ground.calendar),
                source="told",
            )
            for one in told
        )
        if step.visit is not None:
            what = fill("Maintenant, n° {n}", "Now, revision {n}", n=step.visit.revision)
            inputs += (
                Input(what, when(step.visit.start, ground.calendar), step.visit.since, source="visit"),
            )
    elif template == "undelivered":
        failed = next((one for one in pathway.undelivered if one.key == item.data.get("about")), None)
        if failed is not None:
            what = Text(fr="Message non remis", en="Message that did not arrive")
            inputs = (Input(what, same(failed.reason or failed.how), failed.at, source=failed.key),)
    elif template == "hold_stopped":
        inputs = (hold(pathway, ground),)
    shown = when(item.at, ground.calendar) if item.at else same("?")
    why = reason(item.why, ground.protocol)
    return Explanation(
        key=item.key,
        kind=_KINDS[item.kind],
        title=_title(item, ground),
        because=sentence(fill("{when} : {why}", "{when}: {why}", when=shown, why=why)),
        source=sourced(ground.protocol.messaging.source),
        at=item.at,
        inputs=inputs,
    )


def _late(item: Item, pathway: Pathway, ground: Ground) -> Explanation:
    """What is not said any more, and why."""
    found = _to_the_patient(item, pathway, ground)
    because = sentence(reason(item.why, ground.protocol))
    return replace(found, kind="late", because=because)


# --- why there is none ------------------------------------------------------------------------------------


def _silences(items: list[Item], pathway: Pathway, ground: Ground) -> Iterator[Explanation]:
    """For each message of an unsettled step of which nothing is planned: why not."""
    named = {tuple(item.key.split("/")[:4]) for item in items}
    for step in pathway.unsettled():
        for rule in ground.protocol.step(step.key).messages:
            if (step.key, str(step.occurrence), "message", rule.key) in named:
                continue
            yield Explanation(
                key=f"{step.ref}/message/{rule.key}",
                kind="silence",
                title=fill(
                    "Pas de message « {name} » : {step}",
                    "No message “{name}”: {step}",
                    name=rule.template,
                    step=step_title(step.ref, ground.protocol),
                ),
                because=sentence(_why_none(rule, step, pathway, ground)),
                source=sourced(*(one.source for one in rule.at), ground.protocol.messaging.source),
                rule=joined((offset(one, ground.protocol) for one in rule.at), " ; "),
                inputs=_about(rule, step, pathway, ground),
            )


def _why_none(rule: PatientMessage, step: Step, pathway: Pathway, ground: Ground) -> Text:
    end = ground.protocol.ends.get(pathway.end or "")
    if pathway.patient.deceased:
        return Text(fr="le patient est décédé", en="the patient has died")
    if end is not None and end.silent:
        return fill("fin sans message : {end}", "an end without messages: {end}", end=end.title)
    if pathway.status is not PathwayStatus.ACTIVE:
        return Text(fr="le parcours est en pause ou arrêté", en="the pathway is on hold or has ended")
    if step.status not in LIVE or step.status is StepStatus.IN_PROGRESS:
        return fill("étape {status}", "the step is {status}", status=STATUS[step.status])
    if rule.about == "visit" and (step.visit is None or not step.visit.stands):
        return Text(fr="aucun rendez-vous ne tient", en="no visit stands")
    if rule.about != "step" and misplaced(step, pathway, ground):
        return Text(
            fr="le rendez-vous est hors de sa fenêtre : il doit d'abord être replacé",
            en="the visit lies outside its window: it has to be moved first",
        )
    if rule.about == "hold":
        return _no_hold(pathway, ground)
    if rule.about == "visit" and step.visit is not None and step.visit.status is not VisitStatus.BOOKED:
        return Text(fr="le rendez-vous n'est pas confirmé", en="the visit is not confirmed")
    nothing = [counted(one, step, pathway, ground, key="") for one in rule.at]
    unknown = [one for one in nothing if one.at is None]
    if unknown:
        return unknown[0].because
    return Text(fr="une personne l'a déjà dit", en="a person has said it already")


def _no_hold(pathway: Pathway, ground: Ground) -> Text:
    plan = pathway.hold
    if not plan.stands:
        return Text(fr="aucun plan d'arrêt signé", en="no hold plan is signed")
    if not plan.drugs:
        return Text(fr="il n'y a rien à arrêter", en="there is nothing to hold")
    if plan.procedure_start != procedure_start(pathway, ground.protocol):
        return Text(
            fr="le plan d'arrêt est signé pour un autre créneau",
            en="the hold plan is signed for another slot",
        )
    return Text(fr="tout a été dit", en="everything has been said")


# --- to professionals -------------------------------------------------------------------------------------


def _page(item: Item, ground: Ground) -> Explanation:
    level = LEVELS.get(str(item.data.get("level", "")), same(item.why))
    shown = when(item.at, ground.calendar) if item.at else same("?")
    because = fill(
        "{when} : une alerte ({level}) que personne n'a encore prise ; sans aucune donnée du patient",
        "{when}: an alert ({level}) that nobody has taken yet; with nothing of the patient in it",
        when=shown,
        level=level,
    )
    return Explanation(
        key=item.key,
        kind="page",
        title=fill("Alerte : {who}", "Page: {who}", who=role(item.role, ground.protocol)),
        because=sentence(because),
        source=sourced(ground.protocol.messaging.source),
        at=item.at,
        rule=fill("Utile {n} h", "Of use for {n} h", n=ground.protocol.messaging.page_life_hours),
    )


def _notice(item: Item, pathway: Pathway, ground: Ground) -> Explanation:
    protocol = ground.protocol
    key, occurrence, sort, name, *_ = item.key.split("/")
    said = item.data.get("text", {})
    text = Text(fr=said.get("fr", ""), en=said.get("en", ""))
    to = role(str(item.data.get("to", "")), protocol)
    way = CHANNELS.get(item.why, same(item.why))
    source, cause = "", Text(fr="une alerte le demande", en="an alert calls for it")
    if sort == "notice" and key == "pathway":
        end = protocol.ends.get(pathway.end or "")
        cause = fill("fin du parcours : {end}", "the pathway ended: {end}", end=end.title if end else "")
        tells = end.tells if end else ()
        source = next((one.source for one in tells if name.endswith(f".{one.key}")), "")
    elif sort == "notice" and protocol.has_step(key):
        step = pathway.at(key, int(occurrence))
        outcome = protocol.step(key).outcome(step.outcome or "") if step else None
        cause = fill(
            "{step} : {outcome}",
            "{step}: {outcome}",
            step=step_title(item.step, protocol),
            outcome=outcome.title if outcome else "",
        )
        source = next((one.source for one in (outcome.tells if outcome else ()) if one.key == name), "")
    because = fill(
        "{way} à : {to} – {cause} ; dû jusqu'à ce que quelqu'un note que c'est fait",
        "{way} to: {to} – {cause}; owed until somebody records that it was done",
        way=way,
        to=to,
        cause=cause,
    )
    fallback = protocol.step(key).source if protocol.has_step(key) else protocol.messaging.source
    return Explanation(
        key=item.key,
        kind="notice",
        title=text,
        because=sentence(because),
        source=sourced(source, fallback),
        at=item.at,
    )
