"""May this resource stand? Structure and required codes, then the rules of R4 between elements that we rely on.

For what systems write on our facade. Sentences name the element and the remedy and never quote what was found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json, instant, objects_at, text_at
from fhir_mappings.structure import structure_issues

_REQUIRED: dict[str, tuple[str, ...]] = {
    "Task": ("status", "intent"),
    "Appointment": ("status", "participant"),
    "CarePlan": ("status", "intent", "subject"),
    "ServiceRequest": ("status", "intent", "subject"),
    "CommunicationRequest": ("status",),
    "Communication": ("status",),
    "Bundle": ("type",),
}

_RELATIVE = re.compile(
    r"(?:https?://.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)


def check(resource: Json) -> list[Issue]:
    """What keeps this resource from being accepted; empty when nothing does. Never raises for what is in it."""
    kind = text_at(resource, "resourceType")
    if kind is None:
        return [error("structure", "resourceType is missing; say which resource this is.", "resourceType")]
    if not _is_resource(kind):
        return [error("structure", "resourceType is not a resource of FHIR R4; correct it.", "resourceType")]
    found = structure_issues(resource, kind)
    named = {place for issue in found for place in issue.expression}
    for element in _REQUIRED.get(kind, ()):
        if resource.get(element) in (None, []) and f"{kind}.{element}" not in named:
            found.append(error("required", f"{kind}.{element} is required; add it.", f"{kind}.{element}"))
    found += _misdirected(resource, kind)
    if not found:
        found += [issue for rule in RULES.get(kind, ()) for issue in rule(resource)]
        found += _periods(resource, kind)
    return found


def _is_resource(kind: str) -> bool:
    try:
        return issubclass(get_fhir_model_class(kind), get_fhir_model_class("Resource"))
    except ValueError:
        return False


# --- references to the wrong kind of thing ----------------------------------------------------------------


@cache
def _targets() -> dict[str, frozenset[str]]:
    table = resources.files("fhir_mappings").joinpath("data/reference-targets.json").read_text("utf-8")
    return {path: frozenset(kinds) for path, kinds in json.loads(table).items()}


def _misdirected(value: Any, path: str, where: str = "") -> Iterator[Issue]:
    """References whose literal or ``type`` names a resource that R4 does not allow at that element."""
    where = where or path
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _misdirected(each, path, f"{where}[{index}]")
    elif isinstance(value, dict):
        targets = _targets().get(path)
        if targets is not None:
            kinds = {text_at(value, "type")}
            if literal := _RELATIVE.fullmatch(text_at(value, "reference") or ""):
                kinds.add(literal[1])
            if kinds - {None} - targets:
                allowed = ", ".join(sorted(targets))
                yield error("value", f"{path} may only refer to {allowed}; correct the reference.", where)
            return
        for name, each in value.items():
            if name not in ("contained", "resource"):
                yield from _misdirected(each, f"{path}.{name}", f"{where}.{name}")


# --- rules between elements -------------------------------------------------------------------------------


def _inv_1(task: Json) -> Iterator[Issue]:
    authored, modified = (instant(task.get(name), UTC) for name in ("authoredOn", "lastModified"))
    if authored and modified and modified < authored:
        yield _broken(
            "inv-1", "Task.lastModified is before Task.authoredOn; correct it.", "Task.lastModified"
        )


def _app_1(appointment: Json) -> Iterator[Issue]:
    for index, each in enumerate(objects_at(appointment, "participant")):
        if not each.get("type") and not each.get("actor"):
            where = f"Appointment.participant[{index}]"
            yield _broken("app-1", "Appointment.participant needs a type or an actor; add one.", where)


def _app_2(appointment: Json) -> Iterator[Issue]:
    if ("start" in appointment) != ("end" in appointment):
        missing = "end" if "start" in appointment else "start"
        yield _broken(
            "app-2", f"Appointment has only one of start and end; add {missing}.", f"Appointment.{missing}"
        )


def _app_3(appointment: Json) -> Iterator[Issue]:
    timeless = text_at(appointment, "status") in ("proposed", "cancelled", "waitlist")
    if not timeless and "start" not in appointment and "end" not in appointment:
        yield _broken(
            "app-3",
            "Appointment needs start and end unless it is proposed, cancelled or on the waitlist; add them.",
            "Appointment.start",
        )


def _app_4(appointment: Json) -> Iterator[Issue]:
    # The published text of the rule says "no-show"; the code is noshow.
    if appointment.get("cancelationReason") and text_at(appointment, "status") not in ("cancelled", "noshow"):
        yield _broken(
            "app-4",
            "Appointment.cancelationReason is only for cancelled or noshow; remove it or set the status.",
            "Appointment.cancelationReason",
        )


def _cpl_3(plan: Json) -> Iterator[Issue]:
    for index, each in enumerate(objects_at(plan, "activity")):
        if each.get("detail") and each.get("reference"):
            where = f"CarePlan.activity[{index}]"
            yield _broken("cpl-3", "CarePlan.activity has both reference and detail; keep one.", where)


def _prr_1(request: Json) -> Iterator[Issue]:
    if request.get("orderDetail") and not request.get("code"):
        yield _broken("prr-1", "ServiceRequest.orderDetail needs a code; add it.", "ServiceRequest.code")


def _con_4(condition: Json) -> Iterator[Issue]:
    abated = any(name.startswith("abatement") for name in condition)
    codes = {text_at(each, "code") for each in objects_at(condition, "clinicalStatus", "coding")}
    if abated and not codes & {"inactive", "resolved", "remission"}:
        where = "Condition.clinicalStatus"
        yield _broken("con-4", f"{where} must be inactive, resolved or remission once abated; set it.", where)


def _bundle(bundle: Json) -> Iterator[Issue]:
    type_ = text_at(bundle, "type")
    if "total" in bundle and type_ not in ("searchset", "history"):
        yield _broken("bdl-1", "Bundle.total is only for searchset and history; remove it.", "Bundle.total")
    asks = type_ in ("batch", "transaction", "history")
    answers = type_ in ("batch-response", "transaction-response", "history")
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(objects_at(bundle, "entry")):
        where = f"Bundle.entry[{index}]"
        if "search" in each and type_ != "searchset":
            yield _broken(
                "bdl-2", "Bundle.entry.search is only for a searchset; remove it.", f"{where}.search"
            )
        if ("request" in each) != asks:
            remedy = "add it" if asks else "remove it"
            yield _broken(
                "bdl-3",
                f"Bundle.entry.request belongs to batch, transaction and history; {remedy}.",
                f"{where}.request",
            )
        if ("response" in each) != answers:
            remedy = "add it" if answers else "remove it"
            yield _broken(
                "bdl-4",
                f"Bundle.entry.response belongs to responses and history; {remedy}.",
                f"{where}.response",
            )
        if not any(name in each for name in ("resource", "request", "response")):
            yield _broken("bdl-5", "Bundle.entry needs a resource, a request or a response; add one.", where)
        url = text_at(each, "fullUrl")
        name = (url or "", text_at(each, "resource", "meta", "versionId") or "")
        if url and type_ != "history" and name in seen:
            yield _broken(
                "bdl-7", "Two entries of the Bundle have the same fullUrl; give each its own.", where
            )
        seen.add(name)
        if url and "/_history/" in url:
            yield _broken(
                "bdl-8", "Bundle.entry.fullUrl must not name a version; remove it.", f"{where}.fullUrl"
            )


RULES: dict[str, tuple[Callable[[Json], Iterator[Issue]], ...]] = {
    "Task": (_inv_1,),
    "Appointment": (_app_1, _app_2, _app_3, _app_4),
    "CarePlan": (_cpl_3,),
    "ServiceRequest": (_prr_1,),
    "Condition": (_con_4,),
    "Bundle": (_bundle,),
}
"""By resource: the invariants of R4, each named for its key."""


def _periods(value: Any, where: str) -> Iterator[Issue]:
    """per-1, and the same for Appointment.start and end: nothing ends before it starts."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _periods(each, f"{where}[{index}]")
    elif isinstance(value, dict):
        start, end = (_exact(value.get(name)) for name in ("start", "end"))
        if start and end and start > end:
            yield _broken("per-1", f"{where} ends before it starts; correct it.", where)
        for name, each in value.items():
            if name not in ("contained", "resource"):
                yield from _periods(each, f"{where}.{name}")


def _exact(value: Any) -> datetime | None:
    return instant(value, UTC) if isinstance(value, str) and "T" in value else None


def _broken(rule: str, sentence: str, where: str) -> Issue:
    return error("invariant", f"{sentence} ({rule})", where)
