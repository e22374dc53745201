"""The settings of a protocol file: each choice makes another protocol, and a slip is told with its line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.protocols import BUILTIN, Unreadable, from_content, load, load_for, read_centre
from app.variants import Chosen
from pathway.codec import Malformed
from pathway.refusal import Text

SETTINGS = """\
settings:
  - key: stay
    title: {fr: Séjour, en: Stay}
    choices: {24h: {fr: 24 heures, en: 24 hours}, ambulatory: {fr: Ambulatoire, en: Ambulatory}}
    default: 24h
    source: here
  - key: control_ct
    title: {fr: Scanner, en: CT}
    choices: {yes: {fr: Oui, en: "Yes"}, no: {fr: Non, en: "No"}}
    default: no
    source: here
  - key: first_day
    title: {fr: Premier jour, en: First day}
    kind: number
    unit: {fr: jours, en: days}
    at_least: 1
    at_most: 60
    default: 21
    not_after: last_day
    source: here
  - key: last_day
    title: {fr: Dernier jour, en: Last day}
    kind: number
    at_least: 1
    at_most: 60
    default: 28
    source: here
  - key: hold_profile
    title: {fr: Référentiel, en: Profile}
    choices: {mild: {fr: Souple, en: Mild}, strict: {fr: Strict, en: Strict}}
    default: mild
    source: here
"""


PROFILE = """\
profile: {name}
version: 0.1-unsigned
title: {{fr: Essai, en: Test}}
source: here
risk_class: high
renal_metric: [cockcroft_gault]
thresholds:
  inr_max: {{value: {limit}, unit: "{{INR}}", source: here}}
