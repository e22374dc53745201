"""A role on call resolves to a person, and says so when there is nobody."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import SQLModel

from pathway.refusal import Refused
from store import accounts, rota, schema
from store.account_tables import AccountRow
from store.database import Database

MONDAY = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
STAND_INS = {"radiologist": "operator", "operator": "coordinator", "coordinator": "radiologist"}


@pytest.fixture
def database(database_url: str):
    assert schema.account_tables
    database = Database(database_url)
    SQLModel.metadata.create_all(database.engine)
    yield database
    database.close()


def account(database: Database, name: str, **given: object) -> AccountRow:
    with database.write() as session:
        row = AccountRow(
            id=name,
            login=name.casefold(),
            name=name,
            role="clinician",
            password_hash="-",
            created=MONDAY,
            **given,
        )
        session.add(row)
        return row


def duty(database: Database, name: str, starts: datetime, hours: int, role: str = "radiologist") -> int:
    with database.write() as session:
        row = rota.add_duty(
            session, role=role, name=name, phone="+33600000001", starts=starts, ends=starts + hours * HOUR
        )
        return row.id


def answers(
    database: Database, now: datetime, role: str = "radiologist", fallback=STAND_INS.get
) -> str | None:
    with database.read() as session:
        found = rota.on_call(session, role, now, fallback)
    return found and found.name


def test_a_duty_begins_with_its_first_minute_and_ends_before_its_last(database: Database) -> None:
    duty(database, "Anne", MONDAY, 12)
    duty(database, "Bruno", MONDAY + 12 * HOUR, 12)
    second = timedelta(seconds=1)
    at = [MONDAY - second, MONDAY, MONDAY + 12 * HOUR - second, MONDAY + 12 * HOUR, MONDAY + 24 * HOUR]
    assert [answers(database, now) for now in at] == [None, "Anne", "Anne", "Bruno", None]


def test_a_replacement_wins_while_it_lasts(database: Database) -> None:
    duty(database, "Anne", MONDAY, 24)
    duty(database, "Bruno", MONDAY + 6 * HOUR, 2)
    assert [answers(database, MONDAY + h * HOUR) for h in (5, 6, 7, 8)] == ["Anne", "Bruno", "Bruno", "Anne"]


def test_of_two_duties_that_start_together_the_later_entered_wins(database: Database) -> None:
    duty(database, "Anne", MONDAY, 24)
    duty(database, "Bruno", MONDAY, 24)
    assert answers(database, MONDAY) == "Bruno"


def test_an_account_on_the_rota_is_reached_where_it_is_reached_today(database: Database) -> None:
    claire = account(database, "Claire", phone="+33600000001")
    with database.write() as session:
        rota.add_duty(session, role="operator", account_id=claire.id, starts=MONDAY, ends=MONDAY + HOUR)
        accounts.change_account(session, claire.id, phone="+33600000002")
    with database.read() as session:
        found = rota.on_call(session, "operator", MONDAY)
    assert found == rota.Duty("operator", "Claire", phone="+33600000002", account_id="Claire")


def test_whoever_has_left_is_not_called(database: Database) -> None:
    duty(database, "Anne", MONDAY, 24)
    claire = account(database, "Claire")
    with database.write() as session:
        rota.add_duty(
            session, role="radiologist", account_id=claire.id, starts=MONDAY + HOUR, ends=MONDAY + 9 * HOUR
        )
    assert answers(database, MONDAY + 2 * HOUR) == "Claire"
    with database.write() as session:
        accounts.change_account(session, claire.id, active=False)
    assert answers(database, MONDAY + 2 * HOUR) == "Anne"


def test_when_the_rota_is_silent_the_default_duty_answers(database: Database) -> None:
    account(database, "Zoe", functions=["radiologist"], default_duty=True)
    account(database, "Yves", functions=["radiologist", "operator"], default_duty=True)
    account(database, "Xavier", functions=["radiologist"], default_duty=True, active=False)
    account(database, "Adele", functions=["radiologist"])
    account(database, "Basile", functions=["anaesthetist"], default_duty=True)
    assert answers(database, MONDAY) == "Yves"
    duty(database, "Anne", MONDAY, 1)
    assert answers(database, MONDAY) == "Anne"


def test_a_role_nobody_holds_falls_back_and_says_which_role_answers(database: Database) -> None:
    duty(database, "Chloe", MONDAY, 1, role="coordinator")
    with database.read() as session:
        found = rota.on_call(session, "radiologist", MONDAY, STAND_INS.get)
    assert found is not None
    assert (found.name, found.role) == ("Chloe", "coordinator")


def test_nobody_anywhere_is_nobody_even_in_a_circle_of_fallbacks(database: Database) -> None:
    assert answers(database, MONDAY) is None
    assert answers(database, MONDAY, fallback=lambda role: role) is None
    assert answers(database, MONDAY, role="a role of no protocol") is None


def test_the_rota_can_be_read_changed_and_cleared(database: Database) -> None:
    first, second = duty(database, "Anne", MONDAY, 12), duty(database, "Bruno", MONDAY + 12 * HOUR, 12)
    duty(database, "Chloe", MONDAY, 12, role="coordinator")
    with database.write() as session:
        rota.change_duty(session, first, ends=MONDAY + 10 * HOUR)
        rota.change_duty(session, second, starts=MONDAY + 10 * HOUR)
    with database.read() as session:
        listed = rota.duties(session, MONDAY, MONDAY + 24 * HOUR, "radiologist")
        assert [(row.name, row.starts, row.ends) for row in listed] == [
            ("Anne", MONDAY, MONDAY + 10 * HOUR),
            ("Bruno", MONDAY + 10 * HOUR, MONDAY + 24 * HOUR),
        ]
        assert [row.name for row in rota.duties(session, MONDAY - HOUR, MONDAY + HOUR)] == ["Anne", "Chloe"]
        assert rota.duties(session, MONDAY - HOUR, MONDAY) == []
    with database.write() as session:
        rota.remove_duty(session, first)
    assert answers(database, MONDAY, fallback=lambda _: None) is None


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("ends", {"name": "Anne", "phone": "1", "ends": MONDAY}),
        ("name", {"name": "Anne"}),
        ("name", {"phone": "+33600000001"}),
        ("account_id", {"account_id": "nobody"}),
    ],
)
def test_a_duty_nobody_could_answer_is_refused(
    database: Database, field: str, given: dict[str, object]
) -> None:
    with pytest.raises(Refused) as refusal, database.write() as session:
        rota.add_duty(session, **({"role": "radiologist", "starts": MONDAY, "ends": MONDAY + HOUR} | given))
    assert refusal.value.field == field


def test_what_is_not_on_the_rota_cannot_be_changed(database: Database) -> None:
    with pytest.raises(Refused, match="no such duty"), database.write() as session:
        rota.remove_duty(session, 4711)
