"""A hospital's referral, read from the Bundle it comes in: a Referral, or the sentences that say why not.

What only the sender can put right refuses the Bundle, with the element and the remedy. What only a person can
complete (when did it break, does she take anything against clotting) is accepted and listed as missing.
Everything else in the Bundle, claims and immunisations and twenty years of history, is passed over and harms
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from fhir_mappings.body import parse
from fhir_mappings.bundle import Found, contents
from fhir_mappings.codes import PROCEDURE_CODES, PROCEDURE_WORDS
from fhir_mappings.outcome import Issue, error, refused, warning
from fhir_mappings.read import Json, has_code, instant, object_at, objects_at, text_at, words
from fhir_mappings.reading import Reading
from fhir_mappings.referral_facts import facts
from fhir_mappings.referral_fracture import fracture
from fhir_mappings.referral_people import identifiers, person, requester
from pathway.completeness import Missing, missing
from pathway.referral import Identifier, Referral, referral_key

CENTRE_ZONE = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of a Bundle. `referral` is None exactly when one of the `issues` refuses it.

    `issues` may also warn about what was not used; `missing` are the questions for the coordinator.
    """

    referral: Referral | None
    issues: tuple[Issue, ...] = ()
    missing: tuple[Missing, ...] = ()


def read_referral(
    body: bytes, *, received: datetime, zone: tzinfo = CENTRE_ZONE, test_identities: bool = False
) -> Intake:
    """The referral in this transaction or message Bundle, as the bytes it came in.

    `received` is an aware instant: nothing later than it is believed. `zone` is the centre's: a bare date
    means a day there, and an onset is a day there. `test_identities` takes national identities made for
    tests, where nobody is a real patient. Never raises for what is in `body`.
    """
    bundle, issues = parse(body)
    if bundle is None:
        return Intake(None, issues)
    return read_referral_bundle(bundle, received=received, zone=zone, test_identities=test_identities)


def read_referral_bundle(
    bundle: Json, *, received: datetime, zone: tzinfo = CENTRE_ZONE, test_identities: bool = False
) -> Intake:
    """`read_referral` for a Bundle that `fhir_mappings.body.parse` has already made an object of."""
    shape = _shape_issues(bundle)
    if shape:
        return Intake(None, tuple(shape))
    reading = Reading(contents(bundle), received, zone, test_identities)
    referral = _referral(reading, bundle)
    if referral is None or refused(reading.issues):
        return Intake(None, tuple(reading.issues))
    return Intake(referral, tuple(reading.issues), missing(referral))


def is_referral(bundle: Json) -> bool:
    """Whether a transaction asks for a vertebroplasty, and so is a referral, well made or not."""
    return any(
        text_at(each, "resource", "resourceType") == "ServiceRequest"
        and text_at(each, "request", "method") in (None, "POST", "PUT")
        and _asks_for_vertebroplasty(object_at(each, "resource"))
        for each in objects_at(bundle, "entry")
    )


# --- the Bundle -------------------------------------------------------------------------------------------


def _shape_issues(bundle: Json) -> list[Issue]:
    if bundle.get("resourceType") != "Bundle":
        remedy = "A referral is a Bundle; send ServiceRequest, Patient and the rest in one."
        return [error("structure", remedy, "resourceType")]
    if bundle.get("type") not in ("transaction", "message"):
        remedy = "Bundle.type must be transaction or message for a referral; set it to one of them."
        return [error("value", remedy, "Bundle.type")]
    entries = bundle.get("entry")
    if not isinstance(entries, list) or not entries:
        return [error("required", "Bundle.entry is missing or empty; add the resources.", "Bundle.entry")]
    return [
        error(
            "structure",
            "Every Bundle.entry must be an object with its resource as an object; correct this one.",
            f"Bundle.entry[{index}]",
        )
        for index, entry in enumerate(entries)
        if not isinstance(entry, dict) or not isinstance(entry.get("resource", {}), dict)
    ]


def _header(reading: Reading, bundle: Json) -> Found | None:
    """The MessageHeader of a message, which comes first; None with an issue when it does not."""
    entries = reading.contents.entries
    first = entries[0] if entries and entries[0].path.startswith("Bundle.entry[0].") else None
    if first is None or first.kind != "MessageHeader":
        remedy = "A message Bundle begins with its MessageHeader; make it the first entry."
        reading.issues.append(error("required", remedy, "Bundle.entry[0]"))
        return None
    return first if reading.well_formed(first) else None


# --- the request ------------------------------------------------------------------------------------------


