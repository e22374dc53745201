"""``jalon protocol``: what a protocol file says, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.table import Table

from app.commands import protocol_check
from app.commands.common import fail, stdout
from app.commands.protocol_asked import (
    Centre,
    File,
    FileOrVersion,
    Set,
    asked_of,
    protocol_of,
    published_protocol,
)
from app.describe import mermaid, page
from app.describe import svg as drawing
from app.protocols import BUILTIN, settings_in

app = typer.Typer(no_args_is_help=True, help="Protocols: the files clinicians write.")

Language = Annotated[str, typer.Option(help="fr or en.")]
Svg = Annotated[Path | None, typer.Option("--svg", help="Draw it into this SVG file instead.")]
Mermaid = Annotated[bool, typer.Option("--mermaid", help="Only the diagram, as Mermaid.")]


@app.callback()
def family() -> None:
    """Protocols: the files clinicians write."""


@app.command("show")
def show(
    file: FileOrVersion = None,
    centre: Centre = None,
    chosen: Set = None,
    language: Language = "fr",
    svg: Svg = None,
    as_mermaid: Mermaid = False,
) -> None:
    """Read a protocol, complain of what does not hold together, and show it: Markdown when piped, or a drawing."""
    if language not in ("fr", "en"):
        fail(f"--language is fr or en, not {language}", code=2)
    if file is not None and not file.exists() and file.suffix not in (".yaml", ".yml"):
        if centre or chosen:
            fail(
                f"{file} is a published version, whose settings are fixed: leave out --centre and --set",
                code=2,
            )
        found = published_protocol(str(file))
    else:
        found = protocol_of(file, centre, chosen)
    if svg is not None:
        svg.write_text(drawing(found.protocol, language), encoding="utf-8")
        typer.echo(str(svg))
        return
    if as_mermaid:
        typer.echo(mermaid(found.protocol, language), nl=False)
        return
    text = page(found.protocol, language, found.settings)
    console = stdout()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        typer.echo(text, nl=False)


@app.command("settings")
def settings(file: File = None, language: Language = "fr") -> None:
    """List what a protocol's file leaves a centre to choose; the value that counts without a choice comes first."""
    if language not in ("fr", "en"):
        fail(f"--language is fr or en, not {language}", code=2)
    path, here, _ = asked_of(file, None, None)
    table = Table("key", "title", "values", "source", box=None)
    for one in settings_in(path or here.protocol or BUILTIN):
        others = [key for key in one.choices or () if key != one.default]
        values = ", ".join([one.default, *others])
        if one.kind == "number":
            values = f"{one.default} ({one.at_least} to {one.at_most})"
        table.add_row(one.key, getattr(one.title, language), values, one.source)
    stdout().print(table)


app.command("check")(protocol_check.checked)
