"""The indicators as people and programs see them: page, JSON, CSV, on both databases, for whom they are meant."""

import csv
import io
from datetime import date

import pytest

from pathway import events as e
from store import indicators as reading
from store.indicators import stream
from tests.web.cast import DAY, FOUND, HOUR, KLEIN, NADIA, ROUX, Ward, text_of


def _consulted(ward: Ward, family: str) -> str:
    """A patient seen by the radiologist two days after the referral, on 3 March 2027."""
    pathway = ward.started(family)
    ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    ward.later(2 * DAY)
    ward.record(pathway, e.StepCompleted(by=ROUX, step="radiologist_consult", outcome="seen", data=FOUND))
    return pathway


def _line(ward: Ward, key: str, first: str = "2027-03-01", last: str = "2027-03-31") -> dict[str, object]:
    said = ward.browser("nadia").get("/api/indicators", params={"from": first, "to": last}).json()
    (found,) = [one for one in said["indicators"] if one["key"] == key]
    return dict(found)


def test_a_figure_comes_from_the_history_of_the_period(any_ward: Ward) -> None:
    _consulted(any_ward, "Marchand")
    found = _line(any_ward, "referral_to_consult")
    assert (found["value"], found["denominator"], found["on_target"]) == (2, 1, True)
    outside = _line(any_ward, "referral_to_consult", "2027-03-04", "2027-03-31")
    assert (outside["value"], outside["says"]) == (None, "nobody")


def test_a_signed_hold_and_a_day_given_up_are_read_from_the_lines(any_ward: Ward) -> None:
    pathway = any_ward.started()
    slot = any_ward.to_a_booked_procedure(pathway)
    any_ward.clock[0] = slot - HOUR
    missed = {"last_dose_respected": False, "reason": "prise la veille"}
    any_ward.record(pathway, e.StepCompleted(by=KLEIN, step="preop_check", outcome="no_go", data=missed))
    cancelled = _line(any_ward, "cancelled_on_day")
    assert (cancelled["numerator"], cancelled["denominator"]) == (1, 1)
    assert cancelled["parts"] == {"antithrombotic": {"numerator": 1, "denominator": 1}}
    assert _line(any_ward, "hold_compliance")["value"] == 0


def test_a_second_pathway_for_a_new_fracture_is_known_to_the_first(any_ward: Ward) -> None:
    first = any_ward.started()
    any_ward.later(90 * DAY)
    second = any_ward.started(number="R-2", onset=date(2027, 5, 20))
    assert any_ward.pathway(second).previous == first
    with any_ward.service.db.read() as session:
        found = {one.id: one.next_fracture for one in stream(session, since=any_ward.now - 99 * DAY)}
        assert list(stream(session, since=any_ward.now + DAY)) == []
    assert found == {first: date(2027, 5, 20), second: None}


def test_pathways_are_read_in_portions_and_each_once(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {ward.started(f"Essai{number}") for number in range(5)}
    monkeypatch.setattr(reading, "AT_ONCE", 2)
    with ward.service.db.read() as session:
        found = list(stream(session, since=ward.now - DAY))
    assert sorted(one.id for one in found) == sorted(ids)


def test_what_nobody_recorded_is_said_and_never_nought(ward: Ward) -> None:
    _consulted(ward, "Marchand")
    answer = ward.browser("nadia").get("/indicators?from=2027-01-01&to=2027-03-31")
    page = text_of(answer)
    assert "non enregistré 0 / 0 0 1" in page
    row = next(line for line in answer.text.split("<tr") if 'id="kpi_2"' in line)
    assert "non enregistré" in row
    assert "<strong>" not in row


def test_the_page_says_what_is_counted_and_by_which_day(ward: Ward) -> None:
    _consulted(ward, "Marchand")
    page = text_of(ward.browser("nadia").get("/indicators?from=2027-03-01&to=2027-03-31"))
    assert "Du lun. 1 mars 2027 au mer. 31 mars 2027, les deux jours compris." in page
    assert "De la demande à la consultation" in page
    assert "2 j n = 1" in page
    assert "au plus 7 j atteint" in page
    assert "jour de : Consultation de radiologie" in page
    english = text_of(ward.browser("nadia", "en").get("/indicators?from=2027-03-01&to=2027-03-31"))
    assert "Referral to consult" in english
    assert "at most 7 d met" in english


def test_without_a_period_it_is_the_last_twelve_months(ward: Ward) -> None:
    page = ward.browser("nadia").get("/indicators")
    assert 'name="from" value="2026-03-02"' in page.text
    assert 'name="to" value="2027-03-01"' in page.text
    assert "/indicators?from=2027-02-01&amp;to=2027-02-28" in page.text


def test_a_period_that_cannot_be_is_refused_where_it_was_asked_for(ward: Ward) -> None:
    browser = ward.browser("nadia")
    page = browser.get("/indicators?from=2027-03-31&to=2027-03-01")
    assert page.status_code == 422
    assert "La période finit avant de commencer" in text_of(page)
    assert 'name="from" value="2027-03-31"' in page.text
    answer = browser.get("/api/indicators?from=demain")
    assert answer.status_code == 422
    assert answer.json()["field"] == "from"
    assert browser.get("/api/indicators?from=0001-01-01").status_code == 422


def test_the_same_figures_leave_as_csv(ward: Ward) -> None:
    _consulted(ward, "Marchand")
    browser = ward.browser("nadia")
    page = browser.get("/indicators?from=2027-03-01&to=2027-03-31")
    assert "/api/indicators?from=2027-03-01&amp;to=2027-03-31&amp;format=csv&amp;language=fr" in page.text
    answer = browser.get("/api/indicators?from=2027-03-01&to=2027-03-31&format=csv&language=fr")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "indicators-2027-03-01-2027-03-31.csv" in answer.headers["content-disposition"]
    lines = {line["key"]: line for line in csv.DictReader(io.StringIO(answer.text))}
    assert lines["referral_to_consult"]["value"] == "2"
    assert lines["referral_to_consult"]["title"] == "De la demande à la consultation"
    assert lines["leak_any"]["value"] == ""
    assert lines["leak_any"]["says"] == "nobody"


def test_the_figures_are_for_the_people_of_the_centre(ward: Ward) -> None:
    assert ward.browser().get("/api/indicators").status_code == 401
    assert "Se connecter" in text_of(ward.browser().get("/indicators"))
    for login in ("nadia", "roux", "admin"):
        assert ward.browser(login).get("/indicators").status_code == 200
    refused = ward.system().get("/api/indicators")
    assert refused.status_code == 403
    assert "aux comptes du centre" in refused.json()["message"]


def test_whoever_looks_leaves_a_trace(ward: Ward) -> None:
    ward.browser("nadia").get("/indicators?from=2027-03-01&to=2027-03-31")
    with ward.service.db.read() as session:
        told = ward.service.audit.told(session, actor=NADIA.name)
    assert ("read", "indicators/2027-03-01..2027-03-31") in [
        (one.entry.action, one.entry.what) for one in told
    ]
