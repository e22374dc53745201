"""The ward's screen: who is watched, what was seen, what nobody has recorded; and the forms of the watch."""

from datetime import timedelta

from pathway import events as e
from pathway.lifecycle import StepStatus
from tests.web.cast import HOUR, NADIA, ROUX, Ward, form_of, text_of

MINUTE = timedelta(minutes=1)


def test_nobody_is_watched_before_a_procedure(any_ward: Ward) -> None:
    any_ward.started()
    page = any_ward.browser("nadia").get("/ward")
    assert "Personne n’est sous surveillance" in text_of(page)


def test_silence_is_shown_as_silence_and_a_set_as_it_was_seen(any_ward: Ward) -> None:
    ward = any_ward
    pathway = ward.started()
    ward.operated(pathway)
    nurse = ward.browser("nadia")
    shown = text_of(nurse.get("/ward"))
    assert "Marchand" in shown
    assert "Aucun relevé : on ne sait rien de ce patient." in shown
    assert "Sans nouvelles" in shown

    form = nurse.get(f"/pathways/{pathway}/observe?step=surveillance&occurrence=1")
    assert form.status_code == 200
    asked = form_of(form, f"/pathways/{pathway}/observe")
    answer = nurse.post(
        f"/pathways/{pathway}/observe",
        data={
            **asked,
            "round": "recovery/1",
            "values.motor_right": "5",
            "values.motor_left": "5",
            "values.spo2": "97",
            "values.sbp": "130",
            "values.pain_nrs": "3",
            "back": "ward",
        },
    )
    assert answer.url.path == "/ward"
    assert "97 %" in text_of(answer)
    assert ward.pathway(pathway).observed[-1].round == "recovery/1"


def test_a_value_that_cannot_be_is_refused_at_its_field(ward: Ward) -> None:
    pathway = ward.started()
    ward.operated(pathway)
    nurse = ward.browser("nadia")
    asked = form_of(
        nurse.get(f"/pathways/{pathway}/observe?step=surveillance&occurrence=1"),
        f"/pathways/{pathway}/observe",
    )
    answer = nurse.post(f"/pathways/{pathway}/observe", data={**asked, "values.motor_right": "7"})
    assert answer.status_code == 422
    assert "attend un nombre de 0 à 5" in text_of(answer)
    assert not ward.pathway(pathway).observed


def test_an_alarm_comes_first_and_is_taken_from_the_screen(ward: Ward) -> None:
    watched = ward.started()
    ward.operated(watched)
    ward.record(watched, e.ObservationsRecorded(by=NADIA, values={"motor_right": 5}, round="recovery/1"))
    ward.record(watched, e.ObservationsRecorded(by=NADIA, values={"motor_right": 3}, round="recovery/2"))
    ward.tick()
    page = ward.browser("roux").get("/ward")
    shown = text_of(page)
    assert "Déficit neurologique nouveau" in shown
    taken = ward.browser("roux").post(
        f"/pathways/{watched}/acknowledge",
        data={**form_of(page, f"/pathways/{watched}/acknowledge"), "back": "ward"},
    )
    assert "prise en charge par Dr Roux" in text_of(taken)


def test_an_examination_is_asked_for_and_comes_onto_the_page(any_ward: Ward) -> None:
    pathway = any_ward.started()
    desk = any_ward.browser("nadia")
    form = desk.get(f"/pathways/{pathway}/ask")
    asked = form_of(form, f"/pathways/{pathway}/ask")
    empty = desk.post(f"/pathways/{pathway}/ask", data=asked)
    assert empty.status_code == 422
    done = desk.post(
        f"/pathways/{pathway}/ask",
        data={**asked, "step": "exam_mri", "reason": "douleur nouvelle", "due": "2027-03-05"},
    )
    assert done.status_code == 200
    step = any_ward.pathway(pathway).last("exam_mri")
    assert step is not None
    assert step.status is StepStatus.OPEN
    assert "douleur nouvelle" in text_of(done)


def test_a_new_fracture_begins_a_pathway_that_names_the_first(any_ward: Ward) -> None:
    pathway = any_ward.started()
    desk = any_ward.browser("nadia")
    form = desk.get(f"/pathways/{pathway}/new-fracture")
    asked = form_of(form, f"/pathways/{pathway}/new-fracture")
    late = desk.post(
        f"/pathways/{pathway}/new-fracture",
        data={**asked, "onset": "2027-04-01", "level": "L3", "cause": "osteoporotic"},
    )
    assert late.status_code == 422
    assert "Cette date est à venir" in text_of(late)
    begun = desk.post(
        f"/pathways/{pathway}/new-fracture",
        data={**asked, "onset": "2027-02-27", "level": "L3", "cause": "osteoporotic"},
    )
    new = begun.url.path.rpartition("/")[2]
    assert new != pathway
    assert any_ward.pathway(new).previous == pathway
    assert any_ward.pathway(new).fracture.level == "L3"


def test_a_table_is_filled_in_row_by_row_and_kept_when_something_is_wrong(ward: Ward) -> None:
    pathway = ward.started()
    slot = ward.to_a_booked_procedure(pathway)
    ward.later(slot - ward.now + HOUR)
    doctor = ward.browser("roux")
    form = doctor.get(f"/pathways/{pathway}/complete?step=procedure&occurrence=1")
    asked = form_of(form, f"/pathways/{pathway}/complete")
    answer = doctor.post(
        f"/pathways/{pathway}/complete",
        data={**asked, "outcome": "done", "data.levels_treated.0.cement_ml": "beaucoup"},
    )
    assert answer.status_code == 422
    assert 'value="beaucoup"' in answer.text


def test_an_alert_is_put_off_with_a_reason(ward: Ward) -> None:
    pathway = ward.started()
    ward.later(3 * 24 * HOUR)
    ward.tick()
    page = ward.browser("nadia").get(f"/pathways/{pathway}")
    assert "Remettre…" in page.text
    [alert, *_] = [key for key in page.text.split("about=") if "rung" in key[:80]]
    about = alert.split('"')[0].replace("%2F", "/").replace("%40", "@")
    form = ward.browser("nadia").get(f"/pathways/{pathway}/snooze", params={"about": about})
    asked = form_of(form, f"/pathways/{pathway}/snooze")
    until = (ward.now + 5 * HOUR).strftime("%Y-%m-%dT%H:%M")
    done = ward.browser("nadia").post(
        f"/pathways/{pathway}/snooze", data={**asked, "until": until, "reason": "rappelé demain"}
    )
    assert "remise au" in text_of(done)
    assert ROUX.name not in text_of(done)
