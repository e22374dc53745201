"""Real hours, wall time and decent hours, over both changes of clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway.calendar import Calendar
from pathway.ground import Ground
from tests.pathway.tale import CHECK, CONSENT, LOADED, RADIOLOGIST, WARD, Tale, p01, shown, wall

CALENDAR = LOADED.calendar


def operated(year_start: str, procedure: str) -> Tale:
    """A procedure that ends at ``procedure``, the whole way walked shortly before."""
    day = datetime.fromisoformat(procedure)
    tale = Tale(year_start, onset=day.date() - timedelta(days=20), antithrombotics=[], sending=False)
    from pathway import events as e
    from tests.pathway.tale import ANAESTHETIST, CONSULT

    tale.completes("triage", "accepted").completes("radiologist_consult", "seen", RADIOLOGIST, **CONSULT)
    tale.completes("indication", "validated", RADIOLOGIST).completes(
        "consent", "given", RADIOLOGIST, **CONSENT
    )
    tale.books("procedure", procedure, confirmed=False)
    tale.completes("anaesthesia_consult", "fit", ANAESTHETIST)
    tale.does(e.HoldNotRequired(by=ANAESTHETIST)).books("procedure", procedure)
    tale.at((day - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M")).completes(
        "preop_check", "go", WARD, **CHECK
    )
    tale.at(procedure)
    return tale.completes("procedure", "done", RADIOLOGIST, cement_ml=3, biopsy_taken=True)


@pytest.mark.parametrize(
    ("referred", "procedure", "ends"),
    [
        ("2027-03-15 09:00", "2027-03-27 14:00", "2027-03-28 15:00"),  # the eve of summer time
        ("2027-10-18 09:00", "2027-10-30 14:00", "2027-10-31 13:00"),  # the eve of winter time
        ("2027-02-15 09:00", "2027-02-27 14:00", "2027-02-28 14:00"),
    ],
)
def test_24_hours_of_surveillance_are_24_real_hours(referred: str, procedure: str, ends: str) -> None:
    tale = operated(referred, procedure)
    assert tale.due("surveillance") == ends
    due = tale.plan().by_key()["surveillance/1/task"].at
    assert due is not None
    assert due - wall(procedure) == timedelta(hours=24)


@pytest.mark.parametrize("visit", ["2027-03-30 09:00", "2027-11-02 09:00"])
def test_a_visit_at_nine_is_at_nine_and_its_reminders_keep_their_hour(visit: str) -> None:
    before = (datetime.fromisoformat(visit) - timedelta(days=12)).strftime("%Y-%m-%d 09:00")
    tale = p01(referred=before).completes("triage", "accepted")
    tale.books("radiologist_consult", visit)
    (item,) = [one for one in tale.plan().items if one.key.startswith("radiologist_consult/1/visit")]
    assert shown(item.at) == visit
    reminders = [at for template, at in tale.templates() if template == "appointment"]
    assert [at[-5:] for at in reminders] in (["10:00", "10:00"], ["08:00", "10:00"])


def test_the_review_window_is_wall_time_over_a_change_of_clocks() -> None:
    tale = operated("2027-03-01 09:00", "2027-03-10 14:00")
    review = tale.plan().by_key()["review/1/task"]
    assert (shown(review.not_before), shown(review.at)) == ("2027-03-31 00:00", "2027-04-07 23:59")


def test_the_last_working_day_before_a_holiday_counts() -> None:
    tale = p01(referred="2027-03-26 10:00")  # Good Friday, a working day in Paris; Monday is Easter
    assert tale.due("triage") == "2027-03-30 17:00"
    moselle = replace(CALENDAR, holidays=CALENDAR.holidays | {date(2027, 3, 26)})
    there = p01(referred="2027-03-25 10:00", ground=Ground(LOADED.protocol, moselle))
    assert there.due("triage") == "2027-03-30 17:00"


@pytest.mark.parametrize(
    ("at", "any_day", "leaves"),
    [
        ("2027-03-16 07:59", False, "2027-03-16 08:00"),
        ("2027-03-16 08:00", False, "2027-03-16 08:00"),
        ("2027-03-16 19:59", False, "2027-03-16 19:59"),
        ("2027-03-16 20:00", False, "2027-03-17 08:00"),
        ("2027-03-20 20:30", False, "2027-03-22 08:00"),  # Saturday night: Monday
        ("2027-03-20 20:30", True, "2027-03-21 08:00"),
        ("2027-03-27 23:00", True, "2027-03-28 08:00"),  # the night of the change
        ("2027-03-28 10:00", False, "2027-03-30 08:00"),  # Easter Sunday: Tuesday
        ("2027-07-14 10:00", False, "2027-07-15 08:00"),
    ],
)
def test_a_message_leaves_at_a_decent_hour(at: str, any_day: bool, leaves: str) -> None:
    assert shown(CALENDAR.decent(wall(at), any_day=any_day)) == leaves


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2037, 12, 31)),
    st.booleans(),
    st.sampled_from(["Europe/Paris", "America/Martinique", "Indian/Reunion", "Pacific/Noumea"]),
)
def test_every_decent_hour_is_decent_and_not_before(naive: datetime, any_day: bool, zone: str) -> None:
    calendar = Calendar(zone, CALENDAR.holidays, time(17), time(8), time(20))
    asked = naive.replace(tzinfo=UTC)
    given_ = calendar.decent(asked, any_day=any_day)
    local = calendar.local(given_)
    assert given_ >= asked
    assert time(8) <= local.time() < time(20)
    assert any_day or (local.weekday() != 6 and local.date() not in calendar.holidays)
    assert calendar.decent(given_, any_day=any_day) == given_


@given(st.dates(date(2026, 1, 1), date(2040, 1, 1)), st.integers(-40, 40).filter(bool))
def test_working_days_counted_there_and_back(day: date, count: int) -> None:
    there = CALENDAR.add_working_days(day, count)
    assert CALENDAR.is_working(there)
    between = [
        day + timedelta(days=n) for n in range(min(0, (there - day).days), abs((there - day).days) + 1)
    ]
    passed = [
        one for one in between if CALENDAR.is_working(one) and min(day, there) <= one <= max(day, there)
    ]
    assert len([one for one in passed if one != day]) == abs(count)
