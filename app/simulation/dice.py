"""Chance with names: the same patient and the same name always give the same number, whatever else is drawn.

So a cohort is the same in one process or in eight, and two variants of a protocol meet the same people with the same
luck: what differs between their reports is the protocol's doing.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from math import exp, log
from statistics import NormalDist

_BITS = 52  # what a float holds exactly with half a step to spare, so that 0 and 1 are never drawn
_NORMAL = NormalDist()
_Z90 = _NORMAL.inv_cdf(0.9)


class Dice:
    """The numbers of patient ``number`` of the cohort that ``seed`` names."""

    def __init__(self, seed: int, number: int) -> None:
        self._key = f"{seed}/{number}".encode()

    def roll(self, name: str) -> float:
        """A number between 0 and 1, both excluded, evenly."""
        digest = blake2b(name.encode(), digest_size=8, key=self._key).digest()
        return ((int.from_bytes(digest, "big") >> (64 - _BITS)) + 0.5) / (1 << _BITS)

    def happens(self, chance: float, name: str) -> bool:
        """Whether something with this chance happens."""
        return chance > 0 and self.roll(name) < chance

    def normal(self, mean: float, deviation: float, name: str) -> float:
        """A number of the normal distribution."""
        return mean + deviation * _NORMAL.inv_cdf(self.roll(name))

    def skewed(self, median: float, p90: float, name: str) -> float:
        """A number above 0 with this median and this 90th percentile (log-normal), as delays are."""
        if p90 <= median:
            return median
        return median * exp(_sigma(median, p90) * _NORMAL.inv_cdf(self.roll(name)))


@lru_cache(maxsize=256)
def _sigma(median: float, p90: float) -> float:
    return log(p90 / median) / _Z90
