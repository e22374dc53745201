"""What a changed line of the calculator could once have got wrong without a test noticing: each was a live mutant."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from pathway.holding.answer import LastIntake
from pathway.holding.asked import Drug, Inputs
from pathway.holding.days import held_days
from pathway.holding.profile import Band, DrugRule, RecentEvent, Rule, Rules
from pathway.holding.profile_checks import LONGEST_OFFSET, complaints
from pathway.holding.recent import recent_events
from pathway.holding.renal import ckd_epi_2009
from pathway.holding.said import as_json
from pathway.holding.words import by_rule
from pathway.refusal import Text
from tests.pathway.holds import P03, PROFILES, ask, ask_one, at

SIR = "SIR-2019"


@pytest.mark.parametrize(
    ("age", "umol", "estimate"),
    [
        (82, 88, 70.2),  # above kappa, where alpha has no part
        (68, 131, 47.9),
        (60, 70, 97.5),  # below it: creatinine 0.79 against 0.9, where alpha counts
    ],
)
def test_ckd_epi_is_mens_own_formula_in_men(age: int, umol: float, estimate: float) -> None:
    assert ckd_epi_2009(age, umol, "male") == pytest.approx(estimate, abs=0.1)


@pytest.mark.parametrize(
    ("taken", "ambiguous"),
    [
        ("B01AF01:od-morning", True),
        ("B01AF01:once", True),  # once a day, nobody said when: it may be in the morning
        ("B01AF01", True),
        ("B01AF01:od-evening", False),
        ("B01AF01:bid", False),
    ],
)
def test_two_doses_is_called_ambiguous_only_of_what_may_be_taken_once_in_the_morning(
    taken: str, ambiguous: bool
) -> None:
    said = ask(taken, profile=SIR, clearance=68).drugs[0].reason
    assert ("D-3 is taken" in said.en) is ambiguous
    assert ("J-3 est retenu" in said.fr) is ambiguous


def test_a_dose_nobody_stated_still_shows_the_check_its_drug_needs() -> None:
    unstated = ask_one("B01AB05", **P03)
    stated = ask_one("B01AB05:therapeutic:bid", **P03)
    assert unstated.status == "ask"
    assert stated.lab is not None
    assert unstated.lab is not None
    assert unstated.lab.test == stated.lab.test


def test_a_recent_event_that_weighs_on_an_indication_weighs_on_no_other() -> None:
    clot = RecentEvent(
        event="vte",
        drugs=("B01AA",),
        effect="defer",
        text=Text(fr="Thrombose récente.", en="Recent clot."),
        source="the centre",
        indications=("vte-recent",),
        months=1,
    )
    profile = replace(PROFILES["FR-2026-ELEVE"], recent=(clot,))
    known, day = Inputs(vte=date(2027, 3, 1)), date(2027, 3, 16)

    def weighing(indication: str | None) -> list[date]:
        drug = Drug("B01AA03", indication=indication)
        return [over for _, over in recent_events(drug, (drug,), profile, known, day)]

    assert weighing("vte-recent") == [date(2027, 4, 1)]
    assert weighing("af") == []
    assert weighing(None) == []


@pytest.mark.parametrize(
    ("rule", "fr", "en"),
    [
        (Rule(offset=3), "Dernière prise à J-3.", "Last intake on D-3."),
        (Rule(offset=4, max_offset=5), "Dernière prise à J-4…5.", "Last intake on D-4…5."),
        (
            Rule(hours=24),
            "Dernière dose au plus tard 24 h avant l’intervention.",
            "Last dose at least 24 h before the procedure.",
        ),
        (
            Rule(hours=4, max_hours=6),
            "Dernière dose au plus tard 4–6 h avant l’intervention.",
            "Last dose at least 4–6 h before the procedure.",
        ),
        (Rule(action="continue"), "Ne pas interrompre.", "Do not interrupt."),
        (Rule(action="refuse"), "Ce texte ne donne aucun délai.", "This text gives no delay."),
        (Rule(action="ask"), "À décider par le signataire.", "For the signer to decide."),
        (
            Rule(offset=3, confirm=True),
            "Dernière prise à J-3. À confirmer par le signataire.",
            "Last intake on D-3. The signer has to confirm it.",
        ),
    ],
)
def test_a_rule_is_read_aloud_in_both_languages(rule: Rule, fr: str, en: str) -> None:
    assert by_rule(rule) == Text(fr=fr, en=en)


SHAPE = {
    "answer": "status signed note note_fr profile profile_version profile_digest procedure zone inputs renal "
    "longest_offset_days sign_by first_message drugs warnings",
    "renal": "clearance cockcroft_gault ckd_epi",
    "drugs": "atc name name_fr status last_intake lines lab resume bridge reason reason_fr source revisit others",
    "last_intake": "date offset_days not_after clock earliest",
    "lines": "label title title_fr clearance status last_intake reason reason_fr source",
    "lab": "test loinc date again at_most text text_fr source",
    "resume": "earliest latest hours max_hours red_after text text_fr source",
    "bridge": "propose first last text text_fr source",
    "others": "profile version status last_intake lines differs reason reason_fr source",
    "warnings": "code atc text text_fr source",
}
"""The keys of each part of the JSON, by the name it goes by."""

INTAKES = ("earliest", "first", "last")
"""Where else a last intake stands: the earlier end of a range, and the two ends of a bridge."""


def misshapen(name: str, part: Any) -> list[str]:
    """The parts whose keys are not those of SHAPE."""
    if isinstance(part, list):
        return [found for each in part for found in misshapen(name, each)]
    if not isinstance(part, dict) or name == "inputs":
        return []
    shape = SHAPE["last_intake" if name in INTAKES else name]
    wrong = [] if list(part) == shape.split() else [f"{name}: {list(part)}"]
    return wrong + [found for key, below in part.items() for found in misshapen(key, below)]


def test_the_answer_as_json_has_all_its_keys_in_every_part() -> None:
    found = as_json(
        ask("B01AF02:bid", "B01AA03:mechanical-valve", "B01AB05", "B01AB10:therapeutic:od", **P03)
    )
    assert misshapen("answer", found) == []
    assert set(SHAPE) == {"answer"} | {key for key in keys_in(found) if key in SHAPE}


def keys_in(part: Any) -> set[str]:
    """Every key below, of parts that are there."""
    if isinstance(part, list):
        return set().union(*map(keys_in, part))
    if not isinstance(part, dict):
        return set()
    return {key for key, below in part.items() if below}.union(*map(keys_in, part.values()))


def test_a_bridge_and_an_hour_are_said_in_the_centres_zone() -> None:
    warfarin, enoxaparin = as_json(ask("B01AA03:mechanical-valve", "B01AB05:therapeutic:bid", **P03))["drugs"]
    assert warfarin["bridge"]["first"]["date"] == "2027-03-13"
    assert warfarin["bridge"]["last"]["date"] == "2027-03-15"
    assert enoxaparin["last_intake"]["not_after"] == "2027-03-15T09:30:00+01:00"


def test_the_hour_another_text_would_give_is_the_centres_too() -> None:
    found = as_json(ask("B01AB05:therapeutic:bid", **P03))
    limits = [
        one["last_intake"]["not_after"]
        for one in found["drugs"][0]["others"]
        if one["last_intake"] and one["last_intake"]["not_after"]
    ]
    assert limits
    assert all(limit.endswith("+01:00") for limit in limits)


def complaints_of(rules: DrugRule) -> list[str]:
    """What the checks say of a profile in which dabigatran has these rules."""
    profile = PROFILES["FR-2026-ELEVE"]
    return [str(one) for one in complaints(replace(profile, drugs={**profile.drugs, "B01AE07": rules}))]


def dabigatran(**rules: Any) -> DrugRule:
    return DrugRule(name=Text(fr="Dabigatran", en="Dabigatran"), source="the centre", **rules)


REFUSE = Rule(action="refuse")


def test_a_profile_may_always_refuse_dabigatran_and_never_give_it_a_delay_without_a_clearance() -> None:
    by_clearance = (Band(min=50, offset=4), Band(max=50, action="refuse"))
    assert complaints_of(dabigatran(last=REFUSE)) == []
    assert complaints_of(dabigatran(bands=by_clearance, if_unknown=REFUSE)) == []
    (found,) = complaints_of(dabigatran(bands=by_clearance, if_unknown=Rule(offset=5)))
    assert "without a clearance this drug is refused" in found
    (found,) = complaints_of(dabigatran(last=Rule(offset=5)))
    assert "below 30 mL/min no text gives a delay" in found


def test_a_delay_lies_between_none_and_the_longest_that_a_profile_may_give() -> None:
    def with_delay(**delay: Any) -> list[str]:
        return complaints_of(dabigatran(bands=(Band(min=30, **delay), Band(max=30, action="refuse"))))

    assert with_delay(offset=0) == []
    assert with_delay(offset=LONGEST_OFFSET) == []
    assert with_delay(hours=24 * LONGEST_OFFSET) == []
    assert len(with_delay(offset=LONGEST_OFFSET + 1)) == 1
    assert len(with_delay(hours=24 * LONGEST_OFFSET + 0.5)) == 1
    assert len(with_delay(offset=-1)) == 1


def test_a_drug_with_rules_by_dose_has_none_of_its_own() -> None:
    by_dose = {"therapeutic": Rules(last=REFUSE)}
    assert complaints_of(dabigatran(doses=by_dose)) == []
    assert complaints_of(dabigatran(doses=by_dose, last=REFUSE)) != []
    assert complaints_of(dabigatran(doses=by_dose, bands=(Band(action="refuse"),))) != []


def test_two_recent_events_defer_to_the_day_on_which_the_later_is_past_and_nothing_is_dated_before() -> None:
    stent = {"stent": date(2027, 3, 1), "high_risk_stent": True}
    answer = ask("B01AC04", "B01AC06", **stent)  # type: ignore[arg-type]
    assert answer.status == "defer"
    assert (answer.longest_offset_days, answer.sign_by, answer.first_message) == (None, None, None)
    for one in answer.drugs:
        assert one.revisit == date(2027, 9, 1)  # six months, not thirty days
        assert "less than a month" in one.reason.en
        assert ". High-risk stent" in one.reason.en
        assert ". Stent à haut risque" in one.reason.fr


def test_equations_in_different_bands_still_name_the_check_and_count_the_longest_delay() -> None:
    between = {**P03, "creatinine_umol_l": 104.0}
    for drug, check in (("B01AF02", "DOAC level"), ("B01AE07", "dabigatran level")):
        answer = ask_one(drug, **between)
        assert answer.lab is not None
        assert (answer.lab.test, answer.held_days) == (check, 5)


def test_texts_say_nothing_of_a_drug_that_is_no_antithrombotic() -> None:
    answer = ask_one("A02BC01")
    assert answer.status == "continue"
    assert {one.status for one in answer.others} == {"silent"}


def test_every_warning_says_its_source_its_drug_and_both_languages() -> None:
    known = {**P03, "creatinine_umol_l": 78.0, "creatinine_day": date(2026, 10, 1), "vte": date(2027, 3, 1)}
    answer = ask("B01AF02:bid", "B01AA03", others=("clarithromycine",), procedure=at("2027-03-15"), **known)
    found = {(one.code, one.drug) for one in answer.warnings}
    assert {
        ("interaction", "B01AF02"),
        ("recent-vte", "B01AF02"),
        ("recent-vte", "B01AA03"),
        ("creatinine-old", ""),
    } <= found
    for one in answer.warnings:
        assert one.source, one.code
        assert one.text.fr, one.code
        assert one.text.en, one.code


@pytest.mark.parametrize(
    ("drug", "known", "warned"),
    [
        ("B01AF02:bid", P03, set()),  # 35.3 and 53.5: one band, and farther than 5 from its edge
        ("B01AF02:bid", {"clearance": 33}, {"band-edge"}),
        ("B01AF02:bid", {"clearance": 36}, set()),
        ("B01AF02:bid", {**P03, "creatinine_umol_l": 104.0}, {"band-edge", "metrics-differ"}),
        ("B01AB05:therapeutic:bid", {"clearance": 33}, set()),
        ("B01AB05:prophylactic:bid", {"clearance": 33}, {"band-edge"}),  # this dose has bands, the other none
    ],
)
def test_a_clearance_is_warned_of_near_an_edge_or_across_one_and_nowhere_else(
    drug: str, known: dict[str, Any], warned: set[str]
) -> None:
    found = [one for one in ask(drug, **known).warnings if one.code in ("band-edge", "metrics-differ")]
    assert {one.code for one in found} == warned
    assert all(one.source and one.drug == drug[:7] for one in found)


def test_hours_count_as_days_rounded_up_and_what_goes_on_counts_none() -> None:
    on_the_day = LastIntake(date(2027, 3, 16), 0)
    for hours, days in ((4, 1), (24, 1), (24.5, 2), (48, 2), (49, 3)):
        assert held_days(Rule(hours=hours), on_the_day) == days
    assert held_days(Rule(hours=12, max_hours=48), on_the_day) == 2
    assert held_days(Rule(action="continue"), None) == 0
    assert ask("A02BC01").longest_offset_days == 0
