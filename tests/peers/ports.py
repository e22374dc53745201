"""Free ports on the loopback, and waiting until somebody answers there."""

import random
import socket
import subprocess
import time
from collections.abc import Callable

BELOW_THE_EPHEMERAL = range(20_000, 32_768)


def free_port() -> int:
    """A port nobody listens on now.

    It lies below those the kernel gives to outgoing connections, so that no client of a test running beside this
    one takes it between now and the moment a server listens, or while that server is down.
    """
    while True:
        port = random.choice(BELOW_THE_EPHEMERAL)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until_answered(
    ask: Callable[[], object], trouble: type[Exception], server: subprocess.Popen[bytes], seconds: float = 60
) -> None:
    """Return once `ask()` raises `trouble` no more; RuntimeError if the server ends first or the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ask()
        except trouble as reason:
            if server.poll() is not None:
                raise RuntimeError(f"The server ended with code {server.returncode}: {reason}") from reason
            if time.monotonic() > deadline:
                raise RuntimeError(f"The server did not answer within {seconds:.0f} s: {reason}") from reason
            time.sleep(0.02)
        else:
            return
