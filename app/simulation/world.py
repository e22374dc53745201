"""What every synthetic patient of one run has in common: the protocol's ground, the people and their habits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from app.simulation.cohort import Cohort, Habit
from app.simulation.hours import Hours
from app.simulation.quiet import quiet_values
from app.simulation.satisfy import Wanted
from pathway.ground import Ground
from pathway.indicators.definition import Definitions
from pathway.protocol import Rung, StepRule
from pathway.state import Actor

CLOCK = Actor("jalon", "system")


class World:
    """A ground and a cohort; the indicators to compute, and the settings that the protocol was made with.

    ``habits`` answers for every step of the protocol, known to the cohort or not.
    """

    def __init__(
        self,
        ground: Ground,
        cohort: Cohort,
        definitions: Definitions | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.ground = ground
        self.settings = settings or {}
        self.cohort = cohort
        self.definitions = definitions
        self.hours = Hours(ground.calendar, cohort)
        self._actors: dict[str, Actor] = {}

    @cached_property
    def wanted(self) -> Wanted:
        """What the gates want to hear."""
        return Wanted(self.ground.protocol)

    @cached_property
    def habits(self) -> dict[str, Habit]:
        """The habit of every step: the cohort's, or the one that is said for all others."""
        return {
            step.key: self.cohort.steps.get(step.key, self.cohort.otherwise)
            for step in self.ground.protocol.steps
        }

    @cached_property
    def quiet(self) -> dict[str, Any]:
        """What the ward sees of a patient who is well."""
        return quiet_values(self.ground.protocol.surveillance)

    @cached_property
    def rungs(self) -> dict[tuple[str, str], Rung]:
        """The rungs of the protocol by step and key."""
        return {(step.key, rung.key): rung for step in self.ground.protocol.steps for rung in step.ladder}

    def actor(self, role: str) -> Actor:
        """Somebody of this role."""
        if role not in self._actors:
            kind = "coordinator" if role == self.ground.protocol.messaging.desk else "clinician"
            self._actors[role] = Actor(f"somebody of {role}", kind, (role,))
        return self._actors[role]

    def who_does(self, rule: StepRule) -> str:
        """The role that settles a step: by habit, else its performer, where that one may."""
        role = self.habits[rule.key].by or rule.performer
        return role if not rule.signed_by or role in rule.signed_by else rule.signed_by[0]
