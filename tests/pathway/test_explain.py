"""Why: every date, block and message of a pathway has an explanation, with the plan's own date and a source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

import pytest

from pathway import events as e
from pathway.explaining.explanation import UNSOURCED, Explanation
from pathway.explaining.whole import explain, explain_briefly, explain_one
from pathway.flags import flags
from pathway.gates import unmet
from pathway.ladders import alerts
from pathway.lifecycle import StepStatus
from pathway.plan import Kind, plan
from pathway.protocol import RuleName
from pathway.protocol_words import _RULES
from pathway.referral import Contact
from tests.pathway.tale import (
    ANAESTHESIA,
    ANAESTHETIST,
    CHECK,
    CONSULT,
    NADIA,
    RADIOLOGIST,
    WARD,
    Tale,
    on_apixaban,
    p01,
)


class Watched(Tale):
    """A tale in which everything is explained after every single event, those of the clock included."""

    moments = 0

    def _record(self, event: e.Event) -> None:
        super()._record(event)
        type(self).moments += 1
        judge(self)


def judge(tale: Any) -> dict[str, Explanation]:
    """What must hold of the explanations of any state."""
    pathway, ground = tale.pathway, tale.ground
    found = explain(pathway, ground)
    by_key = {one.key: one for one in found}
    assert len(by_key) == len(found), "each key once"
    brief = explain_briefly(pathway, ground)
    assert [(key, one.because, one.at) for key, one in brief.items()] == [
        (one.key, one.because, one.at) for one in found
    ], "the short answer is the beginning of the long one"
    planned = plan(pathway, ground)
    for item in (*planned.items, *planned.late):
        assert item.key in by_key, f"{item.key} is not explained"
        assert by_key[item.key].at == item.at, item.key
        if item.kind is Kind.TASK and item.not_before is not None:
            assert by_key[f"{item.step}/earliest"].at == item.not_before
        if item.kind is Kind.MESSAGE:
            shifts = [part.at for part in by_key[item.key].parts if part.at is not None]
            if shifts:
                assert shifts[-1] == item.at, f"{item.key}: the shifts lead to its hour"
    for alert in alerts(pathway, ground):
        assert by_key[alert.key].kind == "alert"
    for flag in flags(pathway, ground):
        why = by_key[f"flag/{flag.key}"]
        assert why.title.fr.endswith(flag.text.fr)
        assert why.parts, f"{flag.key} rests on something"
    for gate in ground.protocol.gates:
        whole = ground.protocol.gate(gate.key)
        missing = {f"gate/{gate.key}/{one.index}" for one in unmet(whole, pathway, ground)}
        assert {part.key for part in by_key[f"gate/{gate.key}"].parts if not part.holds} == missing
    for step in pathway.steps:
        assert step.ref in by_key
    for part in _everything(found):
        assert part.source, part.key
        for text in (part.title, part.because):
            assert text.fr.strip(), part.key
            assert text.en.strip(), part.key
            assert "{" not in text.fr + text.en, part.key
    return by_key


def _everything(found: tuple[Explanation, ...]) -> Iterator[Explanation]:
    for one in found:
        yield from one.walk()


def _to_the_end(tale: Tale) -> None:
    tale.until_home().books("review", "2027-03-11 10:00", place="Salle 2")
    tale.at("2027-02-26 15:00").completes("biopsy_result", "benign", NADIA)
    tale.at("2027-03-01 09:00").completes("biopsy_ack", "acknowledged", RADIOLOGIST)
    tale.at("2027-03-11 10:20").completes("review", "seen", RADIOLOGIST, pain_nrs=2, opioid_stopped=True)
    tale.at("2027-03-12 10:00").completes("bone_owner", "accepted")
    tale.at("2027-03-15 10:00").completes("closing", "closed")
    tale.at("2027-03-18 10:00").completes("dxa", "done", t_score=-3.1)
    tale.at("2027-04-06 10:00").completes("treatment", "started", bone_treatment="zoledronate")
    tale.at("2028-01-19 10:00").completes("follow_up_52w", "adherent")


def test_everything_on_the_whole_way_of_p01_is_explained() -> None:
    Watched.moments = 0
    tale = Watched(antithrombotics=[])
    judge(tale)
    _to_the_end(tale)
    assert Watched.moments >= 30


def test_everything_is_explained_for_a_patient_of_whom_all_goes_late() -> None:
    tale = Watched(antithrombotics=[{"atc": "B01AF02", "text": "apixaban", "status": "active"}])
    tale.at("2027-02-10 09:00").completes("triage", "accepted")
    tale.books("radiologist_consult", "2027-02-12 11:00").at("2027-02-12 12:00")
    tale.does(e.VisitMissed(by=NADIA, step="radiologist_consult")).at("2027-02-20 12:00")
    tale.books("radiologist_consult", "2027-02-22 11:00").at("2027-02-22 12:00")
    tale.completes("radiologist_consult", "seen", RADIOLOGIST, **CONSULT)
    tale.completes("indication", "validated", RADIOLOGIST)
    tale.books("procedure", "2027-03-30 09:30", confirmed=False).at("2027-03-05 10:00")
    tale.completes("anaesthesia_consult", "fit", ANAESTHETIST, **ANAESTHESIA)
    tale.signs_hold(("apixaban", 3, "B01AF02")).books("procedure", "2027-03-30 09:30")
    tale.at("2027-03-27 11:00").books("procedure", "2027-04-06 09:30").at("2027-03-28 09:00")
    tale.does(e.PathwayHeld(by=NADIA, reason="fièvre", revisit=tale.now.date()))
    tale.at("2027-03-29 09:00").does(e.PathwayResumed(by=NADIA))
    tale.does(e.PatientDied(by=NADIA))
    assert explain_one("review/1", tale.pathway, tale.ground) is not None


def test_everything_is_explained_when_nothing_can_be_sent() -> None:
    tale = Watched(antithrombotics=[], contact=Contact(landline="+33199000011"))
    tale.until_indication()
    found = judge(tale)
    calls = [one for one in found.values() if one.kind == "call"]
    assert calls
    channel = next(part for part in calls[0].parts if part.kind == "channel")
    assert channel.because.en == "A call: no electronic channel can reach the patient."
    assert {part.because.en for part in channel.parts} == {"No number or address."}


def test_a_due_date_says_which_limit_won_and_what_the_others_would_have_been() -> None:
    tale = p01().until_anaesthesia()
    found = explain_one("anaesthesia_consult/1/task", p01().until_indication().pathway, tale.ground)
    assert found is not None
    assert found.because.en == (
        "Mon 15 Feb 2027, 18:00 = Indication (done) (Fri 5 Feb 2027, 12:00 (done, Validated)) + 10 days, at 18:00."
    )
    verdicts = [(part.holds, part.because.en) for part in found.parts]
    assert verdicts[1:] == [
        (False, "The procedure has no date."),
        (False, "Counts only while no other limit is known."),
    ]
    (indication, *_) = found.inputs
    assert (indication.by, indication.source) == ("Dr Morel", "step/indication/1")


def test_the_source_of_a_number_comes_before_that_of_its_step() -> None:
    tale = p01().until_anaesthesia("2027-02-12 09:30")
    found = explain_one("procedure/1/task", tale.pathway, tale.ground)
    assert found is not None
    assert found.source == "VAPOUR; EBI"
    consult = explain_one("review/1/task", tale.pathway, tale.ground)
    assert consult is not None
    assert consult.source == tale.ground.protocol.step("review").source


def test_skipped_weekends_and_holidays_are_said() -> None:
    tale = Tale("2027-03-25 10:00", facts={"pain_nrs": 3})  # the Thursday before Easter Monday, 29 March
    found = explain_one("triage/1/task", tale.pathway, tale.ground)
    assert found is not None
    assert found.because.fr == (
        "Mar. 30 mars 2027, 17:00 = demande (jeu. 25 mars 2027, 10:00) + 2 jours ouvrés, "
        "à la fermeture (17:00), 2 jours de week-end non comptés, férié non compté : lun. 29 mars 2027."
    )


def test_a_need_says_who_answered_and_an_override_who_took_it_on() -> None:
    tale = p01().until_indication().books("procedure", "2027-02-16 09:30", confirmed=False)
    tale.does(e.GateOverridden(by=ANAESTHETIST, gate="G3", reason="urgence"))
    gate = judge(tale)["gate/G3"]
    assert gate.holds
    assert gate.because.fr == "Ouvert, par dérogation."
    assert "Levé par Dr Klein le ven. 5 févr. 2027, 12:00 : « urgence »" in {
        one.because.fr for one in gate.parts
    }
    levels = judge(tale)["gate/G1"].parts[0]
    (told,) = levels.inputs
    assert (told.value and told.value.fr, told.by) == ("T12", "Dr Morel")


def test_no_word_of_a_hold_is_explained_by_the_missing_signature() -> None:
    tale = on_apixaban().until_anaesthesia()
    silence = judge(tale)["procedure/1/message/hold"]
    assert silence.kind == "silence"
    assert silence.because.en == "No hold plan is signed."
    tale.signs_hold(("apixaban", 3, "B01AF02"))
    found = judge(tale)
    assert "procedure/1/message/hold" not in found
    spoken = [one for key, one in found.items() if key.startswith("procedure/1/message/hold/")]
    assert [one.kind for one in spoken] == ["message", "message"]


def test_another_channel_says_why_not_the_first() -> None:
    tale = p01().until_indication().does(e.ChannelOptedOut(by=NADIA, channel="sms"))
    tale.books("anaesthesia_consult", "2027-02-12 10:00")
    found = [one for one in judge(tale).values() if one.kind == "message" and "/appointment/" in one.key]
    channel = next(part for part in found[0].parts if part.kind == "channel")
    assert [(part.holds, part.because.fr) for part in channel.parts] == [
        (False, "Le patient n'en veut plus."),
        (True, "C'est lui."),
    ]


def test_a_sunday_is_said_to_be_why_a_message_waits_for_monday() -> None:
    tale = p01().until_indication()
    follow_up = judge(tale)["dxa/1/message/follow_up/1/sms"]
    hour = next(part for part in follow_up.parts if part.kind == "hour")
    assert hour.because.en == (
        "Mon 22 Mar 2027, 08:00: written only between 08:00 and 20:00, on no Sunday or holiday."
    )


def test_waiting_and_cancelled_steps_say_what_for_and_why() -> None:
    tale = p01().until_done()
    found = judge(tale)
    assert found["closing/1"].because.fr.startswith("Attend : Sortie ; Consultation de contrôle")
    assert found["resumption_order/1"].because.fr.endswith("sans objet sur ce parcours.")
    assert tale.step("resumption_order").status is StepStatus.CANCELLED


def test_a_held_drug_says_its_last_day_and_the_longest_delay_stands_in_for_a_plan() -> None:
    tale = on_apixaban().until_anaesthesia()
    waiting = explain_one("hold_plan/1/task", tale.pathway, tale.ground)
    assert waiting is not None
    assert "D-7: the longest delay, as nothing is proposed" in waiting.because.en
    tale.signs_hold(("apixaban", 3, "B01AF02"))
    (drug,) = judge(tale)["hold"].parts
    assert drug.because.en.startswith("Last intake on Sat 13 Feb 2027 at the latest: D-3")


def test_what_is_planned_no_longer_still_tells_the_rule_that_asked_for_it() -> None:
    tale = p01().until_home()
    (sent, *_) = [one for one in tale.sent if one.template == "arrival"]
    found = explain_one(sent.key, tale.pathway, tale.ground)
    assert found is not None
    assert found.rule is not None
    assert found.rule.en == "slot − 3 d 10:00"
    assert found.because.en == "No longer planned: the step is settled (done, Done)."
    assert explain_one("nothing/1/of/that", tale.pathway, tale.ground) is None
    assert explain_one("review/9/task", tale.pathway, tale.ground) is None


def test_alerts_say_what_they_counted_from_and_who_was_on_call() -> None:
    tale = p01().at("2027-02-04 12:00")
    (alert, *_) = tale.alerts()
    found = judge(tale)[alert.key]
    assert "Fired" in found.because.en
    assert "(on call)" in found.because.en
    assert found.rule is not None
    assert "Lead radiologist" in found.rule.en or "Referrer" in found.rule.en


def test_asking_why_changes_nothing_and_gives_the_same_answer_twice() -> None:
    tale = on_apixaban().until_anaesthesia()
    before = tale.pathway
    assert explain(tale.pathway, tale.ground) == explain(tale.pathway, tale.ground)
    assert tale.pathway is before


def test_every_check_of_a_gate_has_words() -> None:
    assert set(_RULES) == set(get_args(RuleName))


@pytest.mark.parametrize("stage", ["until_indication", "until_anaesthesia", "until_done", "until_home"])
def test_nothing_is_said_to_be_unsourced_where_its_step_has_a_source(stage: str) -> None:
    tale: Tale = getattr(p01(), stage)()
    dated = [one for one in explain(tale.pathway, tale.ground) if one.kind in ("due", "earliest", "rung")]
    assert dated
    bare = {step.key for step in tale.ground.protocol.steps if step.source == UNSOURCED}
    assert {one.key.partition("/")[0] for one in dated if one.source == UNSOURCED} <= bare | {"pathway"}
    assert all(isinstance(one.at, datetime) or one.at is None for one in dated)


def test_the_check_and_the_way_home_are_explained_too() -> None:
    tale = p01().until_confirmed().at("2027-02-16 08:15").completes("preop_check", "go", WARD, **CHECK)
    assert judge(tale)["gate/G4"].holds
    tale.at("2027-02-16 09:30").does(e.StepStarted(by=RADIOLOGIST, step="procedure"))
    assert judge(tale)["procedure/1"].because.en == "Under way since Tue 16 Feb 2027, 09:30."
    tale.at("2027-02-16 10:20").completes(
        "procedure", "done", RADIOLOGIST, occurred="2027-02-16 10:10", cement_ml=2, biopsy_taken=True
    )
    leaving = judge(tale)["discharge/1/task"]
    assert leaving.because.en.endswith("+ 28 hours, in real hours.")
