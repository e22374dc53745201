"""What a protocol's rules say, in the words of the ward and in both languages: moments, conditions, roles, titles.

The tables that are printed of a protocol and the explanations of a patient's dates use the same words, so that
whoever reads one recognises the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pathway.calendar import Calendar
from pathway.protocol import Answer, Condition, Offset, Protocol, RuleName
from pathway.refusal import Text
from pathway.wording import NO, NONE, YES, fill, joined, same, value

ANCHORS = {
    "referral": Text(fr="demande", en="referral"),
    "fracture": Text(fr="fracture", en="fracture"),
    "opened": Text(fr="ouverture", en="opened"),
    "asked": Text(fr="jour demandé", en="day asked for"),
    "due": Text(fr="échéance", en="due"),
    "slot": Text(fr="rendez-vous", en="slot"),
    "missed": Text(fr="absence", en="missed"),
    "procedure": Text(fr="intervention", en="procedure"),
    "hold_start": Text(fr="début de l'arrêt", en="start of the hold"),
    "last_intake": Text(fr="dernière prise", en="last intake"),
    "breached": Text(fr="dose prise après la limite", en="dose taken after the limit"),
    "refused": Text(fr="aucun délai proposé", en="no delay proposed"),
    "revisit": Text(fr="date de réexamen", en="day to look again"),
}
UNITS = {
    "h": Text(fr="h", en="h"),
    "d": Text(fr="j", en="d"),
    "wd": Text(fr="j ouvrés", en="working d"),
    "1 wd": Text(fr="j ouvré", en="working d"),
}
LEVELS = {
    "reminder": Text(fr="rappel", en="reminder"),
    "overdue": Text(fr="en retard", en="overdue"),
    "escalation": Text(fr="escalade", en="escalation"),
    "red": Text(fr="urgent", en="red"),
}
CHANNELS = {
    "sms": Text(fr="SMS", en="SMS"),
    "email": Text(fr="e-mail", en="e-mail"),
    "phone": Text(fr="téléphone", en="telephone"),
    "letter": Text(fr="courrier", en="letter"),
    "secure-mail": Text(fr="messagerie sécurisée", en="secure mail"),
    "call": Text(fr="appel", en="call"),
    "page": Text(fr="alerte", en="page"),
}
HOLD = {
    "unknown": Text(fr="aucun plan", en="none yet"),
    "proposed": Text(fr="proposé", en="proposed"),
    "signed": Text(fr="signé", en="signed"),
    "not-required": Text(fr="non nécessaire", en="not required"),
    "rejected": Text(fr="refusé", en="rejected"),
    "expired": Text(fr="expiré", en="expired"),
    "modified": Text(fr="modifié", en="modified"),
    "breached": Text(fr="non respecté", en="breached"),
    "superseded": Text(fr="remplacé", en="superseded"),
}
CAUSES = {
    "osteoporotic": Text(fr="ostéoporotique", en="osteoporotic"),
    "neoplastic": Text(fr="tumorale", en="neoplastic"),
    "traumatic": Text(fr="traumatique", en="traumatic"),
    "unknown": Text(fr="de cause non précisée", en="of unknown cause"),
}
_RULES: dict[RuleName, Text] = {
    "antithrombotics-answered": Text(
        fr="réponse explicite sur les antithrombotiques", en="explicit answer about antithrombotics"
    ),
    "days-before-procedure": Text(
        fr="{step} au moins {days} j avant l'intervention", en="{step} at least {days} d before the procedure"
    ),
    "drawn-for-procedure": Text(
        fr="{fact} : prélèvement de J-1 ou J0", en="{fact}: drawn on D-1 or on the day of the procedure"
    ),
    "fracture-older": Text(fr="fracture de plus de {days} j", en="fracture more than {days} d old"),
    "fracture-recent": Text(
        fr="fracture de {days} j au plus à la demande", en="fracture at most {days} d old at the referral"
    ),
    "held-drugs-have-resumption": Text(
        fr="rien n'a été arrêté, ou {step} signée", en="nothing was held, or {step} signed"
    ),
    "hold-time-left": Text(fr="assez de jours pour le délai d'arrêt", en="enough days left for the hold"),
    "may-be-pregnant": Text(
        fr="grossesse possible (moins de {years} ans)", en="may be pregnant (under {years})"
    ),
    "no-red-alarm": Text(fr="aucune alarme rouge depuis {hours} h", en="no red alarm in the last {hours} h"),
    "observations-complete": Text(
        fr="toutes les séries de surveillance saisies", en="every observation set recorded"
    ),
    "observed-since-procedure": Text(
        fr="{hours} h écoulées depuis la fin de l'injection", en="{hours} h since the end of the injection"
    ),
    "procedure-slot-stands": Text(fr="date d'intervention fixée", en="a date stands for the procedure"),
}
_OR, _AND = Text(fr=" ou ", en=" or "), Text(fr=" et ", en=" and ")


# --- names ------------------------------------------------------------------------------------------------


def step_title(ref: str, protocol: Protocol) -> Text:
    """The title of a step or of its occurrence (``consult/2``), with its number from the second time on."""
    key, _, occurrence = ref.partition("/")
    if not protocol.has_step(key):
        return Text(fr="Parcours", en="Pathway") if key in ("", "pathway") else same(key)
    title = protocol.step(key).title
    return fill("{t} ({n})", "{t} ({n})", t=title, n=occurrence) if occurrence not in ("", "1") else title


def role(key: str, protocol: Protocol) -> Text:
    """The title of a role."""
    known = protocol.roles.get(key)
    return known.title if known else same(key)


def roles(keys: tuple[str, ...], protocol: Protocol) -> Text:
    """The titles of several."""
    return joined(role(key, protocol) for key in keys)


def answers(protocol: Protocol) -> Iterator[Answer]:
    """Every answer that a step asks for, in the order of the file."""
    return (answer for step in protocol.steps for answer in step.answers)


def fact_answer(key: str, protocol: Protocol) -> Answer | None:
    """How a fact is asked for; None for one that only a referral or a system tells."""
    return next((one for one in answers(protocol) if one.fact and one.key == key), None)


def fact_title(key: str, protocol: Protocol) -> Text:
    """The title of a fact, as the protocol's facts or the steps' answers name it."""
    if key in protocol.facts:
        return protocol.facts[key]
    asked = fact_answer(key, protocol)
    return asked.title if asked else same(key.replace("_", " "))


def answered(asked: Answer | None, known: object, calendar: Calendar) -> Text:
    """What was answered, in words: a choice by its title, a number with its unit, a table row by row."""
    if asked is not None and asked.kind == "table" and isinstance(known, list | tuple):
        return joined((_row(asked, row, calendar) for row in known), "; ") if known else NONE
    if asked is not None and isinstance(known, str) and known in asked.choice_keys:
        return asked.choice_title(known)
    return value(known, calendar, asked.unit if asked else "")


def _row(asked: Answer, row: object, calendar: Calendar) -> Text:
    if not isinstance(row, Mapping):
        return value(row, calendar)
    columns = {column.key: column for column in asked.columns}
    return joined((answered(columns.get(key), one, calendar) for key, one in row.items()), " · ")


def outcome_title(step: str, key: str, protocol: Protocol) -> Text:
    """The title of an outcome of a step."""
    found = protocol.step(step).outcome(key) if protocol.has_step(step) else None
    return found.title if found else same(key)


# --- moments ----------------------------------------------------------------------------------------------


def anchor(name: str, protocol: Protocol) -> Text:
    """What a moment is counted from."""
    head, _, tail = name.partition(":")
    if head == "done":
        return fill("{step} (faite)", "{step} (done)", step=step_title(tail, protocol))
    if head == "data":
        key, _, wanted = tail.partition(".")
        asked = protocol.step(key).answers if protocol.has_step(key) else ()
        return next((one.title for one in asked if one.key == wanted), same(wanted))
    return ANCHORS.get(head, same(name))


def offset(given: Offset, protocol: Protocol) -> Text:
    """``intervention − 3 j 10:00``, with its conditions."""
    said = anchor(given.from_, protocol)
    for number, unit in ((given.hours, "h"), (given.days, "d"), (given.working_days, "wd")):
        if number:
            sign = "+" if number > 0 else "−"
            named = UNITS["1 wd"] if unit == "wd" and abs(number) == 1 else UNITS[unit]
            counted = fill("{n:g} {unit}", "{n:g} {unit}", n=abs(number), unit=named)
            said = fill(
                "{said} {sign} {counted}", "{said} {sign} {counted}", said=said, sign=sign, counted=counted
            )
    if given.at:
        said = fill("{said} {at:%H:%M}", "{said} {at:%H:%M}", said=said, at=given.at)
    if given.first:
        said = fill("{said} (la première fois)", "{said} (first time)", said=said)
    if given.when:
        said = fill(
            "{said} (si {asked})", "{said} (if {asked})", said=said, asked=condition(given.when, protocol)
        )
    if given.but_not_before:
        floor = offset(given.but_not_before, protocol)
        said = fill("{said}, pas avant {floor}", "{said}, not before {floor}", said=said, floor=floor)
    return said


# --- conditions -------------------------------------------------------------------------------------------


def condition(asked: Condition, protocol: Protocol) -> Text:
    """What a condition asks, in words."""
    parts = list(_parts(asked, protocol))
    return joined(parts, _AND) if parts else Text(fr="toujours", en="always")


def _parts(asked: Condition, protocol: Protocol) -> Iterator[Text]:
    if asked.rule is not None:
        yield _rule(asked, protocol)
    else:
        if asked.step:
            yield _step(asked, protocol)
        if asked.fact:
            yield fact_asked(asked, protocol)
    if asked.hold:
        yield fill(
            "plan d'arrêt : {s}", "hold plan: {s}", s=joined(HOLD.get(one, same(one)) for one in asked.hold)
        )
    if asked.held:
        yield fill("arrêt de {codes}", "{codes} held", codes=", ".join(asked.held))
    if asked.taken:
        yield fill("prise de {codes}", "{codes} taken now", codes=", ".join(asked.taken))
    if asked.cause:
        causes = joined((CAUSES.get(one, same(one)) for one in asked.cause), _OR)
        yield fill("fracture {causes}", "fracture {causes}", causes=causes)
    if asked.any_of:
        yield _grouped(asked.any_of, protocol)
    if asked.none_of:
        yield fill("ni {ones}", "not {ones}", ones=_grouped(asked.none_of, protocol))


def _grouped(asked: tuple[Condition, ...], protocol: Protocol) -> Text:
    said = joined((condition(one, protocol) for one in asked), _OR)
    return said if len(asked) == 1 else fill("({said})", "({said})", said=said)


def _step(asked: Condition, protocol: Protocol) -> Text:
    title = step_title(asked.step or "", protocol)
    if not asked.outcome:
        return title
    outcomes = joined((outcome_title(asked.step or "", one, protocol) for one in asked.outcome), _OR)
    return fill("{step} : {outcomes}", "{step}: {outcomes}", step=title, outcomes=outcomes)


def fact_asked(asked: Condition, protocol: Protocol) -> Text:
    """What is asked of a fact: known, a value, a bound, an age."""
    key = asked.fact or ""
    said = fact_title(key, protocol)
    if asked.is_ is not None:
        known = _wanted(asked.is_, fact_answer(key, protocol))
        said = fill("{said} : {known}", "{said}: {known}", said=said, known=known)
    for bound, sign in ((asked.at_least, "≥"), (asked.at_most, "≤")):
        if bound is not None:
            number = Text(fr=f"{bound:g}".replace(".", ","), en=f"{bound:g}")
            said = fill("{said} {sign} {n}", "{said} {sign} {n}", said=said, sign=sign, n=number)
    for age, fr, en in (
        (asked.max_age_days, "{said} (de {n} j au plus)", "{said} (at most {n} d old)"),
        (asked.older_than_days, "{said} il y a {n} j ou plus", "{said} {n} d ago or more"),
        (asked.older_than_months, "{said} il y a {n} mois ou plus", "{said} {n} months ago or more"),
    ):
        if age is not None:
            said = fill(fr, en, said=said, n=age)
    return said


def _wanted(wanted: object, asked: Answer | None) -> Text:
    if isinstance(wanted, bool):
        return YES if wanted else NO
    if wanted in ([], ()):
        return NONE
    if isinstance(wanted, str) and asked is not None and wanted in asked.choice_keys:
        return asked.choice_title(wanted)
    return same(str(wanted))


def _rule(asked: Condition, protocol: Protocol) -> Text:
    assert asked.rule is not None
    said = _RULES[asked.rule]
    hours = asked.hours if asked.hours is not None else 24 * (asked.days or 1)
    return fill(
        said.fr,
        said.en,
        step=step_title(asked.step, protocol) if asked.step else "",
        fact=fact_title(asked.fact, protocol) if asked.fact else "",
        days=asked.days or 0,
        years=asked.years or 0,
        hours=hours,
    )
