"""The sentences of an answer, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor

from pathway.holding.profile import Band, DrugRule, Rule, Rules
from pathway.refusal import Text

METRIC: dict[str, Text] = {
    "cockcroft_gault": Text(fr="Cockcroft–Gault", en="Cockcroft–Gault"),
    "ckd_epi": Text(fr="CKD-EPI 2009", en="CKD-EPI 2009"),
    "clearance": Text(fr="Clairance donnée", en="Clearance as given"),
}

_INPUT: dict[str, Text] = {
    "weight_kg": Text(fr="le poids", en="weight"),
    "creatinine_umol_l": Text(fr="la créatinine", en="creatinine"),
    "age": Text(fr="l’âge", en="age"),
    "sex": Text(fr="le sexe", en="sex"),
}

_CLASS: dict[str, Text] = {
    "therapeutic": Text(fr="dose curative", en="therapeutic dose"),
    "prophylactic": Text(fr="dose préventive", en="prophylactic dose"),
    "iv": Text(fr="voie IV", en="intravenous"),
    "sc_therapeutic": Text(fr="SC curative", en="subcutaneous, therapeutic"),
    "primary": Text(fr="prévention primaire", en="primary prevention"),
    "secondary": Text(fr="prévention secondaire", en="secondary prevention"),
}


def number(value: float) -> str:
    """A clearance to one decimal, cut and not rounded, so that 29.99 is never shown on the wrong side of 30."""
    return f"{floor(value * 10) / 10:g}"


def label(key: str) -> Text:
    """The name of a line: an equation, a dose class, an indication."""
    return METRIC.get(key) or _CLASS.get(key) or Text(fr=key, en=key)


def option(rule: Rule) -> Text:
    """The name of one of the answers that a signer chooses from."""
    if rule.action == "continue":
        return Text(fr="continuer", en="continue")
    days = f"{rule.offset}" if rule.max_offset is None else f"{rule.offset}…{rule.max_offset}"
    return Text(fr=f"J-{days}", en=f"D-{days}") if rule.offset is not None else by_rule(rule)


def band_name(band: Band) -> str:
    """``30–50`` mL/min; ``≥ 50`` and ``< 15`` at the ends."""
    if band.min is None:
        return f"< {band.max:g}" if band.max is not None else "≥ 0"
    return f"≥ {band.min:g}" if band.max is None else f"{band.min:g}–{band.max:g}"


def by_rule(rule: Rule) -> Text:
    """What a rule says, without any date."""
    if rule.reason is not None:
        return rule.reason
    if rule.offset is not None:
        days = f"{rule.offset}" if rule.max_offset is None else f"{rule.offset}…{rule.max_offset}"
        return _confirm(rule, Text(fr=f"Dernière prise à J-{days}.", en=f"Last intake on D-{days}."))
    if rule.hours is not None:
        hours = f"{rule.hours:g}" if rule.max_hours is None else f"{rule.hours:g}–{rule.max_hours:g}"
        return _confirm(
            rule,
            Text(
                fr=f"Dernière dose au plus tard {hours} h avant l’intervention.",
                en=f"Last dose at least {hours} h before the procedure.",
            ),
        )
    if rule.action == "continue":
        return Text(fr="Ne pas interrompre.", en="Do not interrupt.")
    if rule.action == "refuse":
        return Text(fr="Ce texte ne donne aucun délai.", en="This text gives no delay.")
    return Text(fr="À décider par le signataire.", en="For the signer to decide.")


def _confirm(rule: Rule, said: Text) -> Text:
    if not rule.confirm:
        return said
    return Text(fr=f"{said.fr} À confirmer par le signataire.", en=f"{said.en} The signer has to confirm it.")


def clearances(values: Mapping[str, float]) -> Text:
    """Each clearance by its name: ``Cockcroft–Gault 35.3, CKD-EPI 2009 53.4 mL/min``."""
    fr = ", ".join(f"{METRIC[key].fr} {number(value)}" for key, value in values.items())
    en = ", ".join(f"{METRIC[key].en} {number(value)}" for key, value in values.items())
    return Text(fr=f"{fr} mL/min", en=f"{en} mL/min")


def with_clearances(said: Text, values: Mapping[str, float], band: Band) -> Text:
    """The same, with the clearances it was found by and the band they lie in."""
    shown, name = clearances(values), band_name(band)
    return Text(fr=f"{said.fr} {shown.fr} (tranche {name}).", en=f"{said.en} {shown.en} (band {name}).")


def refused_by_clearance(drug: DrugRule, values: Mapping[str, float], band: Band) -> Text:
    """Why a drug is refused at this clearance."""
    limit, shown = band_name(band), clearances(values)
    return Text(
        fr=f"{drug.name.fr} {limit} mL/min : aucun délai publié ({shown.fr}). À discuter avec le prescripteur, "
        "l’anesthésiste et l’hémostase.",
        en=f"{drug.name.en} {limit} mL/min: no published delay ({shown.en}). Ask the prescriber, the anaesthetist and "
        "haemostasis.",
    )


def no_clearance(drug: DrugRule, missing: tuple[str, ...]) -> Text:
    """Why a drug is refused without a clearance, and what is missing."""
    fr = ", ".join(_INPUT[name].fr for name in missing)
    en = ", ".join(_INPUT[name].en for name in missing)
    return Text(
        fr=f"{drug.name.fr} : le délai dépend de la fonction rénale ; il manque une clairance, ou {fr}.",
        en=f"{drug.name.en}: the delay depends on the kidneys; a clearance is missing, or {en}.",
    )


def metrics_differ() -> Text:
    """Two equations, two bands."""
    return Text(
        fr="Les deux équations tombent dans des tranches différentes : le signataire choisit.",
        en="The two equations fall into different bands: the signer chooses.",
    )


def ask_which(drug: DrugRule, rules: dict[str, Rules]) -> Text:
    """The dose class, route or indication is not known."""
    fr = ", ".join(label(key).fr for key in rules)
    en = ", ".join(label(key).en for key in rules)
    return Text(fr=f"{drug.name.fr} : précisez ({fr}).", en=f"{drug.name.en}: say which ({en}).")


def unknown_code(atc: str, profile: str) -> Text:
    """A code that the profile does not know."""
    return Text(
        fr=f"{atc or 'Un médicament sans code ATC'} : antithrombotique inconnu du profil {profile} ; aucun délai.",
        en=f"{atc or 'A drug without an ATC code'}: an antithrombotic unknown to the profile {profile}; no delay.",
    )


def not_concerned(atc: str) -> Text:
    """A drug that is no antithrombotic and that the profile does not mention."""
    return Text(
        fr=f"{atc} n’est pas un antithrombotique et le profil n’en dit rien.",
        en=f"{atc} is no antithrombotic and the profile says nothing of it.",
    )
