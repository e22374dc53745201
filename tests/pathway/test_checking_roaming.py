"""Random events at real pathways never lead where the checker has not been."""

import pytest

from pathway.checking.check import Checker
from pathway.checking.exploring import Explored
from pathway.checking.roaming import Roamed, roam
from tests.pathway.tale import LOADED


@pytest.fixture(scope="module")
def explored() -> tuple[Explored, ...]:
    return Checker(LOADED.protocol).everything()


def sent(explored: tuple[Explored, ...], events: int, seed: int) -> Roamed:
    *_, tally = roam(LOADED.ground, explored, events=events, seed=seed)
    return tally


def test_no_random_event_leads_outside_what_was_explored(explored: tuple[Explored, ...]) -> None:
    tally = sent(explored, 20_000, seed=11)
    assert tally.outside == []
    assert tally.events == 20_000
    assert tally.accepted > 8_000, "most are such as a ward could send"
    closed = [found.slice.index["step", "closing"] for found in explored if "closing" in found.slice.steps]
    assert closed
    assert any(
        len(state) > 2 and state[found.slice.index["step", "closing"]].startswith(("done", "="))
        for found, visited in zip(explored, tally.visited, strict=True)
        if "closing" in found.slice.steps
        for state in visited
    ), "some histories get to the closing"


@pytest.mark.marathon
def test_nor_do_a_million(explored: tuple[Explored, ...]) -> None:
    tally = sent(explored, 1_000_000, seed=2027)
    assert tally.outside == []
    assert tally.events == 1_000_000


def test_an_escape_would_be_seen_with_the_events_that_led_to_it() -> None:
    explored = Checker(LOADED.protocol).everything()
    narrow = next(found for found in explored if "mdt" in found.slice.steps)
    place = narrow.slice.index["step", "radiologist_consult"]
    for state in [
        state for state in narrow.number if len(state) > 2 and state[place].startswith(("done", "="))
    ]:
        del narrow.number[state]
    tally = sent((narrow,), 20_000, seed=3)
    assert len(tally.outside) == 1
    assert tally.outside[0].endswith("StepCompleted radiologist_consult seen.")
    assert tally.events < 20_000, "it stops there"
