"""The main jobs in a real browser: with JavaScript, without it, and by the keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from pathway.hold_plan import HoldStatus
from tests.peers.browser import PageAt
from tests.web.cast import DAY, PASSWORD, Ward
from tests.web.served import serving, sign_in


def _listen(page: Page) -> list[str]:
    """What the browser complains of: a script that failed, something the policy forbade."""
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
@pytest.mark.parametrize("width", [1280, 320])
def test_a_coordinator_completes_a_step(ward: Ward, page_at: PageAt, javascript: bool, width: int) -> None:
    ward.hire("nadia")
    pathway = ward.started()
    page = page_at(width, javascript)
    heard = _listen(page)
    with serving(ward) as address:
        sign_in(page, address)
        page.get_by_role("link", name="Tri de la demande").first.click()
        page.get_by_role("link", name="Terminer…").first.click()
        page.get_by_label("Acceptée", exact=True).check()
        page.get_by_label("Douleur (0 à 10)").fill("8")
        page.get_by_role("button", name="Terminer").click()
        page.wait_for_url(f"{address}/pathways/{pathway}#triage-1")
        expect(page.locator("#triage-1")).to_contain_text("faite")
        page.context.close()
    assert ward.pathway(pathway).done("triage")
    assert not heard


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_moves_the_procedure_after_seeing_what_that_changes(
    ward: Ward, page_at: PageAt, javascript: bool
) -> None:
    ward.hire("nadia")
    pathway = ward.started()
    slot = ward.to_a_booked_procedure(pathway)
    later = ward.service.protocol.calendar.local(slot + 9 * DAY)
    page = page_at(1280, javascript)
    heard = _listen(page)
    with serving(ward) as address:
        sign_in(page, address)
        page.goto(f"{address}/pathways/{pathway}")
        page.get_by_role("link", name="Déplacer…").first.click()
        page.fill("#f-start", later.strftime("%Y-%m-%dT%H:%M"))
        if not javascript:
            page.get_by_role("button", name="Voir ce que cela change").click()
        expect(page.locator("#preview")).to_contain_text("Consultation de contrôle")
        expect(page.locator("#preview")).to_contain_text("Le plan d'arrêt a expiré")
        assert ward.pathway(pathway).hold.status is HoldStatus.SIGNED
        page.wait_for_load_state("networkidle")
        page.get_by_role("button", name="Confirmer").click()
        page.wait_for_url(f"{address}/pathways/{pathway}#procedure-1")
        page.context.close()
    assert ward.pathway(pathway).hold.status is HoldStatus.EXPIRED
    assert not heard


def test_the_keyboard_alone_is_enough(ward: Ward, page: Page) -> None:
    ward.hire("nadia")
    pathway = ward.started()
    with serving(ward) as address:
        page.goto(f"{address}/pathways/{pathway}")
        page.keyboard.type("nadia")  # the first field has the focus
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/pathways/{pathway}")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Aller au contenu")
        page.keyboard.press("Enter")
        _tab_to(page, "Terminer…")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/pathways/{pathway}/complete?**")
        _tab_to(page, "outcome")
        page.keyboard.press("Space")
        _tab_to(page, "Terminer")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/pathways/{pathway}#triage-1")
        page.context.close()
    done = ward.pathway(pathway).done("triage")
    assert done is not None
    assert done.outcome == "accepted"


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus has this text or this name, and see that the focus shows."""
    for _ in range(60):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "() => { const e = document.activeElement;"
            " return [e.textContent.trim(), e.getAttribute('name') || '', getComputedStyle(e).outlineStyle] }"
        )
        if name in said[:2]:
            assert said[2] != "none", f"nobody sees where the focus is: {name}"
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def test_the_banner_renews_itself_while_a_page_is_open(ward: Ward, page: Page) -> None:
    ward.hire("nadia")
    with serving(ward) as address:
        sign_in(page, address)
        expect(page.locator("#banners")).to_be_empty()
        ward.clock[0] += DAY / 4
        page.evaluate("htmx.ajax('GET', '/banners', '#banners')")
        expect(page.locator("#banners")).to_contain_text("L’automate est silencieux")
        page.context.close()
