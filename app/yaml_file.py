"""A YAML file as plain data, with the line of everything in it, so that an error can say where.

Safe constructors only; a key given twice is refused, for the second would silently win. What a file says may be
changed before it is read (``change``): the nodes keep their lines, whatever is left out or put in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
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
    """The file's data, and the line (from 1) of every path like ``steps[3].window`` or ``steps.triage.window``."""

    name: str
    data: Any
    lines: dict[str, int]

    def unreadable(self, problem: Malformed) -> Unreadable:
        """The problem with its file and line: that of the nearest place the file does have."""
        path = problem.path
        while path not in self.lines and path:
            path = re.sub(r"(^|\.|\[)[^.\[]*$", "", path)
        return Unreadable(f"{self.name}:{self.lines.get(path, 1)}: {problem}")


def read_yaml(path: Path, change: Change | None = None) -> YamlFile:
    """The file at ``path``. Raises Unreadable when it is missing, not YAML, or gives a key twice.

    ``change`` is applied to what the file says before it becomes data; what it finds wrong is Unreadable too.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Unreadable(f"{path}:1: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path}:1: is not UTF-8: save it as UTF-8") from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is not None and change is not None:
            node = _changed(str(path), node, change)
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise Unreadable(f"{path}:{line}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise Unreadable(f"{path}:1: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()
    return YamlFile(str(path), data, dict(_lines(node, ())) if node is not None else {})


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


def _changed(name: str, node: yaml.Node, change: Change) -> yaml.Node:
    try:
        return change(node)
    except Misplaced as error:
        raise Unreadable(f"{name}:{error.node.start_mark.line + 1}: {error}") from error
    except Malformed as error:
        raise YamlFile(name, None, dict(_lines(node, ()))).unreadable(error) from error


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


def _lines(node: yaml.Node, above: tuple[yaml.Node, ...]) -> Iterator[tuple[str, int]]:
    """Paths below ``node`` and their lines; the members of a list by number, and by ``key`` where they have one."""
    yield "", node.start_mark.line + 1
    if any(node is one for one in above):
        return  # an alias of something around it
    for name, child, line in _children(node):
        for path, below in _lines(child, (*above, node)):
            joined = f"{name}{path}" if not path or path.startswith("[") else f"{name}.{path}"
            yield joined, line if not path else below


def _children(node: yaml.Node) -> Iterator[tuple[str, yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            line = item.start_mark.line + 1
            yield f"[{index}]", item, line
            if isinstance(item, yaml.MappingNode):
                named = [value.value for key, value in item.value if key.value == "key"]
                if named and isinstance(named[0], str):
                    yield named[0], item, line
