"""The two other judges of R4: what they say of the official examples, and that they do refuse what is broken."""

import json
from pathlib import Path
from typing import Any

from fhir_mappings.audit_event import audit_event
from tests.fhir.test_audit_event import SITE, line
from tests.peers.judges import DISBELIEVED, Medplum, Pyrofile, disbelieved

DATA = Path(__file__).parent / "data"
EXAMPLES = sorted((DATA / "hl7-r4").glob("*.json"))
TEST_CASES = sorted((DATA / "hl7-test-cases").glob("*.json"))
BROKEN = ("status-missing", "unknown-element", "app-2", "cpl-3", "owner-of-the-wrong-type", "bdl-1")

NOT_SHOWN = ("app-4", "_", "AuditEvent")
"""In the patterns that no official example shows: a visit missed, an extension in a part, two details."""

Json = dict[str, Any]


def read(path: Path) -> Json:
    found: Json = json.loads(path.read_text("utf-8"))
    return found


def broken() -> list[Json]:
    return [read(DATA / "broken" / f"{name}.json") for name in BROKEN]


def test_medplum_takes_every_official_example_and_refuses_the_broken_ones(medplum: Medplum) -> None:
    assert [fault for path in EXAMPLES for fault in medplum.faults(read(path))] == []
    assert all(medplum.faults(each) for each in broken())


def test_pyrofile_is_disbelieved_where_it_refuses_what_is_official_and_nowhere_else(
    pyrofile: Pyrofile,
) -> None:
    said = [fault for path in (*EXAMPLES, *TEST_CASES[:3]) for fault in pyrofile.said(read(path))]
    assert [fault for fault in said if not disbelieved(fault)] == []
    wrong = {disbelieved(fault) for fault in said}
    unproven = {pattern for pattern in DISBELIEVED if pattern not in wrong}
    assert unproven <= {pattern for pattern in DISBELIEVED if any(name in pattern for name in NOT_SHOWN)}
    assert all(pyrofile.faults(each) for each in broken())


def test_both_take_what_the_trace_says_of_every_verb(medplum: Medplum, pyrofile: Pyrofile) -> None:
    said = [audit_event(line(action=verb), SITE) for verb in ("read", "write", "send", "export", "erase")]
    said.append(audit_event(line(action="sign-in", what="web", patient_id=None, detail={}), SITE))
    assert [fault for each in said for judge in (medplum, pyrofile) for fault in judge.faults(each)] == []
