"""The runner on the real engine: every deadline at its moment, and an expectation that proves nothing found out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.settings import Misconfigured
from gateways.mailbox import MailboxGateway
from tests.story.cast import HEADER, NOW, play, verdicts, why

CONSULT = """\
  - {at: 2027-02-01 10:00, complete: triage, outcome: accepted}
  - {at: 2027-02-01 10:05, book: {step: radiologist_consult, start: 2027-02-08 10:00}}
"""


def test_a_message_leaves_at_its_own_moment_between_two_lines(tmp_path: Path) -> None:
    played = play(tmp_path, CONSULT + "until: 2027-02-07 23:00\n")
    sent = [entry.at for entry in played.entries if entry.kind == "message" and "sent" in entry.text]
    assert sent == [datetime(2027, 2, day, 9, 0, tzinfo=UTC) for day in (3, 5, 7)]
    kept = MailboxGateway(tmp_path / "mailbox", clock=lambda: NOW).read_all()
    assert [one.at for one in reversed(kept)] == sent


def test_a_message_is_not_sent_before_it_is_due(tmp_path: Path) -> None:
    played = play(tmp_path, CONSULT + "until: 2027-02-03 09:59\n")
    assert not [entry for entry in played.entries if entry.kind == "message"]


def test_a_control_that_is_so_too_fails_its_expectation(tmp_path: Path) -> None:
    lines = """\
  - at: 2027-02-01 09:30
    id: real
    expect: {step: triage, status: open}
    control: {step: triage, status: done}
  - at: 2027-02-01 09:30
    id: empty
    expect: {message: any, not: yes}
    control: {message: appointment, not: yes}
"""
    played = play(tmp_path, lines)
    assert verdicts(played) == {"real": True, "empty": False}
    assert "proves nothing" in why(played, "empty")


def test_a_refusal_that_nobody_expected_fails_the_story(tmp_path: Path) -> None:
    played = play(tmp_path, "  - {at: 2027-02-01 10:00, complete: surveillance, outcome: uneventful}\n")
    [failed] = played.failed
    assert failed.place.endswith("story.yaml:8")
    assert "cannot become done" in failed.why


def test_a_refusal_that_was_expected_and_did_not_come_fails_too(tmp_path: Path) -> None:
    line = "  - {at: 2027-02-01 10:00, id: barred, complete: triage, outcome: accepted, refused: gate}\n"
    played = play(tmp_path, line)
    assert why(played, "barred") == "it was not refused"
    assert verdicts(played) == {"barred": False}


def test_a_refusal_for_another_reason_than_the_expected_one_fails(tmp_path: Path) -> None:
    line = "  - {at: 2027-02-01 10:00, id: barred, start: procedure, refused: fever}\n"
    assert verdicts(play(tmp_path, line)) == {"barred": False}


def test_silence_in_a_period_that_is_not_over_is_not_yet_silence(tmp_path: Path) -> None:
    lines = """\
  - at: 2027-02-01 12:00
    id: early
    expect: {nothing_sent: anybody, from: 2027-02-01 09:00, to: 2027-02-01 18:00}
"""
    played = play(tmp_path, lines)
    assert verdicts(played) == {"early": False}
    assert "before the period ends" in why(played, "early")


def test_a_person_acts_only_within_her_account(tmp_path: Path) -> None:
    people = "people: {chief: {name: Direction, role: admin}}\n"
    line = """\
  - at: 2027-02-01 10:00
    by: chief
    id: barred
    complete: triage
    outcome: accepted
    refused: may not record
"""
    assert verdicts(play(tmp_path, line, header=HEADER + people)) == {"barred": True}


def test_a_number_that_is_wrong_for_good_becomes_a_call(tmp_path: Path) -> None:
    lines = f"""\
  - {{at: 2027-02-01 09:30, gateway: {{sms: reject}}}}
{CONSULT}  - at: 2027-02-05 11:00
    id: called
    expect: {{call: radiologist_consult}}
  - at: 2027-02-05 11:00
    id: failed
    expect: {{message: appointment, status: failed, count: 1}}
    control: {{message: appointment}}
  - {{at: 2027-02-05 12:00, settle_call: radiologist_consult, note: Viendra}}
  - {{at: 2027-02-05 12:00, settle_call: radiologist_consult, note: Viendra avec ses documents}}
  - at: 2027-02-05 12:01
    id: settled
    expect: {{call: radiologist_consult, not: yes}}
