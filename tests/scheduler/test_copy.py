"""A restored or copied database shows everything and sends nothing, until a person releases it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from gateways.mailbox import MailboxGateway
from store import instance
from tests.house import Clock, House, open_house, plain_settings
from tests.peers.hospital import Hospital

MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
FRIDAY = MONDAY + timedelta(days=4)


@pytest.fixture
def copy_url(database_url: str, tmp_path: Path) -> str:
    """Where a copy of the database will be."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/restored.sqlite"
    parts = urlsplit(database_url)
    return urlunsplit(parts._replace(path=parts.path + "_restored"))


def copy(database_url: str, copy_url: str) -> None:
    """What a restore does: the same rows in another place."""
    if database_url.startswith("sqlite"):
        shutil.copy(database_url.removeprefix("sqlite:///"), copy_url.removeprefix("sqlite:///"))
        return
    old, new = (urlsplit(url).path.lstrip("/") for url in (database_url, copy_url))
    server = urlunsplit(urlsplit(database_url)._replace(scheme="postgresql", path="/postgres"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{new}" TEMPLATE "{old}"')


def at(url: str, tmp_path: Path, box: str, clock: Clock, hospital: Hospital) -> House:
    """A Jalon on that database, with a mailbox of its own, identified by what the database itself is."""
    hospitals = [{"name": "chu", "url": hospital.base_url}]
    given = plain_settings(url, tmp_path, mailbox=str(tmp_path / box), fhir_destinations=hospitals)
    return open_house({**given, "instance": ""}, clock)


def sent(house: House) -> int:
    """How many messages its mailbox holds."""
    gateway = house.service.works.gateways["sms"]
    assert isinstance(gateway, MailboxGateway)
    return len(gateway.read_all())


def test_a_copy_started_elsewhere_sends_nothing_until_released(
    database_url: str, copy_url: str, tmp_path: Path, fhir_server: Hospital
) -> None:
    clock = Clock(MONDAY)
    home = at(database_url, tmp_path, "home", clock, fhir_server)
    assert home.service.at_home
    id_ = home.visit_reminder_owed(1, at=MONDAY, start=FRIDAY)
    home.close()
    copy(database_url, copy_url)

    restored = at(copy_url, tmp_path, "restored", clock, fhir_server)
    assert not restored.service.at_home
    for _ in range(8):
        clock.wait(hours=6)
        restored.tick()
    assert restored.load(id_)[0].patient.family == "Essai1", "a copy shows everything"
    assert sent(restored) == 0
    assert fhir_server.search("Task") == []

    with restored.service.db.write() as session:
        assert instance.release(session, restored.service.works.identity, now=clock.now)
    clock.now = MONDAY + timedelta(days=3)
    for _ in range(4):
        clock.wait(hours=1)
        restored.tick()
    assert sent(restored) > 0
    assert fhir_server.search("Task") != []
    restored.close()

    # And the original, still at home, goes on.
    clock.now = MONDAY
    home = at(database_url, tmp_path, "home", clock, fhir_server)
    assert home.service.at_home
    clock.wait(days=1, hours=1)
    home.tick()
    assert sent(home) > 0
    home.close()
