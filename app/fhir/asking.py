"""How a request is put: the form it may be answered in, the form its body has, its preferences and conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from app.fhir.errors import FhirError, refuse
from fhir_mappings.body import MAX_BYTES, parse
from fhir_mappings.read import Json

_OURS = ("application/fhir+json", "application/json", "text/json", "json")
_ANY = ("*/*", "application/*")
_DRAINED = 4 * MAX_BYTES
_TAG = re.compile(r'(?:W/)?"([^"]*)"')

PATCH_TYPE = "application/json-patch+json"
RESOURCE_TYPES = ("application/fhir+json", "application/json")
FORM_TYPE = "application/x-www-form-urlencoded"


async def sent(request: Request) -> bytes:
    """The body as it came; Starlette reads it in a coroutine only. 413 beyond the limit.

    A little more than the limit is read and thrown away, so that the sender gets to see the answer.
    """
    kept, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_BYTES:
            kept += part
        elif size > _DRAINED:
            break
    if size > MAX_BYTES:
        limit = MAX_BYTES // (1024 * 1024)
        raise refuse(413, f"The body is larger than {limit} MB; send less at a time.")
    return bytes(kept)


Body = Annotated[bytes, Depends(sent)]


def need_acceptable(request: Request) -> None:
    """406 when the answer is wanted in a form that we do not speak: JSON of FHIR 4.0 it is."""
    wanted = request.query_params.get("_format")
    if wanted is not None:
        # A plus sign in a URL is a space to whoever forgets to escape it.
        asked = [wanted.replace(" ", "+")]
    else:
        asked = [each for each in request.headers.get("accept", "*/*").split(",") if each.strip()] or ["*/*"]
    for each in asked:
        type_, parameters = _media_type(each)
        if type_ in (*_OURS, *_ANY) and _is_r4(parameters) and parameters.get("q") not in ("0", "0.0"):
            return
    raise refuse(406, "Answers are FHIR 4.0 as JSON; accept application/fhir+json.")


def need_type(request: Request, *types: str) -> None:
    """415 when the body is said to be anything else, or not UTF-8, or of another FHIR."""
    type_, parameters = _media_type(request.headers.get("content-type", ""))
    if request.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise refuse(415, "The body must not be compressed; send it without Content-Encoding.")
    charset = parameters.get("charset", "utf-8").lower()
    if type_ not in types:
        raise refuse(415, f"The body must be {types[0]}; say so in Content-Type.")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise refuse(415, "The body must be UTF-8; FHIR JSON is always UTF-8.")
    if not _is_r4(parameters):
        raise refuse(415, "The body must be FHIR 4.0; set fhirVersion=4.0 in Content-Type.")


def resource(body: bytes) -> Json:
    """The JSON object in a body; 400 with the reason when there is none."""
    read, issues = parse(body)
    if read is None:
        raise FhirError(400, *issues)
    return read


def operations(body: bytes) -> Any:
    """The list of operations in a body, read with the same care as a resource."""
    read, issues = parse(b'{"patch":' + body.removeprefix(b"\xef\xbb\xbf") + b"}")
    if read is None:
        raise FhirError(400, *issues)
    if set(read) != {"patch"} or not isinstance(read["patch"], list):
        raise refuse(400, "A JSON Patch is a list of operations; send one.", code="structure")
    return read["patch"]


def _media_type(said: str) -> tuple[str, dict[str, str]]:
    type_, *rest = (part.strip() for part in said.split(";"))
    pairs = (part.partition("=") for part in rest)
    return type_.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _is_r4(parameters: dict[str, str]) -> bool:
    return parameters.get("fhirversion", "4.0") in ("4.0", "4.0.0", "4.0.1")


# --- preferences and conditions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preference:
    """``Prefer``: what to return after a write (None: not said), and whether unknown parameters are refused."""

    returns: str | None = None
    strict: bool = False


def preference(request: Request) -> Preference:
    """What the sender prefers; what is not understood is no preference."""
    said = [each.strip() for line in request.headers.getlist("prefer") for each in re.split(r"[;,]", line)]
    pairs = {
        name.strip().lower(): value.strip().strip('"')
        for name, _, value in (each.partition("=") for each in said)
    }
    returns = pairs.get("return", "").lower()
    known = {"minimal": "minimal", "representation": "representation", "operationoutcome": "OperationOutcome"}
    return Preference(known.get(returns), pairs.get("handling", "").lower() == "strict")


def unchanged(request: Request, version: int) -> bool:
    """Whether ``If-None-Match`` names this version, so that there is nothing to send."""
    return _names(request.headers.get("if-none-match"), version)


def need_version(asked: str | None, version: int | None) -> None:
    """412 when ``If-Match`` (``asked``) names another version than the one that stands (None: there is none yet).

    Without ``If-Match`` the update is heard: it never overwrites, it says what has happened, and the table of
    moves refuses what cannot follow from where the resource stands.
    """
    if asked is None:
        return
    if version is None or not _names(asked, version):
        now = "there is none yet" if version is None else f'it is now W/"{version}"'
        raise refuse(
            412, f"The resource is not at the version of If-Match: {now}; read it again, then decide."
        )


def need_no_version(asked: str | None, version: int | None) -> None:
    """412 when ``If-None-Match`` (``asked``) names the version that stands: ``*`` lets a write make, not change."""
    if version is not None and _names(asked, version):
        sentence = f'The resource is at W/"{version}", which If-None-Match excludes; read it, then decide.'
        raise refuse(412, sentence)


def _names(header: str | None, version: int) -> bool:
    if header is None:
        return False
    return header.strip() == "*" or str(version) in _TAG.findall(header)
