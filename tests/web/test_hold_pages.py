"""The hold plan on the pages: proposed by the calculator with all it stands on, signed, broken, and taken up again."""

from typing import Any

import pytest

from pathway import events as e
from pathway.hold_plan import HoldStatus
from pathway.referral import Fact
from tests.pathway.tale import ANAESTHESIA, CHECK, CONSENT, CONSULT
from tests.web.cast import APIXABAN, DAY, FOUND, HOUR, KLEIN, NADIA, ROUX, Ward, form_of, text_of


def ready(ward: Ward, **more: Any) -> str:
    """A pathway whose procedure stands in 24 days, before anybody has proposed a hold."""
    pathway = ward.started(**more)
    for event in (
        e.StepCompleted(by=NADIA, step="triage", outcome="accepted"),
        e.StepCompleted(by=ROUX, step="radiologist_consult", outcome="seen", data={**CONSULT, **FOUND}),
        e.StepCompleted(by=ROUX, step="indication", outcome="validated"),
        e.StepCompleted(by=ROUX, step="consent", outcome="given", data=CONSENT),
        e.StepCompleted(
            by=KLEIN,
            step="anaesthesia_consult",
            outcome="fit",
            data={**ANAESTHESIA, "weight_kg": 52, "creatinine_umol_l": 86},
        ),
        e.VisitBooked(by=NADIA, step="procedure", start=ward.now + 24 * DAY, confirmed=False),
    ):
        ward.record(pathway, event)
    return pathway


def press(ward: Ward, login: str, pathway: str, deed: str, typed: dict[str, str] | None = None) -> Any:
    """Do a deed as a browser would: its form, or its button on the patient's page."""
    browser, action = ward.browser(login), f"/pathways/{pathway}/{deed}"
    page = browser.get(f"/pathways/{pathway}" if typed is None else action)
    return browser.post(action, data={**form_of(page, action), **(typed or {})})


def test_one_press_proposes_and_the_page_shows_all_that_it_stands_on(any_ward: Ward) -> None:
    pathway = ready(any_ward)
    page = press(any_ward, "klein", pathway, "compute-hold")
    assert page.status_code == 200
    shown = text_of(page)
    hold = any_ward.pathway(pathway).hold
    assert hold.status is HoldStatus.PROPOSED
    for words in (
        "Proposé d’après FR-2026-ELEVE",
        "sans marquage CE",
        "Cockcroft–Gault",
        "CKD-EPI 2009",
        "SIR-2019 ≠",
        "FR-2026-TRES-ELEVE ≠",
        "GIHP-2015",
        "Reprise proposée",
        "pas de relais par héparine",
    ):
        assert words in shown, words
    english = text_of(any_ward.browser("klein", "en").get(f"/pathways/{pathway}"))
    assert "A protocol lookup, not CE-marked" in english


def test_the_signing_form_shows_the_proposal_and_is_filled_with_it(ward: Ward) -> None:
    pathway = ready(ward)
    press(ward, "klein", pathway, "compute-hold")
    form = ward.browser("klein").get(f"/pathways/{pathway}/sign-hold")
    assert "Proposé d’après FR-2026-ELEVE" in text_of(form)
    assert 'name="days_1" type="text" value="3"' in form.text
    typed = {"drug_1": "Apixaban 5 mg", "atc_1": "B01AF02", "days_1": "4", "text": "J-4.", "sure": "yes"}
    page = press(ward, "klein", pathway, "sign-hold", typed)
    assert ward.pathway(pathway).hold.status is HoldStatus.MODIFIED
    assert "signé, autrement que proposé" in text_of(page)
    assert "Ce que le calcul proposait" in text_of(page)


def test_a_refusal_is_shown_with_its_reason_and_without_any_date(ward: Ward) -> None:
    dabigatran = {"atc": "B01AE07", "text": "Dabigatran 110 mg", "status": "active", "dose": None}
    pathway = ready(ward, antithrombotics=(dabigatran,))
    higher = Fact("creatinine_umol_l", 152, ward.now, "Dr Klein", "web")
    ward.record(pathway, e.FactsRecorded(by=KLEIN, facts=(higher,)))
    shown = text_of(press(ward, "klein", pathway, "compute-hold"))
    assert "aucun délai publié" in shown
    section = shown.split("Proposé d’après")[1].split("Reprise")[0]
    assert "mars 2027" not in section.split("Dabigatran")[1]


def test_a_dose_taken_too_late_is_declared_and_said(ward: Ward) -> None:
    pathway = ready(ward)
    press(ward, "klein", pathway, "compute-hold")
    typed = {"drug_1": "Apixaban 5 mg", "atc_1": "B01AF02", "days_1": "3", "text": "J-3.", "sure": "yes"}
    press(ward, "klein", pathway, "sign-hold", typed)
    ward.later(24 * DAY - 2 * HOUR)
    late = ward.service.protocol.calendar.local(ward.now - DAY).strftime("%Y-%m-%dT20:00")
    page = press(ward, "nadia", pathway, "declare-dose", {"drug": "B01AF02", "taken": late})
    assert ward.pathway(pathway).hold.status is HoldStatus.BREACHED
    assert "après la limite" in text_of(page)


@pytest.mark.parametrize("login", ["nadia", "klein"])
def test_the_calculator_is_offered_once_there_is_something_to_count_from(ward: Ward, login: str) -> None:
    pathway = ward.started(antithrombotics=(APIXABAN,))
    assert "compute-hold" not in ward.browser(login).get(f"/pathways/{pathway}").text
    ready(ward)
    assert "compute-hold" in ward.browser(login).get(f"/pathways/{pathway}").text


def test_the_order_to_resume_shows_what_the_profile_proposes(ward: Ward) -> None:
    pathway = ready(ward)
    press(ward, "klein", pathway, "compute-hold")
    typed = {"drug_1": "Apixaban 5 mg", "atc_1": "B01AF02", "days_1": "3", "text": "J-3.", "sure": "yes"}
    press(ward, "klein", pathway, "sign-hold", typed)
    slot = ward.now + 24 * DAY
    ward.record(pathway, e.VisitBooked(by=NADIA, step="procedure", start=slot))
    ward.later(24 * DAY - 2 * HOUR)
    ward.record(pathway, e.StepCompleted(by=KLEIN, step="preop_check", outcome="go", data=CHECK))
    ward.later(2 * HOUR)
    ward.record(pathway, e.StepStarted(by=ROUX, step="procedure"))
    ward.later(HOUR)
    over = {"cement_ml": 2, "biopsy_taken": False}
    ward.record(pathway, e.StepCompleted(by=ROUX, step="procedure", outcome="done", data=over))
    shown = text_of(ward.browser("klein").get(f"/pathways/{pathway}/complete?step=resumption_order"))
    assert "Reprise proposée d’après FR-2026-ELEVE" in shown
    assert "À 48–72 h, sans relais par héparine." in shown
