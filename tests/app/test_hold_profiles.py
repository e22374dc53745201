"""Hold profiles as files: what a mistake in one is answered, where, and what is pinned of a good one."""

from pathlib import Path

import pytest

from app.hold_profiles import BUILTIN, Unreadable, as_content, builtin, from_content, load, load_all

GOOD = """\
profile: LOCAL
version: "1"
title: {fr: Local, en: Local}
source: the centre
risk_class: high
renal_metric: [cockcroft_gault]
thresholds:
  inr_max: {value: 1.5, unit: "{INR}", source: the centre}
labs:
  inr: {test: INR, day: 1, threshold: inr_max, text: {fr: INR., en: INR.}, source: the centre}
drugs:
  B01AA03: {name: {fr: Warfarine, en: Warfarin}, last: {offset: 6}, lab: inr, source: the centre}
  B01AF02:
    name: {fr: Apixaban, en: Apixaban}
    source: the centre
    bands:
      - {min: 30, offset: 3}
      - {max: 30, action: refuse}
"""


def written(directory: Path, text: str, name: str = "LOCAL.yaml") -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read(tmp_path: Path) -> None:
    profile = load(written(tmp_path, GOOD))
    assert profile.profile == "LOCAL"
    assert profile.limit("inr_max") == 1.5


@pytest.mark.parametrize(
    ("good", "bad", "line", "said"),
    [
        ("offset: 6", "offset: six", 12, "drugs.B01AA03.last.offset: expected a whole number"),
        ("offset: 6", "offset: 6, hours: 24", 12, "says exactly one of offset, hours and action"),
        ("offset: 6", "offset: 99", 12, "from 0 to 60, not 99"),
        ("offset: 6", "offset: -1", 12, "from 0 to 60, not -1"),
        ("offset: 6", "offset: 6, max_offset: 6", 12, "is the far end of a range and above offset"),
        ("lab: inr,", "lab: irn,", 12, "there is no lab 'irn'; known: inr"),
        ("threshold: inr_max", "threshold: inr", 10, "there is no threshold 'inr'; known: inr_max"),
        ("B01AA03:", "B01AA3:", 12, "is no ATC code"),
        ("{max: 30, action", "{max: 29, action", 18, "must be the min of the band above it (30)"),
        ("{max: 30, action: refuse}", "{max: 30, offset: 5}", 18, "below 15 mL/min: no text gives a delay"),
        ("- {min: 30, offset: 3}", "- {min: 30, max: 90, offset: 3}", 17, "open upwards"),
        (", lab: inr, source: the centre}", ", lab: inr}", 12, "every number says where it comes from"),
        ("renal_metric: [cockcroft_gault]", "renal_metric: [mdrd]", 6, "not one of cockcroft_gault, ckd_epi"),
        ("risk_class: high", "risk: high", 5, "risk: is not known here"),
        ("inr_max: {value: 1.5,", "inr_max: {value: high,", 8, "expected a number, got 'high'"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_what_would_be_right(
    tmp_path: Path, good: str, bad: str, line: int, said: str
) -> None:
    assert GOOD.count(good) == 1
    path = written(tmp_path, GOOD.replace(good, bad))
    with pytest.raises(Unreadable) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}:{line}: ")
    assert said in str(refused.value)


def test_a_profile_inherits_entry_by_entry_and_its_digest_covers_all_of_it(tmp_path: Path) -> None:
    parent = load(written(tmp_path, GOOD))
    child = "profile: CHILD\nversion: '2'\ninherits: LOCAL\nthresholds:\n  inr_max: {value: 1.2, unit: x, source: us}\n"
    before = load(written(tmp_path, child, "CHILD.yaml"))
    assert before.drugs == parent.drugs
    assert before.limit("inr_max") == 1.2
    written(tmp_path, GOOD.replace("offset: 6", "offset: 5"))
    assert load(tmp_path / "CHILD.yaml").digest != before.digest


def test_inheriting_what_is_not_there_or_oneself_is_refused(tmp_path: Path) -> None:
    lost = written(tmp_path, GOOD.replace("version:", "inherits: NOWHERE\nversion:"))
    with pytest.raises(Unreadable, match=r"LOCAL.yaml:2: inherits: there is no profile 'NOWHERE'"):
        load(lost)
    own = written(tmp_path, GOOD.replace("version:", "inherits: LOCAL\nversion:"))
    with pytest.raises(Unreadable, match="stand alone"):
        load(own)


def test_a_directory_holds_profiles_under_their_own_names(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "OTHER.yaml")
    with pytest.raises(Unreadable, match="give both one name"):
        load_all(tmp_path)
    (tmp_path / "OTHER.yaml").unlink()
    written(tmp_path, GOOD + "always_show_divergence_with: [NOWHERE]\n")
    with pytest.raises(Unreadable, match="there is no profile 'NOWHERE'"):
        load_all(tmp_path)


def test_what_is_pinned_of_a_profile_makes_the_same_profile_again() -> None:
    profiles = load_all(BUILTIN)
    assert set(profiles) == {"FR-2026-ELEVE", "FR-2026-TRES-ELEVE", "SIR-2019", "GIHP-2015", "HAS-2008"}
    assert from_content(as_content(profiles.values())) == profiles == dict(builtin())
