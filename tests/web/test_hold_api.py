"""The hold calculator as a system asks it."""

from typing import Any

import pytest

from tests.web.cast import Ward

ASKED: dict[str, Any] = {
    "profile": "FR-2026-ELEVE",
    "procedure": "2027-03-16T09:30",
    "zone": "Europe/Paris",
    "drugs": ["B01AF02:bid"],
    "clearance": 35,
}


def test_the_api_answers_what_the_command_line_does(any_ward: Ward) -> None:
    answer = any_ward.system().post("/api/hold/plan", json=ASKED)
    assert answer.status_code == 200
    found = answer.json()
    assert found["status"] == "hold"
    assert found["drugs"][0]["last_intake"]["date"] == "2027-03-13"
    assert found["signed"] is False


def test_a_drug_may_be_said_in_parts(ward: Ward) -> None:
    drug = {"atc": "B01AB05", "dose_class": "therapeutic", "frequency": "od-evening", "text": "Lovenox"}
    found = ward.system().post("/api/hold/plan", json={**ASKED, "drugs": [drug]}).json()
    assert found["drugs"][0]["last_intake"]["date"] == "2027-03-14"


def test_a_refusal_carries_no_date(ward: Ward) -> None:
    asked = {**ASKED, "drugs": ["B01AE07"], "clearance": 29.9}
    found = ward.system().post("/api/hold/plan", json=asked).json()
    assert found["status"] == "refused"
    assert found["drugs"][0]["last_intake"] is None


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"profile": "X"}, "profile", "there is no hold profile"),
        ({"drugs": []}, "drugs", "name at least one drug"),
        ({"drugs": ["B01AF02"] * 51}, "drugs", "ask for 50 at most"),
        ({"drugs": ["apixaban"]}, "drugs[0]", "is no ATC code"),
        ({"drugs": [{"atc": "B01AF02", "dose": 5}]}, "drugs[0].dose", "is not known here"),
        ({"procedure": "2027-03-16"}, "procedure", "has no time of day"),
        ({"clearance": "35"}, "clearance", "expected a number"),
        ({"clearance": None, "weight": 1}, "weight_kg", "must lie between"),
        ({"zone": "../etc"}, "zone", "is no time zone"),
        ({"patient": "x"}, "patient", "is not known here"),
    ],
)
def test_a_mistake_names_its_field(ward: Ward, change: dict[str, Any], field: str, said: str) -> None:
    answer = ward.system().post("/api/hold/plan", json={**ASKED, **change})
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert said in answer.json()["message"]


def test_nobody_asks_without_a_token(ward: Ward) -> None:
    assert ward.browser().post("/api/hold/plan", json=ASKED).status_code in (401, 403)
