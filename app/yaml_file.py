"""A YAML file as plain data, with the line of everything in it, so that an error can say where.

Safe constructors only; a key given twice is refused, for the second would silently win. A file may be in several:
those that its ``include`` names, beside it, are read as if they stood in it, and what two of them list under one key is
one list. What a file says may be changed before it is read (``change``): the nodes keep their lines, whatever is left
out or put in.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pathway.codec import Malformed

Change = Callable[[yaml.Node], yaml.Node]
"""Makes another node of a file's: it may raise Malformed (a path of the file as written) or Misplaced."""


class Unreadable(ValueError):
    """A file that cannot be used: one sentence, ``file:line: path: problem``."""


class Misplaced(Exception):
    """Something in a file that cannot stand there; the file's name and line are added by who reads it."""

    def __init__(self, node: yaml.Node, problem: str) -> None:
        super().__init__(problem)
        self.node = node


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The file's data, and the line (from 1) of every path like ``steps[3].window`` or ``steps.triage.window``.

    ``elsewhere`` names the file of a path that stands in one that is included.
    """

    name: str
    data: Any
    lines: dict[str, int]
    elsewhere: dict[str, str] = field(default_factory=dict)

    def unreadable(self, problem: Malformed) -> Unreadable:
        """The problem with its file and line: that of the nearest place the file does have."""
        path = problem.path
        while path not in self.lines and path:
            path = re.sub(r"(^|\.|\[)[^.\[]*$", "", path)
        return Unreadable(f"{self.elsewhere.get(path, self.name)}:{self.lines.get(path, 1)}: {problem}")


def read_yaml(path: Path, change: Change | None = None) -> YamlFile:
    """The file at ``path``. Raises Unreadable when it is missing, not YAML, or gives a key twice.

    ``change`` is applied to what the file says before it becomes data; what it finds wrong is Unreadable too.
    """
    node = _composed(path)
    if node is not None:
        node = _changed(str(path), _with_included(path, node), change)
    loader = _Loader("")
    try:
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        raise _told(path, error) from error
    finally:
        loader.dispose()
    return _file(str(path), data, node)


def _composed(path: Path) -> yaml.Node | None:
    """What the file says, as nodes that know the file's name and their lines; None when it is empty."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Unreadable(f"{path}:1: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path}:1: is not UTF-8: save it as UTF-8") from error
    loader = _Loader(_Named(text, str(path)))
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    except yaml.MarkedYAMLError as error:
        raise _told(path, error) from error
    except yaml.YAMLError as error:
        raise Unreadable(f"{path}:1: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()


class _Named(io.StringIO):
    """A text that knows which file it is, so that every node of it does."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def _told(path: Path, error: yaml.MarkedYAMLError) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    name, line = (mark.name or str(path), mark.line + 1) if mark else (str(path), 1)
    return Unreadable(f"{name}:{line}: {error.problem or error.context}")


def _with_included(path: Path, node: yaml.Node) -> yaml.Node:
    """The node with the members of the files that its ``include`` names; a list goes on in the next file."""
    if not isinstance(node, yaml.MappingNode):
        return node
    asked = next((value for key, value in node.value if key.value == "include"), None)
    if asked is None:
        return node
    members = [(key, value) for key, value in node.value if value is not asked]
    for name in asked.value if isinstance(asked, yaml.SequenceNode) else [asked]:
        if not isinstance(name, yaml.ScalarNode) or Path(name.value).name != name.value:
            raise Unreadable(f"{path}:{name.start_mark.line + 1}: include: names files beside this one")
        other = _composed(path.with_name(name.value))
        if not isinstance(other, yaml.MappingNode):
            raise Unreadable(f"{path.with_name(name.value)}:1: a mapping is expected, for it is included")
        for key, value in other.value:
            members = _joined(members, key, value)
    return like(node, members)


def _joined(
    members: list[tuple[yaml.Node, yaml.Node]], key: yaml.Node, value: yaml.Node
) -> list[tuple[yaml.Node, yaml.Node]]:
    there = next((pair for pair in members if pair[0].value == key.value), None)
    if there is None:
        return [*members, (key, value)]
    if not isinstance(there[1], yaml.SequenceNode) or not isinstance(value, yaml.SequenceNode):
        mark = key.start_mark
        raise Unreadable(
            f"{mark.name}:{mark.line + 1}: the key {key.value!r} is given in two files; keep one"
        )
    both = like(there[1], [*there[1].value, *value.value])
    return [(name, both if name is there[0] else old) for name, old in members]


def plain(node: yaml.Node) -> Any:
    """The data that a node stands for."""
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def worded(node: yaml.Node) -> yaml.Node:
    """The same node with every bare word as it was written: ``yes``, ``on`` and ``24`` are texts, keys too."""
    if isinstance(node, yaml.ScalarNode):
        return scalar(node.value, node)
    if isinstance(node, yaml.SequenceNode):
        return like(node, [worded(one) for one in node.value])
    if isinstance(node, yaml.MappingNode):
        return like(node, [(worded(key), worded(value)) for key, value in node.value])
    return node


def scalar(value: str | float, where: yaml.Node) -> yaml.ScalarNode:
    """A text or a number that stands where another node stood."""
    kind = "str" if isinstance(value, str) else "int" if isinstance(value, int) else "float"
    return yaml.ScalarNode(f"tag:yaml.org,2002:{kind}", str(value), where.start_mark, where.end_mark)


def like(node: yaml.Node, value: list[Any]) -> yaml.Node:
    """The same list or mapping with other members."""
    return type(node)(node.tag, value, node.start_mark, node.end_mark)


def _changed(name: str, node: yaml.Node, change: Change | None) -> yaml.Node:
    if change is None:
        return node
    try:
        return change(node)
    except Misplaced as error:
        mark = error.node.start_mark
        raise Unreadable(f"{mark.name}:{mark.line + 1}: {error}") from error
    except Malformed as error:
        raise _file(name, None, node).unreadable(error) from error


def _file(name: str, data: Any, node: yaml.Node | None) -> YamlFile:
    """The data with the places that it comes from."""
    places = dict(_places(node, ())) if node is not None else {}
    return YamlFile(
        name,
        data,
        {path: mark.line + 1 for path, mark in places.items()},
        {path: mark.name for path, mark in places.items() if mark.name != name},
    )


# libyaml reads the protocol about twice as fast, with the same marks; the wheel carries it nearly everywhere.
_Safe: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):  # type: ignore[valid-type, misc]
    """SafeLoader that minds keys given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice; keep one", key.start_mark
                )
            seen.add(key.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _places(node: yaml.Node, above: tuple[yaml.Node, ...]) -> Iterator[tuple[str, yaml.Mark]]:
    """Paths below ``node`` and where they are; the members of a list by number, and by ``key`` where they have one."""
    yield "", node.start_mark
    if any(node is one for one in above):
        return  # an alias of something around it
    for name, child, mark in _children(node):
        for path, below in _places(child, (*above, node)):
            joined = f"{name}{path}" if not path or path.startswith("[") else f"{name}.{path}"
            yield joined, mark if not path else below


def _children(node: yaml.Node) -> Iterator[tuple[str, yaml.Node, yaml.Mark]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value, key.start_mark
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            mark = item.start_mark
            yield f"[{index}]", item, mark
            if isinstance(item, yaml.MappingNode):
                named = [value.value for key, value in item.value if key.value == "key"]
                if named and isinstance(named[0], str):
                    yield named[0], item, mark
