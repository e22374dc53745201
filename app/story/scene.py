"""What a statement is held against: the pathway, its rows and its referral at one instant; and what was found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.story.moments import Days
from pathway.ground import Ground
from pathway.indicators.course import Line
from pathway.plan import Plan, plan
from pathway.state import Pathway
from store.referrals import Received
from store.tables import OwedRow


@dataclass(frozen=True)
class Scene:
    """All there is to look at: what became of the referral, the state, and every row ever owed.

    ``history`` are the events recorded, with when, ``lines`` the same as they are stored; ``others`` the pathways that
    follow this one.
    """

    received: Received
    pathway: Pathway | None
    ground: Ground
    rows: Sequence[OwedRow]
    days: Days
    now: datetime
    history: Sequence[tuple[str, datetime]] = ()
    others: Sequence[Pathway] = ()
    lines: Sequence[Line] = ()

    @property
    def plan(self) -> Plan:
        """What the state calls for now."""
        return plan(self.pathway, self.ground) if self.pathway else Plan(())

    def wall(self, instant: datetime | None) -> str:
        """An instant as the centre's clock shows it."""
        if instant is None:
            return "no date"
        return self.days.calendar.local(instant).strftime("%Y-%m-%d %H:%M")

    def is_at(self, text: str, instant: datetime | None) -> bool:
        """Whether the instant is that moment, or on that day when only a day was given."""
        if instant is None:
            return False
        if self.days.is_a_day(text):
            return self.days.calendar.day(instant) == self.days.day(text)
        return instant == self.days.instant(text)


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether it is so, and what was found."""

    holds: bool
    found: str
