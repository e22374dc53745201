"""What a person can do to a pathway: each deed is a form that becomes one event.

Whether a deed is offered is asked of the door's own rules: a deed is possible when ``decide`` lets a sample of
its event through, or refuses it only for what is still to be typed. So no button promises what the door refuses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from app.i18n import Speech
from app.rights import allow
from app.web.fields import Field, Said
from pathway import events as e
from pathway.decide import decide
from pathway.ground import Ground
from pathway.protocol import StepRule
from pathway.refusal import Refused
from pathway.state import Actor, Pathway, Step


@dataclass(frozen=True)
class Scene:
    """Where a deed is done: the pathway, by whom, when.

    ``step`` where it is done to a step; ``about`` is the key of what else it is about (a gate, an alert, a fact);
    ``typed`` is what stands in its form when it is shown again.
    """

    pathway: Pathway
    ground: Ground
    actor: Actor
    speech: Speech
    now: datetime
    step: Step | None = None
    about: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def here(self) -> Step:
        """The step this deed is about. KeyError when the address names none."""
        if self.step is None:
            raise KeyError("step")
        return self.step

    @property
    def rule(self) -> StepRule:
        """What the protocol says of that step."""
        return self.ground.protocol.step(self.here.key)

    @property
    def step_title(self) -> str:
        """The step's title in the reader's language, with its number from the second time on."""
        title = self.speech.text(self.rule.title)
        return f"{title} ({self.here.occurrence})" if self.here.occurrence > 1 else title


class Deed(ABC):
    """One deed. ``previews``: what it changes is shown row by row before it is done."""

    name: ClassVar[str]
    previews: ClassVar[bool] = False

    @abstractmethod
    def title(self, scene: Scene) -> str:
        """The heading of its form."""

    @abstractmethod
    def button(self, scene: Scene) -> str:
        """The words on its button."""

    def fields(self, scene: Scene) -> list[Field]:
        """What it asks; nothing: one press of the button does it."""
        return []

    def notice(self, scene: Scene) -> str:
        """A sentence above the form, where there is something to know before."""
        return ""

    def stands(self, scene: Scene) -> bool:
        """False where the state alone rules it out, before the door would look at what was typed."""
        return True

    @abstractmethod
    def event(self, scene: Scene, said: Said) -> e.Event:
        """The event that what was typed means. Raises Invalid with a sentence at each field."""

    @abstractmethod
    def sample(self, scene: Scene) -> e.Event:
        """An event as it would be, to ask the door whether this is possible now."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A deed that is possible now, or would be but for a gate (``refusal`` says why)."""

    deed: Deed
    name: str
    button: str
    asks: bool
    step: str = ""
    occurrence: int = 0
    about: str = ""
    refusal: str = ""


def offer(deed: Deed, scene: Scene) -> Offer | None:
    """The deed as it can be offered here and now; None when the door would not let it through."""
    if not deed.stands(scene):
        return None
    sample = deed.sample(scene)
    refusal = ""
    try:
        allow(scene.actor, type(sample))
        decide(scene.pathway, sample, scene.ground, at=max(scene.now, scene.pathway.as_of))
    except Refused as refused:
        if refused.gate is not None:
            refusal = scene.speech.text(refused.text)
        elif refused.kind != "invalid":
            return None
    asks = bool(deed.fields(scene))
    return Offer(
        deed,
        deed.name,
        deed.button(scene),
        asks,
        step=scene.step.key if scene.step else "",
        occurrence=scene.step.occurrence if scene.step else 0,
        about=scene.about,
        refusal=refusal,
    )
