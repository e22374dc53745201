"""The quick way from plain data to frozen dataclasses: a reader for each type, made once from its annotations.

It reads what fits and gives up on everything else (``Unread``) without a word; ``codec.py`` then says what is wrong.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from enum import Enum
from functools import cache
from typing import Any

Reader = Callable[[Any], Any]


class Unread(Exception):
    """The data does not fit, or needs a closer look."""


@cache
def reader(kind: Any) -> Reader:
    """How data of this type is read."""
    if kind is Any or kind is object:
        return lambda data: data
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of_several(args)
    if origin is typing.Literal:
        return _literal(args)
    if origin in (tuple, frozenset, list):
        return _many(origin, args[0] if args else Any)
    if origin in (dict, Mapping):
        return _mapping(args[1] if len(args) == 2 else Any)
    if dataclasses.is_dataclass(kind):
        return _fields(typing.cast(type, kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _member(kind)
    return _SCALARS.get(kind, _unread)


def _unread(_: Any) -> Any:
    raise Unread


def _one_of_several(args: tuple[Any, ...]) -> Reader:
    readers = [reader(one) for one in args if one is not type(None)]
    optional = type(None) in args

    def read(data: Any) -> Any:
        if data is None and optional:
            return None
        for one in readers[:-1]:
            try:
                return one(data)
            except Unread:
                continue
        return readers[-1](data)

    return read


def _literal(choices: tuple[Any, ...]) -> Reader:
    def read(data: Any) -> Any:
        if data in choices:
            return data
        raise Unread

    return read


def _many(origin: Any, item: Any) -> Reader:
    read_one = reader(item)

    def read(data: Any) -> Any:
        if not isinstance(data, list | tuple):
            raise Unread
        return origin([read_one(one) for one in data])

    return read


def _mapping(item: Any) -> Reader:
    read_one = reader(item)

    def read(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise Unread
        return {str(key): read_one(one) for key, one in data.items()}

    return read


def _fields(kind: type) -> Reader:
    hints = typing.get_type_hints(kind)
    needed = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    found: dict[str, tuple[str, Reader]] = {}

    def readers() -> dict[str, tuple[str, Reader]]:
        # Made when first needed: a class may hold others of its own kind.
        if not found:
            found.update(
                (field.name.rstrip("_"), (field.name, reader(hints[field.name])))
                for field in dataclasses.fields(kind)
            )
        return found

    def read(data: Any) -> Any:
        if isinstance(data, kind):
            return data
        if not isinstance(data, Mapping):
            raise Unread
        by_name, values = readers(), {}
        for key, one in data.items():
            try:
                name, read_one = by_name[key]
            except (KeyError, TypeError):
                raise Unread from None
            values[name] = read_one(one)
        if not needed <= values.keys():
            raise Unread
        try:
            return kind(**values)
        except ValueError:
            raise Unread from None

    return read


def _member(kind: type[Enum]) -> Reader:
    members = {member.value: member for member in kind}

    def read(data: Any) -> Any:
        try:
            return members[data]
        except (KeyError, TypeError):
            raise Unread from None

    return read


def _exactly(kind: type) -> Reader:
    def read(data: Any) -> Any:
        if type(data) is kind:
            return data
        raise Unread

    return read


def _float(data: Any) -> float:
    if type(data) is float:
        return data
    if type(data) is int:
        return float(data)
    raise Unread


def _instant(data: Any) -> datetime:
    if type(data) is not str:
        raise Unread
    try:
        value = datetime.fromisoformat(data)
    except ValueError:
        raise Unread from None
    if value.tzinfo is None:
        raise Unread
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def _parsed(parse: Callable[[str], Any]) -> Reader:
    def read(data: Any) -> Any:
        if type(data) is not str:
            raise Unread
        try:
            return parse(data)
        except ValueError:
            raise Unread from None

    return read


_SCALARS: dict[Any, Reader] = {
    str: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
    float: _float,
    datetime: _instant,
    date: _parsed(date.fromisoformat),
    time: _parsed(time.fromisoformat),
}
