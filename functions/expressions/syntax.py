"""Expression text to a syntax tree of bounded size, each operator with its place in the text.

The grammar is that of the `jmespath` package, and so is the tree: nodes are dicts with `type`,
`children` and, for some, `value`. Trees are shared by that package's cache and are never changed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

from functions.expressions.problems import ExpressionError, ExpressionProblem

Node = dict[str, Any]
"""One node of the syntax tree, as `jmespath` makes it."""

PROJECTIONS = frozenset({"projection", "value_projection", "filter_projection"})
LOOPING_FUNCTIONS = frozenset({"map", "sort_by", "min_by", "max_by"})

# The operator tokens by which a node of each type is found in the text, see `_locate`.
_TOKENS = {
    "comparator": frozenset({"eq", "ne", "lt", "lte", "gt", "gte"}),
    "or_expression": frozenset({"or"}),
    "and_expression": frozenset({"and"}),
    "not_expression": frozenset({"not"}),
    "literal": frozenset({"literal"}),
    "index": frozenset({"number"}),
    "filter_projection": frozenset({"filter"}),
    "expref": frozenset({"expref"}),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an expression may be, so that none can exhaust the stack, memory or time.

    Attributes:
        text_bytes: Length of the text as UTF-8.
        depth: Levels of the syntax tree, and of brackets in the text.
        nodes: Nodes of the syntax tree.
        loops: Loops inside loops: projections, filters, and functions that take an expression.
        growth: How many times as large as its input a result may be; `[@, @] | [@, @]` is four times.
    """

    text_bytes: int = 2_048
    depth: int = 32
    nodes: int = 500
    loops: int = 3
    growth: int = 64


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the text: 0-based character offset and length."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Syntax:
    """A parsed expression: its text, its tree, and where its operators stand.

    Attributes:
        text: The expression.
        root: The tree.
        places: Place by `id(node)`, for functions, comparators, `!`, `&&`, `||`, `&`, literals,
            indices, filters and the steps of slices.
    """

    text: str
    root: Node
    places: dict[int, Place]

    def place_of(self, node: Node) -> Place:
        """Return where the node's operator stands; the whole text when it has none."""
        return self.places.get(id(node), Place(0, len(self.text)))


def parse(text: str, limits: Limits | None = None) -> Syntax:
    """Parse an expression.

    Raises:
        ExpressionError: No expression, or one that is over a limit.
    """
    bounds = limits or Limits()
    _check_length(text, bounds.text_bytes)
    tokens = _tokens(text)
    _check_brackets(tokens, bounds)
    root = _tree(text, bounds)
    return Syntax(text, root, _locate(root, text, tokens))


def _check_length(text: str, most: int) -> None:
    written = text.encode("utf-8", "surrogatepass")
    if len(written) > most:
        fits = len(written[:most].decode("utf-8", "ignore"))
        place = Place(fits, len(text) - fits)
        message = f"The expression has {len(written):,} bytes; at most {most:,} are allowed."
        raise _error("expression.too_long", place, message, _SPLIT)


def children(node: Node) -> list[Node]:
    """Return the child nodes in the order of the text."""
    found: list[Node] = node["children"]
    if node["type"] == "slice":  # its children are numbers
        return []
    if node["type"] == "filter_projection":  # the tree has the condition last, the text has it second
        return [found[0], found[2], found[1]]
    return found


def every(node: Node) -> Iterator[Node]:
    """Yield a node and all below it."""
    yield node
    for child in children(node):
        yield from every(child)


def _tokens(text: str) -> list[dict[str, Any]]:
    from jmespath import lexer

    with quiet(), _Translation(text):
        return [dict(token) for token in lexer.Lexer().tokenize(text)]


def _tree(text: str, limits: Limits) -> Node:
    from jmespath import parser

    with quiet(), _Translation(text):
        root: Any = parser.Parser().parse(text).parsed
    _check_size(root, text, limits)
    return dict(root)


