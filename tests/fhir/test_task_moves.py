"""The table of who may move a Task, written out a second time and compared in full."""

import pytest

from fhir_mappings.task_moves import CLAIMABLE, OPEN, ROLES, STATUSES, TERMINAL, Role, allowed, may_move

# Written out once more by hand, so that a slip in the table is seen.
OWNER_ALONE = """
    requested   → received accepted rejected
    received    → accepted rejected
    accepted    → in-progress rejected
    ready       → in-progress rejected completed failed
    in-progress → completed failed
"""
EITHER = """
    requested   → cancelled on-hold
    received    → cancelled on-hold
    accepted    → cancelled on-hold
    ready       → cancelled on-hold
    draft       → on-hold
    in-progress → on-hold
    on-hold     → draft requested received accepted ready in-progress
"""


def moves(table: str) -> set[tuple[str, str]]:
    rows = [line.split("→") for line in table.strip().splitlines()]
    return {(left.strip(), to) for left, right in rows for to in right.split()}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("to", STATUSES)
@pytest.mark.parametrize("came_from", STATUSES)
def test_a_role_may_move_a_task_exactly_where_the_rows_say(came_from: str, to: str, role: Role) -> None:
    granted = {
        "owner": moves(OWNER_ALONE) | moves(EITHER),
        "requester": moves(EITHER),
        "performer-queue": set(),
    }[role]
    assert may_move(came_from, to, role) == ((came_from, to) in granted)


def test_what_has_ended_moves_no_more() -> None:
    assert all(allowed(status, role) == () for status in TERMINAL for role in ROLES)


def test_a_claim_is_for_work_that_is_open_and_due() -> None:
    assert set(OPEN) - CLAIMABLE == {"draft", "on-hold"}


def test_what_is_allowed_is_told_in_the_order_of_the_lifecycle() -> None:
    assert allowed("ready", "owner") == (
        "in-progress",
        "on-hold",
        "rejected",
        "cancelled",
        "failed",
        "completed",
    )
    assert allowed("in-progress", "requester") == ("on-hold",)
