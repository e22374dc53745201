"""A state is said in FHIR: every stage parses, stands by the rules of R4, and changes only where something changed."""

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.fhir.pathway_cast import journey, resources

STAGES = journey()


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_parses_as_r4(stage: str) -> None:
    for resource in resources(STAGES[stage]):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
