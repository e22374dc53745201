"""One reading of one Bundle: what is in it, when it came, in which zone its bare dates are, and what was
amiss."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from fhir_mappings.bundle import Contents, Found
from fhir_mappings.outcome import Issue, warning
from fhir_mappings.read import object_at
from fhir_mappings.structure import structure_issues

CLOCK_SKEW = timedelta(minutes=10)
"""How far the sender's clock may run ahead of ours before what it says is in the future."""


@dataclass(slots=True)
class Reading:
    """The state of one reading. `issues` grows as resources are looked at; each resource is judged once.

    `test_identities`: whether national identities made for tests are taken, where nobody is a real patient.
    """

    contents: Contents
    received: datetime
    zone: tzinfo
    test_identities: bool = False
    issues: list[Issue] = field(default_factory=list)
    _judged: dict[int, bool] = field(default_factory=dict)

    def well_formed(self, found: Found) -> bool:
        """Whether this resource is well-formed R4; what is wrong with it is added to the issues."""
        judged = self._judged.get(id(found.resource))
        if judged is None:
            amiss = structure_issues(found.resource, found.path)
            self.issues.extend(amiss)
            judged = self._judged[id(found.resource)] = not amiss
        return judged

    def follow(self, within: Found, element: str, reference: object, *kinds: str) -> Found | None:
        """The well-formed resource a reference points to, or None with the issue added."""
        pointed = self.contents.follow(
            within, element, reference if isinstance(reference, dict) else {}, *kinds
        )
        if isinstance(pointed, Issue):
            self.issues.append(pointed)
            return None
        return pointed if self.well_formed(pointed) else None

    def is_about(self, patient: Found, found: Found) -> bool:
        """Whether a resource is about this patient. One about somebody else is passed over in silence; one
        whose `subject` (or `patient`) points nowhere refuses the Bundle, and one that names nobody is not
        believed."""
        reference = object_at(found.resource, "subject")
        if not reference:
            self.issues.append(
                warning(
                    "incomplete",
                    f"{found.kind}.subject is missing, so this {found.kind} was not used; add it.",
                    f"{found.path}.subject",
                )
            )
            return False
        pointed = self.contents.follow(found, "subject", reference, "Patient", "Group", "Device", "Location")
        if isinstance(pointed, Issue):
            self.issues.append(pointed)
            return False
        return pointed.resource is patient.resource

    def is_future(self, at: datetime) -> bool:
        """Whether this instant had not come when the Bundle was received."""
        return at > self.received + CLOCK_SKEW
