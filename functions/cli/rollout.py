"""`functions rollout`: what a version or a function that is tried does otherwise, in numbers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.cli.arguments import add_json, instant, specs_folder, unreadable
from functions.cli.console import Console
from functions.cli.progress import through
from functions.errors import EventMalformedError, SettingsError, UnknownFunctionError
from functions.settings import read_settings
from functions.times import format_instant, parse_instant

if TYPE_CHECKING:
    from functions.analysis.rollouts import Costs, Paired, Parted
    from functions.decision.rollouts import Rollout
    from functions.documents import Json
    from functions.profiles.operator_documents import OperatorStore
    from functions.profiles.store import ProfileStore
    from functions.settings import Settings
    from functions.spec.experiment_plan import RolloutPlan

_EPILOG = """Without a name it is about the version of the policy that `functions policy publish`
tries with --canary or --shadow; with one, about the function that `rollouts` of
experiments.yaml tries in the place of another. Nothing is changed by asking.

In the shadow each decision is held against what would have been chosen instead. In a
canary two parts of the customers are compared, drawn by their ids; intervals hold in 95
of 100 cases, and one that contains 0 shows no difference. What the actions brought is
told by `functions evaluate`.

examples:
  functions rollout
  functions rollout churn-next --since 2026-11-01T00:00:00Z
  functions rollout --decisions log.jsonl.gz --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("function", nargs="?", metavar="FUNCTION", help="name of a spec that is tried")
    parser.add_argument("--since", type=instant, metavar="TIME", help="look at decisions from this time on")
    parser.add_argument(
        "--decisions", metavar="FILE", help="exported decisions instead of those of the store"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    settings = read_settings(console.environment)
    if arguments.function is not None:
        return _of_function(arguments, settings, console)
    return _of_policy(arguments, settings, console)


def _of_policy(arguments: argparse.Namespace, settings: Settings, console: Console) -> int:
    from functions.cli.composition import opened_documents, opened_store
    from functions.runtime.versions import stored_pointer

    with opened_documents(settings) as documents, opened_store(settings) as store:
        pointer = stored_pointer(documents)
        rollout = pointer.rollout
        if rollout is None or pointer.hash is None:
            console.err("no version is tried; `functions policy publish --canary 5%` begins to")
            return 0
        since = max(rollout.at, arguments.since) if arguments.since else rollout.at
        live, currency = _costs(documents, pointer.hash)
        tried, _ = _costs(documents, rollout.hash)
        found = _policy_figures(
            _decisions(arguments.decisions, store, since), rollout, pointer.hash, (live, tried)
        )
    head: dict[str, Json] = {
        "mode": rollout.mode, "live": pointer.hash, "tried": rollout.hash, "share": rollout.share,
        "seed": rollout.part.seed, "since": format_instant(since), "currency": currency,
    }  # fmt: skip
    return _told(found, head, arguments, console)


def _policy_figures(
    decisions: Iterator[Mapping[str, Any]], rollout: Rollout, live: str, costs: tuple[Costs, Costs]
) -> Paired | Parted:
    from functions.analysis.rollouts import Paired, Parted, chosen_action

    if rollout.mode == "shadow":
        paired = Paired(*costs)
        for one in decisions:
            shadow = one.get("shadow")
            if shadow is None or shadow["policy"] != rollout.hash or one["bundle"]["policy"] != live:
                continue
            if "unknown" in shadow:
                paired.unknown[shadow["unknown"]] += 1
            else:
                paired.add(one["profile_id"], chosen_action(one), shadow["action"])
        return paired
    parted = Parted(*costs, rollout.share)
    for one in decisions:
        inside, version = rollout.includes(one["profile_id"]), one["bundle"]["policy"]
        if inside and version == rollout.hash:
            parted.tried.add(one["profile_id"], chosen_action(one))
        elif not inside and version == live:
            parted.live.add(one["profile_id"], chosen_action(one))
    return parted


def _of_function(arguments: argparse.Namespace, settings: Settings, console: Console) -> int:
    from functions.analysis.rollouts import Paired, Parted, chosen_action, shadow_pairs
    from functions.cli.composition import opened_store
    from functions.spec.loading import load_folder
    from functions.spec.problems import SpecError

    loaded = load_folder(specs_folder(console), each=through(console, "spec"))
    if loaded.errors:
        raise SpecError(loaded.errors)
    if arguments.function not in loaded.plans:
        raise UnknownFunctionError(f"no function is called {arguments.function!r}")
    plan = loaded.plans[arguments.function]
    rollout = plan.experiments.tried(plan.name)
    if rollout is None:
        console.err(f"{plan.name} is not tried in the place of another function")
        return 0
    live = loaded.plans[rollout.of]
    costs, tried_costs = ({one.name: one.cost_minor for one in each.actions} for each in (live, plan))
    found: Paired | Parted
    with opened_store(settings) as store:
        decisions = _decisions(arguments.decisions, store, arguments.since)
        if rollout.mode == "shadow":
            found = Paired(costs, tried_costs)
            for pair in shadow_pairs(decisions, live.name, plan.name):
                found.add(*pair)
        else:
            found = Parted(costs, tried_costs, sum(high - low for low, high in rollout.part.ranges))
            for one in decisions:
                arm = found.tried if one["function"] == plan.name else found.live
                if one["function"] in (plan.name, live.name) and _belongs(one, rollout):
                    arm.add(one["profile_id"], chosen_action(one))
    return _told(found, _head(rollout, arguments, plan.policy.currency), arguments, console)


def _belongs(one: Mapping[str, Any], rollout: RolloutPlan) -> bool:
    """Say whether a decision was taken by the function that has the customer now."""
    from functions.decision.experiments import is_in

    inside = is_in(rollout.part, (str(one["profile_id"]),))
    return bool(inside == (one["function"] == rollout.candidate))


def _head(rollout: RolloutPlan, arguments: argparse.Namespace, currency: str | None) -> dict[str, Json]:
    return {
        "mode": rollout.mode, "live": rollout.of, "tried": rollout.candidate,
        "share": sum(high - low for low, high in rollout.part.ranges), "seed": rollout.part.seed,
        "since": format_instant(arguments.since) if arguments.since else None, "currency": currency,
    }  # fmt: skip


def _told(
    found: Paired | Parted, head: dict[str, Json], arguments: argparse.Namespace, console: Console
) -> int:
    if arguments.json:
        console.json({**head, **found.as_document()})
        return 0
    from functions.cli.rollout_figures import print_rollout

    print_rollout(found, head, console)
    return 0


def _costs(store: OperatorStore, version: str) -> tuple[Costs, str | None]:
    from functions.runtime.versions import stored_version

    policy = stored_version(store, version)["policy"]
    return {one["name"]: one["cost_minor"] for one in policy["actions"]}, policy["currency"]


def _decisions(path: str | None, store: ProfileStore, since: datetime | None) -> Iterator[Mapping[str, Any]]:
    """Yield live decisions from a time on."""
    documents = _read_file(path) if path is not None else _read_store(store)
    for one in documents:
        is_late = since is None or parse_instant(one["decided_at"]) >= since
        if is_late and "generation" not in one:
            yield one


def _read_store(store: ProfileStore) -> Iterator[Mapping[str, Any]]:
    from functions.operations.exporting import decision_document
    from functions.profiles.store import DecisionLog

    if not isinstance(store, DecisionLog):
        raise SettingsError(
            "FUNCTIONS_STORE: this store can't list every decision",
            hint="export them where it can, and name the file with --decisions",
        )
    for record in store.every_decision():
        yield decision_document(record)


def _read_file(path: str) -> Iterator[Mapping[str, Any]]:
    from functions.documents import DocumentError
    from functions.operations.ordering import OrderedDecisions, log_lines

    log = OrderedDecisions()  # a log that is delivered at least once may have a decision twice
    try:
        with Path(path).open("rb") as file:
            for number, document in enumerate(log_lines(file), 1):
                if not isinstance(document, dict):
                    raise EventMalformedError(f"{path}: entry {number} is no exported decision")
                log.add(document)
        yield from log
    except OSError as error:
        raise unreadable(path, error) from None
    except (DocumentError, ValueError, KeyError, TypeError):
        raise EventMalformedError(f"{path}: it holds what is no exported decision") from None
    finally:
        log.close()
