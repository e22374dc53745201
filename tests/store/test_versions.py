"""Published versions: a name means one content for ever, on both databases, whoever tries what."""

from __future__ import annotations

import copy
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import store
from app import versions
from app.protocols import BUILTIN, LoadedProtocol, Unreadable, digest_of, from_content, load
from pathway import events as e
from pathway.refusal import Refused
from store import protocols as shelves
from store.database import Database
from store.tables import ProtocolRow
from tests.house import COORDINATOR, Clock, House, open_house, plain_settings

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
CENTRES = BUILTIN.parent.parent / "centres"


def version(folder: Path, number: str, *changes: tuple[str, str]) -> Path:
    """The built-in protocol's files with another version, and these words changed."""
    place = folder / number
    shutil.copytree(BUILTIN.parent, place)
    path = place / BUILTIN.name
    text = path.read_text(encoding="utf-8")
    for old, new in (("\nversion: " + load().protocol.version, f"\nversion: {number}"), *changes):
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


QUIETER = ("recovery_silence_hours: 12", "recovery_silence_hours: 13")


def house(database_url: str, tmp_path: Path, **more: object) -> House:
    return open_house(plain_settings(database_url, tmp_path, **more), Clock(NOON))


def publish(opened: House, loaded: LoadedProtocol, note: str = "") -> bool:
    with opened.service.db.write() as session:
        return versions.publish(session, loaded, by="Dr Rey", note=note, now=opened.clock.now)


def test_the_first_start_publishes_what_the_file_says_and_begins_with_it(
    database_url: str, tmp_path: Path
) -> None:
    opened = house(database_url, tmp_path)
    with opened.service.db.read() as session:
        [first] = shelves.publications(session)
    assert (first.version, first.digest, first.by) == (load().protocol.version, load().digest, "jalon")
    assert first.begins
    opened.close()
    again = house(database_url, tmp_path)
    with again.service.db.read() as session:
        assert shelves.publications(session) == [first], "a second start publishes nothing"
    again.close()


