"""Who may move a Task from where to where: one row a line, and the claim. (R4 leaves it to us.)"""

from __future__ import annotations

from typing import Literal

Role = Literal["owner", "requester", "performer-queue"]

ROLES: tuple[Role, ...] = ("owner", "requester", "performer-queue")

OPEN = ("draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold")
TERMINAL = ("rejected", "cancelled", "failed", "completed", "entered-in-error")
STATUSES = (*OPEN, *TERMINAL)

OWNER_ALONE: dict[str, frozenset[str]] = {
    "requested": frozenset({"received", "accepted", "rejected"}),
    "received": frozenset({"accepted", "rejected"}),
    "accepted": frozenset({"in-progress", "rejected"}),
    "ready": frozenset({"in-progress", "rejected", "completed", "failed"}),
    "in-progress": frozenset({"completed", "failed"}),
}

OWNER_OR_REQUESTER: dict[str, frozenset[str]] = {
    "draft": frozenset({"on-hold"}),
    "requested": frozenset({"cancelled", "on-hold"}),
    "received": frozenset({"cancelled", "on-hold"}),
    "accepted": frozenset({"cancelled", "on-hold"}),
    "ready": frozenset({"cancelled", "on-hold"}),
    "in-progress": frozenset({"on-hold"}),
    # Back to the state it came from, and no other: which one that is, the Task itself does not say.
    "on-hold": frozenset({"draft", "requested", "received", "accepted", "ready", "in-progress"}),
}

CLAIMABLE = frozenset({"requested", "received", "accepted", "ready", "in-progress"})
"""Where a Task without an owner may be claimed by a member of its queue. The claim makes them its owner."""


def may_move(came_from: str, to: str, role: Role) -> bool:
    """Whether this role may move a Task so. A member of the queue moves nothing before claiming it."""
    if role == "performer-queue":
        return False
    either = OWNER_OR_REQUESTER.get(came_from, frozenset())
    alone = OWNER_ALONE.get(came_from, frozenset()) if role == "owner" else frozenset()
    return to in either or to in alone


def allowed(came_from: str, role: Role) -> tuple[str, ...]:
    """Every status this role may move a Task to from here, in the order of the lifecycle."""
    return tuple(to for to in STATUSES if may_move(came_from, to, role))
