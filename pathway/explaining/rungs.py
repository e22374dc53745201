"""Reminders, escalations and alarms: why a rung stands when it does, who hears, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator

from pathway.anchors import resolve
from pathway.courses import Standing
from pathway.explaining.explanation import Explanation, Input, sourced
from pathway.explaining.moments import counted
from pathway.ground import Ground
from pathway.ladders import REVISIT, ladders
from pathway.lifecycle import LIVE
from pathway.protocol import Rung
from pathway.protocol_words import CHANNELS, LEVELS, role, roles, step_title
from pathway.records import Fired
from pathway.refusal import Text
from pathway.state import Pathway, PathwayStatus
from pathway.wording import fill, joined, same, sentence, value, when

DECIDED = "decided by a person"
"""The source of a day that somebody set."""


def explain_rungs(pathway: Pathway, ground: Ground) -> Iterator[Explanation]:
    """Every rung that stands, fired or to come, under its own key; then those of live steps that do not stand."""
    standing: set[str] = set()
    for rungs in ladders(pathway, ground):
        for one in rungs:
            standing.add(one.key.partition("@")[0])
            yield _standing(one, rungs, pathway, ground)
    for step in pathway.steps:
        if step.status not in LIVE:
            continue
        for rung in ground.protocol.step(step.key).ladder:
            key = f"{step.ref}/rung/{rung.key}"
            if key not in standing:
                found = counted(
                    rung.at,
                    step,
                    pathway,
                    ground,
                    key=key,
                    kind="silence",
                    title=_title(rung, step.ref, ground),
                )
                paused = pathway.status is PathwayStatus.ON_HOLD and resolve(rung.at, step, pathway, ground)
                because = _PAUSED if paused else found.because
                yield Explanation(
                    key, "silence", found.title, because, found.source, rule=found.rule, inputs=found.inputs
                )


_PAUSED = Text(
    fr="Le parcours est en pause : ses échéances ne courent pas.",
    en="The pathway is on hold: its clocks do not run.",
)


def _title(rung: Rung, ref: str, ground: Ground) -> Text:
    level = LEVELS[rung.level]
    if rung.text is not None:
        return fill("{level} : {text}", "{level}: {text}", level=_capital(level), text=rung.text)
    title = step_title(ref, ground.protocol)
    return fill("{level} : {step}", "{level}: {step}", level=_capital(level), step=title)


def _capital(text: Text) -> Text:
    return Text(fr=text.fr.capitalize(), en=text.en.capitalize())


def _standing(one: Standing, rungs: tuple[Standing, ...], pathway: Pathway, ground: Ground) -> Explanation:
    ref = one.step
    base = _of_the_protocol(one, pathway, ground)
    if base is None:
        base = _set_otherwise(one, pathway, ground)
    fired = next((each for each in pathway.fired if each.key == one.key), None)
    because = fill(
        "{why} {fate}", "{why} {fate}", why=base.because, fate=_fate(one, fired, rungs, pathway, ground)
    )
    seen = next((each for each in pathway.acknowledged if each.key == one.key), None)
    inputs = base.inputs
    if seen is not None:
        what = Text(fr="Prise en charge", en="Acknowledged")
        inputs += (Input(what, same(seen.note or seen.by), seen.at, seen.by, "acknowledgement"),)
    return Explanation(
        key=one.key,
        kind="alert" if fired is not None and not fired.passed_over else "rung",
        title=_title(one.rung, ref, ground),
        because=because,
        source=base.source,
        at=one.moment.instant,
        rule=_rule(one.rung, base.rule, ground),
        inputs=inputs,
        parts=base.parts,
    )


def _rule(rung: Rung, rule: Text | None, ground: Ground) -> Text:
    heard = role(rung.to, ground.protocol)
    known = ground.protocol.roles.get(rung.to)
    if known is not None and known.fallback:
        heard = fill(
            "{who} (à défaut : {other})",
            "{who} (or else: {other})",
            who=heard,
            other=role(known.fallback, ground.protocol),
        )
    if rung.also:
        heard = joined((heard, roles(rung.also, ground.protocol)))
    said = fill("{by} : {who}", "{by}: {who}", by=_capital(CHANNELS[rung.by]), who=heard)
    return fill("{rule} – {said}", "{rule} – {said}", rule=rule, said=said) if rule is not None else said


def _fate(
    one: Standing, fired: Fired | None, rungs: tuple[Standing, ...], pathway: Pathway, ground: Ground
) -> Text:
    if fired is not None and fired.passed_over:
        return Text(
            fr="Passé sous silence : un échelon plus haut était dû en même temps.",
            en="Passed over: a higher rung was due at the same time.",
        )
    if fired is not None:
        who = (
            same(fired.person)
            if fired.person
            else Text(fr="personne n'était de garde", en="nobody was on call")
        )
        return fill(
            "Déclenché le {when} ({who}).",
            "Fired {when} ({who}).",
            when=when(fired.at, ground.calendar),
            who=who,
        )
    if one.moment.instant <= pathway.as_of:
        return Text(fr="Dû maintenant.", en="Due now.")
    return Text(
        fr="À venir, si c'est encore à faire à ce moment.", en="To come, if it is still to be done then."
    )


def _of_the_protocol(one: Standing, pathway: Pathway, ground: Ground) -> Explanation | None:
    """A rung of a step's ladder."""
    step = pathway.named(one.step)
    if step is None:
        return None
    rule = ground.protocol.step(step.key)
    if one.rung not in rule.ladder:
        return None
    return counted(one.rung.at, step, pathway, ground, key=f"{one.key}/at", kind="rung")


