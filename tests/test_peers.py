"""The peers are what they claim to be; a test that leans on one may believe it."""

import psycopg
import pytest
import sqlalchemy

from tests.peers.databases import Postgres


def test_what_is_written_to_a_database_is_there_for_the_next_connection(database_url: str) -> None:
    for expected in ([], [(1,)]):
        engine = sqlalchemy.create_engine(database_url)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE IF NOT EXISTS step (n INTEGER)"))
            assert connection.execute(sqlalchemy.text("SELECT n FROM step")).fetchall() == expected
            connection.execute(sqlalchemy.text("INSERT INTO step VALUES (1)"))
        engine.dispose()


def test_postgresql_keeps_time_in_utc(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SHOW timezone")).scalar_one() == "UTC"
    engine.dispose()


def test_a_database_is_empty_and_goes_even_when_somebody_still_holds_it(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)
        postgres_server.drop_database(url)
        with pytest.raises(psycopg.OperationalError, match=r"terminating connection|closed"):
            connection.execute("SELECT 1")
