"""What is done on the patient's page: each button is one event, and nothing typed is ever lost."""

from typing import Any

import pytest

from pathway import events as e
from pathway.hold_plan import HeldDrug, HoldStatus
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.referral import Contact
from pathway.state import PathwayStatus
from tests.web.cast import DAY, FOUND, KLEIN, NADIA, ROUX, Ward, form_of, text_of


def fill(ward: Ward, login: str, pathway: str, deed: str, typed: dict[str, Any], query: str = "") -> Any:
    """Open the form of a deed, fill it in and send it."""
    browser = ward.browser(login)
    page = browser.get(f"/pathways/{pathway}/{deed}{query}")
    assert page.status_code == 200, text_of(page)
    hidden = form_of(page, f"/pathways/{pathway}/{deed}")
    return browser.post(f"/pathways/{pathway}/{deed}", data={**typed, **hidden})


def press(ward: Ward, login: str, pathway: str, deed: str) -> Any:
    """Press a button of the patient's page that asks nothing."""
    browser = ward.browser(login)
    hidden = form_of(browser.get(f"/pathways/{pathway}"), f"/pathways/{pathway}/{deed}")
    return browser.post(f"/pathways/{pathway}/{deed}", data=hidden)


def test_a_step_is_completed_with_its_outcome_and_its_answers(any_ward: Ward) -> None:
    pathway = any_ward.started()
    typed = {"outcome": "accepted", "data.pain_nrs": "8,5"}
    answer = fill(any_ward, "nadia", pathway, "complete", typed, "?step=triage")
    assert answer.url.path == f"/pathways/{pathway}"
    state = any_ward.pathway(pathway)
    done = state.done("triage")
    assert done is not None
    assert (done.outcome, done.by) == ("accepted", "Nadia Benali")
    pain = state.fact("pain_nrs")
    assert pain is not None
    assert pain.value == 8.5
    assert "Étape terminée Nadia Benali Tri de la demande · Acceptée · Douleur (0 à 10) = 8,5" in text_of(
        answer
    )


def test_a_wrong_answer_is_said_at_its_field_and_nothing_typed_is_lost(ward: Ward) -> None:
    pathway = ward.started()
    answer = fill(
        ward,
        "nadia",
        pathway,
        "complete",
        {"outcome": "infection", "data.pain_nrs": "très fort"},
        "?step=triage",
    )
    assert answer.status_code == 422
    assert "Indiquez un nombre, par exemple 72,5." in text_of(answer)
    assert 'value="très fort"' in answer.text
    assert 'value="infection" checked' in answer.text
    assert ward.pathway(pathway).done("triage") is None


def test_what_the_door_refuses_stands_at_the_field_it_speaks_of(ward: Ward) -> None:
    pathway = ward.started()
    ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    ward.record(pathway, e.StepCompleted(by=ROUX, step="radiologist_consult", outcome="seen", data=FOUND))
    answer = fill(ward, "roux", pathway, "complete", {"outcome": "deferred"}, "?step=indication")
    assert answer.status_code == 422
    assert "Renseignez « À revoir le »." in text_of(answer)


def test_a_gate_that_is_not_met_says_what_is_missing(any_ward: Ward) -> None:
    pathway = any_ward.started()
    any_ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    infected = {**FOUND, "red_flag_infection": True}
    any_ward.record(
        pathway, e.StepCompleted(by=NADIA, step="radiologist_consult", outcome="seen", data=infected)
    )
    answer = fill(any_ward, "roux", pathway, "complete", {"outcome": "validated"}, "?step=indication")
    assert answer.status_code == 409
    assert "G1 : Une infection doit être écartée" in text_of(answer)
    assert any_ward.pathway(pathway).done("indication") is None
    assert "G1 Indication validée fermé" in text_of(any_ward.browser("nadia").get(f"/pathways/{pathway}"))


def test_who_may_overrides_a_gate_with_a_reason_and_nobody_else_is_offered_it(ward: Ward) -> None:
    pathway = ward.started()
    ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    known = {key: value for key, value in FOUND.items() if key != "mri_date"}
    ward.record(pathway, e.StepCompleted(by=ROUX, step="radiologist_consult", outcome="seen", data=known))
    here = f"/pathways/{pathway}/override?about=G1"
    assert here not in ward.browser("nadia").get(f"/pathways/{pathway}").text
    assert here in ward.browser("roux").get(f"/pathways/{pathway}").text
    empty = fill(ward, "roux", pathway, "override", {"reason": " "}, "?about=G1")
    assert empty.status_code == 422
    answer = fill(ward, "roux", pathway, "override", {"reason": "Scanner de 2026 relu"}, "?about=G1")
    assert "Dérogation de Dr Roux le lun. 1 mars 2027, 10:00 : « Scanner de 2026 relu »" in text_of(answer)
    forbidden = fill(ward, "nadia", pathway, "override", {"reason": "moi aussi"}, "?about=G1")
    assert forbidden.status_code == 403


