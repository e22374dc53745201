"""``jalon scenario run``: play a story and say what happened."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from app import clock
from app.commands.common import fail, stdout
from app.story import moments, report
from app.story.reader import read_story
from app.story.theatre import play_alone
from app.yaml_file import Unreadable

app = typer.Typer(no_args_is_help=True, help="Stories: a patient's months, played in seconds.")

File = Annotated[Path, typer.Argument(help="The story (YAML); docs/stories.md says how to write one.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, instants in UTC.")]
Url = Annotated[
    str | None, typer.Option("--database", help="An empty database to play on; a new SQLite file without.")
]
Until = Annotated[str | None, typer.Option(help="Stop the clock here, like “2027-03-01 12:00”.")]


@app.command("run")
def run(file: File, as_json: Json = False, database: Url = None, until: Until = None) -> None:
    """Play a story on the real engine by a virtual clock. Exit 1 when an expectation is not met, 2 for a bad file."""
    if until is not None:
        try:
            moments.parse(until)
        except ValueError as error:
            fail(f"--until: {error}", code=2)
    try:
        told = read_story(file)
        with tempfile.TemporaryDirectory(prefix="jalon-story-") as place:
            url = database or f"sqlite:///{place}/story.sqlite"
            played, stage = play_alone(
                told, database_url=url, place=Path(place), now=clock.now(), until=until
            )
    except Unreadable as error:
        fail(str(error), code=2)
    if as_json:
        typer.echo(json.dumps(report.as_data(played), ensure_ascii=False, indent=1))
    else:
        report.show(played, stage.days, stdout())
    if played.failed:
        raise typer.Exit(1)