def quiet() -> warnings.catch_warnings[None]:
    """Silence the warning of `jmespath` about `bare` literals; it is reported as a problem with a place."""
    return warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning)


class _Translation:
    """Turn what `jmespath` raises on bad text into an `ExpressionError` with a place."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        from jmespath import exceptions

        if isinstance(error, RecursionError):
            raise _error(
                "expression.too_deep", Place(0, len(self.text)), "It is nested too deeply.", _SPLIT
            ) from None
        if isinstance(error, exceptions.EmptyExpressionError):
            raise _error("expression.empty", Place(0, 1), "The expression is empty.", _WRITE) from None
        if isinstance(error, exceptions.ParseError):
            raise _syntax_error(self.text, error) from None


def _syntax_error(text: str, error: Any) -> ExpressionError:
    from jmespath import exceptions

    if isinstance(error, exceptions.IncompleteExpressionError) or error.lex_position >= len(text):
        message = "The expression ends too early."
        return _error("expression.syntax", Place(len(text), 1), message, _hint_for_end(text))
    if isinstance(error, exceptions.LexerError):
        sign = text[error.lexer_position : error.lexer_position + 1]
        place = Place(error.lexer_position, 1)
        return _error("expression.syntax", place, f"{error.message}.", _hint_for_sign(sign))
    token = str(error.token_value)
    place = Place(error.lex_position, max(1, len(token)))
    quoted = "Quoted identifier" in error.msg
    hint = (
        "Write text in single quotes: 'text'." if quoted else _hint_for_token(token, error.token_type.lower())
    )
    return _error("expression.syntax", place, f"Unexpected {token!r}.", hint)


def _hint_for_end(text: str) -> str:
    for opened, closed in ("()", "[]", "{}"):
        if text.count(opened) > text.count(closed):
            return f"Close the bracket: {closed}"
    return "Write what is missing, or remove the last sign."


def _hint_for_sign(sign: str) -> str:
    if sign in _CLOSED:
        return f"Close it with another {sign}"
    if sign == "=":
        return "Write == to compare."
    if sign in "+-*/%":
        return 'There are functions for arithmetic, such as add(a, b); a name with a sign stands in quotes: "a-b".'
    return "Write text in single quotes, and a name with such a sign in double quotes."


def _hint_for_token(token: str, kind: str) -> str:
    if token in _WORDS:
        return f"Write {_WORDS[token]} for {token}."
    if kind == "number":
        return f'Write a number in backticks: `{token}`; a name that ends in one in double quotes: "a-1".'
    if kind in ("unquoted_identifier", "quoted_identifier", "literal"):
        return "Put an operator before it, such as a dot, == or ||."
    return "Remove it, or write what is missing before it."


_CLOSED = ("'", '"', "`")
_WORDS = {"and": "&&", "or": "||", "not": "!"}


def _error(code: str, place: Place, message: str, hint: str | None = None) -> ExpressionError:
    return ExpressionError((ExpressionProblem(code, place.offset, max(1, place.length), message, hint),))


def _check_brackets(tokens: list[dict[str, Any]], limits: Limits) -> None:
    """Bound the nesting of the text before a recursive parser sees it."""
    depth = 0
    for token in tokens:
        if token["type"] in ("lparen", "lbrace", "lbracket", "filter"):
            depth += 1
            if depth > limits.depth:
                place = Place(token["start"], 1)
                raise _error(
                    "expression.too_deep", place, f"More than {limits.depth} levels of brackets.", _SPLIT
                )
        elif token["type"] in ("rparen", "rbrace", "rbracket"):
            depth -= 1


def _check_size(root: Any, text: str, limits: Limits) -> None:
    whole = Place(0, len(text))
    pending: list[tuple[Node, int, int]] = [(root, 1, 0)]
    nodes = 0
    while pending:
        node, depth, loops = pending.pop()
        nodes += 1
        if nodes > limits.nodes:
            raise _error("expression.too_large", whole, f"More than {limits.nodes} parts.", _SPLIT)
        if max(depth, _levels(node)) > limits.depth:
            raise _error("expression.too_deep", whole, f"More than {limits.depth} levels deep.", _SPLIT)
        if loops > limits.loops:
            message = f"More than {limits.loops} loops inside each other."
            raise _error("expression.too_many_loops", whole, message, "Flatten first: a[].b[].c")
        pending.extend((child, depth + 1, loops + inner) for child, inner in _with_loops(node))


def _levels(node: Node) -> int:
    """Return how deeply a literal is nested; 0 for other nodes."""
    levels, layer = 0, [node["value"]] if node["type"] == "literal" else []
    while layer:
        levels += 1
        layer = [held for value in layer for held in _held_by(value)]
    return levels


def _held_by(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


_SPLIT = "Split it into several features."
_WRITE = "Write what the value is, such as profile.orders.count."


def _with_loops(node: Node) -> Iterator[tuple[Node, int]]:
    """Yield the children, each with how many loops it runs in more than the node itself."""
    if node["type"] in PROJECTIONS:
        base, *inside = node["children"]
        yield base, 0
        yield from ((child, 1) for child in inside)
    else:
        loop = 1 if node["type"] == "expref" else 0
        yield from ((child, loop) for child in children(node))


def _locate(root: Node, text: str, tokens: list[dict[str, Any]]) -> dict[int, Place]:
    """Match nodes with tokens: both come in the order of the text, kind by kind.

    The parser keeps no positions. Walking the tree in the order of the text meets the n-th `==` node at
    the n-th `==` token, and so on.
    """
    by_kind = {kind: iter(_places(text, tokens, types)) for kind, types in _TOKENS.items()}
    by_kind["function_expression"] = iter(_function_places(tokens))
    by_kind["slice"] = iter(_slice_places(tokens))
    found: dict[int, Place] = {}
    for node in _in_text_order(root):
        places = by_kind.get(node["type"])
        if places is not None:
            found[id(node)] = next(places, Place(0, 1))
    return found


def _places(text: str, tokens: list[dict[str, Any]], types: frozenset[str]) -> Iterator[Place]:
    for token, following in pairwise(tokens):
        if token["type"] in types and not _is_slice_number(token, tokens):
            # The lexer's own `end` is not reliable: a length for quoted tokens, one short for operators.
            start = token["start"]
            yield Place(start, len(text[start : following["start"]].rstrip()))


def _is_slice_number(token: dict[str, Any], tokens: list[dict[str, Any]]) -> bool:
    if token["type"] != "number":
        return False
    at = tokens.index(token)
    return "colon" in (tokens[at - 1]["type"], tokens[at + 1]["type"])


def _function_places(tokens: list[dict[str, Any]]) -> Iterator[Place]:
    for token, following in pairwise(tokens):
        if token["type"] == "unquoted_identifier" and following["type"] == "lparen":
            yield Place(token["start"], len(token["value"]))


def _slice_places(tokens: list[dict[str, Any]]) -> Iterator[Place]:
    """Yield where the step of each slice stands; its last colon where it has none."""
    for at, token in enumerate(tokens):
        if token["type"] == "lbracket":
            inside = list(takewhile(lambda each: each["type"] in ("number", "colon"), tokens[at + 1 :]))
            colons = [position for position, each in enumerate(inside) if each["type"] == "colon"]
            if colons:
                step = inside[colons[1] + 1 :] if len(colons) == 2 else []
                shown = step[0] if step else inside[colons[-1]]
                yield Place(shown["start"], shown["end"] - shown["start"])


def _in_text_order(node: Node) -> Iterator[Node]:
    infix = node["type"] in ("comparator", "or_expression", "and_expression", "filter_projection")
    below = children(node)
    if not infix:
        yield node
    for position, child in enumerate(below):
        if infix and position == 1:
            yield node
        yield from _in_text_order(child)
