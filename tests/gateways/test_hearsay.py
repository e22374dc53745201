"""What others say must not carry a patient into our logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.hearsay import hearsay


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ("5.1.1 <jeanne.durand@example.org>: user unknown", "5.1.1 … user unknown"),
        ("+33612345678 is not a number", "… is not a number"),
        ("06 12.34-56 78 is not a number", "… is not a number"),
        ("see https://provider.example/help?to=33612345678 for help", "see … for help"),
        (b"two\r\nlines \xff", "two lines \ufffd"),
        ("queued as 4F2A", "queued as 4F2A"),
    ],
)
def test_numbers_addresses_and_links_are_left_out(said: str | bytes, repeated: str) -> None:
    assert hearsay(said) == repeated


@given(st.text() | st.binary())
def test_it_is_always_one_short_printable_line(said: str | bytes) -> None:
    line = hearsay(said)
    assert len(line) <= 160
    assert line.isprintable()
