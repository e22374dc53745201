"""Everything the pages say has an English side, with the same names to fill in."""

import re
from datetime import UTC, date, datetime, time
from pathlib import Path

from babel.messages.extract import extract_from_dir

from app import i18n
from app.i18n import Speech, catalogue
from app.web import labels
from pathway.calendar import Calendar
from pathway.events import KINDS

APP = Path(i18n.__file__).parent
WHERE = [("web/**.py", "python"), ("i18n.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "N_": None, "speech": None, "_speech": None, "many": (1, 2)}


def _sentences() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(
        APP, WHERE, options_map={"templates/**.html": {"silent": "false"}}, keywords=KEYWORDS
    )
    return {message for _, _, message, _, _ in found}


def _names(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", sentence))


def _english() -> dict[object, str]:
    return {key: said for key, said in catalogue("en")._catalog.items() if key}  # type: ignore[attr-defined]


def test_every_sentence_has_an_english_side_with_the_same_names() -> None:
    english = _english()
    sentences = _sentences()
    assert len(sentences) > 400
    for sentence in sentences:
        if isinstance(sentence, tuple):
            one, several = sentence[:2]
            assert english.get((one, 0)), one
            assert _names(several) == _names(english[one, 1]), several
        else:
            assert english.get(sentence), sentence
            assert _names(sentence) == _names(english[sentence]), sentence


def test_the_catalogue_holds_nothing_that_nobody_says() -> None:
    said = {one[0] if isinstance(one, tuple) else one for one in _sentences()}
    known = {key[0] if isinstance(key, tuple) else key for key in _english()}
    assert known <= said, known - said


def test_every_event_has_a_name_on_the_ward() -> None:
    assert set(labels.EVENT) == set(KINDS)


def test_dates_are_the_centres_wall_clock_in_the_readers_language() -> None:
    calendar = Calendar("Europe/Paris", frozenset(), time(17), time(8), time(20))
    french, english = Speech("fr", calendar), Speech("en", calendar)
    summer = datetime(2027, 7, 14, 7, 30, tzinfo=UTC)
    assert french.when(summer) == "mer. 14 juil. 2027, 09:30"
    assert english.when(summer) == "Wed 14 Jul 2027, 09:30"
    assert french.birth(date(1944, 5, 2)) == "02/05/1944"
    now = datetime(2027, 7, 16, 7, 30, tzinfo=UTC)
    assert french.late(summer, now) == "en retard de 2 jours"
    assert english.late(now, summer) == "in 2 days"