def _set_otherwise(one: Standing, pathway: Pathway, ground: Ground) -> Explanation:
    """A rung of the watch, of a finding, or the day on which a pathway is looked at again."""
    head, _, rest = one.key.partition("/")
    shown = when(one.moment.instant, ground.calendar)
    if one.key.startswith(REVISIT):
        because = fill(
            "{when} : jour fixé pour revoir ce parcours", "{when}: the day set to look again", when=shown
        )
        return Explanation(f"{one.key}/at", "rung", because, sentence(because), DECIDED)
    if head == "alarm":
        return _alarm(one, rest, pathway, ground)
    if head == "finding":
        flag = next((each for each in ground.protocol.red_flags if each.key == rest.partition("/")[0]), None)
        because = fill("{when} : constat présent", "{when}: the finding is there", when=shown)
        source = sourced(flag.source) if flag else DECIDED
        return Explanation(f"{one.key}/at", "rung", because, sentence(because), source)
    return _missing_set(one, ground)


def _alarm(one: Standing, rest: str, pathway: Pathway, ground: Ground) -> Explanation:
    key, number, *_, count = rest.split("/")
    watch = ground.protocol.surveillance
    rule = watch.alarm(key) if watch else None
    raised = next((each for each in pathway.alarms if (each.alarm, str(each.number)) == (key, number)), None)
    shown = when(one.moment.instant, ground.calendar)
    if rule is None or raised is None:
        return Explanation(f"{one.key}/at", "rung", shown, sentence(shown))
    seen = [each for each in pathway.observed if each.taken == raised.taken and each.values]
    inputs = tuple(
        Input(
            item.title,
            value(each.values[item.key], ground.calendar, item.unit),
            each.taken,
            each.by,
            each.round,
        )
        for each in seen
        for item in (watch.items if watch else ())
        if item.key in each.values and item.key in {sign.item for sign in rule.any_of}
    )
    because = fill(
        "{when} : alarme « {title} » levée par le relevé du {taken}, annonce n° {n} sur {of}",
        "{when}: alarm “{title}” raised by the observations of {taken}, call {n} of {of}",
        when=shown,
        title=rule.title,
        taken=when(raised.taken, ground.calendar),
        n=count,
        of=rule.rounds,
    )
    again = fill(
        "Redite toutes les {n} min tant que personne ne répond",
        "Said again every {n} min until somebody answers",
        n=rule.acknowledge_minutes,
    )
    return Explanation(
        f"{one.key}/at",
        "rung",
        rule.title,
        sentence(because),
        sourced(rule.source),
        rule=again,
        inputs=inputs,
    )


def _missing_set(one: Standing, ground: Ground) -> Explanation:
    watch = ground.protocol.surveillance
    name = one.key.partition("/rung/")[2].partition(".")[0]
    found = next((each for each in watch.rounds if each.key == name), None) if watch else None
    shown = when(one.moment.instant, ground.calendar)
    if found is None:
        return Explanation(f"{one.key}/at", "rung", shown, sentence(shown))
    late = found.red if one.key.endswith(".red") else found.amber
    because = fill(
        "{when} : {n} min après l'heure de ce relevé, que personne n'a saisi",
        "{when}: {n} min after the time of this set, which nobody has recorded",
        when=shown,
        n=late,
    )
    rule = fill(
        "{title} : toutes les {every} min, {count} fois",
        "{title}: every {every} min, {count} times",
        title=found.title,
        every=found.every,
        count=found.count,
    )
    return Explanation(
        f"{one.key}/at", "rung", found.title, sentence(because), sourced(found.source), rule=rule
    )
