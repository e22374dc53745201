"""What is to be done, by whom and by when: the lists people work from, read from indexed rows alone.

No state is decoded here. A list walks one index in the order of the due dates and stops when a page is full, so
that it costs the same with a hundred patients and with a hundred thousand.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.orm import defer
from sqlmodel import Session, col, func, or_, select, text
from sqlmodel.sql.expression import SelectOfScalar

from pathway.planned import Kind
from store.tables import ALERTED, BLOCKED, TO_DO, OwedRow, PathwayRow, PatientRow, ReferralRow

WORK = (Kind.TASK, Kind.CALL, Kind.LETTER)
CALLS = (Kind.CALL, Kind.LETTER)
UNDECIDED = ("incomplete", "duplicate")
COUNTED_TO = 999
"""Counts stop here: nobody reads a four-figure number, and counting further would cost what listing does not."""

_FOUND_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Who:
    """The patient of a row, and the pathway, as far as a list shows them. ``flags`` are those the door stored."""

    pathway_id: str
    patient_id: str
    family: str
    given: str
    birth_date: date
    digest: str
    status: str
    stage: str
    alerts: int
    blocked: int
    seq: int
    flags: tuple[dict[str, Any], ...] = ()

    @property
    def blocking(self) -> tuple[dict[str, Any], ...]:
        """The flags that block, as stored: ``text`` in both languages."""
        return tuple(flag for flag in self.flags if flag.get("blocking"))


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do: a task, a call or a letter. ``at`` is when it is due (UTC); ``id`` orders what is due then."""

    id: int
    key: str
    kind: Kind
    step: str
    role: str
    at: datetime
    until: datetime | None
    why: str
    who: Who
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def blocking(self) -> tuple[dict[str, Any], ...]:
        """The flags that block this very step; what blocks another one of the patient's does not stop this work."""
        return tuple(flag for flag in self.who.blocking if flag.get("step") == self.step)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which work is asked for. ``roles`` empty: everybody's. Bounds are instants (UTC), ``before`` not included."""

    kinds: tuple[Kind, ...] = WORK
    roles: tuple[str, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    blocked: bool = False
    undelivered: bool = False


def work(session: Session, asked: Asked, *, offset: int = 0, limit: int = 50) -> list[Work]:
    """The work that is to be done now, earliest due first; what waits for something else is not in it."""
    found = [
        _work(owed, pathway)
        for kind in asked.kinds
        for owed, pathway in _rows(session, asked, kind, offset + limit)
    ]
    found.sort(key=lambda one: (one.at, one.id))
    return found[offset : offset + limit]


def count(session: Session, asked: Asked) -> int:
    """How much work of this sort there is, counted up to ``COUNTED_TO``."""
    total = 0
    for kind in asked.kinds:
        for role in asked.roles or ("",):
            some = _of(asked, kind, role).limit(COUNTED_TO).subquery()
            total += session.exec(select(func.count()).select_from(some)).one()
    return min(total, COUNTED_TO)


def alerted(session: Session, *, offset: int = 0, limit: int = 20) -> list[Who]:
    """Pathways with an alert that nobody has taken yet, the longest untouched first."""
    return _whos(session, text(ALERTED), offset=offset, limit=limit)


def blocked(session: Session, *, offset: int = 0, limit: int = 20) -> list[Who]:
    """Running pathways whose plan as it stands cannot be carried out, the longest untouched first."""
    return _whos(session, text(BLOCKED), offset=offset, limit=limit)


def with_step(session: Session, step: str) -> list[Who]:
    """Pathways in which this step is to be done now, the earliest due first; at most ``_FOUND_AT_MOST``."""
    due = (
        select(OwedRow.pathway_id)
        .where(text(TO_DO), OwedRow.kind == Kind.TASK.value, col(OwedRow.next_at).is_not(None))
        .where(col(OwedRow.step).startswith(f"{step}/", autoescape=True))
        .order_by(col(OwedRow.next_at), col(OwedRow.id))
        .limit(_FOUND_AT_MOST)
    )
    ids = list(dict.fromkeys(session.exec(due)))
    query = (
        select(PathwayRow, PatientRow)
        .join(PatientRow, col(PatientRow.id) == PathwayRow.patient_id)
        .where(col(PathwayRow.id).in_(ids))
        .options(*_light())
    )
    found = {pathway.id: _who(pathway, patient) for pathway, patient in session.exec(query)}
    return [found[pathway_id] for pathway_id in ids]


def count_alerted(session: Session) -> int:
    """How many pathways have an alert that nobody has taken, counted up to ``COUNTED_TO``."""
    return _counted(session, text(ALERTED))


def count_blocked(session: Session) -> int:
    """How many running pathways are blocked, counted up to ``COUNTED_TO``."""
    return _counted(session, text(BLOCKED))


def search(session: Session, words: str, *, limit: int = 50) -> list[Who]:
    """Pathways of the patients whose names begin with these words; accents, case and order do not matter."""
    asked = folded(words).split()
    if not asked:
        return []
    likes = [_like(word) for word in asked]
    names = [
        or_(
            col(PatientRow.family).ilike(f"{like}%"),
            col(PatientRow.family).ilike(f"% {like}%"),
            col(PatientRow.family).ilike(f"%-{like}%"),
            col(PatientRow.given).ilike(f"{like}%"),
            col(PatientRow.given).ilike(f"% {like}%"),
            col(PatientRow.given).ilike(f"%-{like}%"),
        )
        for like in likes
    ]
    query = (
        select(PathwayRow, PatientRow)
        .join(PatientRow, col(PatientRow.id) == PathwayRow.patient_id)
        .where(*names)
        .order_by(col(PatientRow.family), col(PatientRow.given), col(PathwayRow.created).desc())
        .limit(_FOUND_AT_MOST)
    )
    found = [_who(pathway, patient) for pathway, patient in session.exec(query.options(*_light()))]
    return [who for who in found if _is_named(who, asked)][:limit]


def of_patient(session: Session, patient_id: str) -> list[Who]:
    """Every pathway of a patient, the latest first."""
    query = (
        select(PathwayRow, PatientRow)
        .join(PatientRow, col(PatientRow.id) == PathwayRow.patient_id)
        .where(PathwayRow.patient_id == patient_id)
        .order_by(col(PathwayRow.created).desc())
    )
    return [_who(pathway, patient) for pathway, patient in session.exec(query.options(*_light()))]


def referral_of(session: Session, referral_id: str) -> ReferralRow | None:
    """The referral of that id, whatever has become of it."""
    return session.exec(select(ReferralRow).where(ReferralRow.id == referral_id)).one_or_none()


def waiting_referrals(session: Session, *, offset: int = 0, limit: int = 40) -> list[ReferralRow]:
    """Referrals that only a person can take further, the longest waiting first."""
    query = select(ReferralRow).where(col(ReferralRow.status).in_(UNDECIDED))
    return list(session.exec(query.order_by(col(ReferralRow.received)).offset(offset).limit(limit)))


def count_waiting_referrals(session: Session) -> int:
    """How many referrals wait for a person, counted up to ``COUNTED_TO``."""
    some = select(ReferralRow.key).where(col(ReferralRow.status).in_(UNDECIDED)).limit(COUNTED_TO).subquery()
    return session.exec(select(func.count()).select_from(some)).one()


def owed_of(session: Session, pathway_id: str, kinds: Sequence[Kind]) -> list[OwedRow]:
    """Every row of these kinds that a pathway ever had, settled ones included, in the order of their dates."""
    query = (
        select(OwedRow)
        .where(OwedRow.pathway_id == pathway_id, col(OwedRow.kind).in_([kind.value for kind in kinds]))
        .order_by(col(OwedRow.at), col(OwedRow.id))
    )
    return list(session.exec(query))


def folded(words: str) -> str:
    """Names as they are compared: no accents, no case, hyphens and apostrophes as spaces."""
    bare = unicodedata.normalize("NFKD", words.casefold())
    return " ".join("".join(" " if c in "-'’" else c for c in bare if not unicodedata.combining(c)).split())


# --- queries ----------------------------------------------------------------------------------------------


def _rows(
    session: Session, asked: Asked, kind: Kind, limit: int
) -> list[tuple[OwedRow, tuple[PathwayRow, PatientRow]]]:
    ids = [
        row_id
        for role in asked.roles or ("",)
        for row_id in session.exec(_of(asked, kind, role).limit(limit))
    ]
    query = (
        select(OwedRow, PathwayRow, PatientRow)
        .join(PathwayRow, col(PathwayRow.id) == OwedRow.pathway_id)
        .join(PatientRow, col(PatientRow.id) == PathwayRow.patient_id)
        .where(col(OwedRow.id).in_(ids))
        .options(*_light())
    )
    return [(owed, (pathway, patient)) for owed, pathway, patient in session.exec(query)] if ids else []


def _of(asked: Asked, kind: Kind, role: str) -> SelectOfScalar[Any]:
    """The ids of this kind of work of a role (empty: of any), in the order of the indexes ``owed_work…``.

    The first condition is the words of those indexes; without them neither is used.
    """
    query: SelectOfScalar[Any] = select(col(OwedRow.id)).where(
        text(TO_DO), OwedRow.kind == kind.value, col(OwedRow.next_at).is_not(None)
    )
    if role:
        query = query.where(OwedRow.role == role)
    if asked.since is not None:
        query = query.where(col(OwedRow.next_at) >= asked.since)
    if asked.before is not None:
        query = query.where(col(OwedRow.next_at) < asked.before)
    if asked.blocked:
        ids = select(PathwayRow.id).where(text(BLOCKED))
        query = query.where(col(OwedRow.pathway_id).in_(ids))
    if asked.undelivered:
        query = query.where(col(OwedRow.key).like("%/undelivered"))
    return query.order_by(col(OwedRow.next_at), col(OwedRow.id))


def _whos(session: Session, condition: TextClause, *, offset: int, limit: int) -> list[Who]:
    query = (
        select(PathwayRow, PatientRow)
        .join(PatientRow, col(PatientRow.id) == PathwayRow.patient_id)
        .where(condition)
        .order_by(col(PathwayRow.as_of), col(PathwayRow.id))
        .offset(offset)
        .limit(limit)
        .options(*_light())
    )
    return [_who(pathway, patient) for pathway, patient in session.exec(query)]


def _counted(session: Session, condition: TextClause) -> int:
    some = select(PathwayRow.id).where(condition).limit(COUNTED_TO).subquery()
    return session.exec(select(func.count()).select_from(some)).one()


def _light() -> tuple[Any, ...]:
    """Leave the state, by far the largest column, where it is."""
    return (defer(PathwayRow.state, raiseload=True),)  # type: ignore[arg-type]


def _work(owed: OwedRow, of: tuple[PathwayRow, PatientRow]) -> Work:
    assert owed.id is not None
    assert owed.at is not None
    return Work(
        id=owed.id,
        key=owed.key,
        kind=Kind(owed.kind),
        step=owed.step,
        role=owed.role,
        at=owed.at,
        until=owed.until,
        why=owed.why,
        who=_who(*of),
        data=dict(owed.data),
    )


def _who(pathway: PathwayRow, patient: PatientRow) -> Who:
    return Who(
        pathway_id=pathway.id,
        patient_id=patient.id,
        family=patient.family,
        given=patient.given,
        birth_date=patient.birth_date,
        digest=pathway.protocol_digest,
        status=pathway.status,
        stage=pathway.stage,
        alerts=pathway.alerts,
        blocked=pathway.blocked,
        seq=pathway.seq,
        flags=tuple(pathway.flags),
    )


_ACCENTED = set("aceinouy")


def _like(word: str) -> str:
    """A pattern that finds the word with any accents, on databases that do not fold them; looked at again after."""
    return "".join("_" if c in _ACCENTED or not c.isalnum() else c for c in word)


def _is_named(who: Who, asked: list[str]) -> bool:
    names = folded(f"{who.family} {who.given}").split()
    return all(any(name.startswith(word) for name in names) for word in asked)
