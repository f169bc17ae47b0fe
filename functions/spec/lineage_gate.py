"""The lineage gate: from what expressions read, what a function may compute and where it would leave.

Nothing is declared by hand. A feature has every label of what its expression reads, and serves only the
purposes that all of it may serve. What stands guarded in the contract leaves only by an exception of the
spec, and what has no label is not used at all.

Conditions (`decide.when`, eligibility, `as_of`) don't leave, so they may also read who somebody is. They may
not read more about them than features may: what is chosen tells what was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from functions.expressions import Expression
from functions.expressions.paths import Path as DocumentPath
from functions.governance.contract import DataContract, Purpose
from functions.governance.labels import (
    GUARDED,
    IDENTIFYING,
    UNLABELLED,
    LabelMap,
    Reading,
    parse_pattern,
    without_elements,
)
from functions.spec.collecting import Collector, Compiled
from functions.spec.language import Spec
from functions.spec.model_rules import target_of
from functions.spec.plan import ExceptionPlan, Flow, Governance, Way
from functions.spec.source import Path, Source

_DERIVED: Final = "derived"
_NOTICES: Final = "messages about scores to channel"


@dataclass(frozen=True, slots=True)
class Governed:
    """What the gate found out about a spec.

    Attributes:
        labels: Of every feature.
        purposes: That every feature may serve.
        governance: What leaves and to whom, and what may.
    """

    labels: Mapping[str, tuple[str, ...]]
    purposes: Mapping[str, tuple[str, ...]]
    governance: Governance


@dataclass(frozen=True, slots=True)
class _Sink:
    """One way out, and the features that take it."""

    shown: str
    to: Way | None  # None does not leave by itself
    name: str
    features: frozenset[str]
    outputs: bool = False
    direct: tuple[tuple[Compiled, tuple[Reading, ...]], ...] = ()
    ids: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one expression may not do, for all paths that it reads so."""

    code: str
    label: str
    at: Compiled
    paths: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reads:
    """The expressions of a spec by what becomes of their values."""

    features: dict[str, Compiled] = field(default_factory=dict)
    key: Compiled | None = None
    template: list[Compiled] = field(default_factory=list)
    rungs: dict[str, list[Compiled]] = field(default_factory=dict)
    scores: dict[str, Compiled] = field(default_factory=dict)
    notices: dict[str, Compiled] = field(default_factory=dict)
    payloads: dict[str, list[Compiled]] = field(default_factory=dict)
    conditions: list[Compiled] = field(default_factory=list)


