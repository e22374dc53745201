"""``jalon`` as a person meets it: a process of its own, with an environment and a directory of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

JALON = Path(sys.executable).parent / "jalon"


@dataclass
class Shell:
    """A directory, an environment without anything of the machine's own settings, and what was started in it."""

    place: Path
    environment: dict[str, str]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(
        self, *words: str, given: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [JALON, *words],
            cwd=self.place,
            env={**self.environment, **more},
            input=given if given is not None else "",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        """Start a command that stays."""
        process = subprocess.Popen(
            [JALON, *words],
            cwd=self.place,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process


@pytest.fixture
def jalon(tmp_path: Path) -> Iterator[Shell]:
    """The command line on a SQLite file of its own."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("JALON_")}
    url = f"sqlite:///{tmp_path / 'jalon.sqlite'}"
    shell = Shell(tmp_path, {**mine, "JALON_DATABASE_URL": url, "COLUMNS": "120"})
    yield shell
    for process in shell.running:
        process.kill()
        process.communicate()
