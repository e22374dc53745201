"""A hospital's FHIR server that is not ours: Medplum's engine on node, and ways to make it misbehave."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from tests.peers.missing import skip_for_want_of
from tests.peers.ports import free_port, wait_until_answered

HOME = Path(__file__).parent / "fhir_server"

Resource = dict[str, Any]
Fault = int | Literal["drop", "lose_answer", "hang"]


class Hospital:
    """The hospital's server: `base_url` is for Jalon's settings, the methods are the test's own access.

    They raise httpx.HTTPStatusError, with the OperationOutcome as its text, on any answer of 400 and more.
    """

    def __init__(self, data: Path | None = None) -> None:
        """With `data`, every change is kept in that file, and a killed server comes back with it."""
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}/fhir"
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(trust_env=False, timeout=30, headers={"Accept": "application/fhir+json"})

    def start(self) -> None:
        """Start on the same port as before; without a data file it starts empty."""
        keep = [] if self._data is None else ["--data", str(self._data)]
        command = ["node", "server.mjs", "--port", str(self.port), *keep]
        self._process = subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE)
        wait_until_answered(self.requests, httpx.ConnectError, self._process)

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    @property
    def pid(self) -> int | None:
        """Its process; None while it is stopped."""
        return None if self._process is None else self._process.pid

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Stop it and let go of its connections."""
        self.stop()
        self._http.close()

    def get(self, path: str) -> Resource:
        """Read `Task/1`, `Task/1/_history`, or a whole URL such as the `next` link of a page."""
        return self._fhir("GET", path)

    def search(self, resource_type: str, **params: str) -> list[Resource]:
        """Every match, across all pages; `_` in front of a word stays, elsewhere it stands for `-`."""
        named = {k if k.startswith("_") else k.replace("_", "-"): v for k, v in params.items()}
        page = self._fhir("GET", f"{resource_type}?{httpx.QueryParams(named)}")
        found = [entry["resource"] for entry in page.get("entry", [])]
        while following := [link["url"] for link in page["link"] if link["relation"] == "next"]:
            page = self._fhir("GET", following[0])
            found += [entry["resource"] for entry in page.get("entry", [])]
        return found

    def post(self, resource: Resource, if_none_exist: str | None = None) -> Resource:
        """Create a resource, or carry out a Bundle of type transaction or batch."""
        kind = resource["resourceType"]
        path = "" if kind == "Bundle" and resource["type"] in ("transaction", "batch") else kind
        return self._fhir("POST", path, resource, {"If-None-Exist": if_none_exist})

    def put(self, resource: Resource, if_match: str | None = None) -> Resource:
        """Update by id; `if_match` is a version id."""
        path = f"{resource['resourceType']}/{resource['id']}"
        return self._fhir("PUT", path, resource, {"If-Match": if_match and f'W/"{if_match}"'})

    def patch(self, path: str, operations: list[dict[str, Any]], if_match: str | None = None) -> Resource:
        """JSON Patch on `Task/1`; `if_match` is a version id."""
        headers = {"Content-Type": "application/json-patch+json", "If-Match": if_match and f'W/"{if_match}"'}
        return self._fhir("PATCH", path, operations, headers)

    def everything(self) -> list[Resource]:
        """Every resource as it stands now."""
        resources: list[Resource] = self._control("GET", "everything")
        return resources

    def reset(self) -> None:
        """Empty it, forget its log and whatever it was told to refuse."""
        self._control("POST", "reset")

    def fail_next(self, n: int, status: Fault = 503, retry_after: int | None = None) -> None:
        """Refuse the next `n` requests with `status` (and Retry-After in seconds), or fail them another way.

        `drop` closes the connection and does nothing; `lose_answer` does the work and then closes it; `hang`
        does nothing and never answers.
        """
        self._control("POST", "fail", {"count": n, "how": status, "retry_after": retry_after})

    def requests(self) -> list[dict[str, Any]]:
        """What arrived since the last reset: method, url, headers (lower case), body, status or fault."""
        log: list[dict[str, Any]] = self._control("GET", "requests")
        return log

    def _control(self, method: str, name: str, body: Any = None) -> Any:
        response = self._http.request(method, f"http://127.0.0.1:{self.port}/_test/{name}", json=body)
        return response.raise_for_status().json()

    def _fhir(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str | None] | None = None
    ) -> Resource:
        url = path if path.startswith("http") else f"{self.base_url}/{path}"
        sent = {"Content-Type": "application/fhir+json"} | {k: v for k, v in (headers or {}).items() if v}
        response = self._http.request(method, url, json=body, headers=sent)
        if response.is_error:
            raise httpx.HTTPStatusError(response.text, request=response.request, response=response)
        resource: Resource = response.json()
        return resource


def _require_node() -> None:
    if shutil.which("node") is None:
        skip_for_want_of("Node.js", "apt-get install nodejs npm (18 or later), then make peers")
    if not (HOME / "node_modules" / "@medplum").exists():
        skip_for_want_of("the foreign FHIR server", "make peers")


@pytest.fixture(scope="session")
def _running_hospital() -> Iterator[Hospital]:
    _require_node()
    with tempfile.TemporaryDirectory(prefix="jalon-hospital-") as scratch:
        hospital = Hospital(Path(scratch) / "hospital.json")
        hospital.start()
        yield hospital
        hospital.close()


@pytest.fixture
def fhir_server(_running_hospital: Hospital) -> Hospital:
    """The hospital's FHIR server, empty; started again if the test before left it stopped."""
    if not _running_hospital.is_running():
        _running_hospital.start()
    _running_hospital.reset()
    return _running_hospital
