"""How long what a decision leaves behind is kept at the least."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

KEEP_DECISIONS: Final = timedelta(days=30)
"""Longer than any queue and dead-letter queue keep an event, so that no redelivery decides twice."""
