"""``jalon protocol``: what a protocol file says, as a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown

from app import protocols, settings
from app.commands.common import fail, stdout
from app.describe import page
from app.protocols import LoadedProtocol

app = typer.Typer(no_args_is_help=True, help="Protocols: the files clinicians write.")

File = Annotated[Path | None, typer.Argument(help="A protocol file; the installation's own without it.")]
Centre = Annotated[Path | None, typer.Option(help="A centre's file; the installation's own without it.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting of the protocol, before the centre's. Repeatable."
    ),
]
Language = Annotated[str, typer.Option(help="fr or en.")]


@app.callback()
def family() -> None:
    """Protocols: the files clinicians write."""


@app.command("show")
def show(file: File = None, centre: Centre = None, chosen: Set = None, language: Language = "fr") -> None:
    """Read a protocol, complain of what does not hold together, and show it: Markdown when piped."""
    if language not in ("fr", "en"):
        fail(f"--language is fr or en, not {language}", code=2)
    text = page(protocol_of(file, centre, chosen).protocol, language)
    console = stdout()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        typer.echo(text, nl=False)


def protocol_of(file: Path | None, centre: Path | None, chosen: list[str] | None) -> LoadedProtocol:
    """The protocol in this file (else the installation's) for this centre and these ``KEY=VALUE`` choices.

    Complaint for a choice that is not written so; Unreadable or Malformed for what does not hold together.
    """
    given = {}
    for one in chosen or ():
        key, equals, value = one.partition("=")
        if not equals or not key:
            fail(f"--set {one}: write --set KEY=VALUE, like --set stay=ambulatory", code=2)
        given[key] = value
    installed = settings.load()
    here = protocols.read_centre(centre or installed.centre or protocols.CENTRE)
    if file is not None and centre is None:  # the installation's choices are of its own protocol
        here = replace(here, settings={}, protocol=None)
    path = file or (None if centre else installed.protocol)
    try:
        return protocols.load_for(replace(here, settings={**here.settings, **given}), path)
    except protocols.WrongSetting as wrong:
        if wrong.key in given:
            fail(f"--set {wrong.key}={given[wrong.key]}: {wrong.problem}", code=2)
        raise
