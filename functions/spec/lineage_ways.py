"""The ways out of a function: what takes each of them, and where a value that is read comes to its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from functions.expressions.paths import key
from functions.governance.labels import GUARDED, IDENTIFYING, UNLABELLED, LabelMap, Reading
from functions.spec.language import Spec
from functions.spec.lineage_reads import SpecReads, Use
from functions.spec.model_rules import target_of
from functions.spec.plan import Flow, Way

_DERIVED: Final = "derived"
_NOTICES: Final = "messages about scores to channel"
_CONDITION: Final = " → a condition"

_KINDS: Final = frozenset((key("event"), key(name)) for name in ("id", "name", "type", "time", "source"))
"""Fields that tell which kind of event it is; a trigger may ask for them whatever its purpose reads."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a value comes to its end.

    Attributes:
        way: The way out that an exception has to name; None for any.
        shown: The steps to it from the path, in writing.
        leaves: Whether the value itself leaves.
        besides: Labels that may come here whatever the purpose reads.
        told: The only labels that are looked at; None for all.
    """

    way: Way | None
    shown: str
    leaves: bool = True
    besides: frozenset[str] = frozenset()
    told: frozenset[str] | None = None


# What is chosen tells what was asked, so what a condition reads takes the way of actions.
_ASKED: Final = End("action", "", leaves=False, besides=IDENTIFYING)
_NOWHERE: Final = End(None, "", leaves=False)


@dataclass(frozen=True, slots=True)
class Sink:
    """One way out, and what takes it.

    Attributes:
        shown: What it is, in writing.
        to: Which way.
        name: Of the model, the score, the channel or the action.
        features: Features that take it.
        outputs: Outputs of the model that do.
        direct: What else is read on it.
        ids: Readings of the ids that go along.
    """

    shown: str
    to: Way
    name: str
    features: frozenset[str]
    outputs: frozenset[str] = frozenset()
    direct: tuple[Use, ...] = ()
    ids: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rung:
    """What stands in for an output when the model does not answer, and where that output comes to its end."""

    uses: tuple[Use, ...]
    features: frozenset[str]
    ends: tuple[End, ...]


class Ways:
    """Every way out of one spec.

    Args:
        spec: The spec, or what is left of it.
        reads: What it reads.
        labels: Of the contract.
    """

    def __init__(self, spec: Spec, reads: SpecReads, labels: LabelMap) -> None:
        self._spec, self._reads, self._labels = spec, reads, labels
        conditions = reads.conditions
        self._asked_features = self._features_of(conditions)
        self._asked_outputs = self._outputs_of(conditions)
        self._sinks = tuple(self._all_sinks())
        self._rungs = {name: self._rung(name, uses) for name, uses in reads.rungs.items()}

    def uses(self) -> Iterator[tuple[Use, tuple[End, ...]]]:
        """Yield everything that is read, with where it comes to its end."""
        for name, uses in self._reads.features.items():
            ends = tuple(self._ends_of_feature(name))
            ends = ends if any(end.leaves for end in ends) else (*ends, _NOWHERE)
            yield from ((use, ends) for use in uses)
        for sink in self._sinks:
            yield from ((use, (End(sink.to, f" → {sink.shown}"),)) for use in sink.direct)
        for rung in self._rungs.values():
            yield from ((use, rung.ends) for use in rung.uses)
        yield from ((use, (_ASKED,)) for use in self._reads.conditions)
        for use in self._reads.trigger:
            kind = _KINDS.issuperset(use.reads)
            yield (
                use,
                (End("action", "", leaves=False, besides=IDENTIFYING | {"behavioral"}) if kind else _ASKED,),
            )
        yield from self._ids()

    def flows(self, labels: Mapping[str, Iterable[str]]) -> tuple[Flow, ...]:
        """Return what takes each way out.

        Args:
            labels: Of every feature.
        """
        return tuple(self._flow(sink, labels) for sink in self._sinks)

    def _ends_of_feature(self, name: str) -> Iterator[End]:
        step = f" → features.{name}"
        for sink in self._sinks:
            if name in sink.features:
                yield End(sink.to, f"{step} → {sink.shown}")
        for rung in self._rungs.values():
            if name in rung.features:
                yield from (End(end.way, f"{step}{end.shown}", end.leaves, end.besides) for end in rung.ends)
        if name in self._asked_features:
            yield End("action", f"{step}{_CONDITION}", leaves=False, besides=IDENTIFYING)

    def _rung(self, output: str, uses: list[Use]) -> _Rung:
        step = f" → output {output} when the model does not answer"
        ends = [End("model", step)]
        ends += [End(sink.to, f"{step} → {sink.shown}") for sink in self._sinks if output in sink.outputs]
        if output in self._asked_outputs:
            ends.append(End("action", f"{step}{_CONDITION}", leaves=False, besides=IDENTIFYING))
        return _Rung(tuple(uses), self._features_of(uses), tuple(ends))

    def _ids(self) -> Iterator[tuple[Use, tuple[End, ...]]]:
        """Yield the ids that go with messages: whatever the purpose may read, but they must not be names."""
        told = frozenset({*GUARDED, UNLABELLED})
        notices = self._notices()
        if self._reads.key is not None:
            ways: list[Way | None] = ["action"] if self._spec.decide.actions else []
            ways += ["channel"] if notices else []
            shown = " → id of the profile, which every action carries"
            yield self._reads.key, tuple(End(way, shown, told=told) for way in ways or [None])
        for channel, names in notices.items():
            yield self._reads.notices[names[0]], (End("channel", f" → {_NOTICES} {channel}", told=told),)

    def _notices(self) -> dict[str, list[str]]:
        """Return the scores that each channel is told."""
        found: dict[str, list[str]] = {}
        for name in self._reads.notices:
            found.setdefault(str(self._spec.write_back[f"scores.{name}"].notify), []).append(name)
        return found

    def _all_sinks(self) -> Iterator[Sink]:
        spec, reads = self._spec, self._reads
        if spec.model is not None:
            template = spec.model.request.template
            sent = frozenset(spec.features) if template is None else self._features_of(reads.template)
            target = target_of(spec.model)
            yield Sink(f"payload of model {target}", "model", target, sent)
        for name, one in reads.scores.items():
            yield self._sink(f"score {name} of the profile", "score", name, [one])
        for channel, told in self._notices().items():
            scores = [reads.scores[name] for name in told if name in reads.scores]
            ids = [reads.notices[name] for name in told[:1]]
            yield self._sink(f"{_NOTICES} {channel}", "channel", channel, scores, ids)
        for name in spec.decide.actions:
            yield self._sink(f"payload of action {name}", "action", name, reads.payloads.get(name, []), [])

    def _sink(self, shown: str, to: Way, name: str, uses: list[Use], ids: list[Use] | None = None) -> Sink:
        """Return a way out; where `ids` go along, so does the id of the profile."""
        key_use = [self._reads.key] if ids is not None and self._reads.key is not None else []
        return Sink(
            shown,
            to,
            name,
            self._features_of(uses),
            self._outputs_of(uses),
            tuple(uses),
            self._readings([*key_use, *(ids or ())]),
        )

    def _flow(self, sink: Sink, labels: Mapping[str, Iterable[str]]) -> Flow:
        """Return what takes one way out, be it as an output that nobody has asked a model for."""
        rungs = [rung for name, rung in self._rungs.items() if name in sink.outputs]
        direct = self._readings([*sink.direct, *(use for rung in rungs for use in rung.uses)])
        features = sink.features.union(*(rung.features for rung in rungs))
        told = {label for name in features for label in labels.get(name, ())}
        told |= {reading.label for reading in (*direct, *sink.ids)}
        told |= {_DERIVED} if sink.outputs else set()
        return Flow(
            to=sink.to,
            name=sink.name,
            features=tuple(name for name in self._spec.features if name in features),
            reads=tuple(dict.fromkeys(reading.shown for reading in direct)),
            outputs=bool(sink.outputs),
            labels=tuple(sorted(told)),
        )

    def _readings(self, uses: Iterable[Use]) -> tuple[Reading, ...]:
        return tuple(reading for use in uses for reading in self._labels.readings(use.reads))

    def _features_of(self, uses: Iterable[Use]) -> frozenset[str]:
        return frozenset(name for use in uses for name in use.features(self._spec))

    def _outputs_of(self, uses: Iterable[Use]) -> frozenset[str]:
        return frozenset(name for use in uses for name in use.outputs(self._spec))
