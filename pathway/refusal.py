"""What the door answers when something may not happen: a sentence for the person who will meet it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """One text in the two languages of the interface."""

    fr: str
    en: str

    def in_(self, language: str) -> str:
        """The text in ``language``; French when it is not English."""
        return self.en if language == "en" else self.fr


class Refused(Exception):
    """An event that may not happen now. ``field`` names the input at fault where there is one.

    ``kind`` is ``conflict`` (the state does not allow it), ``invalid`` (the input is wrong), ``forbidden``
    (this person may not) or ``not-found``; one table turns it into HTTP and OperationOutcome.
    """

    def __init__(
        self, text: Text, *, kind: str = "conflict", field: str | None = None, gate: str | None = None
    ) -> None:
        super().__init__(text.en)
        self.text = text
        self.kind = kind
        self.field = field
        self.gate = gate
