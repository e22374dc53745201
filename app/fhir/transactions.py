"""``POST /fhir``: a batch, each entry for itself; a transaction, all of it or nothing; or a referral, which is either.

A transaction is processed as R4 orders it: what makes, then what changes, then what reads. Its answers are in the
order of its entries.
"""

from __future__ import annotations

import http
import json
from dataclasses import dataclass, replace

from fastapi import Request, Response
from sqlmodel import Session

from app.fhir import asking, creating, matching
from app.fhir.answer import Kept, etag, exactly, fhir_text, words, written
from app.fhir.asked import is_id
from app.fhir.caller import Caller, allowed, system
from app.fhir.entries import Entry, entries, named, target, wish
from app.fhir.errors import FhirError, failed, refuse
from app.fhir.pages import Pages
from app.fhir.reads import base, searchset
from app.fhir.referrals import refer
from app.fhir.served import BY_TYPE
from app.fhir.wishes import Criteria, Done, Landing, Wish
from app.fhir.writes import location
from app.service import Service
from fhir_mappings.linking import linked, references
from fhir_mappings.outcome import error, operation_outcome
from fhir_mappings.raw import text_of
from fhir_mappings.read import Json
from fhir_mappings.referral import is_referral
from fhir_mappings.searchable import index, place
from store import locks, search

_FIRST = ("Patient", "Practitioner", "Organization", "ServiceRequest")
"""Made before the rest, for what comes after is understood by them."""


def receive(service: Service, pages: Pages, request: Request, who: Caller, body: bytes) -> Response:
    """A Bundle that was posted: what it is decides what is done with it. 422 for a Bundle of any other type."""
    system(who)
    asking.need_acceptable(request)
    asking.need_type(request, *asking.RESOURCE_TYPES)
    bundle = asking.resource(body)
    if bundle.get("resourceType") != "Bundle":
        sentence = "Only a Bundle is posted here; post a resource to the address of its type."
        raise refuse(400, sentence, "resourceType", code="structure")
    type_ = bundle.get("type")
    if type_ == "message" or (type_ == "transaction" and is_referral(bundle)):
        for made in ("ServiceRequest", "Patient"):
            allowed(who, made, "create")
        return refer(service, request, who, body)
    if type_ not in ("batch", "transaction"):
        remedy = "Bundle.type must be transaction, batch or message to be posted; set it to one of them."
        raise FhirError(422, error("value", remedy, "Bundle.type"))
    work = _Bundle(service, pages, request, who, entries(bundle, text_of(body)))
    return work.batch() if type_ == "batch" else work.transaction()


Token = tuple[str, str, str]
"""A type, a search parameter, and a value as a search says it."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A reference that says what it looks for, and the first entry that has it."""

    entry: int
    type: str
    criteria: Criteria

    def among(self, coming: dict[Token, set[str]]) -> set[str]:
        """The ids of what comes along in the Bundle and meets every criterion."""
        return set.intersection(*(coming.get((self.type, *pair), set()) for pair in self.criteria))


