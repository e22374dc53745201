"""Proof of the trace: what was changed, removed, inserted or reordered, found and said in a sentence.

What a database alone cannot prove is that nobody put back an older state of all of it. For that, keep the
``anchor`` elsewhere (a log, a letter) and hand it in at the next proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session, col, select

from store.audit import BEGINNING, ERASED, INSTALLATION, Audit, chained, row_digest
from store.audit_cipher import Unreadable
from store.audit_tables import AuditHeadRow, AuditKeyRow, AuditRow, SealRow

_AFRESH = {"populate_existing": True}
_PAGE = 1000
# What a column raises that holds something of another kind; SQLite takes anything anywhere.
_NONSENSE = (ValueError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that is not as it was written. ``where`` names it: a row, a seal, the head or a key."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The end of the chain at one moment: the number of the last seal and its digest."""

    number: int
    digest: str


def anchor(session: Session) -> Anchor:
    """Where the chain ends now, to be kept out of this database's reach."""
    head = session.get(AuditHeadRow, 1)
    return Anchor(head.number, head.digest) if head is not None else Anchor(0, BEGINNING)


def verify(session: Session, audit: Audit, kept: Anchor | None = None) -> list[Broken]:
    """Everything in the trace that was tampered with; empty when it is whole.

    Give it a session of its own: on PostgreSQL it takes a snapshot, so that what is written meanwhile is no
    false alarm. Rows written and not yet sealed are proved by their signature alone: one that is removed
    before the sealer comes by (seconds) is not missed. ``kept`` is an anchor taken earlier.
    """
    if session.get_bind().dialect.name == "postgresql" and not session.in_transaction():
        session.connection().exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    erasures: set[str] = set()
    broken = list(_chain(session, audit, kept, erasures))
    broken += _rows_no_seal_knows(session, audit, erasures)
    return broken + list(_keys(session, audit, erasures))


def _chain(session: Session, audit: Audit, kept: Anchor | None, erasures: set[str]) -> Iterator[Broken]:
    number, digest = 0, BEGINNING
    if kept is not None and kept.number == 0:
        kept = None
    for last in session.exec(select(SealRow.number).order_by(col(SealRow.number))).all():
        if last != number + 1:
            yield Broken(f"seal {number + 1}", f"Seals {number + 1} to {last - 1} are missing.")
        number = last
        try:
            seal = session.exec(
                select(SealRow).where(SealRow.number == number), execution_options=_AFRESH
            ).one()
            yield from _seal(session, audit, seal, digest, erasures)
            digest = seal.digest
        except _NONSENSE as error:
            yield Broken(f"seal {number}", f"It, or a row under it, cannot be read: {error}.")
        if kept is not None and kept.number == number and kept.digest != digest:
            yield Broken(f"seal {number}", "It is not the seal that the kept anchor names.")
    if kept is not None and kept.number > number:
        yield Broken(
            f"seal {kept.number}",
            "The kept anchor names it, and it is not there: an older state was put back.",
        )
    head = session.exec(select(AuditHeadRow).where(AuditHeadRow.id == 1), execution_options=_AFRESH).first()
    if head is None:
        if number:
            yield Broken("head", "The head of the chain is missing.")
    elif not audit.cipher.signed(head.mac, "head", head.number, head.digest):
        yield Broken("head", "The head of the chain was not signed with this installation's key.")
    elif (head.number, head.digest) != (number, digest):
        yield Broken("head", f"The chain ends at seal {number}, its head says {head.number}.")


def _seal(
    session: Session, audit: Audit, seal: SealRow, previous: str, erasures: set[str]
) -> Iterator[Broken]:
    where = f"seal {seal.number}"
    under = select(AuditRow).where(AuditRow.seal == seal.number).order_by(col(AuditRow.id))
    rows = session.exec(under, execution_options=_AFRESH).all()
    for row in rows:
        yield from _row(audit, row, erasures)
    if seal.previous != previous:
        yield Broken(where, "It does not follow the seal before it.")
    if seal.rows != len(rows):
        yield Broken(where, f"It seals {seal.rows} rows and {len(rows)} are there.")
    if seal.digest != chained(seal.previous, seal.number, seal.at, rows):
        yield Broken(where, "Its rows, or its own words, are not those it was made over.")
    if not audit.cipher.signed(seal.mac, "seal", seal.digest):
        yield Broken(where, "It was not signed with this installation's key.")


def _rows_no_seal_knows(session: Session, audit: Audit, erasures: set[str]) -> Iterator[Broken]:
    sealed = select(AuditRow.id).where(col(AuditRow.seal).is_not(None))
    orphans = sealed.where(col(AuditRow.seal).not_in(select(SealRow.number))).order_by(AuditRow.id)
    for row_id in session.exec(orphans):
        yield Broken(f"row {row_id}", "It names a seal that is not there.")
    last = ""
    unsealed = select(AuditRow).where(col(AuditRow.seal).is_(None)).order_by(col(AuditRow.id)).limit(_PAGE)
    try:
        while rows := session.exec(unsealed.where(AuditRow.id > last), execution_options=_AFRESH).all():
            for row in rows:
                yield from _row(audit, row, erasures)
            last = rows[-1].id
    except _NONSENSE as error:
        yield Broken("rows not yet sealed", f"One of them cannot be read: {error}.")


def _row(audit: Audit, row: AuditRow, erasures: set[str]) -> Iterator[Broken]:
    if not audit.cipher.signed(row.mac, "row", row_digest(row)):
        yield Broken(f"row {row.id}", "It was changed, or not written by this installation.")
    elif row.action == ERASED and row.key_owner == INSTALLATION and row.patient_id:
        erasures.add(row.patient_id)


def _keys(session: Session, audit: Audit, erasures: set[str]) -> Iterator[Broken]:
    """Keys that were lost, swapped or emptied without an erasure in the trace, or that came back after one."""
    known = set()
    for key in session.exec(select(AuditKeyRow).order_by(AuditKeyRow.owner), execution_options=_AFRESH):
        known.add(key.owner)
        where = f"key of {key.owner or 'the installation'}"
        if key.owner in erasures:
            if key.wrapped or not key.erased:
                yield Broken(where, "It was erased, and is back.")
            continue
        if key.erased:
            yield Broken(where, "It is gone without an erasure in the trace.")
            continue
        try:
            audit.cipher.unwrap(key.wrapped, key.owner)
        except Unreadable:
            yield Broken(where, "It does not open with this installation's key.")
    for owner in session.exec(select(AuditRow.key_owner).distinct()):
        if owner not in known:
            yield Broken(
                f"key of {owner or 'the installation'}", "It is missing, and rows were written under it."
            )
    for owner in sorted(erasures - known):
        yield Broken(f"key of {owner}", "It was erased, and even its place is gone.")
