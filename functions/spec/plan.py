"""What a spec compiles to: frozen values with compiled expressions, and nothing left to look up.

Importing this module costs no pydantic and no YAML: a runtime works on plans alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from functions.documents import Json
from functions.events.patterns import EventPattern
from functions.expressions import CompiledFeatures, Expression
from functions.governance.statements import UNMAPPED, ConsentSource
from functions.spec.experiment_plan import NO_EXPERIMENTS, ExperimentsPlan
from functions.spec.feature_plan import FeaturePlan
from functions.spec.projection import Projection
from functions.spec.rails import Rail, rail_applies, rail_expressions
from functions.spec.ranking_plan import NO_BASELINE, Amount, Baseline, RankingPlan


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of the fallback ladder; it answers when it gives every output of the model.

    Attributes:
        kind: `cache` reads unexpired scores of the profile, `fallback` is a declared constant.
        sources: Output name to expression over the root document.
        constants: Output name to value.
    """

    kind: Literal["cache", "fallback"]
    sources: Mapping[str, Expression]
    constants: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """How a model is called and how its reply is read.

    Attributes:
        kind: `sagemaker`, `http`, or `package.module:Class`.
        target: Endpoint name or URL, as the receipt shows it.
        options: What the adapter of this kind takes, checked against its own model.
        format: `csv`, `json` or `jsonlines`.
        template: A JSON document whose leaves may be `{from: expression}`; None for the format's default.
        template_expressions: The compiled expressions of the template, by their source.
        missing_token: What a null is in CSV; None where a null is an error.
        response: Output name to expression over the decoded reply.
        ranges: Output name to (lowest, highest).
        timeout_s: Wall time of the whole step, retries included.
        max_attempts: Calls at the most inside the timeout.
        max_payload_bytes: Budget of the body.
        fallback: Rungs in order.
    """

    kind: str
    target: str
    options: Mapping[str, Json]
    format: Literal["csv", "json", "jsonlines"]
    template: Json
    template_expressions: Mapping[str, Expression]
    missing_token: str | None
    response: Mapping[str, Expression]
    ranges: Mapping[str, tuple[float, float]]
    timeout_s: float
    max_attempts: int
    max_payload_bytes: int
    fallback: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class WriteBackPlan:
    """One score that goes back to the profile as `profile.scores.<name>`, and to a channel if one is named."""

    name: str
    source: Expression
    expires_after: timedelta | None
    notify: str | None = None