def test_a_move_is_shown_row_by_row_before_anything_is_written(any_ward: Ward) -> None:
    pathway = any_ward.started()
    slot = any_ward.to_a_booked_procedure(pathway)
    seq = any_ward.pathway(pathway).seq
    later = any_ward.service.protocol.calendar.local(slot + 9 * DAY)
    typed = {"start": later.strftime("%Y-%m-%dT%H:%M"), "place": "Bloc 3", "confirmed": "yes"}
    query = "?step=procedure&occurrence=1"

    preview = fill(any_ward, "nadia", pathway, "book", typed, query)
    said = text_of(preview)
    assert any_ward.pathway(pathway).seq == seq
    assert "Rendez-vous : Vertébroplastie déplacé jeu. 25 mars 2027, 10:00 sam. 3 avr. 2027, 11:00" in said
    assert "Tâche : Consultation de contrôle déplacé jeu. 22 avr. 2027" in said
    assert "intervention +28 j" in said
    assert "Le plan d'arrêt a expiré" in said

    confirmed = fill(
        any_ward, "nadia", pathway, "book", {**typed, **_pressed(preview, pathway), "confirm": "yes"}, query
    )
    assert confirmed.url.path == f"/pathways/{pathway}"
    state = any_ward.pathway(pathway)
    assert state.hold.status is HoldStatus.EXPIRED
    step = state.last("procedure")
    assert step is not None
    assert step.visit is not None
    assert step.visit.start == slot + 9 * DAY


def _pressed(preview: Any, pathway: str) -> dict[str, str]:
    hidden = form_of(preview, f"/pathways/{pathway}/book")
    return {"previewed": hidden["previewed"], "csrf": hidden["csrf"]}


def test_a_preview_that_renews_itself_never_confirms(ward: Ward) -> None:
    pathway = ward.started()
    slot = ward.to_a_booked_procedure(pathway)
    seq = ward.pathway(pathway).seq
    typed = {"start": (slot + 9 * DAY).strftime("%Y-%m-%dT%H:%M"), "confirmed": "yes"}
    query = "?step=procedure&occurrence=1"
    browser = ward.browser("nadia")
    hidden = form_of(browser.get(f"/pathways/{pathway}/book{query}"), f"/pathways/{pathway}/book")
    for _ in range(3):
        answer = browser.post(
            f"/pathways/{pathway}/book", data={**hidden, **typed}, headers={"hx-request": "true"}
        )
        hidden = form_of(answer, f"/pathways/{pathway}/book")
        assert hidden["previewed"]
    assert ward.pathway(pathway).seq == seq


def test_another_date_than_the_one_previewed_is_previewed_again(ward: Ward) -> None:
    pathway = ward.started()
    slot = ward.to_a_booked_procedure(pathway)
    query = "?step=procedure&occurrence=1"
    typed = {"start": (slot + 9 * DAY).strftime("%Y-%m-%dT%H:%M"), "confirmed": "yes"}
    preview = fill(ward, "nadia", pathway, "book", typed, query)
    other = {"start": (slot + 10 * DAY).strftime("%Y-%m-%dT%H:%M"), "confirmed": "yes", "confirm": "yes"}
    answer = fill(ward, "nadia", pathway, "book", {**_pressed(preview, pathway), **other}, query)
    assert "Ce que cela change" in text_of(answer)
    step = ward.pathway(pathway).last("procedure")
    assert step is not None
    assert step.visit is not None
    assert step.visit.start == slot


@pytest.mark.parametrize("start", ["", "demain", "0001-01-01T00:00", "9999-12-31T23:59", "2027-02-30T10:00"])
def test_a_date_that_is_none_is_said_to_be_none(lasting_ward: Ward, start: str) -> None:
    pathway = lasting_ward.started()
    if not lasting_ward.pathway(pathway).done("triage"):
        lasting_ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    typed = {"start": start, "confirmed": "yes"}
    answer = fill(lasting_ward, "nadia", pathway, "book", typed, "?step=radiologist_consult")
    assert answer.status_code == 422
    assert "1 champ" in text_of(answer) or "Un champ est à corriger" in text_of(answer)


