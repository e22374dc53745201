"""The people of a referral: the patient, and the practitioner or organisation that refers."""

from __future__ import annotations

import re
from datetime import date
from itertools import chain

from fhir_mappings import ins
from fhir_mappings.bundle import Found
from fhir_mappings.outcome import error, warning
from fhir_mappings.read import Json, day, object_at, objects_at, text_at
from fhir_mappings.reading import Reading
from fhir_mappings.telecom import contact, e164, email, points
from pathway.referral import Identifier, Party, Person

REQUESTERS = ("Practitioner", "PractitionerRole", "Organization")


def person(reading: Reading, found: Found) -> Person | None:
    """The patient, or None with the issues that say what a patient needs: identifier, name, full birth
    date."""
    patient, before = found.resource, len(reading.issues)
    known = ins.identifiers(patient)
    _judge_ins(reading, found, known)
    if not known:
        reading.issues.append(
            error(
                "required",
                "Patient.identifier needs at least one entry with system and value; add the hospital's own.",
                f"{found.path}.identifier",
            )
        )
    family, given = _name(patient)
    if not family:
        reading.issues.append(
            error(
                "required", "Patient.name needs a family name; add Patient.name.family.", f"{found.path}.name"
            )
        )
    born = _birth_date(reading, found)
    if any(text_at(link, "type") == "replaced-by" for link in objects_at(patient, "link")):
        reading.issues.append(
            error(
                "business-rule",
                "Patient.link says that this record was replaced by another; refer the surviving patient.",
                f"{found.path}.link",
            )
        )
    if any(issue.refuses for issue in reading.issues[before:]) or born is None:
        return None
    gender = text_at(patient, "gender")
    return Person(
        identifiers=known,
        family=family,
        given=given,
        birth_date=born,
        gender=gender,
        contact=contact(patient, reading.received, reading.zone),
        deceased=patient.get("deceasedBoolean") is True or bool(patient.get("deceasedDateTime")),
    )


def requester(reading: Reading, request: Found, header: Found | None) -> Party | None:
    """Who refers: ServiceRequest.requester, else who speaks in the MessageHeader; None with an issue for
    nobody."""
    asked = [(request, "requester")]
    if header is not None:
        asked += [(header, element) for element in ("author", "responsible", "sender")]
    for within, element in asked:
        reference = object_at(within.resource, element)
        if reference:
            return _party(reading, within, element, reference)
    reading.issues.append(
        error(
            "required",
            "ServiceRequest.requester is missing; name the practitioner or organisation that refers.",
            f"{request.path}.requester",
        )
    )
    return None


def name_behind(reading: Reading, within: Found, reference: Json) -> str | None:
    """The name of who a reference points to, if it can be told: its display, else the resource's own name."""
    shown = text_at(reference, "display")
    if shown:
        return shown
    pointed = reading.contents.resolve(reference, within, *REQUESTERS)
    if len(pointed) != 1 or not reading.well_formed(pointed[0]):
        return None
    return _display_name(pointed[0].resource)


def identifiers(resource: Json) -> tuple[Identifier, ...]:
    """The identifiers that have both system and value, each once, in the order given."""
    read = (
        Identifier(system, value)
        for each in objects_at(resource, "identifier")
        if (system := text_at(each, "system")) and (value := text_at(each, "value"))
    )
    return tuple(dict.fromkeys(read))


# --- the patient ------------------------------------------------------------------------------------------


def _name(patient: Json) -> tuple[str, str]:
    """Family and given names: the official name, else the usual one, else the first that is in use."""
    names = [each for each in objects_at(patient, "name") if text_at(each, "use") not in _PAST_NAMES]
    names.sort(key=lambda each: {"official": 0, "usual": 1}.get(text_at(each, "use") or "", 2))
    for name in names:
        family = text_at(name, "family")
        if family:
            return family, _given(name)
    for name in names:
        whole = text_at(name, "text")
        if whole:
            return whole, ""
    return "", ""


_PAST_NAMES = ("old", "maiden", "temp", "nickname", "anonymous")


def _given(name: Json) -> str:
    given = name.get("given")
    parts = given if isinstance(given, list) else ()
    return " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())


