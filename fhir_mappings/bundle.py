"""A Bundle as a place to look things up: its resources by type, and what a reference in one of them points
to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json, object_at, objects_at, text_at

_LITERAL = re.compile(r"(?:.*/)?([A-Za-z]+/[A-Za-z0-9\-.]{1,64})")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A resource and where it is: `path` is its FHIRPath in the request, `root` what contains it, else
    itself."""

    kind: str
    resource: Json
    path: str
    root: Found | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """The resources of one Bundle in their order, with the indexes references are resolved by."""

    entries: tuple[Found, ...]
    by_url: dict[str, list[Found]] = field(repr=False)
    by_type_and_id: dict[str, list[Found]] = field(repr=False)
    by_identifier: dict[tuple[str | None, str | None], list[Found]] = field(repr=False)

    def of(self, *kinds: str) -> list[Found]:
        """Every entry of these resource types, in the order of the Bundle."""
        return [each for each in self.entries if each.kind in kinds]

    def resolve(self, reference: Json, within: Found, *kinds: str) -> list[Found]:
        """What a Reference found in `within` points to, of these types: one resource, none, or too many.

        By contained `#id`, by fullUrl, by relative `Type/id` (a version in it is passed over), by the
        conditional `Type?identifier=system|value` of a transaction, and, without a literal reference, by
        logical identifier.
        """
        literal = text_at(reference, "reference")
        if literal is None:
            pointed = self._identified(object_at(reference, "identifier"))
        elif literal.startswith("#"):
            pointed = _contained(within.root or within, literal[1:])
        elif "?identifier=" in literal:
            system, _, value = unquote(literal.partition("?identifier=")[2]).partition("|")
            pointed = self._identified({"system": system, "value": value})
        else:
            plain = literal.partition("/_history/")[0]
            pointed = self.by_url.get(plain.casefold()) or (
                self.by_type_and_id.get(plain, []) if ":" not in plain else []
            )
        unique = {id(each.resource): each for each in pointed if each.kind in kinds}
        return list(unique.values())

    def follow(self, within: Found, element: str, reference: Json, *kinds: str) -> Found | Issue:
        """The one resource a reference points to, or the issue that says why there is not exactly one.

        `element` is where the reference stands in `within`, such as `subject` or `reasonReference[0]`.
        """
        where = f"{within.path}.{element}"
        pointed = self.resolve(reference, within, *kinds)
        if len(pointed) == 1:
            return pointed[0]
        wanted = " or ".join(kinds)
        if pointed:
            return error(
                "multiple-matches",
                f"{within.kind}.{element} matches more than one {wanted} of the Bundle; give each a fullUrl.",
                where,
            )
        return error(
            "not-found",
            f"{within.kind}.{element} points to no {wanted} in the Bundle; add it or correct the reference.",
            where,
        )

    def _identified(self, identifier: Json) -> list[Found]:
        return self.by_identifier.get((text_at(identifier, "system"), text_at(identifier, "value")), [])


def contents(bundle: Json) -> Contents:
    """The Bundle's resources, passing over entries that carry none or that ask to delete or read."""
    entries: list[Found] = []
    by_url: dict[str, list[Found]] = {}
    by_type_and_id: dict[str, list[Found]] = {}
    by_identifier: dict[tuple[str | None, str | None], list[Found]] = {}
    given = bundle.get("entry")
    for index, entry in enumerate(given if isinstance(given, list) else ()):
        resource = object_at(entry, "resource")
        kind = text_at(resource, "resourceType")
        if kind is None or not re.fullmatch(r"[A-Za-z]{1,40}", kind):
            continue
        if text_at(entry, "request", "method") in ("DELETE", "GET", "HEAD"):
            continue
        found = Found(kind, resource, f"Bundle.entry[{index}].resource.ofType({kind})")
        entries.append(found)
        names = {f"{kind}/{resource['id']}"} if isinstance(resource.get("id"), str) else set()
        full_url = text_at(entry, "fullUrl")
        if full_url:
            by_url.setdefault(full_url.casefold(), []).append(found)
            tail = _LITERAL.fullmatch(full_url)
            if tail and not full_url.startswith("urn:"):
                names.add(tail.group(1))
        for name in names:
            by_type_and_id.setdefault(name, []).append(found)
        for identifier in objects_at(resource, "identifier"):
            named = (text_at(identifier, "system"), text_at(identifier, "value"))
            if all(named):
                by_identifier.setdefault(named, []).append(found)
    return Contents(tuple(entries), by_url, by_type_and_id, by_identifier)


def _contained(root: Found, id_: str) -> list[Found]:
    return [
        Found(kind, each, f"{root.path}.contained[{index}].ofType({kind})", root)
        for index, each in enumerate(objects_at(root.resource, "contained"))
        if (kind := text_at(each, "resourceType")) and text_at(each, "id") == id_
    ]
