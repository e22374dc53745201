"""What a measurement is: two samples of the same work, ours and plain SQL, and the memory ours took."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

_RESET_PEAK = "5"
"""What proc(5) wants written to clear_refs to begin the peak anew."""


@dataclass
class Sample:
    """``seconds`` of every single operation, and ``rates`` (operations a second) of every repetition."""

    seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def repetition(self, seconds: Sequence[float], wall: float) -> None:
        """Add one repetition: its operations, and how long all of them took together."""
        self.seconds += seconds
        self.rates.append(len(seconds) / wall)

    @property
    def rate(self) -> float:
        """Operations a second: the median repetition."""
        return median(self.rates)

    @property
    def typical(self) -> float:
        """Milliseconds of the median operation."""
        return median(self.seconds) * 1000

    @property
    def worst(self) -> float:
        """Milliseconds that 99 in 100 operations stay under; the longest when there are fewer than 100."""
        if len(self.seconds) < 100:
            return max(self.seconds) * 1000
        return quantiles(self.seconds, n=100)[98] * 1000


@dataclass(frozen=True)
class Measurement:
    """One line of the table. ``peak`` is the most memory our process held meanwhile, in MB; ``note`` a foot-note."""

    name: str
    size: str
    database: str
    ours: Sample
    plain: Sample
    peak: float
    note: str = ""

    @property
    def times(self) -> float:
        """How many times as long ours takes: by rate, which counts what runs side by side."""
        return self.plain.rate / self.ours.rate


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def forget_peak() -> None:
    """Begin the peak of this process's memory anew, where the kernel can."""
    try:
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
    except OSError:
        return


def peak_mb() -> float:
    """The most memory this process held since ``forget_peak``; since it started, where that is not known."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