class LineageGate:
    """Checks one spec against the contract.

    Args:
        spec: The spec, or what is left of it.
        contract: The contract.
        collector: Has every expression that could be compiled; takes the problems.
        complete: Whether all of the spec is there.
    """

    def __init__(self, spec: Spec, contract: DataContract, collector: Collector, *, complete: bool) -> None:
        self._spec, self._collector, self._complete = spec, collector, complete
        self._contract = contract
        self._purpose: Purpose = contract.purposes[spec.purpose]
        self._labels: LabelMap = contract.labels()
        self._reads = _sorted_out(collector.compiled)
        self._excused: dict[int, set[str]] = {}

    def check(self) -> Governed:
        """Collect what is wrong, and return what leaves."""
        readings = {name: self._readings(one) for name, one in self._reads.features.items()}
        sinks = tuple(self._sinks())
        findings: list[_Finding] = []
        for name, one in self._reads.features.items():
            chains = [sink.shown for sink in sinks if name in sink.features]
            middle = f" → features.{name}"
            findings += self._judge(one, readings[name], [f"{middle} → {end}" for end in chains])
        for sink in sinks:
            for one, found in sink.direct:
                findings += self._judge(one, found, [f" → {sink.shown}"])
        for one in self._reads.conditions:
            findings += self._judge(one, self._readings(one), [], IDENTIFYING)
        for one, way in self._ids():
            findings += self._judge_id(one, way)
        for finding in _grouped(findings):
            self._report(finding)
        self._check_exceptions()
        return self._governed(readings, sinks)

    def _readings(self, one: Compiled) -> tuple[Reading, ...]:
        return self._labels.readings(one.expression.lineage)

    def _judge(
        self,
        one: Compiled,
        readings: Iterable[Reading],
        chains: list[str],
        besides: frozenset[str] = frozenset(),
    ) -> Iterator[_Finding]:
        """Yield what an expression may not read, or not let leave on these ways."""
        for reading in readings:
            code = self._fault(reading, leaves=bool(chains), besides=besides)
            if code is None or (code != "governance.unlabelled" and self._is_excused(reading)):
                continue
            shown = reading.shown
            yield _Finding(code, reading.label, one, (shown,), tuple(f"{shown}{chain}" for chain in chains))

    def _fault(self, reading: Reading, *, leaves: bool, besides: frozenset[str]) -> str | None:
        if reading.label == UNLABELLED:
            return "governance.unlabelled"
        if reading.label in GUARDED and leaves:
            return "governance.leaves"
        if reading.label in besides or self._spec.purpose in self._served_by(reading):
            return None
        return "governance.not_allowed"

    def _ids(self) -> Iterator[tuple[Compiled, str]]:
        """Yield the ids that go with messages, each with its way."""
        if self._reads.key is not None:
            yield self._reads.key, " → id of the profile, which every action carries"
        for channel, told in self._notices().items():
            yield self._reads.notices[told[0]], f" → {_NOTICES} {channel}"

    def _notices(self) -> dict[str, list[str]]:
        """Return the scores that each channel is told."""
        found: dict[str, list[str]] = {}
        for name in self._reads.notices:
            found.setdefault(str(self._spec.write_back[f"scores.{name}"].notify), []).append(name)
        return found

    def _judge_id(self, one: Compiled, way: str) -> Iterator[_Finding]:
        """An id goes with a message whatever its purpose may read, but it must not be a name."""
        readings = self._readings(one)
        told = [reading for reading in readings if reading.label in {*GUARDED, UNLABELLED}]
        yield from self._judge(one, told, [way])

    def _served_by(self, reading: Reading) -> frozenset[str]:
        """Return the purposes that a reading may serve."""
        may = frozenset(
            name for name, purpose in self._contract.purposes.items() if reading.label in purpose.may_read
        )
        return may if reading.purposes is None else may & reading.purposes

    def _is_excused(self, reading: Reading) -> bool:
        path = without_elements(reading.path)
        for index, exception in enumerate(self._spec.exceptions):
            named = _named(exception.reads)
            if named is not None and path[: len(named)] == named:
                self._excused.setdefault(index, set()).add(reading.label)
                return True
        return False

    def _sinks(self) -> Iterator[_Sink]:
        spec, reads = self._spec, self._reads
        if spec.model is not None:
            template = spec.model.request.template
            sent = frozenset(spec.features) if template is None else self._features_of(reads.template)
            target = target_of(spec.model)
            yield _Sink(f"payload of model {target}", "model", target, sent)
        for name, several in reads.rungs.items():
            yield self._sink(f"output {name} when the model does not answer", None, name, several)
        for name, one in reads.scores.items():
            yield self._sink(f"score {name} of the profile", "score", name, [one])
        for channel, told in self._notices().items():
            scores = [reads.scores[name] for name in told if name in reads.scores]
            ids = [reads.notices[name] for name in told[:1]]
            yield self._sink(f"{_NOTICES} {channel}", "channel", channel, scores, ids)
        for name in spec.decide.actions:
            yield self._sink(f"payload of action {name}", "action", name, reads.payloads.get(name, []), [])

    def _sink(
        self,
        shown: str,
        to: Way | None,
        name: str,
        several: list[Compiled],
        ids: list[Compiled] | None = None,
    ) -> _Sink:
        """Return a way out; where `ids` go along, so does the id of the profile."""
        key = [self._reads.key] if ids is not None and self._reads.key is not None else []
        outputs = set(self._spec.model.response) if self._spec.model else set()
        return _Sink(
            shown,
            to,
            name,
            self._features_of(several),
            any(not path or path[0][1:] in outputs for one in several for path in one.expression.lineage),
            tuple((one, self._readings(one)) for one in several),
            tuple(reading for one in (*key, *(ids or ())) for reading in self._readings(one)),
        )

    def _features_of(self, several: Iterable[Compiled]) -> frozenset[str]:
        return frozenset(name for one in several for name in _features_read(one.expression, self._spec))

    def _report(self, finding: _Finding) -> None:
        at, spec = finding.at, self._spec
        source: Source = at.source or self._collector.source
        paths, ways = ", ".join(finding.paths), "; ".join(finding.chains)
        used = f" when {spec.name} uses it" if at.source is not None else ""
        if finding.code == "governance.unlabelled":
            told = "has no label" if len(finding.paths) == 1 else "have no label"
            message = f"{paths} {told} in the data contract, so nothing may use it{used}"
            message += f": {ways}" if ways else ""
            hint = "label it in contract.yaml, or read what has a label"
        elif finding.code == "governance.leaves":
            message = f"{finding.label} data would leave{used}: {ways}"
            hint = "leave it out, or name the path under `exceptions`, with why and who has reviewed it"
        else:
            message = f"the purpose {spec.purpose} may not read {paths} ({finding.label}){used}"
            message += f": {ways}" if ways else ""
            hint = f"it may read {', '.join(self._purpose.may_read) or 'nothing'}; see contract.yaml"
        named = at.path[0] == "write_back" and at.path[-1] == "notify"  # a name stands there, not the path
        offset, length = (0, 0) if named else _place(finding.paths[0], at.expression.source)
        self._collector.found(
            source.problem(at.path, finding.code, message, hint=hint, offset=offset, length=length)
        )

    def _check_exceptions(self) -> None:
        for index, exception in enumerate(self._spec.exceptions):
            named, place = _named(exception.reads), ("exceptions", index, "reads")
            if named is None:
                message = "an exception names one path below `profile` or `event`, without `*`"
                self._collector.add(place, "governance.exception", message)
            elif self._complete and index not in self._excused:
                message = (
                    f"nothing needs this exception: no expression reads guarded data at {exception.reads}"
                )
                self._collector.add(place, "governance.exception", message, "leave it out")

    def _governed(self, readings: Mapping[str, tuple[Reading, ...]], sinks: tuple[_Sink, ...]) -> Governed:
        labels = {name: _labels_of(found) for name, found in readings.items()}
        every = frozenset(self._contract.purposes)
        purposes = {
            name: tuple(sorted(every.intersection(*map(self._served_by, found))))
            for name, found in readings.items()
        }
        excused = {label for found in self._excused.values() for label in found}
        may_leave = {*self._purpose.may_read, _DERIVED} - GUARDED | excused
        governance = Governance(
            may_leave=tuple(sorted(may_leave)),
            flows=tuple(self._flow(sink, sink.to, labels) for sink in sinks if sink.to is not None),
            exceptions=tuple(
                ExceptionPlan(
                    one.reads, tuple(sorted(self._excused.get(index, ()))), one.because, one.reviewed_by
                )
                for index, one in enumerate(self._spec.exceptions)
            ),
            on_hit=self._contract.detector.on_hit,
            keep_decisions=self._purpose.retention.decisions,
        )
        return Governed(labels, purposes, governance)

    def _flow(self, sink: _Sink, to: Way, labels: Mapping[str, tuple[str, ...]]) -> Flow:
        """Return what takes one way out; a message also carries ids."""
        direct = tuple(reading for _, found in sink.direct for reading in found)
        told = {label for name in sink.features for label in labels.get(name, ())}
        told |= {reading.label for reading in (*direct, *sink.ids)}
        told |= {_DERIVED} if sink.outputs else set()
        return Flow(
            to=to,
            name=sink.name,
            features=tuple(name for name in self._spec.features if name in sink.features),
            reads=tuple(dict.fromkeys(reading.shown for reading in direct)),
            outputs=sink.outputs,
            labels=tuple(sorted(told)),
        )


