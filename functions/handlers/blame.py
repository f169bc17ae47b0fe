"""Whose fault a failure is. A record is parked for faults of its own; what an operator has to mend, it waits for."""

from __future__ import annotations

from typing import Final

from functions.errors import (
    DependencyError,
    ModelDeniedError,
    ProfileStoreError,
    SettingsError,
    StoreDeniedError,
)

OPERATORS: Final = frozenset(
    error.code
    for error in (DependencyError, ProfileStoreError, StoreDeniedError, ModelDeniedError, SettingsError)
)
"""Codes of failures that every record would meet: a right, a table, an endpoint or a setting that is not there.

Whoever parked a record for them would empty a whole queue into the dead-letter queue at once. What an adapter can
not tell apart (`store.failed`) counts as well: a record that waits is found again, one that is out of its order is
not.
"""


def is_operators(code: str | None) -> bool:
    """Say whether a failure is no fault of the record."""
    return code in OPERATORS
