"""How long scores of a spec may live, as the data contract bounds them."""

from __future__ import annotations

from functions.governance.contract import Purpose
from functions.spec.collecting import Collector
from functions.spec.language import Spec
from functions.spec.source import Path


def check_retention(spec: Spec, purpose: Purpose, collector: Collector) -> None:
    """Collect scores that would live longer than their purpose lets them."""
    longest = purpose.retention.scores
    if longest is None:
        return
    for target, section in spec.write_back.items():
        path: Path = ("write_back", target, "expires_after")
        if section.expires_after is None:
            message = f"{target} never expires; the purpose {spec.purpose} bounds the life of its scores"
            collector.add(("write_back", target), "governance.retention", message, "give `expires_after`")
        elif section.expires_after > longest:
            message = f"{target} lives longer than the purpose {spec.purpose} lets its scores live"
            collector.add(path, "governance.retention", message)