def _birth_date(reading: Reading, found: Found) -> date | None:
    said = found.resource.get("birthDate")
    born = day(said, reading.zone)
    where = f"{found.path}.birthDate"
    if born is None:
        code = "value" if said else "required"
        remedy = "Patient.birthDate needs the full date, YYYY-MM-DD: the patient's link asks for it; add it."
        reading.issues.append(error(code, remedy, where))
    elif born > reading.received.astimezone(reading.zone).date():
        reading.issues.append(error("value", "Patient.birthDate is in the future; correct it.", where))
    return born


def _judge_ins(reading: Reading, found: Found, known: tuple[Identifier, ...]) -> None:
    """What there is to say of a national identity that is no real one, not qualified, or mistyped."""
    where = f"{found.path}.identifier"
    systems = {text_at(each, "system") for each in objects_at(found.resource, "identifier")}
    if not reading.test_identities and systems & set(ins.NOT_REAL):
        sentence = (
            "Patient.identifier holds a national identity for tests; send the real one, or set"
            " JALON_TEST_IDENTITIES where nobody is a real patient."
        )
        reading.issues.append(error("business-rule", sentence, where))
    if systems & set(ins.REAL) and not ins.is_qualified(found.resource):
        sentence = (
            "Patient.identifier holds an INS on an identity that is not qualified (identityStatus VALI is missing);"
            " it was not kept."
        )
        reading.issues.append(warning("business-rule", sentence, where))
    nirs = (each.value for each in known if each.system in (ins.NIR, *ins.NOT_REAL))
    if not all(map(_nir_key_fits, nirs)):
        sentence = "Patient.identifier holds an INS whose control key does not fit; check the identity."
        reading.issues.append(warning("value", sentence, where))


def _nir_key_fits(nir: str) -> bool:
    """Whether the two last digits are the control key: 97 − (NIR mod 97), Corsica's 2A and 2B counted as 19
    and 18. A value of thirteen characters has no key to check."""
    plain = re.sub(r"\s", "", nir).upper().replace("2A", "19").replace("2B", "18")
    if re.fullmatch(r"\d{13}", plain):
        return True
    return bool(re.fullmatch(r"\d{15}", plain)) and 97 - int(plain[:13]) % 97 == int(plain[13:])


# --- the requester ----------------------------------------------------------------------------------------


def _party(reading: Reading, within: Found, element: str, reference: Json) -> Party | None:
    pointed = reading.contents.resolve(reference, within, *REQUESTERS)
    if not pointed:
        logical = identifiers({"identifier": [reference.get("identifier")]})
        shown = text_at(reference, "display")
        if logical or (shown and not text_at(reference, "reference")):
            return Party(name=shown or logical[0].value, identifiers=logical)
    found = reading.follow(within, element, reference, *REQUESTERS)
    if found is None:
        return None
    behind = [found]
    if found.kind == "PractitionerRole":
        behind += [
            each
            for inner, kind in (("practitioner", "Practitioner"), ("organization", "Organization"))
            for each in reading.contents.resolve(object_at(found.resource, inner), found, kind)[:1]
            if reading.well_formed(each)
        ]
    names = (_display_name(each.resource) for each in behind)
    shown = next((name for name in names if name), None) or text_at(reference, "display")
    if shown is None:
        reading.issues.append(
            error(
                "required",
                f"{found.kind} needs a name to answer to; add {found.kind}.name.",
                f"{found.path}.name",
            )
        )
        return None
    who = behind[1:] or behind
    known = tuple(dict.fromkeys(chain.from_iterable(identifiers(each.resource) for each in who)))
    ways = [point for each in behind for point in points(each.resource, reading.received, reading.zone)]
    said = [(text_at(point, "system"), text_at(point, "value") or "") for point in ways]
    phones = [value for system, value in said if system == "phone" and value]
    mails = [address for system, value in said if system == "email" and (address := email(value))]
    return Party(
        name=shown,
        identifiers=known,
        phone=(e164(phones[0]) or phones[0]) if phones else None,
        email=mails[0] if mails else None,
    )


def _display_name(resource: Json) -> str | None:
    """An organisation's name, or a person's as text or put together: prefix, given names, family name."""
    if isinstance(resource.get("name"), str):
        return text_at(resource, "name")
    for name in objects_at(resource, "name"):
        whole = text_at(name, "text")
        if whole:
            return whole
        prefix = name.get("prefix")
        titles = [each for each in prefix if isinstance(each, str)] if isinstance(prefix, list) else []
        parts = [*titles, _given(name), text_at(name, "family") or ""]
        whole = " ".join(part for part in parts if part)
        if whole:
            return whole
    return None
