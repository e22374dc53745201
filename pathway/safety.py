"""What a protocol must keep whatever a centre changes in it: stated once more, apart, so that a slip is seen.

The steps say how the work is done; this says what may never be lost of it. The checker (``pathway.checking``) holds
the one against the other. Nothing here is read when a pathway runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pathway.condition import Condition
from pathway.refusal import Text

COMPLETED = "completed"
"""The moment at which nothing is left to do on a pathway."""
BOOKED = "booked"
"""``booked STEP``: the moment at which a slot of the step is confirmed."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What must be true before something happens, on every path that leads there.

    ``before`` are moments: ``STEP`` (it begins or is completed), ``STEP.OUTCOME``, ``booked STEP`` (its slot is
    confirmed) or ``completed`` (the whole pathway). ``override`` says who may pass it with a written reason: one
    person of each of these groups of roles, and nobody else. Without any, nobody passes it.
    """

    key: str
    title: Text
    before: tuple[str, ...]
    needs: tuple[Condition, ...]
    source: str
    override: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What one step must keep.

    ``opens_after``: what must be true when it opens. ``offers``: outcomes after which the pathway goes on; ``ends``:
    outcomes that end it, and how; ``repeats``: outcomes after which steps are done again. ``signed_by``: the roles
    that settle it, and nobody else. ``never_waived``: it is settled by an outcome. ``heard``: rungs of its ladder and
    the roles that each tells. ``says``: its messages to the patient. ``asks``: answers it asks for. ``due_from``:
    what each of its due times counts from. ``sooner``: conditions under which it has a deadline of its own.
    """

    step: str
    opens_after: tuple[Condition, ...] = ()
    offers: tuple[str, ...] = ()
    ends: dict[str, str] = field(default_factory=dict)
    repeats: dict[str, tuple[str, ...]] = field(default_factory=dict)
    signed_by: tuple[str, ...] = ()
    never_waived: bool = False
    heard: dict[str, tuple[str, ...]] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    due_from: tuple[str, ...] = ()
    sooner: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Safety:
    """The obligations of a protocol, what each step must keep, and the ends of a pathway.

    ``by_hand``: ends that a person states whenever they happen, which no outcome has to bring. ``silent``: ends after
    which nothing more is said to the patient. ``looks_again``: ends that a day has to be set for. ``findings``: the
    gates that a red flag must stop; ``never_passed``: red flags that nobody overrides. ``alarms``: the roles that an
    alarm of the watch must tell at once.
    """

    obligations: tuple[Obligation, ...] = ()
    steps: tuple[Kept, ...] = ()
    by_hand: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    looks_again: tuple[str, ...] = ()
    findings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    never_passed: tuple[str, ...] = ()
    alarms: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def kept(self, step: str) -> Kept:
        """What this step must keep; nothing when the protocol does not say."""
        return next((one for one in self.steps if one.step == step), Kept(step))
