"""From the graph of operations to statements of Python, each operation once where its value is shared.

Three places a statement can stand in differ in what a failure does there:

- the top of the function, where nothing can fail;
- the region of one expression, a `while True:` that is left by `break` once the result is a failure;
- a loop's body, where a failure raises `FailedInLoopError`; the loop sets a flag and its expression is left to
  the interpreter. A loop in which only comparisons can fail may be shared: it goes on and notes which of them
  did, and the expressions that made these are left to the interpreter.

Only what can't fail is hoisted out of its expression's region, so no expression can make another one fail.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from functions.expressions.blocks import Block, Fields, Loop, Nested
from functions.expressions.graph import Graph, Id

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")


@dataclass(slots=True)
class Scope:
    """Where statements are being added, and what is known there.

    Attributes:
        block: Receives the statements.
        place: What a failure does, see the module.
        parent: The scope around it, whose values are visible.
        hoist: The scope that takes what can't fail instead; None inside conditions.
        result: In a region, the variable of the expression's result.
        slow: In a region, the call that leaves the expression to the interpreter.
        failed: In a loop that goes on, the variable of the comparisons that failed.
        known: Variables by the node they hold.
        fields: Reads that can still be joined, by the node of their object.
        loops: Loops that can still be joined.
        branches: Conditions in a loop's body that can still be joined.
    """

    block: Block
    place: Literal["top", "region", "loop"]
    parent: Scope | None = None
    hoist: Scope | None = None
    result: str = ""
    slow: str = ""
    failed: str = ""
    known: dict[Any, str] = field(default_factory=dict)
    fields: dict[Id, Fields] = field(default_factory=dict)
    loops: dict[Any, tuple[Loop, Scope]] = field(default_factory=dict)
    branches: dict[str, Scope] = field(default_factory=dict)

    def find(self, key: Any) -> str | None:
        """Return the variable that holds a node here or around here."""
        scope: Scope | None = self
        while scope is not None:
            if key in scope.known:
                return scope.known[key]
            scope = scope.parent
        return None

    def branch(self, head: str) -> Scope:
        """Open a block under a condition to which later expressions can still add.

        It sees what is known now and not what its surroundings learn later, which will stand behind it.
        """
        found = self.branches.get(head)
        if found is None:
            nested = Nested(head)
            self.block.add(nested)
            found = self.branches[head] = Scope(
                nested.block, self.place, failed=self.failed, known=dict(self.known)
            )
        return found

    def inside(self, head: str) -> Scope:
        """Open a block under a condition; nothing in it is visible outside."""
        nested = Nested(head)
        self.block.add(nested)
        return Scope(nested.block, self.place, self, None, self.result, self.slow, self.failed)


class Names:
    """Hands out variables, constants and imports."""

    def __init__(self) -> None:
        self.constants: dict[str, str] = {}
        self.imports: set[tuple[str, str]] = set()
        self._count = 0

    def variable(self, hint: str) -> str:
        """Return a variable that was not used before, named after `hint` where that is a plain word."""
        self._count += 1
        plain = _IDENTIFIER.fullmatch(hint) and not keyword.iskeyword(hint)
        return f"{hint if plain else 'value'}_{self._count}"

    def constant(self, code: str) -> str:
        """Return the name of a constant of the module, `code` being how it is written in Python."""
        return self.constants.setdefault(code, f"K{len(self.constants) + 1}")

    def helper(self, implementation: Callable[..., Any]) -> str:
        """Return the name of a function, imported by the generated module."""
        self.imports.add((implementation.__module__, implementation.__name__))
        return implementation.__name__


class Emitter:
    """The state that is common to all expressions of one generated function."""

    def __init__(
        self,
        graph: Graph,
        groups: Mapping[tuple[Id, str], tuple[str, ...]],
        emit: Mapping[str, Callable[[Emitter, Id, Scope], str]],
    ) -> None:
        self.graph = graph
        self.groups = groups
        self._emit = emit
        self.names = Names()
        self.top = self.fresh_top(Block())

    def fresh_top(self, block: Block) -> Scope:
        """Return a scope that knows the root only, and shares nothing with what was compiled before."""
        return Scope(block, "top", known={self.graph.root: "root"})

    def value(self, node: Id, scope: Scope) -> str:
        """Return the variable or constant that holds a node's value, adding statements as needed."""
        found = scope.find(node)
        if found is not None:
            return found
        home = scope
        if scope.hoist is not None and not self.graph.fails[node]:
            home = scope.hoist
        held = self._emit[self.graph[node].kind](self, node, home)
        home.known[node] = held
        return held

    def assign(self, scope: Scope, code: str, hint: str = "value") -> str:
        """Add `variable = code` and return the variable."""
        target = self.names.variable(hint)
        scope.block.add(f"{target} = {code}")
        return target

    def checked(self, scope: Scope, code: str, hint: str = "value") -> str:
        """Add an assignment of code that may give a failure, and the way out for that case."""
        if scope.place == "loop":
            return self.assign(scope, f"in_loop({code})", hint)
        target = self.assign(scope, code, hint)
        self.leave_if(scope, f"type({target}) is EvaluationFailure", target)
        return target

    def leave_if(self, scope: Scope, condition: str, failure: str) -> None:
        """Add the way out of an expression when a condition says that it failed."""
        if scope.place == "loop":
            scope.inside(f"if {condition}:").block.add("raise FailedInLoopError")
        else:
            scope.inside(f"if {condition}:").block.add(f"{scope.result} = {failure}", "break")
