"""Rest-hooks for a hospital's server that has none: it looks at what changed there, and calls whoever subscribed.

The way between is as bad as asked: calls are dropped, doubled and shuffled, by dice with a seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from fhir_mappings.notices import CONTENT
from tests.peers.hospital import Hospital

Resource = dict[str, Any]
Post = Callable[[str, bytes], int]
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"


@dataclass
class RestHooks:
    """``post`` carries a body to the path of an endpoint and returns the status of the answer."""

    hospital: Hospital
    post: Post
    dice: Random = field(default_factory=lambda: Random(20261120))
    dropped: float = 0.0
    doubled: float = 0.0
    shuffled: bool = False
    known: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    told: int = 0

    def shake_hands(self) -> None:
        """Begin every Subscription that is asked for."""
        for one in self._subscriptions():
            if one["status"] == "requested":
                self.counts.setdefault(one["id"], 0)
                if _is_numbered(one):
                    self._carry(one, self._bundle(one, "handshake", []))
                self.hospital.put({**one, "status": "active"})
        self.known = self._versions()

    def look(self) -> None:
        """Tell what has changed since the last look."""
        now, queue = self._versions(), []
        changed = [ref for ref, version in now.items() if self.known.get(ref) != version]
        self.known = now
        for one in self._subscriptions():
            if one["status"] != "active":
                continue
            type_ = one["criteria"].partition("?")[0]
            for ref in changed:
                if ref.partition("/")[0] == type_:
                    self.counts[one["id"]] = number = self.counts.get(one["id"], 0) + 1
                    told = (
                        self._bundle(one, "event-notification", [(number, ref)]) if _is_numbered(one) else b""
                    )
                    queue.append((one, told))
        queue += [each for each in queue if self.dice.random() < self.doubled]
        if self.shuffled:
            self.dice.shuffle(queue)
        for one, body in queue:
            if self.dice.random() < self.dropped:
                self.lost += 1
            else:
                self._carry(one, body)

    def beat(self) -> None:
        """A sign of life to everybody with numbers."""
        for one in self._subscriptions():
            if one["status"] == "active" and _is_numbered(one) and self.dice.random() >= self.dropped:
                self._carry(one, self._bundle(one, "heartbeat", []))

    def _carry(self, subscription: Resource, body: bytes) -> None:
        status = self.post(urlsplit(subscription["channel"]["endpoint"]).path, body)
        assert status == 200, status
        self.told += 1

    def _versions(self) -> dict[str, str]:
        return {
            f"{each['resourceType']}/{each['id']}": each["meta"]["versionId"]
            for each in self.hospital.everything()
            if each["resourceType"] != "Subscription"
        }

    def _subscriptions(self) -> list[Resource]:
        return [each for each in self.hospital.everything() if each["resourceType"] == "Subscription"]

    def _bundle(self, one: Resource, kind: str, events: list[tuple[int, str]]) -> bytes:
        parameters: list[Resource] = [
            {
                "name": "subscription",
                "valueReference": {"reference": f"{self.hospital.base_url}/Subscription/{one['id']}"},
            },
            {"name": "status", "valueCode": "active" if kind != "handshake" else "requested"},
            {"name": "type", "valueCode": kind},
            {"name": "events-since-subscription-start", "valueString": str(self.counts[one["id"]])},
        ]
        for number, ref in events:
            part = [
                {"name": "event-number", "valueString": str(number)},
                {"name": "focus", "valueReference": {"reference": f"{self.hospital.base_url}/{ref}"}},
            ]
            parameters.append({"name": "notification-event", "part": part})
        status = {
            "resourceType": "Parameters",
            "meta": {"profile": [f"{BACKPORT}/backport-subscription-status-r4"]},
            "parameter": parameters,
        }
        return json.dumps(
            {"resourceType": "Bundle", "type": "history", "entry": [{"resource": status}]}
        ).encode()


def _is_numbered(subscription: Resource) -> bool:
    payload = subscription["channel"].get("_payload") or {}
    return any(each["url"] == CONTENT for each in payload.get("extension", []))
