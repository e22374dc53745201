"""What the calculator is asked for one pathway: its drugs, its kidneys and its recent events, from the facts known.

How a drug is taken is read from the drug itself (``dose_class``, ``frequency``, ``indication``) where somebody has
said it so, and from the words of its dose otherwise. What cannot be read is left open: the calculator then asks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from pathway.codec import Malformed
from pathway.completeness import NO_LONGER_TAKEN, unanswered
from pathway.ground import Ground, procedure_start
from pathway.hold_plan import HeldDrug
from pathway.holding.answer import DrugAnswer, HoldAnswer
from pathway.holding.asked import INDICATIONS, Drug, Inputs, read_drug
from pathway.holding.calculator import hold_answer
from pathway.holding.profile import Profile
from pathway.holding.warn import interacting
from pathway.referral import Fact
from pathway.refusal import Refused, Text
from pathway.state import Pathway

ANTITHROMBOTICS, MEDICATIONS, INTERACTING = "antithrombotics", "medications", "interacting_drug"
WEIGHT, CREATININE = "weight_kg", "creatinine_umol_l"
STENT, HIGH_RISK_STENT, MI = "stent_date", "stent_high_risk", "mi_date"
VTE, STROKE, INDICATION = "vte_date", "stroke_date", "antithrombotic_indication"

INPUTS = (ANTITHROMBOTICS, CREATININE, WEIGHT, STENT, HIGH_RISK_STENT, MI, VTE, STROKE, INDICATION)
"""Facts that a hold plan is reasoned from (protocol reference §2.3, §2.6). A change of one of them expires it; other
medications do so only when they bring or take away an interacting drug."""


def computed(pathway: Pathway, ground: Ground, profile_name: str) -> HoldAnswer:
    """What the profile of that name answers for this pathway now. Refused when it cannot be asked."""
    profile = ground.profiles.get(profile_name)
    if profile is None:
        known = ", ".join(sorted(ground.profiles))
        raise Refused(
            Text(
                fr=f"Le référentiel « {profile_name} » n'est pas utilisable ici ; il y a : {known or 'aucun'}.",
                en=f"The hold profile {profile_name!r} cannot be used here; there are: {known or 'none'}.",
            ),
            kind="invalid",
            field="profile",
        )
    start = procedure_start(pathway, ground.protocol)
    if start is None:
        raise Refused(
            Text(
                fr="Fixez d'abord la date de l'intervention : le délai se compte à partir d'elle.",
                en="Set the procedure's date first: the delay counts from it.",
            )
        )
    answered = pathway.fact(ANTITHROMBOTICS)
    if unanswered(answered):
        raise Refused(
            Text(
                fr="Notez d'abord la réponse explicite sur les antithrombotiques : une absence n'est pas un non.",
                en="Record the explicit answer about antithrombotics first: silence is not a no.",
            ),
            field=ANTITHROMBOTICS,
        )
    drugs = taken(pathway)
    if not drugs:
        raise Refused(
            Text(
                fr="Aucun antithrombotique n'est pris : enregistrez « non nécessaire ».",
                en="No antithrombotic is taken: record “not required”.",
            ),
            field=ANTITHROMBOTICS,
        )
    beside = [
        ground.profiles[name] for name in profile.always_show_divergence_with if name in ground.profiles
    ]
    return hold_answer(drugs, start, ground.calendar, profile, beside, inputs(pathway, ground, start))


def proposed(answer: HoldAnswer, pathway: Pathway) -> tuple[HeldDrug, ...]:
    """The drugs for which the answer has a day, as a plan lists them. None while anything is refused or deferred."""
    if answer.status in ("refused", "defer"):
        return ()
    found = []
    for drug, said in zip(taken(pathway), answer.drugs, strict=True):
        last = said.last_intake
        if last is not None:
            text = drug.text or said.name.fr
            found.append(HeldDrug(text, last.offset_days, drug.atc, last.not_after))
    return tuple(found)


def offered(said: DrugAnswer) -> Iterator[int]:
    """Every day, counted before the procedure, that the answer leaves a signer to choose for a drug."""
    for last in (said.last_intake, *(line.last_intake for line in said.lines)):
        if last is not None:
            yield from range(last.offset_days, last.longest_offset_days + 1)


def may_go_on(said: DrugAnswer) -> bool:
    """Whether the answer leaves open that the drug is not stopped at all."""
    options = {said.status, *(line.status for line in said.lines)}
    return "continue" in options or (said.status == "ask" and not [*offered(said)])


def interactions(pathway: Pathway, profile: Profile) -> frozenset[str]:
    """The drugs of this patient that the profile knows to interact with a direct anticoagulant."""
    names = [drug.text or drug.atc for drug in taken(pathway)] + [*_other_drugs(pathway)]
    return frozenset(name for name in names if interacting(profile, name))


def taken(pathway: Pathway) -> tuple[Drug, ...]:
    """The antithrombotics taken now, as the calculator knows a drug."""
    return tuple(_drug(said, pathway) for said in _listed(pathway, ANTITHROMBOTICS))


def inputs(pathway: Pathway, ground: Ground, procedure: datetime) -> Inputs:
    """What is known of the patient; the age is that of the day of the procedure."""
    weight, creatinine = pathway.fact(WEIGHT), pathway.fact(CREATININE)
    day, born = ground.calendar.day(procedure), pathway.patient.birth_date
    gender = pathway.patient.gender
    high_risk = pathway.fact(HIGH_RISK_STENT)
    return Inputs(
        weight_kg=_number(weight),
        weight_day=ground.calendar.day(weight.at) if weight else None,
        creatinine_umol_l=_number(creatinine),
        creatinine_day=ground.calendar.day(creatinine.at) if creatinine else None,
        age=day.year - born.year - ((day.month, day.day) < (born.month, born.day)),
        sex="female" if gender == "female" else "male" if gender == "male" else None,
        stent=_day(pathway.fact(STENT)),
        high_risk_stent=high_risk is not None and high_risk.value is True,
        mi=_day(pathway.fact(MI)),
        vte=_day(pathway.fact(VTE)),
        stroke=_day(pathway.fact(STROKE)),
        others=tuple(_other_drugs(pathway)),
    )


def _other_drugs(pathway: Pathway) -> Iterator[str]:
    asked = pathway.fact(INTERACTING)
    if asked is not None and asked.value is True:
        yield "P-gp / CYP3A4"
    for said in _listed(pathway, MEDICATIONS):
        yield from (str(said[key]) for key in ("atc", "text") if said.get(key))


def _listed(pathway: Pathway, key: str) -> Iterator[dict[str, Any]]:
    fact = pathway.fact(key)
    for said in fact.value if fact is not None and isinstance(fact.value, list) else []:
        if isinstance(said, dict) and said.get("status") not in NO_LONGER_TAKEN:
            yield said


def _drug(said: dict[str, Any], pathway: Pathway) -> Drug:
    """A drug of the list. A code that is none is left out, so that the drug is refused rather than misread."""
    words = [str(said[key]) for key in ("dose_class", "frequency", "indication") if said.get(key)]
    indication = pathway.fact(INDICATION)
    text = str(said.get("text") or "")
    try:
        drug = read_drug(":".join([str(said.get("atc") or ""), *words]))
    except Malformed:
        return Drug("", text or str(said.get("atc") or ""))
    dose = _plain(f"{text} {said.get('dose') or ''}")
    frequency, time_of_day = _how_often(dose)
    shared = str(indication.value).strip().lower() if indication is not None else None
    return Drug(
        drug.atc,
        text,
        drug.dose_class or _class(drug.atc, dose),
        drug.frequency or frequency,
        drug.taken or (time_of_day if drug.frequency in (None, "once") else None),
        drug.indication or (shared if shared in INDICATIONS else None),
    )


_WORDS: tuple[tuple[str, str], ...] = (
    (r"curati|therapeuti", "therapeutic"),
    (r"preventi|prophyla", "prophylactic"),
    (r"seringue electrique|\biv\b|intraveineu|intravenous", "iv"),
)
_LEAD_IN = {
    "B01AF01": re.compile(r"15 ?mg.*(x ?2|2 ?x|2 fois|deux fois|matin et soir|bid|twice|1-0-1)"),
    "B01AF02": re.compile(r"10 ?mg.*(x ?2|2 ?x|2 fois|deux fois|matin et soir|bid|twice|1-0-1)"),
}
"""Rivaroxaban 15 mg twice, apixaban 10 mg twice a day: the first weeks of a clot (protocol reference §2.3)."""
_TWICE = re.compile(
    r"matin et (le )?soir|x ?2\b|\b2 ?x|2 fois|deux fois|\bbid\b|twice|1-0-1|12 ?h\b|morning and evening"
)


def _class(atc: str, dose: str) -> str | None:
    lead_in = _LEAD_IN.get(atc)
    if lead_in is not None and lead_in.search(dose):
        return "lead-in"
    if not atc.startswith(("B01AB", "B01AX05")):
        return None
    return next((word for pattern, word in _WORDS if re.search(pattern, dose)), None)


def _how_often(dose: str) -> tuple[Any, Any]:
    """Frequency and time of day, where the words of a dose say them."""
    if _TWICE.search(dose):
        return "twice", None
    for words, time_of_day in (
        (r"\bsoir\b|evening|0-0-1", "evening"),
        (r"\bmatin\b|morning|1-0-0", "morning"),
    ):
        if re.search(words, dose):
            return "once", time_of_day
    return None, None


def _plain(text: str) -> str:
    split = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _number(fact: Fact | None) -> float | None:
    """A value above zero; what is none cannot be computed with."""
    value = fact.value if fact is not None else None
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
    )


def _day(fact: Fact | None) -> date | None:
    try:
        return date.fromisoformat(fact.value) if fact is not None and isinstance(fact.value, str) else None
    except ValueError:
        return None
