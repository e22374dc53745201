"""What a signer should know beside the dates: interacting drugs, a band's edge, a closed laboratory, old creatinine."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import timedelta

from pathway.holding import words
from pathway.holding.answer import DrugAnswer, Warned
from pathway.holding.asked import Drug
from pathway.holding.days import is_taken_for_evening
from pathway.holding.judge import Case
from pathway.holding.profile import Interaction, Profile
from pathway.holding.recent import recent_events
from pathway.refusal import Text

DOAC = ("B01AF", "B01AE07")


def warnings(answers: tuple[DrugAnswer, ...], profile: Profile, case: Case) -> Iterator[Warned]:
    """Every warning, in the order of the drugs."""
    for drug, answer in zip(case.drugs, answers, strict=True):
        yield from _interactions(drug, profile, case)
        yield from _clearance(drug, profile, case)
        yield from _lead_in(drug, profile)
        for event, _ in recent_events(
            drug, case.drugs, profile, case.inputs, case.calendar.day(case.procedure)
        ):
            if event.effect == "warn":
                yield Warned(f"recent-{event.event}", event.text, event.source, drug.atc)
        yield from _stent_unknown(drug, profile, case)
        yield from _hour_unknown(drug, answer)
        yield from _closed_laboratory(answer, case)
    yield from _old_creatinine(profile, case)


def _interactions(drug: Drug, profile: Profile, case: Case) -> Iterator[Warned]:
    beside = [*(one.atc for one in case.drugs if one is not drug), *(one.text for one in case.drugs)]
    for rule in profile.interactions:
        found = [name for name in (*beside, *case.inputs.others) if name and _interacts(rule, name)]
        if found and drug.atc.startswith(rule.drugs):
            names = ", ".join(dict.fromkeys(found))
            text = Text(fr=f"{names} : {rule.text.fr}", en=f"{names}: {rule.text.en}")
            yield Warned("interaction", text, rule.source, drug.atc)


def interacting(profile: Profile, name: str) -> bool:
    """Whether the profile knows this drug, by its code or its name, to interact with another."""
    return any(_interacts(rule, name) for rule in profile.interactions)


def _interacts(rule: Interaction, name: str) -> bool:
    plain = _plain(name)
    return name.upper().startswith(rule.atc) or any(_plain(word) in plain for word in rule.names)


def _plain(text: str) -> str:
    """Lower case without accents: vérapamil and VERAPAMIL are one word."""
    split = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _clearance(drug: Drug, profile: Profile, case: Case) -> Iterator[Warned]:
    """A value near an edge of its bands, and equations that disagree though the profile looks at one alone."""
    rule = profile.drug(drug.atc)
    if rule is None:
        return
    chosen = rule.choices.get(drug.dose_class or "") or rule
    edges = [band.min for band in chosen.bands if band.min is not None]
    margin = profile.limit("band_edge_margin")
    for metric, value in case.clearances(profile).items():
        for edge in edges:
            if margin is not None and abs(value - edge) <= margin:
                yield Warned("band-edge", _near(metric, value, edge), _source(profile), drug.atc)
    both = case.inputs.kidneys
    if both is None or not edges:
        return
    seen = {"cockcroft_gault": both.cockcroft_gault, "ckd_epi": both.ckd_epi}
    if case.inputs.clearance is not None:
        seen["clearance"] = case.inputs.clearance
    if len({sum(value >= edge for edge in edges) for value in seen.values()}) > 1:
        shown = words.clearances(seen)
        text = Text(
            fr=f"Les clairances tombent dans des tranches différentes ({shown.fr}).",
            en=f"The clearances fall into different bands ({shown.en}).",
        )
        yield Warned("metrics-differ", text, profile.source, drug.atc)


def _near(metric: str, value: float, edge: float) -> Text:
    name, shown = words.METRIC[metric], words.number(value)
    return Text(
        fr=f"{name.fr} {shown} mL/min, proche de la limite de {edge:g} : une valeur voisine changerait le délai.",
        en=f"{name.en} {shown} mL/min, near the limit of {edge:g}: a neighbouring value would change the delay.",
    )


def _source(profile: Profile) -> str:
    return profile.thresholds["band_edge_margin"].source


def _lead_in(drug: Drug, profile: Profile) -> Iterator[Warned]:
    rule = profile.drug(drug.atc)
    if rule is not None and rule.lead_in is not None and drug.dose_class == "lead-in":
        yield Warned("vte-lead-in", rule.lead_in, rule.source or profile.source, drug.atc)


def _stent_unknown(drug: Drug, profile: Profile, case: Case) -> Iterator[Warned]:
    """A date that nobody gave is not the same as no stent: such a drug is often taken because of one."""
    if case.inputs.stent is not None or case.inputs.mi is not None:
        return
    for rule in profile.recent:
        if (rule.event, rule.effect) != ("stent", "defer") or not drug.atc.startswith(rule.drugs):
            continue
        text = Text(
            fr="Ni date de stent ni date d’infarctus : à demander avant d’arrêter cet antiagrégant.",
            en="No date of a stent or an infarction: ask before this antiplatelet agent is stopped.",
        )
        yield Warned("stent-unknown", text, rule.source, drug.atc)


def _hour_unknown(drug: Drug, answer: DrugAnswer) -> Iterator[Warned]:
    """Where hours count, the hour of a drug taken once a day changes the day of its last dose."""
    last = answer.last_intake
    if last is None or last.not_after is None or not is_taken_for_evening(drug):
        return
    text = Text(
        fr="Prise une fois par jour, heure inconnue : comptée comme prise le soir ; à demander.",
        en="Taken once a day, hour unknown: counted as taken in the evening; ask.",
    )
    yield Warned("hour-unknown", text, "centre default, unsourced", drug.atc)


def _closed_laboratory(answer: DrugAnswer, case: Case) -> Iterator[Warned]:
    """The INR of the day before, when the day before is a Sunday or a public holiday (Monday procedures)."""
    lab = answer.lab
    if lab is None or lab.again is None:
        return
    eve = case.calendar.day(case.procedure) - timedelta(days=1)
    text = Text(
        fr=f"La veille ({eve.isoformat()}) est un dimanche ou un jour férié : {lab.test} le {lab.day}, puis de nouveau "
        "le jour de l’intervention avant le GO.",
        en=f"The day before ({eve.isoformat()}) is a Sunday or a public holiday: {lab.test} on {lab.day}, and again on "
        "the day of the procedure before GO.",
    )
    yield Warned("inr-day-closed", text, lab.source, answer.atc)


def _old_creatinine(profile: Profile, case: Case) -> Iterator[Warned]:
    limit, drawn = profile.limit("creatinine_max_age_days"), case.inputs.creatinine_day
    if limit is None or drawn is None or case.inputs.clearance is not None:
        return
    age = (case.calendar.day(case.procedure) - drawn).days
    if age > limit and any(drug.atc.startswith(DOAC) for drug in case.drugs):
        text = Text(
            fr=f"La créatinine aura {age} jours à l’intervention (plus de {limit:g}) : à refaire.",
            en=f"The creatinine will be {age} days old at the procedure (more than {limit:g}): draw it again.",
        )
        yield Warned("creatinine-old", text, profile.thresholds["creatinine_max_age_days"].source)
