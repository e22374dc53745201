"""Every benchmark runs, at the smallest size there is. What it measures is nobody's promise here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.databases import Fresh, FreshPostgres, FreshSqlite
from benchmarks.measure import Measurement
from benchmarks.outbound import drains
from benchmarks.run import NAMES, Size, header, measure, table
from tests.peers.databases import Postgres
from tests.peers.hospital import Hospital

TINY = Size(pathways=1, repetitions=1, pending=(1_000,), calls=5, patients=2, weeks=1, side_by_side=2)


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_measures_ours_beside_plain_sql_on_sqlite(name: str, tmp_path: Path) -> None:
    compared(name, FreshSqlite(tmp_path), tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_measures_ours_beside_plain_sql_on_postgresql(
    name: str, postgres_server: Postgres, tmp_path: Path
) -> None:
    compared(name, FreshPostgres(postgres_server), tmp_path)


def test_moves_are_measured_beside_each_library() -> None:
    pytest.importorskip("SpiffWorkflow", reason="the extra bench is not installed")
    from benchmarks.moves import OURS, PEERS, moves, same_way
    from benchmarks.moves import table as table_of_moves

    same_way()
    walked = list(moves(line_patients=1, protocol_patients=1, repetitions=1))
    assert len(walked) == table_of_moves(walked).row_count == 2
    assert all(set(one.rates) == {*OURS, *PEERS} and min(one.rates.values()) > 0 for one in walked)


def test_the_gate_is_measured_beside_the_library() -> None:
    from benchmarks.gate import gate
    from benchmarks.gate import table as table_of_gate

    judged = list(gate(repetitions=1, tasks=2, bundles=1))
    assert table_of_gate(judged).row_count == len(judged) == 4
    assert all(one.ours.rate > 0 and one.library.rate > 0 for one in judged)


def test_what_a_hospital_missed_is_caught_up_beside_a_plain_loop(
    fhir_server: Hospital, tmp_path: Path
) -> None:
    assert fhir_server.is_running(), "the peer is there, and each measurement starts its own"
    measured = list(drains(tmp_path, pathways=1))
    assert [(one.outage, one.way) for one in measured] == [
        ("every pathway new", "Jalon"),
        ("a visit of each moved", "Jalon"),
        ("every pathway new", "plain loop"),
        ("a visit of each moved", "plain loop"),
    ]
    assert all(one.resources > 1 and one.rate > 0 for one in measured)


def test_the_facade_is_measured_over_http_beside_plain_sql(tmp_path: Path) -> None:
    from benchmarks.facade.measured import OPERATIONS, facade
    from benchmarks.facade.measured import table as table_of_facade

    sqlite = [FreshSqlite(tmp_path)]
    lines = list(facade(sqlite, tmp_path, sizes=(200,), clients=(1,), seconds=0.1, peer=False))
    assert [one.operation for one in lines] == list(OPERATIONS)
    assert all(one.ours.rate > 0 and one.plain.rate > 0 and not one.ours.failed for one in lines)
    assert table_of_facade(lines).row_count == len(lines)


def compared(name: str, fresh: Fresh, scratch: Path) -> None:
    """Both sides did something, and the table has a line for each."""
    measured: list[Measurement] = list(measure(name, [fresh], scratch, TINY))
    assert measured
    assert all(one.ours.rate > 0 and one.plain.rate > 0 for one in measured)
    assert {one.database for one in measured} == {fresh.name}
    assert table(measured).row_count == len(measured)
    assert fresh.version in header([fresh])
