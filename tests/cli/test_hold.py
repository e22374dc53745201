"""``jalon hold plan`` as a person types it."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Shell

D0 = ("--profile", "FR-2026-ELEVE", "--procedure", "2027-03-16T09:30", "--zone", "Europe/Paris")


def said(jalon: Shell, *words: str) -> dict[str, Any]:
    answer = jalon("hold", "plan", *words, "--json")
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_the_plan_as_json_has_every_key_of_its_contract(jalon: Shell) -> None:
    found = said(jalon, *D0, "--drug", "B01AF02:therapeutic:bid", "--clearance", "35")
    assert found["status"] == "hold"
    (drug,) = found["drugs"]
    assert {"atc", "status", "last_intake", "lab", "resume", "reason", "source", "others"} <= set(drug)
    assert drug["last_intake"] == {
        "date": "2027-03-13",
        "offset_days": 3,
        "not_after": None,
        "clock": "evening",
        "earliest": None,
    }
    assert {one["profile"]: one["last_intake"]["date"] for one in drug["others"] if one["last_intake"]} == {
        "SIR-2019": "2027-03-12",
        "FR-2026-TRES-ELEVE": "2027-03-11",
        "GIHP-2015": "2027-03-13",
    }


def test_the_clearance_is_computed_from_its_inputs_and_both_are_shown(jalon: Shell) -> None:
    inputs = ("--weight", "52", "--creatinine", "86", "--age", "84", "--sex", "female")
    found = said(jalon, *D0, "--drug", "B01AF02", *inputs)
    assert round(found["renal"]["cockcroft_gault"]) == 35
    assert int(found["renal"]["ckd_epi"]) == 53
    in_mg = ("--weight", "52", "--creatinine", "0.9726mg/dL", "--age", "84", "--sex", "F")
    assert round(said(jalon, *D0, "--drug", "B01AF02", *in_mg)["renal"]["cockcroft_gault"]) == 35


def test_hours_are_an_instant_in_the_centres_zone(jalon: Shell) -> None:
    found = said(jalon, *D0, "--drug", "B01AB05:therapeutic", "--taken", "evening")
    intake = found["drugs"][0]["last_intake"]
    assert (intake["date"], intake["not_after"]) == ("2027-03-14", "2027-03-15T09:30:00+01:00")


def test_a_refusal_is_an_answer_without_a_date(jalon: Shell) -> None:
    found = said(jalon, *D0, "--drug", "B01AE07", "--clearance", "20")
    assert found["status"] == "refused"
    (drug,) = found["drugs"]
    assert drug["last_intake"] is None
    assert all(other["last_intake"] is None for other in drug["others"])


def test_several_drugs_each_have_their_line(jalon: Shell) -> None:
    words = ("--drug", "B01AC06", "--drug", "B01AC24", "--indication", "secondary", "--stent", "2027-02-22")
    found = said(jalon, *D0, *words)
    assert found["status"] == "defer"
    assert [one["status"] for one in found["drugs"]] == ["defer", "defer"]


def test_without_json_it_is_a_table_for_people(jalon: Shell) -> None:
    answer = jalon("hold", "plan", *D0, "--drug", "B01AA03:af")
    assert answer.returncode == 0
    assert "2027-03-10" in answer.stdout
    assert "HAS-2008" in answer.stdout
    assert "not CE-marked" in answer.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--drug", "apixaban"), "--drug: 'apixaban' is no ATC code; write one like B01AF02"),
        (("--drug", "B01AF02:often"), "--drug: 'often' is not understood"),
        (("--drug", "B01AF02:bid:od"), "says again what was said"),
        (("--drug", "B01AF02", "--profile", "X"), "--profile: there is no hold profile 'X'; known: FR-2026"),
        (("--drug", "B01AF02", "--zone", "Paris"), "--zone: 'Paris' is no time zone"),
        (("--drug", "B01AF02", "--procedure", "2027-03-16"), "--procedure: has no time of day"),
        (("--drug", "B01AF02", "--procedure", "soon"), "--procedure: 'soon' is no date and time"),
        (("--drug", "B01AF02", "--procedure", "2027-03-28T02:30"), "does not exist in Europe/Paris"),
        (("--drug", "B01AF02", "--clearance", "-1"), "--clearance: must lie between"),
        (("--drug", "B01AF02", "--clearance", "nan"), "--clearance: must lie between"),
        (("--drug", "B01AF02", "--creatinine", "0.97"), "--creatinine: must lie between 15 and 2500"),
        (("--drug", "B01AF02", "--creatinine", "low"), "--creatinine: 'low' is not understood"),
        (("--drug", "B01AF02", "--weight", "5200"), "--weight: must lie between"),
        (("--drug", "B01AF02", "--age", "840"), "--age: must lie between"),
        (("--drug", "B01AF02", "--sex", "x"), "--sex: 'x' is neither female nor male"),
        (("--drug", "B01AF02", "--stent", "may"), "--stent: expected a day"),
        (("--drug", "B01AF02", "--indication", "fun"), "--indication: 'fun'"),
        ((), "Missing option '--drug'"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(jalon: Shell, words: tuple[str, ...], expected: str) -> None:
    answer = jalon("hold", "plan", *D0, *words)
    assert answer.returncode != 0
    assert answer.stdout == ""
    assert expected in answer.stderr
    assert answer.stderr.count("\n") == 1
