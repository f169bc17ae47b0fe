"""What one send of a channel may take: what leases and the time that is left are reckoned with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.errors import SettingsError
from functions.outbound.options import seconds_option

if TYPE_CHECKING:
    from functions.spec.plan import ChannelPlan

DEFAULT_TIMEOUT_S: Final = 5.0
"""Wall time of one delivery, in seconds, where a channel does not say."""

_LOCAL: Final[Mapping[str, float]] = MappingProxyType({"memory": 0.0, "response": 0.0, "file": 1.0})
"""Kinds that call nobody."""


def send_timeout_s(plan: ChannelPlan | None) -> float:
    """Return the most that one send takes, in seconds.

    A class of your own is taken at its word where it has an option `timeout`, else for as patient as ours.
    """
    if plan is None:
        return 0.0
    if plan.kind in _LOCAL:
        return _LOCAL[plan.kind]
    try:
        return seconds_option(plan.options.get("timeout"), default=DEFAULT_TIMEOUT_S, where="timeout")
    except SettingsError:
        return DEFAULT_TIMEOUT_S  # what the channel makes of its option is its own affair
