"""Invariants of people, organisations, consents, groups, lists and the trail of audit."""

from __future__ import annotations

from fhir_mappings.gate.literals import named_type
from fhir_mappings.gate.rules import has, parts, rule, rule_of_parts
from fhir_mappings.read import Json


@rule(
    "Patient.contact",
    "pat-1",
    "Patient.contact needs a name, a telecom, an address or an organization; add one.",
)
def pat_1(contact: Json) -> bool:
    return has(contact, "name", "telecom", "address", "organization")


@rule("Organization", "org-1", "Organization needs a name or an identifier; add one.")
def org_1(organization: Json) -> bool:
    return has(organization, "identifier", "name")


@rule_of_parts("Organization", "org-2", "An address of an Organization is never of use home; correct it.")
def org_2(organization: Json) -> list[str]:
    return _at_home(organization, "address")


@rule_of_parts("Organization", "org-3", "A telecom of an Organization is never of use home; correct it.")
def org_3(organization: Json) -> list[str]:
    return _at_home(organization, "telecom")


def _at_home(organization: Json, name: str) -> list[str]:
    given = enumerate(parts(organization, name))
    return [f"{name}[{index}]" for index, each in given if each.get("use") == "home"]


@rule(
    "CareTeam.participant",
    "ctm-1",
    "CareTeam.participant.onBehalfOf is only for a member who is a Practitioner; remove it.",
    "onBehalfOf",
)
def ctm_1(participant: Json) -> bool:
    # R4 resolves the member and lets pass what cannot be resolved; its type is told by the reference itself.
    member = participant.get("member") or {}
    known = named_type(member.get("reference") or "") or member.get("type")
    return not has(participant, "onBehalfOf") or known in (None, "Practitioner")


@rule("AuditEvent.entity", "sev-1", "AuditEvent.entity has a name or a query, not both; keep one.", "query")
def sev_1(entity: Json) -> bool:
    return not (has(entity, "name") and has(entity, "query"))


@rule("Consent", "ppc-1", "Consent needs a policy or a policyRule; add one.")
def ppc_1(consent: Json) -> bool:
    return has(consent, "policy", "policyRule")


def _scoped(consent: Json, scope: str) -> bool:
    # The published rules look for the system "something", a slip that no later version of R4 mended: a Consent of
    # the real system passes them without a patient. The rule is kept as published, so that ours say no more.
    return any(
        each.get("system") == "something" and each.get("code") == scope
        for each in parts(consent.get("scope") or {}, "coding")
    )


def _needs_patient(key: str, scope: str) -> None:
    @rule("Consent", key, f"A Consent of scope {scope} needs its patient; add it.", "patient")
    def kept(consent: Json) -> bool:
        return has(consent, "patient") or not _scoped(consent, scope)


for _key, _scope in (
    ("ppc-2", "patient-privacy"),
    ("ppc-3", "research"),
    ("ppc-4", "adr"),
    ("ppc-5", "treatment"),
):
    _needs_patient(_key, _scope)


@rule("Group", "grp-1", "Only an actual Group has members; remove them or set actual to true.", "member")
def grp_1(group: Json) -> bool:
    return not has(group, "member") or group.get("actual") is True


@rule("List", "lst-1", "A List with entries has no emptyReason; remove it.", "emptyReason")
def lst_1(list_: Json) -> bool:
    return not (has(list_, "emptyReason") and has(list_, "entry"))


@rule("List", "lst-2", "List.entry.deleted is only for the mode changes; remove it or set the mode.", "entry")
def lst_2(list_: Json) -> bool:
    return list_.get("mode") == "changes" or not any(has(each, "deleted") for each in parts(list_, "entry"))


@rule("List", "lst-3", "List.entry.date is only for the mode working; remove it or set the mode.", "entry")
def lst_3(list_: Json) -> bool:
    return list_.get("mode") == "working" or not any(has(each, "date") for each in parts(list_, "entry"))
