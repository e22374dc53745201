"""Another version of the protocol for a pathway under way: what is carried, what waits aside, what forbids it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app import hold_profiles
from pathway import events as e
from pathway.codec import decode, encode
from pathway.decide import decide
from pathway.ground import Ground
from pathway.hold_plan import HeldDrug, HoldStatus
from pathway.lifecycle import StepStatus
from pathway.migrating import NOT_NEEDED, leaving, migrate, undo
from pathway.moved import Compared, compared
from pathway.plan import plan
from pathway.protocol import read_protocol
from pathway.refusal import Refused
from pathway.state import Actor, Pathway
from tests.pathway.small import DESK, DOCTOR, NURSE, SLEEP, SMALL, START, T0, Small, said, step

ADMIN = Actor("root (command line)", "admin")
HOUR = timedelta(hours=1)
Data = dict[str, Any]


def changed(*changes: Callable[[Data], None], version: str = "2") -> Data:
    """The small protocol with these things done to it, under another version."""
    data = copy.deepcopy(SMALL)
    data["version"] = version
    for change in changes:
        change(data)
    return data


def of(data: Data, key: str) -> Data:
    found: Data = next(one for one in data["steps"] if one["key"] == key)
    return found


def without(key: str) -> Callable[[Data], None]:
    return lambda data: data["steps"].remove(of(data, key))


def beside(added: Data) -> Callable[[Data], None]:
    return lambda data: data["steps"].insert(1, added)


CALL = step("call", "coordinator", after=[{"step": "triage"}])


class Moved:
    """A pathway on the first version, and the ground of another to move it onto."""

    def __init__(self, *changes: Callable[[Data], None], first: Data | None = None) -> None:
        self.tale = Small(first)
        self.old = replace(self.tale.ground, protocol=read_protocol(first or SMALL, digest="one"))
        self.new = replace(self.old, protocol=read_protocol(changed(*changes), digest="two"))
        self.tale.ground = self.old
        self.tale.pathway = replace(self.tale.pathway, protocol_digest="one", protocol_version="1")

    def move(self, reason: str = "the board has decided so") -> Pathway:
        """Move it, now; the tale goes on by the new version."""
        event = e.Migrated(by=ADMIN, from_digest="one", to_digest="two", reason=reason)
        self.tale.pathway = migrate(self.tale.pathway, event, self.old, self.new, at=self.tale.now)
        self.tale.ground = self.new
        return self.tale.pathway

    def back(self) -> Pathway:
        """Undo the move, now."""
        event = e.MigrationUndone(by=ADMIN, from_digest="two", to_digest="one", reason="too early")
        self.tale.pathway = undo(self.tale.pathway, event, self.new, self.old, at=self.tale.now)
        self.tale.ground = self.old
        return self.tale.pathway

    def statuses(self) -> dict[str, str]:
        return {one.ref: one.status.value for one in self.tale.pathway.steps}


# --- what is carried over ---------------------------------------------------------------------------------


def test_a_step_that_only_the_new_version_has_is_added_and_opens_when_it_may() -> None:
    told = Moved(beside(CALL))
    told.tale.completes("triage")
    before = told.tale.pathway
    after = told.move()
    assert told.statuses()["call/1"] == "open"
    assert (after.protocol_version, after.protocol_digest) == ("2", "two")
    assert after.seq == before.seq + 1
    assert compared(before, after, told.old, told.new) == Compared(("call/1",), (), (), None)
    assert "call/1/task" in plan(after, told.new).by_key()
    assert [one.key for one in after.steps][:2] == ["triage", "call"], "in the order of the protocol"
    told.tale.completes("call")
    assert told.statuses()["call/1"] == "done"


def test_a_step_that_the_new_version_does_not_have_is_set_aside_as_it_is() -> None:
    told = Moved(without("leave"))
    told.tale.completes("triage")
    before = told.tale.pathway
    after = told.move()
    assert "leave/1" not in told.statuses()
    assert [one.ref for one in after.set_aside] == ["leave/1"]
    assert compared(before, after, told.old, told.new).dropped == ("leave/1",)
    shown = leaving(before, after, told.tale.now)
    gone = shown.at("leave", 1)
    assert gone is not None
    assert (gone.status, gone.reason) == (StepStatus.CANCELLED, "not part of version 2")
    assert shown.at("triage", 1) == before.at("triage", 1)


def test_work_on_demand_is_not_added_and_what_was_asked_for_stays() -> None:
    told = Moved(beside(step("photo", on_demand=True, track="items")))
    told.tale.completes("triage", "scanned")
    told.move()
    assert told.statuses()["scan/1"] == "open"
    assert "photo/1" not in told.statuses()


def test_an_open_step_nobody_has_touched_waits_if_the_new_version_asks_for_more_before_it() -> None:
    def later(data: Data) -> None:
        data["steps"].insert(1, CALL)
        of(data, "procedure")["after"] = [{"step": "call"}]

    told = Moved(later)
    told.tale.completes("triage")
    assert told.statuses()["procedure/1"] == "open"
    told.move()
    assert told.statuses()["procedure/1"] == "waiting"
    told.tale.completes("call")
    assert told.statuses()["procedure/1"] == "open"


def test_an_open_step_that_somebody_has_begun_goes_on() -> None:
    def later(data: Data) -> None:
        data["steps"].insert(1, CALL)
        of(data, "procedure")["after"] = [{"step": "call"}]

    told = Moved(later)
    told.tale.completes("triage")
    told.tale.does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    told.move()
    assert told.statuses()["procedure/1"] == "scheduled"


def test_what_was_not_needed_is_asked_again_by_the_new_version() -> None:
    never = step("call", "coordinator", after=[{"step": "triage", "outcome": ["scanned"]}])
    told = Moved(beside(CALL), first=changed(beside(never), version="1"))
    told.tale.completes("triage")
    dropped = told.tale.step("call")
    assert (dropped.status, dropped.reason) == (StepStatus.CANCELLED, NOT_NEEDED)
    told.move()
    assert told.statuses()["call/1"] == "open"
    told.back()
    assert told.statuses()["call/1"] == "cancelled"


def test_overrides_go_along_with_the_needs_that_are_asked_in_the_same_words() -> None:
    def one_more(data: Data) -> None:
        need = {"when": {"fact": "crp"}, "reason": said("CRP"), "source": "t"}
        data["gates"][0]["needs"].insert(0, need)

    told = Moved(one_more)
    told.tale.completes("triage").does(e.HoldNotRequired(by=SLEEP))
    told.tale.does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    for by in (DOCTOR, SLEEP):
        told.tale.does(e.GateOverridden(by=by, gate="GO", reason="an emergency"))
    before = told.tale.pathway
    assert [one.needs for one in before.overrides] == [(0,), (0,)]
    after = told.move()
    assert [one.needs for one in after.overrides] == [(1,), (1,)]
    [newly] = compared(before, after, told.old, told.new).stopped
    assert (newly.gate, newly.reason.en) == ("GO", "CRP")
    assert [one.needs for one in told.back().overrides] == [(0,), (0,)]


def test_an_override_of_a_need_that_is_gone_or_may_never_be_passed_is_left_behind_until_the_way_back() -> (
    None
):
    def never(data: Data) -> None:
        data["gates"][0]["needs"][0]["never_override"] = True

    told = Moved(never)
    told.tale.completes("triage").does(e.GateOverridden(by=DOCTOR, gate="GO", reason="an emergency"))
    assert told.move().overrides == ()
    assert len(told.back().overrides) == 1


# --- the hold plan ----------------------------------------------------------------------------------------


def with_profile(ground: Ground, name: str) -> Ground:
    return replace(ground, profiles={name: hold_profiles.builtin()[name]})


def signed(told: Moved) -> Moved:
    told.old = with_profile(told.old, "FR-2026-ELEVE")
    told.tale.ground = told.old
    told.tale.completes("triage")
    told.tale.does(e.VisitBooked(by=DESK, step="procedure", start=T0 + 72 * HOUR))
    apixaban = {"atc": "B01AF02", "text": "apixaban", "status": "active"}
    told.tale.learns(antithrombotics=[apixaban])
    drugs = (HeldDrug("apixaban", 2, "B01AF02"),)
    return told.tale.does(e.HoldSigned(by=SLEEP, drugs=drugs, text="Dernière prise le 3.")) and told


def test_a_signed_hold_plan_stands_while_the_centres_profile_is_the_same() -> None:
    told = signed(Moved(beside(CALL)))
    told.new = with_profile(told.new, "FR-2026-ELEVE")
    before = told.tale.pathway
    assert told.move().hold == before.hold


def test_another_profile_makes_the_plan_expire_and_the_way_back_restores_it() -> None:
    told = signed(Moved(beside(CALL)))
    told.new = with_profile(told.new, "FR-2026-TRES-ELEVE")
    before = told.tale.pathway
    after = told.move()
    assert after.hold.status is HoldStatus.EXPIRED
    assert compared(before, after, told.old, told.new).hold == ("signed", "expired")
    assert told.statuses()["hold_plan/2"] == "open"
    again = told.back()
    assert replace(again.hold, revision=before.hold.revision) == before.hold
    assert again.hold.revision > after.hold.revision, "what was withdrawn is not revived under its old name"
    assert "hold_plan/2" not in told.statuses()
    assert told.statuses()["hold_plan/1"] == "done"


def test_a_plan_that_is_being_signed_anew_is_not_put_back() -> None:
    told = signed(Moved(beside(CALL)))
    told.new = with_profile(told.new, "FR-2026-TRES-ELEVE")
    told.move()
    told.tale.does(e.HoldProposed(by=SLEEP, drugs=(HeldDrug("apixaban", 3, "B01AF02"),)))
    assert told.back().hold.status is HoldStatus.PROPOSED


# --- what forbids it --------------------------------------------------------------------------------------


def refused(told: Moved, sentence: str) -> None:
    before = told.tale.pathway
    with pytest.raises(Refused) as why:
        told.move()
    assert sentence in why.value.text.en
    assert why.value.text.fr != why.value.text.en
    assert told.tale.pathway is before


def test_a_step_under_way_has_to_have_a_place() -> None:
    told = Moved(
        without("triage"), lambda data: [of(data, key).pop("after") for key in ("hold_plan", "procedure")]
    )
    told.tale.does(e.StepStarted(by=DESK, step="triage"))
    refused(told, "triage is under way, and version 2 has no such step: finish it, or give up its slot")
    told.tale.completes("triage")
    told.move()


def test_a_slot_that_stands_has_to_be_given_up_and_the_patient_told() -> None:
    first = changed(beside(step("consult", kind="visit")), version="1")
    told = Moved(first=first)
    told.tale.does(e.VisitBooked(by=DESK, step="consult", start=T0 + 90 * HOUR))
    refused(told, "consult is under way, and version 2 has no such step")
    told.tale.does(e.VisitCancelled(by=DESK, step="consult", reason="another day"))
    told.move()


def test_an_outcome_that_the_new_version_does_not_know_cannot_be_said_in_it() -> None:
    told = Moved(lambda data: of(data, "triage")["outcomes"].pop())
    told.tale.completes("triage", "scanned")
    refused(told, "triage ended with 'scanned', which version 2 does not know; it knows: done.")


def test_a_step_under_way_cannot_become_another_kind_of_step() -> None:
    told = Moved(lambda data: of(data, "procedure").update(kind="task"))
    told.tale.completes("triage")
    told.tale.does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    refused(told, "procedure is under way and is of another kind in version 2 (task).")


def test_the_procedure_keeps_its_step_once_it_has_begun() -> None:
    def another(data: Data) -> None:
        data["steps"].append(step("treatment", kind="visit", after=[{"step": "triage"}]))
        data["procedure_step"] = "treatment"

    told = Moved(another)
    told.tale.completes("triage")
    told.tale.does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    refused(told, "procedure has begun, and version 2 makes it another step (treatment).")


def test_an_alarm_is_answered_before_the_version_that_raised_it_is_left() -> None:
    told = Moved(lambda data: data["surveillance"]["alarms"].pop(0))
    told.tale.operated()
    told.tale.sees(T0 + HOUR, "hourly/1", motor=5, spo2=97).sees(T0 + 2 * HOUR, "hourly/2", motor=3, spo2=97)
    refused(told, "The alarm 'neuro' awaits an answer, and version 2 does not know it: answer it first.")
    told.tale.at(T0 + 2 * HOUR)
    [key] = {one.key for one in told.tale.alerts() if one.key.startswith("alarm/neuro")}
    told.tale.does(e.AlertAcknowledged(by=DOCTOR, key=key))
    told.move()


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (e.Migrated(by=ADMIN, from_digest="one", to_digest="two", reason=" "), "Give the reason."),
        (
            e.Migrated(by=ADMIN, from_digest="0", to_digest="two", reason="x"),
            "on version 1, not on the one to move",
        ),
        (
            e.Migrated(by=ADMIN, from_digest="one", to_digest="3", reason="x"),
            "on version 1, not on the one to move",
        ),
    ],
)
def test_a_move_that_is_badly_asked_for_is_refused(event: e.Migrated, sentence: str) -> None:
    told = Moved()
    with pytest.raises(Refused, match=sentence):
        migrate(told.tale.pathway, event, told.old, told.new, at=START)


def test_a_pathway_moves_neither_onto_its_own_version_nor_onto_another_protocol() -> None:
    told = Moved(lambda data: data.update(protocol="other"))
    refused(told, "other is another protocol than small.")
    event = e.Migrated(by=ADMIN, from_digest="one", to_digest="one", reason="x")
    with pytest.raises(Refused, match="on version 1 already"):
        migrate(told.tale.pathway, event, told.old, told.old, at=START)


def test_what_has_ended_stays_on_the_version_it_ended_on() -> None:
    told = Moved(beside(CALL))
    told.tale.does(e.PathwayEnded(by=DOCTOR, end="withdrawn", reason="so the patient wishes"))
    refused(told, "This pathway has ended: it stays on the version it ended on.")


def test_the_door_alone_moves_a_pathway_for_it_takes_both_versions() -> None:
    told = Moved()
    event = e.Migrated(by=ADMIN, from_digest="one", to_digest="two", reason="x")
    with pytest.raises(Refused, match="Migrated is no event to record"):
        decide(told.tale.pathway, event, told.old, at=START)


# --- and back ---------------------------------------------------------------------------------------------


def ways() -> dict[str, tuple[tuple[Callable[[Data], None], ...], Callable[[Small], object]]]:
    """Changes of the protocol, and what has happened when the pathway is moved."""
    booked = e.VisitBooked(by=DESK, step="procedure", start=T0)
    return {
        "at the beginning": ((beside(CALL), without("leave")), lambda _: None),
        "after the triage": (
            (beside(CALL), without("watch"), without("leave"), no_watch),
            lambda t: t.completes("triage"),
        ),
        "booked": ((beside(CALL),), lambda t: t.completes("triage").does(booked)),
        "asked for": ((without("leave"),), lambda t: t.completes("triage", "scanned")),
        "on hold": (
            (beside(CALL),),
            lambda t: t.completes("triage").does(
                e.PathwayHeld(by=DOCTOR, reason="fever", revisit=(T0 + 48 * HOUR).date())
            ),
        ),
        "watched": ((beside(CALL),), lambda t: t.operated().sees(T0 + HOUR, "hourly/1", motor=5, spo2=97)),
    }


def no_watch(data: Data) -> None:
    data.pop("surveillance")
    data["gates"][1]["needs"] = [{"when": {"fact": "inr"}, "reason": said("INR"), "source": "t"}]


@pytest.mark.parametrize("way", ways())
def test_a_move_undone_leaves_the_plan_that_never_moving_leaves(way: str) -> None:
    changes, story = ways()[way]
    told = Moved(*changes)
    story(told.tale)
    before, wanted = told.tale.pathway, told.tale.plan()
    assert plan(told.move(), told.new) != wanted
    after = told.back()
    assert plan(after, told.old) == wanted
    assert after.set_aside == tuple(one for one in after.set_aside if one.key == "call")
    assert after.migrations == ()
    plain = replace(after, seq=before.seq, set_aside=(), steps=before.steps, fired=before.fired)
    assert replace(plain, hold=before.hold) == before
    untouched = {one.ref: replace(one, touched=None, created=None) for one in before.steps}
    assert {one.ref: replace(one, touched=None, created=None) for one in after.steps} == untouched


def test_what_happened_meanwhile_is_kept() -> None:
    told = Moved(beside(CALL))
    told.tale.completes("triage")
    told.move()
    told.tale.at(START + HOUR).completes("call").learns(crp=12.0)
    told.tale.does(e.VisitBooked(by=DESK, step="procedure", start=T0))
    after = told.back()
    assert after.fact("crp") is not None
    assert told.statuses()["procedure/1"] == "scheduled"
    assert [(one.ref, one.status) for one in after.set_aside] == [("call/1", StepStatus.DONE)]
    event = e.Migrated(by=ADMIN, from_digest="one", to_digest="two", reason="again")
    once_more = migrate(after, event, told.old, told.new, at=told.tale.now)
    call = once_more.last("call")
    assert call is not None
    assert call.status is StepStatus.DONE, "what was done on that version is done when it comes back"


def test_a_step_of_the_new_version_that_is_under_way_forbids_the_way_back() -> None:
    told = Moved(beside(CALL))
    told.tale.completes("triage")
    told.move()
    told.tale.does(e.StepStarted(by=NURSE, step="call"))
    with pytest.raises(Refused, match="call is under way, and version 1 has no such step"):
        told.back()


def test_there_is_nothing_to_undo_on_a_pathway_that_never_moved() -> None:
    told = Moved()
    with pytest.raises(Refused, match="there is nothing to undo"):
        told.back()


def test_what_is_set_aside_is_stored_with_the_state() -> None:
    told = Moved(without("leave"))
    after = told.move()
    assert decode(Pathway, json.loads(json.dumps(encode(after)))) == after
