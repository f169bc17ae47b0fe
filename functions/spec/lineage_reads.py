"""What a spec reads, sorted by what becomes of it: features, payloads, scores, rungs, ids and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from functions.documents import Json
from functions.expressions.paths import How, Reads, key
from functions.expressions.paths import Path as DocumentPath
from functions.spec.collecting import Compiled
from functions.spec.language import Spec
from functions.spec.pattern_rules import asked_fields
from functions.spec.source import Path, Source


@dataclass(frozen=True, slots=True)
class Use:
    """What is read at one place: by an expression, or by a field of an event pattern.

    Attributes:
        at: The place.
        reads: What is read.
        text: What stands there, to show the path in it.
        source: The shared document that it stands in; None for the spec.
    """

    at: Path
    reads: Reads
    text: str
    source: Source | None = None

    def features(self, spec: Spec) -> Iterator[str]:
        """Yield the features that are read."""
        for path in self._telling():
            if not path or path[0] in (key("features"), "*"):
                named = path[1][1:] if len(path) > 1 and path[1].startswith(".") else None
                yield from spec.features if named is None else (named,)

    def outputs(self, spec: Spec) -> Iterator[str]:
        """Yield the outputs of the model that are read."""
        for name in spec.model.response if spec.model is not None else ():
            if any(not path or path[0] in (key(name), "*") for path in self._telling()):
                yield name

    def _telling(self) -> Iterator[DocumentPath]:
        """Yield what is read, but for that the document and its features are objects, as a list of values asks."""
        for path, how in self.reads.items():
            if how >= How.SIZE or path not in ((), (key("features"),)):
                yield path


@dataclass(slots=True)
class SpecReads:
    """The uses of a spec by what becomes of their values."""

    features: dict[str, list[Use]] = field(default_factory=dict)
    key: Use | None = None
    template: list[Use] = field(default_factory=list)
    rungs: dict[str, list[Use]] = field(default_factory=dict)
    scores: dict[str, Use] = field(default_factory=dict)
    notices: dict[str, Use] = field(default_factory=dict)
    payloads: dict[str, list[Use]] = field(default_factory=dict)
    conditions: list[Use] = field(default_factory=list)
    trigger: list[Use] = field(default_factory=list)


def sorted_reads(spec: Spec, compiled: Iterable[Compiled]) -> SpecReads:
    """Sort what a spec reads by where it stands; what is not known here is a condition."""
    reads = SpecReads(trigger=list(_trigger(spec.trigger.event_pattern)))
    for one in compiled:
        use = Use(one.path, one.expression.lineage, one.expression.source, one.source)
        section, name = one.path[0], str(one.path[1]) if len(one.path) > 1 else ""
        if section == "model":
            _sort_model(reads, use)
        elif section == "features":  # the instant of a value decides whether it leaves
            reads.features.setdefault(name, []).append(use)
        elif one.path == ("profile", "key"):
            reads.key = use
        elif section == "write_back":
            found = reads.notices if one.path[2:] == ("notify",) else reads.scores
            found[name.removeprefix("scores.")] = use
        elif section == "actions" and one.path[2:3] == ("payload",):
            reads.payloads.setdefault(name, []).append(use)
        else:
            reads.conditions.append(use)
    return reads


def _sort_model(reads: SpecReads, use: Use) -> None:
    """Sort an expression of the model section; those of the reply read another document."""
    match use.at[1:]:
        case ("request", *_):
            reads.template.append(use)
        case ("fallback", _, name):
            reads.rungs.setdefault(str(name), []).append(use)


def _trigger(pattern: Json) -> Iterator[Use]:
    for place, names in asked_fields(pattern, ("trigger", "event_pattern")):
        path = (key("event"), *(key(name) for name in names))
        yield Use(place, {path: How.VALUE}, "")
