"""Every page, at the width of a desk and of a telephone: no violation that axe finds, and nothing scrolls sideways."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from pathway import events as e
from pathway.referral import Contact
from tests.peers.browser import PageAt
from tests.web.cast import DAY, NADIA, Ward
from tests.web.served import serving, sign_in

AXE = Path(__file__).parent / "axe" / "axe-4.14.1.min.js"
RUN = """async () => (await axe.run(document, {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  rules: {'target-size': {enabled: true}},
})).violations.map(one => one.id + ': ' + one.nodes.map(node => node.html.slice(0, 200)).join(' | '))"""


def _judge(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it stands."""
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.evaluate(AXE.read_text())
    found: list[str] = [f"{name}: {one}" for one in page.evaluate(RUN)]
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    if wide > 0:
        found.append(f"{name}: {wide} px too wide")
    return found


def _patients(ward: Ward) -> dict[str, str]:
    """Pathways with something of everything on their pages, and referrals that wait."""
    watched = ward.started("Surveillée")
    ended_at = ward.operated(watched)
    seen = {"motor_right": 3, "motor_left": 5, "sbp": 131, "spo2": 97, "voided": True}
    ward.record(watched, e.ObservationsRecorded(by=NADIA, values={"motor_right": 5}, occurred=ended_at))
    ward.record(watched, e.ObservationsRecorded(by=NADIA, values=seen, round="recovery/1"))
    booked = ward.started("De La Tour du Pin Chambly", given="Marie-Antoinette Joséphine")
    slot = ward.to_a_booked_procedure(booked)
    ward.record(
        booked, e.VisitBooked(by=NADIA, step="procedure", start=slot + DAY, place="Bloc opératoire 3")
    )
    unreachable = ward.started(
        "Petit", contact=Contact("fr", None, "+33199000011", None), antithrombotics=None
    )
    ward.record(unreachable, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    ward.record(unreachable, e.VisitBooked(by=NADIA, step="radiologist_consult", start=ward.now + 6 * DAY))
    ended = ward.started("Nguyen")
    ward.record(ended, e.PathwayEnded(by=NADIA, end="declined", reason="Ne veut pas"))
    ward.started("Marchand")
    incomplete = ward.refer("Benoit", onset=None, contact=Contact(), antithrombotics=None)
    duplicate = ward.refer("Marchand", number="of somebody else")
    ward.clock[0] += 4 * DAY
    ward.tick()
    return {
        "watched": watched,
        "booked": booked,
        "unreachable": unreachable,
        "ended": ended,
        "incomplete": incomplete.id,
        "duplicate": duplicate.id,
    }


@pytest.mark.parametrize("width", [1280, 320])
def test_no_page_shuts_anybody_out(ward: Ward, page_at: PageAt, width: int) -> None:
    for login in ("nadia", "klein", "roux"):
        ward.hire(login)
    known = _patients(ward)
    booked, petit = f"/pathways/{known['booked']}", f"/pathways/{known['unreachable']}"
    watched = f"/pathways/{known['watched']}"
    page = page_at(width)
    found: list[str] = []
    with serving(ward) as address:
        page.goto(f"{address}/sign-in")
        found += _judge(page, "sign-in")
        page.fill("#login", "nadia")
        page.fill("#password", "non")
        page.click("main button")
        found += _judge(page, "sign-in refused")
        sign_in(page, address)
        for path in (
            "/",
            "/?view=blocked",
            "/ward",
            f"{watched}/observe?step=surveillance&occurrence=1",
            f"{watched}/ask",
            f"{watched}/new-fracture",
            f"{watched}/complete?step=procedure&occurrence=1",
            "/?view=alerts",
            "/?view=calls",
            "/?q=petit",
            "/?q=personne",
            "/referrals",
            f"/referrals/{known['incomplete']}",
            f"/referrals/{known['duplicate']}",
            "/mailbox",
            "/indicators",
            "/indicators?from=2027-03-31&to=2027-03-01",
            "/nowhere",
            booked,
            petit,
            f"/pathways/{known['ended']}",
            f"{booked}/explain",
            f"{booked}/explain?what=procedure/1",
            f"{booked}/book?step=procedure",
            f"{booked}/contact",
            f"{booked}/carer",
            f"{booked}/fact",
            f"{booked}/fact?about=antithrombotics",
            f"{booked}/end",
            f"{booked}/complete?step=preop_check",
            f"{petit}/complete?step=radiologist_consult",
        ):
            page.goto(address + path)
            found += _judge(page, path)
        found += _after_sending(page, f"{address}{booked}/propose-hold", {}, "required")
        found += _after_sending(page, f"{address}{booked}/contact", {"mobile": "06"}, "errors")
        later = ward.service.protocol.calendar.local(ward.now + 40 * DAY).strftime("%Y-%m-%dT%H:%M")
        found += _after_sending(page, f"{address}{booked}/book?step=procedure", {"start": later}, "preview")
        page.context.clear_cookies()
        sign_in(page, address, "klein")
        page.goto(f"{address}{booked}/sign-hold")
        found += _judge(page, "sign-hold")
        page.goto(address + booked)
        found += _judge(page, "signer")
        page.context.close()
    assert not found, "\n".join(found)


def _after_sending(page: Page, address: str, typed: dict[str, Any], name: str) -> list[str]:
    """The page that answers this form, sent as it is whatever the browser thinks of it."""
    page.goto(address)
    for field, value in typed.items():
        page.fill(f"#f-{field}", value)
    page.evaluate("() => { document.querySelector('form.stack').noValidate = true }")
    page.locator("form.stack button.primary").click()
    page.wait_for_load_state("networkidle")
    return _judge(page, f"{address} {name}")
