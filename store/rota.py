"""Who answers for a role now: the rota, then those who always do, then the role that stands in. Or nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from pathway.refusal import Refused, Text
from store.account_tables import AccountRow, RotaRow


@dataclass(frozen=True, slots=True)
class Duty:
    """Who answers. ``role`` is the one this person is on call for, which may be a fallback of the one asked for."""

    role: str
    name: str
    email: str | None = None
    phone: str | None = None
    account_id: str | None = None


def on_call(
    session: Session, role: str, now: datetime, fallback: Callable[[str], str | None] = lambda _: None
) -> Duty | None:
    """Who answers for the role at that instant; None when nobody does, and then the caller raises an alarm.

    Asked in turn: the rota of the role (where duties overlap, the one that started last: it is the
    replacement), the active accounts with that function and default duty (the first by login), then the same
    for the role that ``fallback`` names. A circle of fallbacks ends where it began.
    """
    asked: set[str] = set()
    current: str | None = role
    while current is not None and current not in asked:
        duty = _on_rota(session, current, now) or _by_default(session, current)
        if duty is not None:
            return duty
        asked.add(current)
        current = fallback(current)
    return None


def add_duty(
    session: Session,
    *,
    role: str,
    starts: datetime,
    ends: datetime,
    account_id: str | None = None,
    name: str = "",
    email: str | None = None,
    phone: str | None = None,
) -> RotaRow:
    """Put an account, or a person with an e-mail or a phone, on the rota from ``starts`` to ``ends``."""
    row = RotaRow(
        role=role,
        starts=starts,
        ends=ends,
        account_id=account_id,
        name=name.strip(),
        email=(email or "").strip() or None,
        phone=(phone or "").strip() or None,
    )
    _check(session, row)
    session.add(row)
    session.flush()
    return row


def change_duty(
    session: Session, duty_id: int, *, starts: datetime | None = None, ends: datetime | None = None
) -> RotaRow:
    """Move the beginning or the end of a duty. To put somebody else on call, add a duty that starts later."""
    row = _duty(session, duty_id)
    with session.no_autoflush:
        row.starts, row.ends = starts or row.starts, ends or row.ends
        _check(session, row)
    session.flush()
    return row


def remove_duty(session: Session, duty_id: int) -> None:
    """Take a duty off the rota. Refused when there is no such duty."""
    session.delete(_duty(session, duty_id))
    session.flush()


def duties(session: Session, since: datetime, until: datetime, role: str | None = None) -> list[RotaRow]:
    """The duties that touch the period, in the order they start."""
    touching = select(RotaRow).where(RotaRow.starts < until, RotaRow.ends > since)
    if role is not None:
        touching = touching.where(RotaRow.role == role)
    return list(session.exec(touching.order_by(col(RotaRow.starts), col(RotaRow.id))))


def _on_rota(session: Session, role: str, now: datetime) -> Duty | None:
    standing = (
        select(RotaRow, AccountRow)
        .join(AccountRow, col(RotaRow.account_id) == col(AccountRow.id), isouter=True)
        .where(RotaRow.role == role, RotaRow.starts <= now, RotaRow.ends > now)
        .where(or_(col(RotaRow.account_id).is_(None), col(AccountRow.active).is_(True)))
        .order_by(col(RotaRow.starts).desc(), col(RotaRow.id).desc())
    )
    found = session.exec(standing).first()
    if found is None:
        return None
    row, account = found
    if account is not None:
        return _duty_of(account, role)
    return Duty(role=role, name=row.name, email=row.email, phone=row.phone)


def _by_default(session: Session, role: str) -> Duty | None:
    ready = select(AccountRow).where(col(AccountRow.active), col(AccountRow.default_duty))
    ordered = session.exec(ready.order_by(AccountRow.login))
    return next((_duty_of(account, role) for account in ordered if role in account.functions), None)


def _duty_of(account: AccountRow, role: str) -> Duty:
    return Duty(role=role, name=account.name, email=account.email, phone=account.phone, account_id=account.id)


def _duty(session: Session, duty_id: int) -> RotaRow:
    row = session.get(RotaRow, duty_id)
    if row is None:
        raise Refused(
            Text(fr="Cette garde n'existe pas.", en="There is no such duty on the rota."), kind="not-found"
        )
    return row


def _check(session: Session, row: RotaRow) -> None:
    if row.ends <= row.starts:
        raise _invalid("ends", "La garde finit avant de commencer.", "The duty ends before it starts.")
    if row.account_id is not None:
        if session.get(AccountRow, row.account_id) is None:
            raise _invalid("account_id", "Ce compte n'existe pas.", "There is no such account.")
    elif not row.name or not (row.email or row.phone):
        raise _invalid(
            "name",
            "Indiquez un compte, ou un nom avec un e-mail ou un téléphone : il faut pouvoir joindre la personne.",
            "Name an account, or a person with an e-mail or a phone: whoever is on call must be reachable.",
        )


def _invalid(field: str, fr: str, en: str) -> Refused:
    return Refused(Text(fr=fr, en=en), kind="invalid", field=field)
