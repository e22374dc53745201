"""Gates: each need with its answer, what it was answered from, who passed it and on what ground."""

from __future__ import annotations

from pathway.explaining.explanation import Explanation, Input, sourced
from pathway.explaining.facts import is_true
from pathway.gates import unmet
from pathway.ground import Ground, procedure_start
from pathway.protocol import Gate, Need
from pathway.protocol_words import roles
from pathway.refusal import Text
from pathway.state import Override, Pathway
from pathway.wording import count, fill, same, sentence, when

_NEED, _NEEDS = (
    Text(fr="point manque", en="point is missing"),
    Text(fr="points manquent", en="points are missing"),
)


def gate_key(key: str) -> str:
    """The key under which a gate is explained."""
    return f"gate/{key}"


def explain_gate(gate: Gate, pathway: Pathway, ground: Ground) -> Explanation:
    """Whether the gate is met, and need by need why."""
    missing = {one.index for one in unmet(gate, pathway, ground)}
    parts = tuple(
        _need(need, index, gate, index in missing, pathway, ground) for index, need in enumerate(gate.needs)
    )
    if missing:
        because = sentence(count(len(missing), _NEED, _NEEDS))
    elif any(part.rule is not None and not _is_true(part) for part in parts):
        because = Text(fr="Ouvert, par dérogation.", en="Open, by an override.")
    else:
        because = Text(fr="Tout est rempli.", en="Every need is met.")
    return Explanation(
        key=gate_key(gate.key),
        kind="gate",
        title=fill("Verrou {key} : {title}", "Gate {key}: {title}", key=gate.key, title=gate.title),
        because=because,
        source=sourced(gate.source, *(need.source for need in gate.needs)),
        rule=_who_may(gate, ground),
        inputs=tuple(_passed(one, pathway, ground) for one in pathway.overrides if one.gate == gate.key),
        holds=not missing,
        parts=parts,
    )


def _is_true(part: Explanation) -> bool:
    return bool(part.parts and part.parts[0].holds)


def _who_may(gate: Gate, ground: Ground) -> Text:
    if gate.override:
        return fill(
            "Dérogation possible par : {who}",
            "May be overridden by: {who}",
            who=roles(gate.override, ground.protocol),
        )
    return Text(fr="Aucune dérogation possible", en="Nobody may override it")


def _need(need: Need, index: int, gate: Gate, missing: bool, pathway: Pathway, ground: Ground) -> Explanation:
    key = f"{gate_key(gate.key)}/{index}"
    asked = is_true(need.when, pathway, ground, key=f"{key}/if")
    passed = _override(index, gate, pathway, ground)
    if asked.holds:
        because = fill("Rempli : {why}", "Met: {why}", why=asked.because)
    elif missing:
        because = fill("Pas rempli : {why}", "Not met: {why}", why=asked.because)
    elif passed is not None:
        because = fill(
            "Levé par {name} le {when} : « {reason} »",
            "Overridden by {name}, {when}: “{reason}”",
            name=passed.by,
            when=when(passed.at, ground.calendar),
            reason=passed.reason,
        )
    else:
        because = asked.because
    rule = asked.title
    if need.never_override:
        rule = fill("{rule} (sans dérogation possible)", "{rule} (nobody may override it)", rule=rule)
    return Explanation(
        key=key,
        kind="need",
        title=need.reason,
        because=because,
        source=sourced(need.source, gate.source),
        rule=rule,
        inputs=asked.inputs,
        holds=not missing,
        parts=(asked,),
    )


def _override(index: int, gate: Gate, pathway: Pathway, ground: Ground) -> Override | None:
    start = procedure_start(pathway, ground.protocol)
    fitting = (
        one
        for one in pathway.overrides
        if one.gate == gate.key and index in one.needs and one.procedure in (None, start)
    )
    return next(fitting, None)


def _passed(one: Override, pathway: Pathway, ground: Ground) -> Input:
    said = fill("« {reason} »", "“{reason}”", reason=one.reason)
    if one.procedure not in (None, procedure_start(pathway, ground.protocol)):
        said = fill(
            "{said} (pour une autre date d'intervention : ne compte plus)",
            "{said} (for another date of the procedure: it no longer counts)",
            said=said,
        )
    return Input(Text(fr="Dérogation", en="Override"), said, one.at, one.by, "override")


def needs_of(keys: tuple[str, ...], pathway: Pathway, ground: Ground) -> tuple[Explanation, ...]:
    """The gates of these keys, once each."""
    return tuple(explain_gate(ground.protocol.gate(key), pathway, ground) for key in dict.fromkeys(keys))


def named(keys: tuple[str, ...]) -> Text:
    """``G3, G4``."""
    return same(", ".join(dict.fromkeys(keys)))
