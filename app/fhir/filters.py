"""One search parameter and its value as a condition: modifiers, alternatives, systems, references and dates."""

from __future__ import annotations

import re
from datetime import tzinfo

from app.fhir.dates import span
from app.fhir.served import Served
from fhir_mappings.implied import IMPLIED
from fhir_mappings.search_parameters import Parameter
from fhir_mappings.searchable import place
from store.asked import Dates, Ids, Missing, Named, Statuses, Tokens, Updated, Wanted

ALTERNATIVES = 200
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,60}")
MODIFIERS = {
    "token": ("not", "missing"),
    "reference": ("identifier", "missing"),
    "date": ("missing",),
    "uri": ("missing",),
}
"""By kind; a reference takes the name of a type beside these. ``_id`` and ``_lastUpdated`` take none."""


def is_id(said: str) -> bool:
    """Whether this can be the id of a resource; what cannot is looked for nowhere."""
    return _ID.fullmatch(said) is not None


def condition(
    served: Served, parameter: Parameter, modifier: str, value: str, *, zone: tzinfo, base: str
) -> Wanted:
    """What ``parameter:modifier=value`` asks of this type. ValueError with a sentence when it makes no sense."""
    _need_modifier(parameter, modifier)
    if modifier == "missing":
        return _missing(parameter, value)
    either = _cut(value, ",")
    if len(either) > ALTERNATIVES:
        raise ValueError(f"it has more than {ALTERNATIVES} alternatives; ask in several searches")
    match parameter:
        case Parameter(name="_id"):
            return Ids(tuple(map(_plain, either)))
        case Parameter(name="_lastUpdated"):
            return Updated(tuple(span(each, zone) for each in either))
        case Parameter(kind="date"):
            return Dates(parameter.name, tuple(span(each, zone) for each in either))
        case Parameter(kind="uri"):
            return Tokens(parameter.name, tuple(Named("", _plain(each)) for each in either))
        case Parameter(kind="reference") if modifier == "identifier":
            return Tokens(f"{parameter.name}:identifier", tuple(map(_named, either)))
        case Parameter(kind="reference"):
            wanted = [one for each in either for one in _referred(parameter, modifier, _plain(each), base)]
            return Tokens(parameter.name, tuple(wanted))
        case _:
            return _coded(served.type, parameter.name, either, negated=modifier == "not")


def _need_modifier(parameter: Parameter, modifier: str) -> None:
    if not modifier:
        return
    known = () if parameter.name.startswith("_") else MODIFIERS[parameter.kind]
    typed = parameter.kind == "reference" and _TYPE.fullmatch(modifier) is not None
    if typed and parameter.targets and modifier not in parameter.targets:
        raise ValueError(f"it never refers to that type; it may refer to {', '.join(parameter.targets)}")
    if modifier not in known and not typed:
        offered = f"use {', '.join(f':{one}' for one in known)}" if known else "leave it out"
        raise ValueError(f"its modifier is not supported; {offered}")


def _missing(parameter: Parameter, value: str) -> Missing:
    if value not in ("true", "false"):
        raise ValueError("write :missing=true or :missing=false")
    if parameter.name == "status":
        return Missing("status", "status", value == "true")
    among = {"reference": "references", "date": "dates"}.get(parameter.kind, "tokens")
    return Missing(parameter.name, among, value == "true")  # type: ignore[arg-type] # one of the three


def _coded(type_: str, param: str, either: list[str], *, negated: bool) -> Wanted:
    """Codes and identifiers. An element that says a bare code means the system that R4 binds it to."""
    named = [_named(each) for each in either]
    if (implied := IMPLIED.get((type_, param))) is not None:
        named = [Named("", one.value) if one.system in (None, *implied) else one for one in named]
    # Every status has a column of its own; what is asked of its system alone has not.
    if param == "status" and all(one.value is not None for one in named):
        codes = (one.value for one in named if one.system == "" and one.value is not None)
        return Statuses(tuple(codes), negated)
    return Tokens(param, tuple(named), negated)


def _referred(parameter: Parameter, type_: str, said: str, base: str) -> list[Named]:
    """A reference as it is kept: type and id where it is to something here, else the whole of it."""
    if is_id(said):
        types = (type_,) if type_ else parameter.targets
        return [Named(each, said) for each in types] if types else [Named(None, said)]
    local, id_ = place(said, base)
    if type_ and local != type_:
        raise ValueError("its modifier and the reference name different types")
    return [Named(local, id_)]


def _named(said: str) -> Named:
    """``value``, ``system|value``, ``|value`` (no system) or ``system|`` (any value)."""
    system, *rest = _cut(said, "|")
    if not rest:
        return Named(None, _plain(said))
    return Named(_plain(system), _plain("|".join(rest)) or None)


def _cut(said: str, mark: str) -> list[str]:
    r"""The parts between marks; ``\`` before a mark, or before itself, takes it as it is."""
    parts, part, rest = [], "", iter(said)
    for each in rest:
        if each == mark:
            parts.append(part)
            part = ""
        else:
            part += each + (next(rest, "") if each == "\\" else "")
    return [*parts, part]


def _plain(said: str) -> str:
    return re.sub(r"\\([,|$\\])", r"\1", said)
