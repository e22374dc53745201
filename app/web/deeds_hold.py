"""What can be done to the hold plan: propose it, sign it with its exact text, say that none is needed, refuse it.

The calculator proposes where the centre lets it, with everything it stands on shown; whoever signs writes drugs, days
and text, and signs what is on the screen. When the last dose was really taken is declared here too.
"""

from __future__ import annotations

from app.web.deeds import Deed, Scene
from app.web.fields import Field, Said
from pathway import events as e
from pathway.hold_plan import HeldDrug

LINES = 4
"""Drugs that a form has room for; more than two are rare, and a longer plan has its own room."""


def _lines(scene: Scene) -> int:
    return max(LINES, len(scene.pathway.hold.drugs))


def _drug_fields(scene: Scene, *, required: bool) -> list[Field]:
    speech, drugs = scene.speech, scene.pathway.hold.drugs
    found = []
    for number in range(1, _lines(scene) + 1):
        drug = drugs[number - 1] if number <= len(drugs) else None
        first = required and number == 1
        found += [
            Field(
                f"drug_{number}",
                speech("Médicament {number}", number=number),
                required=first,
                value=drug.text if drug else "",
            ),
            Field(
                f"atc_{number}", speech("Code ATC {number}", number=number), value=drug.atc if drug else ""
            ),
            Field(
                f"days_{number}",
                speech("Dernière prise {number} : jours avant l’intervention", number=number),
                "number",
                required=first,
                value=str(drug.last_intake_offset_days) if drug else "",
                help=speech("3 : la dernière prise est le soir de J-3.") if number == 1 else "",
            ),
        ]
    return found


def _drugs(said: Said, scene: Scene) -> tuple[HeldDrug, ...]:
    found = []
    longest = scene.ground.protocol.hold.longest_offset_days
    for number in range(1, _lines(scene) + 1):
        text, atc = said.text(f"drug_{number}"), said.text(f"atc_{number}").upper()
        days = said.whole(f"days_{number}")
        if not text and not atc and days is None:
            continue
        if not text:
            said.complain(f"drug_{number}", scene.speech("Nommez le médicament."))
        if days is None:
            said.complain(f"days_{number}", scene.speech("Indiquez le nombre de jours."))
        elif not 0 <= days <= longest:
            sentence = scene.speech("Indiquez un nombre de jours entre 0 et {longest}.", longest=longest)
            said.complain(f"days_{number}", sentence)
        else:
            found.append(HeldDrug(text, days, atc))
    if not found:
        said.complain("drug_1", scene.speech("Indiquez au moins un médicament."))
    return tuple(found)


_SAMPLE = (HeldDrug("…", 0),)


class Compute(Deed):
    """Let the calculator propose, by the centre's hold profile, from what is known of the patient."""

    name = "compute-hold"

    def title(self, scene: Scene) -> str:
        return self.button(scene)

    def button(self, scene: Scene) -> str:
        return scene.speech("Proposer d’après {profile}", profile=scene.ground.protocol.hold.profile or "–")

    def stands(self, scene: Scene) -> bool:
        return scene.ground.protocol.hold.profile is not None

    def event(self, scene: Scene, said: Said) -> e.Event:
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.HoldProposed(by=scene.actor, profile=scene.ground.protocol.hold.profile or "")


class Propose(Deed):
    """Put a plan on the table; nothing of it reaches the patient before it is signed."""

    name = "propose-hold"

    def title(self, scene: Scene) -> str:
        return scene.speech("Proposer un plan d’arrêt")

    def button(self, scene: Scene) -> str:
        return scene.speech("Proposer soi-même un plan…")

    def notice(self, scene: Scene) -> str:
        return scene.speech("Un plan proposé n’est pas une consigne : seul un signataire l’ordonne.")

    def fields(self, scene: Scene) -> list[Field]:
        return _drug_fields(scene, required=True)

    def event(self, scene: Scene, said: Said) -> e.Event:
        drugs = _drugs(said, scene)
        said.done()
        return e.HoldProposed(by=scene.actor, drugs=drugs)

    def sample(self, scene: Scene) -> e.Event:
        return e.HoldProposed(by=scene.actor, drugs=_SAMPLE)


