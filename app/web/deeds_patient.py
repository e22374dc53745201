"""What can be said of the patient: facts, how to reach them, whom else to tell, what they do not want, a death."""

from __future__ import annotations

from typing import Any

from app.web.answers import unit_of
from app.web.deeds import Deed, Scene
from app.web.deeds_steps import measured
from app.web.fields import Field, Invalid, Kind, Said
from fhir_mappings.telecom import e164
from pathway import events as e
from pathway.codec import encode
from pathway.protocol import Answer, Condition
from pathway.records import Carer
from pathway.referral import Contact, Fact

ANTITHROMBOTICS = "antithrombotics"
MEDICATIONS = "medications"


def known_facts(scene: Scene) -> dict[str, str]:
    """Every fact that this protocol knows, by key, with its title in the reader's language."""
    titles = {key: scene.speech.text(text) for key, text in scene.ground.protocol.facts.items()}
    for rule in scene.ground.protocol.steps:
        for answer in rule.answers:
            if answer.fact and answer.kind != "table":
                titles.setdefault(answer.key, scene.speech.text(answer.title))
    return titles


class RecordFact(Deed):
    """Something is now known about the patient. ``about`` is the key of the fact."""

    name = "fact"

    def title(self, scene: Scene) -> str:
        if not scene.about:
            return scene.speech("Enregistrer une donnée")
        titles = known_facts(scene)
        if scene.about not in titles and scene.pathway.fact(scene.about) is None:
            raise KeyError(scene.about)
        return scene.speech("Enregistrer : {fact}", fact=titles.get(scene.about, scene.about))

    def button(self, scene: Scene) -> str:
        return scene.speech("Enregistrer…")

    def notice(self, scene: Scene) -> str:
        known = scene.pathway.fact(scene.about)
        if known is None:
            return scene.speech("Rien n’est connu jusqu’ici.")
        return scene.speech(
            "Connu : {value} ({when}, {by})",
            value=measured(scene.about, known.value, scene.ground.protocol, scene.speech),
            when=scene.speech.day(known.at),
            by=known.by,
        )

    def fields(self, scene: Scene) -> list[Field]:
        speech = scene.speech
        when = Field("occurred", speech("Vrai depuis (vide : à l’instant)"), "instant")
        if not scene.about:
            titles = sorted(known_facts(scene).items(), key=lambda pair: pair[1])
            return [Field("about", speech("Quelle donnée ?"), "choice", required=True, choices=tuple(titles))]
        if scene.about == ANTITHROMBOTICS:
            return [
                Field(
                    "taken",
                    speech("Le patient prend-il un anticoagulant ou un antiagrégant ?"),
                    "radio",
                    required=True,
                    choices=(("none", speech("Non, aucun")), ("list", speech("Oui, ceux-ci"))),
                ),
                Field(
                    "drugs",
                    speech("Médicaments, un par ligne"),
                    "textarea",
                    help=speech("Le code ATC à la fin de la ligne s’il est connu : Apixaban 5 mg B01AF02"),
                ),
                when,
            ]
        if scene.about == MEDICATIONS:
            return [Field("drugs", speech("Médicaments, un par ligne"), "textarea", required=True), when]
        kind, choices, unit = _shape(scene)
        title = known_facts(scene).get(scene.about, scene.about)
        return [Field("value", title, kind, required=True, choices=choices, unit=unit), when]

    def event(self, scene: Scene, said: Said) -> e.Event:
        if not scene.about:
            raise Invalid({"about": scene.speech("Choisissez une réponse.")})
        value = self._value(scene, said)
        at = said.instant("occurred") or scene.now
        if at > scene.now:
            said.complain("occurred", scene.speech("Indiquez un moment passé."))
        said.done()
        fact = Fact(scene.about, value, at, scene.actor.name, "web")
        return e.FactsRecorded(by=scene.actor, facts=(fact,))

    def _value(self, scene: Scene, said: Said) -> Any:
        speech = scene.speech
        if scene.about in (ANTITHROMBOTICS, MEDICATIONS):
            taken = "list"
            if scene.about == ANTITHROMBOTICS:
                taken = said.choice("taken", ("none", "list"), required=True)
            drugs = drug_lines(said.text("drugs"))
            if taken == "none" and drugs:
                said.complain("drugs", speech("« Aucun » et une liste se contredisent : choisissez."))
            if taken == "list" and not drugs:
                said.complain("drugs", speech("Nommez au moins un médicament."))
            return drugs
        kind, choices, _ = _shape(scene)
        if kind == "number":
            number = said.number("value", required=True)
            if scene.about == "pain_nrs" and number is not None and not 0 <= number <= 10:
                said.complain("value", speech("Indiquez un nombre de 0 à 10."))
            elif number is not None and number < 0 and scene.about not in _MAY_BE_NEGATIVE:
                said.complain("value", speech("Indiquez un nombre positif."))
            return number
        if kind == "yes-no":
            return said.yes_no("value", required=True)
        if kind == "date":
            return encode(said.day("value", required=True))
        if kind == "instant":
            return encode(said.instant("value", required=True))
        if kind == "choice":
            return said.choice("value", [key for key, _ in choices], required=True)
        return said.text("value", required=True)

    def sample(self, scene: Scene) -> e.Event:
        return e.FactsRecorded(by=scene.actor, facts=())


