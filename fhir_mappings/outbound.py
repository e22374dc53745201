"""What we say, as a transaction for a hospital's server, and what its answer means for each resource.

Every resource is a conditional update by our identifier, so sending late, twice or together is harmless. The
hospital names things its own way: our ids stay here, references are rewritten. Patient is the exception: the
hospital's own is found by any identifier before one is made, and is never updated by us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from fhir_mappings.merging import with_additions
from fhir_mappings.read import Json, object_at, objects_at, text_at

DEPENDENCE = (
    "Patient",
    "Condition",
    "ServiceRequest",
    "Appointment",
    "Observation",
    "Flag",
    "Task",
    "CarePlan",
    "CommunicationRequest",
    "Communication",
)
"""What we send, each type before those that refer to it."""

_NAMESPACE = UUID("3d9e1a54-7f1b-5c0e-8f2a-0b1f6f8f6b77")
_OURS = re.compile(rf"(?:{'|'.join(DEPENDENCE)})/[A-Za-z0-9\-.]{{1,64}}")
_PLACE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?")


@dataclass(frozen=True, slots=True)
class Known:
    """What the hospital calls a resource of ours (``Task/123``), and its version there (``W/"3"``) if it said.

    ``added`` is what its people added to it (``fhir_mappings.merging``). ``created``: it was not there before.
    """

    remote: str
    etag: str | None = None
    added: Json | None = None
    created: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """A resource that was not taken: HTTP status, a sentence without patient data, and the OperationOutcome."""

    status: int
    text: str
    outcome: Json | None = None


def local_ref(resource: Json) -> str:
    """How a resource is named among ours: ``Task/…``."""
    return f"{resource['resourceType']}/{resource['id']}"


def to_send(resources: Sequence[Json], known: Mapping[str, Known]) -> list[Json]:
    """Those of the resources that a transaction carries, in its order: a Patient the hospital has is not sent."""
    wanted = [each for each in resources if each["resourceType"] != "Patient" or local_ref(each) not in known]
    return sorted(wanted, key=lambda each: DEPENDENCE.index(each["resourceType"]))


def transaction(
    resources: Sequence[Json], known: Mapping[str, Known], left_out: Mapping[str, Json] | None = None
) -> Json:
    """A transaction Bundle that says these resources to a hospital that has the ``known`` ones.

    ``left_out`` are the resources, by our name, of types that it does not want: what refers to them says so by our
    identifier, so that nothing points to what is not there.

    Raises ValueError for a reference to a resource of ours that is neither sent along nor known: hold the
    resource back (``dependants``) until what it refers to has been taken.
    """
    sending = to_send(resources, known)
    urls = {local_ref(each): _urn(local_ref(each)) for each in sending}
    places: dict[str, str | Json] = {ref: _logical(each) for ref, each in (left_out or {}).items()}
    places |= {ref: one.remote for ref, one in known.items()} | urls
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            _entry(each, urls[local_ref(each)], places, known.get(local_ref(each))) for each in sending
        ],
    }


def references(resource: Any) -> Iterator[str]:
    """Every reference in it to a resource of the types we send, as ``Type/id``."""
    if isinstance(resource, list):
        for each in resource:
            yield from references(each)
    elif isinstance(resource, dict):
        for name, value in resource.items():
            if name != "reference" or not isinstance(value, str):
                yield from references(value)
            elif _OURS.fullmatch(value):
                yield value


def dependants(ref: str, resources: Sequence[Json]) -> set[str]:
    """The resources that cannot be said without ``ref``: those that refer to it, and those that refer to them."""
    pointing = {local_ref(each): set(references(each)) for each in resources}
    found: set[str] = set()
    left = {ref}
    while left:
        left = {name for name, targets in pointing.items() if targets & left} - found - {ref}
        found |= left
    return found


def read_response(
    answer: Json, resources: Sequence[Json], known: Mapping[str, Known]
) -> dict[str, Known | Failure]:
    """What became of each resource sent, by our name for it; ``resources`` and ``known`` as for ``transaction``.

    For the answer to a transaction or a batch, whose entries come in the order of ours. An entry that is
    missing, or says success without saying where, is a Failure: nothing may refer to it yet.
    """
    sent = to_send(resources, known)
    entries = objects_at(answer, "entry")
    return {
        local_ref(each): _result(entries[index] if index < len(entries) else {})
        for index, each in enumerate(sent)
    }


def as_theirs(resource: Json, known: Mapping[str, Known]) -> Json:
    """A resource of ours in the hospital's names, as far as it knows them: to be compared with its copy."""
    places = {ref: one.remote for ref, one in known.items()}
    renamed: Json = _rewritten(resource, places, strict=False)
    return renamed


def patient_names(patient: Json) -> str:
    """Every identifier of a patient, as the value of the search parameter ``identifier``."""
    return ",".join(_token(each) for each in objects_at(patient, "identifier"))


