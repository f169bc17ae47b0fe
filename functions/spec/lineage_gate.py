"""The lineage gate: from what expressions read, what a function may compute and where it would leave.

Nothing is declared by hand. A feature has every label of what its expression reads, and serves only the
purposes that all of it may serve. What stands guarded in the contract leaves only by an exception of the
spec, and what has no label is not used at all.

Conditions (the trigger, `decide.when`, eligibility) don't leave, so they may also read who somebody is. They may
not read more about them than features may: what is chosen tells what was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from functions.governance.contract import DataContract, Purpose
from functions.governance.labels import GUARDED, UNLABELLED, Reading
from functions.spec.collecting import Collector
from functions.spec.language import Spec
from functions.spec.lineage_exceptions import Exceptions
from functions.spec.lineage_reads import Use, sorted_reads
from functions.spec.lineage_ways import End, Ways
from functions.spec.plan import Governance
from functions.spec.source import Path


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
class _Finding:
    """What one use may not do, for all paths that it reads so."""

    code: str
    label: str
    use: Use
    paths: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()


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
        self._labels = contract.labels()
        self._reads = sorted_reads(spec, collector.compiled)
        self._ways = Ways(spec, self._reads, self._labels)
        self._exceptions = Exceptions(spec.exceptions)

    def check(self) -> Governed:
        """Collect what is wrong, and return what leaves."""
        findings = [finding for use, ends in self._ways.uses() for finding in self._judge(use, ends)]
        for finding in _grouped(findings):
            self._report(finding)
        for place, message, hint in self._exceptions.problems(complete=self._complete):
            self._collector.add(place, "governance.exception", message, hint)
        return self._governed()

    def _judge(self, use: Use, ends: Iterable[End]) -> Iterator[_Finding]:
        """Yield what may not be read, or may not come to one of its ends."""
        ends = tuple(ends)
        for reading in self._labels.readings(use.reads):
            for end in ends:
                code = self._fault(reading, end)
                if code is None:
                    continue
                if code == "governance.unlabelled" or not self._exceptions.excuse(reading, end.way):
                    chains = (f"{reading.shown}{end.shown}",) if end.shown else ()
                    yield _Finding(code, reading.label, use, (reading.shown,), chains)

    def _fault(self, reading: Reading, end: End) -> str | None:
        if end.told is not None and reading.label not in end.told:
            return None
        if reading.label == UNLABELLED:
            return "governance.unlabelled"
        if reading.label in GUARDED and end.leaves:
            return "governance.leaves"
        if reading.label in end.besides or self._spec.purpose in self._served_by(reading):
            return None
        return "governance.not_allowed"

    def _served_by(self, reading: Reading) -> frozenset[str]:
        """Return the purposes that a reading may serve."""
        may = frozenset(
            name for name, purpose in self._contract.purposes.items() if reading.label in purpose.may_read
        )
        return may if reading.purposes is None else may & reading.purposes

    def _report(self, finding: _Finding) -> None:
        use, spec = finding.use, self._spec
        source = use.source or self._collector.source
        paths, ways = ", ".join(finding.paths), "; ".join(finding.chains)
        used = f" when {spec.name} uses it" if use.source is not None else ""
        if finding.code == "governance.unlabelled":
            told = "has no label" if len(finding.paths) == 1 else "have no label"
            message = f"{paths} {told} in the data contract, so nothing may use it{used}"
            message += f": {ways}" if ways else ""
            hint = self._labels.remedy(finding.paths[0])
        elif finding.code == "governance.leaves":
            message = f"{finding.label} data would leave{used}: {ways}"
            hint = "leave it out, or name the path under `exceptions`, for its ways out, with why and who has reviewed it"
        else:
            message = f"the purpose {spec.purpose} may not read {paths} ({finding.label}){used}"
            message += f": {ways}" if ways else ""
            hint = f"it may read {', '.join(self._purpose.may_read) or 'nothing'}; see contract.yaml"
        offset, length = _place(finding)
        self._collector.found(
            source.problem(use.at, finding.code, message, hint=hint, offset=offset, length=length)
        )

    def _governed(self) -> Governed:
        readings = {
            name: tuple(one for use in uses for one in self._labels.readings(use.reads))
            for name, uses in self._reads.features.items()
        }
        labels = {name: tuple(sorted({one.label for one in found})) for name, found in readings.items()}
        every = frozenset(self._contract.purposes)
        purposes = {
            name: tuple(sorted(every.intersection(*map(self._served_by, found))))
            for name, found in readings.items()
        }
        may_leave = {*self._purpose.may_read, "derived"} - GUARDED | self._exceptions.excused("model")
        governance = Governance(
            may_leave=tuple(sorted(may_leave)),
            flows=self._ways.flows(labels),
            exceptions=self._exceptions.plans(),
            on_hit=self._contract.detector.on_hit,
            keep_decisions=self._purpose.retention.decisions,
        )
        return Governed(labels, purposes, governance)


def _grouped(findings: Iterable[_Finding]) -> Iterator[_Finding]:
    """Yield one finding for each expression, code and label, with all its paths."""
    groups: dict[tuple[str, str, Path, str], list[_Finding]] = {}
    for one in findings:
        groups.setdefault((one.code, one.label, one.use.at, one.use.text), []).append(one)
    for (code, label, _, _), several in groups.items():
        yield _Finding(
            code,
            label,
            several[0].use,
            tuple(dict.fromkeys(path for one in several for path in one.paths)),
            tuple(dict.fromkeys(chain for one in several for chain in one.chains)),
        )


def _place(finding: _Finding) -> tuple[int, int]:
    """Return offset and length of a path in an expression, or of the part of it that stands there."""
    at, text, shown = finding.use.at, finding.use.text, finding.paths[0]
    if at[0] == "trigger" or (at[0] == "write_back" and at[-1] == "notify"):
        return 0, 0  # a name or a list stands there, and not the path
    while shown:
        offset = text.find(shown)
        if offset >= 0:
            return offset, len(shown)
        shown = shown.removesuffix("[]") if shown.endswith("[]") else shown.rpartition(".")[0]
    return 0, max(1, len(text))
