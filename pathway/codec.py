"""Plain data to frozen dataclasses and back, strictly, with errors that say where and what would be right.

The state of a pathway, its events and its protocol are dataclasses; the database and the YAML files hold
plain JSON-like data. One small codec serves all three, so that a field added to a class is stored and read
without a second list to keep. A field named ``from_`` is written ``from``.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from pathway.reading import Unread, reader

T = TypeVar("T")


class Malformed(ValueError):
    """Data that does not fit its type. ``path`` is like ``steps[3].due.at``; the text says the remedy."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'document'}: {problem}")
        self.path = path
        self.problem = problem


def encode(value: Any) -> Any:
    """Dataclasses, enums, dates and tuples as JSON-ready data; fields at their default are left out."""
    return _encoder(typing.cast(Any, type(value)))(value)


def decode(kind: type[T], data: Any, path: str = "") -> T:
    """``data`` as a ``kind``. Raises Malformed naming the path, what is wrong and what would be right.

    What fits is read at once; what does not is read once more, slowly, to say where and why.
    """
    try:
        return typing.cast(T, reader(typing.cast(Any, kind))(data))
    except Unread:
        return typing.cast(T, _decode(kind, data, path))


@cache
def _encoder(kind: Any) -> Callable[[Any], Any]:
    """How values of exactly this class are written."""
    if dataclasses.is_dataclass(kind):
        fields = [(field.name, field.name.rstrip("_"), field.default) for field in dataclasses.fields(kind)]

        def of_fields(value: Any) -> dict[str, Any]:
            out = {}
            for name, key, default in fields:
                item = getattr(value, name)
                if item is not default and item != default:
                    out[key] = encode(item)
            return out

        return of_fields
    if issubclass(kind, Enum):
        return attrgetter("value")
    if issubclass(kind, datetime):
        return lambda value: value.astimezone(UTC).isoformat()
    if issubclass(kind, date):
        return lambda value: value.isoformat()
    if issubclass(kind, time):
        return lambda value: value.strftime("%H:%M")
    if issubclass(kind, Mapping):
        return lambda value: {key: encode(item) for key, item in value.items()}
    if issubclass(kind, frozenset | set):
        return lambda value: sorted(encode(item) for item in value)
    if issubclass(kind, tuple | list):
        return lambda value: [encode(item) for item in value]
    return lambda value: value


@cache
def _fields(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(kind: Any, data: Any, path: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return data
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(kind), data, path)
    if origin is typing.Literal:
        return _one_of(typing.get_args(kind), data, path)
    if origin in (tuple, frozenset, list):
        return _decode_many(origin, typing.get_args(kind), data, path)
    if origin in (dict, Mapping):
        return _decode_mapping(typing.get_args(kind), data, path)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(typing.cast(type, kind), data, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(_one_of(tuple(member.value for member in kind), data, path))
    return _decode_scalar(kind, data, path)


def _decode_union(choices: tuple[Any, ...], data: Any, path: str) -> Any:
    if data is None and type(None) in choices:
        return None
    wanted = [choice for choice in choices if choice is not type(None)]
    problem: Malformed | None = None
    for choice in wanted:
        try:
            return _decode(choice, data, path)
        except Malformed as error:
            # The deepest complaint is the one about the shape that was meant.
            if problem is None or len(error.path) > len(problem.path):
                problem = error
    assert problem is not None
    raise problem


def _decode_many(origin: Any, args: tuple[Any, ...], data: Any, path: str) -> Any:
    if not isinstance(data, list | tuple):
        raise Malformed(path, f"expected a list, got {_shown(data)}")
    item = args[0] if args else Any
    return origin(_decode(item, value, f"{path}[{index}]") for index, value in enumerate(data))


def _decode_mapping(args: tuple[Any, ...], data: Any, path: str) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise Malformed(path, f"expected a mapping, got {_shown(data)}")
    item = args[1] if len(args) == 2 else Any
    return {str(key): _decode(item, value, _join(path, str(key))) for key, value in data.items()}


def _decode_dataclass(kind: type, data: Any, path: str) -> Any:
    if isinstance(data, kind):
        return data
    if not isinstance(data, Mapping):
        raise Malformed(path, f"expected a mapping, got {_shown(data)}")
    hints = _hints(kind)
    fields = {field.name.rstrip("_"): field for field in _fields(kind)}
    for key in data:
        if key not in fields:
            raise Malformed(_join(path, str(key)), f"is not known here; known: {', '.join(sorted(fields))}")
    values = {}
    for name, field in fields.items():
        if name in data:
            values[field.name] = _decode(hints[field.name], data[name], _join(path, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise Malformed(_join(path, name), "is missing")
    try:
        return kind(**values)
    except ValueError as error:
        raise Malformed(path, str(error)) from error


def _decode_scalar(kind: Any, data: Any, path: str) -> Any:
    if kind is datetime:
        return _instant(data, path)
    if kind is date:
        return _day(data, path)
    if kind is time:
        return _wall(data, path)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind in (int, float, str, bool):
        if isinstance(data, bool) is (kind is bool) and isinstance(data, kind):
            return data
        raise Malformed(path, f"expected {_NAMES[kind]}, got {_shown(data)}")
    raise TypeError(f"the codec does not know {kind!r} (at {path})")


_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _instant(data: Any, path: str) -> datetime:
    try:
        value = data if isinstance(data, datetime) else datetime.fromisoformat(data)
    except (TypeError, ValueError):
        raise Malformed(
            path, f"expected an instant like 2027-03-16T09:30:00+01:00, got {_shown(data)}"
        ) from None
    if value.tzinfo is None:
        raise Malformed(path, f"the instant {data} has no offset; write one, like +01:00")
    return value.astimezone(UTC)


def _day(data: Any, path: str) -> date:
    try:
        if isinstance(data, date) and not isinstance(data, datetime):
            return data
        return date.fromisoformat(data)
    except (TypeError, ValueError):
        raise Malformed(path, f"expected a day like 2027-03-16, got {_shown(data)}") from None


def _wall(data: Any, path: str) -> time:
    try:
        return data if isinstance(data, time) else time.fromisoformat(data)
    except (TypeError, ValueError):
        raise Malformed(path, f'expected a time in quotes like "18:00", got {_shown(data)}') from None


def _one_of(choices: tuple[Any, ...], data: Any, path: str) -> Any:
    if data in choices:
        return data
    raise Malformed(path, f"{_shown(data)} is not one of {', '.join(map(str, choices))}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."
