"""Where a pathway stands, in one word for a list: the step of the main line that is being waited for."""

from __future__ import annotations

from pathway.ground import Ground
from pathway.lifecycle import LIVE
from pathway.state import Pathway, PathwayStatus


def stage(pathway: Pathway, ground: Ground) -> str:
    """The key of the first live step of the main track, else of any live step; the end, or the status."""
    if pathway.status is PathwayStatus.ENDED:
        return pathway.end or "ended"
    if pathway.status is PathwayStatus.COMPLETED:
        return "completed"
    live = {step.key for step in pathway.unsettled() if step.status in LIVE}
    ordered = sorted(ground.protocol.steps, key=lambda rule: rule.track != "main")
    return next((rule.key for rule in ordered if rule.key in live), pathway.status.value)
