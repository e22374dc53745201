"""Which steps are explored together: every step with all that it hangs on, along its own track and the main line.

The steps of a protocol multiply: eight tracks of ten states each are more states than anybody can visit. But what
happens on one track is felt on another only through the few steps that the other asks about. So each track is explored
with the main line it hangs on, and with the steps of the main line that ask about it; what those ask of other tracks
is left free (it may be so or not), for the other tracks are explored themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

from pathway.checking.reading import Reading

MAIN = "main"


def hangs_on(reading: Reading, steps: Iterable[str], tracks: frozenset[str]) -> frozenset[str]:
    """These steps with all that they hang on, on these tracks and on the main line."""
    protocol = reading.protocol
    allowed = tracks | {MAIN}
    found: set[str] = set()
    left = list(steps)
    while left:
        key = left.pop()
        if key in found:
            continue
        found.add(key)
        left += [one for one in reading.needs[key] if protocol.step(one).track in allowed]
    return frozenset(found)


def slices(reading: Reading) -> tuple[frozenset[str], ...]:
    """The slices that together hold every step. One within another is left out."""
    protocol = reading.protocol
    found = []
    for rule in protocol.steps:
        steps = hangs_on(reading, [rule.key], frozenset({rule.track}))
        if rule.track != MAIN:
            asking = [key for key in reading.needs if rule.key in reading.needs[key]]
            steps |= {key for key in asking if protocol.step(key).track == MAIN}
        found.append(steps)
    return outermost(found)


def outermost(found: Iterable[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """These sets of steps without those that lie within another, in the order given."""
    distinct = list(dict.fromkeys(found))
    return tuple(one for one in distinct if not any(one < other for other in distinct))
