"""The lives of a step and of a visit: tables you can read aloud, and the one place that moves a step."""

from __future__ import annotations

from enum import StrEnum


class StepStatus(StrEnum):
    """Where a step's occurrence stands. ``missed`` stays completable; the last five are settled."""

    WAITING = "waiting"
    OPEN = "open"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    MISSED = "missed"
    DONE = "done"
    WAIVED = "waived"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    FAILED = "failed"


class Assignment(StrEnum):
    """Who has taken the work: FHIR's requested → received → accepted, or given from the start."""

    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    GIVEN = "given"


class VisitStatus(StrEnum):
    """FHIR AppointmentStatus, as far as a pathway lives it."""

    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"


_S = StepStatus
_ANY_OPEN = {_S.OPEN, _S.SCHEDULED, _S.IN_PROGRESS, _S.MISSED}

STEP_MOVES: dict[StepStatus, frozenset[StepStatus]] = {
    _S.WAITING: frozenset({_S.OPEN, _S.WAIVED, _S.CANCELLED, _S.ON_HOLD}),
    _S.OPEN: frozenset(
        {_S.SCHEDULED, _S.IN_PROGRESS, _S.DONE, _S.WAIVED, _S.CANCELLED, _S.REJECTED, _S.FAILED, _S.ON_HOLD}
    ),
    _S.SCHEDULED: frozenset(
        {
            _S.OPEN,
            _S.IN_PROGRESS,
            _S.DONE,
            _S.MISSED,
            _S.WAIVED,
            _S.CANCELLED,
            _S.REJECTED,
            _S.FAILED,
            _S.ON_HOLD,
        }
    ),
    # Once begun, the placer no longer cancels it; only the end of the pathway or the operator stops it.
    _S.IN_PROGRESS: frozenset({_S.DONE, _S.FAILED, _S.CANCELLED, _S.ON_HOLD}),
    _S.MISSED: frozenset({_S.OPEN, _S.SCHEDULED, _S.DONE, _S.WAIVED, _S.CANCELLED, _S.ON_HOLD}),
    # Back to where it came from, or ended with its pathway.
    _S.ON_HOLD: frozenset({_S.WAITING, *_ANY_OPEN, _S.WAIVED, _S.CANCELLED}),
    _S.DONE: frozenset(),
    _S.WAIVED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.FAILED: frozenset(),
}

SETTLED = frozenset(status for status, moves in STEP_MOVES.items() if not moves)
LIVE = frozenset(_ANY_OPEN)

_V = VisitStatus
VISIT_MOVES: dict[VisitStatus, frozenset[VisitStatus]] = {
    _V.PENDING: frozenset({_V.PENDING, _V.BOOKED, _V.CANCELLED}),
    _V.BOOKED: frozenset({_V.PENDING, _V.BOOKED, _V.ARRIVED, _V.FULFILLED, _V.CANCELLED, _V.NOSHOW}),
    _V.ARRIVED: frozenset({_V.FULFILLED, _V.CANCELLED}),
    _V.FULFILLED: frozenset(),
    # A cancelled or missed slot may be followed by another: the same step is given a new one.
    _V.CANCELLED: frozenset({_V.PENDING, _V.BOOKED}),
    _V.NOSHOW: frozenset({_V.PENDING, _V.BOOKED}),
}

STANDING = frozenset({_V.PENDING, _V.BOOKED, _V.ARRIVED})
