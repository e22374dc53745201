"""JSON read so that it can be changed and written again with every decimal as it was said: 1.50 stays 1.50.

A decimal of FHIR says how exactly something was measured; a float forgets it.
"""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

from fhir_mappings.read import Json


class Decimal(float):
    """A number that remembers how it was written."""

    said: str

    def __new__(cls, said: str) -> Decimal:
        """The number that these words say."""
        number = super().__new__(cls, said)
        number.said = said
        return number

    def __deepcopy__(self, memo: dict[int, Any]) -> Decimal:
        """It never changes, so it is its own copy."""
        return self


def read(text: str) -> Json:
    """The object in a text that was judged before (``fhir_mappings.body``)."""
    found: Json = json.loads(text, parse_float=Decimal)
    return found


def written(resource: Json) -> str:
    """The object as JSON without needless spaces, its decimals as they were read."""
    mark = uuid4().hex
    text = json.dumps(_marked(resource, mark), ensure_ascii=False, separators=(",", ":"))
    return re.sub(f'"{mark}([^"]*)"', r"\1", text)


def _marked(value: Any, mark: str) -> Any:
    if isinstance(value, dict):
        return {key: _marked(each, mark) for key, each in value.items()}
    if isinstance(value, list):
        return [_marked(each, mark) for each in value]
    return f"{mark}{value.said}" if isinstance(value, Decimal) else value
