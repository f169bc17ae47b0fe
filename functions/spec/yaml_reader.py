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
from functions.spec.scalars import Scalar
from functions.spec.source import Path, Place, Source
from functions.spec.yaml_types import resolve

MAX_FILE_BYTES = 512_000
"""The most that a YAML file may hold."""

MAX_NODES = 50_000
"""Values after anchors are expanded; a bomb passes it long before memory is short."""

MAX_DEPTH = 50
"""Levels of nesting."""

MAX_CHARACTERS = 2_000_000
"""Characters after anchors are expanded: a long text repeated is a bomb as well."""

MAX_PROBLEMS = 200
"""Problems of one text; an author fixes the first ones first."""

_NOT_ALLOWED = re.compile("[^\\t\\n\\r -~\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_STRING_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class _Node:
    """A composed value: `content` is a scalar, a list of nodes, or a dict of key to (place, node)."""

    kind: str
    content: Any
    place: Place


class _ReadError(Exception):
    """Ends the reading of a text that can't go on."""

    def __init__(self, code: str, message: str, place: Place | None, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.place, self.hint = code, message, place, hint


def read_yaml(text: str, file: str) -> Source:
    """Read one YAML document.

    Args:
        text: The content of the file.
        file: Its path, for the problems.

    Returns:
        The source. `problems` says what is wrong with the text; `data` is None when it can't be read.
    """
    source = Source(file=file, text=text)
    try:
        _check_text(text)
        root = _compose(source)
        source.data = _Expansion(source).build(root, ())
    except _ReadError as error:
        source.problems.append(_problem_of(error, source))
        source.data = None
    return source


def _check_text(text: str) -> None:
    if len(text) > MAX_FILE_BYTES or len(text.encode(errors="replace")) > MAX_FILE_BYTES:
        raise _ReadError("yaml.too_large", f"the file is over {MAX_FILE_BYTES:,} bytes", None)
    found = _NOT_ALLOWED.search(text)
    if found is not None:
        before = text[: found.start()].split("\n")
        place = Place(len(before), len(before[-1]) + 1)
        message = f"YAML does not allow the character U+{ord(found[0]):04X}"
        raise _ReadError("yaml.character", message, place, "write it as an escape in double quotes")


def _problem_of(error: _ReadError, source: Source) -> Problem:
    place = error.place or Place(0, 0)
    text = source.line(place.line)
    return Problem(
        source.file, place.line, place.column, error.code, error.message, error.hint, text, place.length
    )


def _at(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _events(text: str) -> Iterator[Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        message = str(error.problem or error.context or "no YAML")
        mark = error.problem_mark or error.context_mark
        if mark is not None and _is_tab(text, mark):
            message, hint = "a tab stands where only spaces may", "indent with spaces"
            raise _ReadError("yaml.tab", message, _at(mark), hint) from None
        raise _ReadError("yaml.syntax", message, _at(mark) if mark else None) from None
    except (yaml.YAMLError, ValueError):
        raise _ReadError("yaml.syntax", "an escape gives a character that is none", None) from None


def _is_tab(text: str, mark: Any) -> bool:
    lines = text.split("\n", mark.line + 1)
    return lines[mark.line][mark.column : mark.column + 1] == "\t" if mark.line < len(lines) else False


def _compose(source: Source) -> _Node:
    """Build the tree of nodes from the parser's events, without recursion."""
    import yaml

    composer = _Composer(source)
    handlers = {
        yaml.MappingStartEvent: composer.start,
        yaml.SequenceStartEvent: composer.start,
        yaml.MappingEndEvent: composer.end,
        yaml.SequenceEndEvent: composer.end,
        yaml.ScalarEvent: composer.scalar,
        yaml.AliasEvent: composer.alias,
        yaml.DocumentStartEvent: composer.document,
    }
    for event in _events(source.text):
        handler = handlers.get(type(event))
        if handler is not None:
            handler(event)
    if composer.root is None:
        raise _ReadError("yaml.empty", "the file is empty", None)
    return composer.root


class _Composer:
    """Collects events into one tree."""

    def __init__(self, source: Source) -> None:
        self.root: _Node | None = None
        self._source = source
        self._anchors: dict[str, _Node] = {}
        self._stack: list[_Open] = []

    def document(self, event: Any) -> None:
        if self.root is not None:
            raise _ReadError("yaml.documents", "the file holds more than one document", _at(event.start_mark))

    def start(self, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise _ReadError("yaml.too_deep", f"more than {MAX_DEPTH} levels deep", _at(event.start_mark))
        if event.tag is not None:
            raise _ReadError("yaml.tag", "tags are not supported here", _at(event.start_mark))
        self._stack.append(_Open(event))

    def end(self, _: Any) -> None:
        opened = self._stack.pop()
        self._place(opened.close(), opened.event.anchor)

    def scalar(self, event: Any) -> None:
        self._place(_scalar(event), event.anchor)

    def alias(self, event: Any) -> None:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise _ReadError(
                "yaml.alias",
                f"the alias *{event.anchor} refers to itself or to an anchor that is not above it",
                _at(event.start_mark),
            )
        self._place(node, None)

    def _place(self, node: _Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if self._stack:
            twice = self._stack[-1].add(node)
            if twice is not None:
                self._report(twice, node.place)
        else:
            self.root = node

    def _report(self, name: str, place: Place) -> None:
        """Note a key that is given twice; the reading goes on with the first."""
        message = f"the key {name!r} is given twice"
        error = _ReadError("yaml.duplicate_key", message, place, "keep one of them")
        if len(self._source.problems) < MAX_PROBLEMS:
            self._source.problems.append(_problem_of(error, self._source))


class _Open:
    """A mapping or sequence whose end was not reached yet."""

    def __init__(self, event: Any) -> None:
        import yaml

        self.event = event
        self.is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.items: list[_Node] = []
        self.pairs: dict[str, tuple[Place, _Node]] = {}
        self._key: tuple[str, Place] | None = None

    def add(self, node: _Node) -> str | None:
        """Take the next node; returns the name of a key that was there before."""
        if not self.is_mapping:
            self.items.append(node)
        elif self._key is None:
            self._key = self._read_key(node)
            return self._key[0] if self._key[0] in self.pairs else None
        else:
            name, place = self._key
            self.pairs.setdefault(name, (place, node))
            self._key = None
        return None

    def _read_key(self, node: _Node) -> tuple[str, Place]:
        if node.place.scalar is None:
            raise _ReadError("yaml.key", "a key must be a text", node.place)
        # Keys are names, whatever type their text would have as a value: `null: 0` has the key "null".
        return node.place.scalar.text, node.place

    def close(self) -> _Node:
        place = _at(self.event.start_mark)
        if self.is_mapping:
            return _Node("mapping", self.pairs, place)
        return _Node("sequence", self.items, place)


def _scalar(event: Any) -> _Node:
    start, end, text = event.start_mark, event.end_mark, event.value
    if event.tag not in (None, "!", _STRING_TAG):
        raise _ReadError("yaml.tag", "tags are not supported here", _at(start))
    style = event.style or ""
    scalar = Scalar(text, style, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
    length = max(1, end.column - start.column) if start.line == end.line else 1
    place = Place(start.line + 1, start.column + 1, length, scalar)
    if style or event.tag is not None:
        return _Node("scalar", text, place)
    try:
        return _Node("scalar", resolve(text), place)
    except ValueError as error:
        raise _ReadError("yaml.number", str(error), place) from None


class _Expansion:
    """Turns nodes into data, aliases copied out, and notes the places; bounded, whatever anchors say."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._nodes = 0
        self._characters = 0

    def build(self, node: _Node, path: Path) -> Json:
        self._measure(node, path)
        self._source.values[path] = node.place
        if node.kind == "mapping":
            for key, (place, _) in node.content.items():
                self._source.keys[(*path, key)] = place
            return {key: self.build(child, (*path, key)) for key, (_, child) in node.content.items()}
        if node.kind == "sequence":
            return [self.build(child, (*path, index)) for index, child in enumerate(node.content)]
        return node.content

    def _measure(self, node: _Node, path: Path) -> None:
        self._nodes += 1
        if node.kind == "mapping":
            self._characters += sum(map(len, node.content))
        elif isinstance(node.content, str):
            self._characters += len(node.content)
        if self._nodes > MAX_NODES or self._characters > MAX_CHARACTERS:
            message = f"anchors expand to more than {MAX_NODES:,} values or {MAX_CHARACTERS:,} characters"
            raise _ReadError("yaml.bomb", message, node.place)
        if len(path) > MAX_DEPTH:
            raise _ReadError("yaml.too_deep", f"more than {MAX_DEPTH} levels deep", node.place)
