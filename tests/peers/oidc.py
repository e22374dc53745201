"""An authorisation server that is not ours: oidc-provider on node, for systems that sign their assertions."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.peers.missing import skip_for_want_of
from tests.peers.ports import free_port, wait_until_answered

HOME = Path(__file__).parent / "oidc"


class Authority:
    """The authorisation server, running; a context manager. ``fhir_url`` is where it is discovered from."""

    def __init__(
        self,
        *,
        clients: dict[str, dict[str, Any]],
        audience: str,
        scopes: Sequence[str],
        alg: str = "RS256",
        seconds: int = 300,
    ) -> None:
        """``clients``: the public JWK Set of each client id. ``alg``: how its tokens are signed."""
        self._what = {
            "audience": audience,
            "scopes": list(scopes),
            "alg": alg,
            "seconds": seconds,
            "clients": [
                {
                    "client_id": name,
                    "scope": " ".join(scopes),
                    "jwks": jwks,
                    "token_endpoint_auth_signing_alg": jwks["keys"][0]["alg"],
                }
                for name, jwks in clients.items()
            ],
        }
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.fhir_url = f"{self.issuer}/fhir"
        self.token_url = f"{self.issuer}/token"
        self.jwks_url = f"{self.issuer}/jwks"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Authority:
        require_oidc()
        command = ["node", "server.mjs", "--port", str(self.port)]
        self._process = subprocess.Popen(
            command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._what).encode() + b"\n")
        self._process.stdin.flush()
        wait_until_answered(self._connect, OSError, self._process)
        return self

    def _connect(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()


def require_oidc() -> None:
    """Skip with one line where the peer is not installed."""
    if shutil.which("node") is None:
        skip_for_want_of("Node.js", "apt-get install nodejs npm (20 or later), then make peers")
    if not (HOME / "node_modules" / "oidc-provider").exists():
        skip_for_want_of("the authorisation server", "make peers")
