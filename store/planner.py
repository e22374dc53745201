"""Pathways as the planner finds them: how many there are, and which were last planned by other code than ours."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, func, select

from pathway.plan import PLANNER, Change, Plan, diff, plan
from store import owed
from store.ledger import Ledger
from store.tables import PathwayRow


def pathway_count(session: Session) -> int:
    """How many pathways this database holds."""
    return session.exec(select(func.count()).select_from(PathwayRow)).one()


def planned_otherwise(session: Session) -> list[str]:
    """The pathways whose rows were planned by another version of the planner, oldest first."""
    query = select(PathwayRow.id).where(PathwayRow.planner != PLANNER)
    return list(session.exec(query.order_by(col(PathwayRow.created), col(PathwayRow.id))))


def would_change(session: Session, ledger: Ledger[Any], pathway_id: str) -> tuple[Change, ...]:
    """What planning this pathway again with our code would change in the rows that stand. Nothing is written."""
    pathway, ground = ledger.load(session, pathway_id)
    rows = owed.rows_of(session, pathway_id)
    stands = Plan(tuple(owed.planned_item(row) for row in rows if row.status == "planned"))
    return diff(stands, plan(pathway, ground), pathway)
