"""Who speaks: the centre's base address for identifiers and codes, and the name it signs with."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from fhir_mappings.read import Json

_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Site:
    """``system`` is the base of every URI that is ours, without a slash at the end; ``name`` is shown to people.

    With ``https://jalon.example/fhir`` a Task is identified in ``https://jalon.example/fhir/id/task`` and its
    step coded in ``https://jalon.example/fhir/CodeSystem/step``. ``organization`` is the establishment's own
    number as (system, value), such as its FINESS.
    """

    system: str
    name: str
    organization: tuple[str, str] | None = None

    def identifier(self, kind: str, value: str) -> Json:
        """Our identifier for a ``task``, ``appointment``, ``pathway``…"""
        return {"system": f"{self.system}/id/{kind}", "value": value}

    def code_system(self, name: str) -> str:
        """The URI of one of our code systems: step, role, stage, outcome, answer, hold."""
        return f"{self.system}/CodeSystem/{name}"

    def coding(self, system: str, code: str, display: str = "") -> Json:
        """One code of ours."""
        coding = {"system": self.code_system(system), "code": code}
        return {**coding, "display": display} if display else coding

    def reference(self) -> Json:
        """The centre as author, requester or sender: by its number where it has one, always by name."""
        said: Json = {"type": "Organization", "display": self.name}
        if self.organization is not None:
            system, value = self.organization
            said["identifier"] = {"system": system, "value": value}
        return said


def fhir_id(*parts: str | int) -> str:
    """A FHIR id (``[A-Za-z0-9-.]{1,64}``) made of these parts, the same for the same parts.

    Underscores become dashes. What is too long or cannot be written so ends in a digest of the whole.
    """
    whole = "-".join(str(part) for part in parts)
    plain = whole.replace("_", "-")
    if _FHIR_ID.fullmatch(plain):
        return plain
    digest = hashlib.sha256(whole.encode()).hexdigest()[:20]
    return f"{re.sub(r'[^A-Za-z0-9.-]', '-', plain)[:43]}-{digest}"
