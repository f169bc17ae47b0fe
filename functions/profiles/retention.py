"""How long a store keeps what has ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

SCORE_GRACE: Final = timedelta(days=30)
"""A score outlives its expiry this long, so that a late delivery of an older event can't replace it.

As long as decisions are kept, which is longer than any queue holds an event.
"""
