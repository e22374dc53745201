"""What to say in a call and what to write in a letter: the pinned text, filled in as a message would be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.i18n import Speech
from app.protocols import LoadedProtocol
from pathway.planned import Kind
from scheduler.texts import Unsayable, words
from store.tables import OwedRow


def script(row: OwedRow, said: LoadedProtocol, centre: Mapping[str, Any], speech: Speech) -> str:
    """The words for a call, in the language of whoever calls, or of a letter, in the patient's; empty without any."""
    if row.kind not in (Kind.CALL, Kind.LETTER):
        return ""
    language = speech.language if row.kind == Kind.CALL else row.data.get("language", "fr")
    template = row.data.get("template", "")
    try:
        text = said.texts[template][language][row.kind]
        alone = {template: {language: {"email": {"subject": "", "text": text}}}}
        return words(
            alone,
            centre,
            said.calendar,
            template=template,
            channel="email",
            language=language,
            data=row.data,
            link="",
        ).text
    except (KeyError, Unsayable):
        return ""
