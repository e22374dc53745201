"""The trace of who read what: chained after the fact, erasable, and no tampering goes unseen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, SQLModel, select

from store import schema
from store.audit import Audit, Entry, WrongKey
from store.audit_proof import Anchor, anchor, verify
from store.audit_tables import AuditKeyRow, AuditRow, SealRow
from store.database import Database

NOW = datetime(2027, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)
AUDIT = Audit(bytes(range(32)))
PATIENTS = ("p1", "p2", "p3", None)


def opened(url: str) -> Database:
    assert schema.audit_tables
    database = Database(url)
    SQLModel.metadata.create_all(database.engine)
    return database


@pytest.fixture
def database(database_url: str):
    database = opened(database_url)
    yield database
    database.close()


def entry(n: int, patient_id: str | None = "p1", **given: Any) -> Entry:
    said = {"what": f"Patient/{patient_id}", "detail": {"page": n, "reason": "tassement à L1"}} | given
    return Entry(
        NOW + timedelta(seconds=n), "Anne Petit", "coordinator", "read", patient_id=patient_id, **said
    )


def write(database: Database, *entries: Entry) -> None:
    with database.write() as session:
        AUDIT.write_all(session, entries)


def seal(database: Database, limit: int = 1000) -> int:
    with database.write() as session:
        return AUDIT.seal(session, NOW + timedelta(hours=1), limit)


def broken(database: Database, kept: Anchor | None = None, audit: Audit = AUDIT) -> list[str]:
    with database.read() as session:
        return [f"{it.where}: {it.what}" for it in verify(session, audit, kept)]


def told(database: Database, **which: Any) -> list[Any]:
    with database.read() as session:
        return AUDIT.told(session, **which)


def run(session: Session, statement: str, **values: Any) -> None:
    session.connection().execute(text(statement), values)


# Writing, reading, erasing


def test_what_was_written_is_told_again_the_latest_first(database: Database) -> None:
    first, second, third = entry(1), entry(2, "p2"), entry(3, None, what="sign-in", detail={})
    write(database, third, first, second)
    assert [it.entry for it in told(database)] == [third, second, first]
    assert [it.entry for it in told(database, patient_id="p2")] == [second]
    assert told(database, actor="Somebody else") == []
    page = told(database, limit=2)
    assert [it.entry for it in told(database, limit=2, before=page[-1].id)] == [first]


def test_a_request_that_fails_leaves_no_trace_of_what_did_not_happen(database: Database) -> None:
    def failing() -> None:
        with database.write() as session:
            AUDIT.write(session, entry(1))
            raise LookupError("the request fails after its trace was written")

    with pytest.raises(LookupError):
        failing()
    assert told(database) == []


def test_health_data_is_nowhere_in_the_clear(database: Database) -> None:
    write(database, entry(1))
    with database.read() as session:
        stored = str([row.model_dump() for row in session.exec(select(AuditRow))])
    assert "tassement" not in stored
    assert "Anne Petit" in stored


def test_erasing_a_patient_makes_the_words_unreadable_and_leaves_the_chain_whole(database: Database) -> None:
    write(database, entry(1), entry(2, "p2"), entry(3))
    assert seal(database) == 3
    write(database, entry(4))
    with database.write() as session:
        assert AUDIT.erase(session, "p1", by="Admin", role="admin", now=NOW + timedelta(seconds=10))
        assert not AUDIT.erase(session, "p1", by="Admin", role="admin", now=NOW)
    for sealed in (2, 0):
        assert broken(database) == []
        assert seal(database) == sealed
    assert [(it.entry.what, it.readable) for it in told(database, patient_id="p1")] == [
        ("key destroyed", True),
        ("", False),
        ("", False),
        ("", False),
    ]
    assert [it.entry for it in told(database, patient_id="p2")] == [entry(2, "p2")]


def test_the_trace_goes_on_after_an_erasure_without_words(database: Database) -> None:
    with database.write() as session:
        AUDIT.erase(session, "p1", by="Admin", role="admin", now=NOW)
    write(database, entry(1))
    seal(database)
    latest = told(database, patient_id="p1")[0]
    assert (latest.entry.actor, latest.entry.what, latest.readable) == ("Anne Petit", "", False)
    assert broken(database) == []


def test_an_erased_key_is_not_left_in_the_file(sqlite_url: str) -> None:
    database = opened(sqlite_url)
    write(database, *[entry(n, f"p{n}") for n in range(50)])
    with database.write() as session:
        wrapped = session.get(AuditKeyRow, "p7").wrapped
        AUDIT.erase(session, "p7", by="Admin", role="admin", now=NOW)
    with database.read() as session:
        other = session.get(AuditKeyRow, "p8").wrapped
    database.close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    left = b"".join(file.read_bytes() for file in path.parent.glob("jalon.sqlite*"))
    assert other in left
    assert wrapped not in left


def test_another_installation_key_is_refused_in_a_sentence(database: Database) -> None:
    with database.write() as session:
        AUDIT.check(session)
        AUDIT.check(session)
        with pytest.raises(WrongKey, match="JALON_SECRET_KEY"):
            Audit(bytes(32)).check(session)
    write(database, entry(1))
    assert any("not written by this installation" in it for it in broken(database, audit=Audit(bytes(32))))


def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="aware"), database.write() as session:
        AUDIT.write(session, Entry(datetime(2027, 3, 1), "Anne", "coordinator", "read", "Patient/p1", "p1"))


# Sealing


def test_rows_are_chained_in_batches_and_each_once(database: Database) -> None:
    write(database, *[entry(n, PATIENTS[n % 4]) for n in range(25)])
    assert [seal(database, 10) for _ in range(4)] == [10, 10, 5, 0]
    with database.read() as session:
        seals = session.exec(select(SealRow).order_by(SealRow.number)).all()
    assert [(row.number, row.rows) for row in seals] == [(1, 10), (2, 10), (3, 5)]
    assert [row.previous for row in seals[1:]] == [row.digest for row in seals[:-1]]
    assert broken(database) == []


def test_sealers_at_the_same_time_make_one_chain_while_requests_go_on(database: Database) -> None:
    write(database, *[entry(n, PATIENTS[n % 4]) for n in range(60)])
    start = Barrier(6)

    def sealer(_: int) -> int:
        start.wait()
        return sum(seal(database, 4) for _ in range(12))

    def request(worker: int) -> int:
        start.wait()
        for n in range(10):
            write(database, entry(100 * worker + n, f"new{n}"), entry(100 * worker + n, f"new{9 - n}"))
        return 0

    with ThreadPoolExecutor(6) as pool:
        sealing, asking = pool.map(sealer, range(3)), pool.map(request, range(1, 4))
        sealed = sum(sealing) + sum(asking)
    while more := seal(database, 4):
        sealed += more
    assert sealed == 60 + 60
    assert broken(database) == []


def test_sealing_while_the_proof_runs_is_no_false_alarm(database: Database) -> None:
    write(database, *[entry(n, PATIENTS[n % 4]) for n in range(40)])
    start = Barrier(2)

    def keep_busy() -> None:
        start.wait()
        for n in range(20):
            seal(database, 2)
            with database.write() as session:
                AUDIT.erase(session, f"busy{n}", by="Admin", role="admin", now=NOW)

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(keep_busy)
        start.wait()
        found = [broken(database)]
        while not busy.done():
            found.append(broken(database))
        busy.result()
    assert found == [[]] * len(found)


# Tampering. Each takes what a person with the database, and without the key, could do.

Tampering = Callable[[Session, Random, dict[str, list[Any]]], None]


def one(dice: Random, rows: list[Any]) -> Any:
    return dice.choice(rows)


def two(dice: Random, rows: list[Any]) -> list[Any]:
    return dice.sample(rows, 2)


def change_a_word(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    column = dice.choice(["actor", "role", "action", "patient_id", "key_owner", "mac"])
    run(
        session,
        f"UPDATE audit SET {column} = :new WHERE id = :id",
        new=f"x{dice.random()}",
        id=one(dice, at["rows"]),
    )


def change_an_instant(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    row_id = one(dice, at["rows"])
    row = session.get(AuditRow, row_id)
    row.at += timedelta(microseconds=dice.choice([-1, 1]) * dice.randint(1, 10**9))
    session.flush()


def flip_a_bit(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    row = session.get(AuditRow, one(dice, at["rows"]))
    bits = bytearray(row.payload)
    bits[dice.randrange(len(bits))] ^= 1 << dice.randrange(8)
    row.payload = bytes(bits)
    session.flush()


def remove_rows(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    for row_id in dice.sample(at["sealed"], dice.randint(1, 3)):
        run(session, "DELETE FROM audit WHERE id = :id", id=row_id)


def hide_a_row_from_its_seal(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    new = dice.choice([None, 0, 999])
    run(session, "UPDATE audit SET seal = :new WHERE id = :id", new=new, id=one(dice, at["sealed"]))


def slip_a_row_under_a_seal(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    run(
        session,
        "UPDATE audit SET seal = :new WHERE id = :id",
        new=one(dice, at["seals"]),
        id=one(dice, at["unsealed"]),
    )


def insert_a_copy(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    run(
        session,
        "INSERT INTO audit (id, at, actor, role, action, patient_id, key_owner, payload, mac, seal)"
        " SELECT :new, at, actor, role, action, patient_id, key_owner, payload, mac, CAST(:seal AS INTEGER)"
        " FROM audit WHERE id = :id",
        new=f"{dice.getrandbits(128):032x}",
        seal=dice.choice([None, 999, *at["seals"]]),
        id=one(dice, at["rows"]),
    )


def swap_what_two_rows_say(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    a, b = (session.get(AuditRow, row_id) for row_id in two(dice, at["rows"]))
    a.payload, b.payload = b.payload, a.payload
    if dice.random() < 0.5:
        a.mac, b.mac = b.mac, a.mac
    session.flush()


def reorder_two_rows(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    a, b = two(dice, at["rows"])
    for old, new in ((a, "aside"), (b, a), ("aside", b)):
        run(session, "UPDATE audit SET id = :new WHERE id = :old", new=new, old=old)


def reorder_two_seals(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    a, b = two(dice, at["seals"])
    tables = dice.choice([["audit_seal"], ["audit_seal", "audit"]])
    for old, new in ((a, -1), (b, a), (-1, b)):
        for table in tables:
            column = "number" if table == "audit_seal" else "seal"
            run(session, f"UPDATE {table} SET {column} = :new WHERE {column} = :old", new=new, old=old)


def change_a_seal(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    column, new = dice.choice([("rows", 4711), ("previous", "0" * 64), ("digest", "0" * 64), ("mac", "é")])
    where = "WHERE number = :number"
    run(session, f"UPDATE audit_seal SET {column} = :new {where}", new=new, number=one(dice, at["seals"]))


def date_a_seal_back(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    session.get(SealRow, one(dice, at["seals"])).at -= timedelta(seconds=dice.randint(1, 10**6))
    session.flush()


def remove_a_seal(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    number = one(dice, at["seals"])
    run(session, "DELETE FROM audit_seal WHERE number = :number", number=number)
    what = dice.choice(["DELETE FROM audit", "UPDATE audit SET seal = NULL", "SELECT 1 FROM audit"])
    run(session, f"{what} WHERE seal = :number", number=number)


def insert_a_seal(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    run(
        session,
        "INSERT INTO audit_seal (number, at, rows, previous, digest, mac)"
        " SELECT :new, at, rows, previous, digest, mac FROM audit_seal WHERE number = :number",
        new=dice.choice([0, max(at["seals"]) + 1, 999]),
        number=one(dice, at["seals"]),
    )


def cut_the_end_off(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    first = one(dice, at["seals"])
    run(session, "DELETE FROM audit WHERE seal >= :first", first=first)
    run(session, "DELETE FROM audit_seal WHERE number >= :first", first=first)
    how = dice.choice(["keep", "remove", "rewrite"])
    if how == "remove" and first > 1:
        run(session, "DELETE FROM audit_head")
    if how == "rewrite":
        last = "SELECT digest, mac FROM audit_seal WHERE number = :last"
        found = session.connection().execute(text(last), {"last": first - 1}).first() or ("0" * 64, "0" * 64)
        run(
            session,
            "UPDATE audit_head SET number = :last, digest = :digest, mac = :mac",
            last=first - 1,
            digest=found[0],
            mac=found[1],
        )


def chain_it_all_again_with_another_key(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    run(session, "DELETE FROM audit WHERE id = :id", id=one(dice, at["rows"]))
    run(session, "UPDATE audit SET seal = NULL")
    run(session, "DELETE FROM audit_seal")
    run(session, "DELETE FROM audit_head")
    forger = Audit(dice.randbytes(32))
    while forger.seal(session, NOW, 7):
        pass


def change_the_head(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    column, new = dice.choice(
        [("number", 1), ("number", 99), ("digest", "0" * 64), ("mac", "0" * 64), ("id", 2)]
    )
    run(session, f"UPDATE audit_head SET {column} = :new", new=new)


def remove_a_key(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    run(session, "DELETE FROM audit_key WHERE owner = :owner", owner=one(dice, at["keys"]))


def empty_a_key_without_a_trace(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    key = session.get(AuditKeyRow, dice.choice(["", "p2", "p3"]))
    key.wrapped, key.erased = b"", dice.random() < 0.5
    session.flush()


def swap_two_keys(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    a, b = (session.get(AuditKeyRow, owner) for owner in two(dice, at["keys"]))
    a.wrapped, b.wrapped = b.wrapped, a.wrapped
    session.flush()


def bring_an_erased_key_back(session: Session, dice: Random, at: dict[str, list[Any]]) -> None:
    key = session.get(AuditKeyRow, "p1")
    key.wrapped, key.erased = AUDIT.cipher.new_key("p1")[1], dice.random() < 0.5
    session.flush()


TAMPERINGS: list[Tampering] = [
    change_a_word,
    change_an_instant,
    flip_a_bit,
    remove_rows,
    hide_a_row_from_its_seal,
    slip_a_row_under_a_seal,
    insert_a_copy,
    swap_what_two_rows_say,
    reorder_two_rows,
    reorder_two_seals,
    change_a_seal,
    date_a_seal_back,
    remove_a_seal,
    insert_a_seal,
    cut_the_end_off,
    chain_it_all_again_with_another_key,
    change_the_head,
    remove_a_key,
    empty_a_key_without_a_trace,
    swap_two_keys,
    bring_an_erased_key_back,
]


def test_a_thousand_tamperings_are_all_found(database: Database) -> None:
    for n in range(4):
        write(database, *[entry(n, patient) for patient in PATIENTS])
        seal(database, 3)
    with database.write() as session:
        AUDIT.erase(session, "p1", by="Admin", role="admin", now=NOW)
    seal(database, 3)
    with database.read() as session:
        rows = session.exec(select(AuditRow).order_by(AuditRow.id)).all()
        at = {
            "rows": [row.id for row in rows],
            "sealed": [row.id for row in rows if row.seal],
            "unsealed": [row.id for row in rows if not row.seal],
            "seals": list(session.exec(select(SealRow.number))),
            "keys": list(session.exec(select(AuditKeyRow.owner))),
        }
    assert broken(database) == []
    missed = []
    rounds = 1000 if database.is_sqlite else 10 * len(TAMPERINGS)
    for n in range(rounds):
        tamper, dice = TAMPERINGS[n % len(TAMPERINGS)], Random(n)
        with Session(database.engine) as session:
            tamper(session, dice, at)
            if not verify(session, AUDIT):
                missed.append(f"{tamper.__name__} {n}")
            session.rollback()
    assert missed == []
    assert broken(database) == []


def test_nonsense_in_a_column_is_found_and_not_fallen_over(sqlite_url: str) -> None:
    database = opened(sqlite_url)
    write(database, entry(1), entry(2))
    seal(database, 1)
    for where in ("seal IS NULL", "seal = 1"):
        for column in ("at", "payload"):
            with Session(database.engine) as session:
                run(session, f"UPDATE audit SET {column} = 'nonsense' WHERE {where}")
                assert any("cannot be read" in it.what for it in verify(session, AUDIT))
                session.rollback()
    database.close()


def test_an_older_state_put_back_is_found_by_an_anchor_kept_elsewhere(database: Database) -> None:
    write(database, entry(1))
    seal(database)
    with database.read() as session:
        early = anchor(session)
        heads = session.exec(text("SELECT number, digest, mac FROM audit_head")).one()
    write(database, entry(2))
    seal(database)
    with database.read() as session:
        late = anchor(session)
    assert broken(database, early) == []
    assert broken(database, late) == []
    with database.write() as session:
        run(session, "DELETE FROM audit WHERE seal = 2")
        run(session, "DELETE FROM audit_seal WHERE number = 2")
        values = dict(zip(("number", "digest", "mac"), heads, strict=True))
        run(session, "UPDATE audit_head SET number = :number, digest = :digest, mac = :mac", **values)
    assert broken(database) == []
    assert broken(database, late) == [
        "seal 2: The kept anchor names it, and it is not there: an older state was put back."
    ]
