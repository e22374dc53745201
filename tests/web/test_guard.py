"""What every answer carries, and who may reach what: a route nobody has thought about fails here."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import event
from sqlmodel import Session

from app.web.guard import HEADERS
from app.web.render import STATIC, TEMPLATES
from store.tables import HistoryRow
from tests.web.cast import Ward, form_of, text_of

OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/language"),
    ("GET", "/.well-known/jwks.json"),
}
PAGES = {
    ("GET", "/"),
    ("GET", "/banners"),
    ("GET", "/mailbox"),
    ("GET", "/referrals"),
    ("GET", "/referrals/{referral_id}"),
    ("GET", "/pathways/{pathway_id}"),
    ("GET", "/pathways/{pathway_id}/{deed}"),
    ("GET", "/pathways/{pathway_id}/new-fracture"),
    ("GET", "/pathways/{pathway_id}/explain"),
    ("GET", "/pathways/{pathway_id}/slots"),
    ("GET", "/exchanges/anomalies"),
    ("GET", "/exchanges/anomalies/{anomaly_id}"),
    ("GET", "/indicators"),
    ("GET", "/ward"),
    ("GET", "/exchanges"),
    ("GET", "/exchanges/subscriptions"),
}
FORMS = {
    ("POST", "/sign-out"),
    ("POST", "/referrals/{referral_id}/start"),
    ("POST", "/referrals/{referral_id}/dismiss"),
    ("POST", "/pathways/{pathway_id}/{deed}"),
    ("POST", "/pathways/{pathway_id}/new-fracture"),
    ("POST", "/pathways/{pathway_id}/slots"),
    ("POST", "/exchanges/anomalies/{anomaly_id}/replay"),
    ("POST", "/exchanges/anomalies/{anomaly_id}/dismiss"),
    ("POST", "/exchanges/{destination}/replay"),
    ("POST", "/exchanges/subscriptions/{subscription_id}/{deed}"),
    ("POST", "/exchanges/following/{destination}/{type_}/{deed}"),
}
API = {
    ("GET", "/api/worklist"),
    ("GET", "/api/pathways/{pathway_id}"),
    ("POST", "/api/pathways/{pathway_id}/events"),
    ("POST", "/api/referrals"),
    ("POST", "/api/hold/plan"),
    ("GET", "/api/pathways/{pathway_id}/explanations"),
    ("GET", "/api/pathways/{pathway_id}/slots"),
    ("POST", "/api/pathways/{pathway_id}/slots"),
    ("GET", "/api/anomalies"),
    ("GET", "/api/anomalies/{anomaly_id}"),
    ("POST", "/api/anomalies/{anomaly_id}/replay"),
    ("POST", "/api/anomalies/{anomaly_id}/dismiss"),
    ("GET", "/api/indicators"),
}


def _routes(ward: Ward) -> Iterator[tuple[str, str]]:
    for route in _all(ward.app.routes):
        if not route.path.startswith("/fhir"):
            yield from ((method, route.path) for method in route.methods)


def _all(routes: object) -> Iterator[APIRoute]:
    for route in routes:  # type: ignore[attr-defined]
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from _all(route.original_router.routes)
        elif hasattr(route, "routes"):
            yield from _all(route.routes)


def test_every_route_is_in_the_table(ward: Ward) -> None:
    assert set(_routes(ward)) == OPEN | PAGES | FORMS | API


def test_a_stranger_reaches_nothing_but_the_door_and_the_vital_signs(ward: Ward) -> None:
    pathway = ward.started()
    stranger = ward.browser()
    for method, path in PAGES | FORMS | API:
        address = re.sub(r"\{pathway_id\}|\{referral_id\}", pathway, path).replace("{deed}", "start")
        answer = stranger.request(method, address, follow_redirects=False)
        expected = 401 if path.startswith("/api") else 303
        assert answer.status_code == expected, (method, path)
        assert "Marchand" not in answer.text
    assert ward.pathway(pathway).seq == 1


@pytest.mark.parametrize("login", ["nadia", "roux", "klein", "admin"])
def test_a_form_of_a_role_does_what_the_role_may(ward: Ward, login: str) -> None:
    pathway = ward.started()
    browser = ward.browser(login)
    page = browser.get(f"/pathways/{pathway}").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf is not None
    sent = {"csrf": csrf[1], "seq": "1", "step": "triage", "occurrence": "1"}
    answer = browser.post(f"/pathways/{pathway}/accept", data=sent)
    assert (answer.status_code, ward.pathway(pathway).seq) == ((403, 1) if login == "admin" else (200, 2))


@pytest.mark.parametrize(
    "address",
    ["/", "/sign-in", "/healthz", "/api/worklist", "/nowhere", "/fhir/metadata", "/static/jalon.css"],
)
def test_every_answer_keeps_the_browser_to_this_host(lasting_ward: Ward, address: str) -> None:
    answer = lasting_ward.browser("nadia").get(address)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    kept = "public" if address.startswith("/static") else "no-store"
    assert kept in answer.headers["cache-control"]


def test_no_template_holds_a_script_a_style_or_an_address_elsewhere() -> None:
    for template in TEMPLATES.glob("*.html"):
        said = template.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|https?://|\|\s*safe", said), template.name
        assert all("src=" in script for script in re.findall(r"<script[^>]*>", said)), template.name
    assert "url(" not in (STATIC / "jalon.css").read_text()


def test_what_is_not_there_is_said_in_the_form_that_was_asked_for(ward: Ward) -> None:
    browser = ward.browser("nadia")
    assert "Cette page n’existe pas." in browser.get("/nowhere").text
    assert browser.get("/api/nowhere").json() == {"error": "not-found", "message": "Cette page n’existe pas."}
    assert browser.post("/healthz").status_code == 405


def test_a_commit_that_fails_is_told_as_a_failure_and_changes_nothing(ward: Ward) -> None:
    pathway = ward.started()
    browser = ward.browser("nadia")
    page = browser.get(f"/pathways/{pathway}")
    form = form_of(page, f"/pathways/{pathway}/start")

    def notice(session: Session, _: object) -> None:
        if any(isinstance(row, HistoryRow) for row in session.new):
            session.info["a line of history"] = True

    def fail(session: Session) -> None:
        if session.info.get("a line of history"):
            raise OSError("the disk is full")

    event.listen(Session, "after_flush", notice)
    event.listen(Session, "before_commit", fail)
    browser._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
    try:
        answer = browser.post(f"/pathways/{pathway}/start", data=form)
    finally:
        event.remove(Session, "before_commit", fail)
        event.remove(Session, "after_flush", notice)
    assert answer.status_code == 500
    assert "Rien n’a été enregistré." in text_of(answer)
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert "disk" not in answer.text
    assert ward.pathway(pathway).seq == 1


def test_nothing_leads_out_of_the_static_files(ward: Ward) -> None:
    for path in ("/static/../api.py", "/static/%2e%2e/api.py", "/static/..%2fapi.py"):
        assert ward.browser().get(path).status_code == 404
