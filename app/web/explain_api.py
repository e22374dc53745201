"""Why, for programs: the explanations of a pathway as JSON, each date and message under its own key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.explaining import as_data
from app.web.callers import By
from pathway.explaining.whole import explain, explain_one
from pathway.refusal import Refused, Text

router = APIRouter(prefix="/api")


@router.get("/pathways/{pathway_id}/explanations")
def read_explanations(pathway_id: str, by: By, what: str = "", kind: str = "") -> dict[str, Any]:
    """Why everything is as it is; with ``what`` one key of the plan (``review/1/task``), with ``kind`` one sort.

    Each has ``key``, ``kind``, ``title``, ``because``, ``rule`` (in ``fr`` and ``en``), ``inputs`` (what the rule was
    told, by whom, when), ``source``, and ``parts``: what it rests on. 404 for a key that this pathway never had.
    """
    with by.service.db.write() as session:
        pathway, ground = by.service.ledger.load(session, pathway_id)
        entry = by.trace("read", f"pathway/{pathway_id}", pathway.patient_id, explain=what)
        by.service.audit.write(session, entry)
    if not what:
        found = tuple(one for one in explain(pathway, ground) if kind in ("", one.kind))
    else:
        one = explain_one(what, pathway, ground)
        if one is None:
            raise nothing_of_that_name(what)
        found = (one,)
    return {
        "pathway": pathway.id,
        "seq": pathway.seq,
        "as_of": pathway.as_of.isoformat(),
        "protocol": {"version": pathway.protocol_version, "digest": pathway.protocol_digest},
        "explanations": [as_data(one) for one in found],
    }


def nothing_of_that_name(what: str) -> Refused:
    """The refusal of a key that this pathway never had."""
    return Refused(
        Text(
            fr=f"Il n'y a rien de ce nom à expliquer sur ce parcours : {what}.",
            en=f"There is nothing of that name to explain on this pathway: {what}.",
        ),
        kind="not-found",
        field="what",
    )
