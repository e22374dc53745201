"""The words of the printed protocol, in the reader's language; its rules are worded where the engine's are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pathway import protocol_words as words
from pathway.protocol import Condition, Offset, Protocol
from pathway.refusal import Text

NOTE = (
    "Printed from the protocol's file, which is the one to change. Not validated for clinical use: a centre's "
    "radiologist and anaesthetist sign their own."
)
FRENCH = {
    NOTE: "Imprimé à partir du fichier du protocole, seul à modifier. Non "
    "validé pour un usage clinique : le radiologue et l'anesthésiste du centre signent le leur.",
    "Alarm": "Alarme",
    "Alarms of the watch": "Alarmes de la surveillance",
    "and": "et",
    "and one of each": "et un de chaque",
    "Answered within": "Réponse sous",
    "Answer": "Réponse",
    "Any day of the week": "Tous les jours",
    "asked for": "demandée",
    "asks for": "demande",
    "On demand": "Sur demande",
    "at once": "d'emblée",
    "baseline": "au départ",
    "between": "entre",
    "Before": "Avant",
    "By": "Par",
    "Channels": "Canaux",
    "Choice": "Choix",
    "Decided by": "Décidé par",
    "diagram": "Schéma du protocole",
    "drawn": "{steps} étapes en {tracks} pistes, de haut en bas. Une flèche va de l'étape qui est faite à celle qui "
    "s'ouvre, avec l'issue qui l'ouvre.",
    "earliest of": "au plus tôt de",
    "Effect": "Effet",
    "else": "sinon",
    "End": "Fin",
    "Ends": "Fins",
    "ends": "fin",
    "ends the pathway": "arrête le parcours",
    "every": "toutes les",
    "Fallback": "Remplaçant",
    "falls by": "baisse de",
    "Finding": "Constat",
    "from": "à partir de",
    "Gate": "Verrou",
    "Gates": "Verrous",
    "gate": "verrou",
    "gives up the slot of": "libère le créneau de",
    "again": "à refaire",
    "in a row": "de suite",
    "is recorded as": "est noté",
    "Kind": "Sorte",
    "Kinds of items": "Ce qui est relevé",
    "Level": "Niveau",
    "looked at again": "à revoir à une date fixée",
    "Looked at": "Relevé",
    "Legend": "Légende",
    "Message": "Message",
    "Messages to the patient": "Messages au patient",
    "min": "min",
    "Missing after": "Manquant après",
    "Must be true, or this is said": "Doit être vrai, sinon il est dit",
    "Must hold": "Doit être vrai",
    "never": "jamais",
    "new": "nouveau",
    "no": "non",
    "nobody": "personne",
    "not before": "pas avant",
    "Obligation": "Obligation",
    "on demand": "sur demande",
    "Opens": "Ouvre",
    "opens": "ouvre",
    "Opens when": "S'ouvre quand",
    "or": "ou",
    "Outcomes": "Issues",
    "Overridden by": "Levé par",
    "pauses the pathway": "met le parcours en pause",
    "Pauses": "Pauses",
    "Red flags": "Signaux d'alerte",
    "Reminders and escalations": "Rappels et alertes",
    "repeated": "redite",
    "repeats": "à refaire",
    "Required for": "Demandé pour",
    "rises by": "monte de",
    "Role": "Rôle",
    "Roles": "Rôles",
    "Setting": "Réglage",
    "Settings of this variant": "Réglages de cette variante",
    "silent": "sans message",
    "Source": "Source",
    "Step": "Étape",
    "Steps": "Étapes",
    "Stops": "Ferme",
    "suspends": "suspend",
    "tells": "prévient",
    "text": "texte",
    "then": "puis",
    "Title": "Titre",
    "times": "fois",
    "To": "À qui",
    "Told": "Prévenu",
    "until": "jusqu'à",
    "Value": "Valeur",
    "The watch after the procedure": "Surveillance après l'intervention",
    "What is asked": "Ce qui est demandé",
    "What may never be lost": "Ce qui ne doit jamais se perdre",
    "When": "Quand",
    "Who": "Qui",
    "Words owed to professionals": "Informations dues aux professionnels",
    "yes": "oui",
    "Bridging": "Relais",
    "Check": "Contrôle",
    "Choices": "Choix possibles",
    "Clearance (mL/min)": "Clairance (mL/min)",
    "Default": "Par défaut",
    "Drug": "Médicament",
    "Event": "Événement",
    "Hold profiles": "Profils d'arrêt",
    "Interacting drugs": "Médicaments qui interagissent",
    "Interactions": "Interactions",
    "Last intake": "Dernière prise",
    "Limit": "Limite",
    "Limits": "Limites",
    "Recent events": "Événements récents",
    "Renal function by": "Fonction rénale selon",
    "Resumption": "Reprise",
    "What a centre may choose": "Ce qu'un centre peut choisir",
    "Which": "Lequel",
    "Within": "Depuis moins de",
    "days": "jours",
    "high-risk-stent": "stent à haut risque",
    "mi": "infarctus",
    "months": "mois",
    "printed from files": "Imprimé à partir des fichiers de profils, seuls à modifier. Aucun n'est validé pour un "
    "usage clinique : un centre choisit et signe le sien.",
    "stent": "stent",
    "stroke": "AVC ischémique",
    "unknown": "inconnue",
    "vte": "thrombose veineuse",
    "last": "le dernier",
    "Due": "Échéance",
    "number": "nombre",
    "yes-no": "oui ou non",
    "date": "date",
    "instant": "date et heure",
    "choice": "choix",
    "table": "tableau",
    "stop": "arrête",
    "divert": "réoriente",
    "defer": "diffère",
    "decide": "décision",
    "warn": "à savoir",
    "visit": "rendez-vous",
    "task": "tâche",
    "Arrow": "Flèche",
    "waits for": "attend",
    "hold": "plan d'arrêt",
}
_ENGLISH = {
    "high-risk-stent": "high-risk stent",
    "mi": "myocardial infarction",
    "stroke": "ischaemic stroke",
    "vte": "venous clot",
    "printed from files": "Printed from the profiles' files, which are the ones to change. None is validated for "
    "clinical use: a centre chooses and signs its own.",
    "diagram": "Diagram of the protocol",
    "drawn": "{steps} steps in {tracks} tracks, from top to bottom. An arrow leads from the step that is done to "
    "the one that opens, with the outcome that opens it.",
}


@dataclass(frozen=True)
class Said:
    """One protocol in one language."""

    protocol: Protocol
    language: str

    def __call__(self, word: str) -> str:
        """A word of ours."""
        return (FRENCH if self.language == "fr" else _ENGLISH).get(word, word)

    @property
    def colon(self) -> str:
        """A colon as the language spaces it."""
        return " : " if self.language == "fr" else ": "

    @property
    def note(self) -> str:
        """What the page is, and what it is not."""
        return self(NOTE)

    def text(self, text: Text) -> str:
        """A text of the protocol."""
        return text.in_(self.language)

    def offset(self, given: Offset) -> str:
        """A moment."""
        return self.text(words.offset(given, self.protocol))

    def condition(self, asked: Condition) -> str:
        """A condition."""
        return self.text(words.condition(asked, self.protocol))

    def title(self, key: str) -> str:
        """The title of a step."""
        return self.text(words.step_title(key, self.protocol))

    def titles(self, keys: Iterable[str]) -> str:
        """The titles of several steps."""
        return ", ".join(self.title(key) for key in keys)

    def role(self, key: str) -> str:
        """The title of a role."""
        return self.text(words.role(key, self.protocol))

    def roles(self, keys: Iterable[str]) -> str:
        """The titles of several roles."""
        return ", ".join(self.role(key) for key in keys)

    def end(self, key: str) -> str:
        """The title of an end."""
        return self.text(self.protocol.ends[key].title)

    def level(self, key: str) -> str:
        """How urgent a rung is."""
        return self.text(words.LEVELS[key])

    def channel(self, key: str) -> str:
        """By which way."""
        return self.text(words.CHANNELS.get(key, Text(fr=key, en=key)))
