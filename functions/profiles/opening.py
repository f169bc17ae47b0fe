"""From the address of a store to the store: the kinds that ship, or a class of the user's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from functions.errors import SettingsError
from functions.profiles.feedback import FeedbackStore
from functions.profiles.operator_documents import OperatorStore
from functions.profiles.store import ProfileStore


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3_600:
        raise ValueError("seconds are between 0 and 3600")
    return seconds


def _milliseconds(text: str) -> int:
    milliseconds = int(text)
    if not 1 <= milliseconds <= 60_000:
        raise ValueError("milliseconds are between 1 and 60,000")
    return milliseconds


@dataclass(frozen=True, slots=True)
class StoreKind:
    """One kind of store.

    Attributes:
        target: `module:Class`, imported when a store of the kind is opened.
        documents: The class for shared documents at the same address.
        feedback: The class for trials, responses and counters at the same address.
        form: What an address looks like, for errors.
        address: What stands between the kind and the options; its group, if any, is the first argument.
        options: What may follow a `?`, and how each is read.
    """

    target: str
    documents: str
    feedback: str
    form: str
    address: re.Pattern[str]
    options: Mapping[str, Callable[[str], object]]


KINDS: Final[Mapping[str, StoreKind]] = MappingProxyType(
    {
        "memory": StoreKind(
            target="functions.profiles.memory:MemoryProfileStore",
            documents="functions.profiles.memory_operator:MemoryOperatorStore",
            feedback="functions.profiles.memory_feedback:MemoryFeedbackStore",
            form="memory:",
            address=re.compile(""),
            options=MappingProxyType({}),
        ),
        "sqlite": StoreKind(
            target="functions.profiles.sqlite:SqliteProfileStore",
            documents="functions.profiles.sqlite_operator:SqliteOperatorStore",
            feedback="functions.profiles.sqlite_feedback:SqliteFeedbackStore",
            form="sqlite:///folder/file.db, or sqlite:////folder/file.db from the root",
            address=re.compile("///(.+)"),
            options=MappingProxyType({"busy_timeout_s": _seconds}),
        ),
        "dynamodb": StoreKind(
            target="functions.profiles.dynamodb:DynamoProfileStore",
            documents="functions.profiles.dynamodb_operator:DynamoOperatorStore",
            feedback="functions.profiles.dynamodb_feedback:DynamoFeedbackStore",
            form="dynamodb:table-name",
            # Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
            address=re.compile("([a-zA-Z0-9_.-]{3,255})"),
            options=MappingProxyType({"region": str, "endpoint_url": str, "budget_ms": _milliseconds}),
        ),
    }
)
"""The kinds of stores by the first word of their address."""

_OWN_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+:[A-Za-z_]\w*")


def open_store(url: str) -> ProfileStore:
    """Open the store that an address names.

    Args:
        url: `memory:`, `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`, `dynamodb:table`, or
            `package.module:Class` of the user's own. Options follow a `?`: `sqlite:///x.db?busy_timeout_s=1`,
            `dynamodb:table?region=eu-central-1`; those of an own class are passed to it as keyword
            arguments, as text.

    Raises:
        SettingsError: No kind has that name, the address has another form, or the class can't be
            imported or does not take the options. The address is not repeated, since it may hold a password.
    """
    return cast(ProfileStore, _opened(url, lambda kind: kind.target))


def open_operator_store(url: str) -> OperatorStore | None:
    """Open the store of shared documents at the address of a profile store.

    Args:
        url: As `open_store` takes it. A class of the user's own keeps such documents when it has the methods
            of `OperatorStore`.

    Returns:
        None for a class of the user's own that keeps none.

    Raises:
        SettingsError: As `open_store`.
    """
    made = _having(OperatorStore, _opened(url, lambda kind: kind.documents))
    return cast(OperatorStore | None, made)


def open_feedback_store(url: str) -> FeedbackStore | None:
    """Open the store of trials, responses and counters at the address of a profile store.

    Args:
        url: As `open_store` takes it. A class of the user's own keeps such records when it has the methods
            of `FeedbackStore`.

    Returns:
        None for a class of the user's own that keeps none.

    Raises:
        SettingsError: As `open_store`.
    """
    made = _having(FeedbackStore, _opened(url, lambda kind: kind.feedback))
    return cast(FeedbackStore | None, made)


def _having(protocol: type, made: Any) -> Any:
    """Return a store that has the methods of a protocol; close it and return None when it has not."""
    methods = [name for name in vars(protocol) if not name.startswith("_")]
    if all(callable(getattr(made, method, None)) for method in methods):
        return made
    made.close()
    return None


def _opened(url: str, target: Callable[[StoreKind], str]) -> Any:
    address, _, query = url.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    name, colon, rest = address.partition(":")
    if name in KINDS and colon:
        kind = KINDS[name]
        return _made(target(kind), _arguments(kind, rest), _options(name, kind, options))
    if _OWN_CLASS.fullmatch(address):
        return _made(address, (), options)
    raise _unknown(name)


def _arguments(kind: StoreKind, rest: str) -> tuple[str, ...]:
    match = kind.address.fullmatch(rest)
    if match is None:
        raise SettingsError(f"the address of this store has the form {kind.form}")
    return match.groups()


def _options(name: str, kind: StoreKind, given: Mapping[str, str]) -> dict[str, object]:
    unknown = sorted(set(given) - set(kind.options))
    if unknown:
        known = ", ".join(kind.options) or "none"
        raise SettingsError(f"a store of kind {name} has options that are not known; it takes: {known}")
    try:
        return {option: kind.options[option](text) for option, text in given.items()}
    except ValueError:
        raise SettingsError(f"an option of a store of kind {name} has a value that can't be read") from None


def _made(target: str, arguments: tuple[str, ...], options: Mapping[str, object]) -> Any:
    module_name, _, class_name = target.partition(":")
    try:
        made: Callable[..., Any] = getattr(import_module(module_name), class_name)
    except ImportError as error:
        raise SettingsError(f"the store {target} can't be imported: module {error.name} fails") from error
    except AttributeError as error:
        raise SettingsError(f"the module {module_name} has no {class_name}") from error
    try:
        return made(*arguments, **options)
    except TypeError:
        raise SettingsError(f"the store {target} does not take these options") from None


def _unknown(name: str) -> SettingsError:
    close = get_close_matches(name, KINDS, n=1)
    hint = f"Did you mean {KINDS[close[0]].form}?" if close else None
    forms = "; ".join(kind.form for kind in KINDS.values())
    return SettingsError(f"no kind of store has that name; known: {forms}; package.module:Class", hint=hint)
