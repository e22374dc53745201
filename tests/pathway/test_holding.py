"""The calculator against the reference's vectors and their neighbours: each band edge, each drug, each text."""

from datetime import UTC, date, datetime

import pytest

from pathway.holding.asked import Inputs
from pathway.holding.renal import ckd_epi_2009, cockcroft_gault, umol_l
from tests.pathway.holds import CENTRE, P03, PROFILES, ask, ask_one, at, day, other

SIR, VERY_HIGH, GIHP, HAS = "SIR-2019", "FR-2026-TRES-ELEVE", "GIHP-2015", "HAS-2008"

# --- the vectors of the reference (§2.7), D0 = Tuesday 2027-03-16 09:30 -----------------------------------


@pytest.mark.parametrize(
    ("drug", "clearance", "last", "others"),
    [
        ("B01AF02:bid", 68, "03-13", {SIR: "03-13", VERY_HIGH: "03-11"}),
        ("B01AF02:bid", 35, "03-13", {SIR: "03-12", VERY_HIGH: "03-11"}),
        ("B01AF02:bid", 22, "03-11", {SIR: "03-12"}),
        ("B01AE07:bid", 55, "03-13", {GIHP: "03-12"}),
        ("B01AE07:bid", 40, "03-11", {SIR: "03-12"}),
        ("B01AA03", None, "03-10", {HAS: "03-11", SIR: "03-10"}),
        ("B01AA12", None, "03-11", {}),
        ("B01AA07", None, "03-12", {}),
        ("B01AC04", None, "03-11", {SIR: "03-10"}),
        ("B01AC24", None, "03-11", {SIR: "03-10"}),
        ("B01AC22", None, "03-09", {SIR: "03-08"}),
        ("B01AC06:primary", None, "03-13", {SIR: "03-12"}),
        ("B01AB05:therapeutic:bid", None, "03-15", {}),
        ("B01AB05:therapeutic:od-evening", None, "03-14", {}),
        ("B01AX05:therapeutic", 60, "03-12", {SIR: "03-13"}),
    ],
)
def test_the_vectors_of_the_reference(
    drug: str, clearance: float | None, last: str, others: dict[str, str]
) -> None:
    answer = ask_one(drug, clearance=clearance)
    assert answer.status == "hold"
    assert day(answer.last_intake) == last
    for profile, shown in others.items():
        assert day(other(answer, profile).last_intake) == shown


def test_a_range_is_shown_by_both_its_ends_and_asks() -> None:
    dabigatran = other(ask_one("B01AE07", clearance=40), SIR)
    assert dabigatran.status == "ask"
    assert dabigatran.last_intake is not None
    assert (day(dabigatran.last_intake), day(dabigatran.last_intake.earliest)) == ("03-12", "03-11")
    aspirin = other(ask_one("B01AC06:primary"), SIR).last_intake
    assert aspirin is not None
    assert (day(aspirin), day(aspirin.earliest)) == ("03-12", "03-10")
    fondaparinux = ask_one("B01AX05:therapeutic", profile=SIR, clearance=49.9).last_intake
    assert fondaparinux is not None
    assert (fondaparinux.offset_days, fondaparinux.longest_offset_days) == (4, 6)
    assert ask("B01AX05:therapeutic", profile=SIR, clearance=49.9).longest_offset_days == 6


def test_the_evening_is_said_where_it_is_the_last_of_two_doses() -> None:
    intake = ask_one("B01AF02:bid", clearance=68).last_intake
    assert intake is not None
    assert intake.clock == "evening"
    once = ask_one("B01AF01:od-morning", clearance=68).last_intake
    assert once is not None
    assert once.clock == "morning"


def test_warfarin_brings_an_inr_the_day_before_by_the_limit_of_its_profile() -> None:
    usual, strict = ask_one("B01AA03"), ask_one("B01AA03", profile=VERY_HIGH)
    assert usual.lab is not None
    assert strict.lab is not None
    assert (usual.lab.test, usual.lab.day, usual.lab.at_most) == ("INR", date(2027, 3, 15), 1.5)
    assert strict.lab.at_most == 1.2
    assert usual.last_intake == strict.last_intake
    assert other(usual, HAS).differs
    assert not other(usual, SIR).differs


def test_an_unmoved_clock_over_the_change_of_clocks() -> None:
    answer = ask_one("B01AF02:bid", clearance=68, procedure=at("2027-03-30")).last_intake
    assert answer is not None
    assert (answer.day, answer.not_after) == (date(2027, 3, 27), None)


