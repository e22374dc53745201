"""The hold calculator over the API: the question of ``jalon hold plan`` as JSON. Nothing is recorded."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app import hold_profiles
from app.hold_question import answer_to, in_zone, read_question
from app.web.callers import Body, By, said_in
from pathway.holding.said import as_json

router = APIRouter(prefix="/api/hold")


@router.post("/plan")
def plan(by: By, body: Body) -> dict[str, Any]:
    """What a hold profile says of a drug list before a procedure: a lookup that a clinician signs, not CE-marked.

    The fields are those of the command line: ``profile``, ``procedure``, ``drugs``, ``zone``, ``clearance`` or
    ``weight``, ``creatinine``, ``age`` and ``sex``. No patient is named, so nothing is audited but the question.
    """
    question = read_question(said_in(body))
    calendar = in_zone(by.service.protocol.calendar, question.zone)
    return as_json(answer_to(question, hold_profiles.builtin(), calendar))
