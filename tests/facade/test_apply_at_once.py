"""Many apply the protocol at once with one key, and one pathway begins (promise D1)."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.facade.applied import ID, parameters, pathways
from tests.facade.conftest import FHIR_JSON, Facade
from tests.facade.test_referral_in import served


def at_once(facade: Facade, keys: int, crowd: int = 64) -> None:
    """So many senders of each key at the same time: one pathway a key, and everybody is told of it."""
    headers = {"Authorization": f"Bearer {facade.token}", "Content-Type": FHIR_JSON}

    with (
        served(facade) as address,
        httpx.Client(headers=headers, timeout=120, limits=httpx.Limits(max_connections=crowd)) as client,
        ThreadPoolExecutor(crowd) as senders,
    ):

        def send(body: bytes) -> tuple[int, str]:
            answer = client.post(f"{address}/PlanDefinition/{ID}/$apply", content=body)
            return answer.status_code, answer.json().get("id", answer.text)

        for number in range(keys):
            body = json.dumps(parameters(number, key=f"key-{number}")).encode()
            answers = list(senders.map(send, [body] * crowd))
            assert Counter(status for status, _ in answers) == {201: 1, 200: crowd - 1}, answers[:3]
            assert len({id_ for _, id_ in answers}) == 1
    assert pathways(facade) == keys


def test_sixty_four_starts_at_once_with_one_key_are_one_pathway(facade_anywhere: Facade) -> None:
    at_once(facade_anywhere, keys=5)


def test_many_keys_at_once_stand_in_nobodys_way(facade_anywhere: Facade) -> None:
    """Eight keys from eight sides each, in any order: nobody waits in a circle."""
    facade = facade_anywhere
    bodies = [json.dumps(parameters(number, key=f"key-{number}")).encode() for number in range(8)] * 8
    headers = {"Authorization": f"Bearer {facade.token}", "Content-Type": FHIR_JSON}
    with (
        served(facade) as address,
        httpx.Client(headers=headers, timeout=120) as client,
        ThreadPoolExecutor(64) as crowd,
    ):
        place = f"{address}/PlanDefinition/{ID}/$apply"
        answers = list(crowd.map(lambda body: client.post(place, content=body).status_code, bodies))
    assert Counter(answers) == {201: 8, 200: 56}
    assert pathways(facade) == 8


@pytest.mark.marathon
def test_a_thousand_keys_each_from_sixty_four_sides(facade_anywhere: Facade) -> None:
    at_once(facade_anywhere, keys=1000)
