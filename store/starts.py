"""Starting a pathway under a key: once, however often and from however many sides the same key comes.

Whoever comes second waits for the first one's transaction, and finds what it began; the unique key of ``start`` is
what nobody gets past.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from pathway.referral import Referral
from store.locks import hold
from store.referrals import Received, read
from store.start_tables import StartRow
from store.tables import ReferralRow


def lock(session: Session, caller: str, key: str) -> None:
    """Let nobody else start anything under this key before this transaction ends."""
    hold(session, [f"start:{caller}:{key}"])


def begun(session: Session, caller: str, key: str) -> StartRow | None:
    """What was started under this key; None when nothing was."""
    return session.get(StartRow, (caller, key), populate_existing=True)


def remember(session: Session, caller: str, key: str, *, plan: str, received: Received, at: datetime) -> None:
    """Write down what was started under this key, in the transaction that started it."""
    session.add(
        StartRow(
            caller=caller,
            key=key,
            at=at,
            plan=plan,
            referral_id=received.id,
        )
    )
    session.flush()


def referral_of(session: Session, start: StartRow) -> Referral:
    """The referral that it began with, as it stands by now."""
    return read(session.exec(select(ReferralRow).where(ReferralRow.id == start.referral_id)).one())