_MAY_BE_NEGATIVE = ("t_score",)
_KINDS: dict[str, Kind] = {
    "number": "number",
    "text": "text",
    "yes-no": "yes-no",
    "date": "date",
    "instant": "instant",
    "choice": "choice",
}


def drug_lines(text: str) -> list[dict[str, str | None]]:
    """Drugs written one a line, an ATC code at the end of the line where it is known, as a referral lists them."""
    return [_drug(line) for line in text.splitlines() if line.strip()]


def _drug(line: str) -> dict[str, str | None]:
    words = line.split()
    last = words[-1].upper().strip("()")
    has_code = len(words) > 1 and len(last) in (5, 7) and last[:1].isalpha() and last[1:3].isdigit()
    return {
        "atc": last if has_code else None,
        "text": " ".join(words[:-1] if has_code else words),
        "status": "active",
    }


def _shape(scene: Scene) -> tuple[Kind, tuple[tuple[str, str], ...], str]:
    """How a fact is asked: as the steps ask it, else as the gates compare it, else as text."""
    protocol, key = scene.ground.protocol, scene.about
    answer: Answer | None = next(
        (a for s in protocol.steps for a in s.answers if a.fact and a.key == key), None
    )
    if answer is not None:
        named = tuple((one, scene.speech.text(answer.choice_title(one))) for one in answer.choice_keys)
        return _KINDS[answer.kind], named, unit_of(answer.unit)
    if key == "inpatient" or any(isinstance(one.is_, bool) for one in _conditions(scene)):
        return "yes-no", (), ""
    known = scene.pathway.fact(key)
    compared = any(one.at_least is not None or one.at_most is not None for one in _conditions(scene))
    numeric = known is not None and isinstance(known.value, int | float) and not isinstance(known.value, bool)
    if compared or numeric or key in _NUMBERS:
        return "number", (), ""
    return "text", (), ""


_NUMBERS = ("inr", "platelets_g_l", "haemoglobin_g_l", "crp_mg_l")


def _conditions(scene: Scene) -> list[Condition]:
    left = [need.when for gate in scene.ground.protocol.gates for need in gate.needs]
    found = []
    while left:
        one = left.pop()
        left += one.any_of
        if one.fact == scene.about:
            found.append(one)
    return found


