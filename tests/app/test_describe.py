"""The protocol as a page: printed from the file, in both languages, with nothing left unsaid."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.describe import mermaid, page, svg, table
from app.describe.graph import Arrow, Box, arrows, boxes, stacked
from app.describe.holds import page as holds_page
from app.describe.layout import lay_out
from app.describe.lettering import width, wrapped
from app.describe.words import FRENCH, Said
from app.hold_profiles import builtin
from app.protocols import load, settings_in

LOADED = load()
PROTOCOL = LOADED.protocol
DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_in_the_documentation_is_what_is_printed() -> None:
    assert (DOCS / "protocol.md").read_text(encoding="utf-8") == page(
        PROTOCOL, "en", LOADED.settings, settings_in()
    ), "run `make docs`"
    assert (DOCS / "protocol.mmd").read_text(encoding="utf-8") == mermaid(PROTOCOL, "en"), "run `make docs`"
    assert (DOCS / "hold-profiles.md").read_text(encoding="utf-8") == holds_page(
        builtin().values(), PROTOCOL
    ), "run `make docs`"
    assert (DOCS / "protocol.svg").read_text(encoding="utf-8") == svg(PROTOCOL, "en"), "run `make docs`"


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
    assert all(FRENCH.values())
    heads = [line for line in table(PROTOCOL, "fr").splitlines() if line.startswith(("| Étape", "| Verrou"))]
    assert heads
    assert not [line for line in heads if re.search(r"\b(Step|Who|Due|Gate|When)\b", line)]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_red_flags_alarms_obligations_settings_and_profiles_are_in_the_tables(language: str) -> None:
    said = page(PROTOCOL, language, LOADED.settings, settings_in())
    for flag in PROTOCOL.red_flags:
        assert f"**{flag.key}** {flag.title.in_(language)}" in said
    assert PROTOCOL.surveillance is not None
    for alarm in PROTOCOL.surveillance.alarms:
        assert alarm.title.in_(language) in said
    for one in PROTOCOL.safety.obligations:
        assert one.title.in_(language) in said
    for setting in settings_in():
        assert f"`{setting.key}`" in said
        assert setting.source in said
    told = holds_page(builtin().values(), PROTOCOL, language)
    for profile in builtin().values():
        assert f"## {profile.profile} {profile.version}" in told
        for atc, drug in profile.drugs.items():
            assert f"| `{atc}` | {drug.name.in_(language)} |" in told


# --- the drawing ------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_drawing_names_every_step_gate_and_end_of_an_outcome(language: str) -> None:
    root = ElementTree.fromstring(svg(PROTOCOL, language))
    boxes = [each.get("aria-label", "") for each in root.iter(f"{SVG}g") if each.get("role") == "listitem"]
    assert len(boxes) == len(PROTOCOL.steps)
    for step in PROTOCOL.steps:
        assert any(box.startswith(step.title.in_(language)) for box in boxes), step.key
    written = {each.text for each in root.iter(f"{SVG}text")}
    assert {key for step in PROTOCOL.steps for key in (*step.book_gates, *step.start_gates)} <= written
    for step in PROTOCOL.steps:
        for outcome in step.outcomes:
            if outcome.end:
                title = PROTOCOL.ends[outcome.end].title.in_(language)
                assert any(title in box for box in boxes), f"{step.key}.{outcome.key}"


def test_the_drawing_says_in_words_what_it_is_and_has_one_arrow_for_each_that_leads_on() -> None:
    said = Said(PROTOCOL, "en")
    root = ElementTree.fromstring(svg(PROTOCOL, "en"))
    names = (root.get("aria-labelledby") or "").split()
    told = {each.get("id"): each.text for each in root if each.get("id")}
    assert [bool(told.get(name)) for name in names] == [True, True]
    paths = [each for each in root.iter(f"{SVG}path") if (each.get("class") or "").startswith("arrow")]
    flow = [box for box in boxes(said) if not box.on_demand]
    assert len(paths) == len(stacked(flow, arrows(said))[1])
    assert ("indication", "procedure", "Validated") in {(a.source, a.target, a.label) for a in arrows(said)}


def test_no_two_boxes_lie_over_each_other_and_arrows_go_down() -> None:
    said = Said(PROTOCOL, "fr")
    stacks, known_arrows = stacked([box for box in boxes(said) if not box.on_demand], arrows(said))
    known = [(one.source, one.target) for one in known_arrows]
    lanes = {stack.key: stack.lane for stack in stacks}
    low = frozenset(stack.key for stack in stacks if len(stack.boxes) > 1)
    place = lay_out(lanes, list(PROTOCOL.tracks), known, 200, lowest=low)
    for source, target in known:
        assert place.ranks[source] < place.ranks[target]
    for row in place.rows.values():
        middles = sorted(place.x[spot] for spot in row if ">" not in spot[0])
        assert all(right - left >= 200 for left, right in pairwise(middles))
    for key, lane in lanes.items():
        left, right = place.lanes[lane]
        assert left <= place.x[key, place.ranks[key]] - 100
        assert place.x[key, place.ranks[key]] + 100 <= right


def test_steps_that_open_together_and_that_nothing_waits_for_are_one_stack_which_nothing_passes() -> None:
    def box(key: str, lane: str = "main") -> Box:
        return Box(key, lane, key, "", "", "task", (), ())

    flow = [box("a"), box("b"), box("c", "side"), box("d", "side"), box("e", "side"), box("f")]
    known = [
        Arrow(*pair) for pair in (("a", "b"), ("a", "c"), ("a", "d"), ("a", "e"), ("b", "f"), ("e", "f"))
    ]
    stacks, between = stacked(flow, known)
    assert [tuple(one.key for one in stack.boxes) for stack in stacks] == [
        ("a",),
        ("b",),
        ("c", "d"),
        ("e",),
        ("f",),
    ]
    assert {(one.source, one.target) for one in between} == {
        ("a", "b"), ("a", "c"), ("a", "e"), ("b", "f"), ("e", "f"),
    }  # fmt: skip
    pairs = [(one.source, one.target) for one in between]
    place = lay_out({s.key: s.lane for s in stacks}, ["main", "side"], pairs, 100, lowest=frozenset({"c"}))
    assert place.ranks["c"] > place.ranks["e"]
    for row in place.rows.values():
        assert all(right - left >= 20 for left, right in pairwise(sorted(place.x[spot] for spot in row)))


def test_a_step_done_again_is_no_arrow_in_a_circle() -> None:
    assert ("biopsy_ack", "biopsy_result") not in {(a.source, a.target) for a in arrows(Said(PROTOCOL, "en"))}
    assert "Biopsy result, Result read by a physician" in " ".join(
        note.text for box in boxes(Said(PROTOCOL, "en")) for note in box.notes if note.mark == "again"
    )


@given(st.text(alphabet="abc mW’", min_size=1, max_size=80), st.integers(60, 300))
def test_wrapped_lines_lose_no_word_and_fit_unless_a_word_is_too_long(text: str, room: int) -> None:
    lines = wrapped(text, room, 12)
    assert " ".join(lines).split() == text.split()
    assert all(width(line, 12) <= room or " " not in line for line in lines)
