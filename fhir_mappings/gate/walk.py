"""One way through a resource, asking every question on the way: names, cardinality, formats, codes, references, rules.

A rule is asked of an object only when nothing below it is malformed, so that one fault gives one issue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fhir_mappings.gate.definitions import Child, Shape, shape
from fhir_mappings.gate.formats import REMEDIES
from fhir_mappings.gate.narrative import narrative_fault
from fhir_mappings.gate.references import reference_issues
from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,60}")
_LOCAL = ("uri", "url", "canonical")
_FEW = 12
"""As many codes are named in a sentence."""


class Walk:
    """The way through one resource and what it contains; `issues` grows on it.

    `contained` gives the type of each contained resource by id, `entries` that of each entry of the Bundle by fullUrl.
    `resources` collects the resources met on the way (contained, entries, parameters) with their places; whoever
    began the walk sees to them. `local` is every `#id` that is referred to.
    """

    def __init__(self, contained: Mapping[str, str], entries: Mapping[str, str]) -> None:
        self.issues: list[Issue] = []
        self.resources: list[tuple[Any, str, str]] = []
        self.local: set[str] = set()
        self.inside = False
        self._contained = contained
        self._entries = entries
        self._malformed = 0

    def object(self, value: Json, of: Shape, where: str) -> None:
        """Go through an object of this shape at `where`."""
        children = of.children
        before = self._malformed
        chosen: list[Child] = []
        for name, each in value.items():
            child = children.get(name)
            if child is None:
                if name == "resourceType" and of.is_resource:
                    continue
                child = children.get(name[1:]) if name[:1] == "_" else None
                if child is None or child.kind != "primitive":
                    self._unknown(name, of, where)
                    continue
                self._beside(each, value.get(child.name), child, f"{where}.{name}")
                if child.group is not None and child.name not in value:
                    chosen.append(child)
                continue
            if child.group is not None:
                chosen.append(child)
            if each is None and child.required and f"_{name}" not in value:
                self._missing(child, where)
            elif not child.many:
                self._one(each, child, f"{where}.{name}")
            elif type(each) is list:
                if not each and child.required:
                    self._missing(child, where)
                elif not each:
                    self._structure(f"{child.path} is an empty list; leave it out.", f"{where}.{name}")
                for index, one in enumerate(each):
                    self._one(one, child, f"{where}.{name}[{index}]", value.get(f"_{name}"), index)
            else:
                self._structure(f"{child.path} must be a list; correct its shape.", f"{where}.{name}")
        for child in of.required:
            if child.name not in value and f"_{child.name}" not in value:
                self._missing(child, where)
        if chosen or of.required_choices:
            self._choices(chosen, of, where)
        if of.rules and before == self._malformed:
            for rule in of.rules:
                self.issues += rule.issues(value, where)

    def loose(self, value: Any, where: str) -> None:
        """Go through what has no shape here (`fhir.resources` judged it): no blanks, references, extensions."""
        if isinstance(value, dict):
            if not value:
                self._empty(where)
            for name, each in value.items():
                if name in ("extension", "modifierExtension") and isinstance(each, list):
                    for index, one in enumerate(each):
                        if isinstance(one, dict):
                            self.object(one, shape("Extension"), f"{where}.{name}[{index}]")
                elif name == "contained" and isinstance(each, list):
                    self.resources += [
                        (one, f"{where}.contained[{index}]", "contained")
                        for index, one in enumerate(each)
                        if isinstance(one, dict)
                    ]
                else:
                    self.loose(each, f"{where}.{name}")
            if isinstance(value.get("reference"), str):
                anywhere = Child("reference", where, "Reference", "reference", many=False, required=False)
                self._refer(value, anywhere, where)
        elif isinstance(value, list):
            if not value:
                self._empty(where)
            for index, each in enumerate(value):
                if each is not None:  # beside it may stand an extension
                    self.loose(each, f"{where}[{index}]")
        elif value is None or value == "":
            self._empty(where)
        elif isinstance(value, str) and value.startswith("#"):
            self.local.add(value[1:])

    # --- one value ----------------------------------------------------------------------------------------

    def _one(self, value: Any, child: Child, where: str, beside: Any = None, index: int = -1) -> None:
        kind = child.kind
        if kind == "primitive":
            assert child.fits is not None
            if child.fits(value):
                if child.codes is not None and ("", value) not in child.codes:
                    self._uncoded(child, where)
                elif child.type in _LOCAL and value[0] == "#":
                    self.local.add(value[1:])
                elif child.type == "xhtml":
                    self._narrative(value, where)
            elif value is None or value == "":
                if not (value is None and isinstance(beside, list) and any(beside[index : index + 1])):
                    self._empty(where)
            elif isinstance(value, dict | list):
                self._structure(
                    f"{child.path} is one value of the type {child.type}; correct its shape.", where
                )
            else:
                self._count()
                self.issues.append(error("value", f"{child.path}: {REMEDIES[child.type]}.", where))
        elif type(value) is not dict:
            if value is None:
                self._empty(where)
            else:
                self._structure(f"{child.path} must be an object; correct its shape.", where)
        elif kind == "resource":
            self.resources.append((value, where, child.name))
        elif not value or (len(value) == 1 and "id" in value):
            self._empty(where)
        else:
            assert child.shape is not None
            self.object(value, child.shape, where)
            if kind == "reference":
                self._refer(value, child, where)
            elif kind == "coded":
                self._coded(value, child, where)

    def _beside(self, value: Any, primitive: Any, child: Child, where: str) -> None:
        """The `_name` beside a primitive: its id and extensions; a list of them beside a list."""
        of = shape("Element")
        if child.many and not isinstance(value, list):
            self._structure(
                f"{child.path} is a list, and so is what stands beside it; correct its shape.", where
            )
            return
        rows = value if child.many else [value]
        values = primitive if isinstance(primitive, list) else [primitive]
        for index, each in enumerate(rows):
            place = f"{where}[{index}]" if child.many else where
            if each is None and child.many:
                continue
            if not isinstance(each, dict):
                self._structure(
                    f"{child.path}: beside a primitive stands an object; correct its shape.", place
                )
            elif not each or ("extension" not in each and values[index : index + 1] in ([], [None])):
                self._empty(place)
            else:
                self.object(each, of, place)

    def _refer(self, value: Json, child: Child, where: str) -> None:
        literal = value.get("reference")
        if isinstance(literal, str) and literal.startswith("#"):
            self.local.add(literal[1:])
        self.issues += reference_issues(
            value, child, where, self._contained, self._entries, inside=self.inside
        )

    def _coded(self, value: Json, child: Child, where: str) -> None:
        codings = [value] if child.type == "Coding" else value.get("coding")
        given = [
            (str(each.get("system", "")), str(each.get("code", "")))
            for each in (codings if isinstance(codings, list) else ())
            if isinstance(each, dict)
        ]
        assert child.codes is not None
        if not any(each in child.codes for each in given):
            self._uncoded(child, where)

    def _narrative(self, value: str, where: str) -> None:
        fault = narrative_fault(value)
        if fault is not None:
            self.issues.append(
                Issue(fault.severity, "invariant", f"{fault.sentence} ({fault.key})", (where,))
            )

    def _choices(self, chosen: list[Child], of: Shape, where: str) -> None:
        groups = [child.group for child in chosen if child.group is not None]
        for group in of.required_choices:
            if group not in groups:
                self._count()
                self.issues.append(
                    error(
                        "required",
                        f"{of.path}.{group}[x] is required and is missing; add it.",
                        f"{where}.{group}",
                    )
                )
        for group in sorted({group for group in groups if groups.count(group) > 1}):
            self._structure(f"{of.path} may have only one of {group}[x]; keep one.", where)

    # --- what to say --------------------------------------------------------------------------------------

    def _count(self) -> None:
        self._malformed += 1

    def _structure(self, sentence: str, where: str) -> None:
        self._count()
        self.issues.append(error("structure", sentence, where))

    def _unknown(self, name: str, of: Shape, where: str) -> None:
        if _NAME.fullmatch(name):
            self._structure(
                f"{of.path}.{name} is not an element of FHIR R4; remove or rename it.", f"{where}.{name}"
            )
        else:
            self._structure(f"{of.path} has a key that is no element of FHIR R4; remove it.", where)

    def _missing(self, child: Child, where: str) -> None:
        self._count()
        sentence = f"{child.path} is required and is missing; add it."
        self.issues.append(error("required", sentence, f"{where}.{child.name}"))

    def _empty(self, where: str) -> None:
        self._count()
        self.issues.append(
            error("invariant", "This element is empty; give it a value or leave it out. (ele-1)", where)
        )

    def _uncoded(self, child: Child, where: str) -> None:
        self._count()
        assert child.codes is not None
        named = sorted(code for _, code in child.codes)
        allowed = ", ".join(named) if len(named) <= _FEW else "the codes of its value set"
        sentence = f"{child.path} has no code that FHIR R4 knows here; use one of: {allowed}."
        self.issues.append(error("code-invalid", sentence, where))
