"""Where the calculator gives no date, and what it says instead: refused, deferred, asked; bridges and warnings."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.codec import Malformed
from pathway.holding.answer import HoldAnswer
from pathway.holding.asked import INDICATIONS, read_drug
from pathway.holding.profile_checks import REFUSED_BELOW
from pathway.holding.recent import months_after
from pathway.holding.said import as_json
from tests.pathway.holds import P03, PROFILES, TUESDAY, ask, ask_one, at, day, other

P04: dict[str, Any] = {"weight_kg": 55.0, "creatinine_umol_l": 152.0, "age": 86, "sex": "female"}


def dates_in(data: Any) -> list[str]:
    """Every last intake, wherever it stands in an answer's JSON."""
    if isinstance(data, dict):
        own = [data["last_intake"]["date"]] if data.get("last_intake") else []
        return own + [found for value in data.values() for found in dates_in(value)]
    return [found for item in data for found in dates_in(item)] if isinstance(data, list) else []


# --- refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["FR-2026-ELEVE", "FR-2026-TRES-ELEVE", "SIR-2019", "GIHP-2015"])
def test_p04_dabigatran_with_failing_kidneys_is_refused_in_every_profile(profile: str) -> None:
    answer = ask("B01AE07:bid", profile=profile, others=("vérapamil",), **P04)
    assert answer.status == "refused"
    assert dates_in(as_json(answer)) == []
    assert answer.longest_offset_days is None
    assert answer.sign_by is None
    dabigatran = answer.drugs[0]
    assert dabigatran.resume is None
    assert "doses" not in dabigatran.reason.en + dabigatran.source
    assert dabigatran.lab is not None
    assert dabigatran.lab.day is None


def test_the_reason_names_both_clearances_and_whom_to_ask() -> None:
    reason = ask_one("B01AE07", **P04).reason
    assert "20.3" in reason.en
    assert "26.4" in reason.en
    assert "haemostasis" in reason.en
    assert "hémostase" in reason.fr


@pytest.mark.parametrize("atc", ["B01AX99", "B01AA02", "B01AC30", "B01AF", "B01A", "B01AD02"])
def test_an_antithrombotic_that_the_profile_does_not_know_is_refused(atc: str) -> None:
    answer = ask(atc, clearance=90)
    assert answer.status == "refused"
    assert dates_in(as_json(answer)) == []
    assert "unknown" in answer.drugs[0].reason.en


def test_what_the_chosen_profile_refuses_no_other_dates() -> None:
    fluindione = ask_one("B01AA12", profile="SIR-2019")
    assert fluindione.status == "refused"
    high = other(fluindione, "FR-2026-ELEVE")
    assert high.last_intake is None
    assert "D-5" not in high.reason.en
    assert ask_one("B01AF02", profile="GIHP-2015", clearance=22).status == "refused"


def test_one_refused_drug_makes_the_whole_answer_refused_and_leaves_the_others_their_lines() -> None:
    answer = ask("B01AA03", "B01AE07", clearance=20)
    assert answer.status == "refused"
    assert [one.status for one in answer.drugs] == ["hold", "refused"]
    assert answer.sign_by is None


def test_a_drug_that_is_no_antithrombotic_goes_on() -> None:
    answer = ask("C01BD01")
    assert answer.status == "continue"
    assert answer.sign_by is None


# --- asked ------------------------------------------------------------------------------------------------


def test_aspirin_without_an_indication_asks_and_shows_what_would_be() -> None:
    answer = ask_one("B01AC06")
    assert answer.status == "ask"
    assert answer.last_intake is None
    assert {line.label: day(line.last_intake) for line in answer.lines} == {
        "primary": "03-13",
        "secondary: continue": None,
        "secondary: D-3": "03-13",
    }


def test_aspirin_after_an_infarction_is_the_centres_decision() -> None:
    answer = ask("B01AC06:secondary")
    assert answer.status == "ask"
    assert [line.status for line in answer.drugs[0].lines] == ["continue", "hold"]
    assert answer.longest_offset_days == 3, "time must be left for either answer"


@pytest.mark.parametrize("atc", ["M01AE01", "M01AH01", "N02BA01"])
def test_a_painkiller_that_thins_the_blood_is_asked_about(atc: str) -> None:
    answer = ask_one(atc)
    assert answer.status == "ask"
    assert answer.last_intake is None


