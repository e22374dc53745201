"""What can be done to a visit: set it, move it after seeing what that changes, cancel it, note who came."""

from __future__ import annotations

from datetime import timedelta

from app.web.deeds import Deed, Scene
from app.web.fields import Field, Said, typed_instant
from pathway import events as e
from pathway.anchors import due, resolve


class Book(Deed):
    """Set a slot, or move the one that stands."""

    name = "book"
    previews = True

    def title(self, scene: Scene) -> str:
        if _stands(scene):
            return scene.speech("Déplacer le rendez-vous : {step}", step=scene.step_title)
        return scene.speech("Fixer le rendez-vous : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Déplacer…") if _stands(scene) else scene.speech("Fixer le rendez-vous…")

    def notice(self, scene: Scene) -> str:
        speech, visit = scene.speech, scene.here.visit
        said = []
        if visit is not None and visit.stands:
            said.append(
                speech(
                    "Actuellement : {when}, {place}.", when=speech.when(visit.start), place=visit.place or "–"
                )
            )
        window = scene.rule.window.earliest
        earliest = resolve(window, scene.here, scene.pathway, scene.ground) if window else None
        limit = due(scene.here, scene.pathway, scene.ground)
        if earliest is not None:
            said.append(speech("Pas avant le {day}.", day=speech.day(earliest.instant)))
        if limit is not None:
            said.append(speech("Au plus tard le {day}.", day=speech.day(limit.instant)))
        return " ".join(said)

    def fields(self, scene: Scene) -> list[Field]:
        speech, visit = scene.speech, scene.here.visit
        standing = visit if visit is not None and visit.stands else None
        return [
            Field(
                "start",
                speech("Date et heure"),
                "instant",
                required=True,
                value=typed_instant(standing.start if standing else None, speech),
                help=speech("Heure du centre ({zone}).", zone=speech.calendar.zone),
            ),
            Field("place", speech("Lieu"), value=standing.place if standing else ""),
            Field(
                "confirmed",
                speech("Confirmation"),
                "radio",
                required=True,
                choices=(
                    ("yes", speech("Confirmé")),
                    ("no", speech("Seulement proposé, à confirmer")),
                ),
                value="yes",
            ),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        start = said.instant("start", required=True)
        place = said.text("place")
        confirmed = said.yes_no("confirmed", required=True)
        said.done()
        assert start is not None
        visit = scene.here.visit
        length = visit.end - visit.start if visit is not None and visit.stands else None
        return e.VisitBooked(
            by=scene.actor,
            step=scene.here.key,
            occurrence=scene.here.occurrence,
            start=start,
            end=start + length if length else None,
            place=place,
            confirmed=bool(confirmed),
        )

    def sample(self, scene: Scene) -> e.Event:
        return e.VisitBooked(
            by=scene.actor,
            step=scene.here.key,
            occurrence=scene.here.occurrence,
            start=scene.now + timedelta(days=7),
            confirmed=False,
        )


class Cancel(Deed):
    """Give the slot up; the step waits for another."""

    name = "cancel-visit"
    previews = True

    def title(self, scene: Scene) -> str:
        return scene.speech("Annuler le rendez-vous : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Annuler le rendez-vous…")

    def fields(self, scene: Scene) -> list[Field]:
        return [Field("reason", scene.speech("Motif"), "textarea", required=True)]

    def event(self, scene: Scene, said: Said) -> e.Event:
        reason = said.text("reason", required=True)
        said.done()
        return self._made(scene, reason)

    def sample(self, scene: Scene) -> e.Event:
        return self._made(scene, "…")

    def _made(self, scene: Scene, reason: str) -> e.Event:
        return e.VisitCancelled(
            by=scene.actor, step=scene.here.key, occurrence=scene.here.occurrence, reason=reason
        )


class Arrived(Deed):
    """The patient is there."""

    name = "arrived"

    def title(self, scene: Scene) -> str:
        return scene.speech("Patient arrivé : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Patient arrivé")

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.VisitArrived(by=scene.actor, step=scene.here.key, occurrence=scene.here.occurrence)


class NoShow(Deed):
    """The patient did not come."""

    name = "no-show"

    def title(self, scene: Scene) -> str:
        return scene.speech("Patient non venu : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Non venu")

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.VisitMissed(by=scene.actor, step=scene.here.key, occurrence=scene.here.occurrence)


def _stands(scene: Scene) -> bool:
    visit = scene.here.visit
    return visit is not None and visit.stands
