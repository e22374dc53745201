"""Hosted: we keep the Tasks and a hospital's program polls them, does the work and says so, while we are killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from pathway import events as e
from pathway.state import PathwayStatus
from store import tokens
from tests.house import Clock, House, known, open_house, plain_settings
from tests.peers.ports import free_port, wait_until_answered
from tests.scheduler.test_whole_pathways import without_antithrombotics

Json = dict[str, Any]

BASE = "https://jalon.example/fhir"
OURS = {"identifier": {"system": "https://finess.esante.gouv.fr", "value": "750000001"}, "display": "CHU"}


@dataclass
class Server:
    """Our facade in a process of its own, on the house's database, killed and started again at will."""

    environment: dict[str, str]
    clock: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.peers.jalon_at", str(self.port), str(self.clock)]
        self.process = subprocess.Popen(command, env={**os.environ, **self.environment})
        wait_until_answered(self._connect, OSError, self.process)

    def _connect(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


class HospitalProgram:
    """What an integration engineer would write: poll what has changed, do the work as its owner, write it back."""

    def __init__(self, url: str, token: str) -> None:
        self.tasks: dict[str, Json] = {}
        self.polled: str | None = None
        self.refusals: list[str] = []
        self.http = httpx.Client(
            base_url=f"{url}/fhir",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"},
            trust_env=False,
            timeout=30,
        )

    def poll(self) -> None:
        """Every Task that has changed since the last look, page by page."""
        following: str | None = "/Task?_count=20&_sort=_lastUpdated"
        if self.polled is not None:
            following += f"&_lastUpdated=ge{self.polled}"
        while following:
            page = self.http.get(following).raise_for_status().json()
            for entry in page.get("entry", []):
                task = entry["resource"]
                self.tasks[task["identifier"][0]["value"]] = task
                self.polled = max(self.polled or "", task["meta"]["lastUpdated"])
            links = {one["relation"]: one["url"] for one in page["link"]}
            following = links.get("next")
            if following is not None:
                following = following.partition("/fhir")[2]

    def does(self, name: str, outcome: str, answers: Json) -> bool:
        """Take the Task, begin it, and say how it ended. Whether it was let do so."""
        for status in ("accepted", "in-progress", "completed"):
            task = self.tasks.get(name)
            if task is None:
                return False
            if task["status"] == status or (status == "accepted" and task.get("owner")):
                continue
            said = {key: value for key, value in task.items() if key != "businessStatus"}
            said |= {"status": status, "owner": task.get("owner", OURS)}
            if status == "completed":
                if answers:
                    said["output"] = [*task.get("output", []), *_answers(answers)]
                said["businessStatus"] = {
                    "coding": [{"system": f"{BASE}/CodeSystem/outcome", "code": outcome}]
                }
            answer = self.http.put(
                f"/Task/{task['id']}",
                json=said,
                headers={
                    "If-Match": f'W/"{task["meta"]["versionId"]}"',
                    "Content-Type": "application/fhir+json",
                },
            )
            if not answer.is_success:
                self.refusals.append(f"{name} {status}: {answer.text}")
                return False
            self.tasks[name] = answer.json()
        return True

    def books(self, name: str, start: datetime, patient: Json) -> bool:
        """Make or move the Appointment of a step, by our identifier."""
        identifier = {"system": f"{BASE}/id/appointment", "value": name}
        said = {
            "resourceType": "Appointment",
            "identifier": [identifier],
            "status": "booked",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "participant": [{"actor": patient, "status": "accepted"}],
        }
        answer = self.http.put(
            "/Appointment",
            params={"identifier": f"{identifier['system']}|{name}"},
            json=said,
            headers={"Content-Type": "application/fhir+json"},
        )
        if not answer.is_success:
            self.refusals.append(f"{name} booked: {answer.text}")
        return answer.is_success


def _coded(kind: str, code: str) -> Json:
    return {"type": {"coding": [{"system": f"{BASE}/CodeSystem/{kind}", "code": code}]}}


def _answers(said: Json) -> list[Json]:
    return [{**_coded("answer", key), **_value(value)} for key, value in said.items()]


def _value(value: Any) -> Json:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int | float):
        return {"valueDecimal": value}
    try:
        date.fromisoformat(value)
    except ValueError:
        return {"valueString": value}
    return {"valueDate": value}


