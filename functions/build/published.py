"""A policy as operators publish it: JSON with the texts of expressions, never their code.

Whoever can write into a table must not be able to run code. So a function compiles what it takes from there
itself, and reads channels, which can name classes, from its own artefact alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from functions.documents import Json, content_hash
from functions.errors import PolicyNewerFormatError, PolicyUnusableError
from functions.expressions import Expression
from functions.expressions.paths import How, Path, key
from functions.governance.labels import GUARDED, parse_pattern, without_elements
from functions.spec.feature_plan import FeaturePlan
from functions.spec.plan import ActionPlan, Plan, Policy
from functions.spec.plan_codec import policy_document, policy_from_document
from functions.spec.rails import rail_applies

FORMAT: Final = 1
"""Counts up whenever the shape of a published policy changes."""

GONE: Final = "policy.action_gone"
"""Code of an action of a spec that the policy no longer has."""

UNUSABLE: Final = "policy.action_unusable"
"""Code of an action that a function can't carry out as the policy has it."""

_READ_BEFORE: Final = ("event", "profile", "now", "features")


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan with another policy than the one it was built with.

    Attributes:
        plan: With the actions and rails of the policy, and its hash; with its own channels.
        removed: Actions that may not be chosen, with the code of why.
    """

    plan: Plan
    removed: Mapping[str, str]


def published_form(policy: Policy) -> dict[str, Json]:
    """Return a policy as it is published, without its channels."""
    document = policy_document(replace(policy, channels={}))
    return {"format": FORMAT, "policy": document, "sum": content_hash(document)}


def refuse_newer(body: Mapping[str, Json], known: int, what: str) -> None:
    """Refuse what a newer version wrote, before anything of it is taken for damaged.

    Raises:
        PolicyNewerFormatError: It has a higher format.
    """
    written = body.get("format")
    if isinstance(written, int) and written > known:
        raise PolicyNewerFormatError(
            f"{what} has format {written}; this version reads up to {known}",
            hint="Deploy the version that wrote it, or a newer one.",
        )


def check_published(body: Mapping[str, Json], version: str) -> None:
    """Refuse what is not the version that it should be.

    Raises:
        PolicyNewerFormatError: A newer version of this package wrote it.
        PolicyUnusableError: It is damaged, or another version.
    """
    refuse_newer(body, FORMAT, f"version {version} of the policy")
    document = body.get("policy")
    if not isinstance(document, dict) or document.get("hash") != version:
        raise PolicyUnusableError(f"the document of version {version} of the policy holds something else")
    if body.get("format") != FORMAT or content_hash(document) != body.get("sum"):
        raise PolicyUnusableError(f"version {version} of the policy is damaged")


def apply_policy(plan: Plan, body: Mapping[str, Json]) -> Applied:
    """Put a published policy in the place of the one that a plan was built with.

    The candidates stay those of the spec, in its order: a policy can take actions away and describe them
    anew, and can't add any. Expressions that the plan has already are not compiled again.

    Args:
        plan: As it was built.
        body: Checked by `check_published`.

    Raises:
        PolicyUnusableError: It can't be read, or an expression can't be compiled here.
    """
    names = [action.name for action in plan.actions]
    policy = _read(body["policy"], lambda one: one if one["name"] in names else None, _known(plan))
    found = {action.name: action for action in policy.actions}
    removed = {name: GONE for name in names if name not in found}
    removed |= {name: UNUSABLE for name, action in found.items() if not _fits(plan, action)}
    actions = tuple(found.get(action.name, action) for action in plan.actions)
    rails = tuple(rail for rail in policy.rails if any(rail_applies(rail, action) for action in actions))
    policy = replace(policy, actions=actions, rails=rails, channels=plan.channels)
    reads = {path for expression in policy.expressions() for path in expression.reads}
    return Applied(
        replace(
            plan,
            policy=policy,
            bundle=replace(plan.bundle, policy=policy.hash),
            reads=tuple(sorted(reads.union(plan.reads))),
        ),
        removed,
    )


def policy_for_leaving(policy: Policy, body: Mapping[str, Json]) -> Policy:
    """Return the rails of a published policy for actions that were decided before and are about to leave.

    Args:
        policy: What the process was built with; its channels stay.
        body: Checked by `check_published`.

    Raises:
        PolicyUnusableError: As `apply_policy`.
    """
    nothing = policy_document(replace(policy, actions=()))["channels"] | {"at": {}}
    bare = {"eligible": None, "payload": None, "payload_expressions": nothing, "value": nothing, "risk": None}
    known = {expression.source: expression for expression in policy.expressions()}
    return replace(_read(body["policy"], lambda one: one | bare, known), channels=policy.channels)


def _read(
    document: Mapping[str, Json],
    select: Callable[[dict[str, Json]], dict[str, Json] | None],
    known: Mapping[str, Expression],
) -> Policy:
    def expression(text: Json) -> Expression:
        # Compiling is imported where it happens: a usual start needs none of it.
        from functions.expressions import compile_expression

        return known.get(text) or compile_expression(text)

    try:
        actions = [one for action in document["actions"] if (one := select(action)) is not None]
        return policy_from_document({**document, "actions": actions}, expression)
    except (ValueError, KeyError, TypeError) as error:
        raise PolicyUnusableError(
            f"the policy {document.get('hash')} can't be read by this version ({type(error).__name__})"
        ) from None


def _known(plan: Plan) -> Mapping[str, Expression]:
    return {expression.source: expression for expression in plan.policy.expressions()}


def _fits(plan: Plan, action: ActionPlan) -> bool:
    """Say whether an action leaves by a channel of the function, and reads only what it may.

    `functions policy publish` checks this and more for the specs of its folder; a function that was deployed
    from others finds out here. What a payload could read besides would leave for the channel.
    """
    outputs = tuple(plan.model.response) if plan.model else ()
    conditions = [action.eligible] if action.eligible is not None else []
    leaving = [one for one in action.expressions() if one is not action.eligible]
    return (
        action.channel in plan.channels
        and all(_reads_only(one, (*_READ_BEFORE, *outputs)) for one in conditions)
        and all(_reads_only(one, ("features", *outputs)) and _may_leave(plan, one) for one in leaving)
    )


def _reads_only(expression: Expression, names: tuple[str, ...]) -> bool:
    return _below((), expression) <= {key(name) for name in names}


def _may_leave(plan: Plan, expression: Expression) -> bool:
    """Say whether everything that an expression of a payload reads may leave with an action.

    An exception lets a path take the ways that it names, and the plan knows labels of features and no longer those of
    paths: what is excused may leave if an action of the spec was built to carry it, and not because it may leave to
    the model, or into a score.
    """
    carried = {name for flow in plan.governance.flows if flow.to == "action" for name in flow.features}
    rungs = tuple(_rungs_of(plan, expression))
    features = _features_in(plan, [expression, *rungs])
    return not any(_is_excused_elsewhere(plan, rung) for rung in rungs) and all(
        one.name in carried or (plan.purpose in one.purposes and not GUARDED.intersection(one.labels))
        for one in features
    )


def _is_excused_elsewhere(plan: Plan, expression: Expression) -> bool:
    """Say whether an expression reads a path that is excused for other ways than an action."""
    for one in plan.governance.exceptions:
        if "action" in one.to:
            continue
        named = parse_pattern(*one.reads.split(".", 1))
        reads = map(without_elements, expression.lineage)
        if any(path[: len(named)] == named[: len(path)] for path in reads if path):
            return True
    return False


def _features_in(plan: Plan, expressions: Iterable[Expression]) -> Sequence[FeaturePlan]:
    """Return the features that expressions read; all of them where that is not known."""
    read = {step for one in expressions for step in _below((key("features"),), one)}
    known = {key(feature.name): feature for feature in plan.features}
    return [known[step] for step in read] if read <= set(known) else plan.features


def _rungs_of(plan: Plan, expression: Expression) -> Iterator[Expression]:
    """Yield what stands in for the outputs that an expression reads, when the model does not answer."""
    read = _below((), expression)
    for rung in plan.model.fallback if plan.model is not None else ():
        yield from (source for name, source in rung.sources.items() if key(name) in read)


def _below(prefix: Path, expression: Expression) -> set[str]:
    """Return the steps that an expression takes from a path; an empty one when it reads all there."""
    return {
        (path[len(prefix) :] or ("",))[0]
        for path, how in expression.lineage.items()
        if path[: len(prefix)] == prefix and (len(path) > len(prefix) or how >= How.SIZE)
    }
