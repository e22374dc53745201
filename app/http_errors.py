"""The one table that turns what went wrong into HTTP, for the API, the pages and FHIR alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_mappings.outcome import Issue
from pathway.codec import Malformed
from pathway.refusal import Refused, Text
from store.ledger import Stale


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, as any of our edges may say it. ``issue`` is the IssueType of FHIR."""

    status: int
    kind: str
    issue: str
    text: Text
    field: str | None = None
    gate: str | None = None

    def as_json(self, language: str = "en") -> dict[str, Any]:
        """The one shape of an error of the API: kind, a sentence, and the field or gate at fault where there is one."""
        said: dict[str, Any] = {"error": self.kind, "message": self.text.in_(language)}
        if self.field is not None:
            said["field"] = self.field
        if self.gate is not None:
            said["gate"] = self.gate
        return said

    def as_issue(self) -> Issue:
        """The same for an OperationOutcome."""
        return Issue("error", self.issue, self.text.en, (self.field,) if self.field else ())


class NotSignedIn(Exception):
    """Nobody is signed in and no token was shown, or it is not valid any more."""


class Forged(Exception):
    """A form that was not filled in on a page of ours, or on a page that is too old: nothing was done."""


STATUS: dict[str, tuple[int, str]] = {
    "conflict": (409, "business-rule"),
    "invalid": (422, "value"),
    "forbidden": (403, "forbidden"),
    "not-found": (404, "not-found"),
    "stale": (409, "conflict"),
    "not-signed-in": (401, "login"),
    "forged": (403, "security"),
    "malformed": (422, "structure"),
}
"""Every kind of problem → HTTP status and IssueType of FHIR R4."""

ERRORS: tuple[type[Exception], ...] = (Refused, Malformed, Stale, NotSignedIn, Forged, OverflowError)
"""Everything that ``problem`` understands; what is not here is our own fault and answers 500."""

_STALE = Text(
    fr="Quelqu’un a modifié ce parcours entre-temps : voici son état actuel ; rien n’a été enregistré.",
    en="Somebody has changed this pathway meanwhile: this is how it stands now; nothing was recorded.",
)
_NOT_SIGNED_IN = Text(
    fr="Identifiez-vous, ou présentez un jeton valide.", en="Sign in, or show a valid token."
)
_FORGED = Text(
    fr="Ce formulaire n’est plus valable (session renouvelée ou page trop ancienne) : rechargez la page et"
    " recommencez. Rien n’a été enregistré.",
    en="This form is no longer valid (new session or old page): reload the page and try again. Nothing was recorded.",
)


_OUT_OF_RANGE = Text(
    fr="Une date ou un nombre est hors de toute mesure : corrigez-le.",
    en="A date or a number is beyond all measure: correct it.",
)


def problem(error: Exception) -> Problem:
    """What this error is to the outside. TypeError for one that the table does not know."""
    if isinstance(error, Refused):
        return _of(error.kind, error.text, field=error.field, gate=error.gate)
    if isinstance(error, Malformed):
        return _of("malformed", Text(fr=str(error), en=str(error)), field=error.path or None)
    if isinstance(error, Stale):
        return _of("stale", _STALE)
    if isinstance(error, NotSignedIn):
        return _of("not-signed-in", _NOT_SIGNED_IN)
    if isinstance(error, Forged):
        return _of("forged", _FORGED)
    if isinstance(error, OverflowError):
        return _of("invalid", _OUT_OF_RANGE)
    raise TypeError(f"{type(error).__name__} is no error for the outside")


def _of(kind: str, text: Text, *, field: str | None = None, gate: str | None = None) -> Problem:
    status, issue = STATUS[kind]
    return Problem(status, kind, issue, text, field, gate)
