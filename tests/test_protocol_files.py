"""The protocol files: what a clinician writes is read whole, checked, pinned, and tells nobody's health."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from app.protocols import BUILTIN, CENTRE, LoadedProtocol, Unreadable, from_content, load, load_centre
from pathway.codec import Malformed
from pathway.gates import RULES
from pathway.protocol import RuleName, read_protocol
from scheduler.texts import VARIABLES, segments, words

LOADED = load()
MESSAGES = BUILTIN.with_name("messages.yaml")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}".lstrip("."))
    else:
        yield path, value


def copy_with(folder: Path, old: str, new: str, *, of: Path | None = None) -> Path:
    """The files of the built-in protocol in a folder of their own, with one thing changed in one of them.

    ``of`` is that file; else the first of the protocol's own that says ``old``.
    """
    protocol = [BUILTIN, *sorted(set(BUILTIN.parent.glob("*.yaml")) - {BUILTIN, MESSAGES})]
    of = of or next(source for source in protocol if old in source.read_text(encoding="utf-8"))
    for source in (*protocol, MESSAGES):
        text = source.read_text(encoding="utf-8")
        if source == of:
            assert old in text
            text = text.replace(old, new, 1)
        (folder / source.name).write_text(text, encoding="utf-8")
    return folder / BUILTIN.name


def line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


# --- pinned -----------------------------------------------------------------------------------------------


def test_a_stored_protocol_is_the_same_protocol_without_its_files() -> None:
    stored = json.loads(json.dumps(LOADED.content))
    again = from_content(stored, LOADED.digest)
    assert again == LOADED
    assert again.protocol.digest == LOADED.digest


def test_a_stored_protocol_that_was_changed_is_refused() -> None:
    changed = json.loads(json.dumps(LOADED.content))
    changed["protocol"]["steps"][0]["performer"] = "gp"
    with pytest.raises(ValueError, match="has been changed"):
        from_content(changed, LOADED.digest)


def test_a_comment_changes_nothing_and_a_number_changes_the_digest(tmp_path: Path) -> None:
    commented = load(copy_with(tmp_path, "\ngates:\n", "\ngates:  # one more word\n"))
    assert commented.digest == LOADED.digest
    other = load(copy_with(tmp_path, "recovery_silence_hours: 12", "recovery_silence_hours: 24"))
    assert other.digest != LOADED.digest


def test_the_texts_belong_to_what_is_pinned(tmp_path: Path) -> None:
    path = copy_with(tmp_path, "Merci de relire le", "Relisez le", of=MESSAGES)
    assert load(path).digest != LOADED.digest


@pytest.mark.parametrize(
    ("subdivision", "day", "is_holiday"),
    [
        ("", date(2027, 3, 26), False),  # Good Friday
        ('subdivision: "57"', date(2027, 3, 26), True),
        ("subdivision: 6AE", date(2027, 12, 26), True),
        ('subdivision: "972"', date(2027, 5, 22), True),  # abolition of slavery, Martinique
        ('subdivision: "974"', date(2027, 12, 20), True),  # La Réunion
        ("also_closed: [2027-12-24]", date(2027, 12, 24), True),
        ("", date(2027, 7, 14), True),
    ],
)
def test_each_place_has_its_own_holidays(
    tmp_path: Path, subdivision: str, day: date, is_holiday: bool
) -> None:
    loaded = load(copy_with(tmp_path, "country: FR\n", f"country: FR\n  {subdivision}\n"))
    assert (day in loaded.calendar.holidays) is is_holiday


# --- errors a clinician can act on ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("performer: ward\n", "performer: wards\n", "there is no role 'wards'"),
        ("start_gates: [G3, G4, GO]", "start_gates: [G9]", "there is no gate 'G9'"),
        ("repeat: [preop_check]\n", "repeat: [preop]\n", "there is no step 'preop'"),
        ("{rule: hold-time-left}", "{rule: enough-time}", "'enough-time' is not one of"),
        ("{fact: levels}", "{fact: level}", "there is no fact 'level'"),
        ("{from: referral, working_days: 2}", "{from: fracture, days: 2}", "every wait needs a deadline"),
        ('decent_from: "08:00"', "decent_from: 8", "expected a time in quotes"),
        ("minutes: 90", "minute: 90", "is not known here"),
        ("protocol: vertebroplasty\n", "protocol: vertebroplasty\nprotocol: again\n", "is given twice"),
        ("end: not_indicated}", "end: over}", "there is no end 'over'"),
        ("country: FR", "country: XX", "no holidays are known for XX"),
        ("title: {fr: Sortie, en: Discharge}", "title: {fr: Sortie}", "en: is missing"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_line_and_path(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = copy_with(tmp_path, old, new)
    with pytest.raises(Unreadable) as refused:
        load(path)
    said = str(refused.value)
    assert sentence in said
    assert "\n" not in said
    name, line_said = said.split(":")[:2]
    line = int(line_said)
    changed = line_of(Path(name), new.strip().splitlines()[-1])
    assert line <= changed, "a missing thing is told at the thing that lacks it"
    assert changed - line <= 12


def test_a_mistake_in_a_text_is_told_with_its_line(tmp_path: Path) -> None:
    path = copy_with(tmp_path, "a été remis. Question", "a été remis. {{ diagnosis }} Question", of=MESSAGES)
    with pytest.raises(Unreadable) as refused:
        load(path)
    messages = path.with_name("messages.yaml")
    line = line_of(messages, "{{ diagnosis }}")
    assert str(refused.value).startswith(
        f"{messages}:{line}: instruction.fr.sms: names diagnosis; it may name "
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("missed:\n  fr:", "absent:\n  fr:", "there is no text 'missed'"),
        ("une consigne vous attend. Merci", "une consigne du {{ date }} vous attend. Merci", "names date"),
        ("{{ establishment }} : une consigne", "{{ establishment } : une consigne", "is no Jinja2 text"),
    ],
)
def test_a_text_that_could_not_be_said_is_refused_before_it_is_needed(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(Unreadable, match=re.escape(sentence)):
        load(copy_with(tmp_path, old, new, of=MESSAGES))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"nowhere\.yaml:1: cannot be read"):
        load(tmp_path / "nowhere.yaml")


def test_the_centre_is_who_speaks_and_how_long_a_slot_is_held(tmp_path: Path) -> None:
    assert set(load_centre()) == {"name", "phone", "place", "opt_out", "slot_hold_minutes"}
    (tmp_path / "centre.yaml").write_text("name: X\nplace: Y\n")
    with pytest.raises(Unreadable, match="phone: is missing"):
        load_centre(tmp_path / "centre.yaml")
    said = CENTRE.read_text(encoding="utf-8")
    (tmp_path / "centre.yaml").write_text(said.replace("slot_hold_minutes: 30", "slot_hold_minutes: 0"))
    with pytest.raises(Unreadable, match="from 1 minute to 7 days"):
        load_centre(tmp_path / "centre.yaml")


# --- the protocol as a whole ------------------------------------------------------------------------------


def test_the_rules_a_protocol_may_name_are_those_that_exist() -> None:
    assert set(RuleName.__args__) == set(RULES)  # type: ignore[attr-defined]


def test_the_variables_of_the_texts_are_those_the_scheduler_fills() -> None:
    from app.protocols import ALWAYS_SAID, OF_A_CHANGE, OF_A_VISIT

    assert set(VARIABLES) == ALWAYS_SAID | OF_A_VISIT | OF_A_CHANGE


def test_every_wait_has_somebody_to_escalate_to() -> None:
    for step in LOADED.protocol.steps:
        assert any(rung.level in ("overdue", "escalation") for rung in step.ladder), step.key
        assert len({rung.to for rung in step.ladder} | {r for rung in step.ladder for r in rung.also}) >= 2


def test_every_role_ends_at_the_desk() -> None:
    roles, desk = LOADED.protocol.roles, LOADED.protocol.messaging.desk
    for start in roles:
        seen: list[str] = []
        role: str | None = start
        while role is not None and role not in seen:
            seen.append(role)
            role = roles[role].fallback
        assert role is None, f"the fallbacks of {start} go round in circles"
        assert seen[-1] == desk


def test_every_number_has_a_source() -> None:
    protocol = LOADED.protocol
    sources = [protocol.hours.source, protocol.messaging.source, protocol.hold.source]
    sources += [step.source for step in protocol.steps]
    sources += [need.source for gate in protocol.gates for need in gate.needs]
    assert all(source.strip() for source in sources)


def test_no_red_flag_is_ever_overridden() -> None:
    needs = {need.when.fact: need.never_override for gate in LOADED.protocol.gates for need in gate.needs}
    assert needs["red_flag_infection"]
    assert needs["red_flag_neurological"]
    assert needs["no_new_deficit"]
    assert needs["consent_recorded"]


def test_no_step_with_a_gate_can_be_waived() -> None:
    for step in LOADED.protocol.steps:
        gated = step.book_gates or step.start_gates or any(outcome.gates for outcome in step.outcomes)
        assert step.kind == "hold" or not (gated and step.waivable), step.key


def test_a_protocol_is_not_read_when_it_is_no_mapping() -> None:
    with pytest.raises(Malformed, match="expected a mapping"):
        read_protocol([])


# --- what the messages say --------------------------------------------------------------------------------

# Illness, drug, specialty, procedure, department, result: nothing of it in anything that leaves.
FORBIDDEN = tuple(
    """
    vertebr vertèbr vertébr fractur ciment cement kypho plasti plasty dos back spine rachis colonne os bone ostéo
    osteo densit dxa biops tumeur tumor tumour cancer oncolog myélom myelom métasta metasta infect
    anticoag antithromb antiplatelet antiagrég aspirin warfarin coumad apixaban eliquis rivarox xarelto dabigatran
    héparin heparin clopido plavix médicament drug medicin medication traitement treatment comprimé tablet pill
    dose prise intake arrêt stop reprise resum jeun fasting
    radiolog rhumatolog rheumatolog anesthés anaesth chirurg surg bloc theatre clinique service département ward
    opérat operat intervention procedure procédure irm mri scanner scan imag sang blood inr analyse
    résultat result diagnos malad disease douleur pain opioïd opioid santé health patholog labo
    """.split()  # noqa: SIM905, as a paragraph it is read
)
DRUGS = (
    "anticoag",
    "antithromb",
    "aspirin",
    "warfarin",
    "apixaban",
    "médicament",
    "drug",
    "medicin",
    "tablet",
)


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-zà-öø-ÿœ]+", re.sub(r"\{\{.*?\}\}", " ", text.casefold()))


@pytest.mark.parametrize("text", [text for text in leaves(LOADED.texts) if not text[0].endswith(".call")])
def test_no_text_that_leaves_carries_health_data(text: tuple[str, str]) -> None:
    path, said = text
    found = [word for word in words_of(said) if word.startswith(FORBIDDEN)]
    assert not found, f"{path} says {found}"


def test_the_forbidden_words_are_found_where_they_are() -> None:
    said = words_of("Arrêtez l'apixaban avant votre vertébroplastie ; stop your tablets")
    assert len([word for word in said if word.startswith(FORBIDDEN)]) == 5


@pytest.mark.parametrize("path", [path for path, _ in leaves(LOADED.texts) if path.endswith(".call")])
def test_even_what_is_said_on_the_telephone_names_no_drug(path: str) -> None:
    said = dict(leaves(LOADED.texts))[path]
    assert not [word for word in words_of(said) if word.startswith(DRUGS)]


LONGEST = {  # Wednesday and mercredi are the longest days
    "slot_start": datetime(2027, 9, 22, 8, 30, tzinfo=UTC).isoformat(),
    "told_start": datetime(2027, 9, 29, 12, 45, tzinfo=UTC).isoformat(),
    "slot_place": "12 rue de l'Exemple",
}


def said_by(loaded: LoadedProtocol, template: str, language: str, channel: str) -> str:
    return words(
        loaded.texts,
        load_centre(),
        loaded.calendar,
        template=template,
        channel=channel,
        language=language,
        data=LONGEST,
        link="https://rdv.example/p/4fT9wQkLz0BvXyR2mN7aPd",
    ).text


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("template", [name for name, said in LOADED.texts.items() if "sms" in said["fr"]])
def test_every_sms_is_one_segment(template: str, language: str) -> None:
    said = said_by(LOADED, template, language, "sms")
    assert segments(said) == 1, f"{len(said)} characters: {said}"
    assert "?" not in said.replace(" ?", "").replace("Questions?", "")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("template", [name for name, said in LOADED.texts.items() if "email" in said["fr"]])
def test_every_email_can_be_said(template: str, language: str) -> None:
    assert "{" not in said_by(LOADED, template, language, "email")
