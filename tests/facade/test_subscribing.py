"""Who may subscribe to what, what of it is shown to whom, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from app.fhir.errors import FhirError
from app.service import reach
from app.settings import Misconfigured, Settings, load
from fhir_mappings.site import Site
from fhir_mappings.subscribing import read
from scheduler.notifying import match_due
from store import tokens
from store.resource_tables import ResourceVersionRow
from store.subscription_tables import SubscriptionRow
from tests.facade.conftest import Facade, Json, open_facade
from tests.facade.subscribed import SECRET, numbered, row, shown, subscribe, wish, work
from tests.house import Clock
from tests.peers.subscriber import Call, Subscriber


def test_its_end_and_the_end_of_its_token_end_it(facade: Facade, subscriber: Subscriber) -> None:
    end = facade.house.clock.now + timedelta(hours=1)
    subscribe(facade, {**numbered(subscriber.url), "end": end.isoformat().replace("+00:00", "Z")})
    subscribe(facade, numbered(subscriber.url, id="s2"))
    work(facade)
    facade.house.clock.wait(hours=1)
    work(facade)
    assert (shown(facade, "s1")["status"], shown(facade, "s2")["status"]) == ("off", "active")
    with facade.house.service.db.write() as session:
        (token,) = [one for one in tokens.tokens(session) if one.name == "Entrepôt"]
        tokens.revoke(session, token.id, facade.house.clock.now)
    work(facade)
    assert shown(facade, "s2")["status"] == "off"


def test_a_client_that_leaves_the_settings_takes_its_subscriptions_with_it(
    tmp_path: Path, clock: Clock, subscriber: Subscriber
) -> None:
    client = {"name": "Entrepôt"}
    issuer = {
        "issuer": "https://as.example",
        "jwks_url": "https://as.example/keys",
        "clients": {"dwh": client},
    }
    settings = {"database_url": f"sqlite:///{tmp_path / 'jalon.sqlite'}", "fhir_issuers": [issuer]}
    for facade in open_facade(settings, clock):
        subscribe(facade, numbered(subscriber.url), client="https://as.example#dwh")
        work(facade)
        assert shown(facade)["status"] == "active"
        match_due(replace(facade.house.service.teller, clients=frozenset()), now=clock.now)
        assert (shown(facade)["status"], row(facade).reason) == (
            "off",
            "the system that made it is not known here any more",
        )


def test_secrets_of_headers_are_shown_nowhere_and_survive_an_update(
    facade: Facade, subscriber: Subscriber
) -> None:
    kept = subscribe(facade, wish(subscriber.url, header=[SECRET, "X-Site: 12"]))
    assert kept["channel"]["header"] == ["Authorization: ********", "X-Site: ********"]
    with facade.house.service.db.read() as session:
        versions = session.exec(
            select(ResourceVersionRow).where(ResourceVersionRow.type == "Subscription")
        ).all()
        assert "tres-secret" not in str([(each.content, each.body) for each in versions])
        assert "tres-secret" not in str(session.exec(select(SubscriptionRow)).all())
    subscribe(facade, {**kept, "status": "requested"})
    work(facade)
    facade.referred()
    work(facade)
    assert subscriber.calls[0].headers["authorization"] == "Bearer tres-secret"


SITE = Site("https://jalon.example/fhir", "Centre")

REFUSED: list[tuple[Json, str]] = [
    ({"criteria": "Task?_lastUpdated=gt2027"}, "value"),
    ({"criteria": "http://elsewhere/SubscriptionTopic/x"}, "not-supported"),
    ({"criteria": "https://jalon.example/fhir/SubscriptionTopic/resource-changed"}, "required"),
    ({"channel": {"type": "email", "endpoint": "mailto:a@example.org"}}, "not-supported"),
    ({"channel": {"type": "rest-hook", "endpoint": "http://hospital.example/hook"}}, "value"),
    ({"channel": {"type": "rest-hook", "endpoint": "https://a:b@hospital.example/hook"}}, "value"),
    (
        {"channel": {"type": "rest-hook", "endpoint": "https://h.example/", "payload": "text/plain"}},
        "not-supported",
    ),
    (
        {"channel": {"type": "rest-hook", "endpoint": "https://h.example/", "header": ["Host: x"]}},
        "value",
    ),
    ({"channel": {"type": "rest-hook"}}, "value"),
]


def test_what_cannot_be_served_is_refused_in_a_sentence(facade: Facade) -> None:
    for change, code in REFUSED:
        with pytest.raises(FhirError) as refused:
            subscribe(facade, {**wish("https://h.example/hook"), **change})
        assert refused.value.status == 422
        assert (change, refused.value.issues[0].code) == (change, code)


JALON = "https://jalon.example"
HERE = "http://127.0.0.1:8000"


def judged(endpoint: str, public_url: str, *allowed: str) -> str:
    """Why this endpoint is not called by an installation at this address; empty when it is."""
    settings = Settings(public_url=public_url, subscriber_networks=list(allowed))
    said = read(wish(endpoint), SITE, public_url=public_url, in_reach=reach(settings).may_be_named)
    return said[0].diagnostics.partition(";")[0] if isinstance(said, list) else ""


@pytest.mark.parametrize(
    ("public_url", "endpoint", "why"),
    [
        (JALON, "http://127.0.0.1:8000/fhir/x", "not called from here"),
        (JALON, "http://localhost:8000/fhir/x", "not called from here"),
        (JALON, "https://127.1/x", "not called from here"),
        (JALON, "https://2130706433/x", "not called from here"),
        (JALON, "https://0x7f000001/x", "not called from here"),
        (JALON, "https://[::ffff:10.0.0.1]/x", "not called from here"),
        (JALON, "https://169.254.169.254/latest", "not called from here"),
        (JALON, "https://10.1.2.3/x", "not called from here"),
        (JALON, "https://jalon.example:443/fhir/x", "our own address"),
        (JALON, "https://JALON.example./fhir/x", "our own address"),
        (f"{JALON}:443", "https://jalon.example/fhir/x", "our own address"),
        (HERE, "http://127.0.0.1:8000/fhir/x", "our own address"),
        (HERE, "http://localhost:8000/fhir/x", "our own address"),
        (HERE, "https://10.1.2.3/x", "not called from here"),
    ],
)
def test_nobody_makes_us_call_ourselves_or_the_network_we_are_on(
    public_url: str, endpoint: str, why: str
) -> None:
    assert why in judged(endpoint, public_url)


def test_what_is_public_or_allowed_is_called() -> None:
    assert judged("https://hooks.example/x", JALON) == ""
    assert judged("https://10.1.2.3/x", JALON, "10.1.0.0/16") == ""
    assert judged("http://127.0.0.1:9000/x", HERE) == ""
    assert "https address" in judged("http://10.1.2.3/x", JALON, "10.1.0.0/16")


def test_what_an_endpoint_asks_is_shown_to_nobody_and_survives_an_update(
    facade: Facade, subscriber: Subscriber
) -> None:
    asked = wish(f"{subscriber.url}?key=tres-secret", "CarePlan?", payload="application/fhir+json")
    kept = subscribe(facade, asked)
    assert kept["channel"]["endpoint"] == f"{subscriber.url}?********"
    subscribe(facade, {**kept, "status": "requested"})
    assert "tres-secret" not in str(shown(facade))
    work(facade)
    facade.referred()
    work(facade)
    plan = subscriber.calls[0].json
    assert subscriber.calls[0].path == f"/hook/CarePlan/{plan['id']}?key=tres-secret"
    moved = {**kept, "channel": {**kept["channel"], "endpoint": "https://other.example/?********"}}
    with pytest.raises(FhirError) as refused:
        subscribe(facade, moved)
    assert refused.value.status == 422


def test_nobody_subscribes_to_what_they_may_not_read(facade: Facade) -> None:
    with pytest.raises(FhirError) as refused:
        subscribe(facade, wish("https://h.example/hook", "Task?"), scopes=("system/Appointment.read",))
    assert refused.value.status == 403


def test_past_events_can_be_asked_for_and_how_it_stands(facade: Facade, subscriber: Subscriber) -> None:
    subscribe(facade, numbered(subscriber.url, content="full-resource", most=50))
    work(facade)
    facade.referred()
    work(facade)
    last = row(facade).events
    answer = facade.get("/Subscription/s1/$status", token=facade.reader)
    (entry,) = answer.json()["entry"]
    said = {each["name"]: each for each in entry["resource"]["parameter"]}
    assert said["type"]["valueCode"] == "query-status"
    assert said["events-since-subscription-start"]["valueString"] == str(last)
    path = f"/Subscription/s1/$events?eventsSinceNumber=2&eventsUntilNumber={last}"
    events = facade.get(path, token=facade.reader)
    assert events.status_code == 200
    call = Call("GET", path, {}, events.content)
    assert call.numbers == list(range(2, last + 1))
    assert call.parameter("type") == "query-event"
    assert len(events.json()["entry"]) == last
    bare = facade.get(path + "&content=empty", token=facade.reader)
    assert "Task/" not in bare.text
    assert facade.get(path, token=facade.rival).status_code == 403
    assert facade.get("/Subscription/s1/$status", token=facade.rival).status_code == 403
    assert facade.get("/Subscription/none/$status").status_code == 404
    assert facade.get("/Subscription/s1/$events?eventsSinceNumber=x", token=facade.reader).status_code == 400
    assert facade.get("/Subscription/$status", token=facade.reader).json()["total"] == 1
    assert facade.get("/Subscription/$status?status=off", token=facade.reader).json()["total"] == 0


def test_a_system_subscribes_over_the_wire_and_only_it_changes_what_it_made(
    facade: Facade, subscriber: Subscriber
) -> None:
    made = facade.ask(
        "POST", "/Subscription", token=facade.reader, resource=wish(subscriber.url, header=[SECRET])
    )
    assert made.status_code == 201
    place = f"/Subscription/{made.json()['id']}"
    assert made.json()["status"] == "requested"
    work(facade)
    for path in (place, f"{place}/_history", "/Subscription?status=active"):
        read = facade.get(path, token=facade.rival)
        assert (read.status_code, "tres-secret" in read.text) == (200, False), path
    kept = facade.get(place).json()
    assert (kept["status"], kept["meta"]["versionId"]) == ("active", "2")
    off = {**kept, "status": "off"}
    assert facade.put(off, token=facade.rival).status_code == 403
    assert facade.put(off, token=facade.reader).json()["status"] == "off"
    facade.referred()
    work(facade)
    assert subscriber.calls == []
    refused = facade.ask("POST", "/Subscription", token=facade.reader, resource=wish("http://far.example/"))
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["diagnostics"] == "The endpoint must be an https address; give one."


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("10.12.0.0/16", 'is no JSON; write [] or ["hooks.chu.example"'),
        ('["10.12.0.1/16"]', "10.12.0.1/16 is neither a host nor a network; write hooks.chu.example"),
    ],
)
def test_networks_that_make_no_sense_are_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, said: str, remedy: str
) -> None:
    monkeypatch.setenv("JALON_SUBSCRIBER_NETWORKS", said)
    with pytest.raises(Misconfigured) as refused:
        load()
    assert str(refused.value).startswith("JALON_SUBSCRIBER_NETWORKS: ")
    assert remedy in str(refused.value)
