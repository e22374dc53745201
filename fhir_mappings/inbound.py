"""A Task updated by a hospital: what it means for the step, or why it may not be.

Who may move it is a table (``task_moves``). What never changes must come back as it was read. What the owner
says (status, reason, owner, times, results) becomes events; anything else is answered with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fhir_mappings.heard import Heard, immutable, not_kept, refusal, relative, said_reason
from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json, codings, instant, number, object_at, objects_at, text_at
from fhir_mappings.site import Site
from fhir_mappings.task import task_status
from fhir_mappings.task_moves import CLAIMABLE, Role, allowed, may_move
from fhir_mappings.write import spoken
from pathway import events as e
from pathway.lifecycle import StepStatus
from pathway.protocol import Answer, StepRule
from pathway.state import Actor, Step

IMMUTABLE = ("identifier", "groupIdentifier", "intent", "code", "focus", "for")
HEARD = frozenset(
    {"status", "statusReason", "businessStatus", "owner", "executionPeriod", "output", "lastModified"}
)
_KEPT = HEARD | frozenset(IMMUTABLE) | {"resourceType", "id", "meta", "text"}


def task_event(
    current: Json,
    incoming: Json,
    step: Step,
    rule: StepRule,
    site: Site,
    *,
    role: Role,
    by: Actor,
    occurred: datetime | None = None,
) -> Heard:
    """What this update of the step's Task brings: mostly one event, two when a claim moves it at once.

    ``current`` is our projection now, ``incoming`` the whole Task after the update, already well-formed
    (``validate.check``). ``occurred`` (UTC) is used where ``executionPeriod`` does not say when.
    """
    broken = list(immutable(current, incoming, *IMMUTABLE))
    if broken:
        return refusal(*broken)
    owner = _owner(current, incoming, role)
    if isinstance(owner, Issue):
        return refusal(owner)
    claim = bool(owner) and not current.get("owner")
    if claim:
        role = "owner"
    about: dict[str, Any] = {"by": by, "occurred": occurred, "step": step.key, "occurrence": step.occurrence}
    was, to = current["status"], text_at(incoming, "status") or ""
    events: list[e.Event] = []
    if claim and to not in ("rejected", "failed", "cancelled", "on-hold"):
        events.append(e.StepAccepted(owner=owner, **about))
    # A claim is the acceptance: asking to be received or accepted in the same breath adds nothing.
    claimed = claim and to in ("received", "accepted")
    if to != was and not claimed:
        moved = _moved(was, to, incoming, step, rule, site, role, owner or by.name, about)
        if isinstance(moved, list):
            return refusal(*moved)
        events.append(moved)
    return Heard(tuple(events), tuple(not_kept(current, incoming, _KEPT)))


# --- who owns it ------------------------------------------------------------------------------------------


def _owner(current: Json, incoming: Json, role: Role) -> str | Issue:
    """The owner after the update as a line of text, empty for nobody; or why there may be no such owner."""
    was, now = object_at(current, "owner"), object_at(incoming, "owner")
    if was:
        if not now or not _same(was, now):
            return error(
                "conflict", "Task.owner already has it and is not changed here; send it back.", "Task.owner"
            )
        if role == "performer-queue":
            return error("conflict", "Somebody of the queue has already claimed this Task.", "Task.owner")
        return spoken(was)
    if not now:
        if role == "performer-queue":
            return error("forbidden", "Claim the Task first: set Task.owner to yourself.", "Task.owner")
        return ""
    if role == "requester":
        return error("forbidden", "A Task is claimed by whoever does it; leave Task.owner out.", "Task.owner")
    if current["status"] not in CLAIMABLE:
        return error("business-rule", f"A Task that is {current['status']} cannot be claimed.", "Task.owner")
    return spoken(now) or error(
        "required", "Task.owner says nothing; give a reference or a name.", "Task.owner"
    )


def _same(was: Json, now: Json) -> bool:
    """The same literal reference, else the same identifier, else the same name."""
    if text_at(was, "reference"):
        return relative(was) == relative(now)
    name = "identifier" if "identifier" in was else "display"
    return bool(was.get(name) == now.get(name))


# --- the move ---------------------------------------------------------------------------------------------


def _moved(
    was: str,
    to: str,
    incoming: Json,
    step: Step,
    rule: StepRule,
    site: Site,
    role: Role,
    owner: str,
    about: dict[str, Any],
) -> e.Event | list[Issue]:
    if not may_move(was, to, role):
        return [_not_allowed(was, to, role)]
    if was == "on-hold":
        return _resumed(to, step, about)
    started, ended = (_actual(incoming, name) for name in ("start", "end"))
    if to == "received":
        return e.StepReceived(**about)
    if to == "accepted":
        return e.StepAccepted(owner=owner, **about)
    if to == "in-progress":
        return e.StepStarted(**about | ({"occurred": started} if started else {}))
    if ended:
        about = about | {"occurred": ended}
    if to == "completed":
        return _completed(incoming, rule, site, about)
    reason = said_reason(incoming.get("statusReason"))
    if not reason:
        sentence = f"Task.statusReason is needed when a Task becomes {to}; say why in its text."
        return [error("required", sentence, "Task.statusReason")]
    kinds = {
        "rejected": e.StepRejected,
        "failed": e.StepFailed,
        "cancelled": e.StepWaived,
        "on-hold": e.StepHeld,
    }
    return kinds[to](reason=reason, **about)


def _not_allowed(was: str, to: str, role: Role) -> Issue:
    if was == "in-progress" and to == "cancelled":
        remedy = "ask with a second Task, code abort, whose focus is this one"
    else:
        onward = allowed(was, role)
        remedy = (
            f"from here its {role} may set {', '.join(onward)}" if onward else f"its {role} sets nothing here"
        )
    return error("business-rule", f"A Task that is {was} cannot become {to}: {remedy}.", "Task.status")


def _resumed(to: str, step: Step, about: dict[str, Any]) -> e.Event | list[Issue]:
    if step.status is not StepStatus.ON_HOLD:
        sentence = "The whole pathway is on hold; this Task goes on when the centre resumes it."
        return [error("business-rule", sentence, "Task.status")]
    back = task_status(step.came_from or StepStatus.OPEN, step.assignment)
    if to != back:
        sentence = f"A Task on hold resumes to the status it came from; set {back}."
        return [error("business-rule", sentence, "Task.status")]
    return e.StepReleased(**about)


def _actual(incoming: Json, name: str) -> datetime | None:
    """An actual time that is exact; a bare date is none."""
    said = text_at(incoming, "executionPeriod", name)
    return instant(said, UTC) if said and "T" in said else None


# --- completed --------------------------------------------------------------------------------------------


def _completed(
    incoming: Json, rule: StepRule, site: Site, about: dict[str, Any]
) -> e.StepCompleted | list[Issue]:
    outcome = _outcome(incoming, rule, site)
    if isinstance(outcome, Issue):
        return [outcome]
    data: dict[str, Any] = {}
    problems: list[Issue] = []
    asked = {answer.key: answer for answer in rule.answers}
    for index, output in enumerate(objects_at(incoming, "output")):
        for key in our_codes(output.get("type"), site.code_system("answer")):
            value = answer_value(asked[key], output, site) if key in asked else None
            if value is None:
                problems.append(_unreadable(key, asked, f"Task.output[{index}]"))
            else:
                data[key] = value
    return problems or e.StepCompleted(outcome=outcome, data=data, **about)


def _outcome(incoming: Json, rule: StepRule, site: Site) -> str | Issue:
    """The outcome in our coding: from ``output``, else ``businessStatus``, else the only one there is."""
    system, keys = site.code_system("outcome"), [outcome.key for outcome in rule.outcomes]
    said: list[tuple[str, str]] = []
    for index, output in enumerate(objects_at(incoming, "output")):
        where = f"Task.output[{index}].value"
        said += [(where, code) for code in our_codes(output.get("valueCodeableConcept"), system)]
        if "outcome" in our_codes(output.get("type"), site.code_system("output")):
            plain = text_at(output, "valueCode") or text_at(output, "valueString")
            said += [(where, code) for code in (plain, text_at(output, "valueCoding", "code")) if code]
    said += [("Task.businessStatus", code) for code in our_codes(incoming.get("businessStatus"), system)]
    if said:
        where, code = said[0]
        if code in keys:
            return code
        return error(
            "code-invalid", f"Task.output names no outcome of this step; use {_either(keys)}.", where
        )
    if len(keys) == 1:
        return keys[0]
    sentence = f"Task.output needs the outcome, a code of {system}: {_either(keys)}."
    return error("required", sentence, "Task.output")


def our_codes(concept: Any, system: str) -> Iterator[str]:
    """The codes of a CodeableConcept in this system."""
    return (code for given, code, _ in codings(concept) if given == system and code)


def _either(keys: list[str]) -> str:
    return ", ".join(keys)


def answer_value(answer: Answer, output: Json, site: Site) -> Any:
    """The value[x] of an answer in its kind; None when there is none of that kind. The door checks the rest."""
    if answer.kind == "number":
        quantity = object_at(output, "valueQuantity")
        units = {text_at(quantity, "code"), text_at(quantity, "unit")} - {None}
        if quantity and answer.unit and units and answer.unit not in units:
            return None
        given = (quantity.get("value"), output.get("valueDecimal"), output.get("valueInteger"))
        return next((value for value in map(number, given) if value is not None), None)
    if answer.kind == "yes-no":
        value = output.get("valueBoolean")
        return value if isinstance(value, bool) else None
    if answer.kind == "choice":
        coded = our_codes(output.get("valueCodeableConcept"), site.code_system("choice"))
        if (chosen := next(coded, None)) is not None:
            return chosen
    names = {"date": ("valueDate",), "instant": ("valueDateTime", "valueInstant")}
    plain = names.get(answer.kind, ("valueString", "valueCode"))
    found = next((text for name in plain if (text := text_at(output, name))), None)
    return found or said_reason(output.get("valueCodeableConcept")) or None


def _unreadable(key: str, asked: dict[str, Answer], where: str) -> Issue:
    if key not in asked:
        known = ", ".join(asked) or "nothing"
        return error(
            "code-invalid", f"Task.output answers what this step does not ask; it asks {known}.", where
        )
    answer = asked[key]
    unit = f" in {answer.unit}" if answer.unit else ""
    return error("value", f"Task.output for {key} must be a {answer.kind}{unit}; correct its value.", where)
