"""The checker finds nothing in the protocols that come with Jalon, and says in sentences what is wrong with others."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from app.protocols import BUILTIN, load, load_for, read_centre
from pathway.checking.check import Checker, Report, check
from pathway.checking.fault import Fault
from pathway.checking.mutant import with_gate, with_step
from pathway.checking.texts import unsaid
from pathway.condition import Condition
from pathway.protocol import Offset, Protocol
from tests.pathway.tale import LOADED

PROTOCOL = LOADED.protocol
CENTRES = sorted((BUILTIN.parents[1] / "centres").glob("*.yaml"))


def told(protocol: Protocol, *near: str) -> Fault:
    """The first fault of a protocol that has one, looked for near these steps."""
    fault = Checker(protocol).first_fault(LOADED.texts, frozenset(near))
    assert fault is not None
    return fault


def said(report: Report) -> list[str]:
    return [str(fault) for fault in report.faults]


def test_the_protocol_that_comes_with_jalon_has_no_fault() -> None:
    report = check(PROTOCOL, LOADED.texts)
    assert said(report) == []
    assert report.states > 50_000
    steps = {key for one in report.slices for key in one.steps}
    assert steps == {rule.key for rule in PROTOCOL.steps}, "every step is in a slice"


@pytest.mark.parametrize("centre", CENTRES, ids=lambda path: path.stem)
def test_nor_have_the_example_centres(centre: Path) -> None:
    loaded = load_for(read_centre(centre))
    assert said(check(loaded.protocol, loaded.texts)) == []


def every_choice() -> list[tuple[str, str]]:
    settings = yaml.safe_load(BUILTIN.read_text(encoding="utf-8"))["settings"]
    return [(one["key"], str(choice)) for one in settings for choice in one.get("choices") or ()]


@pytest.mark.chaos
@pytest.mark.parametrize(("setting", "choice"), every_choice())
def test_nor_has_any_choice_that_a_centre_may_make(setting: str, choice: str) -> None:
    loaded = load(settings={setting: choice})
    assert said(check(loaded.protocol, loaded.texts)) == []


# --- what is wrong is said in a sentence, with the path that leads there --------------------------------------


def test_a_biopsy_that_can_stay_unread_is_told_with_the_way_to_it() -> None:
    gate = PROTOCOL.gate("G6")
    needs = tuple(replace(need, never_override=False) for need in gate.needs)
    fault = told(with_gate(PROTOCOL, gate, needs=needs), "closing")
    assert fault.where == "safety.obligations.biopsy_read"
    assert "closing closed can be recorded while biopsy ack is still waiting" in fault.problem
    assert "procedure done" in fault.path
    assert " → biopsy decision repeat biopsy → " in str(fault)
    assert fault.path[-1] == "closing closed"


def test_a_resumption_that_anybody_may_wave_away_is_told() -> None:
    rule = PROTOCOL.step("resumption_done")
    waved = with_step(PROTOCOL, rule, waivable=True)
    safety = replace(waved.safety, steps=tuple(one for one in waved.safety.steps if one.step != rule.key))
    fault = told(replace(waved, safety=safety), "closing")
    assert fault.where == "safety.obligations.anticoagulant_resumed"
    assert "resumption done is set aside" in fault.problem
    assert "resumption done waived" in fault.path


def test_two_steps_that_wait_for_each_other_are_a_dead_end() -> None:
    rule = PROTOCOL.step("triage")
    safety = replace(PROTOCOL.safety, steps=(), obligations=())
    waiting = with_step(PROTOCOL, rule, after=(Condition(step="radiologist_consult"),), waivable=False)
    faults = [str(fault) for fault in check(replace(waiting, safety=safety)).faults]
    assert any(
        "a dead end: triage waits for ever, radiologist consult waits for ever" in one for one in faults
    )
    assert any(one.startswith("steps.triage: never opens") for one in faults)


def test_a_gate_that_asks_for_what_no_answer_can_give_is_told() -> None:
    gate = PROTOCOL.gate("G6")
    never = replace(gate.needs[0], when=Condition(fact="pain_nrs", at_least=11))
    fault = told(with_gate(PROTOCOL, gate, needs=(*gate.needs, never)), "closing")
    assert fault.rule == "need-never-met"
    assert fault.where == f"gates.G6.needs[{len(gate.needs)}]"


def test_a_wait_that_nobody_hears_of_is_told() -> None:
    rule = PROTOCOL.step("mdt")
    quiet = with_step(PROTOCOL, rule, ladder=())
    safety = replace(quiet.safety, steps=())
    fault = told(replace(quiet, safety=safety))
    assert str(fault) == (
        "steps.mdt.ladder: nobody hears when it stays undone: add a rung of level escalation, counted from due."
    )


def test_a_wait_without_a_deadline_is_told() -> None:
    rule = PROTOCOL.step("mdt")
    window = replace(rule.window, due=(Offset(from_="fracture", days=1),), otherwise=None)
    fault = told(with_step(PROTOCOL, rule, window=window))
    assert fault.where == "steps.mdt.window"
    assert "every wait needs a deadline" in fault.problem


def test_a_rota_that_goes_round_ends_at_nobody() -> None:
    desk = PROTOCOL.messaging.desk
    roles = {**PROTOCOL.roles, desk: replace(PROTOCOL.roles[desk], fallback="radiologist")}
    fault = told(replace(PROTOCOL, roles=roles))
    assert fault.rule == "no-fallback"
    assert "the fallbacks go round and end at nobody" in fault.problem


def test_a_text_that_is_missing_in_one_language_is_told_with_its_channel() -> None:
    english = {key: text for key, text in LOADED.texts["arrival"]["en"].items() if key != "sms"}
    texts = {**LOADED.texts, "arrival": {**LOADED.texts["arrival"], "en": english}}
    faults = [str(fault) for fault in unsaid(PROTOCOL, texts)]
    assert faults == ["messages.arrival.en.sms: is missing, and the protocol sends it by sms."]


def test_a_name_that_leads_nowhere_is_told_alone() -> None:
    rule = PROTOCOL.step("triage")
    report = check(with_step(PROTOCOL, rule, performer="nobody"), LOADED.texts)
    assert [fault.rule for fault in report.faults] == ["name"]
    assert report.states == 0


def test_an_end_that_nothing_leads_to_is_told() -> None:
    protocol = replace(PROTOCOL, ends={**PROTOCOL.ends, "moved_away": PROTOCOL.ends["declined"]})
    assert told(protocol).where == "ends.moved_away"


def test_who_may_pass_is_neither_more_nor_fewer_than_stated() -> None:
    gate = PROTOCOL.gate("G3")
    wider = told(with_gate(PROTOCOL, gate, override=(*gate.override, "coordinator")), "procedure")
    assert wider.where == "safety.obligations.date_confirmed"
    nobody = told(with_gate(PROTOCOL, gate, override=()), "procedure")
    assert "may be passed by anaesthetist or lead_anaesthetist, but no gate lets them" in nobody.problem
