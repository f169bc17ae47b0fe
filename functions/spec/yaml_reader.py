"""YAML to data with places.

The reading is strict and bounded: YAML 1.2 core types (so `no` is a text and `21:00` is a text), no
custom tags, no key twice, no document without end. Anchors work; cycles and bombs are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from functions.documents import Json
from functions.spec.problems import Problem
from functions.spec.source import Path, Place, Source

MAX_FILE_BYTES = 512_000
"""The most that a YAML file may hold."""

MAX_NODES = 50_000
"""Values after anchors are expanded; a bomb passes it long before memory is short."""

MAX_DEPTH = 50
"""Levels of nesting."""

_NULL = re.compile(r"(?:~|null|Null|NULL|)")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]{1,80}|0x[0-9a-fA-F]{1,80}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_STRING_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class _Node:
    """A composed value: `content` is a scalar, a list of nodes, or a dict of key to (place, node)."""

    kind: str
    content: Any
    place: Place


class _ReadError(Exception):
    """Ends the reading of a text that can't go on."""

    def __init__(self, code: str, message: str, mark: Any, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.mark, self.hint = code, message, mark, hint


def read_yaml(text: str, file: str) -> Source:
    """Read one YAML document.

    Args:
        text: The content of the file.
        file: Its path, for the problems.

    Returns:
        The source; `data` is None and `problems` says why when the text can't be read.
    """
    source = Source(file=file, text=text)
    try:
        if len(text.encode()) > MAX_FILE_BYTES:
            raise _ReadError("yaml.too_large", f"the file is over {MAX_FILE_BYTES:,} bytes", None)
        root = _compose(text)
        source.data = _expand(root, source)
    except _ReadError as error:
        source.problems.append(_problem_of(error, source))
        source.data = None
    return source


def _problem_of(error: _ReadError, source: Source) -> Problem:
    if error.mark is None:
        return Problem(source.file, 0, 0, error.code, error.message, error.hint)
    line, column = error.mark.line + 1, error.mark.column + 1
    return Problem(source.file, line, column, error.code, error.message, error.hint, source=source.line(line))


def _events(text: str) -> Iterator[Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        message = str(error.problem or error.context or "no YAML")
        mark = error.problem_mark or error.context_mark
        if mark is not None and _is_tab(text, mark):
            raise _ReadError(
                "yaml.tab", "a tab stands where only spaces may", mark, "indent with spaces"
            ) from None
        raise _ReadError("yaml.syntax", message, mark) from None
    except yaml.YAMLError:
        raise _ReadError("yaml.syntax", "the text has a character that YAML does not allow", None) from None


def _is_tab(text: str, mark: Any) -> bool:
    lines = text.split("\n", mark.line + 1)
    return lines[mark.line][mark.column : mark.column + 1] == "\t" if mark.line < len(lines) else False


def _compose(text: str) -> _Node:
    """Build the tree of nodes from the parser's events, without recursion."""
    import yaml

    composer = _Composer()
    handlers = {
        yaml.MappingStartEvent: composer.start,
        yaml.SequenceStartEvent: composer.start,
        yaml.MappingEndEvent: composer.end,
        yaml.SequenceEndEvent: composer.end,
        yaml.ScalarEvent: composer.scalar,
        yaml.AliasEvent: composer.alias,
        yaml.DocumentStartEvent: composer.document,
    }
    for event in _events(text):
        handler = handlers.get(type(event))
        if handler is not None:
            handler(event)
    if composer.root is None:
        raise _ReadError("yaml.empty", "the file is empty", None)
    return composer.root


class _Composer:
    """Collects events into one tree."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self._anchors: dict[str, _Node] = {}
        self._stack: list[_Open] = []

    def document(self, event: Any) -> None:
        if self.root is not None:
            raise _ReadError("yaml.documents", "the file holds more than one document", event.start_mark)

    def start(self, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise _ReadError("yaml.too_deep", f"more than {MAX_DEPTH} levels deep", event.start_mark)
        if event.tag is not None:
            raise _ReadError("yaml.tag", "tags are not supported here", event.start_mark)
        self._stack.append(_Open(event))

    def end(self, event: Any) -> None:
        opened = self._stack.pop()
        self._place(opened.close(), event, opened.event.anchor)

    def scalar(self, event: Any) -> None:
        self._place(_scalar(event), event, event.anchor)

    def alias(self, event: Any) -> None:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _ReadError(
                "yaml.alias",
                f"the alias *{event.anchor} refers to itself or to an anchor that is not above it",
                event.start_mark,
            )
        self._place(node, event, None)

    def _place(self, node: _Node, event: Any, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if self._stack:
            self._stack[-1].add(node, event)
        else:
            self.root = node


class _Open:
    """A mapping or sequence whose end was not reached yet."""

    def __init__(self, event: Any) -> None:
        import yaml

        self.event = event
        self.is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.items: list[_Node] = []
        self.pairs: dict[str, tuple[Place, _Node]] = {}
        self._key: tuple[str, Place] | None = None

    def add(self, node: _Node, event: Any) -> None:
        if not self.is_mapping:
            self.items.append(node)
        elif self._key is None:
            self._key = self._read_key(node, event)
        else:
            name, place = self._key
            self.pairs[name] = (place, node)
            self._key = None

    def _read_key(self, node: _Node, event: Any) -> tuple[str, Place]:
        if node.kind != "scalar":
            raise _ReadError("yaml.key", "a key must be a text", event.start_mark)
        # Keys are names, whatever type their text would have as a value: `null: 0` has the key "null".
        name = str(event.value) if hasattr(event, "value") else str(node.content)
        if name in self.pairs:
            raise _ReadError(
                "yaml.duplicate_key", f"the key {name!r} is given twice", event.start_mark, "keep one of them"
            )
        return name, node.place

    def close(self) -> _Node:
        mark = self.event.start_mark
        place = Place(mark.line + 1, mark.column + 1)
        if self.is_mapping:
            return _Node("mapping", self.pairs, place)
        return _Node("sequence", self.items, place)


def _scalar(event: Any) -> _Node:
    start, end = event.start_mark, event.end_mark
    quoted = event.style in ("'", '"')
    one_line = start.line == end.line
    width = end.column - start.column if one_line else 1
    # Only then is the nth character of the value the nth character of the line (after a quote).
    verbatim = one_line and width == len(event.value) + (2 if quoted else 0)
    place = Place(
        start.line + 1,
        start.column + 1 + (1 if quoted and verbatim else 0),
        max(1, len(event.value) if verbatim else width),
        verbatim,
    )
    if event.tag not in (None, "!", _STRING_TAG):
        raise _ReadError("yaml.tag", "tags are not supported here", start)
    plain = event.style in (None, "") and event.tag is None
    return _Node("scalar", _resolve(event.value, start) if plain else event.value, place)


def _resolve(text: str, mark: Any) -> Json:
    """Give a plain scalar its type, by the core schema of YAML 1.2."""
    if text in _BOOL:
        return _BOOL[text]
    if _NULL.fullmatch(text):
        return None
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if abs(number) == float("inf"):
            raise _ReadError("yaml.number", "the number is too large", mark)
        return number
    if _NOT_FINITE.fullmatch(text):
        raise _ReadError("yaml.number", "numbers must be finite", mark)
    return text


def _expand(root: _Node, source: Source) -> Json:
    """Turn nodes into data, aliases copied out, and note the places; bounded by `MAX_NODES`."""
    count = 0

    def build(node: _Node, path: Path) -> Json:
        nonlocal count
        count += 1
        if count > MAX_NODES or len(path) > MAX_DEPTH:
            raise _ReadError("yaml.bomb", f"anchors expand to more than {MAX_NODES:,} values", None)
        source.values[path] = node.place
        if node.kind == "mapping":
            for key, (place, _) in node.content.items():
                source.keys[(*path, key)] = place
            return {key: build(child, (*path, key)) for key, (_, child) in node.content.items()}
        if node.kind == "sequence":
            return [build(child, (*path, index)) for index, child in enumerate(node.content)]
        return node.content

    return build(root, ())
