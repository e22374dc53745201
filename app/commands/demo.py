"""``jalon demo``: invented patients at every stage, served on this machine; nothing leaves it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from app import clock
from app import demo as demonstration
from app.commands.common import fail, opened, stderr
from app.commands.serve import Host, Port, answer, bound, quiet_logs
from app.demo import Keys, Place
from app.worker import alone
from pathway.refusal import Refused

Fresh = Annotated[bool, typer.Option("--fresh", help="Begin again: throw away what was done in the demo.")]
_FOLDER = Path("var")


def demo(host: Host = "127.0.0.1", port: Port = 8000, fresh: Fresh = False) -> None:
    """Serve demo patients, made by playing stories up to now; the second time it goes on from the first.

    The sign-in is the coordinator's. The same password opens anne.laurent (radiologist), karim.benali (anaesthetist),
    paul.renard (rheumatologist and GP), lea.fontaine (ward), yann.morvan (laboratory) and admin.
    """
    quiet_logs()
    listener = bound(host, port)
    address = _address(host, listener)
    place = Place(_FOLDER)
    keys = place.read_keys() if place.is_made() and not fresh else _make(place, address)
    try:
        with opened(place.settings(address)) as service:
            answer(service, listener, started=lambda: _say(address, keys))
    except Refused as refused:  # the built-in protocol is not the one that the demonstration began with
        fail(f"{refused.text.en} Or begin the demonstration again with --fresh")


def _say(address: str, keys: Keys) -> None:
    typer.echo(f"address: {address}")
    typer.echo(f"sign-in: {keys.login} / {keys.password}")
    typer.echo(f"token: {keys.token}")
    typer.echo(f"mailbox: {address}/mailbox")


def _make(place: Place, address: str) -> Keys:
    console = stderr()
    columns = (TextColumn("playing the demo patients' stories"), BarColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("stories", total=None)
        with alone(place.settings(address).database_url):
            return demonstration.make(
                place,
                now=clock.now(),
                public_url=address,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )


def _address(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
