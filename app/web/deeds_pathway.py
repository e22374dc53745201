"""What can be done to the pathway as a whole: pause it, go on, stop it; override a gate, take an alert, note a call."""

from __future__ import annotations

from datetime import timedelta

from app.web.deeds import Deed, Scene
from app.web.fields import Field, Said
from pathway import events as e
from pathway.gates import unmet


class Pause(Deed):
    """The pathway pauses until somebody looks again."""

    name = "pause"
    previews = True

    def title(self, scene: Scene) -> str:
        return scene.speech("Mettre le parcours en pause")

    def button(self, scene: Scene) -> str:
        return scene.speech("Mettre le parcours en pause…")

    def fields(self, scene: Scene) -> list[Field]:
        return [
            Field("reason", scene.speech("Motif"), "textarea", required=True),
            Field("revisit", scene.speech("À revoir le"), "date", required=True),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        reason, revisit = said.text("reason", required=True), said.day("revisit", required=True)
        said.done()
        assert revisit is not None
        return e.PathwayHeld(by=scene.actor, reason=reason, revisit=revisit)

    def sample(self, scene: Scene) -> e.Event:
        return e.PathwayHeld(by=scene.actor, reason="…", revisit=scene.ground.calendar.day(scene.now))


class Resume(Deed):
    """The pathway goes on."""

    name = "resume"

    def title(self, scene: Scene) -> str:
        return scene.speech("Reprendre le parcours")

    def button(self, scene: Scene) -> str:
        return scene.speech("Reprendre le parcours")

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.PathwayResumed(by=scene.actor)


class End(Deed):
    """The pathway stops with one of the protocol's named ends."""

    name = "end"
    previews = True

    def title(self, scene: Scene) -> str:
        return scene.speech("Arrêter le parcours")

    def button(self, scene: Scene) -> str:
        return scene.speech("Arrêter le parcours…")

    def notice(self, scene: Scene) -> str:
        return scene.speech("Les étapes restantes sont annulées. On ne revient pas en arrière.")

    def fields(self, scene: Scene) -> list[Field]:
        _ = scene.speech
        ends = tuple(
            (key, _.text(end.title)) for key, end in scene.ground.protocol.ends.items() if key != "deceased"
        )
        return [
            Field("end", _("Fin"), "radio", required=True, choices=ends),
            Field("reason", _("Motif"), "textarea", required=True),
            Field("revisit", _("À revoir le (si différé)"), "date"),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        end = said.choice("end", tuple(scene.ground.protocol.ends), required=True)
        reason, revisit = said.text("reason", required=True), said.day("revisit")
        said.done()
        return e.PathwayEnded(by=scene.actor, end=end, reason=reason, revisit=revisit)

    def sample(self, scene: Scene) -> e.Event:
        return e.PathwayEnded(by=scene.actor, end=next(iter(scene.ground.protocol.ends)), reason="…")


class Override(Deed):
    """Pass a gate (``about``) on one's own responsibility."""

    name = "override"

    def title(self, scene: Scene) -> str:
        gate = scene.ground.protocol.gate(scene.about)
        return scene.speech(
            "Déroger au verrou {key} : {title}", key=gate.key, title=scene.speech.text(gate.title)
        )

    def button(self, scene: Scene) -> str:
        return scene.speech("Déroger…")

    def notice(self, scene: Scene) -> str:
        gate = scene.ground.protocol.gate(scene.about)
        needs = " ".join(
            scene.speech.text(one.need.reason) for one in unmet(gate, scene.pathway, scene.ground)
        )
        return scene.speech("Sous votre responsabilité, {name} : {needs}", name=scene.actor.name, needs=needs)

    def fields(self, scene: Scene) -> list[Field]:
        return [Field("reason", scene.speech("Motif de la dérogation"), "textarea", required=True)]

    def event(self, scene: Scene, said: Said) -> e.Event:
        reason = said.text("reason", required=True)
        said.done()
        return e.GateOverridden(by=scene.actor, gate=scene.about, reason=reason)

    def sample(self, scene: Scene) -> e.Event:
        return e.GateOverridden(by=scene.actor, gate=scene.about, reason="…")


class Acknowledge(Deed):
    """Take an alert (``about``)."""

    name = "acknowledge"

    def title(self, scene: Scene) -> str:
        return scene.speech("Prendre en charge l’alerte")

    def button(self, scene: Scene) -> str:
        return scene.speech("Prendre en charge")

    def event(self, scene: Scene, said: Said) -> e.Event:
        return e.AlertAcknowledged(by=scene.actor, key=scene.about, note=said.text("note"))

    def sample(self, scene: Scene) -> e.Event:
        return e.AlertAcknowledged(by=scene.actor, key=scene.about)


class Snooze(Deed):
    """Put an alert (``about``) off, for a reason."""

    name = "snooze"

    def title(self, scene: Scene) -> str:
        return scene.speech("Remettre l’alerte à plus tard")

    def button(self, scene: Scene) -> str:
        return scene.speech("Remettre…")

    def stands(self, scene: Scene) -> bool:
        return scene.ground.protocol.messaging.longest_snooze_hours > 0

    def fields(self, scene: Scene) -> list[Field]:
        hours = scene.ground.protocol.messaging.longest_snooze_hours
        return [
            Field(
                "until",
                scene.speech("Jusqu’à quand"),
                "instant",
                required=True,
                help=scene.speech("{hours} heures au plus", hours=hours),
            ),
            Field("reason", scene.speech("Motif"), "text", required=True),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        until = said.instant("until", required=True)
        reason = said.text("reason", required=True)
        said.done()
        return e.AlertSnoozed(by=scene.actor, key=scene.about, until=until or scene.now, reason=reason)

    def sample(self, scene: Scene) -> e.Event:
        soon = max(scene.now, scene.pathway.as_of) + timedelta(minutes=1)
        return e.AlertSnoozed(by=scene.actor, key=scene.about, until=soon, reason="…")


class SettleCall(Deed):
    """A call or letter (``about``) has been made, with what came of it."""

    name = "settle"

    def title(self, scene: Scene) -> str:
        if scene.about.endswith("/letter"):
            return scene.speech("Courrier envoyé")
        return scene.speech("Appel passé")

    def button(self, scene: Scene) -> str:
        if scene.about.endswith("/letter"):
            return scene.speech("Noter le courrier…")
        return scene.speech("Noter l’appel…")

    def fields(self, scene: Scene) -> list[Field]:
        return [Field("note", scene.speech("Ce qui en est ressorti"), "textarea", required=True)]

    def event(self, scene: Scene, said: Said) -> e.Event:
        note = said.text("note", required=True)
        said.done()
        return e.CallSettled(by=scene.actor, key=scene.about, note=note)

    def sample(self, scene: Scene) -> e.Event:
        return e.CallSettled(by=scene.actor, key=scene.about, note="…")