def test_a_lead_in_dose_is_outside_the_table() -> None:
    answer = ask("B01AF01:lead-in", clearance=90)
    assert answer.status == "ask"
    assert dates_in(as_json(answer)["drugs"][0]["last_intake"] or {}) == []
    assert "vte-lead-in" in {one.code for one in answer.warnings}
    assert ask("B01AF01:lead-in", clearance=10).status == "refused"


# --- deferred ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("procedure", "status"), [("2027-03-23", "defer"), ("2027-03-24", "ask"), ("2027-03-25", "ask")]
)
def test_a_stent_of_less_than_thirty_days_defers(procedure: str, status: str) -> None:
    answer = ask("B01AC06:secondary", "B01AC24", procedure=at(procedure), stent=date(2027, 2, 22))
    assert answer.status == status
    if status == "defer":
        assert {one.status for one in answer.drugs} == {"defer"}
        assert dates_in(as_json(answer)) == []
        assert {one.revisit for one in answer.drugs} == {date(2027, 3, 24)}
        assert all(one.bridge is None for one in answer.drugs)


@pytest.mark.parametrize(("procedure", "status"), [("2027-08-21", "defer"), ("2027-08-22", "ask")])
def test_p05_an_infarction_defers_for_six_calendar_months(procedure: str, status: str) -> None:
    known = {"stent": date(2027, 2, 22), "mi": date(2027, 2, 22)}
    answer = ask("B01AC06:secondary", "B01AC24:bid", procedure=at(procedure), **known)
    assert answer.status == status


def test_a_high_risk_stent_counts_six_months_and_another_does_not() -> None:
    stent, may = date(2027, 2, 22), at("2027-05-04")
    assert ask("B01AC06:secondary", "B01AC04", procedure=may, stent=stent).status == "ask"
    high = ask("B01AC06:secondary", "B01AC04", procedure=may, stent=stent, high_risk_stent=True)
    assert high.status == "defer"
    assert high.drugs[0].revisit == date(2027, 8, 22)


def test_aspirin_alone_after_a_recent_stent_is_warned_about() -> None:
    answer = ask("B01AC06:primary", stent=date(2027, 3, 1))
    assert "recent-stent" in {one.code for one in answer.warnings}


def test_a_date_that_nobody_gave_is_asked_for_and_not_taken_for_no_stent() -> None:
    unknown = ask("B01AC06:secondary", "B01AC04")
    assert [one.drug for one in unknown.warnings if one.code == "stent-unknown"] == ["B01AC04"]
    long_ago = date(2020, 3, 1)
    for known in (ask("B01AC04", stent=long_ago), ask("B01AC04", mi=long_ago), ask("B01AC06:primary")):
        assert "stent-unknown" not in {one.code for one in known.warnings}


def test_an_anticoagulant_beside_a_recent_stent_keeps_its_own_line() -> None:
    answer = ask("B01AF02", "B01AC24", clearance=90, stent=date(2027, 3, 1))
    assert [one.status for one in answer.drugs] == ["hold", "defer"]
    assert answer.status == "defer"


@pytest.mark.parametrize(
    ("clot", "status", "warned"),
    [
        (date(2027, 2, 15), "defer", True),  # 29 days
        (date(2027, 2, 14), "hold", True),  # 30 days
        (date(2026, 12, 17), "hold", True),
        (date(2026, 12, 16), "hold", False),  # 3 months
    ],
)
def test_a_clot_of_less_than_a_month_defers_and_of_less_than_three_warns(
    clot: date, status: str, warned: bool
) -> None:
    answer = ask("B01AF02", clearance=90, vte=clot)
    assert answer.status == status
    assert ("recent-vte" in {one.code for one in answer.warnings}) is warned


def test_months_end_where_the_month_does() -> None:
    assert months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_after(date(2026, 12, 15), 12) == date(2027, 12, 15)


# --- bridges ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drug", ["B01AF01", "B01AF02", "B01AF03", "B01AE07"])
@pytest.mark.parametrize("indication", INDICATIONS)
def test_no_bridge_is_ever_proposed_for_a_direct_anticoagulant(drug: str, indication: str) -> None:
    bridge = ask_one(f"{drug}:{indication}", clearance=90).bridge
    assert bridge is not None
    assert (bridge.propose, bridge.first, bridge.last) == ("none", None, None)


@pytest.mark.parametrize("drug", ["B01AC04", "B01AC06:primary", "B01AC22", "B01AC24"])
def test_an_antiplatelet_agent_is_never_bridged(drug: str) -> None:
    bridge = ask_one(drug).bridge
    assert bridge is not None
    assert bridge.propose == "none"


