"""What a hospital said and nobody could use: kept as it came, until it is understood after all or set aside.

The same bytes from the same system are one anomaly however often they come: a feed that repeats itself is counted,
and does not fill the list.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlmodel import Session, col, func, select

from pathway.refusal import Refused, Text
from store.inbound_tables import AnomalyRow
from store.upsert import insert_if_absent

KINDS = ("unmatched", "unreadable", "refused", "contradictory")


def add(
    session: Session,
    *,
    source: str,
    kind: str,
    type: str,
    remote: str,
    reason: Text | str,
    body: bytes,
    at: datetime,
    again: bool = False,
) -> AnomalyRow:
    """Put this on the list, or count it once more. What was dismissed stays so; what was settled is open again.

    ``again``: it did not come once more, somebody has had it looked at again.
    ``source`` is the system that said it, ``kind`` one of KINDS, ``remote`` its name there (``Observation/123``),
    ``reason`` a sentence for whoever looks, and ``body`` the bytes as they came.
    """
    said = reason if isinstance(reason, Text) else Text(fr=reason, en=reason)
    digest = hashlib.sha256("\0".join((source, type, remote)).encode() + b"\0" + body).hexdigest()
    row = AnomalyRow(
        id=digest[:32],
        source=source,
        kind=kind,
        type=type,
        remote=remote,
        reason_fr=said.fr,
        reason_en=said.en,
        body=body,
        at=at,
        last=at,
    )
    if insert_if_absent(session, row):
        return one(session, row.id)
    known = one(session, row.id)
    if not again:
        known.times, known.last = known.times + 1, at
    if known.status != "dismissed":
        known.status, known.kind, known.reason_fr, known.reason_en = "open", kind, said.fr, said.en
        known.settled = known.settled_by = None
    session.flush()
    return known


def open_ones(session: Session, *, limit: int = 200) -> list[AnomalyRow]:
    """What waits for somebody, oldest first."""
    query = select(AnomalyRow).where(AnomalyRow.status == "open")
    return list(session.exec(query.order_by(col(AnomalyRow.at), col(AnomalyRow.id)).limit(limit)))


def settled_ones(session: Session, *, limit: int = 50) -> list[AnomalyRow]:
    """What was settled or dismissed, the latest first."""
    query = select(AnomalyRow).where(AnomalyRow.status != "open")
    return list(session.exec(query.order_by(col(AnomalyRow.settled).desc()).limit(limit)))


def count(session: Session) -> int:
    """How many wait for somebody."""
    return session.exec(select(func.count()).select_from(AnomalyRow).where(AnomalyRow.status == "open")).one()


def one(session: Session, id_: str) -> AnomalyRow:
    """The anomaly of that id, locked. Refused when there is none."""
    query = select(AnomalyRow).where(AnomalyRow.id == id_).with_for_update()
    row = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise Refused(
            Text(fr="Il n'y a pas de telle anomalie.", en="There is no such anomaly."),
            kind="not-found",
            field="anomaly",
        )
    return row


def settle(session: Session, id_: str, *, by: str, at: datetime, note: str = "") -> AnomalyRow:
    """It was understood after all."""
    return _close(session, id_, "settled", by=by, at=at, note=note)


def dismiss(session: Session, id_: str, *, by: str, at: datetime, note: str) -> AnomalyRow:
    """Somebody sets it aside, and says why. Refused without a note."""
    if not note.strip():
        raise Refused(Text(fr="Indiquez le motif.", en="Give the reason."), kind="invalid", field="note")
    return _close(session, id_, "dismissed", by=by, at=at, note=note)


def _close(session: Session, id_: str, status: str, *, by: str, at: datetime, note: str) -> AnomalyRow:
    row = one(session, id_)
    if row.status != "open":
        raise Refused(
            Text(fr="Cette anomalie est déjà close.", en="This anomaly is closed already."), field="anomaly"
        )
    row.status, row.settled, row.settled_by, row.note = status, at, by, note.strip()
    session.flush()
    return row