def _request(reading: Reading, header: Found | None) -> Found | None:
    """The one active ServiceRequest for vertebroplasty, well-formed; None with the issues otherwise."""
    requests = reading.contents.of("ServiceRequest")
    if header is not None:
        focused = [
            found
            for focus in objects_at(header.resource, "focus")
            for found in reading.contents.resolve(focus, header, "ServiceRequest")
        ]
        requests = focused or requests
    if not requests:
        remedy = "The Bundle has no ServiceRequest; add the one that asks for the vertebroplasty."
        reading.issues.append(error("required", remedy, "Bundle.entry"))
        return None
    candidates = [found for found in requests if _asks_for_vertebroplasty(found.resource)]
    if not candidates:
        for found in requests:
            reading.well_formed(found)
        reading.issues.append(
            error(
                "not-supported",
                "ServiceRequest.code asks for no vertebroplasty; use CCAM LHMH002, 005, 444 or 182.",
                *(f"{found.path}.code" for found in requests),
            )
        )
        return None
    active = [found for found in candidates if text_at(found.resource, "status") == "active"]
    if len(active) > 1:
        reading.issues.append(
            error(
                "multiple-matches",
                "More than one active ServiceRequest asks for a vertebroplasty; send one Bundle for each.",
                *(found.path for found in active),
            )
        )
        return None
    found = (active or candidates)[0]
    if not reading.well_formed(found):
        return None
    if not active:
        reading.issues.append(
            error(
                "business-rule",
                "ServiceRequest.status must be active to start a pathway; send it when it is.",
                f"{found.path}.status",
            )
        )
        return None
    if found.resource.get("doNotPerform") is True:
        remedy = "ServiceRequest.doNotPerform forbids the procedure, so there is nothing to refer; remove it."
        reading.issues.append(error("business-rule", remedy, f"{found.path}.doNotPerform"))
        return None
    return found


def _asks_for_vertebroplasty(request: Json) -> bool:
    concepts = [object_at(request, "code"), *objects_at(request, "orderDetail")]
    return any(
        has_code(concept, *PROCEDURE_CODES) or any(PROCEDURE_WORDS.search(said) for said in words(concept))
        for concept in concepts
    )


# --- the referral -----------------------------------------------------------------------------------------


def _referral(reading: Reading, bundle: Json) -> Referral | None:
    header = None
    if bundle["type"] == "message":
        header = _header(reading, bundle)
        if header is None:
            return None
    request = _request(reading, header)
    if request is None:
        return None
    if not reading.contents.of("Patient"):
        remedy = "The Bundle has no Patient; add the one that ServiceRequest.subject points to."
        reading.issues.append(error("required", remedy, "Bundle.entry"))
        return None
    patient = reading.follow(request, "subject", request.resource.get("subject"), "Patient")
    who = requester(reading, request, header)
    if patient is None:
        return None
    treated = person(reading, patient)
    broken = fracture(reading, request, patient)
    authored = _authored(reading, request)
    known = facts(
        reading,
        request,
        patient,
        requester=who.name if who else "",
        authored=authored,
        onset=broken.onset if broken else None,
    )
    if who is None or treated is None or broken is None:
        return None
    identifier = _own_identifier(request.resource)
    return Referral(
        key=referral_key(identifier, who, treated, broken),
        identifier=identifier,
        requester=who,
        patient=treated,
        fracture=broken,
        facts=known,
        authored=authored,
        priority=text_at(request.resource, "priority") or "routine",
        inpatient=any(fact.key == "inpatient" and fact.value is True for fact in known),
    )


def _authored(reading: Reading, request: Found) -> datetime:
    """When the referral was written (UTC); when it was received, where that is not said or cannot be."""
    said: Any = request.resource.get("authoredOn")
    at = instant(said, reading.zone)
    if at is not None and reading.is_future(at):
        sentence = "ServiceRequest.authoredOn is in the future; the time of reception was used; correct it."
        reading.issues.append(warning("value", sentence, f"{request.path}.authoredOn"))
        at = None
    return at or reading.received


def _own_identifier(request: Json) -> Identifier | None:
    """The identifier the referral is known by: the placer's, else the official one, else the first with a
    system."""

    def rank(each: Json) -> int:
        if has_code(each.get("type"), "PLAC"):
            return 0
        return {"official": 1, "old": 3}.get(text_at(each, "use") or "", 2)

    ordered = sorted(objects_at(request, "identifier"), key=rank)
    return next(iter(identifiers({"identifier": ordered})), None)