def test_a_form_that_somebody_else_has_overtaken_changes_nothing_and_keeps_what_was_typed(
    any_ward: Ward,
) -> None:
    pathway = any_ward.started()
    browser = any_ward.browser("nadia")
    page = browser.get(f"/pathways/{pathway}/waive?step=bone_owner")
    hidden = form_of(page, f"/pathways/{pathway}/waive")
    any_ward.record(pathway, e.StepStarted(by=ROUX, step="triage"))
    answer = browser.post(f"/pathways/{pathway}/waive", data={**hidden, "reason": "Suivi ailleurs"})
    assert answer.status_code == 409
    assert "Quelqu’un a modifié ce parcours entre-temps" in text_of(answer)
    assert "Suivi ailleurs" in answer.text
    again = form_of(answer, f"/pathways/{pathway}/waive")
    assert int(again["seq"]) == int(hidden["seq"]) + 1
    assert (
        browser.post(f"/pathways/{pathway}/waive", data={**again, "reason": "Suivi ailleurs"}).status_code
        == 200
    )


def test_a_stale_button_shows_the_fresh_page(ward: Ward) -> None:
    pathway = ward.started()
    browser = ward.browser("nadia")
    hidden = form_of(browser.get(f"/pathways/{pathway}"), f"/pathways/{pathway}/start")
    ward.record(pathway, e.StepStarted(by=ROUX, step="triage"))
    answer = browser.post(f"/pathways/{pathway}/start", data=hidden)
    assert answer.status_code == 409
    assert "Quelqu’un a modifié ce parcours entre-temps" in text_of(answer)
    assert "Étape commencée Dr Roux" in text_of(answer)


def test_only_a_signer_signs_the_hold_plan_with_its_exact_text(any_ward: Ward) -> None:
    pathway = any_ward.started()
    any_ward.to_a_booked_procedure(pathway)
    slot = any_ward.pathway(pathway).last("procedure")
    assert slot is not None
    assert slot.visit is not None
    moved = e.VisitBooked(by=NADIA, step="procedure", start=slot.visit.start + DAY)
    any_ward.record(pathway, moved)
    assert "Signer le plan…" not in text_of(any_ward.browser("nadia").get(f"/pathways/{pathway}"))
    typed = {
        "drug_1": "Apixaban 5 mg",
        "atc_1": "b01af02",
        "days_1": "3",
        "text": "Dernière prise : J-3, le soir.",
    }
    unsure = fill(any_ward, "klein", pathway, "sign-hold", typed)
    assert unsure.status_code == 422
    assert "Cochez pour signer." in text_of(unsure)
    answer = fill(any_ward, "klein", pathway, "sign-hold", {**typed, "sure": "yes"})
    assert answer.status_code == 200
    hold = any_ward.pathway(pathway).hold
    assert hold.status is HoldStatus.SIGNED
    assert (hold.signer, hold.text) == ("Dr Klein", "Dernière prise : J-3, le soir.")
    assert hold.drugs == (HeldDrug("Apixaban 5 mg", 3, "B01AF02"),)


def test_silence_about_antithrombotics_is_shown_and_an_explicit_none_ends_it(ward: Ward) -> None:
    pathway = ward.started(antithrombotics=None)
    page = text_of(ward.browser("nadia").get(f"/pathways/{pathway}"))
    assert "Antithrombotiques pris inconnu" in page
    assert "Le patient prend-il un anticoagulant ou un antiagrégant ?" in page
    both = {"taken": "none", "drugs": "Apixaban"}
    assert fill(ward, "nadia", pathway, "fact", both, "?about=antithrombotics").status_code == 422
    answer = fill(ward, "nadia", pathway, "fact", {"taken": "none"}, "?about=antithrombotics")
    assert "Antithrombotiques pris aucun" in text_of(answer)
    fact = ward.pathway(pathway).fact("antithrombotics")
    assert fact is not None
    assert fact.value == []


def test_drugs_are_listed_one_a_line_with_their_code(ward: Ward) -> None:
    pathway = ward.started(antithrombotics=None)
    typed = {"taken": "list", "drugs": "Apixaban 5 mg B01AF02\n\nKardégic 75"}
    fill(ward, "nadia", pathway, "fact", typed, "?about=antithrombotics")
    fact = ward.pathway(pathway).fact("antithrombotics")
    assert fact is not None
    assert fact.value == [
        {"atc": "B01AF02", "text": "Apixaban 5 mg", "status": "active"},
        {"atc": None, "text": "Kardégic 75", "status": "active"},
    ]


