"""Is it so? Each statement of a story held against the pathway, its rows and its referral at one instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.story import judge_hold
from app.story.counts import WORDS, counts
from app.story.format import Statement, subject_of
from app.story.scene import Finding, Scene
from pathway.anchors import due
from pathway.gates import unmet
from pathway.ladders import alerts
from pathway.planned import Kind
from pathway.stage import stage
from pathway.state import Step
from pathway.watch import is_answered
from store.tables import OwedRow

_LEFT = ("sent", "sending", "uncertain")


def judge(said: Statement, scene: Scene) -> Finding:
    """Whether the statement is so in this scene, ``not`` included."""
    finding = _JUDGES[subject_of(said)](said, scene)
    return Finding(not finding.holds, finding.found) if said.not_ else finding


def _step(said: Statement, scene: Scene) -> Finding:
    step = _occurrence(said.step or "", said, scene)
    if step is None:
        return Finding(False, f"there is no step {said.step}")
    found = f"{step.ref} is {step.status}" + (f", {step.outcome}" if step.outcome else "")
    holds = said.status in (None, step.status) and said.outcome in (None, step.outcome)
    return Finding(holds, found)


def _task(said: Statement, scene: Scene) -> Finding:
    step = _occurrence(said.task or "", said, scene)
    item = scene.plan.by_key().get(f"{step.ref}/task") if step else None
    if item is None or step is None:
        return Finding(False, f"no task {said.task} is to be done" + (f" ({step.status})" if step else ""))
    holds = (
        said.status in (None, step.status)
        and (said.due is None or scene.is_at(said.due, item.at))
        and (said.not_before is None or scene.is_at(said.not_before, item.not_before))
    )
    earliest = f", not before {scene.wall(item.not_before)}" if item.not_before else ""
    return Finding(holds, f"{step.ref} is {step.status}, due {scene.wall(item.at)}{earliest} ({item.why})")


def _visit(said: Statement, scene: Scene) -> Finding:
    step = _occurrence(said.visit or "", said, scene)
    visit = step.visit if step else None
    if visit is None:
        return Finding(False, f"no visit {said.visit} was ever booked")
    stands = visit.stands if said.status is None else said.status == visit.status
    holds = stands and (said.at is None or scene.is_at(said.at, visit.start))
    holds = holds and said.place in (None, visit.place)
    return Finding(holds, f"{said.visit} is {visit.status} at {scene.wall(visit.start)}")


def _occurrence(key: str, said: Statement, scene: Scene) -> Step | None:
    if scene.pathway is None:
        return None
    return scene.pathway.at(key, said.occurrence) if said.occurrence else scene.pathway.last(key)


# --- what was said ----------------------------------------------------------------------------------------


def _message(said: Statement, scene: Scene) -> Finding:
    status = said.status or "sent"
    kinds = (Kind.MESSAGE,) if said.message != "staff_page" else (Kind.PAGE,)
    matching = [
        row
        for row in scene.rows
        if row.kind in kinds
        and said.message in ("any", row.data.get("template"))
        and said.about in (None, row.step.partition("/")[0])
        and said.channel in (None, row.channel)
        and _is(row, status)
        and _within(row, said, scene)
    ]
    if said.says is not None or said.says_not is not None:
        matching = [row for row in matching if _reads(row, said)]
    holds = len(matching) == said.count if said.count is not None else bool(matching)
    if (over := _not_over(said, scene)) is not None:
        return over
    return Finding(holds, _listed(matching, scene))


def _is(row: OwedRow, status: str) -> bool:
    return row.status in _LEFT if status == "sent" else row.status == status


def _within(row: OwedRow, said: Statement, scene: Scene) -> bool:
    at = _when(row)
    if at is None:
        return said.from_ is None and said.to is None
    begins = scene.days.start(said.from_) if said.from_ else at
    ends = scene.days.instant(said.to) if said.to else at
    return begins <= at <= ends


def _when(row: OwedRow) -> datetime | None:
    """When a row left, or when it is to leave."""
    return row.begun if row.status in _LEFT else row.at


def _reads(row: OwedRow, said: Statement) -> bool:
    text = f"{row.subject or ''}\n{row.text or ''}".casefold()
    if said.says is not None and said.says.casefold() not in text:
        return False
    return said.says_not is None or said.says_not.casefold() not in text


def _nothing_sent(said: Statement, scene: Scene) -> Finding:
    kinds = {"patient": (Kind.MESSAGE,), "staff": (Kind.PAGE,), "anybody": (Kind.MESSAGE, Kind.PAGE)}
    left = [
        row
        for row in scene.rows
        if row.kind in kinds[said.nothing_sent or "anybody"]
        and row.status in (*_LEFT, "failed")
        and row.begun is not None
        and _within(row, said, scene)
    ]
    return _not_over(said, scene) or Finding(not left, _listed(left, scene))


def _not_over(said: Statement, scene: Scene) -> Finding | None:
    """A period still running proves nothing yet."""
    if said.to is None or scene.days.instant(said.to) <= scene.now or (said.message and not said.not_):
        return None
    # Neither so nor not so: ``not`` must not turn this into a success.
    return Finding(said.not_, f"the clock stands at {scene.wall(scene.now)}, before the period ends")


def _listed(rows: Sequence[OwedRow], scene: Scene) -> str:
    if not rows:
        return "no message"
    told = [f"{row.data.get('template')} by {row.channel} at {scene.wall(_when(row))}" for row in rows[:5]]
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return "; ".join(told) + more


def _owed(kind: Kind, name: str) -> Callable[[Statement, Scene], Finding]:
    def owed(said: Statement, scene: Scene) -> Finding:
        about = getattr(said, name)
        rows = [
            row
            for row in scene.rows
            if row.kind == kind
            and about in ("any", row.step.partition("/")[0] or "pathway")
            and said.towards in (None, row.data.get("to"))
            and said.channel in (None, row.data.get("channel"))
            and _owes(row, said)
            and _within(row, said, scene)
            and row.status == (said.status or "planned")
            and (said.status is not None or row.at is None or row.at <= scene.now)
        ]
        holds = len(rows) == said.count if said.count is not None else bool(rows)
        listed = "; ".join(f"{row.key} since {scene.wall(row.at)}" for row in rows[:5])
        return Finding(holds, listed or f"no {name} is owed")

    return owed


def _owes(row: OwedRow, said: Statement) -> bool:
    """Whether what is to be said holds these words."""
    text = row.data.get("text", {})
    spoken = " ".join(text.values()) if isinstance(text, dict) else str(text)
    return said.says is None or said.says.casefold() in spoken.casefold()


# --- what stands in the way -------------------------------------------------------------------------------


def _gate(said: Statement, scene: Scene) -> Finding:
    if scene.pathway is None:
        return Finding(False, "there is no pathway")
    open_needs = unmet(scene.ground.protocol.gate(said.gate or ""), scene.pathway, scene.ground)
    reasons = [text for one in open_needs for text in (one.need.reason.en, one.need.reason.fr)]
    met = not open_needs
    holds = met is (True if said.met is None else said.met)
    if said.because is not None:
        holds = holds and any(said.because.casefold() in reason.casefold() for reason in reasons)
    return Finding(
        holds, f"{said.gate} is met" if met else f"{said.gate} is not met: {' '.join(reasons[::2])}"
    )


def _alert(said: Statement, scene: Scene) -> Finding:
    standing = alerts(scene.pathway, scene.ground) if scene.pathway else ()
    matching = [
        alert
        for alert in standing
        if said.alert in ("any", alert.role, *alert.also)
        and said.about in (None, alert.step.key if alert.step else "pathway")
        and said.level in (None, alert.level)
        and said.acknowledged in (None, alert.acknowledged is not None)
        and (said.says is None or said.says.casefold() in f"{alert.text.fr}\n{alert.text.en}".casefold())
    ]
    found = "; ".join(f"{alert.level} to {alert.role}: {alert.text.en}" for alert in standing)
    return Finding(bool(matching), found or "no alert stands")


def _flag(said: Statement, scene: Scene) -> Finding:
    standing = scene.plan.flags
    matching = [flag for flag in standing if flag.key.startswith(said.flag or "")]
    if said.says is not None:
        wanted = said.says.casefold()
        matching = [f for f in matching if wanted in f"{f.text.fr}\n{f.text.en}".casefold()]
    found = "; ".join(f"{flag.key}: {flag.text.en}" for flag in standing)
    return Finding(bool(matching), found or "nothing is flagged")


def _written(said: Statement, scene: Scene) -> Finding:
    """Whether these words stand anywhere in what was written about the patient: to her, to staff, on a screen."""
    texts = [f"{row.subject or ''} {row.text or ''} {row.data}" for row in scene.rows]
    texts += [f"{flag.text.fr} {flag.text.en}" for flag in scene.plan.flags]
    if scene.pathway is not None:
        ground, hold = scene.ground, scene.pathway.hold
        texts += [f"{one.text.fr} {one.text.en}" for one in alerts(scene.pathway, ground)]
        rules = [ground.protocol.step(step.key) for step in scene.pathway.steps]
        texts += [f"{rule.title.fr} {rule.title.en}" for rule in rules]
        texts += [hold.text, *(judge_hold.spoken(one) for one in (hold.answer.drugs if hold.answer else ()))]
    word = (said.written or "").casefold()
    found = [text for text in texts if word in text.casefold()]
    where = f": {found[0].strip()[:120]}" if found else ""
    return Finding(bool(found), f"{said.written!r} stands in {len(found)} of {len(texts)} texts{where}")


# --- the whole --------------------------------------------------------------------------------------------


def _pathway(said: Statement, scene: Scene) -> Finding:
    pathway = scene.pathway
    if pathway is None:
        return Finding(said.pathway == "none", "there is no pathway")
    holds = pathway.status == said.pathway and said.end in (None, pathway.end)
    return Finding(holds, f"the pathway is {pathway.status}" + (f", {pathway.end}" if pathway.end else ""))


def _stage(said: Statement, scene: Scene) -> Finding:
    where = stage(scene.pathway, scene.ground) if scene.pathway else "none"
    return Finding(where == said.stage, f"the stage is {where}")


def _referral(said: Statement, scene: Scene) -> Finding:
    received = scene.received
    holds = received.status == said.referral
    if said.missing is not None:
        holds = holds and set(said.missing) <= set(received.missing)
    lacks = f", missing {', '.join(received.missing)}" if received.missing else ""
    return Finding(holds, f"the referral is {received.status}{lacks}")


def _fact(said: Statement, scene: Scene) -> Finding:
    fact = scene.pathway.fact(said.fact or "") if scene.pathway else None
    if fact is None:
        return Finding(False, f"nothing is known under {said.fact}")
    wanted = [] if said.is_ == "none" else said.is_
    return Finding(fact.value == wanted, f"{said.fact} is {fact.value!r} since {scene.wall(fact.at)}")


def _finding(said: Statement, scene: Scene) -> Finding:
    there = {one.key: one.since for one in scene.pathway.flagged} if scene.pathway else {}
    found = ", ".join(f"{key} since {scene.wall(since)}" for key, since in there.items())
    return Finding(said.finding in there, found or "no finding")


def _alarm(said: Statement, scene: Scene) -> Finding:
    raised = (
        [one for one in scene.pathway.alarms if said.alarm in ("any", one.alarm)] if scene.pathway else []
    )
    if said.answered is not None and scene.pathway is not None:
        raised = [one for one in raised if is_answered(one, scene.pathway) is said.answered]
    holds = len(raised) == said.count if said.count is not None else bool(raised)
    found = "; ".join(f"{one.alarm} at {scene.wall(one.at)}" for one in raised)
    return Finding(holds, found or "no alarm was raised")


def _recorded(said: Statement, scene: Scene) -> Finding:
    lines = [
        at
        for kind, at in scene.history
        if said.recorded == kind
        and (said.from_ is None or scene.days.start(said.from_) <= at)
        and (said.to is None or at <= scene.days.instant(said.to))
        and (said.at is None or scene.is_at(said.at, at))
    ]
    holds = len(lines) == said.count if said.count is not None else bool(lines)
    return Finding(holds, f"{said.recorded}: " + (", ".join(scene.wall(at) for at in lines) or "never"))


def _linked(said: Statement, scene: Scene) -> Finding:
    """A pathway that follows this one, for another fracture of the vertebra that is named; or one of its steps."""
    found = [one for one in scene.others if said.linked in ("any", one.fracture.level)]
    found = [one for one in found if said.status in (None, one.status)]
    listed = "; ".join(f"{one.fracture.level} of {one.fracture.onset}: {one.status}" for one in scene.others)
    if said.step_of is None:
        return Finding(bool(found), listed or "no pathway follows this one")
    steps = [(step, one) for one in found if (step := one.last(said.step_of)) is not None]
    told = []
    holds = False
    for step, one in steps:
        limit = due(step, one, scene.ground)
        is_due = said.due is None or scene.is_at(said.due, limit.instant if limit else None)
        holds = holds or (said.status_of in (None, step.status) and is_due)
        told.append(f"{step.ref} is {step.status}, due {scene.wall(limit.instant if limit else None)}")
    return Finding(holds, "; ".join(told) or listed)


def _indicator(said: Statement, scene: Scene) -> Finding:
    """How the patient counts; without ``counts``, that the indicator hears of the patient at all."""
    if scene.pathway is None:
        return Finding(False, "there is no pathway")
    key = said.indicator or ""
    found = counts(key, scene.pathway, scene.ground, scene.lines, scene.others, scene.now)
    matching = [
        one
        for one in found
        if said.counts in (None, WORDS[one.counts]) and said.because in (None, one.why, one.part)
    ]
    holds = len(matching) == said.count if said.count is not None else bool(matching)
    told = "; ".join(f"{WORDS[one.counts]} {one.why or one.part}".strip() for one in found)
    return Finding(holds, f"{key}: {told or 'nothing'}")


_JUDGES: dict[str, Callable[[Statement, Scene], Finding]] = {
    "step": _step,
    "task": _task,
    "visit": _visit,
    "message": _message,
    "nothing_sent": _nothing_sent,
    "gate": _gate,
    "alert": _alert,
    "flag": _flag,
    "call": _owed(Kind.CALL, "call"),
    "letter": _owed(Kind.LETTER, "letter"),
    "hold": judge_hold.status,
    "pathway": _pathway,
    "stage": _stage,
    "referral": _referral,
    "fact": _fact,
    "finding": _finding,
    "alarm": _alarm,
    "recorded": _recorded,
    "linked": _linked,
    "indicator": _indicator,
    "delay": judge_hold.delay,
    "warning": judge_hold.warning,
    "input": judge_hold.reasoned_from,
    "written": _written,
}
