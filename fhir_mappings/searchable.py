"""What each resource type is found by, and where in a resource that stands: one table for whoever keeps or asks.

``index`` reads a resource once, when it is kept; a search then looks at rows and never into JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal, cast

from fhir_mappings.read import Json, text_at

Kind = Literal["token", "reference", "date", "uri"]

VERSION = 2
"""Counts the changes of the table below: what was indexed by an older one is indexed again at the next start."""

_R4 = "http://hl7.org/fhir/SearchParameter/"
ENDLESS = datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)
"""What a period without an end or a beginning is kept with."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: its kind, where its values stand, and its definition (None: it is ours, see the site).

    ``paths`` are element names joined by dots; a list on the way is gone through. ``targets`` are the types a
    reference may be to: the ones meant where a bare id is asked for; none said: any. ``uri`` is a whole URI, or a
    canonical with its version. ``declared`` is the kind that R4 gives it, where that is another.
    """

    name: str
    kind: Kind
    paths: tuple[str, ...]
    definition: str | None
    targets: tuple[str, ...] = ()
    declared: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """``tokens`` as (parameter, system, value), ``spans`` as (parameter, start, end) in UTC; no doubles."""

    tokens: tuple[tuple[str, str, str], ...] = ()
    spans: tuple[tuple[str, datetime, datetime], ...] = ()


def _token(name: str, *paths: str, of: str) -> Parameter:
    return Parameter(name, "token", paths or (name,), f"{_R4}{of}-{name}")


def _date(name: str, *paths: str, of: str) -> Parameter:
    return Parameter(name, "date", paths or (name,), f"{_R4}{of}-{name}")


def _reference(name: str, *paths: str, of: str, to: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name, "reference", paths or (name,), f"{_R4}{of}-{name}", to)


def _identifier(of: str) -> Parameter:
    return _token("identifier", of=of)


def _patient(of: str, path: str = "subject") -> Parameter:
    return _reference("patient", path, of=of, to=("Patient",))


def _subject(of: str) -> Parameter:
    return _reference("subject", of=of, to=("Patient", "Group", "Device", "Location"))


_CODE = _token("code", of="clinical")
_STATUS = "status"
_DOERS = (
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "CareTeam",
    "HealthcareService",
    "Patient",
    "Device",
)

DUE = Parameter("due", "date", ("restriction.period.end",), None)
NOT_BEFORE = Parameter("not-before", "date", ("restriction.period.start",), None)
_DUE_VISIT = Parameter("due", "date", ("start",), None)
_DUE_MESSAGE = Parameter("due", "date", ("occurrenceDateTime",), None)

PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "Patient": (
        _identifier("Patient"),
        Parameter("birthdate", "date", ("birthDate",), _R4 + "individual-birthdate"),
        _reference("link", "link.other", of="Patient", to=("Patient", "RelatedPerson")),
    ),
    "Condition": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("Condition"),
        _CODE,
        _token("clinical-status", "clinicalStatus", of="Condition"),
    ),
    "ServiceRequest": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("ServiceRequest"),
        _token(_STATUS, of="ServiceRequest"),
        _token("intent", of="ServiceRequest"),
        _CODE,
        Parameter("authored", "date", ("authoredOn",), _R4 + "ServiceRequest-authored"),
        _token("requisition", of="ServiceRequest"),
    ),
    "CarePlan": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("CarePlan"),
        _token(_STATUS, of="CarePlan"),
        _token("intent", of="CarePlan"),
        Parameter(
            "activity-reference", "reference", ("activity.reference",), _R4 + "CarePlan-activity-reference"
        ),
        Parameter("date", "date", ("period",), _R4 + "clinical-date"),
        Parameter(
            "instantiates-canonical",
            "uri",
            ("instantiatesCanonical",),
            _R4 + "CarePlan-instantiates-canonical",
            declared="reference",
        ),
    ),
    "Task": (
        _identifier("Task"),
        Parameter("patient", "reference", ("for",), _R4 + "Task-patient", ("Patient",)),
        Parameter("subject", "reference", ("for",), _R4 + "Task-subject", ("Patient",)),
        _token(_STATUS, of="Task"),
        DUE,
        NOT_BEFORE,
        _token("code", of="Task"),
        _token("business-status", "businessStatus", of="Task"),
        _token("group-identifier", "groupIdentifier", of="Task"),
        _token("intent", of="Task"),
        _token("priority", of="Task"),
        _token("performer", "performerType", of="Task"),
        _reference("owner", of="Task", to=_DOERS),
        _reference("focus", of="Task"),
        _reference("based-on", "basedOn", of="Task"),
        _reference("part-of", "partOf", of="Task", to=("Task",)),
        _date("authored-on", "authoredOn", of="Task"),
        _date("modified", "lastModified", of="Task"),
        _date("period", "executionPeriod", of="Task"),
    ),
    "Appointment": (
        _identifier("Appointment"),
        _reference("patient", "participant.actor", of="Appointment", to=("Patient",)),
        _reference("actor", "participant.actor", of="Appointment"),
        _token(_STATUS, of="Appointment"),
        _DUE_VISIT,
        _date("date", "start", of="Appointment"),
        _reference("slot", of="Appointment", to=("Slot",)),
        _reference("based-on", "basedOn", of="Appointment", to=("ServiceRequest",)),
        _token("part-status", "participant.status", of="Appointment"),
    ),
    "AppointmentResponse": (
        _identifier("AppointmentResponse"),
        _reference("appointment", of="AppointmentResponse", to=("Appointment",)),
        _reference("actor", of="AppointmentResponse"),
        _token("part-status", "participantStatus", of="AppointmentResponse"),
    ),
    "CommunicationRequest": (
        _identifier("CommunicationRequest"),
        _patient("CommunicationRequest"),
        _subject("CommunicationRequest"),
        _token(_STATUS, of="CommunicationRequest"),
        _DUE_MESSAGE,
        _date("authored", "authoredOn", of="CommunicationRequest"),
    ),
    "Communication": (
        _identifier("Communication"),
        _patient("Communication"),
        _subject("Communication"),
        _token(_STATUS, of="Communication"),
        _reference("based-on", "basedOn", of="Communication"),
        _date("sent", of="Communication"),
    ),
    "Slot": (
        _identifier("Slot"),
        _reference("schedule", of="Slot", to=("Schedule",)),
        _token(_STATUS, of="Slot"),
        _date("start", of="Slot"),
        Parameter("service-type", "token", ("serviceType",), _R4 + "Slot-service-type"),
        Parameter("appointment-type", "token", ("appointmentType",), _R4 + "Slot-appointment-type"),
    ),
    "Schedule": (
        _identifier("Schedule"),
        _reference("actor", of="Schedule"),
        _token("active", of="Schedule"),
        Parameter("date", "date", ("planningHorizon",), _R4 + "Schedule-date"),
        Parameter("service-type", "token", ("serviceType",), _R4 + "Schedule-service-type"),
    ),
    "Observation": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("Observation"),
        _token(_STATUS, of="Observation"),
        _CODE,
        _token("category", of="Observation"),
        Parameter(
            "date",
            "date",
            ("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
            _R4 + "clinical-date",
        ),
    ),
    "DiagnosticReport": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("DiagnosticReport"),
        _token(_STATUS, of="DiagnosticReport"),
        _CODE,
        _token("category", of="DiagnosticReport"),
        _reference("based-on", "basedOn", of="DiagnosticReport", to=("ServiceRequest", "CarePlan")),
        Parameter("date", "date", ("effectiveDateTime", "effectivePeriod"), _R4 + "clinical-date"),
    ),
    "Procedure": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("Procedure"),
        _token(_STATUS, of="Procedure"),
        _CODE,
        _reference("based-on", "basedOn", of="Procedure", to=("ServiceRequest", "CarePlan")),
        Parameter("date", "date", ("performedDateTime", "performedPeriod"), _R4 + "clinical-date"),
    ),
    "Encounter": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("Encounter"),
        _token(_STATUS, of="Encounter"),
        _token("class", of="Encounter"),
        _reference("appointment", of="Encounter", to=("Appointment",)),
        Parameter("date", "date", ("period",), _R4 + "clinical-date"),
    ),
    "MedicationStatement": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("MedicationStatement"),
        Parameter("status", "token", ("status",), _R4 + "medications-status"),
        Parameter("code", "token", ("medicationCodeableConcept",), _R4 + "clinical-code"),
    ),
    "MedicationRequest": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("MedicationRequest"),
        Parameter("status", "token", ("status",), _R4 + "medications-status"),
        _token("intent", of="MedicationRequest"),
        Parameter("code", "token", ("medicationCodeableConcept",), _R4 + "clinical-code"),
    ),
    "QuestionnaireResponse": (
        _identifier("QuestionnaireResponse"),
        _patient("QuestionnaireResponse"),
        _subject("QuestionnaireResponse"),
        _token(_STATUS, of="QuestionnaireResponse"),
        _date("authored", of="QuestionnaireResponse"),
    ),
    "Practitioner": (_identifier("Practitioner"), _token("active", of="Practitioner")),
    "PractitionerRole": (
        _identifier("PractitionerRole"),
        _token("active", of="PractitionerRole"),
        _reference("practitioner", of="PractitionerRole", to=("Practitioner",)),
        _reference("organization", of="PractitionerRole", to=("Organization",)),
    ),
    "Organization": (_identifier("Organization"), _token("active", of="Organization")),
    "CareTeam": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("CareTeam"),
        _token(_STATUS, of="CareTeam"),
    ),
    "AdverseEvent": (
        _reference("subject", of="AdverseEvent", to=("Patient",)),
        _date("date", of="AdverseEvent"),
        _token("actuality", of="AdverseEvent"),
    ),
    "Flag": (_identifier("Flag"), _patient("clinical"), _subject("Flag")),
    "Provenance": (
        _reference("target", of="Provenance"),
        _reference("patient", "target", of="Provenance", to=("Patient",)),
        _reference("agent", "agent.who", of="Provenance"),
        _date("recorded", of="Provenance"),
        Parameter("when", "date", ("occurredDateTime", "occurredPeriod"), _R4 + "Provenance-when"),
    ),
    "RequestGroup": (
        _identifier("RequestGroup"),
        _patient("RequestGroup"),
        _subject("RequestGroup"),
        _token(_STATUS, of="RequestGroup"),
    ),
    "Subscription": (
        _token(_STATUS, of="Subscription"),
        Parameter("type", "token", ("channel.type",), _R4 + "Subscription-type"),
    ),
    "PlanDefinition": (
        _identifier("PlanDefinition"),
        _token(_STATUS, of="PlanDefinition"),
        _token("version", of="PlanDefinition"),
        Parameter("url", "uri", ("url",), _R4 + "PlanDefinition-url"),
    ),
    "ActivityDefinition": (
        _identifier("ActivityDefinition"),
        _token(_STATUS, of="ActivityDefinition"),
        _token("version", of="ActivityDefinition"),
        Parameter("url", "uri", ("url",), _R4 + "ActivityDefinition-url"),
    ),
}
"""By type. What every type is found by beside these (``_id``, ``_lastUpdated``) is the keeper's to add."""


