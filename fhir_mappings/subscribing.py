"""A Subscription of R4, read for whoever is to serve it, plain or in the style of the R5 backport; and written.

``read`` judges what FHIR leaves to the server: the criteria, the channel, and how much is told.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fhir_mappings.criteria import Criteria, Unclear, parse
from fhir_mappings.notices import CONTENT, FILTER, HEARTBEAT, LEVELS, MOST, TIMEOUT
from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json, instant, object_at, objects_at, text_at
from fhir_mappings.site import Site

TOPIC = "SubscriptionTopic/resource-changed"
"""The one topic that is offered (below the site's base): a resource was created or changed, narrowed by filters."""

FHIR_JSON = "application/fhir+json"
HIDDEN = "********"
"""What stands for the value of a header in everything that is shown."""

_MORE = re.compile(r"[?#]")
_TIMEOUT, _LONGEST_TIMEOUT = 10, 60
_SHORTEST_HEARTBEAT = 5
_MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscriber asks. ``style`` is r4 or backport; ``headers`` hold secrets; ``heartbeat`` is in seconds."""

    style: str
    criteria: tuple[str, ...]
    topic: str
    endpoint: str
    headers: tuple[str, ...]
    mime: str
    content: str
    heartbeat: int | None
    timeout: int
    most: int
    end: datetime | None
    types: tuple[str, ...]


def topic(site: Site) -> str:
    """The canonical URL of our topic."""
    return f"{site.system}/{TOPIC}"


def read(
    resource: Json, site: Site, *, public_url: str, in_reach: Callable[[str], bool]
) -> Wish | list[Issue]:
    """What this Subscription asks, or what keeps it from being served. It has passed the gate.

    Nobody is told of things at our own address, ``public_url``, nor at a host that is not ``in_reach``.
    """
    issues: list[Issue] = []
    channel = object_at(resource, "channel")
    backport, said = _criteria(resource, site, issues)
    parsed = _parsed(said, issues)
    _judge_channel(channel, issues)
    _judge_endpoint(text_at(channel, "endpoint") or "", public_url, in_reach, issues)
    level = _extension(object_at(channel, "_payload"), CONTENT).get("valueCode")
    mime = text_at(channel, "payload") or ""
    if level is not None and level not in LEVELS:
        issues.append(
            error(
                "code-invalid",
                f"The payload content is one of {', '.join(LEVELS)}.",
                "Subscription.channel.payload",
            )
        )
    backport = backport or level is not None
    if backport and level is None:
        level = "empty"
    if mime and mime.partition(";")[0].strip() not in (FHIR_JSON, "application/json"):
        sentence = "The payload is told as application/fhir+json only; say so, or leave it out."
        issues.append(error("not-supported", sentence, "Subscription.channel.payload"))
    ends = instant(resource.get("end"), UTC)
    wish = Wish(
        style="backport" if backport else "r4",
        criteria=tuple(said),
        topic=topic(site) if backport else "",
        endpoint=text_at(channel, "endpoint") or "",
        headers=tuple(each for each in channel.get("header") or [] if isinstance(each, str)),
        mime=FHIR_JSON if backport else mime and FHIR_JSON,
        content=str(level) if backport else ("full-resource" if mime else "empty"),
        heartbeat=_whole(channel, HEARTBEAT, issues, least=_SHORTEST_HEARTBEAT, most=7 * 86_400),
        timeout=_whole(channel, TIMEOUT, issues, least=1, most=86_400) or _TIMEOUT,
        most=_whole(channel, MOST, issues, least=1, most=1_000_000) or 1,
        end=ends,
        types=tuple(dict.fromkeys(each.type for each in parsed)),
    )
    if issues:
        return issues
    return _bounded(wish)


def _bounded(wish: Wish) -> Wish:
    """Within what we are willing to wait and to put in one Bundle."""
    made: dict[str, Any] = {name: getattr(wish, name) for name in Wish.__slots__}
    made["timeout"] = min(wish.timeout, _LONGEST_TIMEOUT)
    made["most"] = min(wish.most, _MOST_AT_ONCE)
    return Wish(**made)


def _criteria(resource: Json, site: Site, issues: list[Issue]) -> tuple[bool, list[str]]:
    """Whether it is by topic, and the searches that say what is wanted."""
    said = text_at(resource, "criteria") or ""
    filters = [
        text
        for each in objects_at(object_at(resource, "_criteria"), "extension")
        if each.get("url") == FILTER and (text := text_at(each, "valueString"))
    ]
    if ":" not in said.partition("?")[0]:
        return bool(filters), [said, *filters]
    if said != topic(site):
        issues.append(
            error(
                "not-supported",
                f"The only topic here is {topic(site)}; or give a search such as Task?status=requested.",
                "Subscription.criteria",
            )
        )
    elif not filters:
        sentence = (
            "Say what you want to hear of in a backport-filter-criteria, such as Task?status=requested."
        )
        issues.append(error("required", sentence, "Subscription.criteria"))
    return True, filters


def _parsed(said: Sequence[str], issues: list[Issue]) -> list[Criteria]:
    found = []
    for each in said:
        try:
            found.append(parse(each))
        except Unclear as problem:
            issues.append(error("value", str(problem), "Subscription.criteria"))
    return found


def _judge_channel(channel: Json, issues: list[Issue]) -> None:
    if channel.get("type") != "rest-hook":
        sentence = "Only rest-hook is served here; set the channel's type so."
        issues.append(error("not-supported", sentence, "Subscription.channel.type"))
    for each in channel.get("header") or []:
        name, colon, value = str(each).partition(":")
        plain = name.strip().lower()
        if not colon or not plain.replace("-", "").isalnum() or not value.strip() or not each.isprintable():
            sentence = "A header is a name, a colon and a value; correct it."
            issues.append(error("value", sentence, "Subscription.channel.header"))
        elif plain in ("host", "content-length", "transfer-encoding", "connection", "content-type"):
            sentence = f"The header {plain} is ours to set; leave it out."
            issues.append(error("value", sentence, "Subscription.channel.header"))


def _judge_endpoint(
    endpoint: str, public_url: str, in_reach: Callable[[str], bool], issues: list[Issue]
) -> None:
    where = "Subscription.channel.endpoint"
    try:
        scheme, host, port = _origin(endpoint)
        address = urlsplit(endpoint)
    except ValueError:
        scheme, host, port, address = "", "", None, urlsplit("")
    if not host or not (scheme == "https" or (scheme == "http" and _is_loopback(host))):
        issues.append(error("value", "The endpoint must be an https address; give one.", where))
        return
    if address.username or address.password:
        issues.append(error("value", "The endpoint holds a password; send it in a header instead.", where))
    if _is_ours((host, port), public_url):
        issues.append(error("business-rule", "The endpoint is our own address; give yours.", where))
    elif not in_reach(host):
        sentence = (
            "The endpoint is on a network that is not called from here;"
            " give a public address, or have the centre allow yours."
        )
        issues.append(error("business-rule", sentence, where))


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, however they are written. ValueError for a port that is none."""
    address = urlsplit(url)
    host = (address.hostname or "").rstrip(".")
    return address.scheme, host, address.port or {"https": 443, "http": 80}.get(address.scheme)


def _is_ours(place: tuple[str, int | None], public_url: str) -> bool:
    _, host, port = _origin(public_url)
    return place == (host, port) or (place[1] == port and _is_loopback(place[0]) and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _extension(element: Mapping[str, Any], url: str) -> Json:
    return next((each for each in objects_at(element, "extension") if each.get("url") == url), {})


def _whole(channel: Json, url: str, issues: list[Issue], *, least: int, most: int) -> int | None:
    said = _extension(channel, url)
    if not said:
        return None
    value = next((value for name, value in said.items() if name.startswith("value")), None)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        name = url.rpartition("/")[2]
        sentence = f"{name} is a whole number from {least} to {most}; correct it."
        issues.append(error("value", sentence, "Subscription.channel"))
        return None
    return value


def hidden(resource: Json) -> Json:
    """The Subscription as it may be shown: hidden are the value of every header and what the endpoint asks (``?…``)."""
    channel = dict(object_at(resource, "channel"))
    if channel.get("header"):
        channel["header"] = [f"{str(each).partition(':')[0].strip()}: {HIDDEN}" for each in channel["header"]]
    if _MORE.search(endpoint := text_at(channel, "endpoint") or ""):
        channel["endpoint"] = f"{without_query(endpoint)}?{HIDDEN}"
    return {**resource, "channel": channel}


def without_query(endpoint: str) -> str:
    """What of an endpoint is shown: its query may be a secret."""
    return _MORE.split(endpoint, maxsplit=1)[0]


def with_status(resource: Json, status: str, reason: str = "") -> Json:
    """The Subscription with its status set by us, and why it failed."""
    said = {name: value for name, value in resource.items() if name != "error"}
    said["status"] = status
    if reason:
        said["error"] = reason
    return said


def ours_there(
    type_: str, endpoint: str, *, topic_: str, heartbeat: int, numbered: bool, reason: str
) -> Json:
    """The Subscription that we make on a hospital's server, to be told of the changes of one type.

    ``numbered``: in the style of the backport, with ids; by ``topic_`` where the server has topics.
    """
    channel: Json = {"type": "rest-hook", "endpoint": endpoint}
    made: Json = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": reason,
        "criteria": f"{type_}?",
        "channel": channel,
    }
    if numbered:
        channel["extension"] = [{"url": HEARTBEAT, "valueUnsignedInt": heartbeat}]
        channel["payload"] = FHIR_JSON
        channel["_payload"] = {"extension": [{"url": CONTENT, "valueCode": "id-only"}]}
        if topic_:
            made["criteria"] = topic_
            made["_criteria"] = {"extension": [{"url": FILTER, "valueString": f"{type_}?"}]}
    return made