def _sorted_out(compiled: Iterable[Compiled]) -> _Reads:
    """Sort expressions by where they stand; what is not known here is a condition."""
    reads = _Reads()
    for one in compiled:
        section, name = one.path[0], str(one.path[1]) if len(one.path) > 1 else ""
        if section == "model":
            _sort_model(reads, one)
        elif section == "features" and one.path[2:] == ("from",):
            reads.features[name] = one
        elif one.path == ("profile", "key"):
            reads.key = one
        elif section == "write_back":
            found = reads.notices if one.path[2:] == ("notify",) else reads.scores
            found[name.removeprefix("scores.")] = one
        elif section == "actions" and one.path[2:3] == ("payload",):
            reads.payloads.setdefault(name, []).append(one)
        else:
            reads.conditions.append(one)
    return reads


def _sort_model(reads: _Reads, one: Compiled) -> None:
    """Sort an expression of the model section; those of the reply read another document."""
    match one.path[1:]:
        case ("request", *_):
            reads.template.append(one)
        case ("fallback", _, name):
            reads.rungs.setdefault(str(name), []).append(one)


def _features_read(expression: Expression, spec: Spec) -> Iterator[str]:
    for path in expression.lineage:
        if not path or path[0] == ".features":
            named = path[1][1:] if len(path) > 1 and path[1].startswith(".") else None
            yield from spec.features if named is None else (named,)


def _named(text: str) -> DocumentPath | None:
    """Return the path of an exception; None where it is none, or names too much."""
    root, _, rest = text.partition(".")
    if root not in ("profile", "event") or not rest or "*" in rest:
        return None
    try:
        return parse_pattern(root, rest)
    except ValueError:
        return None


def _grouped(findings: Iterable[_Finding]) -> Iterator[_Finding]:
    """Yield one finding for each expression, code and label, with all its paths."""
    groups: dict[tuple[str, str, Path, str], list[_Finding]] = {}
    for one in findings:
        groups.setdefault((one.code, one.label, one.at.path, one.at.expression.source), []).append(one)
    for (code, label, _, _), several in groups.items():
        yield _Finding(
            code,
            label,
            several[0].at,
            tuple(dict.fromkeys(path for one in several for path in one.paths)),
            tuple(dict.fromkeys(chain for one in several for chain in one.chains)),
        )


def _labels_of(readings: Iterable[Reading]) -> tuple[str, ...]:
    return tuple(sorted({reading.label for reading in readings}))


def _place(path: str, text: str) -> tuple[int, int]:
    """Return offset and length of a path in an expression, or of the part of it that stands there."""
    shown = path
    while shown:
        offset = text.find(shown)
        if offset >= 0:
            return offset, len(shown)
        shown = shown.removesuffix("[]") if shown.endswith("[]") else shown.rpartition(".")[0]
    return 0, max(1, len(text))


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