def index(resource: Json, *, base: str = "", zone: tzinfo = UTC) -> Index:
    """What a resource is found by. ``base`` is our own address, which its references may begin with.

    Whatever is not of the kind that R4 gives the element is passed over; a date without a zone is one of ``zone``.
    """
    tokens: dict[tuple[str, str, str], None] = {}
    spans: dict[tuple[str, datetime, datetime], None] = {}
    for parameter in PARAMETERS.get(resource.get("resourceType", ""), ()):
        for path in parameter.paths:
            for value in values_at(resource, path):
                if parameter.kind == "date":
                    if (span := _span(value, zone)) is not None:
                        spans[parameter.name, *span] = None
                elif parameter.kind == "reference":
                    for name, system, said in _referred(parameter, value, base):
                        tokens[name, system, said] = None
                elif parameter.kind == "uri":
                    for said in _uris(value):
                        tokens[parameter.name, "", said] = None
                else:
                    for system, said in _codes(value):
                        tokens[parameter.name, system, said] = None
    return Index(tuple(tokens), tuple(spans))


def values_at(value: Any, path: str) -> Iterator[Any]:
    """Every value found by following element names joined by dots."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        for each in value:
            yield from values_at(each, path)
    elif isinstance(value, dict) and name in value:
        found = value[name]
        if rest:
            yield from values_at(found, rest)
        elif isinstance(found, list):
            yield from found
        else:
            yield found


def _uris(value: Any) -> Iterator[str]:
    """A URI; of a canonical with a version also the one without, which any version answers to."""
    if isinstance(value, str):
        yield value
        if "|" in value:
            yield value.partition("|")[0]


def _codes(value: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of a code, a boolean, a Coding, a CodeableConcept, an Identifier or a canonical."""
    if isinstance(value, bool):
        yield "", "true" if value else "false"
    elif isinstance(value, str):
        yield "", value
    elif isinstance(value, dict):
        if "coding" in value:
            for each in values_at(value, "coding"):
                yield from _codes(each)
        elif code := text_at(value, "code") or text_at(value, "value"):
            yield text_at(value, "system") or "", code


