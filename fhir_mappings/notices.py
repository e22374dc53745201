"""Notifications of the R5 Subscriptions Backport in R4: a Bundle of type history that begins with a status.

Shapes as in the published guide (http://hl7.org/fhir/uv/subscriptions-backport, STU 1.1, R4 profiles): the status
is a Parameters resource; numbers are strings. Built here for those we tell, and read here from those who tell us.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from fhir_mappings.read import Json, object_at, objects_at, text_at

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
FILTER = GUIDE + "backport-filter-criteria"
HEARTBEAT = GUIDE + "backport-heartbeat-period"
TIMEOUT = GUIDE + "backport-timeout"
MOST = GUIDE + "backport-max-count"
CONTENT = GUIDE + "backport-payload-content"
_STATUS = GUIDE + "backport-subscription-status-r4"
_NOTIFICATION = GUIDE + "backport-subscription-notification-r4"

Level = Literal["empty", "id-only", "full-resource"]
Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
LEVELS = ("empty", "id-only", "full-resource")


@dataclass(frozen=True, slots=True)
class Standing:
    """A subscription as a status says it: its address (``…/Subscription/1``), status, topic and count of events."""

    url: str
    status: str
    topic: str
    events: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered event: what it speaks of (``…/Task/1``), when it happened, and the resource where it is told."""

    number: int
    at: datetime
    focus: str
    method: str = "PUT"
    resource: Json | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification as we read it: ``events`` counts those since the subscription began (None: not said)."""

    kind: str
    subscription: str
    status: str
    events: int | None
    told: tuple[tuple[int, str], ...]
    """(number, ``Type/id`` or empty) of each event."""


def status(standing: Standing, kind: Kind, events: Sequence[Event] = (), level: Level = "empty") -> Json:
    """The status as a Parameters resource, with its events at this level."""
    said: list[Json] = [{"name": "subscription", "valueReference": {"reference": standing.url}}]
    if standing.topic and level != "empty":
        said.append({"name": "topic", "valueCanonical": standing.topic})
    said += [
        {"name": "status", "valueCode": standing.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(standing.events)},
    ]
    said += [{"name": "notification-event", "part": _parts(event, level)} for event in events]
    if standing.error:
        said.append({"name": "error", "valueCodeableConcept": {"text": standing.error}})
    id_ = uuid5(NAMESPACE_URL, f"{standing.url}|{kind}|{standing.events}|{events[0].number if events else 0}")
    return {
        "resourceType": "Parameters",
        "id": str(id_),
        "meta": {"profile": [_STATUS]},
        "parameter": said,
    }


def _parts(event: Event, level: Level) -> list[Json]:
    parts: list[Json] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": _instant(event.at)},
    ]
    if level != "empty":
        parts.append({"name": "focus", "valueReference": {"reference": event.focus}})
    return parts


def notification(
    standing: Standing, kind: Kind, at: datetime, events: Sequence[Event] = (), level: Level = "empty"
) -> Json:
    """The Bundle that is sent, or given to whoever asks for past events."""
    first = status(standing, kind, events, level)
    entries: list[Json] = [
        {
            "fullUrl": f"urn:uuid:{first['id']}",
            "resource": first,
            "request": {"method": "GET", "url": f"{standing.url}/$status"},
            "response": {"status": "200"},
        }
    ]
    entries += [_entry(event) for event in (events if level == "full-resource" else ())]
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [_NOTIFICATION]},
        "type": "history",
        "timestamp": _instant(at),
        "entry": entries,
    }


def _entry(event: Event) -> Json:
    created = event.method == "POST"
    type_ = event.focus.rsplit("/", 2)[-2]
    entry: Json = {
        "fullUrl": event.focus,
        "request": {
            "method": "POST" if created else "PUT",
            "url": type_ if created else "/".join(event.focus.rsplit("/", 2)[-2:]),
        },
        "response": {"status": "201" if created else "200"},
    }
    if event.resource is not None:
        entry["resource"] = event.resource
    return entry


def read(resource: Json) -> Notice | None:
    """What a notification says; None for what is none. Understands Parameters (R4) and SubscriptionStatus (R4B)."""
    if resource.get("resourceType") != "Bundle":
        return None
    entries = objects_at(resource, "entry")
    said = object_at(entries[0], "resource") if entries else {}
    if said.get("resourceType") == "Parameters":
        return _of_parameters(said)
    if said.get("resourceType") == "SubscriptionStatus":
        told = [
            (_number(each.get("eventNumber")), text_at(each, "focus", "reference") or "")
            for each in objects_at(said, "notificationEvent")
        ]
        return Notice(
            text_at(said, "type") or "",
            text_at(said, "subscription", "reference") or "",
            text_at(said, "status") or "",
            _number(said.get("eventsSinceSubscriptionStart")),
            tuple((number, focus) for number, focus in told if number is not None),
        )
    return None


def _of_parameters(said: Json) -> Notice | None:
    by_name = {text_at(each, "name") or "": each for each in objects_at(said, "parameter")}
    kind = text_at(by_name.get("type"), "valueCode")
    if kind is None:
        return None
    told = []
    for each in objects_at(said, "parameter"):
        if each.get("name") != "notification-event":
            continue
        parts = {text_at(part, "name") or "": part for part in objects_at(each, "part")}
        number = _value(parts.get("event-number"))
        if number is not None:
            told.append((number, text_at(parts.get("focus"), "valueReference", "reference") or ""))
    return Notice(
        kind,
        text_at(by_name.get("subscription"), "valueReference", "reference") or "",
        text_at(by_name.get("status"), "valueCode") or "",
        _value(by_name.get("events-since-subscription-start")),
        tuple(told),
    )


def _value(parameter: Json | None) -> int | None:
    """The number in a parameter, as a string or in whichever type a server chose."""
    values = [value for name, value in (parameter or {}).items() if name.startswith("value")]
    return _number(values[0]) if values else None


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
