"""What the other side said, made fit for a log: one short line without numbers, addresses or links.

Mail servers love to answer `550 <patient@example.org> unknown`. Our logs and worklist must not repeat it.
"""

from __future__ import annotations

import re

_LONGEST = 160
_ADDRESS = re.compile(r"\S*@\S*")
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# Six digits and more, however they are spaced: a phone number, an INS, a birth date written in one piece.
_NUMBER = re.compile(r"\+?\d(?:[\s.()-]{0,2}\d){5,}")


def hearsay(said: str | bytes) -> str:
    """`said` on one line, at most 160 characters, with addresses, links and long numbers replaced by "…"."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    for private in (_LINK, _ADDRESS, _NUMBER):
        text = private.sub("…", text)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