def the_one(patients: Sequence[Json]) -> str | None:
    """Which of several records of one patient to speak of, always the same: the oldest in use. ``Patient/…``."""
    used = [each for each in patients if each.get("active") is not False] or list(patients)
    first = min(used, key=lambda each: (text_at(each, "meta", "lastUpdated") or "", each["id"]), default=None)
    return local_ref(first) if first is not None else None


def as_ours(resource: Json, ref: str, known: Mapping[str, Known]) -> Json:
    """A resource read from the hospital in our names: our id, and references to ours by our ids.

    So that what the hospital holds can be compared with what we say, element by element.
    """
    ours = {one.remote: name for name, one in known.items()}
    renamed: Json = _rewritten(resource, ours, strict=False)
    return {**renamed, "id": ref.partition("/")[2]}


def what_they_changed(ours: Json, told: Json, theirs: Json) -> Json:
    """``ours`` as it stands now, with what the hospital changed in what it had been told.

    Both sides may have moved on since ``told``: only the elements that differ between ``told`` and ``theirs`` are
    theirs, so that what we have decided meanwhile does not look like something they took back.
    """
    kept = ("resourceType", "id", "meta", "identifier", "lastModified")
    changed = {
        name
        for name in told.keys() | theirs.keys()
        if name not in kept and told.get(name) != theirs.get(name)
    }
    said = {name: value for name, value in ours.items() if name not in changed}
    return said | {name: theirs[name] for name in changed if name in theirs}


# --- one entry --------------------------------------------------------------------------------------------


def _entry(resource: Json, url: str, places: Mapping[str, str | Json], known: Known | None) -> Json:
    kind = resource["resourceType"]
    body: Json = _rewritten(
        {key: value for key, value in resource.items() if key != "id"}, places, strict=True
    )
    if kind == "Patient":
        names = quote(patient_names(resource), safe=":/,")
        request = {"method": "POST", "url": kind, "ifNoneExist": f"identifier={names}"}
    else:
        name = _token(resource["identifier"][0])
        request = {"method": "PUT", "url": f"{kind}?identifier={quote(name, safe=':/')}"}
        if known is not None:
            body = with_additions(body, known.added)
            if known.etag is not None:
                request["ifMatch"] = known.etag
    return {"fullUrl": url, "resource": body, "request": request}


def _token(identifier: Json) -> str:
    """``system|value`` for a search, with the characters that mean something in a search escaped."""
    parts = (re.sub(r"([\\,|$])", r"\\\1", identifier.get(name, "")) for name in ("system", "value"))
    return "|".join(parts)


def _urn(ref: str) -> str:
    return f"urn:uuid:{uuid5(_NAMESPACE, ref)}"


def _logical(resource: Json) -> Json:
    """How a resource that the hospital does not want is referred to: by what we call it."""
    named: Json = {"type": resource["resourceType"]}
    identifiers = objects_at(resource, "identifier")
    return named | ({"identifier": identifiers[0]} if identifiers else {"display": resource["resourceType"]})


def _rewritten(value: Any, places: Mapping[str, str | Json], *, strict: bool) -> Any:
    if isinstance(value, list):
        return [_rewritten(each, places, strict=strict) for each in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for name, each in value.items():
        if name == "reference" and isinstance(each, str):
            if strict and _OURS.fullmatch(each) and each not in places:
                raise ValueError(
                    f"{each} is referred to and is neither sent along nor known to the hospital; "
                    "hold back what refers to it until it is."
                )
            place = places.get(each, each)
            if isinstance(place, str):
                made[name] = place
            else:
                made |= {key: one for key, one in place.items() if key != "display" or key not in value}
        else:
            made[name] = _rewritten(each, places, strict=strict)
    return made


# --- one answer -------------------------------------------------------------------------------------------


def _result(entry: Json) -> Known | Failure:
    response = object_at(entry, "response")
    outcome = object_at(response, "outcome") or None
    status = int(match[0]) if (match := re.match(r"\d{3}", text_at(response, "status") or "")) else 0
    if not 200 <= status < 300:
        issues = objects_at(outcome, "issue")
        return Failure(status, _said(status, issues[0] if issues else {}), outcome)
    place = _PLACE.fullmatch(text_at(response, "location") or "")
    resource = object_at(entry, "resource")
    version = text_at(resource, "meta", "versionId") or (place[2] if place else None)
    if place:
        remote = place[1]
    elif text_at(resource, "id"):
        remote = local_ref(resource)
    else:
        return Failure(status, f"The server answered {status} without saying where it put it.", outcome)
    etag = text_at(response, "etag") or (f'W/"{version}"' if version else None)
    return Known(remote, etag, created=status == 201)


def _said(status: int, issue: Json) -> str:
    """Status, code and place only: diagnostics like to quote the patient and stay in the outcome."""
    where = [str(each) for each in issue.get("expression") or []][:1]
    parts = [f"The server answered {status or 'nothing'}", *filter(None, [text_at(issue, "code")]), *where]
    return ", ".join(parts) + "."