# --- band edges: just below, at, just above ---------------------------------------------------------------

EDGES = [
    ("B01AF02", "FR-2026-ELEVE", {14.99: None, 15: 5, 15.01: 5, 29.99: 5, 30: 3, 30.01: 3, 49.99: 3, 50: 3}),
    ("B01AF01", "FR-2026-ELEVE", {14.99: None, 15: 5, 15.01: 5, 29.99: 5, 30: 3, 30.01: 3}),
    ("B01AF03", "FR-2026-ELEVE", {14.99: None, 15: 5, 15.01: 5, 29.99: 5, 30: 3, 30.01: 3}),
    ("B01AE07", "FR-2026-ELEVE", {29.99: None, 30: 5, 30.01: 5, 49.99: 5, 50: 3, 50.01: 3}),
    ("B01AF02", VERY_HIGH, {14.99: None, 15: 5, 29.99: 5, 30: 5, 30.01: 5}),
    ("B01AF01", VERY_HIGH, {14.99: None, 15: 5, 30: 5}),
    ("B01AF03", VERY_HIGH, {14.99: None, 15: 5, 30: 5}),
    ("B01AE07", VERY_HIGH, {29.99: None, 30: 5, 49.99: 5, 50: 5, 50.01: 5}),
    ("B01AF02", SIR, {14.99: None, 15: 4, 49.99: 4, 50: 3, 50.01: 3}),
    ("B01AF01", SIR, {14.99: None, 15: 4, 29.99: 4, 30: 3, 49.99: 3, 50: 3}),
    ("B01AF03", SIR, {14.99: None, 15: 3, 30: 3}),
    ("B01AE07", SIR, {29.99: None, 30: 4, 49.99: 4, 50: 3}),
    ("B01AF02", GIHP, {29.99: None, 30: 3, 30.01: 3}),
    ("B01AF01", GIHP, {29.99: None, 30: 3}),
    ("B01AF03", GIHP, {29.99: None, 30: 3}),
    ("B01AE07", GIHP, {29.99: None, 30: 5, 49.99: 5, 50: 4}),
    ("B01AX05:therapeutic", SIR, {49.99: 4, 50: 3, 50.01: 3}),
]


@pytest.mark.parametrize(
    ("drug", "profile", "clearance", "offset"),
    [
        (drug, profile, clearance, offset)
        for drug, profile, edges in EDGES
        for clearance, offset in edges.items()
    ],
)
def test_each_band_includes_its_lower_edge_and_not_its_upper(
    drug: str, profile: str, clearance: float, offset: int | None
) -> None:
    answer = ask_one(drug, profile=profile, clearance=clearance)
    if offset is None:
        assert answer.status == "refused"
        assert answer.last_intake is None
    else:
        assert answer.last_intake is not None
        assert answer.last_intake.offset_days == offset


def test_the_value_is_compared_unrounded_and_shown_on_its_own_side_of_the_edge() -> None:
    answer = ask_one("B01AE07", clearance=29.999)
    assert answer.status == "refused"
    assert "29.9" in answer.reason.en
    assert "no published delay" in answer.reason.en


@pytest.mark.parametrize("profile", [VERY_HIGH])
def test_five_days_or_more_is_five_to_be_confirmed(profile: str) -> None:
    for drug, clearance in (("B01AF02", 22.0), ("B01AE07", 40.0)):
        answer = ask_one(drug, profile=profile, clearance=clearance)
        assert answer.status == "ask"
        assert day(answer.last_intake) == "03-11"
        assert "confirm" in answer.reason.en
    assert ask_one("B01AF01", profile=profile, clearance=22).status == "hold"


# --- every drug of every profile --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "drug", "offset"),
    [
        (VERY_HIGH, "B01AA03", 6),
        (VERY_HIGH, "B01AA12", 5),
        (VERY_HIGH, "B01AA07", 4),
        (VERY_HIGH, "B01AC04", 5),
        (VERY_HIGH, "B01AC24", 5),
        (VERY_HIGH, "B01AC22", 7),
        (VERY_HIGH, "B01AX05:therapeutic", 4),
        (SIR, "B01AA03", 6),
        (SIR, "B01AC04", 6),
        (SIR, "B01AC24", 6),
        (SIR, "B01AC22", 8),
        (SIR, "B01AB05:prophylactic", 2),
        (HAS, "B01AA03", 5),
        (HAS, "B01AA12", 5),
    ],
)
def test_what_the_other_profiles_say_when_chosen(profile: str, drug: str, offset: int) -> None:
    answer = ask_one(drug, profile=profile, clearance=60)
    assert answer.status == "hold"
    assert answer.last_intake is not None
    assert answer.last_intake.offset_days == offset


