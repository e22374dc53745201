"""The worklist: what is due, overdue and blocked and why, who is to act, and who is looked for."""

from pathway import events as e
from pathway.referral import Contact
from tests.web.cast import DAY, HOUR, KLEIN, NADIA, Ward, form_of, text_of


def test_what_is_due_stands_in_the_order_of_its_due_dates(any_ward: Ward) -> None:
    any_ward.started("Marchand")
    any_ward.later(DAY)
    any_ward.started("Petit")
    page = text_of(any_ward.browser("nadia").get("/"))
    assert page.index("Marchand") < page.index("Petit")
    assert "Tri de la demande aujourd’hui à 17:00 mar. 2 mars 2027, 17:00" in page
    assert "Coordination" in page


def test_what_is_late_says_by_how_much_and_is_counted(any_ward: Ward) -> None:
    any_ward.started()
    any_ward.later(4 * DAY)
    page = text_of(any_ward.browser("nadia").get("/?view=overdue"))
    assert "en retard de 3 jours" in page
    assert "En retard 1" in page


def test_nothing_is_shown_as_due_today_that_is_due_another_day(ward: Ward) -> None:
    ward.started()
    assert "Rien à faire ici." in text_of(ward.browser("nadia").get("/?view=today"))
    ward.later(DAY)
    assert "Tri de la demande" in text_of(ward.browser("nadia").get("/?view=today"))


def test_a_blocked_pathway_says_why(any_ward: Ward) -> None:
    pathway = any_ward.started()
    slot = any_ward.to_a_booked_procedure(pathway)
    moved = e.VisitBooked(by=NADIA, step="procedure", start=slot + DAY, place="Bloc 3")
    any_ward.record(pathway, moved)
    browser = any_ward.browser("nadia")
    page = text_of(browser.get("/?view=blocked"))
    assert "Bloqués 1" in page
    assert "Le plan d'arrêt des antithrombotiques n'est ni signé ni déclaré non nécessaire." in page
    english = text_of(any_ward.browser("nadia", "en").get("/?view=blocked"))
    assert "The antithrombotic hold plan is neither signed nor stated as not required." in english


def test_only_the_work_that_is_blocked_is_said_to_be(ward: Ward) -> None:
    pathway = ward.started()
    slot = ward.to_a_booked_procedure(pathway)
    ward.record(pathway, e.VisitBooked(by=NADIA, step="procedure", start=slot + DAY, place="Bloc 3"))
    page = ward.browser("nadia").get("/")
    blocked = [line for line in page.text.split("<tr") if "badge blocked" in line]
    assert len(blocked) == 1
    assert "#procedure-1" in blocked[0]
    assert "Ostéodensitométrie" in text_of(page)


def test_an_alert_is_taken_from_the_worklist_and_leaves_it(any_ward: Ward) -> None:
    pathway = any_ward.started()
    any_ward.later(DAY + 8 * HOUR)
    any_ward.tick()
    browser = any_ward.browser("nadia")
    page = browser.get("/?view=alerts")
    assert "Tri de la demande : en retard" in text_of(page)
    form = form_of(page, f"/pathways/{pathway}/acknowledge")
    answer = browser.post(f"/pathways/{pathway}/acknowledge", data=form)
    assert answer.url.path == "/"
    assert "Aucune alerte à prendre en charge." in text_of(browser.get("/?view=alerts"))
    assert any_ward.pathway(pathway).acknowledged[0].by == "Nadia Benali"


def test_an_alert_says_when_nobody_was_on_call(ward: Ward) -> None:
    ward.started()
    ward.later(2 * DAY)
    ward.tick()
    assert "personne n’est de garde" in text_of(ward.browser("nadia").get("/"))


def test_a_patient_without_mobile_and_e_mail_is_called(any_ward: Ward) -> None:
    pathway = any_ward.started(contact=Contact("fr", None, "+33199000011", None))
    any_ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    start = any_ward.now + 6 * DAY
    any_ward.record(pathway, e.VisitBooked(by=NADIA, step="radiologist_consult", start=start))
    page = text_of(any_ward.browser("nadia").get("/?view=calls"))
    assert "Appeler le patient : Consultation de radiologie" in page


def test_only_the_work_of_a_role_or_of_ones_own_functions_is_shown(any_ward: Ward) -> None:
    any_ward.started("Marchand")
    pathway = any_ward.started("Petit")
    any_ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    roux = any_ward.browser("roux")
    mine = text_of(roux.get("/?mine=true"))
    assert "Petit" in mine
    assert "Marchand" not in mine
    assert "Marchand" in text_of(roux.get("/?role=coordinator"))
    assert "Rien à faire ici." in text_of(any_ward.browser("klein").get("/?mine=true"))


def test_patients_are_found_without_accents_and_by_any_of_their_names(any_ward: Ward) -> None:
    any_ward.started("Lefèvre", given="Éloïse Marie")
    any_ward.started("Petit-Renaud", given="Jean")
    browser = any_ward.browser("nadia")
    for words in ("lefevre", "LEFÈ", "marie lef", "eloise"):
        assert "Lefèvre Éloïse Marie" in text_of(browser.get("/", params={"q": words})), words
    assert "Petit-Renaud" in text_of(browser.get("/", params={"q": "renaud"}))
    for words in ("fevre", "%", "_____", "lefevre jean"):
        assert "Aucun patient de ce nom." in text_of(browser.get("/", params={"q": words})), words


def test_a_long_list_is_paged_and_nobody_is_lost_between_pages(ward: Ward) -> None:
    for number in range(45):
        ward.started(f"Patient{number:02d}")
    browser = ward.browser("nadia")
    first, second = browser.get("/"), browser.get("/?page_number=2")
    shown = [f"Patient{number:02d}" for number in range(45)]
    assert sum(name in first.text for name in shown) == 40
    assert all((name in first.text) is not (name in second.text) for name in shown)
    assert "Page suivante" in text_of(first)
    assert "Page suivante" not in text_of(second)


def test_referrals_that_wait_are_announced(any_ward: Ward) -> None:
    any_ward.refer("Benoit", onset=None)
    page = any_ward.browser("nadia").get("/")
    assert "1 demande attend une décision" in text_of(page)


def test_everybody_whose_name_was_shown_has_it_in_the_trace(any_ward: Ward) -> None:
    any_ward.started("Marchand")
    any_ward.started("Petit")
    any_ward.browser("klein").get("/")
    with any_ward.service.db.read() as session:
        told = any_ward.service.audit.told(session, actor=KLEIN.name)
    assert {one.entry.what.partition("/")[0] for one in told if one.entry.action == "read"} == {"worklist"}
    assert len({one.entry.patient_id for one in told if one.entry.action == "read"}) == 2
