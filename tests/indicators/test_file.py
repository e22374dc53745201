"""The file of the indicators: every name is known, every number has a source, mistakes are told by line."""

import re
from pathlib import Path

import pytest

from app.indicators import BUILTIN, check
from app.yaml_file import Unreadable
from pathway.indicators.names import names
from tests.indicators.cast import DEFINITIONS, LOADED

TEXT = BUILTIN.read_text(encoding="utf-8")


def _refused(tmp_path: Path, old: str, new: str) -> str:
    assert TEXT.count(old) >= 1, old
    path = tmp_path / "indicators.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Unreadable) as refused:
        check(path, LOADED.protocol)
    said = str(refused.value)
    line = int(re.match(rf"{re.escape(str(path))}:(\d+): ", said).group(1))  # type: ignore[union-attr]
    assert abs(line - (TEXT[: TEXT.index(old)].count("\n") + 1)) <= 12, said
    return said


def test_every_indicator_says_both_languages_and_its_source() -> None:
    for one in DEFINITIONS.indicators:
        assert one.source.strip(), one.key
        for text in (one.title, one.counts, one.among):
            assert text.fr.strip(), one.key
            assert text.en.strip(), one.key


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("done:radiologist_consult\n", "done:radiologist_consutl\n", "did you mean radiologist_consult"),
        ("{answer: procedure.leak,", "{answer: procedure.leek,", "did you mean procedure.leak"),
        (
            "step: biopsy_result, outcome: [infection]}",
            "step: biopsy_result, outcome: [infected]}",
            "no outcome",
        ),
        (
            "is: [anticoagulant_failure]",
            "is: [anticoagulant_failed]",
            "did you mean preop_check.cancel_code=",
        ),
        ("excludes: [neoplastic_cause]", "excludes: [neoplasm]", "'neoplasm' is no exclusion"),
        ("group: delays", "group: delay", "is no group"),
        ("period: start:procedure=done", "period: began:procedure", "is no moment"),
        ("target: {at_most: 7}", "target: {at_most: seven}", "expected a number"),
        ("rule: {name: hold-in-time,", "rule: {name: hold-on-time,", "is not one of"),
        ("median: {from: referral,", "mediane: {from: referral,", "is not known here"),
        ("  - key: fracture_to_procedure_42", "  - key: fracture_to_procedure_21", "is given twice"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_the_remedy(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert told in _refused(tmp_path, old, new)


def test_what_the_protocol_may_lack_is_really_used() -> None:
    used = {(one.kind, one.name) for one in names(DEFINITIONS)}
    may = DEFINITIONS.may_lack
    listed = {
        *(("step", name) for name in may.steps),
        *(("answer", name) for name in may.answers),
        *(("outcome", name) for name in may.outcomes),
        *(("fact", name) for name in may.facts),
        *(("observation", name) for name in may.observations),
        *(("alarm", name) for name in may.alarms),
    }
    assert listed <= used, listed - used
