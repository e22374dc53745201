"""Telephone numbers and addresses as people write them, brought to the form a gateway can use, or left alone.

French national numbers become E.164; overseas numbers get their own country code (a Réunion mobile dialled
`0692…` is `+262692…`, not `+33…`). What cannot be understood is kept as given and never texted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from fhir_mappings.read import Json, first_instant, object_at, objects_at, text_at
from pathway.referral import Contact

_OVERSEAS: Mapping[str, str] = {
    "0590": "+590",
    "0690": "+590",
    "0691": "+590",
    "0594": "+594",
    "0694": "+594",
    "0596": "+596",
    "0696": "+596",
    "0697": "+596",
    "0262": "+262",
    "0263": "+262",
    "0269": "+262",
    "0639": "+262",
    "0692": "+262",
    "0693": "+262",
}
"""First four digits of a national number -> country code: Guadeloupe, Guyane, Martinique, Réunion and
Mayotte."""

_FICTION = "063998"
"""Kept by Arcep for films and books, and so for our demo patients, in the middle of Mayotte's 0639."""

_FRENCH_MOBILE = re.compile(r"\+33[67]\d{8}|\+590(?:690|691)\d{6}|\+594694\d{6}|\+596(?:696|697)\d{6}")
_INDIAN_OCEAN_MOBILE = re.compile(r"\+262(?:639|692|693)\d{6}")
_FRENCH = re.compile(r"\+(?:33|590|594|596|262)\d{9}")
_E164 = re.compile(r"\+[1-9]\d{7,14}")
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;.]+(?:\.[^@\s<>,;.]+)+")


def e164(number: str) -> str | None:
    """The number in E.164 (`+33612345678`), or None when it cannot be understood without guessing.

    Understood: international numbers with + or 00, and French national numbers of ten digits, with any
    spaces, dots, dashes or a `(0)` in them.
    """
    digits = re.sub(r"\(0\)", "", number.strip().removeprefix("tel:"))
    digits = re.sub(r"[\s.\-()/\u00a0\u202f]", "", digits)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if re.fullmatch(r"0[1-9]\d{8}", digits):
        country = "+33" if digits.startswith(_FICTION) else _OVERSEAS.get(digits[:4], "+33")
        digits = country + digits[1:]
    elif re.fullmatch(r"\+330[1-9]\d{8}", digits):
        digits = "+33" + digits[4:]
    if digits.startswith(("+33", "+590", "+594", "+596", "+262")):
        return digits if _FRENCH.fullmatch(digits) else None
    return digits if _E164.fullmatch(digits) else None


def is_french_mobile(number: str) -> bool:
    """Whether this E.164 number is a mobile of metropolitan or overseas France, by its numbering plan."""
    return bool(_FRENCH_MOBILE.fullmatch(number) or _INDIAN_OCEAN_MOBILE.fullmatch(number))


def email(address: str) -> str | None:
    """The address if it looks like one, without `mailto:`."""
    plain = address.strip().removeprefix("mailto:")
    return plain if _EMAIL.fullmatch(plain) else None


def in_use(point: Json, now: datetime, zone: tzinfo) -> bool:
    """Whether a ContactPoint is not marked old and its period has not ended."""
    end = first_instant(zone, object_at(point, "period").get("end"))
    return text_at(point, "use") != "old" and (end is None or end > now)


def points(resource: Json, now: datetime, zone: tzinfo) -> list[Json]:
    """The ContactPoints in use, best first: by rank, and a number at work after the others."""
    usable = [each for each in objects_at(resource, "telecom") if in_use(each, now, zone)]

    def order(point: Json) -> tuple[int, bool]:
        rank = point.get("rank")
        return (rank if isinstance(rank, int) else 99, text_at(point, "use") == "work")

    return sorted(usable, key=order)


def contact(patient: Json, now: datetime, zone: tzinfo) -> Contact:
    """How to reach this patient, read from Patient.telecom and Patient.communication."""
    mobile = landline = address = None
    for point in points(patient, now, zone):
        value = text_at(point, "value")
        system = text_at(point, "system")
        if value is None:
            continue
        if system == "email":
            address = address or email(value)
        elif system in ("phone", "sms"):
            number = e164(value)
            said_mobile = system == "sms" or text_at(point, "use") == "mobile"
            textable = number and (
                is_french_mobile(number) or (said_mobile and not _FRENCH.fullmatch(number))
            )
            if textable:
                mobile = mobile or number
            else:
                landline = landline or number or value
    return Contact(language=_language(patient), mobile=mobile, landline=landline, email=address)


def _language(patient: Json) -> str:
    """The language preferred, else the first given, else French; `en-US` is `en`."""
    spoken = objects_at(patient, "communication")
    preferred = [each for each in spoken if each.get("preferred") is True] or spoken
    for each in preferred:
        for coding in objects_at(each, "language", "coding"):
            code = (text_at(coding, "code") or "").partition("-")[0].lower()
            if re.fullmatch(r"[a-z]{2,3}", code):
                return code
    return "fr"
