"""What is to be said to the patient and what became of it: CommunicationRequest, then Communication."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import concept, instant, pruned, reference
from pathway.reasons import reason

PARTICIPATION_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"

MEDIUM = {"sms": "SMSWRIT", "email": "EMAILWRIT", "letter": "MAILWRIT", "phone": "PHONE"}

_PERSONAL_LINK = re.compile(r"(https?://[^\s/]+)/\S*")

STATUSES: dict[str, tuple[str, str | None]] = {
    "planned": ("active", None),
    "waiting-release": ("on-hold", None),
    "sending": ("active", None),
    "uncertain": ("active", "unknown"),
    "sent": ("completed", "completed"),
    "failed": ("revoked", "not-done"),
    "too-late": ("revoked", "not-done"),
    "withdrawn": ("revoked", None),
}
"""What became of a message: status of the CommunicationRequest, and of the Communication where there is one.

What was withdrawn before it left was never to be said again; what failed or came too late was given up.
"""


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """One message of the ledger. Instants are UTC; ``about`` is the id of the visit's Appointment.

    ``key`` names it within its pathway (with the generation, where a key has had several). ``channel`` is sms,
    email, letter or phone. ``text`` and ``subject`` are what was or would be sent, if rendered yet.
    """

    key: str
    pathway_id: str
    patient_id: str
    channel: str
    status: str
    at: datetime
    until: datetime | None = None
    sent_at: datetime | None = None
    reason: str = ""
    text: str | None = None
    subject: str | None = None
    about: str | None = None


def message_resources(record: MessageRecord, site: Site) -> list[Json]:
    """The CommunicationRequest, and the Communication once sent or given up. KeyError for a status we do not have."""
    request_status, told = STATUSES[record.status]
    request: Json = {
        "resourceType": "CommunicationRequest",
        "id": _id(record),
        "identifier": [site.identifier("message", f"{record.pathway_id}/{record.key}")],
        "groupIdentifier": site.identifier("pathway", record.pathway_id),
        "status": request_status,
        "occurrenceDateTime": instant(record.at),
        "requester": site.reference(),
        "sender": site.reference(),
        **_said(record),
    }
    if request_status in ("revoked", "on-hold"):
        request["statusReason"] = {"text": _why(record)}
    made = [pruned(request)]
    if told is not None:
        made.append(_communication(record, told, site))
    return made


def _communication(record: MessageRecord, status: str, site: Site) -> Json:
    communication: Json = {
        "resourceType": "Communication",
        "id": _id(record),
        "identifier": [site.identifier("message", f"{record.pathway_id}/{record.key}")],
        "basedOn": [reference("CommunicationRequest", _id(record))],
        "status": status,
        "sent": instant(record.sent_at) if record.sent_at and status == "completed" else None,
        "sender": site.reference(),
        **_said(record),
    }
    if status != "completed":
        communication["statusReason"] = {"text": _why(record)}
    return pruned(communication)


def _said(record: MessageRecord) -> Json:
    """To whom, by which way, about which visit, in which words. A personal link stays between us and the patient."""
    patient = reference("Patient", fhir_id(record.patient_id))
    words = [_PERSONAL_LINK.sub(r"\1/…", said) for said in (record.subject, record.text) if said]
    return {
        "subject": patient,
        "recipient": [patient],
        "medium": [concept("", {"system": PARTICIPATION_MODE, "code": MEDIUM[record.channel]})],
        "about": [reference("Appointment", record.about)] if record.about else None,
        "payload": [{"contentString": said} for said in words],
    }


def _id(record: MessageRecord) -> str:
    """Short, because a key is long; of pathway and key, so that two pathways never share one."""
    return hashlib.sha256(f"{record.pathway_id}\n{record.key}".encode()).hexdigest()[:32]


def _why(record: MessageRecord) -> str:
    """Why it was not said, in words."""
    return reason(record.reason or record.status).fr
