"""The protocol as a page: printed from the file, in both languages, with nothing left unsaid."""

import re
from pathlib import Path

import pytest

from app.describe import _FR, mermaid, page, table
from app.protocols import load

PROTOCOL = load().protocol
DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_in_the_documentation_is_what_is_printed() -> None:
    assert (DOCS / "protocol.md").read_text(encoding="utf-8") == page(PROTOCOL, "en"), "run `make docs`"
    assert (DOCS / "protocol.mmd").read_text(encoding="utf-8") == mermaid(PROTOCOL, "en"), "run `make docs`"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_step_gate_role_and_end_is_in_the_tables(language: str) -> None:
    said = table(PROTOCOL, language)
    for step in PROTOCOL.steps:
        assert f"**{step.title.in_(language)}** `{step.key}`" in said
        assert step.source in said
    for gate in PROTOCOL.gates:
        for need in gate.needs:
            assert need.reason.in_(language) in said
    for key in (*PROTOCOL.roles, *PROTOCOL.ends):
        assert f"`{key}`" in said


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_row_has_the_cells_of_its_head(language: str) -> None:
    for grid in re.findall(r"(?:^\|.*\n)+", table(PROTOCOL, language), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in grid.splitlines()}) == 1


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_node_of_the_diagram_is_drawn_once_and_every_arrow_leads_somewhere(language: str) -> None:
    said = mermaid(PROTOCOL, language)
    nodes = re.findall(r"^ +(\w+)(?:\(\[|\[|\{\{)\"", said, re.MULTILINE)
    assert len(nodes) == len(set(nodes))
    arrows = re.findall(r"^  (\w+) (?:-->|==>|-- .* -->|== .* ==>|-\. .* \.->) (\w+)$", said, re.MULTILINE)
    assert {name for arrow in arrows for name in arrow} <= set(nodes)
    assert {step.key for step in PROTOCOL.steps} <= set(nodes)
    assert ("preop_check", "procedure") in arrows, "a gate is an arrow too"


def test_the_french_page_has_no_english_word_of_ours() -> None:
    assert all(_FR.values())
    heads = [line for line in table(PROTOCOL, "fr").splitlines() if line.startswith(("| Étape", "| Verrou"))]
    assert heads
    assert not [line for line in heads if re.search(r"\b(Step|Who|Due|Gate|When)\b", line)]
