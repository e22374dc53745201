"""P4: a new version published with patients under way: they stay, a preview says what would change, apply and undo are
events, and after each the live rows and the resources are those of the plan."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import versions
from app.protocols import LoadedProtocol, digest_of, from_content, load
from pathway import events as e
from pathway.codec import Malformed
from pathway.refusal import Refused
from pathway.state import Actor
from store import migrating, owed
from store.ledger import Stale, history
from store.migrating import Move
from store.protocols import Published
from store.resource_tables import ResourceRow
from store.tables import PathwayRow
from tests.house import COORDINATOR, Clock, House, open_house, plain_settings
from tests.store.test_plan_and_rows import agree

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ADMIN = Actor("root (command line)", "admin")
Data = dict[str, Any]


def said(text: str) -> Data:
    return {"fr": text, "en": text}


PHONE = {
    "key": "phone_call",
    "title": said("Phone call"),
    "performer": "coordinator",
    "source": "test",
    "after": [{"step": "triage"}],
    "window": {"due": [{"from": "opened", "hours": 24}]},
    "outcomes": [{"key": "done", "title": said("Done")}],
}


def variation(number: str, *changes: Callable[[Data], None]) -> LoadedProtocol:
    """The built-in protocol with another version and these changes."""
    content = copy.deepcopy(load().content)
    content["protocol"]["version"] = number
    for change in changes:
        change(content["protocol"])
    return from_content(content, digest_of(content))


def with_a_call(protocol: Data) -> None:
    protocol["steps"].insert(1, PHONE)


def spare_step() -> str:
    """A step that nothing else in the protocol names, waiting from the beginning."""
    content = load().content["protocol"]
    for step in content["steps"]:
        if step.get("on_demand") or step["key"] in ("triage", content["procedure_step"]):
            continue
        try:
            variation("0", without(step["key"]))
        except Malformed:
            continue
        return str(step["key"])
    raise AssertionError("every step of the protocol is named by another")


def without(key: str) -> Callable[[Data], None]:
    def change(protocol: Data) -> None:
        protocol["steps"] = [one for one in protocol["steps"] if one["key"] != key]
        protocol.pop("safety", None)  # what may never be lost names every step

    return change


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Any:
    opened = open_house(plain_settings(database_url, tmp_path), Clock(NOON))
    yield opened
    opened.close()


def published(house: House, loaded: LoadedProtocol) -> Published:
    with house.service.db.write() as session:
        versions.publish(session, loaded, by="Dr Rey", note="", now=house.clock.now)
        return versions.find(session, loaded.protocol.version)


def preview(house: House, id_: str, version: Published) -> Move:
    with house.service.db.read() as session:
        pathway, _ = house.service.ledger.load(session, id_)
        event = migrating.onto(pathway, version, by=ADMIN, reason="the board")
        return migrating.would_move(session, house.service.ledger, pathway, event, at=house.clock.now)


def move(house: House, id_: str, version: Published) -> None:
    house.record(id_, preview(house, id_, version).event)


def back(house: House, id_: str) -> None:
    house.record(id_, migrating.back(house.load(id_)[0], by=ADMIN, reason="too early"))


def everything(house: House, id_: str) -> tuple[Any, ...]:
    """All that is stored of the pathway."""
    with house.service.db.read() as session:
        row = session.get(PathwayRow, id_)
        assert row is not None
        lines = [(line.seq, line.type) for line in history(session, id_)]
        return row.model_dump(), [one.model_dump() for one in owed.rows_of(session, id_)], lines


def the_rows_are_the_plan(house: House, id_: str) -> None:
    """P2, read back from the database."""
    with house.service.db.read() as session:
        row = session.get(PathwayRow, id_)
        rows = owed.rows_of(session, id_)
    pathway, plan = house.load(id_)
    assert row is not None
    assert row.protocol_digest == pathway.protocol_digest
    agree(plan, rows)


def task(house: House, id_: str, step: str) -> ResourceRow | None:
    with house.service.db.read() as session:
        return session.get(ResourceRow, ("Task", f"{id_}-{step.replace('_', '-')}-1")) or session.get(
            ResourceRow, ("Task", f"{id_}-{step}-1")
        )


def test_a_preview_changes_nothing_and_says_what_the_move_then_does(house: House) -> None:
    spare = spare_step()
    version = published(house, variation("8.0.0", with_a_call, without(spare)))
    id_ = house.refer(1).pathway_id
    assert id_
    house.record(id_, e.StepCompleted(by=COORDINATOR, step="triage", outcome="accepted"))
    stood = everything(house, id_)
    seen = preview(house, id_, version)
    assert everything(house, id_) == stood, "a preview wrote something"
    assert seen.refused is None
    assert seen.compared is not None
    assert seen.compared.added == ("phone_call/1",)
    assert seen.compared.dropped == (f"{spare}/1",)
    how = {change.what: change.how.value for change in seen.changes}
    assert how["phone_call/1/task"] == "added"
    assert how[f"{spare}/1/task"] == "withdrawn"
    done = house.record(id_, seen.event)
    assert done.changes == seen.changes
    the_rows_are_the_plan(house, id_)
    with house.service.db.read() as session:
        line = history(session, id_)[-1]
    assert (line.type, line.by, line.event["reason"]) == ("Migrated", "root (command line)", "the board")
    assert line.event["to_version"] == "8.0.0"
    assert len(line.changes) == len(seen.changes)


def test_undo_is_an_event_too_and_leaves_the_rows_of_never_having_moved(house: House) -> None:
    spare = spare_step()
    version = published(house, variation("8.0.0", with_a_call, without(spare)))
    id_ = house.refer(1).pathway_id
    assert id_
    house.record(id_, e.StepCompleted(by=COORDINATOR, step="triage", outcome="accepted"))
    pathway, plan = house.load(id_)
    move(house, id_, version)
    back(house, id_)
    again, wanted = house.load(id_)
    assert wanted == plan
    assert (again.protocol_digest, again.migrations) == (pathway.protocol_digest, ())
    the_rows_are_the_plan(house, id_)
    with house.service.db.read() as session:
        assert [line.type for line in history(session, id_)][-2:] == ["Migrated", "MigrationUndone"]
    with pytest.raises(Refused, match="there is nothing to undo"):
        back(house, id_)


def test_the_tasks_of_a_dropped_step_are_cancelled_where_others_read_them_and_come_back(house: House) -> None:
    spare = spare_step()
    version = published(house, variation("8.0.0", without(spare)))
    id_ = house.refer(1).pathway_id
    assert id_
    before = task(house, id_, spare)
    assert before is not None
    assert before.status != "cancelled"
    move(house, id_, version)
    gone = task(house, id_, spare)
    assert gone is not None
    assert gone.status == "cancelled"
    back(house, id_)
    again = task(house, id_, spare)
    assert again is not None
    assert again.status == before.status
    assert again.version == before.version + 2


def test_patients_stay_until_they_are_moved_and_others_are_not_touched(house: House) -> None:
    first = house.service.protocol
    version = published(house, variation("8.0.0", with_a_call))
    moved, stays = (house.refer(number).pathway_id for number in (1, 2))
    assert moved
    assert stays
    with house.service.db.read() as session:
        assert set(migrating.on_another_version(session, version)) == {moved, stays}
        assert migrating.moved_onto(session, house.service.ledger, version) == []
    move(house, moved, version)
    with house.service.db.read() as session:
        assert migrating.on_another_version(session, version) == [stays]
        assert migrating.moved_onto(session, house.service.ledger, version) == [moved]
    assert house.load(stays)[0].protocol_digest == first.digest
    house.record(stays, e.StepCompleted(by=COORDINATOR, step="triage", outcome="accepted"))
    house.record(moved, e.StepCompleted(by=COORDINATOR, step="triage", outcome="accepted"))
    assert house.load(stays)[0].last("phone_call") is None
    assert house.load(moved)[0].last("phone_call") is not None
    for id_ in (moved, stays):
        the_rows_are_the_plan(house, id_)


def test_what_cannot_be_said_in_the_new_version_is_refused_and_nothing_is_written(house: House) -> None:
    def another_word(protocol: Data) -> None:
        protocol.pop("safety", None)
        triage = next(one for one in protocol["steps"] if one["key"] == "triage")
        for outcome in triage["outcomes"]:
            if outcome["key"] == "accepted":
                outcome["key"] = "taken"

    version = published(house, variation("8.0.0", another_word))
    id_ = house.refer(1).pathway_id
    assert id_
    house.record(id_, e.StepCompleted(by=COORDINATOR, step="triage", outcome="accepted"))
    stood = everything(house, id_)
    seen = preview(house, id_, version)
    assert seen.refused is not None
    assert "ended with 'accepted', which version 8.0.0 does not know" in seen.refused.text.en
    with pytest.raises(Refused, match="does not know"):
        house.record(id_, seen.event)
    assert everything(house, id_) == stood


def test_a_move_is_onto_what_is_published_and_from_where_the_pathway_is(house: House) -> None:
    version = published(house, variation("8.0.0", with_a_call))
    id_ = house.refer(1).pathway_id
    assert id_
    event = preview(house, id_, version).event
    with pytest.raises(Refused, match="No protocol aaaaaaaaaaaa is published"):
        house.record(id_, e.Migrated(by=ADMIN, from_digest=event.from_digest, to_digest="a" * 64, reason="x"))
    house.record(id_, event)
    with pytest.raises(Refused, match=r"on version 8\.0\.0, not on the one to move from"):
        house.record(id_, event)
    undone = migrating.back(house.load(id_)[0], by=ADMIN, reason="x")
    with pytest.raises(Stale), house.service.db.write() as session:
        house.service.ledger.record(session, id_, undone, at=house.clock.now, seen=1)


def test_days_pass_between_the_move_and_the_way_back_and_the_rows_are_always_the_plan(house: House) -> None:
    spare = spare_step()
    version = published(house, variation("8.0.0", with_a_call, without(spare)))
    id_ = house.refer(1).pathway_id
    assert id_
    house.until(NOON + timedelta(days=1), hours=6)
    move(house, id_, version)
    the_rows_are_the_plan(house, id_)
    house.record(id_, e.StepCompleted(by=COORDINATOR, step="triage", outcome="accepted"))
    house.until(NOON + timedelta(days=4), hours=6)
    the_rows_are_the_plan(house, id_)
    house.record(id_, e.StepCompleted(by=COORDINATOR, step="phone_call", outcome="done"))
    back(house, id_)
    the_rows_are_the_plan(house, id_)
    pathway, _ = house.load(id_)
    assert [(one.key, one.status.value) for one in pathway.set_aside] == [("phone_call", "done")]
    assert {one.key for one in pathway.steps} >= {spare, "triage"}
    house.until(NOON + timedelta(days=8), hours=12)
    the_rows_are_the_plan(house, id_)
