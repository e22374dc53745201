"""The trace: who read or wrote what of whom. Written with the request, sealed in batches a little later.

Two steps, because a chain is a queue: a request that had to find the last link first would wait for every other.
So ``write`` leaves an unchained row in the request's own transaction, and ``seal`` chains what has been
committed. Each row is signed from the start; ``store.audit_proof`` finds what was tampered with.

What was read is encrypted under a key of the patient's own. ``erase`` destroys that key: the words are gone, and
the chain, which runs over the ciphertext, still holds.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Insert, bindparam, insert
from sqlmodel import Session, col, select, update

from store.audit_cipher import Cipher, Unreadable, decrypt, encrypt
from store.audit_tables import AuditHeadRow, AuditKeyRow, AuditRow, SealRow
from store.upsert import insert_if_absent

# The owner of the key for what concerns no patient, and for the erasures themselves.
INSTALLATION = ""
ERASED = "erase"
BEGINNING = hashlib.sha256(b"jalon audit").hexdigest()
BATCH = 1000
_MOMENT = timedelta(milliseconds=1)


class WrongKey(Exception):
    """This database was written with another installation key; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One read or write. ``action`` is a verb (read, write, sign-in, export); ``what`` the thing it was done to.

    ``at`` is an aware instant. ``actor`` and ``role`` stay readable for ever, ``what`` and ``detail`` (JSON) only
    until the patient is erased: health data belongs there or nowhere.
    """

    at: datetime
    actor: str
    role: str
    action: str
    what: str
    patient_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as it is read back. ``readable`` is False when its words were erased or do not open."""

    id: str
    entry: Entry
    readable: bool = True


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the trace that is about to be written."""

    id: str
    at: datetime
    actor: str
    role: str
    action: str
    patient_id: str | None
    key_owner: str
    payload: bytes
    mac: str


class Audit:
    """The trace of one installation, under its key (32 bytes, see ``app.secrets``)."""

    def __init__(self, installation_key: bytes) -> None:
        self.cipher = Cipher(installation_key)

    def check(self, session: Session) -> None:
        """Raise WrongKey when this is not the key this database was written with. Ask once, at the start."""
        self._keys(session, {INSTALLATION})

    def write(self, session: Session, entry: Entry) -> None:
        """Leave the trace of one read or write in the transaction of whoever does it."""
        self.write_all(session, [entry])

    def write_all(self, session: Session, entries: Iterable[Entry]) -> None:
        """Leave several traces: a worklist reads many patients at once."""
        entries = list(entries)
        keys = self._keys(session, {entry.patient_id or INSTALLATION for entry in entries})
        owners = [entry.patient_id or INSTALLATION for entry in entries]
        rows = [self._row(entry, owner, keys[owner]) for entry, owner in zip(entries, owners, strict=True)]
        # Every read pays for this: rows for the driver, and no objects for a session to watch.
        if rows:
            session.connection().execute(_written(), [asdict(row) for row in rows])

    def erase(self, session: Session, patient_id: str, *, by: str, role: str, now: datetime) -> bool:
        """Destroy the patient's key, and leave a trace of that. Whether it was not destroyed already.

        The old key lives on in backups until they are overwritten, in PostgreSQL's dead rows until the next
        vacuum and in SQLite's journal until the next checkpoint.
        """
        if not insert_if_absent(session, AuditKeyRow(owner=patient_id, wrapped=b"", erased=True)):
            locked = select(AuditKeyRow).where(AuditKeyRow.owner == patient_id).with_for_update()
            row = session.exec(locked, execution_options={"populate_existing": True}).one()
            if row.erased:
                return False
            # Zeros of the same length first: SQLite then writes over the key instead of letting go of its place.
            row.wrapped = bytes(len(row.wrapped))
            session.flush()
            row.wrapped, row.erased = b"", True
        entry = Entry(at=now, actor=by, role=role, action=ERASED, what="key destroyed", patient_id=patient_id)
        row_ = self._row(entry, INSTALLATION, self._keys(session, {INSTALLATION})[INSTALLATION])
        session.connection().execute(_written(), [asdict(row_)])
        session.flush()
        return True

    def told(
        self,
        session: Session,
        *,
        ids: Sequence[str] | None = None,
        patient_id: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Told]:
        """Entries, the latest first: of one patient, by one actor, or all; ``before`` an id, to page on.

        ``since`` is included and ``until`` is not.
        """
        rows = select(AuditRow).order_by(col(AuditRow.id).desc()).limit(limit)
        if ids is not None:
            rows = rows.where(col(AuditRow.id).in_(ids))
        if action is not None:
            rows = rows.where(AuditRow.action == action)
        if since is not None:
            rows = rows.where(col(AuditRow.id) >= _from(since), col(AuditRow.at) >= since)
        if until is not None:
            rows = rows.where(col(AuditRow.id) < _from(until + _MOMENT), col(AuditRow.at) < until)
        if patient_id is not None:
            rows = rows.where(AuditRow.patient_id == patient_id)
        if actor is not None:
            rows = rows.where(AuditRow.actor == actor)
        if before is not None:
            rows = rows.where(col(AuditRow.id) < before)
        return self._all_told(session, session.exec(rows).all())

    def one_told(self, session: Session, id_: str) -> Told | None:
        """The entry of that id."""
        row = session.get(AuditRow, id_)
        return next(iter(self._all_told(session, [row] if row is not None else [])), None)

    def _all_told(self, session: Session, found: Sequence[AuditRow]) -> list[Told]:
        owners = {row.key_owner for row in found}
        keys = session.exec(select(AuditKeyRow).where(col(AuditKeyRow.owner).in_(owners)))
        wrapped = {key.owner: key.wrapped for key in keys}
        return [self._told(row, wrapped.get(row.key_owner, b"")) for row in found]

    def seal(self, session: Session, now: datetime, limit: int = BATCH) -> int:
        """Chain up to ``limit`` rows that are not chained yet. How many; call again while it is not 0."""
        head = self._head(session)
        unsealed = (
            select(AuditRow).where(col(AuditRow.seal).is_(None)).order_by(col(AuditRow.id)).limit(limit)
        )
        rows = session.exec(unsealed).all()
        if not rows:
            return 0
        number = head.number + 1
        digest = chained(head.digest, number, now, rows)
        mac = self.cipher.sign("seal", digest)
        session.add(
            SealRow(number=number, at=now, rows=len(rows), previous=head.digest, digest=digest, mac=mac)
        )
        # By id and not "everything unsealed": a row with a lower id may be committed while we are here.
        sealed = update(AuditRow).where(col(AuditRow.id).in_([row.id for row in rows])).values(seal=number)
        session.exec(sealed, execution_options={"synchronize_session": False})
        head.number, head.digest, head.mac = number, digest, self.cipher.sign("head", number, digest)
        session.flush()
        return len(rows)

    def _keys(self, session: Session, owners: set[str]) -> dict[str, bytes | None]:
        """The data keys of these owners, made when it is the first time; None for one that was erased."""
        asked = {"owners": sorted(owners)}
        rows = {row.owner: row for row in session.connection().execute(_keys_of(), asked)}
        # One order for everybody, so that two requests that meet the same new patients do not deadlock.
        new = sorted(owners - rows.keys())
        for owner in new:
            insert_if_absent(session, AuditKeyRow(owner=owner, wrapped=self.cipher.new_key(owner)[1]))
        if new:
            rows = {row.owner: row for row in session.connection().execute(_keys_of(), asked)}
        try:
            return {
                owner: None if row.erased else self.cipher.unwrap(row.wrapped, owner)
                for owner, row in rows.items()
            }
        except Unreadable as error:
            raise WrongKey(
                "This database was written with another installation key."
                " Start with the JALON_SECRET_KEY (or key file) it was created with."
            ) from error

    def _row(self, entry: Entry, owner: str, key: bytes | None) -> _Line:
        if entry.at.utcoffset() is None:
            raise ValueError("Entry.at must be an aware instant.")
        line = _Line(
            id=_from(entry.at) + secrets.token_hex(10),
            at=entry.at.astimezone(UTC),
            actor=entry.actor,
            role=entry.role,
            action=entry.action,
            patient_id=entry.patient_id,
            key_owner=owner,
            payload=b"",
            mac="",
        )
        words = json.dumps([entry.what, entry.detail], ensure_ascii=False, separators=(",", ":")).encode()
        # After an erasure the trace goes on, but its words are encrypted under a key that nobody keeps.
        sealing = key or self.cipher.new_key(owner)[0]
        line = replace(line, payload=encrypt(sealing, words, bound_to=_clear_part(line)))
        return replace(line, mac=self.cipher.sign("row", row_digest(line)))

    def _told(self, row: AuditRow, wrapped: bytes) -> Told:
        try:
            key = self.cipher.unwrap(wrapped, row.key_owner)
            what, detail = json.loads(decrypt(key, row.payload, bound_to=_clear_part(row)))
        except Unreadable:
            return Told(
                row.id, Entry(row.at, row.actor, row.role, row.action, "", row.patient_id), readable=False
            )
        return Told(row.id, Entry(row.at, row.actor, row.role, row.action, what, row.patient_id, detail))

    def _head(self, session: Session) -> AuditHeadRow:
        """The head, locked: one sealer at a time. (SQLite has one writer anyway.)"""
        beginning = AuditHeadRow(number=0, digest=BEGINNING, mac=self.cipher.sign("head", 0, BEGINNING))
        insert_if_absent(session, beginning)
        locked = select(AuditHeadRow).where(AuditHeadRow.id == 1).with_for_update()
        return session.exec(locked, execution_options={"populate_existing": True}).one()


@cache
def _keys_of() -> Any:
    """The keys of some owners: made once, for every request asks for them."""
    key = AuditKeyRow
    these = col(key.owner).in_(bindparam("owners", expanding=True))
    return select(key.owner, key.wrapped, key.erased).where(these)


@cache
def _written() -> Insert:
    return insert(AuditRow)


def _from(at: datetime) -> str:
    """How the ids of entries begin that are written at this instant: in milliseconds."""
    return f"{int(at.timestamp() * 1000):012x}"


def row_digest(row: AuditRow | _Line) -> str:
    """SHA-256 of a row as it was written: everything but its seal."""
    return hashlib.sha256(_clear_part(row) + row.payload).hexdigest()


def chained(previous: str, number: int, at: datetime, rows: Sequence[AuditRow]) -> str:
    """The digest of a seal: SHA-256 over the one before, its own number and instant, and the rows by id."""
    in_order = sorted(rows, key=lambda row: row.id)
    parts = [previous, number, at.astimezone(UTC).isoformat(), *map(row_digest, in_order)]
    return hashlib.sha256(_canonical(parts)).hexdigest()


def _clear_part(row: AuditRow | _Line) -> bytes:
    at = row.at.astimezone(UTC).isoformat()
    return _canonical([row.id, at, row.actor, row.role, row.action, row.patient_id, row.key_owner])


def _canonical(parts: list[Any]) -> bytes:
    return json.dumps(parts, separators=(",", ":")).encode()
