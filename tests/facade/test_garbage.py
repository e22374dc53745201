"""Whatever is sent, the answer is a clear 4xx with an OperationOutcome, and never our own failure."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.facade.conftest import FHIR_JSON, MONDAY, OWNER, Facade, open_facade, referral_bundle
from tests.house import Clock

OUTCOME = "https://jalon.example/fhir/CodeSystem/outcome"
MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """One facade for all of this: nothing here may change it."""
    place: Path = tmp_path_factory.mktemp("garbage")
    yield from open_facade({"database_url": f"sqlite:///{place / 'jalon.sqlite'}"}, Clock(MONDAY))


@pytest.fixture(scope="module")
def task(standing: Facade) -> dict[str, Any]:
    return standing.task(standing.referred(), "triage")


def refused(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    said = answer.json()
    assert said["resourceType"] == "OperationOutcome"
    assert said["id"] == answer.headers["x-request-id"]
    assert all(each["diagnostics"] for each in said["issue"])
    assert "Essai" not in answer.text


def send(facade: Facade, task: dict[str, Any], body: bytes) -> list[Any]:
    """The same bytes to every place that takes a body."""
    fhir = {"Content-Type": FHIR_JSON}
    named = {"identifier": "{system}|{value}".format(**task["identifier"][0])}
    return [
        facade.ask("POST", "", content=body, headers=fhir),
        facade.ask("POST", "/Observation", content=body, headers=fhir),
        facade.ask("POST", "/Patient", content=body, headers={**fhir, "If-None-Exist": "identifier=a|b"}),
        facade.ask("PUT", "/Observation/new", content=body, headers=fhir),
        facade.ask("PUT", "/Observation?identifier=a|b", content=body, headers=fhir),
        facade.ask("PUT", f"/Task/{task['id']}", content=body, headers=fhir),
        facade.ask("PUT", "/Task", params=named, content=body, headers=fhir),
        facade.ask(
            "PATCH",
            f"/Task/{task['id']}",
            content=body,
            headers={"Content-Type": "application/json-patch+json"},
        ),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[",
        b"null",
        b"5",
        b'"Task"',
        b"[[]]",
        b"[5]",
        b"{}",
        b'{"resourceType": "Task"',
        b'{"resourceType": "Task", "resourceType": "Task"}',
        b'{"resourceType": "Task", "status": NaN}',
        b'{"resourceType": ["Task"]}',
        b'{"resourceType": "Task", "id": 5}',
        b'{"resourceType": "Task", "id": "\\u0000"}',
        b'{"resourceType": "Task", "id": "\\ud800"}',
        b'{"resourceType": "Bundle", "type": "transaction", "entry": [5]}',
        b"\xff\xfe{\x00}\x00",
        '{"resourceType": "Task", "description": "é"}'.encode("latin-1"),
        b"[" * 200 + b"]" * 200,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"resourceType": "Task", "x": ' + b"9" * 10_000 + b"}",
        b'[], "more": {}',
        b'[{"op": "add"}]',
        b'[{"op": "add", "path": 5, "value": 1}]',
        b'[{"op": "copy", "from": "", "path": "/x"}]',
        b'[{"op": "move", "from": "/x", "path": "/x/y"}]',
    ],
    ids=range(27),
)
def test_no_bytes_break_us(standing: Facade, task: dict[str, Any], body: bytes) -> None:
    for answer in send(standing, task, body):
        refused(answer)


@MANY
@given(st.binary(max_size=200))
def test_no_random_bytes_break_us(standing: Facade, task: dict[str, Any], body: bytes) -> None:
    for answer in send(standing, task, body):
        refused(answer)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)

CONCEPT = st.fixed_dictionaries(
    {},
    optional={
        "text": JSON,
        "coding": JSON | st.lists(st.fixed_dictionaries({"system": st.just(OUTCOME), "code": JSON})),
    },
)
SHAPES = (
    JSON
    | CONCEPT
    | st.lists(
        st.fixed_dictionaries(
            {"type": CONCEPT},
            optional={"valueCodeableConcept": CONCEPT, "valueString": JSON, "valueDecimal": JSON},
        ),
        max_size=2,
    )
    | st.fixed_dictionaries(
        {}, optional={"start": st.dates().map(str) | JSON, "end": st.datetimes().map(str) | JSON}
    )
)


def test_no_element_of_another_shape_breaks_us(standing: Facade, task: dict[str, Any]) -> None:
    """Every element of a Task that would be claimed, replaced by anything that JSON can say."""
    claimed = {**task, "status": "accepted", "owner": OWNER}

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(sorted(claimed)), JSON)
    def put(element: str, value: Any) -> None:
        said = {**claimed, element: value}
        body = json.dumps(said).encode("utf-8", "surrogatepass")
        headers = {"Content-Type": FHIR_JSON, "If-Match": 'W/"0"'}
        answer = standing.ask("PUT", f"/Task/{task['id']}", content=body, headers=headers)
        refused(answer)

    put()


def test_no_result_of_another_shape_breaks_us(standing: Facade) -> None:
    """What the owner says of the work, in any shape: heard or refused, on a Task that may really be completed."""
    said = {"businessStatus": {"coding": [{"system": OUTCOME, "code": "accepted"}]}, "status": "completed"}
    numbers = itertools.count(100)
    fresh = [standing.task(standing.referred(next(numbers)), "triage")]

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(["output", "businessStatus", "executionPeriod", "statusReason", "owner", "meta"]),
        SHAPES,
    )
    def put(element: str, value: Any) -> None:
        resource = {**fresh[0], "owner": OWNER, **said, element: value}
        body = json.dumps(resource).encode("utf-8", "surrogatepass")
        answer = standing.ask(
            "PUT", f"/Task/{fresh[0]['id']}", content=body, headers={"Content-Type": FHIR_JSON}
        )
        if answer.status_code == 200:
            fresh[0] = standing.task(standing.referred(next(numbers)), "triage")
        else:
            refused(answer)

    put()


def test_no_patch_of_another_shape_breaks_us(standing: Facade, task: dict[str, Any]) -> None:
    paths = st.sampled_from(
        ["", "/", "/status", "/owner/x", "/identifier/0", "/identifier/-", "/identifier/9", "/a~2"]
    )
    operation = st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "zip"]) | JSON,
            "path": paths | JSON,
        },
        optional={"value": JSON, "from": paths | JSON},
    )
    before = standing.get(f"/Task/{task['id']}").json()

    @MANY
    @given(st.lists(operation, min_size=1, max_size=4))
    def patch(operations: list[Any]) -> None:
        body = json.dumps(operations).encode("utf-8", "surrogatepass")
        headers = {"Content-Type": "application/json-patch+json"}
        answer = standing.ask(
            "PATCH", f"/Task/{task['id']}", content=body, headers=headers, token=standing.reader
        )
        refused(answer)

    patch()
    assert standing.get(f"/Task/{task['id']}").json() == before


def test_no_query_breaks_us(standing: Facade) -> None:
    names = [
        "_id",
        "identifier",
        "patient",
        "status",
        "due",
        "_lastUpdated",
        "not-before",
        "_count",
        "_sort",
        "page",
    ]

    @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.tuples(st.sampled_from(names) | st.text(max_size=6), st.text(max_size=24)), max_size=4)
    )
    def search(pairs: list[tuple[str, str]]) -> None:
        params = [(_text(name), _text(value)) for name, value in pairs]
        answer = standing.get("/Task", params=params)
        assert answer.status_code in (200, 400, 406), answer.text

    search()


def _text(said: str) -> str:
    return said.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    "path", ["/Task/%00", "/Task/a%2Fb", "/Task/é", "/Task/" + "a" * 500, "/%00", "//", "/Task//"]
)
def test_no_address_breaks_us(standing: Facade, path: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
        headers = (
            {"Content-Type": "application/json-patch+json"}
            if method == "PATCH"
            else {"Content-Type": FHIR_JSON}
        )
        refused(standing.ask(method, path, content=b"{}" if method != "PATCH" else b"[]", headers=headers))


def test_truncated_writes_and_bundles_leave_nothing_behind(standing: Facade) -> None:
    """Cut anywhere: in a resource, in a Bundle of several, in the middle of a character."""
    entries = [
        {
            "fullUrl": f"urn:uuid:{number}",
            "resource": {
                "resourceType": "Flag",
                "status": "active",
                "code": {"text": "Chute à domicile"},
                "subject": {"display": "é"},
            },
            "request": {"method": "POST", "url": "Flag"},
        }
        for number in range(3)
    ]
    headers = {"Content-Type": FHIR_JSON}
    for path, said in (
        ("/Flag", entries[0]["resource"]),
        ("", {"resourceType": "Bundle", "type": "transaction", "entry": entries}),
        ("", {"resourceType": "Bundle", "type": "batch", "entry": entries}),
    ):
        whole = json.dumps(said, ensure_ascii=False).encode()
        for cut in range(0, len(whole), max(1, len(whole) // 19)):
            refused(standing.ask("POST", path, content=whole[:cut], headers=headers))
    assert standing.get("/Flag?_summary=count").json()["total"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("POST", "/Flag"),
        ("PUT", "/Flag/f"),
        ("PUT", "/Flag?identifier=a|b"),
        ("PATCH", "/Flag/f"),
    ],
)
def test_fifty_megabytes_are_refused_wherever_they_come(standing: Facade, method: str, path: str) -> None:
    kind = "application/json-patch+json" if method == "PATCH" else FHIR_JSON

    def parts() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * (1 << 20)

    answer = standing.ask(method, path, content=parts(), headers={"Content-Type": kind})
    assert answer.status_code == 413
    refused(answer)


def test_a_truncated_referral_starts_nothing(standing: Facade) -> None:
    whole = json.dumps(referral_bundle(9)).encode()
    before = standing.get("/CarePlan?_summary=count").json()["total"]
    for cut in range(0, len(whole), len(whole) // 23):
        refused(standing.ask("POST", "", content=whole[:cut], headers={"Content-Type": FHIR_JSON}))
    assert standing.get("/CarePlan?_summary=count").json()["total"] == before