@dataclass(frozen=True, slots=True)
class _Bundle:
    """A batch or transaction at work."""

    service: Service
    pages: Pages
    request: Request
    who: Caller
    entries: list[Entry]

    # --- batch --------------------------------------------------------------------------------------------

    def batch(self) -> Response:
        """200, with an answer of its own for each entry."""
        within = {
            each.full_url for each in self.entries if each.full_url and each.full_url.startswith("urn:")
        }
        return self._answer("batch-response", [self._alone(each, within) for each in self.entries])

    def _alone(self, entry: Entry, within: set[str]) -> str:
        try:
            with named(entry):
                if entry.reads:
                    return locks.write(self.service.db, lambda session: self._got(session, entry))
                wanted = wish(entry, base(self.service))
                if any(said in within for said in references(entry.text or "")):
                    sentence = "Entries of a batch may not refer to each other; send a transaction."
                    raise refuse(422, sentence, code="processing")
                creating.may(self.who, wanted)
                done = locks.write(
                    self.service.db, lambda session: creating.do(self.service, session, self.who, wanted)
                )
                return self._said(done)
        except Exception as caught:
            answer = failed(self.request, caught)
            said: Json = json.loads(bytes(answer.body))
            return _entry({"status": _status(answer.status_code), "outcome": said}, None)

    # --- transaction --------------------------------------------------------------------------------------

    def transaction(self) -> Response:
        """200 when all of it has happened; otherwise one refusal that names the entry, and nothing has."""
        writes: dict[int, Wish] = {}
        for entry in self.entries:
            with named(entry):
                if entry.reads:
                    target(entry, base(self.service))
                    continue
                wanted = writes[entry.index] = wish(entry, base(self.service))
                creating.may(self.who, wanted)
        searched = self._searched(writes)
        done = locks.write(self.service.db, lambda session: self._all(session, writes, searched))
        return self._answer("transaction-response", [done[each.index] for each in self.entries])

    def _searched(self, writes: dict[int, Wish]) -> dict[str, Sought]:
        """The references that say what they look for (``Patient?identifier=…``), read."""
        found: dict[str, Sought] = {}
        for index_ in writes:
            entry = self.entries[index_]
            for said in references(entry.text or ""):
                type_, mark, query = said.removeprefix(f"{base(self.service)}/").partition("?")
                if mark and type_ in BY_TYPE:
                    if said in found:
                        continue
                    with named(entry):
                        allowed(self.who, type_, "search-type")
                        found[said] = Sought(index_, type_, matching.criteria(query))
        return found

    def _all(self, session: Session, writes: dict[int, Wish], searched: dict[str, Sought]) -> dict[int, str]:
        """The answer to every entry, each done in the order that R4 gives them, in this one transaction."""
        names = [name for each in writes.values() for name in creating.names(each)]
        names += [matching.name(each.type, each.criteria) for each in searched.values()]
        locks.hold(session, names)
        landings = self._landings(session, writes)
        places = self._places(session, writes, landings, searched)
        done: dict[int, str] = {}
        for index_ in sorted(writes, key=lambda each: _rank(writes[each], each)):
            entry = self.entries[index_]
            with named(entry):
                wanted = _relinked(writes[index_], entry, places)
                written_ = creating.write(self.service, session, self.who, wanted, landings[index_])
                done[index_] = self._said(written_)
        for entry in self.entries:
            if entry.reads:
                with named(entry):
                    done[entry.index] = self._got(session, entry)
        return done

    def _landings(self, session: Session, writes: dict[int, Wish]) -> dict[int, Landing]:
        """Where every write comes down; 400 when two come down on the same resource."""
        landings: dict[int, Landing] = {}
        taken: set[object] = set()
        for index_, wanted in writes.items():
            with named(self.entries[index_]):
                landing = landings[index_] = creating.land(self.service, session, self.who, wanted)
                keys = {(landing.type, landing.id), (wanted.type, wanted.criteria or index_)}
                if keys & taken:
                    raise refuse(
                        400, "The transaction has this resource twice; send one entry for it.", code="invalid"
                    )
                taken |= keys
        return landings

    def _places(
        self,
        session: Session,
        writes: dict[int, Wish],
        landings: dict[int, Landing],
        searched: dict[str, Sought],
    ) -> dict[str, str]:
        """What references become: those to a fullUrl of the Bundle, and those that search."""
        places: dict[str, str] = {}
        for index_, landing in landings.items():
            full_url = self.entries[index_].full_url
            if full_url is not None:
                places[full_url] = f"{landing.type}/{landing.id}"
            if (chosen := writes[index_].id) not in (None, landing.id):
                places[f"{landing.type}/{chosen}"] = f"{landing.type}/{landing.id}"
        coming = _coming(writes, landings) if searched else {}
        for said, sought in searched.items():
            with named(self.entries[sought.entry]):
                found = matching.one(self.service, session, BY_TYPE[sought.type], sought.criteria)
                ids = {found.id} if found is not None else sought.among(coming)
                if len(ids) != 1:
                    how = "nothing" if not ids else "more than one resource"
                    raise refuse(412, f"A reference to {sought.type} by a search finds {how}; correct it.")
            places[said] = f"{sought.type}/{ids.pop()}"
        return places

    # --- answers ------------------------------------------------------------------------------------------

    def _got(self, session: Session, entry: Entry) -> str:
        """The answer to an entry that reads, in the transaction that it stands in."""
        aim = target(entry, base(self.service))
        kept = aim.served is not None and "vread" in aim.served.interactions
        if aim.served is None or not kept or "/" in (aim.id or "") or (aim.id and aim.query):
            sentence = "An entry may read a resource by its id or search a type; ask for the rest by itself."
            raise refuse(422, sentence, code="not-supported")
        said: Json = {"status": _status(200)}
        if aim.id is not None:
            allowed(self.who, aim.served.type, "read")
            found = search.said(session, aim.served.type, aim.id) if is_id(aim.id) else None
            if found is None:
                raise refuse(404, f"There is no {aim.served.type} of that id.")
            what = f"{aim.served.type}/{aim.id}"
            self.service.audit.write(session, self.who.trace("read", what, found.patient_id))
            text = words(found)
            said |= _stamp(found)
        else:
            allowed(self.who, aim.served.type, "search-type")
            strict = asking.preference(self.request).strict
            text = searchset(
                self.service,
                aim.served,
                self.pages,
                self.who,
                matching.parsed(aim.query),
                strict=strict,
                within=session,
            )
        return _entry(said, text if entry.method == "GET" else None)

    def _said(self, done: Done) -> str:
        """The answer to an entry that wrote."""
        response: Json = {"status": _status(done.status)}
        returns = asking.preference(self.request).returns
        text = None
        if done.found is not None:
            response |= {"location": location(self.service, done), **_stamp(done.found)}
            shown = returns == "representation" and creating.may_see(self.who, done)
            text = words(done.found) if shown else None
        if done.issues and returns != "minimal":
            response["outcome"] = operation_outcome(done.issues)
        return _entry(response, text)

    def _answer(self, type_: str, answers: list[str]) -> Response:
        listed = f',"entry":[{",".join(answers)}]' if answers else ""
        return fhir_text(200, f'{{"resourceType":"Bundle","type":"{type_}"{listed}}}')


