"""What the ward sees after the procedure, and work that is asked for when it is needed."""

from __future__ import annotations

from typing import Any

from app.web.answers import unit_of
from app.web.deeds import Deed, Scene
from app.web.fields import Field, Kind, Said
from pathway import events as e
from pathway.lifecycle import LIVE
from pathway.protocol_watch import Observation, Surveillance
from pathway.watch import Slot, slots, unrecorded


def watch_of(scene: Scene) -> Surveillance:
    """What the protocol says of the watch. KeyError when it has none."""
    watch = scene.ground.protocol.surveillance
    if watch is None:
        raise KeyError("surveillance")
    return watch


class Observe(Deed):
    """Record one set of observations. ``about`` is the round it belongs to; the oldest that is missing without it."""

    name = "observe"

    def title(self, scene: Scene) -> str:
        watch_of(scene)
        return scene.speech("Relevé de surveillance")

    def button(self, scene: Scene) -> str:
        return scene.speech("Saisir un relevé…")

    def stands(self, scene: Scene) -> bool:
        watch = scene.ground.protocol.surveillance
        return watch is not None and scene.here.key == watch.step and scene.here.status in LIVE

    def fields(self, scene: Scene) -> list[Field]:
        watch, speech = watch_of(scene), scene.speech
        missing = unrecorded(scene.pathway, scene.ground)
        chosen = scene.about or (missing[0].key if missing else "")
        named = next((slot for slot in slots(scene.pathway, scene.ground) if slot.key == chosen), None)
        keys = named.round.items if named else tuple(item.key for item in watch.items)
        return [
            Field(
                "round",
                speech("Quel relevé ?"),
                "choice",
                choices=tuple((slot.key, slot_title(slot, scene)) for slot in missing),
                value=chosen if any(slot.key == chosen for slot in missing) else "",
                help=speech("Vide : un relevé entre deux"),
            ),
            *(_looked_at(item, scene) for item in watch.items if item.key in keys),
            Field("reason", speech("Si rien n’a pu être relevé : pourquoi"), "text"),
            Field("occurred", speech("Quand, si ce n’est pas à l’instant"), "instant"),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        values: dict[str, Any] = {}
        for item in watch_of(scene).items:
            name = f"values.{item.key}"
            value = said.number(name) if item.kind == "number" else said.yes_no(name)
            if value is not None:
                values[item.key] = value
        round_, reason = said.text("round"), said.text("reason")
        occurred = said.instant("occurred")
        said.done()
        return e.ObservationsRecorded(
            by=scene.actor, values=values, round=round_, reason=reason, occurred=occurred
        )

    def sample(self, scene: Scene) -> e.Event:
        watch_of(scene)
        return e.ObservationsRecorded(by=scene.actor, reason="…")


def slot_title(slot: Slot, scene: Scene) -> str:
    """``Toutes les heures, 2 sur 4 (11:30)``."""
    return scene.speech(
        "{round}, {number} sur {count} ({time})",
        round=scene.speech.text(slot.round.title),
        number=slot.number,
        count=slot.round.count,
        time=scene.speech.when(slot.due),
    )


def _looked_at(item: Observation, scene: Scene) -> Field:
    kind: Kind = "number" if item.kind == "number" else "yes-no"
    title = scene.speech.text(item.title)
    seen = sorted(
        (one for one in scene.pathway.observed if item.key in one.values), key=lambda one: one.taken
    )
    help_ = ""
    if seen:
        value = seen[-1].values[item.key]
        said = (scene.speech("oui") if value else scene.speech("non")) if isinstance(value, bool) else value
        help_ = scene.speech("Avant : {value} ({when})", value=said, when=scene.speech.when(seen[-1].taken))
    return Field(f"values.{item.key}", title, kind, unit=unit_of(item.unit), help=help_)


class Ask(Deed):
    """Ask for work on demand: prescribe an examination, await a document."""

    name = "ask"

    def title(self, scene: Scene) -> str:
        return scene.speech("Prescrire ou demander")

    def button(self, scene: Scene) -> str:
        return scene.speech("Prescrire ou demander…")

    def fields(self, scene: Scene) -> list[Field]:
        speech = scene.speech
        return [
            Field(
                "step",
                speech("Quoi ?"),
                "radio",
                required=True,
                choices=tuple(self._on_demand(scene).items()),
            ),
            Field("reason", speech("Motif"), "text", required=True),
            Field("due", speech("Pour quel jour"), "date", help=speech("Vide : le délai du protocole")),
        ]

    def _on_demand(self, scene: Scene) -> dict[str, str]:
        rules = (rule for rule in scene.ground.protocol.steps if rule.on_demand)
        return {rule.key: scene.speech.text(rule.title) for rule in rules}

    def stands(self, scene: Scene) -> bool:
        return bool(self._on_demand(scene)) and scene.pathway.runs

    def event(self, scene: Scene, said: Said) -> e.Event:
        step = said.choice("step", list(self._on_demand(scene)), required=True)
        reason = said.text("reason", required=True)
        due = said.day("due")
        said.done()
        return e.StepAsked(by=scene.actor, step=step, reason=reason, due=due)

    def sample(self, scene: Scene) -> e.Event:
        return e.StepAsked(by=scene.actor, step=next(iter(self._on_demand(scene)), ""), reason="…")
