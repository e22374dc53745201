"""The profiles as they ship, a Tuesday in March, and a short way to ask."""

from datetime import UTC, date, datetime, time
from typing import Any

from app.hold_profiles import builtin, compared
from app.hold_question import calendar_of
from pathway.calendar import Calendar
from pathway.holding.answer import DrugAnswer, HoldAnswer, LastIntake, Other
from pathway.holding.asked import Inputs, read_drug
from pathway.holding.calculator import hold_answer

PROFILES = builtin()
CENTRE: Calendar = calendar_of("Europe/Paris")
TUESDAY = datetime(2027, 3, 16, 8, 30, tzinfo=UTC)
"""D0 of the reference's vectors: 09:30 in Paris."""

P03: dict[str, Any] = {"weight_kg": 52.0, "creatinine_umol_l": 86.0, "age": 84, "sex": "female"}
"""Cockcroft–Gault 35, CKD-EPI 53."""


def at(day: str, wall: str = "09:30") -> datetime:
    """A wall time in Paris as an instant."""
    return CENTRE.at(date.fromisoformat(day), time.fromisoformat(wall))


def ask(
    *drugs: str, profile: str = "FR-2026-ELEVE", procedure: datetime = TUESDAY, **inputs: Any
) -> HoldAnswer:
    """The answer for drugs in the command line's short form."""
    chosen = PROFILES[profile]
    beside = compared(chosen, PROFILES)
    return hold_answer([read_drug(one) for one in drugs], procedure, CENTRE, chosen, beside, Inputs(**inputs))


def ask_one(drug: str, **known: Any) -> DrugAnswer:
    """The same for one drug."""
    return ask(drug, **known).drugs[0]


def other(answer: DrugAnswer, profile: str) -> Other:
    """What that profile says beside it."""
    return next(one for one in answer.others if one.profile == profile)


def day(found: LastIntake | None) -> str | None:
    """``03-13``."""
    return found.day.strftime("%m-%d") if found else None
