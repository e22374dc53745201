"""``jalon protocol export``: what is published, or a file, as FHIR definitions on a disk or in one Bundle."""

from __future__ import annotations

import json

from app.protocols import BUILTIN, load
from fhir_mappings.plan_extensions import DECLARED
from fhir_mappings.validate import check
from tests.cli.conftest import Shell

STEPS = len(load().protocol.steps)


def test_every_published_version_is_written_with_its_activities_and_extensions(jalon: Shell) -> None:
    nothing = jalon("protocol", "export", "--fhir", "-")
    assert nothing.returncode == 1
    assert "nothing is published yet" in nothing.stderr
    assert jalon("worklist").returncode == 0, "the first start publishes"
    folder = jalon.place / "definitions"
    done = jalon("protocol", "export", "--fhir", str(folder))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    written = sorted(folder.glob("*.json"))
    assert len(written) == 1 + STEPS + len(DECLARED)
    plan = json.loads((folder / "PlanDefinition-vertebroplasty-2.0.0.json").read_text("utf-8"))
    assert (plan["status"], plan["version"]) == ("active", "2.0.0")


def test_a_file_is_a_draft_in_one_bundle(jalon: Shell) -> None:
    done = jalon("protocol", "export", str(BUILTIN), "--set", "stay=ambulatory", "--fhir", "-")
    assert done.returncode == 0, done.stderr
    bundle = json.loads(done.stdout)
    assert check(bundle) == []
    assert bundle["entry"][0]["resource"]["status"] == "draft"
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == len(bundle["entry"])


def test_published_settings_are_not_chosen_again(jalon: Shell) -> None:
    done = jalon("protocol", "export", "2.0.0", "--set", "stay=ambulatory", "--fhir", "-")
    assert done.returncode == 2
    assert "fixed settings" in done.stderr


def test_what_cannot_be_said_is_one_line_with_the_place(jalon: Shell) -> None:
    folder = jalon.place / "own"
    folder.mkdir()
    for each in BUILTIN.parent.glob("*.yaml"):
        (folder / each.name).write_text(each.read_text("utf-8"), encoding="utf-8")
    before = (folder / "before.yaml").read_text("utf-8")
    assert "code: http://loinc.org|6301-6" in before
    changed = before.replace("code: http://loinc.org|6301-6", "code: 6301-6")
    (folder / "before.yaml").write_text(changed, encoding="utf-8")
    done = jalon("protocol", "export", str(folder / "protocol.yaml"), "--fhir", "-")
    assert done.returncode == 1
    assert done.stderr == (
        "steps.exam_inr.code cannot be exported as FHIR: a code of FHIR has a system; write system|code.\n"
    )
