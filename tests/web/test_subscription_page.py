"""The page of subscriptions: who hears of us, what we hear of hospitals, and what a person may do about either."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from store import listening, subscriptions
from store.subscription_tables import SubscriptionRow
from tests.peers.browser import PageAt
from tests.web.cast import Ward, form_of, open_ward, text_of
from tests.web.served import serving, sign_in
from tests.web.test_accessibility import _judge

ADDRESS = "/exchanges/subscriptions"
HOSPITALS = [
    {
        "name": "chu",
        "url": "http://127.0.0.1:9/fhir",
        "listen": {"types": ["Task", "Observation"], "by": "subscription-r5"},
    }
]


@pytest.fixture
def ward(sqlite_url: str, tmp_path: Path) -> Iterator[Ward]:
    """A ward that follows a hospital, with two systems that subscribed: one hears, the other is in error."""
    opened = open_ward(sqlite_url, tmp_path, fhir_destinations=HOSPITALS)
    with opened.service.db.write() as session:
        for id_, status, told in (("entrepot-1", "active", 12), ("dpi-1", "error", 3)):
            row = SubscriptionRow(
                id=id_,
                source=id_.partition("-")[0],
                status=status,
                style="backport",
                criteria=["Task?status=requested,accepted,in-progress,ready"],
                endpoint="https://example.org/hook",
                content="id-only",
                timeout=10,
                created=opened.now,
                events=12,
                told=told,
                last_event=opened.now,
                next_at=opened.now,
            )
            if status == "error":
                row.reason, row.failing_since = "The endpoint answered 500.", opened.now - timedelta(days=3)
            subscriptions.begin(session, row)
        task = listening.locked(session, "chu", "Task")
        assert task is not None
        task.looked = task.cursor = task.notified = task.compared = opened.now
        task.gaps, task.heard, task.differed = 2, 41, 1
        listening.pinged(task, now=opened.now)
        other = listening.locked(session, "chu", "Observation")
        assert other is not None
        other.reason, other.attempts = "The FHIR server answered 503.", 1
    yield opened
    opened.service.close()


def row(ward: Ward, id_: str) -> SubscriptionRow:
    with ward.service.db.read() as session:
        found = subscriptions.one(session, id_)
    assert found is not None
    return found


def test_what_is_heard_and_told_is_said_in_words(ward: Ward) -> None:
    said = text_of(ward.browser("nadia").get(ADDRESS))
    for words in (
        "il nous prévient, numéroté (R5)",
        "2 trous dans les numéros, rattrapés",
        "41 versions entendues",
        "1 écart, relu",
        "The FHIR server answered 503.",
        "en erreur",
        "The endpoint answered 500.",
        "9 événements",
    ):
        assert words in said
    assert said.index("dpi") < said.index("entrepot")
    english = text_of(ward.browser("roux", "en").get(ADDRESS))
    assert "2 gaps in the numbers, made good" in english
    assert "in error" in english


def test_a_person_tries_again_or_stops_and_it_is_recorded(ward: Ward) -> None:
    browser = ward.browser("nadia")
    form = form_of(browser.get(ADDRESS), f"{ADDRESS}/dpi-1/retry")
    assert browser.post(f"{ADDRESS}/dpi-1/retry", data=form).status_code == 200
    assert (row(ward, "dpi-1").status, row(ward, "dpi-1").reason) == ("requested", "")
    assert browser.post(f"{ADDRESS}/entrepot-1/stop", data=form).status_code == 200
    assert (row(ward, "entrepot-1").status, row(ward, "entrepot-1").told) == ("off", 12)
    assert browser.post(f"{ADDRESS}/entrepot-1/retry", data=form).status_code == 409
    assert browser.post(f"{ADDRESS}/nobody/stop", data=form).status_code == 404
    assert browser.post(f"{ADDRESS}/dpi-1/dance", data=form).status_code == 404


def test_a_person_has_a_hospital_looked_at_and_compared_now(ward: Ward) -> None:
    browser = ward.browser("nadia")
    ward.later(timedelta(minutes=5))
    form = form_of(browser.get(ADDRESS), "/exchanges/following/chu/Observation/look")
    for deed in ("look", "compare"):
        assert browser.post(f"/exchanges/following/chu/Observation/{deed}", data=form).status_code == 200
    with ward.service.db.read() as session:
        (other,) = [one for one in listening.followed(session) if one.type == "Observation"]
    assert other.wants > other.met
    assert other.next_at == other.compare_at == ward.now
    assert browser.post("/exchanges/following/chu/Slot/look", data=form).status_code == 404
    assert browser.post("/exchanges/following/chu/Task/dance", data=form).status_code == 404


@pytest.mark.parametrize("width", [1280, 320])
def test_the_page_shuts_nobody_out(ward: Ward, page_at: PageAt, width: int) -> None:
    ward.hire("nadia")
    page: Page = page_at(width)
    with serving(ward) as address:
        sign_in(page, address, "nadia")
        page.goto(f"{address}{ADDRESS}")
        assert _judge(page, "subscriptions") == []
