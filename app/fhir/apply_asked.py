"""What ``$apply`` is asked with: the parameters of a URL or of a Parameters resource, each of them known or refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.fhir.errors import FhirError, refuse
from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json, object_at, objects_at, text_at

_REFERENCES = {"subject": "Patient", "condition": "Condition", "request": "ServiceRequest"}
_TEXTS = ("url", "planDefinition", "start-key")
_KNOWN = (*_REFERENCES, *_TEXTS, "data")
_OF_R4 = (
    "encounter",
    "practitioner",
    "organization",
    "userType",
    "userLanguage",
    "userTaskContext",
    "setting",
    "settingContext",
)
"""Parameters of R4's ``$apply`` that mean nothing here: who does what, and where, is the centre's rota and protocol."""

_QUIET = ("_format", "_pretty")
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?")
_IDENTIFIER = re.compile(r"[^|]+\|.+")


@dataclass(frozen=True, slots=True)
class Meant:
    """A resource that is meant: given in full (``resource``), or referred to. ``where`` is its place in the request."""

    where: str
    reference: Json
    resource: Json | None = None


@dataclass(frozen=True, slots=True)
class Applying:
    """What an application asks for. ``data`` are resources beside, as (place, fullUrl, resource)."""

    subject: Meant
    condition: Meant | None = None
    request: Meant | None = None
    url: str | None = None
    plan: str | None = None
    key: str | None = None
    data: tuple[tuple[str, str | None, Json], ...] = ()

    def exactly(self, id_: str, canonical: str) -> bool:
        """Whether this version is named, and not just its protocol."""
        named = (self.url or "", self.plan or "")
        return canonical in named or any(one.rpartition("/")[2] == id_ for one in named)


def from_query(pairs: Iterable[tuple[str, str]]) -> Applying:
    """The parameters of a GET. 400 for those that are unknown, twice, or only for a start."""
    # An unknown name is not repeated as a place: anything may be typed there.
    said = [
        (name, name if name in (*_KNOWN, *_OF_R4) else "parameter", {"valueString": value})
        for name, value in pairs
        if name not in _QUIET
    ]
    for name, where, _ in said:
        if name in ("start-key", "data"):
            sentence = f"GET only shows what would begin, and takes no {name}; POST to begin."
            raise refuse(400, sentence, where, code="not-supported")
    return _read(said)


def from_parameters(body: Json) -> Applying:
    """The parameters of a POST, in a Parameters resource. 400 for those that are unknown or twice."""
    return _read(list(_named(body)))


def _named(body: Json) -> Iterator[tuple[str, str, Json]]:
    for index, each in enumerate(objects_at(body, "parameter")):
        yield text_at(each, "name") or "", f"Parameters.parameter[{index}]", each


def _read(said: list[tuple[str, str, Json]]) -> Applying:
    problems = list(_problems(said))
    if problems:
        raise FhirError(400, *problems)
    given = {name: (where, value) for name, where, value in said}
    if "subject" not in given:
        sentence = "subject is missing; name the patient, as Patient/id or system|value."
        raise refuse(400, sentence, "subject", code="required")
    references = {name: _meant(kind, *given[name]) for name, kind in _REFERENCES.items() if name in given}
    texts = {name: _text(name, *given[name]) for name in _TEXTS if name in given}
    key = texts.get("start-key")
    if key is not None and not _KEY.fullmatch(key):
        sentence = "start-key must be 1 to 200 printable ASCII characters; choose another."
        raise refuse(400, sentence, given["start-key"][0], code="value")
    return Applying(
        subject=references["subject"],
        condition=references.get("condition"),
        request=references.get("request"),
        url=texts.get("url"),
        plan=texts.get("planDefinition"),
        key=key,
        data=_data(*given["data"]) if "data" in given else (),
    )


def _problems(said: list[tuple[str, str, Json]]) -> Iterator[Issue]:
    seen = set()
    for name, where, _ in said:
        if name in _OF_R4:
            sentence = f"The parameter {name} is not supported: the centre's protocol says who does what; leave it out."
            yield error("not-supported", sentence, where)
        elif name not in _KNOWN:
            shown = name if re.fullmatch(r"[A-Za-z_\-]{1,40}", name) else "(unreadable)"
            sentence = f"The parameter {shown} is not known here; known: {', '.join(_KNOWN)}."
            yield error("not-supported", sentence, where)
        elif name in seen:
            yield error("value", f"The parameter {name} is given twice; apply to one at a time.", where)
        seen.add(name)


def _meant(kind: str, where: str, said: Json) -> Meant:
    """A resource in the parameter, a Reference, or a text: ``Kind/id``, our address of it, or ``system|value``."""
    name = text_at(said, "name") or where
    resource = object_at(said, "resource")
    if resource:
        if resource.get("resourceType") != kind:
            raise refuse(400, f"{name} must be a {kind}; correct it.", f"{where}.resource", code="value")
        return Meant(f"{where}.resource", {}, resource)
    reference = object_at(said, "valueReference")
    if reference:
        return Meant(where, reference)
    text = next(
        (value for key, value in said.items() if key.startswith("value") and isinstance(value, str)), ""
    )
    if _IDENTIFIER.fullmatch(text):
        system, _, value = text.partition("|")
        return Meant(where, {"identifier": {"system": system, "value": value}})
    if not text.strip():
        raise refuse(400, f"{name} is empty; say {kind}/id, or give the {kind}.", where, code="value")
    return Meant(where, {"reference": text.strip()})


def _text(name: str, where: str, said: Json) -> str:
    if "resource" in said:
        sentence = f"{name} names a published version; a definition of your own is not applied here."
        raise refuse(400, sentence, f"{where}.resource", code="not-supported")
    referred = text_at(said, "valueReference", "reference")
    texts = (value for key, value in said.items() if key.startswith("value") and isinstance(value, str))
    found = referred or next(texts, "").strip()
    if not found:
        raise refuse(400, f"{name} is empty; fill it in or leave it out.", where, code="value")
    return found


def _data(where: str, said: Json) -> tuple[tuple[str, str | None, Json], ...]:
    """The resources of the Bundle beside: what the start reads, observations and medication among it."""
    bundle = object_at(said, "resource")
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "collection":
        sentence = "data must be a Bundle of type collection; put the resources into one."
        raise refuse(400, sentence, f"{where}.resource", code="value")
    return tuple(
        (f"{where}.resource.entry[{index}].resource", text_at(entry, "fullUrl"), object_at(entry, "resource"))
        for index, entry in enumerate(objects_at(bundle, "entry"))
        if object_at(entry, "resource")
    )