def persistently(ask: Callable[[], bool], server: Server, *, killed: bool) -> bool:
    """Ask; where we die under it, ask again once we are back."""
    if killed:
        server.kill()
        try:
            ask()
        except httpx.TransportError:
            server.start()
    return ask()


def test_a_whole_pathway_is_worked_by_a_hospital_that_polls_us_although_we_are_killed(
    sqlite_url: str, tmp_path: Path
) -> None:
    tale = without_antithrombotics()
    time = tmp_path / "clock"
    clock = Clock(tale.deeds[0][0] - timedelta(days=1))
    settings = plain_settings(
        sqlite_url,
        tmp_path,
        fhir_destinations=[{"name": "chu", "url": "http://127.0.0.1:9/fhir", "mode": "hosted"}],
    )
    house: House = open_house(settings, clock)
    with house.service.db.write() as session:
        _, token = tokens.add_token(
            session,
            name="CHU",
            owner="CHU <https://finess.esante.gouv.fr|750000001>",
            functions=list(house.service.protocol.protocol.roles),
            now=clock.now,
        )
    environment = {
        "JALON_DATABASE_URL": sqlite_url,
        "JALON_SECRET_KEY": str(settings["secret_key"]),
        "JALON_INSTANCE": "test",
        "JALON_MAILBOX": str(settings["mailbox"]),
        "JALON_WORKER": "false",
    }
    server = Server(environment, time)
    time.write_text(clock.now.isoformat())
    server.start()
    program = HospitalProgram(server.url, token)
    received = house.refer(1, facts=known(clock.now, tale.taken), onset=date(2027, 1, 20))
    id_ = received.pathway_id
    assert id_ is not None
    by_hospital = 0
    try:
        for number, (at, deed) in enumerate(tale.deeds):
            house.until(at, hours=240)
            time.write_text(clock.now.isoformat())
            done = False
            if isinstance(deed, e.StepCompleted | e.VisitBooked):
                pathway, _ = house.load(id_)
                step = pathway.last(deed.step)
                name = f"{id_}/{deed.step}/{step.occurrence if step is not None else 1}"
                killed = number % 20 == 10

                def work(deed: e.Event = deed, name: str = name) -> bool:
                    program.poll()
                    if isinstance(deed, e.StepCompleted):
                        return program.does(name, deed.outcome, dict(deed.data))
                    assert isinstance(deed, e.VisitBooked)
                    return program.books(name, deed.start, program.tasks[name]["for"])

                done = persistently(work, server, killed=killed)
                by_hospital += done
            if not done:  # what is asked of a person is done on our screens
                house.record(id_, deed)
        house.until(tale.now + timedelta(days=1), hours=240)
        time.write_text(clock.now.isoformat())
        program.poll()
        pathway, _ = house.load(id_)
        assert pathway.status is PathwayStatus.COMPLETED, program.refusals
        assert by_hospital >= 20, program.refusals
        # What only a person may say is refused to a system, and so is a visit before its gate is met.
        assert all("only by" in one or "G3" in one for one in program.refusals), program.refusals
        ours = {
            f"{id_}/{step.key}/{step.occurrence}": step.status.value == "done"
            for step in pathway.steps
            if f"{id_}/{step.key}/{step.occurrence}" in program.tasks
        }
        theirs = {name: program.tasks[name]["status"] == "completed" for name in ours}
        assert theirs == ours
        assert len(ours) > 15
    finally:
        server.kill()
        program.http.close()
        house.close()
