"""The processes that stay: one worker a SQLite file, ten seconds to stop, and a port that is taken."""

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from tests.cli.conftest import Shell
from tests.peers.ports import free_port


def until(true: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Wait until it is so; fail at once when the process has ended."""
    end = time.monotonic() + seconds
    while not true():
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}: {process.communicate()}")
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def stopped(process: subprocess.Popen[str], by: signal.Signals) -> tuple[float, int]:
    """Seconds it took to stop, and the exit code."""
    begun = time.monotonic()
    process.send_signal(by)
    code = process.wait(30)
    return time.monotonic() - begun, code


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_the_service_answers_works_and_stops_within_ten_seconds(jalon: Shell, by: signal.Signals) -> None:
    port = free_port()
    process = jalon.start("serve", "--port", str(port))
    until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), process)
    until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), process)
    seconds, code = stopped(process, by)
    assert seconds < 10
    assert code == 0
    assert process.communicate() == ("", "")


def test_a_request_that_hangs_does_not_keep_the_service_from_stopping(jalon: Shell) -> None:
    port = free_port()
    process = jalon.start("serve", "--port", str(port))
    until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), process)
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"POST /fhir HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.3)
        seconds, code = stopped(process, signal.SIGTERM)
    assert seconds < 10
    assert code == 0


def test_a_port_that_is_taken_is_one_line(jalon: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = jalon("serve", "--port", str(port))
    assert answer.returncode == 1
    assert answer.stderr == (
        f"127.0.0.1:{port} cannot be listened on (Address already in use);"
        " choose another with --host and --port\n"
    )


def test_of_two_workers_on_one_sqlite_file_the_second_is_refused_until_the_first_is_gone(
    jalon: Shell,
) -> None:
    first = jalon.start("work")
    assert first.stderr is not None
    assert first.stderr.readline() == "working\n"
    second = jalon("work")
    assert second.returncode == 1
    assert "Another worker is at work" in second.stderr
    assert second.stderr.count("\n") == 1
    serving = jalon("serve", "--port", str(free_port()))
    assert serving.returncode == 1
    assert "JALON_WORKER=false" in serving.stderr
    # A worker that was killed leaves no lock behind.
    first.kill()
    first.wait()
    third = jalon.start("work")
    assert third.stderr is not None
    assert third.stderr.readline() == "working\n"
    seconds, code = stopped(third, signal.SIGTERM)
    assert seconds < 10
    assert code == 0


def test_the_service_without_a_worker_serves_beside_one(jalon: Shell) -> None:
    worker = jalon.start("work")
    assert worker.stderr is not None
    assert worker.stderr.readline() == "working\n"
    port = free_port()
    serving = jalon.start("serve", "--port", str(port), JALON_WORKER="false")
    until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), serving)
    assert stopped(serving, signal.SIGTERM)[1] == 0


def test_the_demonstration_says_four_lines_and_goes_on_from_where_it_was(jalon: Shell) -> None:
    port = free_port()
    first = started(jalon, port)
    names = [line.partition(": ")[0] for line in first]
    assert names == ["address", "sign-in", "token", "mailbox"]
    assert first[0] == f"address: http://127.0.0.1:{port}"
    assert first[3] == f"mailbox: http://127.0.0.1:{port}/mailbox"
    begun = time.monotonic()
    assert started(jalon, port) == first
    assert time.monotonic() - begun < 30


def started(jalon: Shell, port: int) -> list[str]:
    """Start the demo, read its four lines, ask it with its token, and stop it."""
    process = jalon.start("demo", "--port", str(port))
    assert process.stdout is not None
    lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
    token = lines[2].partition(": ")[2]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/fhir/Task?_count=1", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    assert answers(f"http://127.0.0.1:{port}/healthz")
    seconds, code = stopped(process, signal.SIGTERM)
    assert seconds < 10
    assert code == 0
    assert process.communicate() == ("", "")
    return lines
