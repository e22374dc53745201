"""What is counted while patients live: numbers only, so that a hundred thousand of them take no more room than one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

Key = tuple[str | int, ...]
_SHOWN = 20


@dataclass
class Tally:
    """Counts by what they are: ``("work", role, week, kind)``, ``("end", name)``, ``("delay", key, hours)``...

    ``faults`` are sentences about what must never be: an unexpected refusal, somebody who waits for ever. All are
    counted (``("fault", kind)``), the first twenty kept, by the number of the patient.
    """

    counts: Counter[Key] = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def add(self, *key: str | int, count: int = 1) -> None:
        """Count one more of these."""
        self.counts[key] += count

    def fault(self, kind: str, patient: int, sentence: str) -> None:
        """Something that must never be was seen."""
        self.add("fault", kind)
        if len(self.faults) < _SHOWN:
            self.faults.append((patient, sentence))

    def merge(self, other: Tally) -> None:
        """Add what another process counted. The order of merging does not matter."""
        self.counts.update(other.counts)
        self.faults = sorted([*self.faults, *other.faults])[:_SHOWN]

    def total(self, *prefix: str | int) -> int:
        """How many under all keys that begin so."""
        return sum(count for key, count in self.counts.items() if key[: len(prefix)] == prefix)

    def under(self, *prefix: str | int) -> dict[Key, int]:
        """The counts whose keys begin so, by the rest of the key, in its order."""
        size = len(prefix)
        found = {key[size:]: count for key, count in self.counts.items() if key[:size] == prefix}
        return dict(sorted(found.items(), key=lambda pair: tuple(map(_order, pair[0]))))


def _order(part: str | int) -> tuple[int, int, str]:
    return (0, part, "") if isinstance(part, int) else (1, 0, part)