drugs: {{}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two hold profiles and no protocol yet."""
    (tmp_path / "holds").mkdir()
    for name, limit in (("mild", "1.5"), ("strict", "1.2")):
        said = PROFILE.format(name=name, limit=limit)
        (tmp_path / "holds" / f"{name}.yaml").write_text(said, encoding="utf-8")
    return tmp_path


def written(folder: Path, *more: str, settings: str = SETTINGS, messages: str = "") -> Path:
    """A protocol of one step; each of ``more`` is ``place: text``, put in place of ``#place``."""
    text = f"""\
protocol: small
version: 1.0.0
url: https://jalon.example/fhir/PlanDefinition/small
title: {{fr: Petit, en: Small}}
{settings}
hours: {{zone: Europe/Paris, business_close: "17:00", decent_from: "08:00", decent_to: "20:00", country: FR}}
messaging: {{desk: desk, recovery_silence_hours: 12, daily_budget: 1, budget_free_hours: 48, letter_lead_days: 10,
  page_life_hours: 12, source: here}}
hold: {{step: visit, signers: [desk], assumed_max_offset_days: 7, longest_offset_days: 60, source: here}}
procedure_step: visit
roles:
  desk: {{title: {{fr: Accueil, en: Desk}}}}
  #roles
ends:
  stopped: {{title: {{fr: Arrêt, en: Stopped}}}}
facts:
  inr: {{fr: INR, en: INR}}
gates:
  - key: G1
    title: {{fr: Prêt, en: Ready}}
    needs:
      - {{when: {{fact: inr}}, reason: {{fr: INR., en: INR.}}, source: here}}
      #needs
steps:
  - key: visit
    title: {{fr: Visite, en: Visit}}
    performer: desk
    source: here
    window:
      due: [{{from: referral, days: 28}}]
      #window
    start_gates: [G1]
    outcomes:
      - {{key: done, title: {{fr: Faite, en: Done}}}}
      #outcomes
"""
    for one in more:
        place, _, said = one.partition(": ")
        text = text.replace(f"#{place}", said)
    path = folder / "protocol.yaml"
    path.write_text(text, encoding="utf-8")
    (folder / "messages.yaml").write_text(messages or said_without_visits(), encoding="utf-8")
    return path


def said_without_visits() -> str:
    """The built-in texts, without the date of a visit: no message of the small protocol is about one."""
    texts = yaml.safe_load(BUILTIN.with_name("messages.yaml").read_text("utf-8"))
    for name, said in texts.items():
        if name not in ("moved", "cancelled"):
            bare = re.sub(r"\{\{ (weekday|date|time) \}\}", "", json.dumps(said))
            texts[name] = json.loads(bare)
    return str(yaml.safe_dump(texts, allow_unicode=True, width=500))


def resolved(path: Path, **settings: str) -> dict[str, Any]:
    document: dict[str, Any] = load(path, settings).content["protocol"]
    return document


# --- the forms --------------------------------------------------------------------------------------------


def test_what_is_only_for_some_choices_is_left_out_for_the_others(folder: Path) -> None:
    path = written(
        folder,
        "roles: ward: {only_if: {stay: [24h]}, title: {fr: Service, en: Ward}}",
        "outcomes: - {only_if: {stay: 24h, control_ct: [yes]}, key: scanned, title: {fr: Scanner, en: Scanned}}",
    )
    assert "ward" in resolved(path)["roles"]
    assert "ward" not in resolved(path, stay="ambulatory")["roles"]
    assert [one["key"] for one in resolved(path)["steps"][0]["outcomes"]] == ["done"]
    keys = [one["key"] for one in resolved(path, control_ct="yes")["steps"][0]["outcomes"]]
    assert keys == ["done", "scanned"], "every setting must have one of its values"
    assert len(resolved(path, control_ct="yes", stay="ambulatory")["steps"][0]["outcomes"]) == 1


def test_a_value_is_picked_by_a_setting_and_a_list_joins_the_list_around_it(folder: Path) -> None:
    path = written(
        folder,
        "window: otherwise: {from: opened, hours: {by_setting: stay, 24h: 24, ambulatory: 4}}",
        "outcomes: - by_setting: control_ct\n"
        "        yes: [{key: a, title: {fr: A, en: A}}, {key: b, title: {fr: B, en: B}}]\n"
        "        no:",
    )
    assert resolved(path)["steps"][0]["window"]["otherwise"]["hours"] == 24.0
    assert resolved(path, stay="ambulatory")["steps"][0]["window"]["otherwise"]["hours"] == 4.0
    assert len(resolved(path)["steps"][0]["outcomes"]) == 1, "an empty choice is nothing"
    assert [one["key"] for one in resolved(path, control_ct="yes")["steps"][0]["outcomes"]] == [
        "done",
        "a",
        "b",
    ]


def test_a_word_in_a_list_can_depend_on_a_setting_too(folder: Path) -> None:
    path = written(
        folder,
        "window: earliest: {from: opened, days: 1}\n    signed_by: [desk, {only_if: {stay: 24h}, value: desk}]",
    )
    assert resolved(path)["steps"][0]["signed_by"] == ["desk", "desk"]
    assert resolved(path, stay="ambulatory")["steps"][0]["signed_by"] == ["desk"]


def test_a_number_comes_from_a_setting_or_from_the_hold_profile(folder: Path) -> None:
    path = written(
        folder,
        "window: otherwise: {from: referral, days: {from_setting: last_day, plus: 8}}",
        "needs: - {when: {fact: inr, at_most: {from_profile: inr_max}}, source: here, reason: "
        "{fr: 'INR ≤ {profile.inr_max} ; {setting.stay}', en: 'INR ≤ {profile.inr_max}, {setting.last_day}'}}",
    )
    usual = resolved(path)
    assert usual["steps"][0]["window"]["otherwise"]["days"] == 36
    assert usual["gates"][0]["needs"][1]["when"]["at_most"] == 1.5
    assert usual["gates"][0]["needs"][1]["reason"] == {"fr": "INR ≤ 1,5 ; 24 heures", "en": "INR ≤ 1.5, 28"}
    strict = resolved(path, hold_profile="strict", last_day="30")
    assert strict["steps"][0]["window"]["otherwise"]["days"] == 38
    assert strict["gates"][0]["needs"][1]["when"]["at_most"] == 1.2
    assert strict["gates"][0]["needs"][1]["reason"]["en"] == "INR ≤ 1.2, 30"


def test_the_texts_depend_on_the_settings_and_keep_their_own_variables(folder: Path) -> None:
    said = said_without_visits()
    changed = said.replace("Infos {{ phone }}", "Sortie {setting.stay}, {{ phone }}", 1)
    assert said != changed
    path = written(folder, messages=changed)
    assert "Sortie 24 heures, {{ phone }}" in load(path).texts["appointment"]["fr"]["sms"]
    assert "Sortie Ambulatoire" in load(path, {"stay": "ambulatory"}).texts["appointment"]["fr"]["sms"]


# --- pinned -----------------------------------------------------------------------------------------------


def test_settings_and_profile_are_pinned_with_the_protocol(folder: Path) -> None:
    path = written(folder)
    usual, strict = load(path), load(path, {"hold_profile": "strict", "first_day": "14"})
    assert usual.digest != strict.digest
    again = from_content(json.loads(json.dumps(strict.content)), strict.digest)
    assert again == strict
    assert again.hold_profile is not None
    assert again.hold_profile.thresholds["inr_max"].value == 1.2
    first_day = next(one for one in again.settings if one.key == "first_day")
    assert first_day == Chosen(
        "first_day", Text(fr="Premier jour", en="First day"), 14, Text(fr="14 jours", en="14 days")
    )


def test_what_a_centre_says_of_the_default_is_the_default(folder: Path) -> None:
    path = written(folder)
    assert load(path).digest == load(path, {"stay": "24h", "control_ct": "no"}).digest


# --- mistakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (
            "roles: ward: {only_if: {stays: [24h]}}",
            "there is no setting 'stays'; there are: stay, control_ct",
        ),
        (
            "roles: ward: {only_if: {stay: [night]}}",
            "there is no value 'night' of the setting stay; there are: 24h, a",
        ),
        ("roles: ward: {only_if: stay}", "only_if names settings and their values"),
        ("roles: ward: {only_if: {first_day: [21]}}", "'first_day' is a number; use from_setting"),
        ("roles: ward: {by_setting: stay, 24h: 1}", "says nothing for ambulatory; add it, or otherwise"),
        (
            "roles: ward: {by_setting: stay, 24h: 1, night: 2}",
            "there is no value 'night' of the setting stay",
        ),
        ("roles: ward: {by_setting: stay, 24h: 1, 24h: 2, ambulatory: 1}", "the key '24h' is given twice"),
        ("roles: ward: {from_setting: stay}", "'stay' is no number; use by_setting for a choice"),
        ("roles: ward: {from_setting: last_day, plus: much}", "plus is a whole number"),
        ("roles: ward: {from_setting: last_day, minus: 1}", "minus does not go with from_setting"),
        ("roles: ward: {from_profile: inr}", "the hold profile mild has no limit 'inr'; there are: inr_max"),
        ("roles: ward: {title: {fr: 'x {setting.stays}', en: x}}", "there is no setting 'stays'"),
    ],
)
def test_a_form_that_cannot_be_meant_is_one_sentence_at_its_line(
    folder: Path, place: str, sentence: str
) -> None:
    path = written(folder, place)
    line = 1 + next(n for n, text in enumerate(path.read_text("utf-8").splitlines()) if "ward" in text)
    with pytest.raises(Unreadable) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}:{line}: ")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "default: 24h",
            "default: night",
            "settings[0].default: there is no value 'night'; there are: 24h, ambul",
        ),
        ("default: 28", "default: 99", "settings[3].default: '99' is no whole number from 1 to 60"),
        ("not_after: last_day", "not_after: never", "settings[2].not_after: there is no setting 'never'"),
        ("key: control_ct", "key: stay", "is given twice"),
        ("    at_most: 60\n    default: 28", "    default: 28", "settings[3].at_most: is a whole number"),
        ("    source: here\n  - key: control_ct", "  - key: control_ct", "source: is missing"),
    ],
)
def test_a_setting_that_is_badly_listed_is_one_sentence_at_its_line(
    folder: Path, old: str, new: str, sentence: str
) -> None:
    assert old in SETTINGS
    path = written(folder, settings=SETTINGS.replace(old, new, 1))
    with pytest.raises(Unreadable) as refused:
        load(path)
    assert sentence in str(refused.value)
    line = int(str(refused.value).removeprefix(f"{path}:").partition(":")[0])
    assert 5 <= line <= 45


