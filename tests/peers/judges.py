"""Two judges of R4 that are not ours: Medplum's validateResource on node, and Pyrofile with HL7's definitions.

Both answer with sentences; none means that the resource may stand. Their advice (warnings) is left out, but for a
reference to a type that R4 does not allow, which Medplum only warns of.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.peers.hospital import HOME
from tests.peers.missing import skip_for_want_of

DEFINITIONS = Path(__file__).parents[1] / "data" / "r4-core-subset.tgz"

Json = dict[str, Any]

_WRONG_TYPE = re.compile(r'Invalid reference: got "[A-Z][A-Za-z]+"')
"""Medplum takes the scheme of an absolute URL (`urn`, `https`) for a type: those are passed over."""


class Judge(Protocol):
    """Somebody who says what is wrong with a resource."""

    def faults(self, resource: Json) -> list[str]:
        """A sentence for each reason to refuse it."""


class Medplum:
    """A node process that lives as long as it is asked."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "judges.mjs"], cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def faults(self, resource: Json) -> list[str]:
        """What Medplum's validateResource says of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(resource) + "\n")
        self._process.stdin.flush()
        issues = json.loads(self._process.stdout.readline())
        return [
            f"{issue.get('expression')} {said}"
            for issue in issues
            if (said := issue.get("details", {}).get("text", ""))
            and (issue["severity"] in ("error", "fatal") or _WRONG_TYPE.match(said))
        ]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class Pyrofile:
    """`pyrofile-validator` with HL7's definitions of 42 resources; of other types it knows little.

    What it says wrongly of official examples is not believed of ours either (`DISBELIEVED`).
    """

    def __init__(self, definitions: Path) -> None:
        from pyrofile_validator import Validator  # slow to import, and asked for by few
        from pyrofile_validator.config import ValidatorConfig

        packages = [str(definitions)]
        self._validator = Validator(
            ValidatorConfig(local_package_paths=packages, allow_unknown_extensions=True)
        )

    def faults(self, resource: Json) -> list[str]:
        """What Pyrofile says of it, and is to be believed."""
        return [fault for fault in self.said(resource) if not disbelieved(fault)]

    def said(self, resource: Json) -> list[str]:
        """All that Pyrofile says of it."""
        with contextlib.redirect_stdout(io.StringIO()):  # trace() of FHIRPath prints
            report = self._validator.validate_resource(resource)
        return [
            f"{issue.path} {issue.message}"
            for issue in report.issues
            if issue.severity.value in ("error", "fatal")
        ]


DISBELIEVED: dict[str, str] = {
    r".*\.\w+\[x\] is required": "it looks for a choice in a part under the name value[x], which JSON never has;"
    " its second look (Profile requires at least …) is right",
    r"Bundle\.entry\[\d+\]\.resource Bundle\.entry\.resource is required": "an entry may be a request or an answer",
    r"Bundle\.entry FHIRPath invariant failed: fullUrl\.contains.*": "bdl-8 as published fails without a fullUrl",
    r"PlanDefinition Constraint failed: dom-3.*": "a contained resource may be referred to by a canonical",
    r".*\._\w+ Unknown element .*": "beside a primitive of a part stands its extension",
    r"Appointment Constraint failed: app-4.*'no-show'.*": "the published text has no-show where the code is noshow",
    r"AuditEvent\.entity\.detail\..* Profile allows at most 1 .*": "it counts over all details together, not in each",
    r"ActivityDefinition\.text\.div Narrative XHTML must contain .*": "an official example has only blanks",
}
"""What Pyrofile 0.3.0 says wrongly, each with the reason; it says all of it of official examples, but of app-4
and of the details of an AuditEvent (with one detail it is silent)."""


def disbelieved(fault: str) -> str | None:
    """The pattern of DISBELIEVED that is about this fault, if there is one."""
    matching = (pattern for pattern in DISBELIEVED if re.fullmatch(pattern, fault, re.DOTALL))
    return next(matching, None)


@pytest.fixture(scope="session")
def medplum() -> Iterator[Medplum]:
    """Medplum as a judge, started once."""
    if shutil.which("node") is None:
        skip_for_want_of("Node.js", "apt-get install nodejs npm (18 or later), then make peers")
    if not (HOME / "node_modules" / "@medplum").exists():
        skip_for_want_of("the foreign FHIR server", "make peers")
    judge = Medplum()
    yield judge
    judge.close()


@pytest.fixture(scope="session")
def pyrofile(tmp_path_factory: pytest.TempPathFactory) -> Pyrofile:
    """Pyrofile as a judge, its definitions unpacked once."""
    place = tmp_path_factory.mktemp("definitions")
    with tarfile.open(DEFINITIONS) as packed:
        packed.extractall(place, filter="data")
    return Pyrofile(place / "r4-core-subset")
