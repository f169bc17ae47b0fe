"""The tree of errors: codes are public, unique and dotted, and every error knows who must act."""

from __future__ import annotations

import importlib
import re

import pytest

from functions.errors import (
    DependencyError,
    EventError,
    FeatureError,
    FunctionsError,
    UnhandledRecordError,
    every_error,
)

importlib.import_module("functions.spec.problems")
OURS = [found for found in every_error() if found.__module__.startswith("functions.")]


def test_every_code_is_unique_and_dotted() -> None:
    codes = [error.code for error in OURS]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(\.[a-z_]+)?", code)] == []
    assert [code for code in codes if "." not in code] == ["internal"]


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_error_declares_who_must_act_and_has_a_docstring_of_its_own(error: type[FunctionsError]) -> None:
    assert error.who in ("author", "operator", "sender")
    assert error.__doc__
    assert isinstance(error.retryable, bool)


def test_only_dependencies_can_be_retried() -> None:
    others = {error for error in OURS if error.retryable and not issubclass(error, DependencyError)}

    # Stands for whatever kept a record of a batch from being dealt with.
    assert others == {UnhandledRecordError}
    assert sorted(error.code for error in OURS if error.retryable) == [
        "action.ambiguous",
        "action.throttled",
        "action.unavailable",
        "handler.unhandled",
        "model.throttled",
        "model.timeout",
        "model.unavailable",
        "operation.unavailable",
        "store.contended",
        "store.full",
        "store.throttled",
        "store.unavailable",
    ]


def test_events_are_the_senders_and_features_the_authors() -> None:
    assert {error.who for error in every_error(EventError)} == {"sender"}
    assert {error.who for error in every_error(FeatureError)} == {"author"}
    assert {error.who for error in every_error(DependencyError)} == {"operator"}


def test_error_keeps_its_message_and_hint() -> None:
    error = FunctionsError("it is broken", hint="mend it")
    assert (error.message, str(error), error.hint) == ("it is broken", "it is broken", "mend it")
    assert FunctionsError("x").hint is None