@pytest.mark.parametrize(
    ("indication", "vte", "propose"),
    [
        ("af", None, "none"),
        ("af-embolism", None, "propose"),
        ("mechanical-valve", None, "propose"),
        ("vte", date(2026, 6, 1), "none"),
        ("vte", date(2027, 1, 20), "propose"),
        (None, None, "ask"),
    ],
)
def test_warfarin_is_bridged_only_where_the_text_says_so(
    indication: str | None, vte: date | None, propose: str
) -> None:
    bridge = ask_one(f"B01AA03:{indication}" if indication else "B01AA03", vte=vte).bridge
    assert bridge is not None
    assert bridge.propose == propose
    if propose == "propose":
        assert bridge.first is not None
        assert bridge.last is not None
        assert (day(bridge.first), bridge.first.clock) == ("03-13", "evening")
        assert (day(bridge.last), bridge.last.clock) == ("03-15", "morning")
    else:
        assert bridge.first is None


def test_a_bridge_says_what_kidneys_and_weight_change() -> None:
    light = ask_one("B01AA03:mechanical-valve", clearance=30, weight_kg=99.9).bridge
    heavy = ask_one("B01AA03:mechanical-valve", clearance=29.9, weight_kg=100.0).bridge
    assert light is not None
    assert heavy is not None
    assert "UFH" not in light.text.en
    assert "capped" not in light.text.en
    assert "UFH" in heavy.text.en
    assert "capped" in heavy.text.en


# --- laboratory, resumption, deadlines --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("procedure", "drawn", "again"),
    [
        ("2027-03-16", "2027-03-15", None),  # a Tuesday
        ("2027-03-15", "2027-03-12", "2027-03-15"),  # a Monday: the Friday, and the day itself
        ("2027-03-30", "2027-03-26", "2027-03-30"),  # the Tuesday after Easter Monday
        ("2027-05-07", "2027-05-05", "2027-05-07"),  # the Friday after Ascension Day
        ("2027-03-14", "2027-03-13", None),  # a Sunday: Saturday counts as the day before
    ],
)
def test_the_inr_of_a_closed_day_before_is_drawn_earlier_and_again(
    procedure: str, drawn: str, again: str | None
) -> None:
    answer = ask("B01AA03", procedure=at(procedure))
    lab = answer.drugs[0].lab
    assert lab is not None
    assert lab.day == date.fromisoformat(drawn)
    assert lab.again == (date.fromisoformat(again) if again else None)
    assert ("inr-day-closed" in {one.code for one in answer.warnings}) is (again is not None)


def test_the_signature_is_due_two_days_before_the_earliest_last_intake() -> None:
    answer = ask("B01AF02", "B01AC22", clearance=90)
    assert answer.longest_offset_days == 7
    assert answer.sign_by == date(2027, 3, 7)
    assert answer.first_message == date(2027, 3, 8)


def test_resumption_is_proposed_by_the_profile_and_red_at_the_end_of_the_third_day() -> None:
    doac, vka = ask_one("B01AF02", clearance=90).resume, ask_one("B01AA03").resume
    assert doac is not None
    assert vka is not None
    assert (doac.earliest, doac.latest, doac.red_after) == (
        date(2027, 3, 18),
        date(2027, 3, 19),
        date(2027, 3, 19),
    )
    assert (vka.earliest, vka.latest) == (date(2027, 3, 16), date(2027, 3, 17))


# --- warnings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["C08DA01", "VERAPAMIL LP 240", "vérapamil", "J02AC02", "ciclosporine"])
def test_an_interacting_drug_is_warned_about_by_code_or_by_name(named: str) -> None:
    answer = ask("B01AF02", clearance=90, others=(named,))
    assert [one.code for one in answer.warnings] == ["interaction"]
    assert ask("B01AA03", others=(named,)).warnings == ()


def test_an_interacting_drug_on_the_same_list_counts_too() -> None:
    answer = ask("B01AF02", "C01BD01", clearance=90)
    assert "interaction" in {one.code for one in answer.warnings}


@pytest.mark.parametrize(("clearance", "warned"), [(24.9, False), (25, True), (35, True), (35.1, False)])
def test_a_value_near_the_edge_of_its_band_is_warned_about(clearance: float, warned: bool) -> None:
    codes = {one.code for one in ask("B01AF02", clearance=clearance).warnings}
    assert ("band-edge" in codes) is warned


