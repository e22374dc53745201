"""A system subscribes to us, and we tell it: what the stories of subscriptions have in common."""

from __future__ import annotations

import json
from typing import Any

from app.fhir.caller import Caller
from app.fhir.subscriptions import before_keeping
from app.projector import projected
from fhir_mappings.notices import CONTENT, FILTER, HEARTBEAT, MOST
from pathway.state import Actor
from scheduler.notifying import match_due
from scheduler.telling import tell_due
from store import resources, search, subscriptions, tokens
from store.subscription_tables import SubscriptionRow
from store.tokens import Holder
from tests.facade.conftest import Facade, Json

SECRET = "Authorization: Bearer tres-secret"


def wish(url: str, criteria: str = "Task?", **more: Any) -> Json:
    """A plain R4 Subscription, told by empty calls."""
    return {
        "resourceType": "Subscription",
        "id": more.pop("id", "s1"),
        "status": "requested",
        "reason": "Suivi des tâches",
        "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": url, **more},
    }


def numbered(url: str, criteria: str = "Task?", *, content: str = "id-only", **more: Any) -> Json:
    """The same in the style of the backport, by topic."""
    extensions = [
        {"url": name, "valuePositiveInt" if name == MOST else "valueUnsignedInt": value}
        for name, value in ((HEARTBEAT, more.pop("heartbeat", None)), (MOST, more.pop("most", None)))
        if value is not None
    ]
    made = wish(url, criteria, **more)
    made["criteria"] = more.pop("topic", "https://jalon.example/fhir/SubscriptionTopic/resource-changed")
    made["_criteria"] = {"extension": [{"url": FILTER, "valueString": criteria}]}
    made["channel"]["payload"] = "application/fhir+json"
    made["channel"]["_payload"] = {"extension": [{"url": CONTENT, "valueCode": content}]}
    if extensions:
        made["channel"]["extension"] = extensions
    return made


def subscribe(
    facade: Facade, resource: Json, *, scopes: tuple[str, ...] | None = None, client: str = ""
) -> Json:
    """Have it kept, as whoever writes on the facade does."""
    service, now = facade.house.service, facade.house.clock.now
    with service.db.write() as session:
        (token,) = [one for one in tokens.tokens(session) if one.name == "Entrepôt"]
        holder = Holder(client or token.id, token.name, "system", None, False, (), scopes=scopes)
        who = Caller(Actor(token.name, "system"), now, holder)
        content = before_keeping(service, session, who, resource)
        body = json.dumps(content).encode()
        resources.keep(session, projected(content), body=body, source=token.name, patient_id=None, now=now)
    return content


def work(facade: Facade) -> None:
    """Match and tell until nothing more is due."""
    teller, clock = facade.house.service.teller, facade.house.clock
    match_due(teller, now=clock.now)
    for _ in range(50):
        if not tell_due(teller, now=clock.now):
            return
    raise AssertionError("the tellers never come to rest")


def row(facade: Facade, id_: str = "s1") -> SubscriptionRow:
    with facade.house.service.db.read() as session:
        found = subscriptions.one(session, id_)
    assert found is not None
    return found


def shown(facade: Facade, id_: str = "s1") -> Json:
    with facade.house.service.db.read() as session:
        found = search.read(session, "Subscription", id_)
    assert found is not None
    return found.content