@pytest.mark.parametrize("lmwh", ["B01AB05", "B01AB10", "B01AB04", "B01AB06"])
def test_every_low_molecular_weight_heparin_counts_in_real_hours(lmwh: str) -> None:
    curative = ask_one(f"{lmwh}:therapeutic").last_intake
    assert curative is not None
    assert curative.not_after == at("2027-03-15")
    for clearance, hours_day in ((None, "03-15"), (30, "03-15"), (29.99, "03-15")):
        answer = ask_one(f"{lmwh}:prophylactic", clearance=clearance)
        assert answer.status == "ask"
        assert day(answer.last_intake) == hours_day
        assert answer.last_intake is not None
        wall = "09:30" if clearance == 29.99 else "21:30"
        assert answer.last_intake.not_after == at("2027-03-15", wall)
    which = ask_one(lmwh)
    assert which.status == "ask"
    assert which.last_intake is None
    assert {line.label for line in which.lines} == {"therapeutic", "prophylactic"}


def test_unfractionated_heparin_by_its_route() -> None:
    intravenous = ask_one("B01AB01:iv").last_intake
    assert intravenous is not None
    assert (intravenous.not_after, intravenous.offset_days) == (at("2027-03-16", "03:30"), 0)
    assert ask("B01AB01:iv").longest_offset_days == 1, "hours count as days back, rounded up"
    under_the_skin = ask_one("B01AB01:sc").last_intake
    assert under_the_skin is not None
    assert under_the_skin.not_after == at("2027-03-15")
    assert ask_one("B01AB01").status == "ask"
    assert day(other(ask_one("B01AB01:iv"), HAS).last_intake) == "03-16"


def test_fondaparinux_for_prevention_is_42_hours_to_confirm() -> None:
    answer = ask_one("B01AX05:prophylactic", clearance=60)
    assert answer.status == "ask"
    assert answer.last_intake is not None
    assert answer.last_intake.not_after == at("2027-03-14", "15:30")
    assert ask("B01AX05:prophylactic").longest_offset_days == 2


@pytest.mark.parametrize(
    ("procedure", "drug", "last"),
    [
        ("08:00", "B01AB05:therapeutic:bid", "03-15 morning"),  # the limit is included
        ("07:59", "B01AB05:therapeutic:bid", "03-14 evening"),
        ("08:01", "B01AB05:therapeutic:bid", "03-15 morning"),
        ("19:59", "B01AB05:therapeutic:od-evening", "03-14 evening"),
        ("20:00", "B01AB05:therapeutic:od-evening", "03-15 evening"),
        ("07:59", "B01AB05:therapeutic:od-morning", "03-14 morning"),
        ("08:00", "B01AB05:therapeutic:od-morning", "03-15 morning"),
        ("14:00", "B01AB05:therapeutic", "03-15 usual"),
        ("09:30", "B01AB05:therapeutic:od", "03-14 evening"),
    ],
)
def test_an_item_in_hours_ends_with_the_last_usual_dose_at_or_before_its_limit(
    procedure: str, drug: str, last: str
) -> None:
    found = ask_one(drug, procedure=at("2027-03-16", procedure)).last_intake
    assert found is not None
    assert f"{day(found)} {found.clock}" == last


def test_hours_are_elapsed_hours_over_the_change_of_clocks() -> None:
    spring = ask_one("B01AB05:therapeutic", procedure=at("2027-03-28")).last_intake
    assert spring is not None
    assert spring.not_after == datetime(2027, 3, 27, 7, 30, tzinfo=UTC)
    assert CENTRE.local(spring.not_after).strftime("%H:%M") == "08:30"
    autumn = ask_one("B01AB05:therapeutic", procedure=at("2027-10-31")).last_intake
    assert autumn is not None
    assert autumn.not_after is not None
    assert CENTRE.local(autumn.not_after).strftime("%H:%M") == "10:30"
    midnight = ask("B01AB05:therapeutic", procedure=at("2027-03-29", "00:30"))
    assert midnight.longest_offset_days == 2, "24 real hours before Monday 00:30 is Saturday 23:30"


