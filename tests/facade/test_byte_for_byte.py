"""The official examples of R4 are kept and come back as they were, byte for byte, but for the server's id and meta."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.fhir.served import BY_TYPE
from fhir_mappings.raw import entry_resources
from tests.facade.conftest import FHIR_JSON, MONDAY, Facade, open_facade
from tests.house import Clock

EXAMPLES = Path(__file__).parents[1] / "data" / "hl7-r4"
ASKED_OF_US = ("Subscription",)
"""Asked of this server rather than kept for another: its status is ours to say, and its headers are not shown."""
SERVED = sorted(
    path
    for path in EXAMPLES.glob("*-*.json")
    if (type_ := path.name.partition("-")[0]) in BY_TYPE
    and "create" in BY_TYPE[type_].interactions
    and type_ not in ASKED_OF_US
)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    place = tmp_path_factory.mktemp("examples")
    yield from open_facade({"database_url": f"sqlite:///{place / 'jalon.sqlite'}"}, Clock(MONDAY))


def without_the_servers_words(text: str) -> str:
    """The text without the id and the meta of the resource itself; everything else is left, spaces included."""
    decoder = json.JSONDecoder()
    at = text.index("{") + 1
    kept, start = [], at
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "}":
            return text[: text.index("{") + 1] + "".join(kept) + text[start:]
        member = at
        name, at = decoder.raw_decode(text, at)
        at = text.index(":", at) + 1
        while text[at] in " \t\r\n":
            at += 1
        _, at = decoder.raw_decode(text, at)
        if name in ("id", "meta"):
            kept.append(text[start:member].rstrip(" \t\r\n,"))
            start = at
        else:
            kept.append(text[start:at])
            start = at


def test_every_type_that_is_written_here_and_has_an_example_is_tried() -> None:
    assert len(SERVED) > 60, "the examples are there"
    tried = {path.name.partition("-")[0] for path in SERVED}
    assert {"Task", "Appointment", "Patient", "Slot", "PlanDefinition", "Provenance", "CarePlan"} <= tried


@pytest.mark.parametrize("path", SERVED, ids=[path.stem for path in SERVED])
def test_an_example_comes_back_as_it_was(standing: Facade, path: Path) -> None:
    body = path.read_bytes()
    type_, id_ = json.loads(body)["resourceType"], json.loads(body)["id"]
    headers = {"Content-Type": FHIR_JSON}
    put = standing.ask("PUT", f"/{type_}/{id_}", content=body, headers=headers)
    post = standing.ask("POST", f"/{type_}", content=body, headers=headers)
    assert (put.status_code, post.status_code) == (201, 201), put.text
    words = without_the_servers_words(body.decode())
    for answer in (put, post, standing.get(f"/{type_}/{id_}"), standing.get(f"/{type_}/{id_}/_history/1")):
        assert without_the_servers_words(answer.text) == words
    _same_meta(json.loads(body), put.json())
    assert put.json()["id"] == id_
    assert post.json()["id"] != id_
    (found,) = entry_resources(standing.get(f"/{type_}?_id={id_}").text)
    assert found is not None
    assert without_the_servers_words(found) == words, "nor does a search change it"
    again = standing.ask("PUT", f"/{type_}/{id_}", content=body, headers=headers)
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"1"')


def _same_meta(sent: dict[str, Any], kept: dict[str, Any]) -> None:
    """Profiles, tags and labels are the author's; version and date are the server's."""
    authors = {
        key: value for key, value in sent.get("meta", {}).items() if key not in ("versionId", "lastUpdated")
    }
    assert {key: value for key, value in kept["meta"].items() if key in authors} == authors
    assert kept["meta"]["versionId"] == "1"


@pytest.mark.parametrize("name", ["Subscription-example", "Subscription-example-error"])
def test_what_is_asked_of_us_is_kept_but_for_what_is_ours_to_say(standing: Facade, name: str) -> None:
    """The examples ended years ago, so their status is off; what they put in a header is shown to nobody."""
    sent = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    put = standing.put(sent)
    post = standing.ask("POST", "/Subscription", resource=sent)
    assert (put.status_code, post.status_code) == (201, 201), put.text
    kept = standing.get(f"/Subscription/{sent['id']}").json()
    assert kept["status"] == "off"
    assert "secret" not in json.dumps(kept)
    for said in (sent, kept):
        said.pop("meta", None)
        said.pop("status")
        said.pop("error", None)
        said["channel"].pop("header", None)
    assert kept == sent
