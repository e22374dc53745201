"""A Jalon in a process of its own, by a clock that a test holds: ``python -m tests.peers.jalon_at PORT CLOCK_FILE``.

Settings come from the environment, as for ``jalon serve``. The file holds an ISO instant.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from app import settings
from app.commands.serve import answer, bound, quiet_logs
from app.service import build


def main(port: int, clock: Path) -> None:
    """Serve until killed."""
    quiet_logs()
    service = build(settings.load(), now=lambda: datetime.fromisoformat(clock.read_text()))
    try:
        answer(service, bound("127.0.0.1", port))
    finally:
        service.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
