"""A checked `Spec` becomes a `Plan`: every expression compiled, every name resolved, every fault collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from functions.documents import Json, content_hash
from functions.events.patterns import EventPattern, PatternError, compile_pattern
from functions.expressions import (
    CompiledFeatures,
    Expression,
    compile_expression,
    compile_features,
)
from functions.governance.contract import DataContract
from functions.spec.collecting import Collector
from functions.spec.feature_rules import check_feature, feature_plan
from functions.spec.language import Spec
from functions.spec.model_rules import compile_model
from functions.spec.plan import ActionPlan, Bundle, ChannelPlan, Plan, WriteBackPlan
from functions.spec.problems import closest
from functions.spec.registry import Action, Registry
from functions.spec.source import Path, Source
from functions.spec.templates import leaves

DATA_ROOTS = ("event", "profile", "now")
"""What an expression may read before the model has answered."""

RESERVED = (*DATA_ROOTS, "features")
"""Names that an output of a model can't have."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the specs of a folder share, with the places for problems; None where it could not be read."""

    contract: DataContract | None
    registry: Registry | None
    registry_source: Source
    policy_hash: str


class SpecCompiler:
    """Compiles one spec and collects what is wrong with it."""

    def __init__(self, spec: Spec, source: Source, shared: Shared) -> None:
        self.spec = spec
        self.source = source
        self.shared = shared
        self.collector = Collector(source)
        self.problems = self.collector.problems

    def compile(self) -> Plan | None:
        """Return the plan, or None when there are errors in `problems`."""
        spec = self.spec
        pattern = self._pattern()
        key = self.collector.expression(("profile", "key"), spec.profile.key, ("event",))
        values = self._features()
        model = compile_model(spec.model, self.collector) if spec.model else None
        outputs = tuple(spec.model.response) if spec.model else ()
        roots = (*RESERVED, *outputs)
        write_back = tuple(self._write_back(roots))
        when = (
            self.collector.expression(("decide", "when"), spec.decide.when, roots)
            if spec.decide.when
            else None
        )
        actions = tuple(self._actions(outputs))
        consent = self._consent()
        if self.collector.errors or pattern is None or key is None or values is None or consent is None:
            return None
        return Plan(
            name=spec.name,
            owner=spec.owner,
            description=spec.description,
            pattern=pattern,
            max_age=spec.trigger.max_age,
            key=key,
            purpose=spec.purpose,
            consent=consent,
            features=tuple(
                feature_plan(name, feature, self._as_of(name)) for name, feature in spec.features.items()
            ),
            values=values,
            model=model,
            score=spec.score,
            write_back=write_back,
            when=when,
            actions=actions,
            cold_start=spec.profile.missing == "empty",
            reads=tuple(sorted(self.collector.reads)),
            bundle=Bundle(
                spec=content_hash(self.source.data),
                policy=self.shared.policy_hash,
                model=f"{model.kind}:{model.target}" if model else "none",
            ),
            channels=self._channels(actions),
        )

    def _pattern(self) -> EventPattern | None:
        try:
            return compile_pattern(self.spec.trigger.event_pattern)
        except PatternError as error:
            for problem in error.problems:
                path = ("trigger", "event_pattern", *problem.path)
                self.collector.add(path, problem.code, problem.message, problem.hint or "")
            return None

    def _features(self) -> CompiledFeatures | None:
        texts: dict[str, str] = {}
        for name, feature in self.spec.features.items():
            path: Path = ("features", name)
            self.problems.extend(check_feature(self.source, path, name, feature))
            if self.collector.expression((*path, "from"), feature.from_, DATA_ROOTS) is not None:
                texts[name] = feature.from_
        if len(texts) < len(self.spec.features):
            return None
        return compile_features(texts)

    def _as_of(self, name: str) -> Expression | None:
        feature = self.spec.features[name]
        if feature.stale_after is None:
            return None
        if feature.as_of is not None:
            return self.collector.expression(("features", name, "as_of"), feature.as_of, DATA_ROOTS)
        return compile_expression(feature.from_.removesuffix(".value") + ".at")

    def _write_back(self, roots: tuple[str, ...]) -> Iterable[WriteBackPlan]:
        for target, section in self.spec.write_back.items():
            source = self.collector.expression(("write_back", target, "from"), section.from_, roots)
            if source is not None:
                yield WriteBackPlan(target.removeprefix("scores."), source, section.expires_after)

    def _consent(self) -> str | None:
        contract = self.shared.contract
        if contract is None:
            return None
        purpose = contract.purposes.get(self.spec.purpose)
        if purpose is None:
            self.collector.add(
                ("purpose",),
                "spec.unknown_purpose",
                f"the data contract has no purpose {self.spec.purpose!r}",
                closest(self.spec.purpose, contract.purposes),
            )
            return None
        return purpose.consent

    def _actions(self, outputs: tuple[str, ...]) -> Iterable[ActionPlan]:
        registry = self.shared.registry
        for index, name in enumerate(self.spec.decide.actions):
            if registry is None:
                return
            action = registry.actions.get(name)
            if action is None:
                self.collector.add(
                    ("decide", "actions", index),
                    "spec.unknown_action",
                    f"the registry has no action {name!r}",
                    closest(name, registry.actions),
                )
                continue
            yield self._action(name, action, outputs)

    def _action(self, name: str, action: Action, outputs: tuple[str, ...]) -> ActionPlan:
        source = self.shared.registry_source
        eligible = None
        if action.eligible is not None:
            roots = (*RESERVED, *outputs)
            eligible = self.collector.expression(
                ("actions", name, "eligible"), action.eligible, roots, source=source
            )
        expressions: dict[str, Expression] = {}
        for path, text in leaves(action.payload, ("actions", name, "payload")):
            compiled = self.collector.expression(path, text, ("features", *outputs), source=source)
            if compiled is not None:
                expressions[text] = compiled
        return ActionPlan(
            name=name,
            tags=tuple(action.tags),
            channel=action.channel,
            eligible=eligible,
            payload=action.payload,
            payload_expressions=expressions,
        )

    def _channels(self, actions: tuple[ActionPlan, ...]) -> Mapping[str, ChannelPlan]:
        registry = self.shared.registry
        if registry is None:
            return {}
        return {action.channel: channel_plan(action.channel, registry) for action in actions}


def channel_plan(name: str, registry: Registry) -> ChannelPlan:
    """Return the plan of a channel that the registry has."""
    document: dict[str, Json] = registry.channels[name].model_dump(exclude={"kind"}, exclude_none=True)
    # A class of the author's own gets what stands under `options`, the others all their keys.
    return ChannelPlan(
        name=name, kind=registry.channels[name].kind, options=document.get("options", document)
    )
