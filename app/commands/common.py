"""What every command does alike: open the service, name who acts, speak on two consoles, show progress."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app import service, settings
from app.service import Service
from pathway.state import Actor

T = TypeVar("T")


class Complaint(Exception):
    """What the person at the keyboard can put right: one sentence. ``code`` is the exit code."""

    def __init__(self, sentence: str, *, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def fail(sentence: str, *, code: int = 1) -> NoReturn:
    """End the command with one line on stderr."""
    raise Complaint(sentence, code=code)


@contextmanager
def opened(found: settings.Settings | None = None, *, upgrade: bool = True) -> Iterator[Service]:
    """The service of these settings (else of the environment), closed at the end."""
    running = service.build(found or settings.load(), upgrade=upgrade)
    try:
        yield running
    finally:
        running.close()


def operator() -> Actor:
    """Who sits at this keyboard: the machine's user, with an administrator's standing."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return Actor(f"{name} (command line)", "admin")


def stdout() -> Console:
    """Where results go; as wide as the lines when nobody looks."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)


def stderr() -> Console:
    """Where progress and remarks go."""
    return Console(stderr=True, highlight=False)


def progress(what: str, items: Iterable[T], total: int) -> Iterator[T]:
    """The items, with a bar on a terminal when there is more than one."""
    console = stderr()
    if total < 2 or not console.is_terminal:
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        for item in items:
            yield item
            bar.advance(task)


def wall(running: Service, instant: datetime | None) -> str:
    """An instant on the centre's clock."""
    if instant is None:
        return ""
    return running.protocol.calendar.local(instant).strftime("%Y-%m-%d %H:%M")


def remark(sentence: str) -> None:
    """Say something beside the results."""
    typer.echo(sentence, err=True)
