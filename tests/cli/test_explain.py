"""``jalon explain``: the reasoning behind a pathway, for somebody at a terminal and for a script."""

import json

from tests.cli.conftest import Shell
from tests.cli.test_commands import REFERRALS


def _referred(jalon: Shell) -> str:
    jalon("refer", str(REFERRALS[0]))
    (first, *_) = json.loads(jalon("worklist", "--json").stdout)
    pathway: str = first["pathway"]
    return pathway


def test_everything_is_listed_with_its_name_and_its_source(jalon: Shell) -> None:
    pathway = _referred(jalon)
    answer = jalon("explain", pathway, "--language", "en")
    assert answer.returncode == 0, answer.stderr
    assert "[triage/1/task]" in answer.stdout
    assert "Source: centre default, unsourced" in answer.stdout


def test_one_thing_is_explained_to_its_roots_in_either_language(jalon: Shell) -> None:
    pathway = _referred(jalon)
    french = jalon("explain", pathway, "--what", "triage/1/task").stdout
    assert "Échéance : Tri de la demande" in french
    assert "Source : défaut du centre, sans source" in french
    (data,) = json.loads(jalon("explain", pathway, "--what", "triage/1/task", "--json").stdout)
    assert data["kind"] == "due"
    assert {part["kind"] for part in data["parts"]} == {"candidate"}


def test_a_mistake_is_one_line(jalon: Shell) -> None:
    pathway = _referred(jalon)
    for words, said in (
        ((pathway, "--what", "nothing"), "has nothing named nothing"),
        (("nobody",), "nobody"),
        ((pathway, "--language", "de"), "--language is fr or en, not de"),
    ):
        answer = jalon("explain", *words)
        assert answer.returncode != 0
        assert said in answer.stderr
        assert len(answer.stderr.strip().splitlines()) == 1


def test_a_protocol_is_drawn_into_a_file(jalon: Shell) -> None:
    answer = jalon("protocol", "show", "--svg", "protocol.svg", "--language", "en")
    assert answer.stdout.strip() == "protocol.svg"
    assert (jalon.place / "protocol.svg").read_text().startswith("<svg ")
    assert jalon("protocol", "show", "--mermaid").stdout.startswith("flowchart TD")