# --- kidneys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "kg", "umol", "sex", "cg", "epi"),
    [
        (79, 62, 58, "female", 68, 84),  # P01
        (82, 74, 88, "male", 60, None),  # P02
        (84, 52, 86, "female", 35, 53),  # P03
        (86, 55, 152, "female", 20, 26),  # P04
        (68, 70, 131, "male", 47, None),  # P06
        (77, 60, 70, "female", 56, None),  # P08
    ],
)
def test_both_equations_as_the_reference_computes_them(
    age: int, kg: float, umol: float, sex: str, cg: int, epi: int | None
) -> None:
    assert sex in ("female", "male")
    assert round(cockcroft_gault(age, kg, umol, sex)) == cg  # type: ignore[arg-type]
    if epi is not None:
        assert int(ckd_epi_2009(age, umol, sex)) == epi  # type: ignore[arg-type]


def test_creatinine_in_either_unit_is_the_same_patient() -> None:
    assert cockcroft_gault(84, 52, umol_l(0.97), "female") == pytest.approx(
        (140 - 84) * 52 / (72 * 0.97) * 0.85
    )


def test_p03_shows_three_candidates_and_takes_none_by_itself() -> None:
    answer = ask("B01AF02:bid", procedure=at("2027-03-23"), **P03)
    apixaban = answer.drugs[0]
    assert answer.cockcroft_gault == pytest.approx(35.3, abs=0.1)
    assert answer.ckd_epi == pytest.approx(53.4, abs=0.1)
    assert day(apixaban.last_intake) == "03-20"
    assert day(other(apixaban, SIR).last_intake) == "03-19"
    assert day(other(apixaban, VERY_HIGH).last_intake) == "03-18"
    assert apixaban.bridge is not None
    assert apixaban.bridge.propose == "none"


def test_equations_in_different_bands_ask_with_both_lines() -> None:
    inputs = {**P03, "creatinine_umol_l": 104.0}  # Cockcroft–Gault 29, CKD-EPI 42
    answer = ask_one("B01AF02", **inputs)
    assert answer.status == "ask"
    assert answer.last_intake is None
    assert {line.label: day(line.last_intake) for line in answer.lines} == {
        "cockcroft_gault": "03-11",
        "ckd_epi": "03-13",
    }
    dabigatran = ask_one("B01AE07", **inputs)
    assert dabigatran.status == "ask"
    by = {line.label: line for line in dabigatran.lines}
    assert by["cockcroft_gault"].status == "refused"
    assert by["cockcroft_gault"].last_intake is None
    assert "metrics-differ" in {one.code for one in ask("B01AF02", **inputs).warnings}


def test_a_profile_looks_at_the_equation_it_names_and_says_when_the_other_disagrees() -> None:
    answer = ask("B01AF02", profile=SIR, **P03)
    assert answer.status == "hold"
    assert day(answer.drugs[0].last_intake) == "03-12"
    assert "metrics-differ" in {one.code for one in answer.warnings}


def test_a_clearance_that_is_given_is_used_as_it_is() -> None:
    answer = ask("B01AE07", clearance=55.0, **P03)
    assert answer.status == "hold"
    assert answer.cockcroft_gault is not None
    assert "metrics-differ" in {one.code for one in answer.warnings}


@pytest.mark.parametrize("missing", ["weight_kg", "creatinine_umol_l", "age", "sex"])
def test_a_renal_drug_is_refused_when_its_clearance_cannot_be_computed(missing: str) -> None:
    inputs = {key: value for key, value in P03.items() if key != missing}
    answer = ask_one("B01AF02", **inputs)
    assert answer.status == "refused"
    assert answer.last_intake is None
    assert Inputs(**inputs).missing == (missing,)


def test_a_drug_without_renal_bands_needs_no_clearance() -> None:
    assert ask("B01AA03", "B01AC04").status == "hold"


# --- all the profiles that ship ---------------------------------------------------------------------------


def test_each_number_of_each_profile_says_where_it_comes_from() -> None:
    for profile in PROFILES.values():
        assert profile.digest
        for rule in profile.drugs.values():
            parts = [rule, *rule.choices.values()]
            assert all(part.source or rule.source for part in parts)
        assert all(limit.source for limit in profile.thresholds.values())


def test_the_very_high_profile_is_the_high_one_where_it_says_nothing_else() -> None:
    high, very_high = PROFILES["FR-2026-ELEVE"], PROFILES[VERY_HIGH]
    changed = {"B01AF01", "B01AF02", "B01AF03", "B01AE07"}
    for atc, rule in high.drugs.items():
        assert (very_high.drugs[atc] == rule) is (atc not in changed)
    assert very_high.limit("inr_max") == 1.2
    assert very_high.limit("platelets_min") == high.limit("platelets_min") == 50
    assert very_high.resume == high.resume
