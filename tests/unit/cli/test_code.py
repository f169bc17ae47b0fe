"""`functions explain --code` shows the Python that computes the features, and it computes them."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any


def test_the_code_that_is_shown_computes_the_features(
    functions: Callable[..., CompletedProcess[str]],
) -> None:
    done = functions("explain", "churn-retention", "--code")

    assert done.returncode == 0
    assert "# frequency: profile.orders.count" in done.stdout
    namespace: dict[str, Any] = {}
    exec(compile(done.stdout, "shown", "exec"), namespace)
    orders = {"count": 3, "revenue": 20.5, "last_at": "2026-11-01T00:00:00Z"}
    document = {"profile": {"orders": orders}, "now": "2026-11-02T12:00:00.000Z"}
    assert namespace["evaluate"](document) == {"recency_days": 1.5, "frequency": 3, "lifetime_value": 20.5}
