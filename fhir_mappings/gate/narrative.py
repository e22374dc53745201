"""The narrative of a resource: well-formed XHTML of the few elements R4 allows, with something in it (txt-1, txt-2)."""

from __future__ import annotations

import re
from html.entities import name2codepoint
from typing import NamedTuple
from xml.parsers import expat

_XHTML = "http://www.w3.org/1999/xhtml"

_ALLOWED = frozenset(
    (  # noqa: SIM905 - a paragraph reads better than ninety quoted words
        "a abbr acronym address area b bdo big blockquote br caption center cite code col colgroup dd del dfn div dl dt"
        " em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li map ol p pre q s samp small span strike strong sub sup table"
        " tbody td tfoot th thead tr tt u ul var"
    ).split()
)
"""Chapters 7 to 11 (but section 4 of 9) and 15 of HTML 4.0, links and images."""

_ACTIVE = re.compile(r"\s*(?:javascript|vbscript|data:text)", re.IGNORECASE)
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML = frozenset(("amp", "lt", "gt", "quot", "apos"))


class Fault(NamedTuple):
    """One of the two rules broken: its key, the sentence, and how grave it is."""

    key: str
    sentence: str
    severity: str = "error"


class _RefusedError(Exception):
    pass


_TOLERATED = "The narrative has nothing but blanks; write something in it or leave the text out."


def narrative_fault(div: str) -> Fault | None:
    """What is wrong with `Narrative.div`; None when it may stand.

    Blanks alone are a warning, for an official example of R4 (heart-valve-replacement) has nothing else; a div with
    nothing at all is an error.
    """
    if "<!" in div.replace("<!--", ""):
        return Fault("txt-1", "The narrative declares a document type or an entity; leave it out.")
    depth = 0
    full = blank = False
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, full
        space, _, tag = name.rpartition(" ")
        if space != _XHTML or tag not in _ALLOWED or (depth == 0 and tag != "div"):
            raise _RefusedError
        for attribute, value in attributes.items():
            if attribute.lower().startswith("on") or _ACTIVE.match(value):
                raise _RefusedError
        full = full or tag == "img"
        depth += 1

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def text(said: str) -> None:
        nonlocal full, blank
        full = full or not said.isspace()
        blank = True

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(_without_names(div), True)
    except expat.ExpatError:
        return Fault("txt-1", "The narrative is not well-formed XHTML; write one div with its namespace.")
    except _RefusedError:
        return Fault("txt-1", "The narrative has an element or attribute that R4 does not allow; remove it.")
    if full:
        return None
    if blank:
        return Fault("txt-2", _TOLERATED, "warning")
    return Fault("txt-2", "The narrative is empty; write something in it or leave the text out.")


def _without_names(div: str) -> str:
    """Named characters of HTML as themselves: XML knows five of them, and many senders write the others."""

    def character(found: re.Match[str]) -> str:
        name = found[1]
        return found[0] if name in _XML or name not in name2codepoint else chr(name2codepoint[name])

    return _NAMED.sub(character, div) if "&" in div else div
