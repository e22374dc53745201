"""``jalon anomalies``: the list, hearing one again, setting one aside."""

from __future__ import annotations

from datetime import UTC, datetime

from store import anomalies
from store.database import Database
from tests.cli.conftest import Shell


def test_anomalies_are_listed_heard_again_and_set_aside(jalon: Shell) -> None:
    assert jalon("db", "upgrade").returncode == 0
    database = Database(jalon.environment["JALON_DATABASE_URL"])
    with database.write() as session:
        row = anomalies.add(
            session,
            source="labo",
            kind="unreadable",
            type="Observation",
            remote="Observation/7",
            reason="The body is no JSON.",
            body=b"<",
            at=datetime(2027, 3, 1, 9, tzinfo=UTC),
        )
    listed = jalon("anomalies", "list")
    assert row.id in listed.stdout
    assert "Observation/7" in listed.stdout
    again = jalon("anomalies", "replay", row.id)
    assert (again.returncode, again.stderr[:20]) == (1, "still not understood")
    aside = jalon("anomalies", "dismiss", row.id, "--note", "banc d'essai")
    assert aside.stdout == "dismissed\n"
    assert row.id not in jalon("anomalies", "list").stdout
    twice = jalon("anomalies", "dismiss", row.id, "--note", "encore")
    assert (twice.returncode, twice.stderr) == (1, "This anomaly is closed already.\n")
    database.close()
