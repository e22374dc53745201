"""``jalon protocol``: what a protocol file says, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown

from app import protocols, settings
from app.commands.common import fail, stdout
from app.describe import page

app = typer.Typer(no_args_is_help=True, help="Protocols: the files clinicians write.")

File = Annotated[Path | None, typer.Argument(help="A protocol file; the installation's own without it.")]
Language = Annotated[str, typer.Option(help="fr or en.")]


@app.callback()
def family() -> None:
    """Protocols: the files clinicians write."""


@app.command("show")
def show(file: File = None, language: Language = "fr") -> None:
    """Read a protocol, complain of what does not hold together, and show it: Markdown when piped."""
    if language not in ("fr", "en"):
        fail(f"--language is fr or en, not {language}", code=2)
    path = file or settings.load().protocol or protocols.BUILTIN
    text = page(protocols.load(path).protocol, language)
    console = stdout()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        typer.echo(text, nl=False)