@pytest.mark.parametrize(
    ("about", "typed", "value"),
    [
        ("weight_kg", "62,5", 62.5),
        ("inr", "1.2", 1.2),
        ("inpatient", "yes", True),
        ("mri_date", "2027-02-20", "2027-02-20"),
    ],
)
def test_a_fact_is_asked_in_its_own_kind(ward: Ward, about: str, typed: str, value: Any) -> None:
    pathway = ward.started()
    fill(ward, "nadia", pathway, "fact", {"value": typed}, f"?about={about}")
    fact = ward.pathway(pathway).fact(about)
    assert fact is not None
    assert fact.value == value


def test_visits_are_booked_noted_and_cancelled(ward: Ward) -> None:
    pathway = ward.started()
    ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    start = ward.now + 2 * DAY
    ward.record(pathway, e.VisitBooked(by=NADIA, step="radiologist_consult", start=start))
    assert "Non venu" not in text_of(ward.browser("nadia").get(f"/pathways/{pathway}"))
    ward.later(3 * DAY)
    press(ward, "nadia", pathway, "no-show")
    step = ward.pathway(pathway).last("radiologist_consult")
    assert step is not None
    assert step.status is StepStatus.MISSED
    ward.record(pathway, e.VisitBooked(by=NADIA, step="radiologist_consult", start=ward.now + DAY))
    query = "?step=radiologist_consult"
    preview = fill(ward, "nadia", pathway, "cancel-visit", {"reason": "Grève"}, query)
    hidden = form_of(preview, f"/pathways/{pathway}/cancel-visit")
    fill(ward, "nadia", pathway, "cancel-visit", {**hidden, "reason": "Grève", "confirm": "yes"}, query)
    step = ward.pathway(pathway).last("radiologist_consult")
    assert step is not None
    assert step.visit is not None
    assert (step.visit.status, step.visit.reason) == (VisitStatus.CANCELLED, "Grève")


def test_how_to_reach_the_patient_is_kept_in_the_form_a_gateway_can_use(ward: Ward) -> None:
    pathway = ward.started()
    wrong = fill(ward, "nadia", pathway, "contact", {"mobile": "06 39", "language": "fr"})
    assert wrong.status_code == 422
    assert 'value="06 39"' in wrong.text
    fill(ward, "nadia", pathway, "contact", {"mobile": "06 39 98 00 22", "language": "en"})
    assert ward.pathway(pathway).patient.contact == Contact("en", "+33639980022", None, None)


def test_a_channel_is_refused_and_accepted_again(ward: Ward) -> None:
    pathway = ward.started()
    assert "ne veut plus de SMS" in text_of(press(ward, "nadia", pathway, "opt-out"))
    assert ward.pathway(pathway).opted_out == ("sms",)
    press(ward, "nadia", pathway, "opt-in")
    assert ward.pathway(pathway).opted_out == ()


def test_a_carer_is_named_with_the_consent_and_withdrawn(ward: Ward) -> None:
    pathway = ward.started()
    without = fill(ward, "nadia", pathway, "carer", {"name": "Paul Marchand", "mobile": "0639980033"})
    assert without.status_code == 422
    typed = {"name": "Paul Marchand", "mobile": "0639980033", "consent": "2027-03-01"}
    fill(ward, "nadia", pathway, "carer", typed)
    carer = ward.pathway(pathway).carer
    assert carer is not None
    assert carer.mobile == "+33639980033"
    fill(ward, "nadia", pathway, "carer", {"name": ""})
    assert ward.pathway(pathway).carer is None


def test_a_call_is_settled_with_what_came_of_it(any_ward: Ward) -> None:
    pathway = any_ward.started(contact=Contact("fr", None, "+33199000011", None))
    any_ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    start = any_ward.now + 6 * DAY
    any_ward.record(pathway, e.VisitBooked(by=NADIA, step="radiologist_consult", start=start))
    browser = any_ward.browser("nadia")
    page = browser.get(f"/pathways/{pathway}")
    address = next(part for part in page.text.split('"') if part.startswith(f"/pathways/{pathway}/settle?"))
    form_page = browser.get(address.replace("&amp;", "&"))
    assert "documents apporter dimanche 7 mars 2027 à 10:00" in text_of(form_page).partition("à dire")[2]
    form = form_of(form_page, f"/pathways/{pathway}/settle")
    browser.post(f"/pathways/{pathway}/settle", data={**form, "note": "Viendra avec sa fille"})
    assert any_ward.pathway(pathway).called[0].note == "Viendra avec sa fille"


