"""What was answered when a step was completed, as Task.output: values of their kind, choices as concepts of ours."""

from app.protocols import load
from fhir_mappings.site import Site
from fhir_mappings.task import answer_value
from pathway.protocol import Answer, Choice
from pathway.refusal import Text

GROUND = load().ground
SITE = Site(system="https://jalon.example/fhir", name="Centre")
LEAK = Answer(
    key="leak",
    title=Text(fr="Fuite de ciment", en="Cement leak"),
    kind="choice",
    choices=(
        Choice("none", Text(fr="Aucune", en="None")),
        Choice("disc", Text(fr="Disque", en="Disc")),
    ),
)
LEVELS = Answer(
    key="levels",
    title=Text(fr="Niveaux", en="Levels"),
    kind="table",
    columns=(Answer("level", Text(fr="Niveau", en="Level"), "text"), LEAK),
)


def test_a_choice_is_a_concept_with_its_code_and_its_title() -> None:
    assert answer_value(LEAK, "disc", GROUND, SITE) == {
        "valueCodeableConcept": {
            "coding": [
                {"system": "https://jalon.example/fhir/CodeSystem/choice", "code": "disc", "display": "Disc"}
            ],
            "text": "Disque",
        }
    }


def test_a_table_is_said_row_by_row_in_words() -> None:
    rows = [{"level": "T12", "leak": "none"}, {"level": "L1", "leak": "disc"}]
    assert answer_value(LEVELS, rows, GROUND, SITE) == {"valueString": "T12 · Aucune; L1 · Disque"}