class Sign(Deed):
    """Order the hold: these drugs, these days, this text."""

    name = "sign-hold"

    def title(self, scene: Scene) -> str:
        return scene.speech("Signer le plan d’arrêt")

    def button(self, scene: Scene) -> str:
        return scene.speech("Signer le plan…")

    def notice(self, scene: Scene) -> str:
        return scene.speech(
            "Vous signez sous le nom de {name}, pour la date d’intervention actuelle. Si elle change, le plan expire.",
            name=scene.actor.name,
        )

    def fields(self, scene: Scene) -> list[Field]:
        return [
            *_drug_fields(scene, required=True),
            Field(
                "text",
                scene.speech("Consigne, mot pour mot"),
                "textarea",
                required=True,
                value=scene.pathway.hold.text,
            ),
            Field(
                "sure",
                scene.speech("J’ai relu les médicaments, les jours et le texte."),
                "tick",
                required=True,
            ),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        drugs = _drugs(said, scene)
        text = said.text("text", required=True)
        if not said.ticked("sure"):
            said.complain("sure", scene.speech("Cochez pour signer."))
        said.done()
        return e.HoldSigned(by=scene.actor, drugs=drugs, text=text)

    def sample(self, scene: Scene) -> e.Event:
        return e.HoldSigned(by=scene.actor, drugs=_SAMPLE, text="…")


class NotRequired(Deed):
    """State that nothing has to be stopped."""

    name = "hold-not-required"

    def title(self, scene: Scene) -> str:
        return scene.speech("Aucun arrêt nécessaire")

    def button(self, scene: Scene) -> str:
        return scene.speech("Aucun arrêt nécessaire…")

    def fields(self, scene: Scene) -> list[Field]:
        return [
            Field(
                "sure",
                scene.speech("Je déclare qu’aucun médicament ne doit être arrêté."),
                "tick",
                required=True,
            )
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        if not said.ticked("sure"):
            said.complain("sure", scene.speech("Cochez pour signer."))
        said.done()
        return self.sample(scene)

    def sample(self, scene: Scene) -> e.Event:
        return e.HoldNotRequired(by=scene.actor)


class Refuse(Deed):
    """The drug must not be stopped: the procedure waits."""

    name = "reject-hold"

    def title(self, scene: Scene) -> str:
        return scene.speech("Refuser l’arrêt")

    def button(self, scene: Scene) -> str:
        return scene.speech("Refuser l’arrêt…")

    def fields(self, scene: Scene) -> list[Field]:
        return [
            Field("reason", scene.speech("Motif"), "textarea", required=True),
            Field("revisit", scene.speech("À revoir le"), "date"),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        reason, revisit = said.text("reason", required=True), said.day("revisit")
        said.done()
        return e.HoldRejected(by=scene.actor, reason=reason, revisit=revisit)

    def sample(self, scene: Scene) -> e.Event:
        return e.HoldRejected(by=scene.actor, reason="…", revisit=scene.ground.calendar.day(scene.now))


class DeclareDose(Deed):
    """When the last dose of a drug of the signed plan was really taken."""

    name = "declare-dose"

    def title(self, scene: Scene) -> str:
        return scene.speech("Déclarer une dernière prise")

    def button(self, scene: Scene) -> str:
        return scene.speech("Déclarer une dernière prise…")

    def notice(self, scene: Scene) -> str:
        return scene.speech(
            "Une prise après la limite signée alerte aussitôt l’anesthésiste et le radiologue. Le médicament se"
            " poursuit ou s’arrête sur décision d’un médecin."
        )

    def fields(self, scene: Scene) -> list[Field]:
        drugs = scene.pathway.hold.drugs
        choices = tuple((drug.atc or drug.text, drug.text) for drug in drugs)
        return [
            Field(
                "drug",
                scene.speech("Médicament"),
                "choice",
                required=True,
                choices=choices,
                value=choices[0][0] if len(choices) == 1 else "",
            ),
            Field("taken", scene.speech("Dernière prise, date et heure"), "instant", required=True),
        ]

    def event(self, scene: Scene, said: Said) -> e.Event:
        drug = said.choice("drug", [one.atc or one.text for one in scene.pathway.hold.drugs], required=True)
        taken = said.instant("taken", required=True)
        said.done()
        assert taken is not None
        return e.LastDoseDeclared(by=scene.actor, drug=drug, taken=taken)

    def sample(self, scene: Scene) -> e.Event:
        return e.LastDoseDeclared(by=scene.actor, drug="…", taken=scene.pathway.as_of)
