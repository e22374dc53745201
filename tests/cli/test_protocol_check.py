"""``jalon protocol check`` as a person types it: no fault, faults with their line, a file that cannot be read."""

import json
import re
import shutil
from pathlib import Path

import pytest

from app.protocols import BUILTIN
from tests.cli.conftest import Shell


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the built-in protocol with all its files."""
    folder = tmp_path / "vertebroplasty"
    shutil.copytree(BUILTIN.parent, folder)
    return folder / "protocol.yaml"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_built_in_protocol_passes_and_what_was_reduced_is_said(jalon: Shell) -> None:
    answer = jalon("protocol", "check", "--random", "2000")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    assert "no fault" in answer.stdout
    assert " states and " in answer.stdout
    assert answer.stdout.count("Reduced: ") == 5
    assert "2,000 random events" in answer.stdout
    assert "none outside" in answer.stdout


def test_faults_are_sentences_with_file_and_line_and_the_exit_code_is_1(jalon: Shell, copy: Path) -> None:
    change(copy.with_name("messages.yaml"), "\narrival:\n", "\nanother:\n")
    change(copy, "coordinator: {title:", "coordinator: {fallback: radiologist, title:")
    answer = jalon("protocol", "check", str(copy))
    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    missing = (
        re.escape(str(copy.with_name("messages.yaml"))) + r":\d+: messages.arrival: there is no such text"
    )
    assert any(re.match(missing, line) for line in lines)
    assert any("protocol.yaml:" in line and "go round and end at nobody" in line for line in lines)
    assert any(line.endswith("; 2 faults.") for line in lines)


def test_the_same_as_json(jalon: Shell, copy: Path) -> None:
    change(copy.with_name("messages.yaml"), "\narrival:\n", "\nanother:\n")
    answer = jalon("protocol", "check", str(copy), "--json")
    assert answer.returncode == 1
    found = json.loads(answer.stdout)
    assert [fault["where"] for fault in found["faults"]] == ["messages.arrival"]
    assert found["states"] == sum(one["states"] for one in found["slices"])
    assert len(found["reduced"]) == 5
    assert found["random"] is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "title: {fr: Vertébroplastie percutanée",
            "titel: {fr: Vertébroplastie percutanée",
            "titel: is not known",
        ),
        ("protocol: vertebroplasty\n", "protocol: [vertebroplasty\n", "protocol.yaml:"),
    ],
    ids=["a word that is not known", "no YAML"],
)
def test_a_file_that_cannot_be_read_is_one_line_and_the_exit_code_2(
    jalon: Shell, copy: Path, old: str, new: str, said: str
) -> None:
    change(copy, old, new)
    answer = jalon("protocol", "check", str(copy))
    assert answer.returncode == 2
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_told(jalon: Shell) -> None:
    answer = jalon("protocol", "check", "nowhere.yaml")
    assert answer.returncode == 2
    assert "nowhere.yaml:1: cannot be read" in answer.stderr
