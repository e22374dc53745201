"""The benchmark of the simulator runs, at the smallest size there is. How fast is nobody's promise here."""

from __future__ import annotations

from benchmarks.simulate import shares, simulations, table


def test_a_cohort_is_measured_and_its_time_taken_apart() -> None:
    measured = list(simulations([2], jobs=1))
    assert [one.patients for one in measured] == [2]
    assert measured[0].events > 20
    assert measured[0].faults == 0
    assert table(measured).row_count == 1
    parts = shares(1)
    assert set(parts) == {"decide", "plan", "contributions", "driver"}
    assert abs(sum(parts.values()) - 1) < 1e-6
