"""Anomalies and free slots, as people meet them: without JavaScript, in both languages, and over the API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.projector import projected
from pathway import events as e
from pathway.lifecycle import VisitStatus
from pathway.refusal import Text
from store import anomalies, resources, search
from store.inbound_tables import AnomalyRow
from tests.peers.browser import PageAt
from tests.web.cast import DAY, NADIA, Ward, form_of, open_ward, text_of
from tests.web.served import serving, sign_in
from tests.web.test_accessibility import _judge

ADDRESS = "/exchanges/anomalies"


@pytest.fixture
def ward(sqlite_url: str, tmp_path: Path) -> Iterator[Ward]:
    opened = open_ward(sqlite_url, tmp_path)
    yield opened
    opened.service.close()


def weight(number: str) -> bytes:
    said = {
        "resourceType": "Observation",
        "id": "w",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"identifier": {"system": "urn:oid:1.2.250.1.999.1", "value": number}},
        "effectiveDateTime": "2027-02-28T08:00:00Z",
        "valueQuantity": {"value": 61, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }
    return json.dumps(said).encode()


def listed(ward: Ward, body: bytes) -> AnomalyRow:
    with ward.service.db.write() as session:
        return anomalies.add(
            session,
            source="labo",
            kind="unmatched",
            type="Observation",
            remote="Observation/w",
            reason=Text(fr="Aucun patient connu.", en="No known patient."),
            body=body,
            at=ward.now,
        )


def standing(ward: Ward, id_: str) -> str:
    with ward.service.db.read() as session:
        return anomalies.one(session, id_).status


def test_what_could_not_be_used_is_shown_as_it_came_and_heard_again(ward: Ward) -> None:
    row = listed(ward, weight("IPP-Marchand"))
    browser = ward.browser("nadia")
    page = browser.get(ADDRESS)
    assert "1 anomalie à traiter" in text_of(page)
    assert "Aucun patient connu." in text_of(page)
    assert "No known patient." in text_of(ward.browser("roux", "en").get(ADDRESS))
    detail = browser.get(f"{ADDRESS}/{row.id}")
    assert "29463-7" in detail.text
    pathway = ward.started()
    answer = browser.post(f"{ADDRESS}/{row.id}/replay", data=form_of(detail, f"{ADDRESS}/{row.id}/replay"))
    assert "Aucune anomalie n’attend." in text_of(answer)
    assert ward.pathway(pathway).fact("weight_kg").value == 61  # type: ignore[union-attr]
    assert standing(ward, row.id) == "settled"


def test_an_anomaly_that_is_still_not_understood_stays_with_its_reason(ward: Ward) -> None:
    row = listed(ward, b"<not json")
    browser = ward.browser("nadia")
    form = form_of(browser.get(f"{ADDRESS}/{row.id}"), f"{ADDRESS}/{row.id}/replay")
    answer = browser.post(f"{ADDRESS}/{row.id}/replay", data=form)
    assert (answer.status_code, standing(ward, row.id)) == (409, "open")
    assert "Toujours pas comprise" in text_of(answer)


def test_an_anomaly_is_set_aside_only_with_a_reason_and_by_the_ward(ward: Ward) -> None:
    row = listed(ward, weight("IPP-nobody"))
    browser = ward.browser("nadia")
    form = form_of(browser.get(f"{ADDRESS}/{row.id}"), f"{ADDRESS}/{row.id}/dismiss")
    answer = browser.post(f"{ADDRESS}/{row.id}/dismiss", data={**form, "note": " "})
    assert (answer.status_code, standing(ward, row.id)) == (422, "open")
    browser.post(f"{ADDRESS}/{row.id}/dismiss", data={**form, "note": "Patient d’un autre service"})
    assert standing(ward, row.id) == "dismissed"
    listed(ward, weight("IPP-nobody"))
    assert standing(ward, row.id) == "dismissed"
    other = listed(ward, weight("IPP-other"))
    admin = ward.browser("admin")
    page = admin.get(f"{ADDRESS}/{other.id}")
    assert "replay" not in page.text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None
    sent = admin.post(f"{ADDRESS}/{other.id}/replay", data={"csrf": csrf[1]})
    assert (sent.status_code, standing(ward, other.id)) == (403, "open")


def test_programs_see_and_settle_anomalies_as_the_person_they_speak_for(ward: Ward) -> None:
    row = listed(ward, weight("IPP-nobody"))
    browser = ward.browser("nadia")
    browser.headers["sec-fetch-site"] = "same-origin"
    (item,) = browser.get("/api/anomalies").json()["items"]
    assert (item["id"], item["kind"], "body" in item) == (row.id, "unmatched", False)
    assert "29463-7" in browser.get(f"/api/anomalies/{row.id}").json()["body"]
    assert browser.post(f"/api/anomalies/{row.id}/replay").json() == {"settled": False}
    assert ward.system().post(f"/api/anomalies/{row.id}/dismiss", json={"note": "x"}).status_code == 403
    assert browser.post(f"/api/anomalies/{row.id}/dismiss", json={}).status_code == 422
    browser.post(f"/api/anomalies/{row.id}/dismiss", json={"note": "vu"})
    assert browser.post(f"/api/anomalies/{row.id}/replay").status_code == 409
    assert browser.get("/api/anomalies/none").status_code == 404


# --- slots ------------------------------------------------------------------------------------------------


def offered(ward: Ward) -> None:
    """The hospital keeps four free slots on our facade."""
    schedule: dict[str, Any] = {
        "resourceType": "Schedule",
        "id": "a",
        "actor": [{"reference": "Location/1", "type": "Location", "display": "Salle 3"}],
    }
    slots = [
        {
            "resourceType": "Slot",
            "id": f"s{number}",
            "schedule": {"reference": "Schedule/a"},
            "status": "free",
            "start": (ward.now + number * DAY).isoformat(),
            "end": (ward.now + number * DAY + timedelta(minutes=30)).isoformat(),
        }
        for number in range(1, 5)
    ]
    with ward.service.db.write() as session:
        for each in (schedule, *slots):
            resources.keep(
                session, projected(each), body=b"{}", source="agenda", patient_id=None, now=ward.now
            )


def to_be_booked(ward: Ward, family: str = "Marchand") -> str:
    pathway = ward.started(family)
    ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    return pathway


def visit_of(ward: Ward, pathway: str) -> object:
    step = ward.pathway(pathway).last("radiologist_consult")
    return step.visit if step is not None else None


def test_a_free_slot_is_chosen_on_the_page_of_the_step(ward: Ward) -> None:
    offered(ward)
    pathway = to_be_booked(ward)
    browser = ward.browser("nadia")
    link = f"/pathways/{pathway}/slots?step=radiologist_consult&amp;occurrence=1"
    assert link in browser.get(f"/pathways/{pathway}").text
    page = browser.get(link.replace("&amp;", "&"))
    assert "Salle 3" in text_of(page)
    offers = re.findall(r'name="slot" value="([^"]+)"', page.text)
    assert offers[:2] == ["Slot/s1", "Slot/s2"]
    form = form_of(page, f"/pathways/{pathway}/slots")
    answer = browser.post(f"/pathways/{pathway}/slots", data={**form, "slot": "Slot/s2", "confirmed": "no"})
    assert answer.url.path == f"/pathways/{pathway}"
    visit = visit_of(ward, pathway)
    assert (visit.slot, visit.status, visit.place) == ("Slot/s2", VisitStatus.PENDING, "Salle 3")  # type: ignore[attr-defined]


def test_who_comes_second_is_offered_what_is_left(ward: Ward) -> None:
    offered(ward)
    one, other = to_be_booked(ward, "Petit"), to_be_booked(ward, "Nguyen")
    browser = ward.browser("nadia")
    pages = {
        pathway: browser.get(f"/pathways/{pathway}/slots?step=radiologist_consult")
        for pathway in (one, other)
    }
    answers = [
        browser.post(
            f"/pathways/{pathway}/slots",
            data={**form_of(pages[pathway], f"/pathways/{pathway}/slots"), "slot": "Slot/s1"},
        )
        for pathway in (one, other)
    ]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert "vient d’être pris" in text_of(answers[1]).replace("'", "’")
    assert "Slot/s1" not in answers[1].text
    with ward.service.db.read() as session:
        found = search.read(session, "Slot", "s1")
    assert found is not None
    assert found.content["status"] == "busy"


def test_programs_find_and_take_slots(ward: Ward) -> None:
    offered(ward)
    pathway = to_be_booked(ward)
    system = ward.system()
    found = system.get(f"/api/pathways/{pathway}/slots", params={"step": "radiologist_consult"})
    assert found.json()["items"][0]["slot"] == "Slot/s1"
    wrong = system.post(f"/api/pathways/{pathway}/slots", json={"step": "radiologist_consult"})
    assert wrong.status_code == 422
    taken = {"step": "radiologist_consult", "slot": "Slot/s1"}
    assert system.post(f"/api/pathways/{pathway}/slots", json=taken).status_code == 200
    other = to_be_booked(ward, "Petit")
    assert system.post(f"/api/pathways/{other}/slots", json=taken).status_code == 409
    assert system.get(f"/api/pathways/{pathway}/slots", params={"step": "triage"}).status_code == 404


@pytest.mark.parametrize("width", [1280, 320])
def test_neither_page_shuts_anybody_out(ward: Ward, page_at: PageAt, width: int) -> None:
    ward.hire("nadia")
    offered(ward)
    pathway = to_be_booked(ward)
    row = listed(ward, weight("IPP-nobody"))
    old = listed(ward, weight("IPP-other"))
    with ward.service.db.write() as session:
        anomalies.dismiss(session, old.id, by="Nadia", at=ward.now, note="vu")
    page = page_at(width)
    found: list[str] = []
    with serving(ward) as address:
        sign_in(page, address)
        for path in (
            ADDRESS,
            f"{ADDRESS}/{row.id}",
            f"{ADDRESS}/{old.id}",
            f"/pathways/{pathway}/slots?step=radiologist_consult",
            f"/pathways/{pathway}/slots?step=procedure",
        ):
            page.goto(address + path)
            found += _judge(page, path)
        page.context.close()
    assert not found, "\n".join(found)