def test_a_line_after_something_left_out_is_still_the_line_of_the_file(folder: Path) -> None:
    path = written(
        folder,
        "outcomes: - {only_if: {stay: ambulatory}, key: home, title: {fr: Retour, en: Home}}\n"
        "      - {key: over, title: {fr: Fini, en: Over}, end: nowhere}",
    )
    line = 1 + next(n for n, text in enumerate(path.read_text("utf-8").splitlines()) if "nowhere" in text)
    with pytest.raises(
        Unreadable, match=f":{line}: steps.visit.outcomes.over.end: there is no end 'nowhere'"
    ):
        load(path)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"stays": "24h"},
            "settings.stays: there is no setting 'stays'; there are: stay, control_ct, first_day",
        ),
        ({"stay": "night"}, "settings.stay: there is no value 'night'; there are: 24h, ambulatory"),
        ({"last_day": "many"}, "settings.last_day: 'many' is no whole number from 1 to 60"),
        ({"first_day": "40"}, "settings.first_day: 40 is after last_day, which is 28"),
    ],
)
def test_a_choice_that_there_is_not_is_refused_with_those_there_are(
    folder: Path, settings: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Malformed) as refused:
        load(written(folder), settings)
    assert str(refused.value).startswith(sentence)


def test_a_centre_names_its_protocol_and_a_wrong_choice_at_its_line(folder: Path) -> None:
    written(folder)
    (folder / "centres").mkdir()
    centre = folder / "centres" / "here.yaml"
    head = "name: Ici\nphone: 01 99 00 00 00\nplace: Là\nopt_out: {fr: STOP, en: STOP}\n"
    centre.write_text(head + "protocol: ../protocol.yaml\nsettings:\n  control_ct: yes\n  last_day: 30\n")
    chosen = {one.key: one.value for one in load_for(read_centre(centre)).settings}
    assert (chosen["control_ct"], chosen["last_day"], chosen["stay"]) == ("yes", 30, "24h")
    centre.write_text(head + "protocol: ../protocol.yaml\nsettings:\n  control_ct: maybe\n")
    with pytest.raises(Unreadable, match=r"here\.yaml:7: settings\.control_ct: there is no value 'maybe'"):
        load_for(read_centre(centre))


# --- the built-in protocol and the example centres --------------------------------------------------------

CENTRES = sorted((BUILTIN.parent.parent / "centres").glob("*.yaml"))


@pytest.mark.parametrize("centre", CENTRES, ids=lambda path: path.stem)
def test_an_example_centre_runs_the_builtin_protocol_its_own_way(centre: Path) -> None:
    found = read_centre(centre)
    loaded = load_for(found)
    chosen = {one.key: str(one.value) for one in loaded.settings}
    assert found.settings.items() <= chosen.items()
    assert loaded.protocol.protocol == load().protocol.protocol


def test_there_is_a_centre_for_each_of_the_three_descriptions() -> None:
    assert [path.stem for path in CENTRES] == ["canal", "plaine", "tilleuls"]
    assert len({load_for(read_centre(path)).digest for path in CENTRES}) == 3
