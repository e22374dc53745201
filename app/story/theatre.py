"""Where a story is played: a database, the settings of a place that nothing leaves, and a stage on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from app import service
from app.protocols import BUILTIN, CENTRE
from app.service import Service
from app.settings import Misconfigured, Settings
from app.story.format import Told
from app.story.gateway import StoryGateway
from app.story.runner import Played, Stage, VirtualClock
from app.yaml_file import read_yaml
from gateways.mailbox import MailboxGateway
from store.planner import pathway_count

_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)
_AROUND = timedelta(days=1)


def settings_for(told: Told, *, database_url: str, place: Path) -> Settings:
    """The settings a story is played by: its protocol and centre, this database, a mailbox in ``place``.

    What the environment sets for real work (mail, SMS, hospitals) does not count here: nothing leaves.
    """
    here = Path(told.file.name).parent
    return Settings(
        database_url=database_url,
        protocol=here / told.story.protocol if told.story.protocol else BUILTIN,
        centre=_centre(told, here / told.story.centre if told.story.centre else CENTRE, place),
        mailbox=place / "mailbox",
        **_key(database_url),
        smtp_host="",
        sms_url="",
        fhir_destinations=[],
        lease_slack_seconds=30.0,
    )


def _centre(told: Told, file: Path, place: Path) -> Path:
    """The centre's file, with the choices of the story instead of its own."""
    if not told.story.settings:
        return file
    said = read_yaml(file).data
    said["settings"] = {**said.get("settings", {}), **told.story.settings}
    played = place / f"{told.story.story}-centre.yaml"
    played.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    return played


def _key(database_url: str) -> dict[str, Any]:
    """The environment's key, or the file beside SQLite; for any other database one that protects nobody real."""
    given = "JALON_SECRET_KEY" in os.environ or "JALON_SECRET_KEY_FILE" in os.environ
    if given or database_url.startswith("sqlite"):
        return {}
    return {"secret_key": SecretStr("the people of a story are invented")}


@contextmanager
def stage(settings: Settings, *, now: datetime) -> Iterator[Stage]:
    """A stage on this database, at an instant before anything happens. Closed at the end."""
    clock = VirtualClock(_BEFORE)
    box = MailboxGateway(Path(settings.mailbox), clock=clock)
    gateways = {"sms": StoryGateway(box), "email": StoryGateway(box)}
    opened: Service = service.build(settings, now=lambda: now, gateways=gateways)
    try:
        yield Stage(opened, gateways, clock)
    finally:
        opened.close()


def play_alone(
    told: Told, *, database_url: str, place: Path, now: datetime, until: str | None = None
) -> tuple[Played, Stage]:
    """Play one story on an empty database. ``until`` is a moment at which to stop early.

    Raises Unreadable for a story that does not fit its protocol, Misconfigured for a database in use.
    """
    settings = settings_for(told, database_url=database_url, place=place)
    with stage(settings, now=now) as opened:
        must_be_empty(opened.service)
        end = opened.days.instant(until) if until else None
        start = opened.start_of([told])
        opened.staff([told], start - _AROUND, start + 3 * 366 * _AROUND)
        [played] = opened.play([told], until=end)
    return played, opened


def must_be_empty(opened: Service) -> None:
    """Misconfigured when the database holds pathways: the story's clock would run for them too."""
    with opened.db.read() as session:
        if count := pathway_count(session):
            raise Misconfigured(
                f"This database holds {count} pathways, and a story would move the clock for all of them:"
                " give an empty one."
            )