def _entry(response: Json, resource: str | None) -> str:
    held = f'"resource":{resource},' if resource is not None else ""
    return f'{{{held}"response":{written(response)}}}'


def _stamp(kept: Kept) -> Json:
    return {"etag": etag(kept), "lastModified": exactly(kept.updated)}


def _rank(wanted: Wish, index_: int) -> tuple[bool, int, int]:
    """What makes before what changes; among those, whom and what the others speak of first."""
    first = _FIRST.index(wanted.type) if wanted.type in _FIRST else len(_FIRST)
    return wanted.method != "POST", first, index_


def _relinked(wanted: Wish, entry: Entry, places: dict[str, str]) -> Wish:
    """The wish with its references put right in its text, which is otherwise as it came."""
    if not places or wanted.method == "PATCH":
        return wanted
    text = entry.text or ""
    relinked = linked(text, lambda said: _place(said, entry, places))
    if relinked == text:
        return wanted
    return replace(wanted, body=relinked.encode(), resource=json.loads(relinked))


def _place(said: str, entry: Entry, places: dict[str, str]) -> str | None:
    """What a reference becomes: by the fullUrl it says, or, of one relative to its entry's own fullUrl, means."""
    if said in places or said.startswith("#"):
        return places.get(said)
    type_, id_ = place(said)
    if not type_ or entry.full_url is None or ":" in said:
        return None
    root = entry.full_url.rsplit("/", 2)[0]
    return places.get(f"{root}/{type_}/{id_}")


def _coming(writes: dict[int, Wish], landings: dict[int, Landing]) -> dict[Token, set[str]]:
    """What this very transaction makes or changes, by what each will be found by."""
    found: dict[Token, set[str]] = {}
    for index_, wanted in writes.items():
        for param, system_, value in index(wanted.resource).tokens:
            for said in (value, f"{system_}|{value}"):
                found.setdefault((wanted.type, param, said), set()).add(landings[index_].id)
    return found


def _status(code: int) -> str:
    return f"{code} {http.HTTPStatus(code).phrase}"