def test_a_once_daily_drug_without_an_hour_is_counted_in_the_evening_and_asked_about() -> None:
    codes = {one.code for one in ask("B01AB10:therapeutic:od").warnings}
    assert "hour-unknown" in codes
    assert not ask("B01AB10:therapeutic:od-morning").warnings
    assert not ask("B01AF01:od", clearance=90).warnings, "days do not ask for the hour"


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("od", ("once", None)),
        ("OD-Evening", ("once", "evening")),
        ("evening", ("once", "evening")),
        ("once_daily", ("once", None)),
        ("twice-daily", ("twice", None)),
        ("daily", ("once", None)),
        ("q12h", ("twice", None)),
        ("bid-evening", None),
        ("often", None),
    ],
)
def test_how_often_is_read_in_the_usual_words(word: str, read: tuple[str, str | None] | None) -> None:
    if read is None:
        with pytest.raises(Malformed, match="is not understood"):
            read_drug(f"B01AB05:{word}")
    else:
        drug = read_drug(f"B01AB05:{word}")
        assert (drug.frequency, drug.taken) == read


@pytest.mark.parametrize(("drawn", "old"), [(date(2026, 12, 16), False), (date(2026, 12, 15), True)])
def test_a_creatinine_older_than_ninety_days_at_the_procedure_is_warned_about(drawn: date, old: bool) -> None:
    answer = ask("B01AF02", creatinine_day=drawn, **P03)
    assert ("creatinine-old" in {one.code for one in answer.warnings}) is old


# --- what always holds ------------------------------------------------------------------------------------

CODES = [*sorted({atc for profile in PROFILES.values() for atc in profile.drugs if len(atc) == 7}), "B01AX99"]
TOKENS = ["", ":therapeutic", ":prophylactic", ":iv", ":sc", ":primary", ":secondary", ":bid", ":od-evening"]


@st.composite
def questions(draw: st.DrawFn) -> HoldAnswer:
    drugs = draw(st.lists(st.sampled_from([a + t for a in CODES for t in TOKENS]), min_size=1, max_size=4))
    inputs: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "clearance": st.floats(1, 150),
                "weight_kg": st.floats(35, 140),
                "creatinine_umol_l": st.floats(30, 700),
                "age": st.integers(18, 105),
                "sex": st.sampled_from(["female", "male"]),
                "stent": st.dates(date(2026, 6, 1), date(2027, 12, 1)),
                "mi": st.dates(date(2026, 6, 1), date(2027, 12, 1)),
                "vte": st.dates(date(2026, 6, 1), date(2027, 12, 1)),
            },
        )
    )
    start = draw(st.datetimes(datetime(2027, 1, 1), datetime(2028, 12, 31)))
    return ask(
        *drugs,
        profile=draw(st.sampled_from(sorted(PROFILES))),
        procedure=start.replace(tzinfo=TUESDAY.tzinfo),
        **inputs,
    )


@given(questions())
@settings(max_examples=300, deadline=None)
def test_a_refusal_and_a_deferral_carry_no_date_anywhere(answer: HoldAnswer) -> None:
    said = as_json(answer)
    for drug in said["drugs"]:
        if drug["status"] in ("refused", "defer"):
            assert dates_in(drug) == []
            assert drug["resume"] is None
            assert not drug["lab"] or drug["lab"]["date"] is None
        for line in (*drug["others"], *drug["lines"]):
            if line["status"] == "refused":
                assert dates_in(line) == []


@given(questions())
@settings(max_examples=200, deadline=None)
def test_the_answer_is_the_chosen_profiles_and_never_the_longest_of_all(answer: HoldAnswer) -> None:
    """What stands beside an answer never moves it."""
    for one in answer.drugs:
        if one.status == "hold":
            assert one.last_intake is not None
            rule = PROFILES[answer.profile].drug(one.atc)
            assert rule is not None
            parts = [rule, *rule.choices.values()]
            rules = [found for part in parts for found in (part.last, part.if_unknown, *part.bands) if found]
            offsets = {found.offset for found in rules}
            assert one.last_intake.not_after is not None or one.last_intake.offset_days in offsets


@given(questions())
@settings(max_examples=200, deadline=None)
def test_no_delay_is_invented_below_the_clearance_where_texts_end(answer: HoldAnswer) -> None:
    shown = [
        value
        for value in (answer.clearance, answer.cockcroft_gault, answer.ckd_epi)
        if value is not None and (answer.clearance is None or value == answer.clearance)
    ]
    for one in answer.drugs:
        floor = next((limit for code, limit in REFUSED_BELOW.items() if one.atc.startswith(code)), None)
        if floor is not None and (not shown or all(value < floor for value in shown)):
            assert one.status == "refused"
