"""``jalon fhir check``: what an integration engineer runs before calling."""

import json
import shutil
from pathlib import Path

from tests.cli.conftest import Shell

DATA = Path(__file__).parents[1] / "data"


def test_the_official_examples_pass(jalon: Shell) -> None:
    files = sorted(map(str, (DATA / "hl7-r4").glob("*.json")))
    answer = jalon("fhir", "check", "--json", *files)
    assert (answer.returncode, answer.stderr) == (0, "")
    said = json.loads(answer.stdout)
    assert [each["file"] for each in said] == files
    assert all(each["valid"] for each in said)


def test_each_file_says_what_it_breaks_and_the_others_are_still_looked_at(jalon: Shell) -> None:
    place = jalon.place
    shutil.copy(DATA / "broken" / "app-2.json", place / "visit.json")
    (place / "twice.json").write_text('{"resourceType": "Task", "status": "ready", "status": "draft"}')
    (place / "export.ndjson").write_text('{"resourceType": "Patient"}\n{"resourceType": "Patient"}\n')
    (place / "letter.txt").write_text("Dear colleague")
    (place / "empty.json").write_text("")
    (place / "patient.json").write_text('{"resourceType": "Patient"}')
    names = ("missing.json", ".", "visit.json", "twice.json", "export.ndjson", "letter.txt", "empty.json")
    answer = jalon("fhir", "check", "--json", *names, "patient.json")
    assert (answer.returncode, answer.stderr) == (1, "")
    said = {each["file"]: each for each in json.loads(answer.stdout)}
    assert [name for name, each in said.items() if each["valid"]] == ["patient.json"]
    errors = {
        name: [i["code"] for i in each["issues"] if i["severity"] == "error"] for name, each in said.items()
    }
    assert errors == {
        "missing.json": ["not-found"],
        ".": ["exception"],
        "visit.json": ["invariant"],
        "twice.json": ["structure"],
        "export.ndjson": ["structure"],
        "letter.txt": ["structure"],
        "empty.json": ["structure"],
        "patient.json": [],
    }
    [one, advice] = said["visit.json"]["issues"]
    assert (one["expression"], advice["severity"]) == (["Appointment.end"], "warning")
    assert one["diagnostics"].startswith("Appointment has only one of start and end; add the other.")


def test_sentences_name_the_file_the_remedy_and_the_place(jalon: Shell) -> None:
    answer = jalon(
        "fhir", "check", "-", given='{"resourceType": "Task", "status": "bogus", "intent": "order"}'
    )
    assert answer.returncode == 1
    [refusal, _] = answer.stdout.splitlines()
    assert refusal.startswith(
        "-: refused: Task.status has no code that FHIR R4 knows here; use one of: accepted, "
    )
    assert refusal.endswith("(Task.status)")
    assert jalon("fhir", "check", str(DATA / "hl7-r4" / "Task-example1.json")).stdout.endswith(
        ": valid FHIR R4\n"
    )
