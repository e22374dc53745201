"""Workers are killed while they send, at named points and at random moments; the twin's own log is the judge."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from gateways.twin import Manners, Twin, read_log
from store.tables import OwedRow
from tests.chaos.nursery import POINTS
from tests.house import Clock, House, open_house

# The eve of Monday's visits, ten o'clock in Paris: the hour at which reminders leave.
MORNING = datetime(2027, 3, 12, 9, 0, tzinfo=UTC)
VISITS = datetime(2027, 3, 15, 9, 0, tzinfo=UTC)
REFERRED = datetime(2027, 3, 10, 9, 0, tzinfo=UTC)


class Nursery:
    """The process that forks workers to be killed, one at a time."""

    def __init__(self, settings: Path) -> None:
        self.settings = settings
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery", str(settings), MORNING.isoformat()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def begin(self, **order: Any) -> int:
        """A worker begins; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def end(self) -> int:
        """Wait until the worker is gone; its wait status. A worker may die, but not of its own mistake."""
        status = int(self._line().removeprefix("done "))
        assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0, "a worker failed"
        return status

    def close(self) -> None:
        """No more workers."""
        assert self._process.stdin is not None
        with self._process:
            self._process.stdin.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery has died"
        return line.strip()


@contextmanager
def a_morning(
    database_url: str, tmp_path: Path, patients: int, manners: Manners
) -> Iterator[tuple[House, Twin, Nursery]]:
    """Patients who are each owed one SMS this morning, a provider's twin, and workers to send them."""
    log = tmp_path / "twin.jsonl"
    with Twin(log=log, manners=manners, seed=7) as twin:
        settings = {
            "database_url": database_url,
            "instance": "chaos",
            "secret_key": "0123456789abcdef" * 4,
            "sms_url": twin.url,
            "sms_token": "token",
            "sms_timeout_seconds": 0.5,
            "sms_search_delay_seconds": manners.search_delay,
            "lease_slack_seconds": 0.5,
            "mailbox": str(tmp_path / "mailbox"),
        }
        (tmp_path / "settings.json").write_text(json.dumps(settings))
        clock = Clock(REFERRED)
        house = open_house(settings, clock)
        for number in range(patients):
            house.visit_reminder_owed(number, at=REFERRED, start=VISITS + timedelta(minutes=number))
        nursery = Nursery(tmp_path / "settings.json")
        try:
            yield house, twin, nursery
        finally:
            nursery.close()
            house.close()


def owed_sms(house: House) -> list[OwedRow]:
    """Every SMS to a patient that was owed this morning."""
    with house.service.db.read() as session:
        rows = session.exec(select(OwedRow).where(OwedRow.kind == "message", OwedRow.channel == "sms"))
        return [row for row in rows if row.at is not None and row.at <= MORNING and row.status != "too-late"]


def work_until_done(house: House, nursery: Nursery) -> None:
    """Workers that nobody kills, until every message is settled."""
    for _ in range(60):
        nursery.begin(point=None)
        nursery.end()
        if all(row.status != "planned" and row.status != "sending" for row in owed_sms(house)):
            return
        time.sleep(0.3)
    raise AssertionError(f"still owed: {Counter(row.status for row in owed_sms(house))}")


def judge(house: House, twin: Twin, log: Path) -> None:
    """Nothing lost, nothing twice, by what the provider says it took."""
    taken = Counter(entry["tag"] for entry in read_log(log))
    owed = {row.tag for row in owed_sms(house)}
    assert owed, "nothing was owed: the test proves nothing"
    assert owed - set(taken) == set(), "lost"
    assert {tag: count for tag, count in taken.items() if count > 1} == {}, "sent twice"
    assert {row.status for row in owed_sms(house)} == {"sent"}


MANNERS = Manners(refuse=0.05, lose_answer=0.10, search_delay=0.1)


few_and_many = [pytest.param(False, id="few"), pytest.param(True, id="many", marks=pytest.mark.chaos)]
"""Few kills with every run of the tests; the promised number of them with ``make chaos``."""


@pytest.mark.parametrize("many", few_and_many)
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_a_named_point_loses_nothing_and_doubles_nothing(
    database_url: str, tmp_path: Path, point: str, many: bool
) -> None:
    kills, deaths = 25 if many else 4, 0
    with a_morning(database_url, tmp_path, kills + 10, MANNERS) as (house, twin, nursery):
        for _ in range(kills):
            nursery.begin(point=point, nth=1, idle=2.0)
            deaths += os.WIFSIGNALED(nursery.end())
        work_until_done(house, nursery)
        judge(house, twin, tmp_path / "twin.jsonl")
    assert deaths == kills


@pytest.mark.parametrize("many", few_and_many)
def test_workers_killed_at_random_moments_lose_nothing_and_double_nothing(
    database_url: str, tmp_path: Path, many: bool
) -> None:
    chance, kills, deaths = random.Random(11), 100 if many else 15, 0
    with a_morning(database_url, tmp_path, kills + 20, MANNERS) as (house, twin, nursery):
        for _ in range(kills):
            worker = nursery.begin(point=None, idle=30.0)
            time.sleep(chance.uniform(0.0, 0.5))
            os.kill(worker, signal.SIGKILL)
            deaths += os.WIFSIGNALED(nursery.end())
        work_until_done(house, nursery)
        judge(house, twin, tmp_path / "twin.jsonl")
    assert deaths == kills


@pytest.mark.parametrize("point", ["before send", "after the gateway accepted"])
def test_a_worker_stopped_beyond_its_lease_and_woken_doubles_nothing(
    database_url: str, tmp_path: Path, point: str
) -> None:
    with a_morning(database_url, tmp_path, 10, MANNERS) as (house, twin, nursery):
        sleep_through_the_lease(house, nursery, point=point)
        judge(house, twin, tmp_path / "twin.jsonl")


def test_without_the_fence_the_judge_would_find_the_double(sqlite_url: str, tmp_path: Path) -> None:
    with a_morning(sqlite_url, tmp_path, 4, MANNERS) as (house, twin, nursery):
        sleep_through_the_lease(house, nursery, point="before send", fenced=False)
        with pytest.raises(AssertionError, match="sent twice"):
            judge(house, twin, tmp_path / "twin.jsonl")


def sleep_through_the_lease(house: House, nursery: Nursery, **order: Any) -> None:
    """A worker is stopped at a point, others do all the work, and then it is woken."""
    sleeper = Nursery(nursery.settings)
    stopped = sleeper.begin(signal=int(signal.SIGSTOP), idle=2.0, **order)
    wait_until_stopped(stopped)
    work_until_done(house, nursery)
    os.kill(stopped, signal.SIGCONT)
    assert os.WIFEXITED(sleeper.end())
    sleeper.close()


def wait_until_stopped(pid: int) -> None:
    """Until the kernel says that the process is stopped."""
    for _ in range(1000):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            return
        time.sleep(0.01)
    raise AssertionError("the worker never came to its point")
