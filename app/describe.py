"""A protocol as a page people can read: its tables in Markdown and its diagram in Mermaid, printed from the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pathway.protocol import Condition, Gate, Offset, PatientMessage, Protocol, Rung, StepRule
from pathway.refusal import Text

_NOTE = (
    "Printed from the protocol's file, which is the one to change. Not validated for clinical use: a centre's "
    "radiologist and anaesthetist sign their own."
)
_FR = {
    _NOTE: "Imprimé à partir du fichier du protocole, seul à modifier. Non validé pour un usage clinique : le "
    "radiologue et l'anesthésiste du centre signent le leur.",
    "Step": "Étape",
    "Who": "Qui",
    "Opens when": "S'ouvre quand",
    "Due": "Échéance",
    "Outcomes": "Issues",
    "Source": "Source",
    "When": "Quand",
    "Level": "Niveau",
    "To": "À qui",
    "Message": "Message",
    "Gate": "Verrou",
    "Must be true, or this is said": "Doit être vrai, sinon il est dit",
    "Overridden by": "Levé par",
    "Steps": "Étapes",
    "Reminders and escalations": "Rappels et alertes",
    "Messages to the patient": "Messages au patient",
    "Gates": "Verrous",
    "Ends": "Fins",
    "Fallback": "Remplaçant",
    "Role": "Rôle",
    "Roles": "Rôles",
    "at once": "d'emblée",
    "done": "faite",
    "nobody": "personne",
    "never": "jamais",
    "else": "sinon",
    "not before": "pas avant",
    "earliest of": "au plus tôt de",
    "ends": "fin",
    "again": "à refaire",
    "gives up the slot of": "libère le créneau de",
    "suspends": "suspend",
    "gate": "verrou",
    "if": "si",
    "or": "ou",
    "and": "et",
    "hold plan": "plan d'arrêt",
    "fracture": "fracture",
    "referral": "demande",
    "opened": "ouverture",
    "due": "échéance",
    "slot": "rendez-vous",
    "missed": "absence",
    "procedure": "intervention",
    "hold_start": "début de l'arrêt",
    "last_intake": "dernière prise",
    "h": "h",
    "d": "j",
    "wd": "j ouvrés",
    "reminder": "rappel",
    "overdue": "en retard",
    "escalation": "escalade",
    "red": "urgent",
    "Any day of the week": "Tous les jours",
    "last": "le dernier",
    "yes": "oui",
    "no": "non",
    "Channels": "Canaux",
    "Title": "Titre",
    "silent": "sans message",
    "End": "Fin",
    "text": "texte",
    "first time": "la première fois",
}
_EN = {"hold_start": "start of the hold", "last_intake": "last intake", "wd": "working d"}


_STEP_HEADS = ("Step", "Who", "Opens when", "Due", "Outcomes", "Source")
_GATE_HEADS = ("Gate", "Must be true, or this is said", "Overridden by", "Source")


def table(protocol: Protocol, language: str = "en") -> str:
    """Steps, ladders, messages, gates, roles and ends as Markdown tables, in ``fr`` or ``en``."""
    return _Page(protocol, language).table()


def mermaid(protocol: Protocol, language: str = "en") -> str:
    """The flow of the steps as a Mermaid flowchart: who waits for whom, by which outcome, and the ends."""
    return _Page(protocol, language).mermaid()


class _Page:
    """One protocol in one language."""

    def __init__(self, protocol: Protocol, language: str) -> None:
        self.protocol = protocol
        self.language = language

    # --- tables ---

    def table(self) -> str:
        protocol, say = self.protocol, self.say
        parts = [
            f"# {self.text(protocol.title)} {protocol.version}",
            f"`{protocol.url}`",
            f"## {say('Steps')}",
        ]
        for track, title in protocol.tracks.items():
            rows = [self.step(step) for step in protocol.steps if step.track == track]
            parts += [f"### {self.text(title)}", self.grid(_STEP_HEADS, rows)]
        rungs = [self.rung(step, rung) for step in protocol.steps for rung in step.ladder]
        parts += [
            f"## {say('Reminders and escalations')}",
            self.grid(("Step", "When", "Level", "To", "text"), rungs),
        ]
        messages = [self.message(step, one) for step in protocol.steps for one in step.messages]
        parts += [
            f"## {say('Messages to the patient')}",
            self.grid(("Step", "Message", "When", "Channels", "Any day of the week"), messages),
        ]
        gates = [row for gate in protocol.gates for row in self.gate(gate)]
        parts += [f"## {say('Gates')}", self.grid(_GATE_HEADS, gates)]
        roles = [
            (f"`{key}`", self.text(role.title), f"`{role.fallback}`" if role.fallback else "")
            for key, role in protocol.roles.items()
        ]
        parts += [f"## {say('Roles')}", self.grid(("Role", "Title", "Fallback"), roles)]
        ends = [
            (f"`{key}`", self.text(end.title), say("silent") if end.silent else "")
            for key, end in protocol.ends.items()
        ]
        parts += [f"## {say('Ends')}", self.grid(("End", "Title", "Messages to the patient"), ends)]
        return "\n\n".join(parts) + "\n"

    def grid(self, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
        lines = [
            "| " + " | ".join(self.say(head) for head in heads) + " |",
            "|" + "---|" * len(heads),
        ]
        cells = ([cell.replace("|", "\\|").strip() for cell in row] for row in rows)
        lines += ["| " + " | ".join(row) + " |" for row in cells]
        return "\n".join(lines)

    def step(self, step: StepRule) -> tuple[str, ...]:
        gates = [*step.book_gates, *(key for key in step.start_gates if key not in step.book_gates)]
        opens = f" {self.say('and')} ".join(self.condition(one) for one in step.after) or self.say("at once")
        if gates:
            opens += f"; {self.say('gate')} {', '.join(gates)}"
        who = self.role(step.performer)
        if step.signed_by:
            who += f" ({', '.join(self.role(role) for role in step.signed_by)})"
        return (
            f"**{self.text(step.title)}** `{step.key}`",
            who,
            opens,
            self.window(step),
            "<br>".join(self.outcomes(step)),
            step.source,
        )

    def window(self, step: StepRule) -> str:
        window = step.window
        said = [self.offset(one) for one in window.due]
        due = said[0] if len(said) == 1 else f"{self.say('earliest of')}: " + "; ".join(said)
        if window.otherwise:
            due += f"; {self.say('else')} {self.offset(window.otherwise)}"
        if window.earliest:
            due += f"; {self.say('not before')} {self.offset(window.earliest)}"
        return due

    def outcomes(self, step: StepRule) -> Iterator[str]:
        for outcome in step.outcomes:
            notes = [f"{self.say('gate')} {key}" for key in outcome.gates]
            if outcome.end:
                notes.append(f"{self.say('ends')}: {self.text(self.protocol.ends[outcome.end].title)}")
            for word, keys in (("again", outcome.repeat), ("gives up the slot of", outcome.unbook)):
                if keys:
                    titles = ", ".join(self.title(key) for key in keys)
                    notes.append(f"{self.say(word)} {titles}")
            tracks = (self.text(self.protocol.tracks[track]) for track in outcome.suspend)
            notes += [f"{self.say('suspends')} {track}" for track in tracks]
            yield self.text(outcome.title) + (f" ({'; '.join(notes)})" if notes else "")

    def rung(self, step: StepRule, rung: Rung) -> tuple[str, ...]:
        return (
            self.text(step.title),
            self.offset(rung.at),
            self.say(rung.level),
            ", ".join(self.role(role) for role in (rung.to, *rung.also)),
            self.text(rung.text) if rung.text else "",
        )

    def message(self, step: StepRule, message: PatientMessage) -> tuple[str, ...]:
        any_day = {True: "yes", False: "no", "last": "last"}[message.any_day]
        return (
            self.text(step.title),
            f"`{message.template}`",
            "; ".join(self.offset(one) for one in message.at),
            ", ".join(message.channels),
            self.say(any_day),
        )

    def gate(self, gate: Gate) -> Iterator[tuple[str, ...]]:
        who = ", ".join(self.role(role) for role in gate.override) or self.say("nobody")
        for need in gate.needs:
            yield (
                f"**{gate.key}** {self.text(gate.title)}",
                self.text(need.reason),
                self.say("never") if need.never_override else who,
                need.source,
            )

    # --- words ---

    def offset(self, offset: Offset) -> str:
        head, _, tail = offset.from_.partition(":")
        if head == "done":
            anchor = f"{self.title(tail)} ({self.say('done')})"
        elif head == "data":
            key, _, name = tail.partition(".")
            answers = {answer.key: answer for answer in self.protocol.step(key).answers}
            anchor = self.text(answers[name].title)
        else:
            anchor = self.say(head)
        said = anchor
        for value, unit in ((offset.hours, "h"), (offset.days, "d"), (offset.working_days, "wd")):
            if value:
                said += f" {'+' if value > 0 else '−'} {abs(value):g} {self.say(unit)}"
        if offset.at:
            said += f" {offset.at:%H:%M}"
        if offset.first:
            said += f" ({self.say('first time')})"
        if offset.when:
            said += f" ({self.say('if')} {self.condition(offset.when)})"
        if offset.but_not_before:
            said += f", {self.say('not before')} {self.offset(offset.but_not_before)}"
        return said

    def condition(self, asked: Condition) -> str:
        parts = []
        if asked.step and not asked.rule:
            outcomes = [
                self.text(one.title)
                for one in self.protocol.step(asked.step).outcomes
                if one.key in asked.outcome
            ]
            parts.append(self.title(asked.step) + (f": {', '.join(outcomes)}" if outcomes else ""))
        if asked.fact:
            parts.append(self.fact(asked))
        if asked.hold:
            parts.append(f"{self.say('hold plan')}: {', '.join(asked.hold)}")
        if asked.held:
            parts.append(f"{self.say('hold plan')}: {', '.join(asked.held)}")
        if asked.cause:
            parts.append(f"{self.say('fracture')}: {', '.join(asked.cause)}")
        if asked.rule:
            parts.append(asked.rule + (f" {asked.days} {self.say('d')}" if asked.days else ""))
        if asked.any_of:
            parts.append(f" {self.say('or')} ".join(self.condition(one) for one in asked.any_of))
        return f" {self.say('and')} ".join(parts)

    def fact(self, asked: Condition) -> str:
        titles = {a.key: a.title for step in self.protocol.steps for a in step.answers}
        title = titles.get(asked.fact or "") or self.protocol.facts.get(asked.fact or "")
        said = self.text(title) if title else str(asked.fact)
        if asked.at_least is not None:
            said += f" ≥ {asked.at_least:g}"
        if asked.at_most is not None:
            said += f" ≤ {asked.at_most:g}"
        if isinstance(asked.is_, bool):
            said += f": {self.say('yes' if asked.is_ else 'no')}"
        return said

    def title(self, key: str) -> str:
        return self.text(self.protocol.step(key).title)

    def role(self, key: str) -> str:
        return self.text(self.protocol.roles[key].title)

    def text(self, text: Text) -> str:
        return text.in_(self.language)

    def say(self, word: str) -> str:
        return (_FR if self.language == "fr" else _EN).get(word, word)

    # --- diagram ---

    def mermaid(self) -> str:
        protocol = self.protocol
        lines = ["flowchart TD"]
        for track, title in protocol.tracks.items():
            lines.append(f'  subgraph track_{track}["{self.quoted(self.text(title))}"]')
            for step in protocol.steps:
                if step.track == track:
                    left, right = ("([", "])") if step.kind == "visit" else ("[", "]")
                    lines.append(f'    {step.key}{left}"{self.quoted(self.text(step.title))}"{right}')
            lines.append("  end")
        for step in protocol.steps:
            lines += self.arrows_to(step)
        for step in protocol.steps:
            for outcome in step.outcomes:
                label = self.quoted(self.text(outcome.title))
                if outcome.end:
                    lines.append(f'  {step.key} -. "{label}" .-> stop_{outcome.end}')
                lines += [f'  {step.key} -. "{label}" .-> {key}' for key in outcome.repeat if key != step.key]
        used = {outcome.end for step in protocol.steps for outcome in step.outcomes if outcome.end}
        lines += [
            f'  stop_{key}{{{{"{self.quoted(self.text(end.title))}"}}}}'
            for key, end in protocol.ends.items()
            if key in used
        ]
        return "\n".join(lines) + "\n"

    def arrows_to(self, step: StepRule) -> Iterator[str]:
        for asked in step.after:
            if asked.step is None:
                continue
            titles = [
                self.text(one.title)
                for one in self.protocol.step(asked.step).outcomes
                if one.key in asked.outcome
            ]
            label = f' -- "{self.quoted(", ".join(titles))}" --> ' if titles else " --> "
            yield f"  {asked.step}{label}{step.key}"
        asked_by_gates = {
            need.when.step: key
            for key in (*step.book_gates, *step.start_gates)
            for need in self.protocol.gate(key).needs
            if need.when.step
        }
        yield from (f'  {source} == "{key}" ==> {step.key}' for source, key in asked_by_gates.items())

    def quoted(self, text: str) -> str:
        return text.replace('"', "#quot;")


def page(protocol: Protocol, language: str = "en") -> str:
    """The whole page: what it is, the diagram, the tables. In English it is ``docs/protocol.md``."""
    title, tables = table(protocol, language).split("\n\n", 1)
    said = _Page(protocol, language).say(_NOTE)
    return f"{title}\n\n{said}\n\n```mermaid\n{mermaid(protocol, language)}```\n\n{tables}"
