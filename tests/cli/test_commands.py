"""Every command as a person types it: what it says when all is well, and the one line when it is not."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.cli.conftest import Shell

ROOT = Path(__file__).parents[2]
REFERRALS = sorted((ROOT / "protocols" / "demo" / "referrals").glob("*.json"))
PASSWORD = "cheval-agrafe-batterie"


def one_line(said: str) -> bool:
    return said.count("\n") == 1 and "Traceback" not in said


def test_two_referrals_start_two_pathways_and_the_same_again_starts_none(jalon: Shell) -> None:
    first = jalon("refer", *map(str, REFERRALS))
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("started pathway") == 2
    again = jalon("refer", "-", given=REFERRALS[0].read_text())
    assert again.returncode == 0
    assert again.stdout.startswith("-: known already")
    found = json.loads(jalon("worklist", "--json").stdout)
    assert {one["step"] for one in found} == {"triage/1"}
    assert len(found) == 2


def test_a_refused_referral_is_a_sentence_for_each_issue_and_the_others_go_in(jalon: Shell) -> None:
    (jalon.place / "bad.json").write_text('{"resourceType": "Bundle"}')
    answer = jalon("refer", "bad.json", str(REFERRALS[0]))
    assert answer.returncode == 1
    assert "started pathway" in answer.stdout
    assert answer.stderr == (
        "bad.json: refused: Bundle.type must be transaction or message for a referral;"
        " set it to one of them. (Bundle.type)\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("refer", "nowhere.json"), 1, "nowhere.json cannot be read"),
        (("worklist", "--role", "nobody"), 2, "there is no role 'nobody'"),
        (("worklist", "--limit", "0"), 2, "--limit"),
        (("worklist", "--colour"), 2, "No such option"),
        (("serv",), 2, "No such command"),
        (("scenario", "run"), 2, "Missing argument"),
        (("protocol", "show", "nowhere.yaml"), 1, "nowhere.yaml:1: cannot be read"),
        (("protocol", "show", "--language", "de"), 2, "fr or en"),
        (("user", "token", "x", "--function", "king"), 2, "there is no function 'king'"),
        (("docs",), 1, "docs is no directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_one_line_and_an_exit_code(
    jalon: Shell, words: tuple[str, ...], code: int, said: str
) -> None:
    answer = jalon(*words)
    assert answer.returncode == code
    assert said in answer.stderr
    assert one_line(answer.stderr), answer.stderr


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("JALON_DATABASE_URL", "nonsense", "no address of a database"),
        ("JALON_DATABASE_URL", "sqlite:////proc/nowhere/x.sqlite", "No such file or directory"),
        (
            "JALON_DATABASE_URL",
            "mysql://jalon@127.0.0.1/jalon",
            "write sqlite:///var/jalon.sqlite",
        ),
        ("JALON_SMTP_PORT", "many", "JALON_SMTP_PORT"),
        ("JALON_PUBLIC_URL", "jalon.example", "JALON_PUBLIC_URL: write http://"),
        ("JALON_SMS_URL", "sms.example", "JALON_SMS_URL: write http://"),
        (
            "JALON_FHIR_DESTINATIONS",
            "https://chu.example/fhir",
            "JALON_FHIR_DESTINATIONS: is no JSON; write []",
        ),
        ("JALON_FHIR_DESTINATIONS", '[{"name": "chu"}]', "JALON_FHIR_DESTINATIONS[0][url]: Field required"),
        (
            "JALON_FHIR_DESTINATIONS",
            '[{"name": "Le CHU", "url": "https://chu.example/fhir"}]',
            "JALON_FHIR_DESTINATIONS[0]: name: write at most 40",
        ),
        (
            "JALON_FHIR_DESTINATIONS",
            '[{"name": "chu", "url": "chu.example"}]',
            "JALON_FHIR_DESTINATIONS[0]: url: write http://",
        ),
        ("JALON_SECRET_KEY", "short", "JALON_SECRET_KEY is no secret"),
        ("JALON_PROTOCOL", "nowhere.yaml", "nowhere.yaml:1: cannot be read"),
    ],
)
def test_a_wrong_setting_is_one_line(jalon: Shell, setting: str, value: str, said: str) -> None:
    answer = jalon("worklist", **{setting: value})
    assert answer.returncode == 1
    assert said in answer.stderr
    assert one_line(answer.stderr), answer.stderr


def test_a_database_that_is_away_is_one_line_without_its_password(jalon: Shell) -> None:
    url = "postgresql+psycopg://jalon:hunter2@127.0.0.1:1/jalon"
    answer = jalon("worklist", JALON_DATABASE_URL=url, JALON_SECRET_KEY="0123456789abcdef" * 4)
    assert answer.returncode == 1
    assert "cannot be used" in answer.stderr
    assert "hunter2" not in answer.stderr
    assert one_line(answer.stderr)


def test_the_schema_can_be_brought_up_to_date_again_and_again(jalon: Shell) -> None:
    assert [jalon("db", "upgrade").returncode for _ in range(2)] == [0, 0]


def test_an_account_is_made_with_a_password_from_stdin_and_never_shown(jalon: Shell) -> None:
    words = ("user", "add", "claire", "--name", "Claire Vasseur", "--role", "coordinator", "--password-stdin")
    made = jalon(*words, "--function", "coordinator", given=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    assert PASSWORD not in made.stdout + made.stderr
    again = jalon(*words, given=f"{PASSWORD}\n")
    assert again.returncode == 1
    assert again.stderr == "The login claire is taken.\n"
    short = jalon("user", "add", "x", "--name", "X", "--role", "admin", "--password-stdin", given="short\n")
    assert short.returncode == 1
    assert one_line(short.stderr)


def test_without_a_terminal_nobody_is_asked_for_a_password(jalon: Shell) -> None:
    answer = jalon("user", "add", "x", "--name", "X", "--role", "admin")
    assert answer.returncode == 1
    assert "--password-stdin" in answer.stderr


def test_a_token_is_printed_alone_so_that_a_script_can_keep_it(jalon: Shell) -> None:
    answer = jalon("user", "token", "hospital")
    assert answer.returncode == 0
    assert answer.stdout.startswith("jalon_")
    assert answer.stdout.count("\n") == 1


def test_a_copy_says_what_it_is_and_sends_only_once_released(jalon: Shell) -> None:
    assert "at home" in jalon("release").stdout
    copy = jalon.place / "copy.sqlite"
    (jalon.place / "jalon.sqlite").rename(copy)
    (jalon.place / "jalon.sqlite.key").rename(jalon.place / "copy.sqlite.key")
    elsewhere = {"JALON_DATABASE_URL": f"sqlite:///{copy}"}
    asked = jalon("release", given="n\n", **elsewhere)
    assert asked.returncode == 1
    assert "copied or restored" in asked.stderr
    assert "nothing was changed" in asked.stderr
    assert jalon("release", "--yes", **elsewhere).stdout == "released: this database sends from here\n"
    assert "at home" in jalon("release", **elsewhere).stdout


def test_what_an_older_planner_planned_is_shown_and_then_planned_again(jalon: Shell) -> None:
    jalon("refer", str(REFERRALS[0]))
    assert "by this version" in jalon("plan", "diff").stdout
    engine = create_engine(f"sqlite:///{jalon.place / 'jalon.sqlite'}")
    with engine.begin() as connection:
        # As an older version would have left it: another number, and one deadline a day off.
        connection.execute(text("UPDATE pathway SET planner = '0'"))
        connection.execute(
            text("UPDATE owed SET at = datetime(at, '+1 day'), next_at = at WHERE key = 'triage/1/task'")
        )
    shown = jalon("plan", "diff").stdout
    assert "triage/1/task" in shown
    assert "moved" in shown
    assert "1 pathways, 1 rows would change" in shown
    assert jalon("plan", "apply").stdout == "1 pathways planned again\n"
    assert "by this version" in jalon("plan", "diff").stdout
    with engine.connect() as connection:
        lines = connection.execute(text("SELECT type FROM history ORDER BY seq")).scalars().all()
    engine.dispose()
    assert lines == ["Enrolled", "Replanned"]


def test_the_protocol_is_shown_in_both_languages(jalon: Shell) -> None:
    french, english = jalon("protocol", "show").stdout, jalon("protocol", "show", "--language", "en").stdout
    assert "Tri de la demande" in french
    assert "Referral triage" in english
    assert "Not validated for clinical use" in english


def test_the_printed_pages_are_those_in_the_documentation(jalon: Shell) -> None:
    (jalon.place / "docs").mkdir()
    assert jalon("docs").returncode == 0
    for name in ("protocol.md", "protocol.mmd", "protocol.svg", "command-line.md"):
        printed = (jalon.place / "docs" / name).read_text()
        assert printed == (ROOT / "docs" / name).read_text(), f"run `make docs`: {name} is out of date"
