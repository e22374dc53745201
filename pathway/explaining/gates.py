"""Gates: each need with its answer, what it was answered from, who passed it and on what ground."""

from __future__ import annotations

from pathway.explaining.explanation import Explanation, Input, sourced
from pathway.explaining.facts import is_true, listed
from pathway.gates import holds, overridden, unmet
from pathway.ground import Ground, procedure_start
from pathway.protocol import Gate
from pathway.protocol_words import roles
from pathway.records import Override
from pathway.refusal import Text
from pathway.state import Pathway
from pathway.wording import count, fill, joined, sentence, when

_NEED, _NEEDS = (
    Text(fr="point manque", en="point is missing"),
    Text(fr="points manquent", en="points are missing"),
)


def gate_key(key: str) -> str:
    """The key under which a gate is explained."""
    return f"gate/{key}"


def explain_gate(gate: Gate, pathway: Pathway, ground: Ground, *, brief: bool = False) -> Explanation:
    """Whether the gate is met, and (unless ``brief``) need by need why."""
    missing = {one.index for one in unmet(gate, pathway, ground)}
    passed = overridden(gate, pathway, ground)
    wanted = () if brief else range(len(gate.needs))
    parts = tuple(_need(index, gate, index in missing, pathway, ground) for index in wanted)
    if missing:
        because = sentence(count(len(missing), _NEED, _NEEDS))
    elif any(not holds(gate.needs[index].when, pathway, ground) for index in passed):
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


def _who_may(gate: Gate, ground: Ground) -> Text:
    if gate.both:
        each = joined((roles(group, ground.protocol) for group in gate.both), Text(fr=" ; et ", en="; and "))
        return fill(
            "Dérogation par une personne de chacun : {who}",
            "Overridden by one person of each: {who}",
            who=each,
        )
    if gate.override:
        who = roles(gate.override, ground.protocol)
        return fill("Dérogation possible par : {who}", "May be overridden by: {who}", who=who)
    return Text(fr="Aucune dérogation possible", en="Nobody may override it")


def explain_need(gate: Gate, index: int, pathway: Pathway, ground: Ground) -> Explanation:
    """One need of a gate. Key ``gate/G3/1``."""
    missing = any(one.index == index for one in unmet(gate, pathway, ground))
    return _need(index, gate, missing, pathway, ground)


def _need(index: int, gate: Gate, missing: bool, pathway: Pathway, ground: Ground) -> Explanation:
    need, key = gate.needs[index], f"{gate_key(gate.key)}/{index}"
    source = sourced(need.source, gate.source)
    asked = is_true(need.when, pathway, ground, key=f"{key}/if", source=source)
    passed = _override(index, gate, pathway, ground)
    if asked.holds:
        because = _verdict(Text(fr="Rempli", en="Met"), asked)
    elif missing:
        because = _verdict(Text(fr="Pas rempli", en="Not met"), asked)
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
        title=rule if asked.holds else need.reason,
        because=because,
        source=source,
        rule=rule,
        inputs=asked.inputs,
        holds=not missing,
        parts=asked.parts,
    )


def _verdict(said: Text, asked: Explanation) -> Text:
    told = listed(asked.inputs)
    return sentence(fill("{said} : {told}", "{said}: {told}", said=said, told=told) if told.fr else said)


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


def gates_of(
    keys: tuple[str, ...], pathway: Pathway, ground: Ground, *, brief: bool
) -> tuple[Explanation, ...]:
    """The gates of these keys, once each."""
    return tuple(
        explain_gate(ground.protocol.gate(key), pathway, ground, brief=brief) for key in dict.fromkeys(keys)
    )
