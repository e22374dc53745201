"""The page of the indicators in the documentation is the one that is printed from their file."""

import re
from pathlib import Path

from app.describe_indicators import page
from tests.indicators.cast import DEFINITIONS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_in_the_documentation_is_what_is_printed() -> None:
    assert (DOCS / "indicators.md").read_text(encoding="utf-8") == page(DEFINITIONS), "run `make docs`"


def test_every_indicator_and_every_exclusion_is_on_it() -> None:
    said = page(DEFINITIONS)
    for one in DEFINITIONS.indicators:
        assert f"`{one.key}`" in said
        assert one.source in said
    for name in DEFINITIONS.exclusions:
        assert f"| `{name}` |" in said


def test_every_row_has_the_cells_of_its_head() -> None:
    for grid in re.findall(r"(?:^\|.*\n)+", page(DEFINITIONS), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in grid.splitlines()}) == 1
