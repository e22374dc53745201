"""Every night, what we have heard is held against what is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.comparing import is_the_same, next_night
from scheduler.fetched import Read, as_read
from store import listening
from tests.facade.conftest import TYPES, Facade, real_now
from tests.facade.followed import listen, missed, rows, their_patient, weight
from tests.peers.hospital import Hospital


def test_the_nightly_comparison_finds_what_everything_else_missed(
    polling: Facade, fhir_server: Hospital
) -> None:
    polling.referred()
    polling.house.clock.wait(hours=1)  # once a pathway begins, more is looked at than what is new
    theirs = their_patient(fhir_server)
    listen(polling)
    made = fhir_server.post(weight(theirs["id"], 70, polling.house.clock.now))
    # A server that committed late: its change is older than where we have got to.
    with polling.house.service.db.write() as session:
        for type_ in TYPES:
            row = listening.locked(session, "chu", type_)
            assert row is not None
            row.cursor = real_now() + timedelta(hours=1)
            row.compare_at = real_now() + timedelta(hours=24)
    polling.house.clock.wait(hours=2)
    listen(polling)
    assert missed(polling, fhir_server) == [f"Observation/{made['id']}"]
    polling.house.clock.wait(hours=23)
    listen(polling)
    assert missed(polling, fhir_server) == []
    assert rows(polling)["Observation"].differed == 1
    assert rows(polling)["Observation"].compared is not None
    polling.house.clock.wait(hours=25)
    listen(polling)
    assert rows(polling)["Observation"].differed == 0


def test_the_comparison_is_at_night_in_the_centres_zone() -> None:
    paris = ZoneInfo("Europe/Paris")
    for now, night in (
        (datetime(2027, 3, 1, 2, 59, tzinfo=UTC), datetime(2027, 3, 1, 3, 0, tzinfo=UTC)),
        (datetime(2027, 3, 1, 3, 0, tzinfo=UTC), datetime(2027, 3, 2, 3, 0, tzinfo=UTC)),
        (datetime(2027, 3, 27, 12, 0, tzinfo=UTC), datetime(2027, 3, 28, 2, 0, tzinfo=UTC)),
    ):
        assert next_night(now, paris) == night


def read_as(version: str | None, updated: str | None) -> Read:
    meta = {name: value for name, value in (("versionId", version), ("lastUpdated", updated)) if value}
    read = as_read({"resourceType": "Task", "id": "1", "meta": meta}, b"{}")
    assert read is not None
    return read


def test_another_version_of_the_same_instant_is_another() -> None:
    at, later = "2026-11-20T09:00:00Z", "2026-11-20T09:00:01Z"
    first, unnamed = read_as("1", at), read_as(None, at)
    for read, heard, same in (
        (read_as("2", at), first, False),
        (read_as("1", at), first, True),
        (read_as("1", later), first, True),
        (unnamed, first, True),
        (read_as("2", at), unnamed, True),
        (read_as("2", later), unnamed, False),
        (read_as("2", None), first, False),
        (read_as(None, later), unnamed, False),
    ):
        assert is_the_same(read, heard.version, heard.updated) is same, (read, heard)
