"""What can still be checked of a spec that has faults of shape, so that its author sees everything at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from functions.documents import Json
from functions.spec.language import Spec
from functions.spec.source import Path

# Stand in for required keys; what is found wrong at these places is not the author's.
_PLACEHOLDERS: Final[Mapping[str, Json]] = {
    "version": 1,
    "name": "unnamed",
    "owner": "unknown",
    "description": "unknown",
    "purpose": "unknown",
    "trigger": {},
}
_PATTERN: Final = {"source": ["unknown"]}


@dataclass(frozen=True, slots=True)
class Salvage:
    """The parts of a spec that are not at fault.

    Attributes:
        spec: Made of these parts.
        cut: Paths of the parts that are missing in it; whatever is said about them is not to be reported.
        outputs_known: Whether the names of the model's outputs are all there.
        feature_names: Of all features, also those that were cut; None where even that is not known.
    """

    spec: Spec
    cut: frozenset[Path]
    outputs_known: bool
    feature_names: frozenset[str] | None


def salvage(data: Json, faults: Iterable[Path]) -> Salvage | None:
    """Leave out the parts that are at fault; None when nothing is left to check."""
    if not isinstance(data, dict):
        return None
    cut = {_part(path) for path in faults if path}
    kept = _without(data, cut)
    for key, value in _PLACEHOLDERS.items():
        if key not in kept:
            kept[key] = value
            cut.add((key,))
    if isinstance(kept["trigger"], dict) and "event_pattern" not in kept["trigger"]:
        kept["trigger"] = {**kept["trigger"], "event_pattern": _PATTERN}
        cut.add(("trigger", "event_pattern"))
    try:
        spec = Spec.model_validate(kept)
    except ValidationError:
        return None
    features = data.get("features", {})
    # A key that is not known may be a known one misspelt, with all that stands under it.
    misspelt = any(len(path) == 1 and path[0] not in Spec.model_fields for path in cut)
    return Salvage(
        spec=spec,
        cut=frozenset(cut),
        outputs_known=("model",) not in cut and not misspelt,
        feature_names=frozenset(features) if isinstance(features, dict) and not misspelt else None,
    )


def _part(path: Path) -> Path:
    """Return the smallest part around a fault that means something without the rest."""
    return path[:1] if path[0] == "model" else path[:2]


def _without(data: Mapping[str, Any], cut: Iterable[Path]) -> dict[str, Any]:
    kept = dict(data)
    for path in sorted(cut, key=len):
        section = kept.get(str(path[0]))
        if len(path) == 1:
            kept.pop(str(path[0]), None)
        elif isinstance(section, dict):
            kept[str(path[0])] = {key: value for key, value in section.items() if key != path[1]}
    return kept