def test_a_file_changed_under_its_version_is_refused_at_the_start(database_url: str, tmp_path: Path) -> None:
    house(database_url, tmp_path, protocol=version(tmp_path, "7.0.0")).close()
    path = tmp_path / "7.0.0" / BUILTIN.name
    path.write_text(path.read_text("utf-8").replace(*QUIETER), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        house(database_url, tmp_path, protocol=path)
    said = refused.value.text.en
    assert said.startswith("vertebroplasty 7.0.0 was published on 2027-03-01 by jalon with other content (")
    assert "(messaging.recovery_silence_hours)" in said
    assert "raise `version` in the protocol's file" in said
    assert "augmentez « version »" in refused.value.text.fr


def test_a_newer_list_of_holidays_is_no_other_protocol(database_url: str, tmp_path: Path) -> None:
    opened = house(database_url, tmp_path)
    before = opened.service.protocol
    content = copy.deepcopy(before.content)
    content["calendar"]["holidays"].append("2045-12-24")
    newer = from_content(content, digest_of(content))
    assert publish(opened, newer) is False
    with opened.service.db.write() as session:
        assert versions.begin_with(session, newer, now=NOON).digest == before.digest, (
            "what is published runs on"
        )
    opened.close()


def test_a_centre_that_changes_its_settings_raises_its_edition(database_url: str, tmp_path: Path) -> None:
    centre = tmp_path / "centre.yaml"
    said = (CENTRES / "tilleuls.yaml").read_text("utf-8")
    centre.write_text(said, encoding="utf-8")
    first = house(database_url, tmp_path, centre=centre)
    number = first.service.protocol.protocol.version
    first.close()
    changed = said.replace("biopsy: systematic", "biopsy: on_suspicion")
    centre.write_text(changed, encoding="utf-8")
    with pytest.raises(Refused, match=r"\(settings\.biopsy"):
        house(database_url, tmp_path, centre=centre)
    centre.write_text(changed.replace("settings:", "edition: 2\nsettings:"), encoding="utf-8")
    second = house(database_url, tmp_path, centre=centre)
    assert second.service.unpublished == f"vertebroplasty {number}+2"
    assert second.service.protocol.protocol.version == number, "not published: new pathways go on as before"
    second.close()


def test_a_new_version_waits_to_be_published_and_used_and_running_pathways_stay(
    database_url: str, tmp_path: Path
) -> None:
    opened = house(database_url, tmp_path)
    before = opened.service.protocol
    old = opened.refer(1).pathway_id
    assert old
    newer = load(version(tmp_path, "8.0.0", QUIETER))
    assert publish(opened, newer, "one hour more of silence") is True
    assert publish(opened, newer) is False, "the same again is nothing"
    still = opened.refer(2).pathway_id
    with opened.service.db.write() as session:
        assert shelves.use(session, newer.digest, by="Dr Rey", now=opened.clock.wait(hours=1))
        assert not shelves.use(session, newer.digest, by="Dr Rey", now=opened.clock.now)
    new = opened.refer(3).pathway_id
    assert new
    assert still
    digests = [opened.load(one)[0].protocol_digest for one in (old, still, new)]
    assert digests == [before.digest, before.digest, newer.digest]
    opened.record(old, e.StepStarted(by=COORDINATOR, step="triage"))
    assert opened.load(old)[0].protocol_version == before.protocol.version
    with opened.service.db.read() as session:
        hours = [
            opened.service.ledger.load(session, one)[1].protocol.messaging.recovery_silence_hours
            for one in (old, still, new)
        ]
    assert hours == [12, 12, 13]
    with opened.service.db.read() as session:
        found = {one.version: one for one in shelves.publications(session)}
    assert (found["8.0.0"].begins, found["8.0.0"].running, found["8.0.0"].note[:7]) == (True, 1, "one hou")
    assert (found[before.protocol.version].begins, found[before.protocol.version].running) == (False, 2)
    opened.close()


def test_a_version_is_found_by_its_name_or_the_names_there_are_are_said(
    database_url: str, tmp_path: Path
) -> None:
    opened = house(database_url, tmp_path)
    publish(opened, load(version(tmp_path, "8.0.0")))
    with opened.service.db.read() as session:
        one = versions.find(session, "8.0.0")
        assert versions.find(session, "vertebroplasty 8.0.0") == versions.find(session, one.digest[:8]) == one
        with pytest.raises(
            Refused, match=r"No version '9' is published; there are: vertebroplasty .*8\.0\.0\."
        ):
            versions.find(session, "9")
    opened.close()


@pytest.mark.parametrize(
    "act",
    [
        "UPDATE protocol SET content = '{}'",
        "UPDATE protocol SET version = '9'",
        "DELETE FROM protocol",
        "UPDATE publication SET digest = digest || 'x'",
        "UPDATE publication SET note = 'never mind'",
        "DELETE FROM publication",
        "UPDATE protocol_use SET by = 'somebody else'",
        "DELETE FROM protocol_use",
    ],
)
def test_the_database_itself_refuses_to_change_what_is_published(
    database_url: str, tmp_path: Path, act: str
) -> None:
    opened = house(database_url, tmp_path)
    with (
        pytest.raises(DBAPIError, match="is never changed: publish another version"),
        opened.service.db.write() as s,
    ):
        s.connection().execute(text(act))
    opened.close()


def test_no_row_is_replaced_or_emptied_either(database_url: str, tmp_path: Path) -> None:
    opened = house(database_url, tmp_path)
    sqlite = [
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
        for table in ("protocol", "publication", "protocol_use")
    ]
    postgresql = [f"TRUNCATE {table} CASCADE" for table in ("protocol", "publication", "protocol_use")]
    for act in sqlite if opened.service.db.is_sqlite else postgresql:
        with pytest.raises(DBAPIError, match="is never changed"), opened.service.db.write() as session:
            session.connection().execute(text(act))
    opened.close()


def test_what_was_changed_past_every_guard_is_found_by_its_hash(database_url: str, tmp_path: Path) -> None:
    opened = house(database_url, tmp_path)
    id_ = opened.refer(1).pathway_id
    assert id_
    with opened.service.db.write() as session:
        run = session.connection().execute
        if opened.service.db.is_sqlite:
            run(text("DROP TRIGGER protocol_no_update"))
            run(text("UPDATE protocol SET content = replace(content, 'coordinator', 'gp')"))
        else:
            run(text("ALTER TABLE protocol DISABLE TRIGGER protocol_written_once"))
            run(text("UPDATE protocol SET content = replace(content::text, 'coordinator', 'gp')::json"))
    with opened.service.db.read() as session:
        [one] = shelves.publications(session)
        assert not versions.is_intact(session, one)
    opened.close()
    with pytest.raises(Unreadable, match="it has been changed"):
        house(database_url, tmp_path)


def test_what_was_pinned_before_there_were_publications_counts_as_published(
    database_url: str, tmp_path: Path
) -> None:
    db = Database(database_url, instance="test")
    _upgrade_to(db, "0002")
    pinned = [("a" * 64, "1.0.0", 1), ("b" * 64, "1.0.0", 2), ("c" * 64, "0.9.0", 0)]
    with db.write() as session:
        for digest, number, day in pinned:
            row = ProtocolRow(
                digest=digest,
                key="vertebroplasty",
                version=number,
                content={},
                pinned=NOON + timedelta(days=day),
            )
            session.add(row)
    db.upgrade()
    with db.read() as session:
        found = {one.version: one for one in shelves.publications(session)}
        begins = shelves.in_use(session)
    db.close()
    assert {number: one.digest for number, one in found.items()} == {"1.0.0": "b" * 64, "0.9.0": "c" * 64}
    assert begins == "b" * 64, "new pathways go on with what was pinned last"


def _upgrade_to(db: Database, revision: str) -> None:
    """The schema of an earlier Jalon."""
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    with db.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_two_who_publish_one_version_at_once_publish_it_once(database_url: str, tmp_path: Path) -> None:
    opened = house(database_url, tmp_path)
    loaded = [load(version(tmp_path, "8.0.0")), load(BUILTIN, {"biopsy": "none"})]
    contents = [loaded[0].content, {**loaded[0].content, "settings": loaded[1].content["settings"]}]
    news: list[bool] = []
    taken: list[shelves.VersionTaken] = []
    ready = threading.Barrier(4)

    def rival(number: int) -> None:
        db = Database(database_url, instance="test")
        ready.wait()
        try:
            with db.write() as session:
                news.append(
                    shelves.publish(
                        session,
                        digest=("a" if number % 2 else "b") * 64,
                        key="vertebroplasty",
                        version="8.0.0",
                        content=contents[number % 2],
                        by=f"rival {number}",
                        note="",
                        now=NOON,
                    )
                )
        except shelves.VersionTaken as error:
            taken.append(error)
        finally:
            db.close()

    rivals = [threading.Thread(target=rival, args=(number,)) for number in range(4)]
    for one in rivals:
        one.start()
    for one in rivals:
        one.join()
    assert sorted(news) == [False, True], "one content wins, and its second rival finds it published"
    assert len(taken) == 2
    with opened.service.db.read() as session:
        assert len([one for one in shelves.publications(session) if one.version == "8.0.0"]) == 1
    opened.close()
