"""A cohort through a protocol: in two processes or more, whose counts are added up and nothing else kept."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.simulation.cohort import Cohort
from app.simulation.dice import Dice
from app.simulation.life import Life
from app.simulation.people import patient
from app.simulation.tally import Tally
from app.simulation.world import World
from pathway.ground import Ground
from pathway.indicators.definition import Definitions

JOBS = 2
_CHUNK, _FEW, _ROUNDS = 100, 10, 8
"""The most and the fewest patients that a process takes at a time, and how often each should come for more: small
enough for a bar that moves and an even end, large enough to be worth the way."""


@dataclass(frozen=True)
class Run:
    """What to simulate: patients 0 to ``patients`` - 1 of the cohort that ``seed`` names, on this ground."""

    ground: Ground
    cohort: Cohort
    patients: int
    seed: int
    definitions: Definitions | None = None
    settings: dict[str, str] = field(default_factory=dict)


def simulate(
    run: Run,
    *,
    jobs: int = JOBS,
    chunk: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Everything counted, the same for any number of ``jobs``. ``progress`` hears how many more are through.

    ``chunk`` is how many patients a process takes at a time; few patients do not leave this process.
    """
    tally = Tally()
    chunk = chunk or max(_FEW, min(_CHUNK, run.patients // (_ROUNDS * jobs)))
    if jobs < 2 or run.patients <= chunk:
        _prepare(run)
        for first in range(0, run.patients, chunk):
            last = min(first + chunk, run.patients)
            tally.merge(_chunk(first, last))
            progress(last - first)
        return tally
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare, initargs=(run,)) as pool:
        try:
            for count, found in _in_turn(pool, run.patients, jobs, chunk):
                tally.merge(found)
                progress(count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return tally


def _in_turn(pool: ProcessPoolExecutor, patients: int, jobs: int, chunk: int) -> Iterator[tuple[int, Tally]]:
    """The chunks as they are done. Few are handed out ahead, so that nothing piles up."""
    chunks = iter([(first, min(first + chunk, patients)) for first in range(0, patients, chunk)])
    under_way: dict[Future[Tally], int] = {}
    while True:
        with _uninterrupted():
            while len(under_way) < 2 * jobs and (one := next(chunks, None)) is not None:
                under_way[pool.submit(_chunk, *one)] = one[1] - one[0]
        if not under_way:
            return
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            yield under_way.pop(future), future.result()


@dataclass
class _Here:
    """What this process simulates. Set once, before its first chunk."""

    world: World | None = None
    seed: int = 0


_HERE = _Here()


def _prepare(run: Run) -> None:
    _HERE.world, _HERE.seed = World(run.ground, run.cohort, run.definitions, run.settings), run.seed
    gc.collect()
    gc.freeze()  # what all patients share is never garbage


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started here do not hear an interrupt: whoever is asked to stop is this one, and asks for no more.

    An interrupt that comes meanwhile waits.
    """
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _chunk(first: int, last: int) -> Tally:
    world = _HERE.world
    assert world is not None
    tally = Tally()
    for number in range(first, last):
        _life(world, _HERE.seed, number, tally).live()
    return tally


def _life(world: World, seed: int, number: int, tally: Tally) -> Life:
    dice = Dice(seed, number)
    return Life(patient(number, dice, world.cohort, world.hours), world, dice, tally)
