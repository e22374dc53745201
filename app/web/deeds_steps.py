"""What can be done to a step: take it, begin it, end it, pause it, refuse it, do without it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.i18n import Speech
from app.web.answers import answer_field, read_answer
from app.web.deeds import Deed, Scene
from app.web.fields import Field, Said
from app.web.tables import read_table, table_rows
from pathway import events as e
from pathway.gates import holds, unmet
from pathway.lifecycle import STEP_MOVES, StepStatus
from pathway.protocol import Answer, Protocol
from pathway.protocol_words import answered, fact_answer
from pathway.wording import value as said_value


def _occurred(scene: Scene) -> Field:
    _ = scene.speech
    return Field("occurred", _("Quand, si ce n’est pas à l’instant"), "instant")


def _reason(scene: Scene) -> Field:
    return Field("reason", scene.speech("Motif"), "textarea", required=True)


class Accept(Deed):
    """Take the work."""

    name = "accept"

    def title(self, scene: Scene) -> str:
        return scene.speech("Prendre en charge : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Prendre en charge")

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.StepAccepted(
            by=scene.actor, step=scene.here.key, occurrence=scene.here.occurrence, owner=scene.actor.name
        )


class Start(Deed):
    """Begin the work."""

    name = "start"

    def title(self, scene: Scene) -> str:
        return scene.speech("Commencer : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Commencer")

    def stands(self, scene: Scene) -> bool:
        return StepStatus.IN_PROGRESS in STEP_MOVES[scene.here.status]

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.StepStarted(by=scene.actor, step=scene.here.key, occurrence=scene.here.occurrence)


class Complete(Deed):
    """End the work with an outcome, and answer what the step asks."""

    name = "complete"

    def title(self, scene: Scene) -> str:
        return scene.speech("Terminer : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Terminer…")

    def fields(self, scene: Scene) -> list[Field]:
        outcomes = scene.rule.outcomes
        chosen = outcomes[0].key if len(outcomes) == 1 else ""
        return [
            Field(
                "outcome",
                scene.speech("Issue"),
                "radio",
                required=True,
                choices=tuple((one.key, scene.speech.text(one.title)) for one in outcomes),
                value=chosen,
                notes=self._notes(scene),
            ),
            *(_answer(answer, scene) for answer in _asked(scene)),
            _occurred(scene),
        ]

    def stands(self, scene: Scene) -> bool:
        return StepStatus.DONE in STEP_MOVES[scene.here.status]

    def _notes(self, scene: Scene) -> dict[str, str]:
        """Under each outcome, what its gates still miss; an answer given in this very form may supply it."""
        notes = {}
        for outcome in scene.rule.outcomes:
            keys = (*(() if scene.here.started else scene.rule.start_gates), *outcome.gates)
            reasons = [
                scene.speech.text(one.need.reason)
                for key in keys
                for one in unmet(scene.ground.protocol.gate(key), scene.pathway, scene.ground)
            ]
            note = scene.speech("Il manque encore : {needs}", needs=" ".join(reasons)) if reasons else ""
            end = scene.ground.protocol.ends.get(outcome.end or "")
            if end is not None:
                note += scene.speech("Arrête le parcours : {end}.", end=scene.speech.text(end.title))
            notes[outcome.key] = note
        return notes

    def event(self, scene: Scene, said: Said) -> e.Event:
        outcome = said.choice("outcome", [one.key for one in scene.rule.outcomes], required=True)
        data = {}
        for answer in _asked(scene):
            value = read_table(answer, said) if answer.kind == "table" else read_answer(answer, said)
            if value not in (None, "", []):
                data[answer.key] = value
        occurred = said.instant("occurred")
        said.done()
        return e.StepCompleted(
            by=scene.actor,
            step=scene.here.key,
            occurrence=scene.here.occurrence,
            outcome=outcome,
            data=data,
            occurred=occurred,
        )

    def sample(self, scene: Scene) -> e.Event:
        return e.StepCompleted(
            by=scene.actor,
            step=scene.here.key,
            occurrence=scene.here.occurrence,
            outcome=scene.rule.outcomes[0].key,
        )


def _asked(scene: Scene) -> list[Answer]:
    """What the step asks of this very patient."""
    return [
        answer
        for answer in scene.rule.answers
        if answer.when is None or holds(answer.when, scene.pathway, scene.ground)
    ]


def _answer(answer: Answer, scene: Scene) -> Field:
    speech = scene.speech
    known = scene.pathway.fact(answer.key) if answer.fact else None
    help_ = ""
    if known is not None:
        help_ = speech(
            "Connu : {value} ({when}, {by})",
            value=speech.text(answered(answer, known.value, speech.calendar)),
            when=speech.day(known.at),
            by=known.by,
        )
    required = ", ".join(
        speech.text(one.title) for one in scene.rule.outcomes if one.key in answer.required_for
    )
    if required:
        needed = speech("Demandé pour l’issue : {outcomes}.", outcomes=required)
        help_ = f"{needed} {help_}".strip()
    kept = scene.here.data.get(answer.key, "")
    field = answer_field(answer, speech, help_=help_, value=kept if isinstance(kept, str) else "")
    if answer.kind == "table":
        return replace(field, rows=table_rows(answer, speech, scene.typed, kept))
    return field


def measured(key: str, value: Any, protocol: Protocol, speech: Speech) -> str:
    """The value of a fact as the steps ask for it: a choice by its title, a number with its unit."""
    return speech.text(answered(fact_answer(key, protocol), value, speech.calendar))


def shown(value: Any, speech: Speech) -> str:
    """A recorded value as people read it."""
    return speech.text(said_value(value, speech.calendar))


class _WithReason(Deed):
    """A deed that asks for nothing but its reason."""

    kind: type[e.StepEvent]

    def fields(self, scene: Scene) -> list[Field]:
        return [_reason(scene)]

    def event(self, scene: Scene, said: Said) -> e.Event:
        reason = said.text("reason", required=True)
        said.done()
        return self._made(scene, reason)

    def sample(self, scene: Scene) -> e.Event:
        return self._made(scene, "…")

    def _made(self, scene: Scene, reason: str) -> e.Event:
        made: Any = self.kind
        event: e.Event = made(
            by=scene.actor, step=scene.here.key, occurrence=scene.here.occurrence, reason=reason
        )
        return event


class Reject(_WithReason):
    """Whoever was asked will not do it."""

    name, kind = "reject", e.StepRejected

    def title(self, scene: Scene) -> str:
        return scene.speech("Refuser : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Refuser…")

    def notice(self, scene: Scene) -> str:
        return scene.speech("L’étape sera demandée de nouveau.")


class Fail(_WithReason):
    """It was tried and could not be done."""

    name, kind = "fail", e.StepFailed

    def title(self, scene: Scene) -> str:
        return scene.speech("N’a pas pu être faite : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("N’a pas pu être faite…")

    def notice(self, scene: Scene) -> str:
        return scene.speech("L’étape sera demandée de nouveau.")


class Waive(_WithReason):
    """It will not be done, on somebody's responsibility."""

    name, kind = "waive", e.StepWaived

    def title(self, scene: Scene) -> str:
        return scene.speech("Dispenser de : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Dispenser…")

    def notice(self, scene: Scene) -> str:
        return scene.speech("L’étape ne sera pas faite, sous votre responsabilité.")


class Hold(_WithReason):
    """The work pauses."""

    name, kind = "hold", e.StepHeld

    def title(self, scene: Scene) -> str:
        return scene.speech("Mettre en pause : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Mettre en pause…")


class Release(Deed):
    """The work goes on."""

    name = "release"

    def title(self, scene: Scene) -> str:
        return scene.speech("Reprendre : {step}", step=scene.step_title)

    def button(self, scene: Scene) -> str:
        return scene.speech("Reprendre")

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.StepReleased(by=scene.actor, step=scene.here.key, occurrence=scene.here.occurrence)
