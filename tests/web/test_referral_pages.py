"""Referrals that only a person can take further."""

from typing import Any

from pathway.referral import Contact
from tests.web.cast import Ward, form_of, text_of


def post(ward: Ward, login: str, referral: str, deed: str, typed: dict[str, Any]) -> Any:
    browser = ward.browser(login)
    page = browser.get(f"/referrals/{referral}")
    return browser.post(
        f"/referrals/{referral}/{deed}", data={**typed, **form_of(page, f"/referrals/{referral}/{deed}")}
    )


def test_the_list_says_what_each_referral_waits_for(any_ward: Ward) -> None:
    any_ward.refer("Benoit", onset=None)
    any_ward.started("Marchand")
    any_ward.refer("Marchand", number="of somebody else")
    page = text_of(any_ward.browser("nadia").get("/referrals"))
    assert "Benoit Odile Jeanne" in page
    assert "À compléter Quel jour la fracture est-elle survenue" in page
    assert "Doublon possible" in page


def test_an_incomplete_referral_is_completed_and_starts(any_ward: Ward) -> None:
    referral = any_ward.refer("Benoit", onset=None, contact=Contact(), antithrombotics=None)
    assert referral.pathway_id is None
    typed = {
        "onset": "2027-02-15",
        "mobile": "06 39 98 00 44",
        "taken": "list",
        "drugs": "Apixaban 5 mg B01AF02",
    }
    answer = post(any_ward, "nadia", referral.id, "start", typed)
    assert answer.url.path == f"/pathways/{referral.id}"
    state = any_ward.pathway(referral.id)
    assert str(state.fracture.onset) == "2027-02-15"
    assert state.patient.contact.mobile == "+33639980044"
    drugs = state.fact("antithrombotics")
    assert drugs is not None
    assert drugs.value == [{"atc": "B01AF02", "text": "Apixaban 5 mg", "status": "active"}]


def test_what_holds_the_start_must_be_said_and_what_was_typed_stays(ward: Ward) -> None:
    referral = ward.refer("Benoit", onset=None, contact=Contact())
    answer = post(ward, "nadia", referral.id, "start", {"mobile": "06 39 98 00 44"})
    assert answer.status_code == 422
    assert "Renseignez ce champ." in text_of(answer)
    assert 'value="06 39 98 00 44"' in answer.text
    future = post(ward, "nadia", referral.id, "start", {"onset": "2027-03-02"})
    assert "Indiquez une date passée." in text_of(future)
    assert ward.browser("nadia").get(f"/pathways/{referral.id}").status_code == 404


def test_silence_about_antithrombotics_does_not_become_a_no(ward: Ward) -> None:
    referral = ward.refer("Benoit", onset=None, antithrombotics=None)
    post(ward, "nadia", referral.id, "start", {"onset": "2027-02-15"})
    assert ward.pathway(referral.id).fact("antithrombotics") is None
    assert "Antithrombotiques pris inconnu" in text_of(ward.browser("nadia").get(f"/pathways/{referral.id}"))


def test_a_possible_duplicate_is_shown_beside_the_pathway_and_may_start_as_another_fracture(
    any_ward: Ward,
) -> None:
    first = any_ward.started("Marchand")
    second = any_ward.refer("Marchand", number="of somebody else")
    assert second.duplicate_of == first
    page = text_of(any_ward.browser("nadia").get(f"/referrals/{second.id}"))
    assert "Cette demande" in page
    assert "Le parcours en cours" in page
    answer = post(any_ward, "nadia", second.id, "start", {})
    assert answer.url.path == f"/pathways/{second.id}"
    assert "Autres parcours" in text_of(answer)


def test_a_duplicate_is_dismissed_with_a_note(any_ward: Ward) -> None:
    any_ward.started("Marchand")
    second = any_ward.refer("Marchand", number="of somebody else")
    empty = post(any_ward, "nadia", second.id, "dismiss", {"note": " "})
    assert empty.status_code == 422
    assert "Indiquez le motif." in text_of(empty)
    answer = post(any_ward, "nadia", second.id, "dismiss", {"note": "Même fracture, deux courriers"})
    assert "Aucune demande n’attend." in text_of(answer)
    said = text_of(any_ward.browser("nadia").get(f"/referrals/{second.id}"))
    assert "Classée sans suite par Nadia Benali : Même fracture, deux courriers" in said


def test_a_referral_that_is_settled_cannot_be_started_again(ward: Ward) -> None:
    ward.started("Marchand")
    second = ward.refer("Marchand", number="of somebody else")
    browser = ward.browser("nadia")
    form = form_of(browser.get(f"/referrals/{second.id}"), f"/referrals/{second.id}/start")
    browser.post(f"/referrals/{second.id}/dismiss", data={**form, "note": "Doublon"})
    answer = browser.post(f"/referrals/{second.id}/start", data=form)
    assert answer.status_code == 409
    assert "déjà" in text_of(answer)


def test_an_administrator_decides_on_no_referral(ward: Ward) -> None:
    referral = ward.refer("Benoit", onset=None)
    answer = post(ward, "admin", referral.id, "start", {"onset": "2027-02-15"})
    assert answer.status_code == 403


def test_a_referral_that_does_not_exist_is_not_found(ward: Ward) -> None:
    assert ward.browser("nadia").get("/referrals/nobody").status_code == 404
