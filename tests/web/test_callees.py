"""Beside an alert stands whom to telephone: the people on call now, with their numbers."""

from datetime import timedelta

from pathway import events as e
from store import rota
from tests.web.cast import DAY, KLEIN, Ward, text_of


def _on_call(ward: Ward, role: str, name: str, phone: str | None, email: str | None = None) -> None:
    with ward.service.db.write() as session:
        rota.add_duty(
            session,
            role=role,
            starts=ward.now,
            ends=ward.now + 60 * DAY,
            name=name,
            phone=phone,
            email=email,
        )


def _breached(ward: Ward) -> str:
    """A pathway on the morning of the procedure, a dose having been taken the evening before."""
    pathway = ward.started()
    start = ward.to_a_booked_procedure(pathway)
    ward.later(start - timedelta(hours=2) - ward.now)
    ward.record(pathway, e.LastDoseDeclared(by=KLEIN, drug="B01AF02", taken=ward.now - timedelta(hours=12)))
    ward.tick()
    return pathway


def test_a_missed_hold_shows_the_numbers_of_the_two_physicians_who_are_alerted(ward: Ward) -> None:
    _on_call(ward, "anaesthetist", "Dr Astreinte", "01 99 00 55 66")
    _on_call(ward, "radiologist", "Dr Garde", "01 99 00 77 88")
    pathway = _breached(ward)
    page = ward.browser("nadia").get(f"/pathways/{pathway}")
    assert "Anesthésiste : Dr Astreinte, 01 99 00 55 66" in text_of(page)
    assert "Radiologue : Dr Garde, 01 99 00 77 88" in text_of(page)
    assert 'href="tel:0199005566"' in page.text


def test_nobody_is_shown_who_left_no_number(ward: Ward) -> None:
    _on_call(ward, "anaesthetist", "Dr Astreinte", None, "astreinte@example.org")
    pathway = _breached(ward)
    page = ward.browser("nadia").get(f"/pathways/{pathway}")
    assert "Dernière prise non respectée" in text_of(page)
    assert "tel:" not in page.text
