"""The container files hold together: the compose schema accepts them, and they name what exists."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from app.cli import app

ROOT = Path(__file__).parents[1]
OURS = ("migrate", "app", "worker")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return found


def judged_by_the_compose_schema(path: Path) -> subprocess.CompletedProcess[str]:
    """check-jsonschema carries the Compose specification's own schema, so nothing is fetched."""
    command = [
        str(Path(sys.executable).parent / "check-jsonschema"),
        "--builtin-schema",
        "vendor.compose-spec",
    ]
    return subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)


def dockerfile() -> list[tuple[str, str]]:
    """(instruction, arguments) of every line, continuations joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines]


def test_the_compose_schema_accepts_the_file() -> None:
    result = judged_by_the_compose_schema(ROOT / "docker-compose.yml")
    assert result.returncode == 0, result.stdout


def test_the_compose_schema_would_refuse_a_wrong_word(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text((ROOT / "docker-compose.yml").read_text().replace("read_only:", "readonly:"))
    result = judged_by_the_compose_schema(wrong)
    assert result.returncode == 1
    assert "readonly" in result.stdout


def test_our_services_are_read_only_and_nobody_gains_privileges(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {*OURS, "postgres", "fhir", "mail"}
    assert all("no-new-privileges:true" in service["security_opt"] for service in services.values())
    for name in OURS:
        assert services[name]["read_only"] is True, name
        assert services[name]["cap_drop"] == ["ALL"], name


def test_ports_are_open_to_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_nobody_starts_before_the_database_is_migrated(services: dict[str, dict[str, Any]]) -> None:
    for name in ("app", "worker"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_the_services_speak_to_each_other_by_names_that_exist(services: dict[str, dict[str, Any]]) -> None:
    settings = services["app"]["environment"]
    assert all(name.startswith("JALON_") for name in settings)
    assert settings["JALON_SMTP_HOST"] in services
    assert "@postgres:" in settings["JALON_DATABASE_URL"]
    [destination] = json.loads(settings["JALON_FHIR_DESTINATIONS"])
    assert destination["url"].startswith("http://fhir:")


def test_the_health_of_the_app_is_asked_where_it_answers(services: dict[str, dict[str, Any]]) -> None:
    [of_the_image] = [arguments for word, arguments in dockerfile() if word == "HEALTHCHECK"]
    assert "http://127.0.0.1:8000/healthz" in of_the_image
    assert "http://127.0.0.1:8000/readyz" in services["app"]["healthcheck"]["test"][-1]


def test_the_image_does_not_run_as_root_and_starts_what_the_compose_file_starts(
    services: dict[str, dict[str, Any]],
) -> None:
    last = dict(dockerfile())
    assert last["USER"] == "10001:10001"
    assert json.loads(last["CMD"]) == services["app"]["command"]


def test_the_image_gets_every_package_and_nothing_else() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in pyproject["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = [arguments for word, arguments in dockerfile() if word == "COPY" and "--from" not in arguments]
    sources = {source for arguments in copied for source in arguments.split()[:-1]}
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sources == let_in == packages | {"pyproject.toml", "README.md", "LICENSE"}
    assert all((ROOT / source).exists() for source in sources)


def test_every_command_is_one_that_jalon_knows(services: dict[str, dict[str, Any]]) -> None:
    for name in OURS:
        program, *words = services[name]["command"]
        assert program == "jalon"
        command, path = typer.main.get_command(app), program
        while words and (below := getattr(command, "commands", {}).get(words[0])):
            command, path = below, f"{path} {words.pop(0)}"
        assert not hasattr(command, "commands"), f"{path} is a family, no command"
        # Raises for an option or a value that the command does not take.
        command.make_context(path, words)