_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")


def place(reference: str, base: str = "") -> tuple[str, str]:
    """A literal reference as (type, id) where it is to something here, else as ('', the whole of it)."""
    local = reference.removeprefix(f"{base}/") if base else reference
    match = _LOCAL.fullmatch(local)
    return (match[1], match[2]) if match else ("", reference)


def _referred(parameter: Parameter, value: Any, base: str) -> Iterator[tuple[str, str, str]]:
    if literal := text_at(value, "reference"):
        type_, id_ = place(literal, base)
        # ``patient`` means a Patient only, whoever else stands in the same element.
        if not type_ or parameter.name != "patient" or type_ == "Patient":
            yield parameter.name, type_, id_
    elif isinstance(value, dict):
        for system, said in _codes(value.get("identifier")):
            yield f"{parameter.name}:identifier", system, said
    elif isinstance(value, str):
        yield parameter.name, *place(value, base)


# --- dates ------------------------------------------------------------------------------------------------

_SAID = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6})\d*)?)?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2})?)?)?)?"
)


def _span(value: Any, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The time (UTC) that a date, dateTime, instant or Period covers; None for anything else."""
    if isinstance(value, str):
        return covered(value, zone)
    if not isinstance(value, dict):
        return None
    start, end = (covered(text_at(value, name) or "", zone) for name in ("start", "end"))
    if start is None and end is None:
        return None
    return start[0] if start else LONG_AGO, end[1] if end else ENDLESS


def covered(said: str, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The span (UTC, its end not in it) of a date or dateTime of any precision; None when it is no such date.

    Without an offset it is one in ``zone``. Years are 1900 to 2199: others are placeholders, and overflow.
    """
    match = _SAID.fullmatch(said)
    if match is None:
        return None
    try:
        start, end = _covered(match, zone)
    except (ValueError, OverflowError):
        return None
    return start.astimezone(UTC), end.astimezone(UTC)


def _covered(match: re.Match[str], zone: tzinfo) -> tuple[datetime, datetime]:
    year, month, day = (int(match[name] or 1) for name in ("year", "month", "day"))
    if not 1900 <= year < 2200:
        raise ValueError(year)
    if match["hour"] is None:
        start = datetime(year, month, day, tzinfo=zone)
        if match["day"]:
            following = datetime(year, month, day) + timedelta(days=1)  # noqa: DTZ001 - a wall date, zoned below
            return start, following.replace(tzinfo=zone)
        if match["month"]:
            return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        return start, datetime(year + 1, 1, 1, tzinfo=zone)
    fraction = match["fraction"] or ""
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    micro = int(fraction.ljust(6, "0")) if fraction else 0
    start = datetime(year, month, day, hour, minute, second, micro, tzinfo=_offset(match["zone"], zone))
    return start.astimezone(UTC), start.astimezone(UTC) + _precision(match["second"], fraction)


def _precision(second: str | None, fraction: str) -> timedelta:
    if second is None:
        return timedelta(minutes=1)
    return timedelta(seconds=1) if not fraction else timedelta(microseconds=10 ** (6 - len(fraction)))


def _offset(said: str | None, zone: tzinfo) -> tzinfo:
    return zone if said is None else cast(tzinfo, datetime.strptime(said, "%z").tzinfo)
