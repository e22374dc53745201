"""Free ports on the loopback, and waiting for somebody to answer on one."""

import socket
import subprocess
import time


def free_port() -> int:
    """A port nobody listens on right now, picked by the kernel."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes] | None = None, seconds: float = 30) -> None:
    """Return once 127.0.0.1:port accepts; RuntimeError if the process ends first or the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if process is not None and process.poll() is not None:
                raise RuntimeError(
                    f"The server for port {port} ended with code {process.returncode}."
                ) from None
            if time.monotonic() > deadline:
                raise RuntimeError(f"Nobody answered on port {port} within {seconds:.0f} s.") from None
            time.sleep(0.02)
