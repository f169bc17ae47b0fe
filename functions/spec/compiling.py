"""A checked `Spec` becomes a `Plan`: every expression compiled, every name resolved, every fault collected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from functions.documents import Json, content_hash
from functions.events.patterns import EventPattern, PatternError, compile_pattern
from functions.expressions import (
    CompiledFeatures,
    Expression,
    compile_features,
)
from functions.governance.contract import DataContract
from functions.governance.statements import UNMAPPED, ConsentSource
from functions.spec.action_rules import Compile, action_plan, amounts_of, channel_plans
from functions.spec.collecting import DATA_ROOTS, RESERVED, Collector
from functions.spec.emission_rules import NOTICE_ID, check_loops, check_notify
from functions.spec.feature_plan import FeaturePlan
from functions.spec.feature_rules import check_feature, feature_plan, is_score
from functions.spec.language import Feature, Spec
from functions.spec.lineage_gate import Governed, LineageGate
from functions.spec.model_rules import compile_model
from functions.spec.objective_rules import check_baseline
from functions.spec.pattern_rules import unknown_fields
from functions.spec.plan import ActionPlan, Bundle, ModelPlan, Plan, Policy, WriteBackPlan
from functions.spec.problems import closest
from functions.spec.rails import Rail, rail_applies, rail_expressions
from functions.spec.ranking_plan import Baseline, RankingPlan
from functions.spec.registry import Action, Registry
from functions.spec.retention_rules import check_retention
from functions.spec.salvage import Salvage
from functions.spec.source import Path, Source


@dataclass(frozen=True, slots=True)
class Shared:
    """What the specs of a folder share, with the places for problems; None where it could not be read."""

    contract: DataContract | None
    registry: Registry | None
    registry_source: Source
    rails: tuple[Rail, ...] | None
    ranking: RankingPlan | None
    contract_hash: str
    policy_hash: str


class SpecCompiler:
    """Compiles one spec and collects what is wrong with it."""

    def __init__(self, spec: Spec, source: Source, shared: Shared, salvaged: Salvage | None = None) -> None:
        """Prepare to compile.

        Args:
            spec: What was written, or what is left of it.
            source: Its document.
            shared: What it shares with others.
            salvaged: Given when `spec` is what is left: then problems are collected, and there is no plan.
        """
        self.spec = spec
        self.source = source
        self.shared = shared
        self.collector = Collector(
            source,
            function=spec.name,
            features=salvaged.feature_names if salvaged else spec.features,
            cut=salvaged.cut if salvaged else (),
        )
        self.problems = self.collector.problems
        self._salvaged = salvaged
        self._instants: dict[str, Expression | None] = {}

    def compile(self) -> Plan | None:
        """Return the plan, or None when there are errors in `problems`."""
        plan = self._plan()
        return plan if plan is not None and check_loops(self.collector, plan) else None

    def _plan(self) -> Plan | None:
        spec = self.spec
        pattern = self._pattern()
        key = self.collector.expression(("profile", "key"), spec.profile.key, ("event",))
        values = self._features()
        model = compile_model(spec.model, self.collector) if spec.model else None
        outputs = tuple(spec.model.response) if spec.model else ()
        roots = self._roots(outputs)
        write_back = tuple(self._write_back(roots))
        when = self._optional("when", spec.decide.when, roots)
        actions = tuple(self._actions(outputs))
        baseline = self._baseline(outputs, actions)
        consent = self._consent()
        governed = self._govern() if consent is not None else None
        if self._salvaged or self.collector.errors or len(actions) < len(spec.decide.actions):
            return None
        if (
            pattern is None
            or key is None
            or values is None
            or consent is None
            or governed is None
            or self.shared.registry is None
            or self.shared.rails is None
        ):
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
            features=self._feature_plans(governed),
            values=values,
            model=model,
            score=spec.score,
            write_back=write_back,
            when=when,
            policy=self._policy(actions, self.shared.registry, self.shared.rails),
            cold_start=spec.profile.missing == "empty",
            reads=tuple(sorted(self._reads(actions, self.shared.rails))),
            bundle=self._bundle(model),
            consent_source=self._consent_source(consent),
            governance=governed.governance,
            baseline=baseline,
        )

    def _govern(self) -> Governed | None:
        """Check what the spec reads and lets leave against the contract."""
        contract = self.shared.contract
        if contract is None:
            return None
        check_retention(self.spec, contract.purposes[self.spec.purpose], self.collector)
        gate = LineageGate(self.spec, contract, self.collector, complete=self._salvaged is None)
        return gate.check()

    def _feature_plans(self, governed: Governed) -> tuple[FeaturePlan, ...]:
        return tuple(
            replace(
                feature_plan(name, feature, self._instants[name]),
                labels=governed.labels[name],
                purposes=governed.purposes[name],
            )
            for name, feature in self.spec.features.items()
        )

    def _optional(self, key: str, text: str | None, roots: tuple[str, ...] | None) -> Expression | None:
        return self.collector.expression(("decide", key), text, roots) if text else None

    def _baseline(self, outputs: tuple[str, ...], actions: tuple[ActionPlan, ...]) -> Baseline:
        """Compile what is expected of do-nothing; it must stand for every objective that an action names."""
        roots = ("features", *outputs) if self._roots(outputs) else None
        section = self.spec.decide
        check_baseline(section, actions, self.shared.ranking, self.collector)
        otherwise = amounts_of(
            ("decide", "do_nothing"),
            section.do_nothing,
            lambda path, text: self.collector.expression(path, text, roots),
        )
        return Baseline(otherwise, self._optional("segment", section.segment, roots))

    def _bundle(self, model: ModelPlan | None) -> Bundle:
        return Bundle(
            # What consent a purpose needs and where actions leave is part of what is deployed.
            spec=content_hash([self.source.data, self.shared.contract_hash, self._channels()]),
            policy=self.shared.policy_hash,
            model=f"{model.kind}:{model.target}" if model else "none",
        )

    def _channels(self) -> Json:
        """Return the channels as they were written; what is there once the spec has no errors."""
        data = self.shared.registry_source.data
        return data.get("channels") if isinstance(data, dict) else None

    def _roots(self, outputs: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return what an expression may read after the model has answered; None where that is not known."""
        known = self._salvaged is None or self._salvaged.outputs_known
        return (*RESERVED, *outputs) if known else None

    def _pattern(self) -> EventPattern | None:
        pattern, at = self.spec.trigger.event_pattern, ("trigger", "event_pattern")
        for path, message, hint in unknown_fields(pattern, at):
            self.collector.add(path, "pattern.unknown_field", message, hint, at_key=True)
        try:
            return compile_pattern(pattern)
        except PatternError as error:
            for problem in error.problems:
                self.collector.add((*at, *problem.path), problem.code, problem.message, problem.hint or "")
            return None

    def _features(self) -> CompiledFeatures | None:
        texts: dict[str, str] = {}
        for name, feature in self.spec.features.items():
            path: Path = ("features", name)
            self.problems.extend(check_feature(self.source, path, name, feature))
            if self.collector.expression((*path, "from"), feature.from_, DATA_ROOTS) is not None:
                texts[name] = feature.from_
                self._instants[name] = self._as_of(name, feature)
        if len(texts) < len(self.spec.features):
            return None
        return compile_features(texts)

    def _as_of(self, name: str, feature: Feature) -> Expression | None:
        path: Path = ("features", name, "as_of")
        if feature.as_of is not None:
            return self.collector.expression(path, feature.as_of, DATA_ROOTS)
        if feature.stale_after is None or not is_score(feature):
            return None
        return self.collector.expression(
            path, feature.from_.strip().removesuffix(".value") + ".at", DATA_ROOTS
        )

    def _write_back(self, roots: tuple[str, ...] | None) -> Iterable[WriteBackPlan]:
        for target, section in self.spec.write_back.items():
            source = self.collector.expression(("write_back", target, "from"), section.from_, roots)
            if source is not None:
                yield WriteBackPlan(
                    target.removeprefix("scores."), source, section.expires_after, section.notify
                )
            if section.notify is not None and self.shared.registry is not None:
                path: Path = ("write_back", target, "notify")
                # The message carries it, so it counts as read.
                self.collector.expression(path, NOTICE_ID, DATA_ROOTS)
                check_notify(self.collector, path, section.notify, self.shared.registry)

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

    def _consent_source(self, consent: str) -> ConsentSource:
        section = self.shared.contract.consents.get(consent) if self.shared.contract else None
        return section.source() if section else UNMAPPED

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
            # A channel that is not there is reported where the action stands.
            if action.channel in registry.channels:
                yield self._action(name, action, outputs)

    def _action(self, name: str, action: Action, outputs: tuple[str, ...]) -> ActionPlan:
        registry, roots = self.shared.registry, self._roots(outputs)
        return action_plan(
            name,
            action,
            registry.currency if registry is not None else None,
            over=self._compiler(roots),
            payload_over=self._compiler(("features", *outputs) if roots else None),
        )

    def _compiler(self, roots: tuple[str, ...] | None) -> Compile:
        source = self.shared.registry_source
        return lambda path, text: self.collector.expression(path, text, roots, source=source)

    def _policy(self, actions: tuple[ActionPlan, ...], registry: Registry, rails: tuple[Rail, ...]) -> Policy:
        whole = Policy(
            self.shared.policy_hash,
            registry.currency,
            actions,
            channel_plans(registry),
            rails,
            self.shared.ranking,
        )
        told = [one.notify for one in self.spec.write_back.values() if one.notify is not None]
        return whole.only((action.name for action in actions), channels=told)

    def _reads(self, actions: tuple[ActionPlan, ...], rails: tuple[Rail, ...]) -> set[str]:
        """Return what the function reads, the rails of its actions included."""
        found = set(self.collector.reads)
        for rail in rails:
            if any(rail_applies(rail, action) for action in actions):
                found.update(path for one in rail_expressions(rail) for path in one.reads)
        return found
