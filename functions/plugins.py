"""Classes by kind: a frozen table for ours, a dotted path for a user's own."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from functions.errors import SettingsError

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def load_kind(kind: str, table: Mapping[str, str], *, where: str) -> Callable[..., Any]:
    """Import the class of a kind, and no other.

    Args:
        kind: A key of the table, or `package.module:Class`.
        table: Kind to `package.module:Class`.
        where: Names the owner in errors.

    Raises:
        SettingsError: The kind is unknown, or its class can't be imported.
    """
    path = table.get(kind, kind)
    if not _DOTTED.fullmatch(path):
        close = difflib.get_close_matches(kind, table, n=1)
        raise SettingsError(
            f"{where}: there is no kind {kind!r}",
            hint=f"Did you mean {close[0]}?"
            if close
            else f"Use {', '.join(table)}, or package.module:Class.",
        )
    module_name, _, class_name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"{where}: {path} can't be imported") from error
    if not callable(found):
        raise SettingsError(f"{where}: {path} is no class")
    return found  # type: ignore[no-any-return]