class ChangeContact(Deed):
    """A new number, address or language."""

    name = "contact"

    def title(self, scene: Scene) -> str:
        return scene.speech("Coordonnées du patient")

    def button(self, scene: Scene) -> str:
        return scene.speech("Modifier les coordonnées…")

    def fields(self, scene: Scene) -> list[Field]:
        _, contact = scene.speech, scene.pathway.patient.contact
        languages = (("fr", "Français"), ("en", "English"))
        return [
            Field("mobile", _("Mobile"), "tel", value=contact.mobile or ""),
            Field("landline", _("Téléphone fixe"), "tel", value=contact.landline or ""),
            Field("email", _("E-mail"), "email", value=contact.email or ""),
            Field("language", _("Langue"), "choice", True, languages, value=contact.language),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        contact = Contact(
            language=said.choice("language", ("fr", "en"), required=True),
            mobile=_number(said, scene, "mobile"),
            landline=_number(said, scene, "landline", strict=False),
            email=_email(said, scene),
        )
        said.done()
        return e.ContactChanged(by=scene.actor, contact=contact)

    def sample(self, scene: Scene) -> e.Event:
        return e.ContactChanged(by=scene.actor, contact=scene.pathway.patient.contact)


def _number(said: Said, scene: Scene, name: str, *, strict: bool = True) -> str | None:
    typed = said.text(name)
    if not typed:
        return None
    number = e164(typed)
    if number is None and strict:
        said.complain(
            name, scene.speech("Indiquez un numéro complet, par exemple 06 39 98 00 11 ou +33639980011.")
        )
    return number or typed


def _email(said: Said, scene: Scene) -> str | None:
    typed = said.text("email")
    if typed and ("@" not in typed.strip("@") or " " in typed):
        said.complain("email", scene.speech("Indiquez une adresse, par exemple nom@exemple.fr."))
    return typed or None


class NameCarer(Deed):
    """Somebody the patient consents to have contacted; an empty name withdraws it."""

    name = "carer"

    def title(self, scene: Scene) -> str:
        return scene.speech("Aidant")

    def button(self, scene: Scene) -> str:
        return scene.speech("Aidant…")

    def notice(self, scene: Scene) -> str:
        return scene.speech("Avec l’accord du patient seulement. Un nom vide retire l’aidant.")

    def fields(self, scene: Scene) -> list[Field]:
        _, carer = scene.speech, scene.pathway.carer or Carer("")
        consent = carer.consent.isoformat() if carer.consent else ""
        return [
            Field("name", _("Nom"), value=carer.name),
            Field("mobile", _("Mobile"), "tel", value=carer.mobile or ""),
            Field("landline", _("Téléphone fixe"), "tel", value=carer.landline or ""),
            Field("email", _("E-mail"), "email", value=carer.email or ""),
            Field("consent", _("Accord du patient donné le"), "date", value=consent),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        name = said.text("name")
        if not name:
            return e.CarerNamed(by=scene.actor, carer=None)
        carer = Carer(
            name=name,
            mobile=_number(said, scene, "mobile"),
            landline=_number(said, scene, "landline", strict=False),
            email=_email(said, scene),
            consent=said.day("consent", required=True),
        )
        said.done()
        return e.CarerNamed(by=scene.actor, carer=carer)

    def sample(self, scene: Scene) -> e.Event:
        return e.CarerNamed(by=scene.actor, carer=scene.pathway.carer)


class OptOut(Deed):
    """The patient wants nothing more by a channel (``about``)."""

    name = "opt-out"

    def title(self, scene: Scene) -> str:
        return scene.speech("Ne plus écrire par {channel}", channel=scene.about)

    def button(self, scene: Scene) -> str:
        if scene.about == "sms":
            return scene.speech("Ne veut plus de SMS")
        return scene.speech("Ne veut plus d’e-mail")

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.ChannelOptedOut(by=scene.actor, channel=scene.about)


class OptIn(Deed):
    """The patient wants a channel again."""

    name = "opt-in"

    def title(self, scene: Scene) -> str:
        return scene.speech("Écrire de nouveau par {channel}", channel=scene.about)

    def button(self, scene: Scene) -> str:
        if scene.about == "sms":
            return scene.speech("Accepte de nouveau les SMS")
        return scene.speech("Accepte de nouveau les e-mails")

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.ChannelOptedIn(by=scene.actor, channel=scene.about)


class Died(Deed):
    """The patient has died: everything is withdrawn, silently."""

    name = "died"

    def title(self, scene: Scene) -> str:
        return scene.speech("Enregistrer le décès")

    def button(self, scene: Scene) -> str:
        return scene.speech("Enregistrer le décès…")

    def notice(self, scene: Scene) -> str:
        return scene.speech("Tout est annulé et plus aucun message ne part. On ne revient pas en arrière.")

    def fields(self, scene: Scene) -> list[Field]:
        return [Field("sure", scene.speech("Le décès est confirmé."), "tick", required=True)]

    def event(self, scene: Scene, said: Said) -> e.Event:
        if not said.ticked("sure"):
            said.complain("sure", scene.speech("Cochez pour confirmer."))
        said.done()
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.PatientDied(by=scene.actor)
