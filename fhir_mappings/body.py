"""The bytes of a request, read with care: JSON as FHIR has it, and nothing that breaks further in.

Python's own reader takes NaN, lets the last of two equal keys win, turns 1e999 into infinity and dives as
deep as the sender likes. Each of these is refused here with a sentence, before anything looks at the content.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from fhir_mappings.outcome import Issue, error

MAX_BYTES = 20 * 1024 * 1024
MAX_DEPTH = 100

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""Strings (skipped whole, closed or not, so the scan stays linear) and brackets."""


class _UnreadableError(ValueError):
    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def parse(body: bytes) -> tuple[dict[str, Any] | None, tuple[Issue, ...]]:
    """The JSON object in `body`, or None and the issue that says why there is none.

    At most `MAX_BYTES` long and `MAX_DEPTH` levels deep; UTF-8; no key twice in one object; finite numbers;
    no character that a FHIR string may not hold.
    """
    try:
        return _object(body), ()
    except _UnreadableError as refusal:
        return None, (error(refusal.code, refusal.sentence),)


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BYTES:
        limit = MAX_BYTES // (1024 * 1024)
        raise _UnreadableError(
            "too-long", f"The body is larger than {limit} MB; send one referral at a time."
        )
    if _too_deep(body):
        raise _UnreadableError(
            "too-costly", f"The JSON is nested more than {MAX_DEPTH} levels deep; flatten it."
        )
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _UnreadableError("structure", "The body is not UTF-8; FHIR JSON is always UTF-8.") from None
    try:
        read = json.loads(
            text,
            object_pairs_hook=_no_key_twice,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except _UnreadableError:
        raise
    except json.JSONDecodeError as problem:
        raise _UnreadableError(
            "structure",
            f"The body is not JSON (line {problem.lineno}, column {problem.colno}); send FHIR as JSON.",
        ) from None
    except ValueError:
        raise _UnreadableError("structure", "The body holds a number too long to read; shorten it.") from None
    if not isinstance(read, dict):
        raise _UnreadableError("structure", "The body is JSON but not an object; send a FHIR resource.")
    _refuse_forbidden_characters(text, read)
    return read


def _too_deep(body: bytes) -> bool:
    """Whether brackets nest deeper than `MAX_DEPTH`; looks no further than the first that does."""
    depth = 0
    for token in _TOKEN.finditer(body):
        first = body[token.start()]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        name = twice if re.fullmatch(r"_?[A-Za-z][A-Za-z0-9]{0,60}", twice) else "a key"
        raise _UnreadableError("structure", f"The JSON has {name} twice in one object; keep the one meant.")
    return read


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise _UnreadableError("value", "The JSON holds a number too large to be a measurement; correct it.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise _UnreadableError("structure", f"The JSON holds {name}, which is not JSON; leave the element out.")


def _refuse_forbidden_characters(text: str, read: dict[str, Any]) -> None:
    """NUL breaks PostgreSQL and half a surrogate pair breaks UTF-8; both can only hide in `\\u` escapes."""
    if re.search(r"\\u(?:0000|[dD][89a-fA-F])", text) is None:
        return
    decoded = json.dumps(read, ensure_ascii=False)
    try:
        decoded.encode("utf-8")
    except UnicodeEncodeError:
        sentence = "A string holds half of a surrogate pair; send the whole character."
        raise _UnreadableError("value", sentence) from None
    if "\\u0000" in decoded.replace("\\\\", ""):
        raise _UnreadableError("value", "A string holds the NUL character, which FHIR forbids; remove it.")
