"""The very commands and settings of the compose file, with real peers in the places of its services."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.cli.conftest import Shell
from tests.peers.hospital import Hospital
from tests.peers.mail import MailServer
from tests.peers.ports import free_port

ROOT = Path(__file__).parents[2]


def words_of(services: dict[str, Any], name: str, port: int) -> list[str]:
    """A service's command without the program, on a port and address of this machine."""
    here = {"8000": str(port), "0.0.0.0": "127.0.0.1"}
    return [here.get(word, word) for word in services[name]["command"][1:]]


def settings_of(
    services: dict[str, Any], place: Path, postgres_url: str, mail: MailServer, hospital: Hospital
) -> dict[str, str]:
    """The environment that the compose file gives, with our peers for its services."""
    said = {name: str(value) for name, value in services["app"]["environment"].items()}
    key = place / "secret_key"
    key.write_text("0123456789abcdef" * 4)
    said["JALON_FHIR_DESTINATIONS"] = said["JALON_FHIR_DESTINATIONS"].replace(
        "http://fhir:8080/fhir", hospital.base_url
    )
    return said | {
        "JALON_DATABASE_URL": postgres_url,
        "JALON_SECRET_KEY_FILE": str(key),
        "JALON_SMTP_HOST": mail.host,
        "JALON_SMTP_PORT": str(mail.port),
        "JALON_MAILBOX": str(place / "mailbox"),
    }


def until(what: Any, seconds: float = 40.0) -> Any:
    """What it gives, once it gives anything."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := what():
                return found
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError("it never came")


def test_the_composed_services_take_a_referral_to_the_hospitals_server(
    jalon: Shell, postgres_url: str, smtp_server: MailServer, fhir_server: Hospital
) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    port = free_port()
    jalon.environment |= settings_of(services, jalon.place, postgres_url, smtp_server, fhir_server)
    migrated = jalon(*words_of(services, "migrate", port))
    assert migrated.returncode == 0, migrated.stderr
    made = jalon("user", "token", "hopital")
    assert made.returncode == 0, made.stderr
    token = next(word for word in made.stdout.split() if word.startswith("jalon_"))
    jalon.start(*words_of(services, "app", port))
    jalon.start(*words_of(services, "worker", port))
    address = f"http://127.0.0.1:{port}"
    until(lambda: httpx.get(f"{address}/readyz", timeout=5).status_code == 200)
    body = (ROOT / "protocols" / "demo" / "referrals" / "liz-conn.json").read_bytes()
    answer = httpx.post(
        f"{address}/fhir",
        content=body,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    tasks = until(lambda: fhir_server.search("Task", _count="200"))
    assert {task["status"] for task in tasks} >= {"ready", "draft"}