def test_the_pathway_is_paused_resumed_and_ended_after_a_preview(ward: Ward) -> None:
    pathway = ward.started()
    typed = {"reason": "Fièvre", "revisit": "2027-03-15"}
    preview = fill(ward, "nadia", pathway, "pause", typed)
    assert ward.pathway(pathway).status is PathwayStatus.ACTIVE
    fill(
        ward,
        "nadia",
        pathway,
        "pause",
        {**form_of(preview, f"/pathways/{pathway}/pause"), **typed, "confirm": "yes"},
    )
    assert ward.pathway(pathway).status is PathwayStatus.ON_HOLD
    press(ward, "nadia", pathway, "resume")
    assert ward.pathway(pathway).status is PathwayStatus.ACTIVE
    typed = {"end": "declined", "reason": "Ne veut pas"}
    preview = fill(ward, "nadia", pathway, "end", typed)
    fill(
        ward,
        "nadia",
        pathway,
        "end",
        {**form_of(preview, f"/pathways/{pathway}/end"), **typed, "confirm": "yes"},
    )
    assert ward.pathway(pathway).end == "declined"


def test_a_death_is_recorded_once_it_is_confirmed_and_everything_stops(ward: Ward) -> None:
    pathway = ward.started()
    assert fill(ward, "nadia", pathway, "died", {}).status_code == 422
    answer = fill(ward, "nadia", pathway, "died", {"sure": "yes"})
    assert ward.pathway(pathway).patient.deceased
    assert "Décès enregistré" in text_of(answer)
    assert "Rien n’est à faire maintenant." in text_of(answer)


def test_what_is_impossible_is_not_offered(ward: Ward) -> None:
    pathway = ward.started()
    page = ward.browser("nadia").get(f"/pathways/{pathway}").text
    assert f"/pathways/{pathway}/complete?step=triage" in page
    for impossible in ("complete?step=procedure", "book?step=procedure", "arrived", "resume", "sign-hold"):
        assert f"/pathways/{pathway}/{impossible}" not in page, impossible


def test_an_administrator_reads_and_is_offered_nothing(ward: Ward) -> None:
    pathway = ward.started()
    browser = ward.browser("admin")
    page = browser.get(f"/pathways/{pathway}")
    assert "Marchand" in page.text
    assert f'action="/pathways/{pathway}' not in page.text
    csrf = form_of(page, "/sign-out")["csrf"]
    seq = str(ward.pathway(pathway).seq)
    answer = browser.post(f"/pathways/{pathway}/start", data={"csrf": csrf, "seq": seq, "step": "triage"})
    assert answer.status_code == 403
    assert ward.pathway(pathway).seq == int(seq)


@pytest.mark.parametrize(
    "address",
    [
        "/pathways/nobody",
        "{p}/fly",
        "{p}/complete?step=dance",
        "{p}/override?about=G99",
        "{p}/fact?about=mood",
        "{p}/complete",
    ],
)
def test_what_does_not_exist_is_not_found(lasting_ward: Ward, address: str) -> None:
    here = address.replace("{p}", f"/pathways/{lasting_ward.started()}")
    assert lasting_ward.browser("nadia").get(here).status_code == 404


def test_reading_and_writing_leave_a_trace_of_the_patient(any_ward: Ward) -> None:
    pathway = any_ward.started()
    press(any_ward, "roux", pathway, "start")
    patient = any_ward.pathway(pathway).patient_id
    with any_ward.service.db.read() as session:
        told = any_ward.service.audit.told(session, patient_id=patient, actor=ROUX.name)
    done = {(one.entry.action, one.entry.what, one.entry.detail.get("event")) for one in told}
    assert ("read", f"pathway/{pathway}", None) in done
    assert ("write", f"pathway/{pathway}", "StepStarted") in done


def test_what_people_type_is_text_and_never_markup(ward: Ward) -> None:
    pathway = ward.started("O'Brien<script>")
    hostile = "<script>alert(1)</script>\"'>{{ 7*7 }}"
    answer = fill(ward, "nadia", pathway, "waive", {"reason": hostile}, "?step=bone_owner")
    assert "<script>alert" not in answer.text
    assert "O'Brien<script>" not in answer.text
    assert "{{ 7*7 }}" in answer.text


def test_a_signed_step_is_offered_to_its_signers_only(ward: Ward) -> None:
    pathway = ward.started()
    ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    ward.record(pathway, e.StepCompleted(by=ROUX, step="radiologist_consult", outcome="seen", data=FOUND))
    here = f"/pathways/{pathway}/complete?step=indication"
    assert here in ward.browser("roux").get(f"/pathways/{pathway}").text
    assert here not in ward.browser("nadia").get(f"/pathways/{pathway}").text
    assert here not in ward.browser("klein").get(f"/pathways/{pathway}").text
    assert KLEIN.functions == ("anaesthetist",)
