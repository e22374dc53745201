"""People sign in, systems show tokens, and nobody learns which logins exist."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from time import perf_counter

import pytest
from argon2 import PasswordHasher
from sqlmodel import SQLModel, select

from pathway.refusal import Refused
from pathway.state import Actor
from store import accounts, passwords, schema, tokens
from store.account_tables import AccountRow, SignInFailureRow, SignInRow, TokenRow
from store.database import Database

MORNING = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
PASSWORD = "une vertèbre à la fois"


@pytest.fixture
def database(database_url: str):
    assert schema.account_tables
    database = Database(database_url)
    SQLModel.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def claire(database: Database) -> AccountRow:
    with database.write() as session:
        return accounts.add_account(
            session,
            login=" C.Martin ",
            name="Dr Claire Martin",
            password=PASSWORD,
            role="clinician",
            functions=["radiologist"],
            email="c.martin@chu.example",
            now=MORNING,
        )


def signed_in(database: Database, now: datetime = MORNING) -> accounts.SignedIn:
    result = accounts.sign_in(database, "c.martin", PASSWORD, now)
    assert result is not None
    return result


def person_at(database: Database, token: str, now: datetime) -> accounts.Person | None:
    with database.read() as session:
        return accounts.who(session, token, now)


def test_whoever_signs_in_is_known_by_the_token_and_acts_under_the_name(
    database: Database, claire: AccountRow
) -> None:
    result = signed_in(database)
    person = person_at(database, result.token, MORNING + timedelta(minutes=1))
    assert person == result.person
    assert person.actor == Actor(name="Dr Claire Martin", role="clinician", functions=("radiologist",))
    assert (person.login, person.language) == ("c.martin", "fr")


def test_the_login_is_the_same_in_capitals_and_the_password_on_every_keyboard(
    database: Database, claire: AccountRow
) -> None:
    decomposed = PASSWORD.replace("è", "e\u0300").replace("à", "a\u0300")
    assert accounts.sign_in(database, "C.MARTIN", decomposed, MORNING) is not None


@pytest.mark.parametrize(
    ("login", "password"), [("c.martin", "wrong"), ("nobody", PASSWORD), ("c.martin", "x" * 9999)]
)
def test_a_wrong_login_or_password_signs_nobody_in(
    database: Database, claire: AccountRow, login: str, password: str
) -> None:
    assert accounts.sign_in(database, login, password, MORNING) is None


def test_nothing_in_the_database_lets_its_reader_sign_in(database: Database, claire: AccountRow) -> None:
    token = signed_in(database).token
    with database.write() as session:
        _, plain = tokens.add_token(session, name="hospital", now=MORNING)
    with database.read() as session:
        rows = [row for table in (AccountRow, SignInRow, TokenRow) for row in session.exec(select(table))]
    stored = " ".join(str(row.model_dump()) for row in rows)
    assert not any(secret in stored for secret in (PASSWORD, token, plain))
    assert "$argon2id$" in stored
    assert len(token) >= 43  # 256 bits


def test_a_sign_in_lasts_twelve_hours_from_the_last_sign_of_life(
    database: Database, claire: AccountRow
) -> None:
    token = signed_in(database).token
    later = MORNING + timedelta(hours=11)
    person = person_at(database, token, later)
    assert person is not None
    assert person.stale
    with database.write() as session:
        accounts.seen(session, person, later)
    after_the_first_twelve = person_at(database, token, MORNING + timedelta(hours=22))
    assert after_the_first_twelve is not None
    assert person_at(database, token, later + timedelta(hours=12)) is None


def test_a_sign_in_kept_alive_for_ever_still_ends_after_seven_days(
    database: Database, claire: AccountRow
) -> None:
    token, now, last = signed_in(database).token, MORNING, MORNING
    while (person := person_at(database, token, now)) is not None:
        last = now
        with database.write() as session:
            accounts.seen(session, person, now)
        now += timedelta(hours=6)
    assert timedelta(days=6) < last - MORNING < timedelta(days=7)


def test_a_page_every_minute_writes_only_every_five(database: Database, claire: AccountRow) -> None:
    token = signed_in(database).token
    stale = [person_at(database, token, MORNING + timedelta(minutes=m)).stale for m in (1, 4, 5)]
    assert stale == [False, False, True]


def test_signing_out_ends_this_sign_in_only(database: Database, claire: AccountRow) -> None:
    here, there = signed_in(database).token, signed_in(database).token
    with database.write() as session:
        accounts.sign_out(session, here)
        accounts.sign_out(session, "never seen")
    assert person_at(database, here, MORNING) is None
    assert person_at(database, there, MORNING) is not None


def test_an_account_made_inactive_or_given_a_new_password_is_out_at_once(
    database: Database, claire: AccountRow
) -> None:
    token = signed_in(database).token
    with database.write() as session:
        accounts.set_password(session, claire.id, "un autre mot de passe")
    assert person_at(database, token, MORNING) is None
    assert accounts.sign_in(database, "c.martin", PASSWORD, MORNING) is None
    token = accounts.sign_in(database, "c.martin", "un autre mot de passe", MORNING).token
    with database.write() as session:
        accounts.change_account(session, claire.id, active=False)
    assert person_at(database, token, MORNING) is None
    assert accounts.sign_in(database, "c.martin", "un autre mot de passe", MORNING) is None


def test_after_five_failures_the_login_waits_longer_and_longer_but_never_for_good(
    database: Database, claire: AccountRow
) -> None:
    waits, now = [], MORNING
    for _ in range(11):
        assert accounts.sign_in(database, "c.martin", "a guess", now) is None
        with database.read() as session:
            until = accounts.waits_until(session, "C.Martin", now)
        waits.append((until - now).total_seconds() if until else 0)
        now = until or now
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 300, 300, 300]
    assert accounts.sign_in(database, "c.martin", PASSWORD, now - timedelta(seconds=1)) is None
    assert accounts.sign_in(database, "c.martin", PASSWORD, now) is not None
    with database.read() as session:
        assert session.exec(select(SignInFailureRow)).all() == []


def test_a_login_that_does_not_exist_waits_just_the_same(database: Database, claire: AccountRow) -> None:
    for _ in range(5):
        accounts.sign_in(database, "nobody", "a guess", MORNING)
    with database.read() as session:
        assert accounts.waits_until(session, "nobody", MORNING) == MORNING + timedelta(seconds=30)
        assert accounts.waits_until(session, "c.martin", MORNING) is None


def test_twenty_guesses_at_once_are_not_one_guess(database: Database, claire: AccountRow) -> None:
    start = Barrier(20)

    def guess(_: int) -> None:
        start.wait()
        accounts.sign_in(database, "c.martin", "a guess", MORNING)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(guess, range(20)))
    with database.read() as session:
        looked_at = session.exec(select(SignInFailureRow)).one().failures
    assert looked_at == 5


def test_an_unknown_login_takes_as_long_as_a_wrong_password() -> None:
    stored = passwords.hashed(PASSWORD)
    passwords.proves("warm up", None)

    def seconds(hash_: str | None) -> float:
        taken = []
        for _ in range(5):
            start = perf_counter()
            assert not passwords.proves("a guess", hash_)
            taken.append(perf_counter() - start)
        return min(taken)

    assert 0.4 < seconds(None) / seconds(stored) < 2.5


def test_an_old_hash_is_renewed_when_its_owner_signs_in(database: Database, claire: AccountRow) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with database.write() as session:
        session.get(AccountRow, claire.id).password_hash = old
    signed_in(database)
    with database.read() as session:
        renewed = session.get(AccountRow, claire.id).password_hash
    assert renewed != old
    assert not passwords.is_dated(renewed)
    signed_in(database)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("password", {"password": "too short"}),
        ("login", {"login": "  "}),
        ("login", {"login": "C.MARTIN"}),
        ("name", {"name": "Dr Claire Martin"}),
        ("name", {"name": ""}),
        ("role", {"role": "king"}),
        ("language", {"language": "de"}),
        ("email", {"email": "nowhere"}),
    ],
)
def test_an_account_that_cannot_be_is_refused_by_the_name_of_its_field(
    database: Database, claire: AccountRow, field: str, change: dict[str, str]
) -> None:
    given = {"login": "a.petit", "name": "Anne Petit", "password": PASSWORD, "role": "coordinator"} | change
    with pytest.raises(Refused) as refusal, database.write() as session:
        accounts.add_account(session, now=MORNING, **given)
    assert refusal.value.field == field
    with database.read() as session:
        assert [row.login for row in accounts.accounts(session)] == ["c.martin"]


def test_what_is_not_given_stays_and_what_is_empty_goes(database: Database, claire: AccountRow) -> None:
    with database.write() as session:
        accounts.change_account(session, claire.id, email="", phone="+33600000001", functions=["operator"])
    with database.read() as session:
        row = accounts.account_of(session, "c.martin")
    assert (row.name, row.email, row.phone, row.functions) == (
        "Dr Claire Martin",
        None,
        "+33600000001",
        ["operator"],
    )


def test_a_system_speaks_with_its_token_until_it_expires_or_is_revoked(database: Database) -> None:
    expires = MORNING + timedelta(days=90)
    with database.write() as session:
        row, plain = tokens.add_token(
            session,
            name="Imaging",
            owner="Imaging department",
            functions=["radiologist"],
            now=MORNING,
            expires=expires,
        )
        _, ordering = tokens.add_token(session, name="Ward", requester=True, now=MORNING)
    assert plain.startswith("jalon_")
    with database.read() as session:
        holder = tokens.token_holder(session, plain, MORNING)
        assert (holder.owner, holder.requester) == ("Imaging department", False)
        assert holder.actor == Actor(name="Imaging", role="system", functions=("radiologist",))
        assert tokens.token_holder(session, ordering, MORNING).requester
        assert tokens.token_holder(session, plain, expires) is None
        assert tokens.token_holder(session, plain[:-1], MORNING) is None
    with database.write() as session:
        tokens.revoke(session, row.id, MORNING + timedelta(days=1))
    with database.read() as session:
        assert tokens.token_holder(session, plain, MORNING) is None
        assert [token.name for token in tokens.tokens(session) if token.revoked] == ["Imaging"]


def test_when_a_token_was_last_used_is_noted_every_five_minutes(database: Database) -> None:
    with database.write() as session:
        _, plain = tokens.add_token(session, name="Imaging", now=MORNING)
        holder = tokens.token_holder(session, plain, MORNING)
        assert holder.stale
        tokens.used(session, holder, MORNING)
    with database.read() as session:
        assert not tokens.token_holder(session, plain, MORNING + timedelta(minutes=4)).stale
        assert tokens.token_holder(session, plain, MORNING + timedelta(minutes=5)).stale


def test_a_token_without_a_name_or_already_expired_is_refused(database: Database) -> None:
    for given in ({"name": " "}, {"name": "Imaging", "expires": MORNING}):
        with pytest.raises(Refused), database.write() as session:
            tokens.add_token(session, now=MORNING, **given)
    with pytest.raises(Refused, match="no such token"), database.write() as session:
        tokens.revoke(session, "?", MORNING)


def test_sweeping_forgets_what_has_expired_and_nothing_else(database: Database, claire: AccountRow) -> None:
    signed_in(database)
    noon = MORNING + timedelta(hours=4)
    kept = signed_in(database, noon).token
    accounts.sign_in(database, "nobody", "a guess", MORNING)
    with database.write() as session:
        accounts.sweep(session, MORNING + timedelta(hours=13))
    with database.read() as session:
        assert len(session.exec(select(SignInRow)).all()) == 1
        assert session.exec(select(SignInFailureRow)).all() == []
    assert person_at(database, kept, MORNING + timedelta(hours=13)) is not None
