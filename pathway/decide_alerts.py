"""The rules of deadlines and alerts: a rung fires once, somebody takes the alert or puts it off for a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pathway import events as e
from pathway.ground import Ground
from pathway.ladders import alerts, ladders
from pathway.moves import need_reason
from pathway.records import Acknowledgement, Fired, Snoozed
from pathway.refusal import Refused, Text
from pathway.state import Pathway


def _rung_fired(pathway: Pathway, event: e.RungFired, ground: Ground) -> Pathway:
    if event.key in {one.key for one in pathway.fired}:
        raise Refused(
            Text(fr="Cette échéance a déjà été traitée.", en="This deadline has been dealt with."),
            field="key",
        )
    for rungs in ladders(pathway, ground):
        for standing in rungs:
            if standing.key == event.key and standing.moment.instant <= pathway.as_of:
                # A higher rung of the same ladder is past too: this one is passed over, that one fires.
                higher = any(
                    other.moment.instant <= pathway.as_of for other in rungs[rungs.index(standing) + 1 :]
                )
                fired = Fired(event.key, pathway.as_of, event.person, passed_over=higher)
                return pathway.but(fired=(*pathway.fired, fired))
    raise Refused(
        Text(fr="Cette échéance n'a plus lieu d'être.", en="This deadline no longer stands."), field="key"
    )


def _alert_acknowledged(pathway: Pathway, event: e.AlertAcknowledged, _: Ground) -> Pathway:
    if event.key not in {one.key for one in pathway.fired}:
        raise Refused(
            Text(fr="Cette alerte n'existe pas.", en="There is no such alert."), kind="not-found", field="key"
        )
    ack = Acknowledgement(event.key, event.by.name, pathway.as_of, event.note)
    return pathway.but(acknowledged=(*pathway.acknowledged, ack))


def _alert_snoozed(pathway: Pathway, event: e.AlertSnoozed, ground: Ground) -> Pathway:
    alert = next((one for one in alerts(pathway, ground) if one.key == event.key and one.waits), None)
    if alert is None or alert.step is None:
        raise Refused(
            Text(fr="Cette alerte ne peut pas être remise.", en="This alert cannot be put off."),
            kind="not-found",
            field="key",
        )
    if alert.level == "red":
        raise Refused(
            Text(
                fr="Une alerte urgente ne se remet pas : prenez-la en charge.",
                en="An urgent alert is not put off: take it.",
            )
        )
    hours = ground.protocol.messaging.longest_snooze_hours
    if not pathway.as_of < event.until <= pathway.as_of + timedelta(hours=hours):
        raise Refused(
            Text(
                fr=f"Une alerte se remet à plus tard, de {hours} heures au plus.",
                en=f"An alert is put off to a later time, by {hours} hours at most.",
            ),
            kind="invalid",
            field="until",
        )
    snoozed = Snoozed(event.key, event.until, event.by.name, need_reason(event.reason), pathway.as_of)
    others = tuple(one for one in pathway.snoozed if one.key != event.key)
    return pathway.but(snoozed=(*others, snoozed))


ALERT_RULES: dict[type[e.Event], Callable[[Pathway, Any, Ground], Pathway]] = {
    e.RungFired: _rung_fired,
    e.AlertAcknowledged: _alert_acknowledged,
    e.AlertSnoozed: _alert_snoozed,
}