@dataclass(frozen=True, slots=True)
class ActionPlan:
    """One action of the registry.

    Attributes:
        name: Name in the registry.
        tags: What rails and caps speak about.
        channel: Name of the channel.
        eligible: Must be true; null or false removes the action. None for always.
        payload: A JSON document whose leaves may be `{from: expression}` over features and outputs.
        payload_expressions: The compiled expressions of the payload, by their source.
        cost: Of one, in the currency of the policy; None where none is declared.
        cost_minor: The same in minor units; None also where the policy has no currency.
        value: What a success is worth, by objective.
        chance: Probability of a success, or the expected amount, by objective.
        risk: From 0 to 1; None where none is declared.
        subject_to_caps: Whether caps, suppressions and exclusion groups can take it away.
        counts_towards_caps: Whether they count it.
        defer: Whether it can wait for the end of quiet hours.
    """

    name: str
    tags: tuple[str, ...]
    channel: str
    eligible: Expression | None
    payload: Json
    payload_expressions: Mapping[str, Expression]
    cost: float | None = None
    cost_minor: int | None = None
    value: Mapping[str, Amount] = field(default_factory=dict)
    chance: Mapping[str, Amount] = field(default_factory=dict)
    risk: Amount | None = None
    subject_to_caps: bool = True
    counts_towards_caps: bool = True
    defer: bool = True

    def expressions(self) -> Iterator[Expression]:
        """Yield every expression of the action."""
        yield from self.payload_expressions.values()
        for found in (self.eligible, self.risk, *self.value.values(), *self.chance.values()):
            if isinstance(found, Expression):
                yield found


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """One channel of the registry: `memory`, `file`, `webhook` or `package.module:Class`, and its options."""

    name: str
    kind: str
    options: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Policy:
    """What may happen, where it leaves and what forbids it: one value, so that it can be exchanged whole.

    Attributes:
        hash: Of the registry and the rails that it was made from.
        currency: ISO 4217 code of every cost; None where none is declared.
        actions: The best first where a function lists them, else in the order of the registry.
        channels: By name.
        rails: Every rule.
        ranking: What is best among the rest; None for the order of each function.
    """

    hash: str
    currency: str | None
    actions: tuple[ActionPlan, ...]
    channels: Mapping[str, ChannelPlan]
    rails: tuple[Rail, ...] = ()
    ranking: RankingPlan | None = None

    def action(self, name: str) -> ActionPlan | None:
        """Return an action by its name, None when there is none."""
        return next((action for action in self.actions if action.name == name), None)

    def only(self, names: Iterable[str], *, channels: Iterable[str] = ()) -> Policy:
        """Return the policy with some of its actions in the order of the names, their channels and rails.

        A name that is not there is left out. `channels` are kept besides, for what is no action.
        """
        known = {action.name: action for action in self.actions}
        actions = tuple(known[name] for name in names if name in known)
        used = {*channels, *(action.channel for action in actions)}
        kept = {name: channel for name, channel in self.channels.items() if name in used}
        rails = tuple(rail for rail in self.rails if any(rail_applies(rail, action) for action in actions))
        return replace(self, actions=actions, channels=kept, rails=rails)

    def expressions(self) -> Iterator[Expression]:
        """Yield every expression of the actions and the rails."""
        for action in self.actions:
            yield from action.expressions()
        for rail in self.rails:
            yield from rail_expressions(rail)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What decided, by content: the hashes that every receipt carries."""

    spec: str
    policy: str
    model: str


Way = Literal["model", "action", "channel", "score"]
"""To a model, with an action through its channel, in messages about scores to a channel, or back to the profile."""


@dataclass(frozen=True, slots=True)
class ExceptionPlan:
    """Guarded data that may leave, by name.

    Attributes:
        reads: The path.
        to: The ways out that it may take.
        labels: What is excused there.
        because: Why.
        reviewed_by: Who has agreed.
    """

    reads: str
    to: tuple[Way, ...]
    labels: tuple[str, ...]
    because: str
    reviewed_by: str

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "reads": self.reads,
            "to": list(self.to),
            "labels": list(self.labels),
            "because": self.because,
            "reviewed_by": self.reviewed_by,
        }


@dataclass(frozen=True, slots=True)
class Flow:
    """What takes one way out, as the expressions have it.

    Attributes:
        to: Which way.
        name: Of the model, the action, the channel or the score.
        features: Features that leave on it.
        reads: Paths that leave on it without being a feature, or stand in for an output that does.
        outputs: Whether outputs of the model do.
        labels: Of everything that does; an action also carries the id of the profile, and a message about a score
            that and the anonymous id of the event.
    """

    to: Way
    name: str
    features: tuple[str, ...]
    reads: tuple[str, ...]
    outputs: bool
    labels: tuple[str, ...]

    def as_document(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "to": self.to,
            "name": self.name,
            "features": list(self.features),
            "reads": list(self.reads),
            "outputs": self.outputs,
            "labels": list(self.labels),
        }


@dataclass(frozen=True, slots=True)
class Governance:
    """What the data contract says about a function.

    Attributes:
        may_leave: Labels that a payload of it may have.
        flows: Every way out.
        exceptions: What may leave by name.
        on_hit: What is done when something that leaves looks like personal data after all.
        keep_decisions: How long decisions are kept; None for what every decision is kept.
    """

    may_leave: tuple[str, ...] = ()
    flows: tuple[Flow, ...] = ()
    exceptions: tuple[ExceptionPlan, ...] = ()
    on_hit: Literal["warn", "block"] = "warn"
    keep_decisions: timedelta | None = None

    @property
    def sent(self) -> Flow:
        """What goes to the model."""
        return next((flow for flow in self.flows if flow.to == "model"), _NOTHING)


_NOTHING = Flow("model", "none", (), (), outputs=False, labels=())


@dataclass(frozen=True, slots=True)
class Plan:
    """A spec, compiled.

    Attributes:
        name: Name of the function.
        owner: Who answers for it.
        description: One sentence or two.
        pattern: Which events fire it.
        max_age: An older event gets no action; None for any age.
        key: Gives the profile id.
        purpose: Purpose of the data contract.
        consent: The consent record that the purpose needs.
        features: In the order of a CSV payload.
        values: The features' expressions, compiled together.
        model: None where the spec decides without a model.
        score: Whether a model is called when no action can follow.
        write_back: Scores that go back to the profile.
        when: Must be true for an action; None for always.
        policy: The actions of the function in its order, their channels, and every rule.
        cold_start: Whether an absent profile counts as an empty one.
        reads: Paths of the root document that any of its expressions may read.
        bundle: Content hashes.
        consent_source: Which words of an event's own consent object speak about `consent`.
        baseline: What is expected of do-nothing.
        experiments: The holdout, and the experiments that the function takes part in.
        governance: What the data contract says about it.
        projection: Decodes profiles down to what is read.
    """

    name: str
    owner: str
    description: str
    pattern: EventPattern
    max_age: timedelta | None
    key: Expression
    purpose: str
    consent: str
    features: tuple[FeaturePlan, ...]
    values: CompiledFeatures
    model: ModelPlan | None
    score: Literal["always", "when-actionable"]
    write_back: tuple[WriteBackPlan, ...]
    when: Expression | None
    policy: Policy
    cold_start: bool
    reads: tuple[str, ...]
    bundle: Bundle
    consent_source: ConsentSource = UNMAPPED
    baseline: Baseline = NO_BASELINE
    experiments: ExperimentsPlan = NO_EXPERIMENTS
    governance: Governance = Governance()
    projection: Projection = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive what of the profile is read from every expression that can read it."""
        object.__setattr__(self, "projection", Projection(tuple(self._expressions())))

    @property
    def actions(self) -> tuple[ActionPlan, ...]:
        """The candidates, in the order of the spec."""
        return self.policy.actions

    def told(self, channel: str) -> tuple[str, ...]:
        """Return the scores that a channel is told."""
        return tuple(target.name for target in self.write_back if target.notify == channel)

    @property
    def channels(self) -> Mapping[str, ChannelPlan]:
        """Where the actions leave, by name."""
        return self.policy.channels

    def _expressions(self) -> Iterator[Expression]:
        yield from self.values.expressions.values()
        yield from (feature.as_of for feature in self.features if feature.as_of is not None)
        for rung in self.model.fallback if self.model is not None else ():
            yield from rung.sources.values()
        yield from (target.source for target in self.write_back)
        if self.when is not None:
            yield self.when
        yield from self.baseline.expressions()
        yield from self.policy.expressions()
