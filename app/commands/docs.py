"""``jalon docs``: the pages that are printed from the code and the protocol, printed again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app import hold_profiles, protocols
from app.commands.common import fail
from app.describe import mermaid, page, svg
from app.describe.holds import page as holds_page
from app.describe_indicators import page as indicators_page
from app.indicators import load as load_indicators

Folder = Annotated[Path, typer.Option("--folder", help="Where the pages are.")]


def docs(folder: Folder = Path("docs")) -> None:
    """Print the pages of the protocol, of the indicators and of the command line again."""
    if not folder.is_dir():
        fail(f"{folder} is no directory: run this where the documentation is, or say --folder")
    loaded = protocols.load(protocols.BUILTIN)
    protocol = loaded.protocol
    written = {
        "protocol.md": page(protocol, "en", loaded.settings, protocols.settings_in()),
        "protocol.mmd": mermaid(protocol, "en"),
        "protocol.svg": svg(protocol, "en"),
        "hold-profiles.md": holds_page(hold_profiles.builtin().values(), protocol),
        "command-line.md": command_line(),
        "indicators.md": indicators_page(load_indicators()),
    }
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
        typer.echo(str(folder / name))


def command_line() -> str:
    """Every command with what it takes, as Markdown, from the commands themselves."""
    from app.cli import app  # the command line itself, of which this is one command

    lines = ["# The command line", "", "Printed by `jalon docs` from the commands themselves.", ""]
    for path, command in _walk(typer.main.get_command(app), ("jalon",)):
        context = typer.Context(command, info_name=path[-1])
        usage = " ".join([*path, *command.collect_usage_pieces(context)])
        lines += [f"## {' '.join(path)}", "", command.help or "", "", f"    {usage}", ""]
        for parameter in command.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None and parameter.name != "help":
                lines.append(f"- `{record[0]}` {' '.join(record[1].split())}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _walk(command: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        return [(path, command)]
    return [found for name in sorted(below) for found in _walk(below[name], (*path, name))]
