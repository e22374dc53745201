"""What states, kinds and events are called on the ward. French here, English from the catalogue."""

from __future__ import annotations

from pathway.hold_plan import HoldStatus
from pathway.lifecycle import Assignment, StepStatus, VisitStatus
from pathway.plan import How
from pathway.planned import Kind
from pathway.state import PathwayStatus


def N_(sentence: str) -> str:  # noqa: N802 - the name that gettext tools look for
    """Mark a sentence for the catalogue; it is translated where it is shown."""
    return sentence


STEP = {
    StepStatus.WAITING: N_("en attente"),
    StepStatus.OPEN: N_("à faire"),
    StepStatus.SCHEDULED: N_("planifiée"),
    StepStatus.IN_PROGRESS: N_("en cours"),
    StepStatus.ON_HOLD: N_("en pause"),
    StepStatus.MISSED: N_("manquée"),
    StepStatus.DONE: N_("faite"),
    StepStatus.WAIVED: N_("non faite (dispense)"),
    StepStatus.CANCELLED: N_("annulée"),
    StepStatus.REJECTED: N_("refusée"),
    StepStatus.FAILED: N_("échouée"),
}
ASSIGNMENT = {
    Assignment.REQUESTED: N_("demandée, pas encore vue"),
    Assignment.RECEIVED: N_("vue, pas encore acceptée"),
    Assignment.ACCEPTED: N_("acceptée"),
    Assignment.GIVEN: "",
}
VISIT = {
    VisitStatus.PENDING: N_("non confirmé"),
    VisitStatus.BOOKED: N_("confirmé"),
    VisitStatus.ARRIVED: N_("patient arrivé"),
    VisitStatus.FULFILLED: N_("honoré"),
    VisitStatus.CANCELLED: N_("annulé"),
    VisitStatus.NOSHOW: N_("non venu"),
}
PATHWAY = {
    PathwayStatus.ACTIVE: N_("en cours"),
    PathwayStatus.ON_HOLD: N_("en pause"),
    PathwayStatus.COMPLETED: N_("terminé"),
    PathwayStatus.ENDED: N_("arrêté"),
}
HOLD = {
    HoldStatus.UNKNOWN: N_("aucun plan"),
    HoldStatus.PROPOSED: N_("proposé, non signé"),
    HoldStatus.SIGNED: N_("signé"),
    HoldStatus.NOT_REQUIRED: N_("non nécessaire"),
    HoldStatus.REJECTED: N_("refusé : ne pas arrêter"),
    HoldStatus.EXPIRED: N_("expiré, à signer de nouveau"),
    HoldStatus.MODIFIED: N_("signé, autrement que proposé"),
    HoldStatus.BREACHED: N_("non respecté : dose prise trop tard"),
    HoldStatus.SUPERSEDED: N_("remplacé"),
}
ANSWER = {
    "hold": N_("arrêter"),
    "continue": N_("continuer"),
    "ask": N_("à décider"),
    "refused": N_("aucun délai"),
    "defer": N_("différer l’intervention"),
    "silent": N_("n’en dit rien"),
}
CLOCK = {"morning": N_("matin"), "evening": N_("soir"), "usual": ""}
OWED = {
    "planned": N_("prévu"),
    "sending": N_("envoi en cours"),
    "sent": N_("envoyé"),
    "failed": N_("non remis"),
    "uncertain": N_("incertain : nul ne sait s’il est parti"),
    "too-late": N_("non envoyé : trop tard"),
    "withdrawn": N_("retiré"),
    "fired": N_("déclenché"),
    "passed-over": N_("sans objet"),
    "settled": N_("fait"),
}
KIND = {
    Kind.TASK: N_("Tâche"),
    Kind.VISIT: N_("Rendez-vous"),
    Kind.RUNG: N_("Échéance"),
    Kind.MESSAGE: N_("Message"),
    Kind.PAGE: N_("Alerte au personnel"),
    Kind.CALL: N_("Appel"),
    Kind.LETTER: N_("Courrier"),
}
HOW = {
    How.ADDED: N_("ajouté"),
    How.MOVED: N_("déplacé"),
    How.CHANGED: N_("modifié"),
    How.SETTLED: N_("fait"),
    How.WITHDRAWN: N_("retiré"),
}
LEVEL = {
    "reminder": N_("Rappel"),
    "overdue": N_("En retard"),
    "escalation": N_("Escalade"),
    "red": N_("Urgent"),
}
CHANNEL = {
    "sms": N_("SMS"),
    "email": N_("E-mail"),
    "phone": N_("Téléphone"),
    "letter": N_("Courrier"),
    "secure-mail": N_("Messagerie sécurisée"),
}
ACCOUNT = {
    "coordinator": N_("coordination"),
    "clinician": N_("clinicien"),
    "admin": N_("administration"),
    "system": N_("système"),
}
CAUSE = {
    "osteoporotic": N_("ostéoporotique"),
    "neoplastic": N_("tumorale"),
    "traumatic": N_("traumatique"),
    "unknown": N_("de cause non précisée"),
}
EVENT = {
    "Enrolled": N_("Parcours commencé"),
    "FactsRecorded": N_("Donnée enregistrée"),
    "StepAsked": N_("Prescrit ou demandé"),
    "ObservationsRecorded": N_("Relevé de surveillance"),
    "StepReceived": N_("Demande vue"),
    "StepAccepted": N_("Prise en charge"),
    "StepStarted": N_("Étape commencée"),
    "StepCompleted": N_("Étape terminée"),
    "StepRejected": N_("Demande refusée"),
    "StepFailed": N_("Échec de l’étape"),
    "StepWaived": N_("Dispense"),
    "StepHeld": N_("Étape mise en pause"),
    "StepReleased": N_("Étape reprise"),
    "VisitBooked": N_("Rendez-vous fixé"),
    "VisitCancelled": N_("Rendez-vous annulé"),
    "VisitArrived": N_("Patient arrivé"),
    "VisitMissed": N_("Patient non venu"),
    "HoldProposed": N_("Plan d’arrêt proposé"),
    "HoldSigned": N_("Plan d’arrêt signé"),
    "HoldNotRequired": N_("Aucun arrêt nécessaire"),
    "HoldRejected": N_("Arrêt refusé"),
    "LastDoseDeclared": N_("Dernière prise déclarée"),
    "GateOverridden": N_("Dérogation à un verrou"),
    "RungFired": N_("Échéance passée"),
    "AlertAcknowledged": N_("Alerte prise en charge"),
    "AlertSnoozed": N_("Alerte remise à plus tard"),
    "ChannelOptedOut": N_("Canal refusé par le patient"),
    "ChannelOptedIn": N_("Canal accepté par le patient"),
    "ContactChanged": N_("Coordonnées modifiées"),
    "CarerNamed": N_("Aidant enregistré"),
    "PatientDied": N_("Décès enregistré"),
    "PathwayHeld": N_("Parcours mis en pause"),
    "PathwayResumed": N_("Parcours repris"),
    "PathwayEnded": N_("Parcours arrêté"),
    "MessageUndelivered": N_("Message non remis"),
    "MessageRecalled": N_("Message rappelé avant son départ"),
    "CallSettled": N_("Appel ou courrier fait"),
    "Replanned": N_("Planifié de nouveau"),
    "Migrated": N_("Passé à une autre version du protocole"),
    "HospitalReported": N_("Rapporté par l’hôpital"),
    "IdentityJoined": N_("Identités réunies"),
    "IdentityParted": N_("Identités séparées"),
    "MigrationUndone": N_("Retour à la version précédente du protocole"),
}
