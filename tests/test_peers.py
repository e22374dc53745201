"""The peers are what they claim to be; a test that leans on one may believe it."""

import smtplib
import socket
import sys
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from playwright.sync_api import Page

from tests.peers.browser import PageAt
from tests.peers.databases import Postgres
from tests.peers.hospital import Hospital
from tests.peers.mail import MailServer


def test_what_is_written_to_a_database_is_there_for_the_next_connection(database_url: str) -> None:
    for expected in ([], [(1,)]):
        engine = sqlalchemy.create_engine(database_url)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE IF NOT EXISTS step (n INTEGER)"))
            assert connection.execute(sqlalchemy.text("SELECT n FROM step")).fetchall() == expected
            connection.execute(sqlalchemy.text("INSERT INTO step VALUES (1)"))
        engine.dispose()


def test_postgresql_keeps_time_in_utc(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SHOW timezone")).scalar_one() == "UTC"
    engine.dispose()


def test_a_database_is_empty_and_goes_even_when_somebody_still_holds_it(postgres_server: Postgres) -> None:
    url = postgres_server.create_database()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)
        postgres_server.drop_database(url)
        with pytest.raises(psycopg.OperationalError, match=r"terminating connection|closed"):
            connection.execute("SELECT 1")


def letter(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "jalon@hopital.example", "a@patient.example", subject
    message.set_content("Rendez-vous à 9 h.")
    return message


def send(server: MailServer, subject: str) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.send_message(letter(subject))


def test_mail_arrives_with_its_envelope(smtp_server: MailServer) -> None:
    send(smtp_server, "Été")
    [received] = smtp_server.messages
    assert (received.mail_from, received.rcpt_to) == ("jalon@hopital.example", ("a@patient.example",))
    assert received.message["Subject"] == "Été"
    assert received.message.get_content().strip() == "Rendez-vous à 9 h."


def test_mail_is_refused_as_often_as_asked_and_nothing_is_kept(smtp_server: MailServer) -> None:
    smtp_server.refuse_next(1, 552)
    with pytest.raises(smtplib.SMTPDataError, check=lambda error: error.smtp_code == 552):
        send(smtp_server, "first")
    send(smtp_server, "second")
    assert [it.message["Subject"] for it in smtp_server.messages] == ["second"]


def test_mail_is_kept_although_the_answer_was_lost(smtp_server: MailServer) -> None:
    smtp_server.drop_after_data_next(1)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        send(smtp_server, "kept")
    assert [it.message["Subject"] for it in smtp_server.messages] == ["kept"]


def test_a_slow_mail_server_outlasts_the_patience_of_its_client(smtp_server: MailServer) -> None:
    smtp_server.slow(0.5)
    with smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5) as client:
        client.ehlo()
        assert client.sock is not None
        client.sock.settimeout(0.1)
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            client.send_message(letter("late"))


def test_a_mail_server_comes_back_on_its_port(smtp_server: MailServer) -> None:
    smtp_server.stop()
    with pytest.raises(ConnectionRefusedError):
        send(smtp_server, "nobody there")
    smtp_server.start()
    send(smtp_server, "back")
    assert len(smtp_server.messages) == 1


SCRIPTED_PAGE = "data:text/html,<body>plain<script>document.body.textContent='scripted'</script>"


def test_the_browser_runs_scripts_unless_told_not_to(page_at: PageAt) -> None:
    assert page_at(1280).goto(SCRIPTED_PAGE) is None
    scripted, plain = page_at(320), page_at(320, javascript=False)
    scripted.goto(SCRIPTED_PAGE)
    plain.goto(SCRIPTED_PAGE)
    assert (scripted.inner_text("body"), plain.inner_text("body")) == ("scripted", "plain")
    assert scripted.evaluate("innerWidth") == 320


def test_the_browser_opens_pages_of_this_machine(page: Page, fhir_server: Hospital) -> None:
    page.goto(f"{fhir_server.base_url}/metadata")
    assert "CapabilityStatement" in page.inner_text("body")


def test_a_page_that_asks_another_host_fails_its_test(pytester: pytest.Pytester) -> None:
    result = run_inside(
        pytester,
        """
        def test_it(page):
            page.set_content("<img src='http://cdn.example/logo.png'>")
            page.wait_for_load_state()
        """,
    )
    result.stdout.fnmatch_lines(["*The page asked http://cdn.example/logo.png*"])


def run_inside(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    """Run a test of its own in a separate pytest that has Jalon's fixtures."""
    root = Path(__file__).parents[1]
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    pytester.makeconftest(
        f"import sys\nsys.path.insert(0, {str(root)!r})\nfrom tests.conftest import pytest_plugins"
    )
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess("-ra", "-p", "no:cacheprovider")


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 25), timeout=1)",
        "socket.getaddrinfo('hospital.example', 443)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "threading.Thread(target=lambda: suppress(socket.getaddrinfo, 'hospital.example', 443)).start()",
    ],
)
def test_a_test_that_reaches_for_the_world_fails_even_if_the_refusal_is_swallowed(
    pytester: pytest.Pytester, attempt: str
) -> None:
    result = run_inside(
        pytester,
        f"""
        import socket, threading, time

        def suppress(call, *arguments):
            try:
                call(*arguments)
            except Exception:
                pass

        def test_it():
            suppress(lambda: {attempt})
            time.sleep(0.1)
        """,
    )
    result.stdout.fnmatch_lines(["*A test tried to reach *: tests speak to this machine only*"])


def test_a_host_that_can_never_exist_is_simply_not_found() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("mail.invalid", 25)


@pytest.mark.parametrize("required", ["", "1"])
def test_a_skip_is_a_failure_where_peers_are_required(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, required: str
) -> None:
    monkeypatch.setenv("JALON_REQUIRE_PEERS", required)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    result = run_inside(pytester, "def test_it(fhir_server): pass")
    if required:
        result.assert_outcomes(errors=1)
    else:
        result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*Node.js is missing: apt-get install nodejs*"])
