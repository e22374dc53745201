"""On condition: nothing is made twice, however many ask at once, and a search that names two names nobody."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.facade.conftest import Facade

Json = dict[str, Any]
SYSTEM = "https://labo.example/resultats"


def result(number: int = 0, **changes: Any) -> Json:
    return {
        "resourceType": "Observation",
        "identifier": [{"system": SYSTEM, "value": f"R-{number}"}],
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "6301-6"}]},
        **changes,
    }


def if_none(number: int = 0) -> dict[str, str]:
    return {"If-None-Exist": f"identifier={SYSTEM}|R-{number}"}


def test_sixty_four_who_ask_at_once_make_one(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    together = Barrier(64)

    def make(_: int) -> tuple[int, str]:
        together.wait()
        answer = facade.ask("POST", "/Observation", resource=result(), headers=if_none())
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(make, range(64)))
    assert Counter(status for status, _ in answers) == {201: 1, 200: 63}
    assert len({id_ for _, id_ in answers}) == 1
    assert facade.get("/Observation?_summary=count").json()["total"] == 1


def test_conditions_of_every_kind_wait_for_each_other(facade_anywhere: Facade) -> None:
    """The same condition in a header, in an address and in a transaction is one condition."""
    facade = facade_anywhere
    together = Barrier(12)
    entry = {"method": "POST", "url": "Observation", "ifNoneExist": f"identifier={SYSTEM}|R-0"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": result(), "request": entry}],
    }

    def ask(number: int) -> int:
        together.wait()
        if number % 3 == 0:
            return facade.ask("POST", "/Observation", resource=result(), headers=if_none()).status_code
        if number % 3 == 1:
            params = {"identifier": f"{SYSTEM}|R-0"}
            return facade.ask("PUT", "/Observation", params=params, resource=result()).status_code
        return facade.ask("POST", "", resource=bundle).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(ask, range(12))) <= {200, 201}
    assert facade.get("/Observation?_summary=count").json()["total"] == 1


def test_what_a_plain_write_made_is_found(facade: Facade) -> None:
    made = facade.ask("POST", "/Observation", resource=result(1)).json()["id"]
    found = facade.ask("POST", "/Observation", resource=result(1, status="amended"), headers=if_none(1))
    assert (found.status_code, found.json()["id"]) == (200, made)
    assert found.json()["status"] == "final", "it is left as it stands"
    assert found.headers["location"].endswith(f"/Observation/{made}/_history/1")
    by_put = facade.put(result(2, id="chosen"))
    assert by_put.status_code == 201
    other = facade.ask("POST", "/Observation", resource=result(2), headers=if_none(2), token=facade.rival)
    assert (other.status_code, other.json()["id"]) == (200, "chosen"), "whoever wrote it"


def test_a_conditional_update_changes_the_one_or_makes_it(facade: Facade) -> None:
    named = {"identifier": f"{SYSTEM}|R-3"}
    made = facade.ask("PUT", "/Observation", params=named, resource=result(3))
    assert made.status_code == 201, made.text
    changed = facade.ask("PUT", "/Observation", params=named, resource=result(3, status="amended"))
    assert (changed.status_code, changed.json()["id"]) == (200, made.json()["id"])
    assert changed.headers["etag"] == 'W/"2"'
    wrong = facade.ask("PUT", "/Observation", params=named, resource=result(3, id="other"))
    assert wrong.status_code == 400
    late = facade.ask("PUT", "/Observation", params=named, resource=result(3), headers={"If-Match": 'W/"1"'})
    assert late.status_code == 412
    chosen = facade.ask(
        "PUT", "/Observation", params={"identifier": f"{SYSTEM}|R-4"}, resource=result(4, id="of-mine")
    )
    assert (chosen.status_code, chosen.json()["id"]) == (201, "of-mine"), "made under the id it brings"
    taken = facade.ask(
        "PUT", "/Observation", params={"identifier": f"{SYSTEM}|R-5"}, resource=result(5, id="of-mine")
    )
    assert taken.status_code == 409


def test_a_condition_is_a_search_read_strictly(facade: Facade) -> None:
    for number in (6, 7):
        facade.ask("POST", "/Observation", resource=result(number))
    for condition, status in (
        ("status=final", 412),
        ("", 400),
        ("identifier=", 400),
        ("_count=1", 400),
        ("identifier=a|b&_sort=date", 400),
        ("colour=red", 400),
        ("date=yesterday", 400),
        (f"identifier={SYSTEM}%7CR-6&status=final", 200),
        ("code=http://loinc.org|6301-6&status=cancelled", 201),
    ):
        answer = facade.ask("POST", "/Observation", resource=result(8), headers={"If-None-Exist": condition})
        assert answer.status_code == status, (condition, answer.text)
        if status >= 400:
            assert answer.json()["issue"][0]["diagnostics"]


def test_a_reference_makes_a_condition_too(facade: Facade) -> None:
    about = {"subject": {"reference": "Patient/p-1"}}
    facade.ask("POST", "/Observation", resource=result(9, **about))
    condition = {"If-None-Exist": "subject=Patient/p-1&code=6301-6"}
    assert facade.ask("POST", "/Observation", resource=result(10), headers=condition).status_code == 200
    other = {"If-None-Exist": "subject=Patient/p-2&code=6301-6"}
    assert facade.ask("POST", "/Observation", resource=result(10), headers=other).status_code == 201


def test_a_patient_of_ours_meets_the_condition_before_anybodys_copy(facade: Facade) -> None:
    copy = {"resourceType": "Patient", "id": "copy", "identifier": [{"system": "https://a", "value": "1"}]}
    facade.put(copy)
    pathway_id = facade.referred(0)
    ours = facade.task(pathway_id, "triage")["for"]["reference"].removeprefix("Patient/")
    record = facade.get(f"/Patient/{ours}").json()
    (bearer,) = [each for each in record["identifier"] if "IPP-0" in each["value"]]
    named = {"If-None-Exist": f"identifier={bearer['system']}|{bearer['value']}"}
    found = facade.ask("POST", "/Patient", resource={**copy, "identifier": [bearer]}, headers=named)
    assert (found.status_code, found.json()["id"]) == (200, ours)


def test_many_clients_at_once_lose_nothing_and_break_nothing(facade_anywhere: Facade) -> None:
    """Makers, changers, patchers and readers of the same few resources: every answer is one of those foreseen."""
    facade = facade_anywhere
    for number in range(3):
        facade.put(result(number, id=f"r-{number}"))
    together = Barrier(16)

    def busy(client: int) -> list[int]:
        together.wait()
        seen = []
        for turn in range(6):
            id_ = f"r-{(client + turn) % 3}"
            said = result((client + turn) % 3, id=id_, note=[{"text": f"{client}/{turn}"}])
            way = (client + turn) % 4
            if way == 0:
                answer = facade.put(said)
            elif way == 1:
                patch = [
                    {"op": "add", "path": "/comment", "value": "x"},
                    {"op": "remove", "path": "/comment"},
                ]
                answer = facade.ask("PATCH", f"/Observation/{id_}", operations=patch)
            elif way == 2:
                answer = facade.put(said, headers={"If-Match": 'W/"1"'})
            else:
                answer = facade.get(f"/Observation/{id_}/_history")
            seen.append(answer.status_code)
        return seen

    with ThreadPoolExecutor(16) as pool:
        codes = Counter(code for seen in pool.map(busy, range(16)) for code in seen)
    assert set(codes) <= {200, 412}, codes
    for number in range(3):
        version = int(facade.get(f"/Observation/r-{number}").json()["meta"]["versionId"])
        history = facade.get(f"/Observation/r-{number}/_history", params={"_count": 200}).json()
        assert len(history["entry"]) == version, "every version that was counted is there"


def test_of_many_who_make_the_same_id_at_once_one_does(facade_anywhere: Facade) -> None:
    facade = facade_anywhere
    together = Barrier(16)

    def make(number: int) -> int:
        together.wait()
        said = result(0, id="first", note=[{"text": str(number)}])
        return facade.put(said, headers={"If-None-Match": "*"}).status_code

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(make, range(16))) == {201: 1, 412: 15}
    assert facade.get("/Observation/first").headers["etag"] == 'W/"1"'
