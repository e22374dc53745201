"""Where the installation's key comes from, and what is said when it comes from nowhere."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from app.secrets import installation_key
from app.settings import Misconfigured, Settings

GIVEN = "2f1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("JALON_SECRET_KEY", "JALON_SECRET_KEY_FILE", "JALON_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "var" / "jalon.sqlite"


def settings(place: Path | None = None, **given: object) -> Settings:
    url = f"sqlite:///{place}" if place else "postgresql+psycopg://jalon@db/jalon"
    return Settings(database_url=url, **given)


def test_beside_a_sqlite_database_the_key_is_made_once_for_its_owner_only(place: Path) -> None:
    first = installation_key(settings(place))
    assert len(first) == 32
    assert installation_key(settings(place)) == first
    assert stat.S_IMODE(Path(f"{place}.key").stat().st_mode) == 0o600
    assert [file.name for file in place.parent.iterdir()] == ["jalon.sqlite.key"]


def test_processes_that_start_together_read_one_key(place: Path) -> None:
    start = Barrier(16)

    def process(_: int) -> bytes:
        start.wait()
        return installation_key(settings(place))

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(process, range(16)))) == 1
    assert len(list(place.parent.iterdir())) == 1


def test_the_key_of_a_setting_and_of_a_file_is_the_same_key(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    file.write_text(GIVEN + "\n")
    assert installation_key(settings(secret_key=GIVEN)) == installation_key(settings(secret_key_file=file))
    assert installation_key(settings(place, secret_key=GIVEN)) == installation_key(settings(secret_key=GIVEN))
    assert not Path(f"{place}.key").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "set JALON_SECRET_KEY, or JALON_SECRET_KEY_FILE"),
        ({"secret_key": ""}, "openssl rand -hex 32"),
        ({"secret_key": "secret"}, "JALON_SECRET_KEY is no secret"),
        ({"secret_key": "changeme" * 5}, "JALON_SECRET_KEY is no secret"),
        ({"secret_key_file": "/nowhere/key"}, "JALON_SECRET_KEY_FILE: /nowhere/key cannot be read"),
        ({"secret_key": GIVEN, "secret_key_file": "/nowhere/key"}, "keep one of them"),
    ],
)
def test_without_a_usable_key_jalon_says_what_to_do(place: Path, given: dict[str, str], says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        installation_key(settings(**given))


def test_a_key_that_others_may_read_is_refused(place: Path) -> None:
    installation_key(settings(place))
    Path(f"{place}.key").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        installation_key(settings(place))


def test_a_database_in_memory_has_no_place_for_a_key(place: Path) -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(Misconfigured, match="JALON_SECRET_KEY"):
            installation_key(Settings(database_url=url))


def test_where_no_file_can_be_made_the_sentence_names_the_place(place: Path) -> None:
    place.parent.write_text("a file where the folder should be")
    with pytest.raises(Misconfigured, match="cannot be made"):
        installation_key(settings(place))
