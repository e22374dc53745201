"""From what ``$apply`` is asked with to the referral it stands for: a Bundle that the usual intake reads.

References are followed first within what was sent, then among what is stored here. Nothing is made up: where no
ServiceRequest is given, the application itself is the request, made by the system that applies.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from sqlmodel import Session

from app.fhir.about_whom import bearer, our_patient, record_of
from app.fhir.apply_asked import Applying, Meant
from app.fhir.caller import Caller, allowed
from app.fhir.errors import FhirError, refuse
from fhir_mappings.bundle import Contents, Found, contents
from fhir_mappings.outcome import Issue
from fhir_mappings.read import Json, object_at, objects_at, text_at
from fhir_mappings.searchable import place
from fhir_mappings.site import Site
from fhir_mappings.write import instant
from pathway.protocol import Protocol
from store import patients, search
from store.joins import goes_on_as
from store.search import Found as Stored

_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]\.resource(?:\.ofType\(\w+\))?")


@dataclass(slots=True)
class Composed:
    """The referral that an application stands for. ``patient_id`` is our patient, None for somebody new.

    ``subject`` is the reference to the patient as an answer may repeat it. ``places`` say where each entry came from.
    """

    entries: list[Json] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    patient_id: str | None = None
    subject: Json = field(default_factory=dict)

    @property
    def bundle(self) -> Json:
        """As the intake reads it."""
        return {"resourceType": "Bundle", "type": "transaction", "entry": self.entries}

    @property
    def body(self) -> bytes:
        """The same as bytes, to be kept."""
        return json.dumps(self.bundle, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    def add(self, where: str, url: str, resource: Json) -> str:
        """Add an entry; its fullUrl."""
        request = {"method": "POST", "url": str(resource.get("resourceType"))}
        self.entries.append({"fullUrl": url, "resource": resource, "request": request})
        self.places.append(where)
        return url

    def refused(self, issues: tuple[Issue, ...]) -> FhirError:
        """422 with these issues of the Bundle, named by where the sender said it."""
        return FhirError(
            422, *(replace(one, expression=tuple(map(self._place, one.expression))) for one in issues)
        )

    def _place(self, expression: str) -> str:
        match = _ENTRY.match(expression)
        if match is None or int(match[1]) >= len(self.places):
            return expression
        return self.places[int(match[1])] + expression[match.end() :]


class Composer:
    """Puts the Bundle together, one reference after another. ``base`` is our address, ``who`` applies.

    What is stored here is read as that caller: 403 for a type that it was not granted.
    """

    def __init__(self, session: Session, site: Site, base: str, asked: Applying, who: Caller) -> None:
        self._session, self._site, self._base, self._asked = session, site, base, asked
        self._who, self._by = who, who.actor.name
        self._made = Composed()
        for where, url, resource in asked.data:
            self._made.add(where, url or _urn(resource), resource)

    def compose(self, protocol: Protocol, *, authored: datetime, key: str | None) -> Composed:
        """The Bundle, applied for at ``authored`` under ``key``.

        FhirError (422) for what is nowhere, is somebody else's, or is missing.
        """
        patient = self._patient()
        condition = self._reason(patient)
        if self._asked.request is not None:
            self._request(self._asked.request, patient, condition)
        elif condition is not None:
            self._application(protocol, patient, condition, authored=authored, key=key)
        else:
            sentence = "condition is missing: name the fracture, or give a request whose reason it is."
            raise refuse(422, sentence, "condition", code="required")
        known = self._contents()
        for entry in self._made.entries:
            self._turn_to(entry["resource"], patient, known)
        return self._made

    # --- the patient --------------------------------------------------------------------------------------

    def _patient(self) -> str:
        meant, made, session = self._asked.subject, self._made, self._session
        within = self._within(meant, "Patient")
        if within is not None:
            made.patient_id = bearer(session, within.resource)
            record = record_of(session, made.patient_id) if made.patient_id else None
            made.subject = {"reference": f"Patient/{record.id}"} if record else dict(meant.reference)
            return self._url(within)
        stored = self._stored(meant, "Patient")
        if stored is not None and stored.source is not None:
            made.patient_id = bearer(session, stored.content)
        elif stored is not None and stored.patient_id is not None:
            made.patient_id = goes_on_as(session, stored.patient_id)
            stored = record_of(session, made.patient_id)
        else:
            allowed(self._who, "Patient", "read")
            identifier = object_at(meant.reference, "identifier")
            named = (text_at(identifier, "system") or "", text_at(identifier, "value") or "")
            made.patient_id = patients.by_identifiers(session, [named]) if all(named) else None
            stored = record_of(session, made.patient_id) if made.patient_id else None
        if stored is None:
            sentence = (
                "This patient is not known here; give the Patient itself, with an identifier, as the subject."
            )
            raise refuse(422, sentence, meant.where, code="not-found")
        made.subject = {"reference": f"Patient/{stored.id}"}
        return made.add(meant.where, f"{self._base}/Patient/{stored.id}", self._without_our_name(stored))

    def _without_our_name(self, patient: Stored) -> Json:
        """The Patient as the hospital named it: our own identifier is no name to be referred by."""
        ours = self._site.identifier("patient", "")["system"]
        kept = [one for one in objects_at(patient.content, "identifier") if text_at(one, "system") != ours]
        return {**patient.content, "identifier": kept, "id": patient.id}

    # --- the fracture and the request ---------------------------------------------------------------------

    def _reason(self, patient: str) -> str | None:
        if self._asked.condition is None:
            return None
        return self._followed(self._asked.condition, "Condition", patient)

    def _request(self, meant: Meant, patient: str, condition: str | None) -> None:
        url = self._followed(meant, "ServiceRequest", patient)
        request = next(one["resource"] for one in self._made.entries if one["fullUrl"] == url)
        reasons = [
            self._followed(Meant(meant.where, one), "Condition", patient) for one in self._conditions(request)
        ]
        if condition is not None and reasons and condition not in reasons:
            sentence = "condition is not the reason (reasonReference) of the request; correct one of the two."
            raise refuse(422, sentence, meant.where, code="business-rule")
        wanted = [condition] if condition is not None else reasons
        if wanted:
            others = [
                one for one in objects_at(request, "reasonReference") if one not in self._conditions(request)
            ]
            request["reasonReference"] = [*({"reference": one} for one in wanted), *others]
        requester = place(text_at(request, "requester", "reference") or "", self._base)
        stored = self._read(*requester) if all(requester) else None
        if stored is not None:
            self._made.add(
                f"{meant.where}.requester", f"{self._base}/{stored.type}/{stored.id}", stored.content
            )

    def _conditions(self, request: Json) -> list[Json]:
        """The references to Conditions among the reasons of a request."""
        origin = Found("ServiceRequest", request, "ServiceRequest")
        return [
            one
            for one in objects_at(request, "reasonReference")
            if "Condition" in (text_at(one, "type"), *(text_at(one, "reference") or "").split("/"))
            or self._contents().resolve(one, origin, "Condition")
        ]

    def _application(
        self, protocol: Protocol, patient: str, condition: str, *, authored: datetime, key: str | None
    ) -> None:
        """The request that the application itself is."""
        request: Json = {
            "resourceType": "ServiceRequest",
            "contained": [{"resourceType": "Organization", "id": "requester", "name": self._by}],
            "status": "active",
            "intent": "order",
            "instantiatesCanonical": [f"{protocol.url}|{protocol.version}"],
            "code": {"text": protocol.title.fr},
            "subject": {"reference": patient},
            "authoredOn": instant(authored),
            "requester": {"reference": "#requester"},
            "reasonReference": [{"reference": condition}],
        }
        if key is not None:
            request["identifier"] = [self._site.identifier("start", f"{self._by}/{key}")]
        self._made.add("Parameters", f"urn:uuid:{uuid5(NAMESPACE_URL, f'{self._by}/{key}')}", request)

    # --- following references -----------------------------------------------------------------------------

    def _followed(self, meant: Meant, kind: str, patient: str) -> str:
        """The fullUrl of what is meant, added to the Bundle where it is stored here. 422 when it is nowhere."""
        within = self._within(meant, kind)
        if within is not None:
            return self._url(within)
        stored = self._stored(meant, kind)
        if stored is None:
            sentence = f"This {kind} is neither in the request nor stored here; give the {kind} itself."
            raise refuse(422, sentence, meant.where, code="not-found")
        if kind == "ServiceRequest" and stored.source is None:
            sentence = (
                "This ServiceRequest is an order of a pathway of ours, and begins none; name the referral."
            )
            raise refuse(422, sentence, meant.where, code="business-rule")
        theirs = our_patient(self._session, stored.content, self._base, source=stored.source or self._by)
        if theirs is None or theirs != self._made.patient_id:
            sentence = f"This {kind} is not about the subject; correct one of the two."
            raise refuse(422, sentence, meant.where, code="business-rule")
        content = {**stored.content, "id": stored.id, "subject": {"reference": patient}}
        return self._made.add(meant.where, f"{self._base}/{kind}/{stored.id}", content)

    def _within(self, meant: Meant, kind: str) -> Found | None:
        """What is meant, where it was sent along. 422 for a reference that fits more than one."""
        if meant.resource is not None:
            url = _urn(meant.resource)
            if all(one["fullUrl"] != url for one in self._made.entries):
                self._made.add(meant.where, url, {**meant.resource})
            return next(one for one in self._contents().entries if self._url(one) == url)
        found = self._contents().resolve(meant.reference, Found("Parameters", {}, "Parameters"), kind)
        if len(found) > 1:
            raise refuse(422, f"More than one {kind} fits; name one.", meant.where, code="multiple-matches")
        return found[0] if found else None

    def _contents(self) -> Contents:
        return contents(self._made.bundle)

    def _url(self, found: Found) -> str:
        return next(str(one["fullUrl"]) for one in self._made.entries if one["resource"] is found.resource)

    def _stored(self, meant: Meant, kind: str) -> Stored | None:
        type_, id_ = place(text_at(meant.reference, "reference") or "", self._base)
        return self._read(kind, id_) if type_ == kind else None

    def _read(self, type_: str, id_: str) -> Stored | None:
        allowed(self._who, type_, "read")
        return search.read(self._session, type_, id_)

    def _turn_to(self, resource: Json, patient: str, known: Contents) -> None:
        """Let a resource that was sent along speak of the patient in the Bundle, where it speaks of our record."""
        subject = object_at(resource, "subject")
        origin = Found(str(resource.get("resourceType")), resource, "Bundle")
        if not subject or self._made.patient_id is None or known.resolve(subject, origin, "Patient"):
            return
        if our_patient(self._session, resource, self._base, source=self._by) == self._made.patient_id:
            resource["subject"] = {"reference": patient}


def _urn(resource: Json) -> str:
    """A name within the Bundle for what has none, the same for the same content."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(resource, sort_keys=True))}"
