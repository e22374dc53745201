"""What the ledger hands to search is what the resource itself says."""

from datetime import UTC, datetime

import pytest

from app.projector import FhirProjector
from fhir_mappings.communication import STATUSES
from pathway.plan import plan
from store.projection import MessageView
from tests.fhir.pathway_cast import GROUND, SITE, journey

STAGES = journey()


@pytest.mark.parametrize("stage", STAGES)
def test_due_of_a_task_is_the_end_of_its_restriction(stage: str) -> None:
    pathway = STAGES[stage]
    for one in FhirProjector(SITE).pathway(pathway, GROUND, plan(pathway, GROUND)):
        assert (one.type, one.id) == (one.content["resourceType"], one.content["id"])
        assert any(param == "identifier" for param, _, _ in one.tokens), f"{one.type} has no identifier"
        if one.type == "Task":
            period = one.content.get("restriction", {}).get("period", {})
            assert one.due == (datetime.fromisoformat(period["end"]) if "end" in period else None)
            assert one.not_before == (datetime.fromisoformat(period["start"]) if "start" in period else None)
        elif one.type == "Appointment":
            assert one.due == datetime.fromisoformat(one.content["start"])
        else:
            assert one.due is None


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("generation", [1, 2])
def test_a_message_is_said_in_every_state_and_a_second_generation_is_another_message(
    status: str, generation: int
) -> None:
    at = datetime(2027, 3, 9, 8, tzinfo=UTC)
    view = MessageView(
        key="remind:review:2/sms",
        generation=generation,
        pathway_id="p1",
        patient_id="pat1",
        channel="sms",
        status=status,
        at=at,
        until=None,
        sent=at if status == "sent" else None,
        reason="",
        subject=None,
        text="Bonjour",
        slot_step="review",
        slot_occurrence=1,
    )
    first, *_ = said = FhirProjector(SITE).message(view)
    assert first.due == at
    assert all(one.status for one in said)
    value = next(value for param, _, value in first.tokens if param == "identifier")
    assert value.endswith("#2") == (generation == 2)