"""
    assert verdicts(play(tmp_path, lines)) == {"called": True, "failed": True, "settled": True}


def test_a_provider_that_is_down_is_tried_again_until_it_takes_the_message_once(tmp_path: Path) -> None:
    lines = f"""\
  - {{at: 2027-02-01 09:30, gateway: {{sms: refuse}}}}
{CONSULT}  - at: 2027-02-05 11:00
    id: not-yet
    expect: {{message: appointment, not: yes}}
    control: {{message: appointment, status: planned, not: yes}}
  - {{at: 2027-02-05 11:00, gateway: {{sms: ok}}}}
  - at: 2027-02-05 12:00
    id: then
    expect: {{message: appointment, from: 2027-02-05 11:00, to: 2027-02-05 12:00, count: 1}}
    control: {{message: appointment, from: 2027-02-01, to: 2027-02-05 10:59}}
"""
    assert verdicts(play(tmp_path, lines)) == {"not-yet": True, "then": True}


@pytest.mark.parametrize("manner", ["lose", "hang"])
def test_a_lost_answer_is_looked_into_and_the_message_arrives_once(tmp_path: Path, manner: str) -> None:
    lines = f"""\
  - {{at: 2027-02-01 09:30, gateway: {{sms: {manner}}}}}
{CONSULT}  - {{at: 2027-02-05 10:20, gateway: {{sms: ok}}}}
  # One message a day: what hung before it may take this day, and this one the next.
  - at: 2027-02-06 12:00
    id: once
    expect: {{message: appointment, status: sent, count: 1}}
"""
    assert verdicts(play(tmp_path, lines)) == {"once": True}
    kept = MailboxGateway(tmp_path / "mailbox", clock=lambda: NOW).read_all()
    assert len([one for one in kept if "rappel" in one.message.text]) == 1


def test_a_visit_at_nine_stays_at_nine_over_the_change_of_clocks(tmp_path: Path) -> None:
    lines = """\
  - {at: 2027-03-24 10:00, complete: triage, outcome: accepted}
  - {at: 2027-03-24 10:05, book: {step: radiologist_consult, start: 2027-03-29 09:00}}
  - at: 2027-03-28 12:00
    id: told
    expect: {message: appointment, from: 2027-03-28 10:00, to: 2027-03-28 10:00, says: "09:00"}
    control: {message: appointment, says: "10:00"}
"""
    header = HEADER.replace("2027-02-01", "2027-03-24").replace("2027-01-05", "2027-03-20")
    assert verdicts(play(tmp_path, lines, header=header)) == {"told": True}


def test_nothing_is_told_to_the_dead(tmp_path: Path) -> None:
    lines = f"""\
{CONSULT}  - {{at: 2027-02-01 12:00, died: yes}}
  - at: 2027-02-09 12:00
    id: silent
    expect: {{nothing_sent: anybody, from: 2027-02-01, to: 2027-02-08}}
  - at: 2027-02-09 12:00
    id: ended
    expect: {{pathway: ended, end: deceased}}
    control: {{pathway: active}}
"""
    assert verdicts(play(tmp_path, lines)) == {"silent": True, "ended": True}


def test_the_same_fracture_from_another_sender_starts_nothing_twice(tmp_path: Path) -> None:
    lines = """\
  - {at: 2027-02-02 09:00, refer_again: {at: 2027-02-02 09:00, by: Dr Moulin}}
  - {at: 2027-02-02 09:30, id: one, expect: {referral: started}, control: {referral: duplicate}}
"""
    played = play(tmp_path, lines)
    assert verdicts(played) == {"one": True}
    assert [entry.text for entry in played.entries if entry.kind == "referral"][1].startswith(
        "from Dr Moulin: duplicate"
    )


def test_without_the_day_of_the_fracture_somebody_has_to_ask(tmp_path: Path) -> None:
    lines = """\
  - at: 2027-02-01 09:10
    id: waits
    expect: {referral: incomplete, missing: [fracture_onset]}
    control: {referral: incomplete, missing: [antithrombotics]}
  - {at: 2027-02-01 09:15, id: barred, complete: triage, outcome: accepted, refused: there is no pathway}
"""
    header = HEADER.replace("onset: 2027-01-05, ", "")
    assert verdicts(play(tmp_path, lines, header=header)) == {"waits": True, "barred": True}


def test_a_story_is_not_played_among_other_pathways(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.sqlite"
    line = "  - {at: 2027-02-01 10:00, complete: triage, outcome: accepted}\n"
    play(tmp_path, line, url=url)
    with pytest.raises(Misconfigured, match="give an empty one"):
        play(tmp_path, line, url=url)


def test_what_the_machine_is_set_up_for_does_not_count_in_a_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JALON_SMTP_HOST", "mail.invalid")
    monkeypatch.setenv("JALON_SMS_URL", "https://sms.invalid")
    monkeypatch.setenv("JALON_FHIR_DESTINATIONS", '[{"name": "real", "url": "https://fhir.invalid"}]')
    played = play(tmp_path, CONSULT + "until: 2027-02-07 23:00\n")
    assert len([entry for entry in played.entries if entry.kind == "message"]) == 3
