"""What the hold calculator proposed, and from what: profile, kidneys, per drug the rule, and what other texts say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pathway.explaining.explanation import Explanation, Input, sourced
from pathway.ground import Ground
from pathway.hold_plan import HeldDrug, HoldPlan
from pathway.holding.answer import DrugAnswer, HoldAnswer, LastIntake, Other
from pathway.holding.words import METRIC, number
from pathway.refusal import Text
from pathway.wording import day, fill, same, sentence, value, when

_STATUS = {
    "hold": Text(fr="arrêter", en="hold"),
    "continue": Text(fr="ne pas interrompre", en="do not interrupt"),
    "ask": Text(fr="au signataire de décider", en="for the signer to decide"),
    "defer": Text(fr="différer l'intervention", en="defer the procedure"),
    "refused": Text(fr="aucun délai", en="no delay"),
}
_KNOWN = {
    "age": Text(fr="Âge", en="Age"),
    "weight_kg": Text(fr="Poids", en="Weight"),
    "creatinine_umol_l": Text(fr="Créatinine", en="Creatinine"),
    "clearance": Text(fr="Clairance donnée", en="Clearance as given"),
}
_UNITS = {"weight_kg": "kg", "creatinine_umol_l": "umol/L", "clearance": "mL/min", "age": ""}


def reasoned_from(plan: HoldPlan, ground: Ground) -> tuple[Input, ...]:
    """Profile, kidneys and what they were computed from; nothing where no calculator has spoken."""
    answer = plan.answer
    if answer is None:
        return ()
    profile = Text(fr="Profil d'arrêt", en="Hold profile")
    found = [Input(profile, same(f"{answer.profile} {answer.version}"), plan.since, source=answer.digest)]
    for key, title in _KNOWN.items():
        known = getattr(answer.inputs, key, None)
        if known is not None:
            found.append(Input(title, value(known, ground.calendar, _UNITS[key]), plan.since))
    for key in ("cockcroft_gault", "ckd_epi"):
        computed = getattr(answer, key)
        if computed is not None:
            found.append(Input(METRIC[key], same(f"{number(computed)} mL/min"), plan.since))
    return tuple(found)


def proposed(answer: HoldAnswer | None, ground: Ground) -> tuple[Explanation, ...]:
    """For each drug what was proposed and by which text, then what the signer should know."""
    if answer is None:
        return ()
    drugs = (_drug(one, place, answer, ground) for place, one in enumerate(answer.drugs, start=1))
    warned = (
        Explanation(
            key=f"hold/warning/{place}",
            kind="warning",
            title=Text(fr="À savoir avant de signer", en="To be known before signing"),
            because=one.text,
            source=sourced(one.source),
        )
        for place, one in enumerate(answer.warnings, start=1)
    )
    return (*drugs, *warned)


def answer_for(drug: HeldDrug, plan: HoldPlan) -> DrugAnswer | None:
    """What the calculator said of a drug of the plan."""
    found = plan.answer.drugs if plan.answer is not None else ()
    return next((one for one in found if one.atc and one.atc == drug.atc), None)


def _drug(one: DrugAnswer, place: int, answer: HoldAnswer, ground: Ground) -> Explanation:
    status = _STATUS[one.status]
    return Explanation(
        key=f"hold/proposal/{place}",
        kind="proposal",
        title=fill("{name} : {status}", "{name}: {status}", name=one.name, status=status),
        because=sentence(one.reason),
        source=sourced(one.source),
        at=_instant(one.last_intake, ground),
        rule=_last(one.last_intake, ground),
        parts=tuple(_beside(one, f"hold/proposal/{place}", answer, ground)),
    )


def _last(last: LastIntake | None, ground: Ground) -> Text | None:
    """The last intake in words: its day, and the hour where hours count."""
    if last is None:
        return None
    said = fill(
        "dernière prise {day} (J-{n})", "last intake {day} (D-{n})", day=day(last.day), n=last.offset_days
    )
    if last.not_after is not None:
        limit = when(last.not_after, ground.calendar)
        said = fill("{said}, au plus tard {limit}", "{said}, not after {limit}", said=said, limit=limit)
    return said


def _instant(last: LastIntake | None, ground: Ground) -> datetime | None:
    if last is None:
        return None
    return last.not_after or ground.calendar.end_of(last.day)


def _beside(one: DrugAnswer, key: str, answer: HoldAnswer, ground: Ground) -> Iterator[Explanation]:
    """The check before, the resumption after, the candidates, and what other profiles would say."""
    for place, line in enumerate(one.lines, start=1):
        yield Explanation(
            f"{key}/line/{place}",
            "proposal",
            line.title,
            sentence(line.reason),
            sourced(line.source),
            at=_instant(line.last_intake, ground),
            rule=_last(line.last_intake, ground),
        )
    if one.lab is not None:
        title = Text(fr="Contrôle biologique", en="Laboratory check")
        at = ground.calendar.end_of(one.lab.day) if one.lab.day else None
        yield Explanation(
            f"{key}/lab", "proposal", title, sentence(one.lab.text), sourced(one.lab.source), at=at
        )
    if one.resume is not None:
        title = Text(fr="Reprise proposée", en="Proposed resumption")
        yield Explanation(
            f"{key}/resume", "proposal", title, sentence(one.resume.text), sourced(one.resume.source)
        )
    for other in one.others:
        yield _other(other, key, ground)


def _other(other: Other, key: str, ground: Ground) -> Explanation:
    """For comparison only: never mixed with the chosen profile."""
    title = fill("Autre texte : {p}", "Another text: {p}", p=f"{other.profile} {other.version}")
    because = other.reason
    if other.status != "silent":
        because = fill("{status} : {why}", "{status}: {why}", status=_STATUS[other.status], why=because)
    return Explanation(
        f"{key}/{other.profile}",
        "proposal",
        title,
        sentence(because),
        sourced(other.source),
        at=_instant(other.last_intake, ground),
        rule=_last(other.last_intake, ground),
    )


def sign_by(answer: HoldAnswer | None) -> Text | None:
    """By when the plan has to be signed, as the calculator counted it."""
    if answer is None or answer.sign_by is None:
        return None
    return fill("À signer avant le {day}", "To be signed by {day}", day=day(answer.sign_by))
