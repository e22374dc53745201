"""Is all well? What a watcher asks, and what everybody who looks at a page is told."""

from datetime import timedelta
from pathlib import Path

from sqlmodel import text

from pathway import events as e
from store import heartbeat, instance
from tests.web.cast import DAY, NADIA, Ward, open_ward, text_of


def test_a_living_service_is_up_and_ready(any_ward: Ward) -> None:
    stranger = any_ward.browser()
    assert stranger.get("/healthz").json() == {"status": "up"}
    ready = stranger.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert 'class="banner"' not in any_ward.browser("nadia").get("/").text


def test_a_worker_silent_for_a_minute_is_seen_on_every_page(any_ward: Ward) -> None:
    pathway = any_ward.started()
    any_ward.clock[0] += timedelta(seconds=61)
    browser = any_ward.browser("nadia")
    for address in ("/", "/referrals", "/mailbox", f"/pathways/{pathway}", "/banners"):
        assert "L’automate est silencieux depuis lun. 1 mars 2027, 10:00" in text_of(browser.get(address))
    answer = any_ward.browser().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["worker"] is False
    with any_ward.service.db.write() as session:
        heartbeat.beat(session, "another", now=any_ward.now)
    assert any_ward.browser().get("/readyz").status_code == 200


def test_a_worker_that_was_never_seen_is_silent(sqlite_url: str, tmp_path: Path) -> None:
    ward = open_ward(sqlite_url, tmp_path)
    with ward.service.db.write() as session:
        session.connection().execute(text("DELETE FROM heartbeat"))
    assert "Aucun automate n’a encore donné signe de vie" in text_of(ward.browser("nadia").get("/"))
    assert ward.browser().get("/readyz").status_code == 503
    ward.service.close()


def test_messages_that_wait_are_announced(any_ward: Ward) -> None:
    pathway = any_ward.started()
    any_ward.record(pathway, e.StepCompleted(by=NADIA, step="triage", outcome="accepted"))
    start = any_ward.now + 4 * DAY
    any_ward.record(pathway, e.VisitBooked(by=NADIA, step="radiologist_consult", start=start))
    any_ward.later(2 * DAY)
    assert "Des messages attendent depuis" in text_of(any_ward.browser("nadia").get("/"))


def test_a_copy_says_that_it_sends_nothing(any_ward: Ward) -> None:
    with any_ward.service.db.write() as session:
        instance.release(session, "another machine", now=any_ward.now)
    assert "Ceci est une copie de la base" in text_of(any_ward.browser("nadia").get("/"))
    assert any_ward.browser().get("/readyz").json()["at_home"] is False


def test_a_database_of_another_version_is_not_ready(any_ward: Ward) -> None:
    with any_ward.service.db.write() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = 'older'"))
    answer = any_ward.browser().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["schema"] is False


def test_a_database_that_is_away_is_said_to_be(sqlite_url: str, tmp_path: Path) -> None:
    ward = open_ward(sqlite_url, tmp_path)
    ward.service.db.close()
    (tmp_path / "jalon.sqlite").unlink()
    (tmp_path / "jalon.sqlite").mkdir()
    answer = ward.browser().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] is False
    assert ward.browser().get("/healthz").status_code == 200
