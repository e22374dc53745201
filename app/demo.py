"""The demonstration: invented patients at every stage, whose histories were really lived, story by story, up to now."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Literal

from app.service import Service
from app.settings import Settings
from app.story.format import Told, Who
from app.story.reader import read_story
from app.story.theatre import stage
from store import accounts, tokens

STORIES = Path(str(files("protocols"))) / "stories" / "demo"
LOGIN = "claire.vasseur"

Role = Literal["coordinator", "clinician", "admin"]
_PEOPLE: tuple[tuple[str, str, Role, tuple[str, ...]], ...] = (
    (LOGIN, "Claire Vasseur", "coordinator", ("coordinator",)),
    ("anne.laurent", "Dr Anne Laurent", "clinician", ("radiologist", "lead_radiologist", "mdt")),
    ("karim.benali", "Dr Karim Benali", "clinician", ("anaesthetist", "lead_anaesthetist", "theatre_lead")),
    ("paul.renard", "Dr Paul Renard", "clinician", ("rheumatologist", "gp", "referrer")),
    ("lea.fontaine", "Léa Fontaine", "clinician", ("ward",)),
    ("yann.morvan", "Dr Yann Morvan", "clinician", ("pathologist", "lab_head", "risk_manager")),
    ("admin", "Administration", "admin", ()),
)


@dataclass(frozen=True, slots=True)
class Keys:
    """How to get in: kept beside the database, for its owner's eyes only."""

    login: str
    password: str
    token: str
    made: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a demonstration lives."""

    folder: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "demo.sqlite"

    @property
    def keys(self) -> Path:
        """Written last: without it the demonstration was never finished."""
        return self.folder / "demo.json"

    def settings(self, public_url: str) -> Settings:
        """A place that nothing leaves: a SQLite file, and a mailbox for what would have been sent."""
        return Settings(
            database_url=f"sqlite:///{self.database}",
            instance="",
            public_url=public_url,
            protocol=None,
            centre=None,
            mailbox=self.folder / "demo-mailbox",
            smtp_host="",
            sms_url="",
            fhir_destinations=[],
            worker=True,
        )

    def is_made(self) -> bool:
        """Whether there is a demonstration to start from."""
        return self.keys.exists() and self.database.exists()

    def read_keys(self) -> Keys:
        """The keys of the demonstration that is there."""
        return Keys(**json.loads(self.keys.read_text(encoding="utf-8")))

    def clear(self) -> None:
        """Remove a demonstration, finished or not."""
        for name in ("demo.json", "demo.sqlite", "demo.sqlite-wal", "demo.sqlite-shm", "demo.sqlite.key"):
            (self.folder / name).unlink(missing_ok=True)
        for message in (self.folder / "demo-mailbox").glob("*.json"):
            message.unlink()


def make(place: Place, *, now: datetime, public_url: str, progress: Callable[[int, int], None]) -> Keys:
    """Make the demonstration: people, a token, and the stories played up to ``now`` (UTC)."""
    place.clear()
    place.folder.mkdir(parents=True, exist_ok=True)
    played = stories()
    password = secrets.token_urlsafe(12)
    with stage(place.settings(public_url), now=now) as opened:
        token = _people(opened.service, password, now)
        total = sum(1 + len(told.story.lines) for told in played)
        done = 0

        def step(_: str) -> None:
            nonlocal done
            done += 1
            progress(done, total)

        opened.play(played, until=now, progress=step)
    keys = Keys(LOGIN, password, token, now.isoformat())
    _write(place.keys, keys)
    return keys


def stories() -> list[Told]:
    """The stories that the demonstration plays, by the people who work here."""
    people = {
        login: Who(name=name, role=role, functions=functions) for login, name, role, functions in _PEOPLE
    }
    found = [read_story(path) for path in sorted(STORIES.glob("*.yaml"))]
    return [
        replace(told, story=replace(told.story, people={**people, **told.story.people})) for told in found
    ]


def _people(service: Service, password: str, now: datetime) -> str:
    """Everybody who works here, so that alerts find somebody; and a token for the API."""
    with service.db.write() as session:
        for login, name, role, functions in _PEOPLE:
            accounts.add_account(
                session,
                login=login,
                name=name,
                password=password,
                role=role,
                functions=functions,
                default_duty=True,
                email=f"{login}@example.org",
                now=now - timedelta(days=400),
            )
        _, token = tokens.add_token(session, name="demo", requester=True, now=now)
    return token


def _write(path: Path, keys: Keys) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(keys), file, ensure_ascii=False, indent=1)
