"""`functions simulate`: what other rails would have made of the decisions of the past, in numbers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, instant, specs_folder, unreadable
from functions.cli.console import Console
from functions.cli.progress import Progress, size_of, through
from functions.errors import EventMalformedError, SettingsError, UnknownFunctionError, UsageError
from functions.settings import read_settings

if TYPE_CHECKING:
    from functions.analysis.figures import Found
    from functions.analysis.recorded import Recorded
    from functions.analysis.simulation import History, Simulation, Subject, Version, Versions
    from functions.operations.ordering import OrderedDecisions
    from functions.profiles.store import Contact, ProfileStore, Snapshot
    from functions.spec.plan import Plan

_EPILOG = """Nothing is sent, written or published. Decisions of the store, or of a file as
`functions decisions export` writes it, are decided again in order of time, once by the
policy of then and once by the draft. The first is the check of the method: what was
recorded must come out again. With the draft, caps, cooldowns and budgets count what the
draft itself would have done.

A decision keeps its features and scores, and neither the event nor the profile. Where a
new rule reads more, the profile of today is asked, and the output says for how many
decisions; what can't be known stays as it was, and is counted.

examples:
  functions simulate --policy draft.yaml
  functions simulate --policy draft.yaml --since 2026-11-01T00:00:00Z --ids
  functions simulate --policy draft.yaml --actions prices.yaml --decisions log.jsonl.gz --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("--policy", metavar="FILE", help="rails to try, in the place of policy.yaml")
    parser.add_argument("--actions", metavar="FILE", help="actions to try, in the place of actions.yaml")
    parser.add_argument(
        "--since",
        type=instant,
        metavar="TIME",
        help="look at decisions from this time on; earlier ones count",
    )
    parser.add_argument(
        "--decisions", metavar="FILE", help="exported decisions instead of those of the store"
    )
    parser.add_argument("--function", metavar="NAME", help="say it for this function alone; all are replayed")
    parser.add_argument(
        "--ids", action="store_true", help="name the customers who newly get or lose something"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.analysis.simulation import Simulation
    from functions.cli.composition import opened_store
    from functions.operations.ordering import OrderedDecisions

    if arguments.policy is None and arguments.actions is None:
        raise UsageError("functions simulate: give --policy or --actions, what to try")
    subjects, currency = _subjects(arguments, console)
    log = OrderedDecisions()
    try:
        with opened_store(read_settings(console.environment)) as store:
            _fill(log, arguments.decisions, store, console)
            with _versions(console) as versions:
                simulation = Simulation(subjects, replace(_history(store, log), versions=versions))
                found = _simulated(simulation, subjects, log, arguments, console)
    finally:
        log.close()
        console.progress("")
    if arguments.json:
        console.json({**found.as_document(ids=arguments.ids), "currency": currency})
        return 0
    from functions.cli.simulated import print_found

    print_found(found, currency, console, ids=arguments.ids)
    return 0


def _subjects(arguments: argparse.Namespace, console: Console) -> tuple[Mapping[str, Subject], str | None]:
    """Return every function with the draft put in the place of its policy, as publishing would do it."""
    from functions.analysis.simulation import Subject
    from functions.build.published import apply_policy, published_form
    from functions.decision.reasons import reason
    from functions.spec.loading import load_folder, load_policy
    from functions.spec.problems import SpecError

    folder = specs_folder(console)
    loaded = load_folder(folder, each=through(console, "spec"))
    if loaded.errors:
        raise SpecError(loaded.errors)
    if arguments.function not in (None, *loaded.plans):
        raise UnknownFunctionError(f"no function is called {arguments.function!r}")
    draft = load_policy(
        folder,
        registry_file=Path(arguments.actions) if arguments.actions else None,
        policy_file=Path(arguments.policy) if arguments.policy else None,
    )
    body = published_form(draft)
    subjects = {}
    for name, plan in loaded.plans.items():
        applied = apply_policy(plan, body)
        removed = {action: reason(code) for action, code in applied.removed.items()}
        subjects[name] = Subject(plan, applied.plan, removed)
    return subjects, draft.currency


@contextmanager
def _versions(console: Console) -> Iterator[Versions]:
    """Give functions with the policies that were published, where the store keeps any."""
    from functions.build.published import apply_policy
    from functions.decision.reasons import reason
    from functions.errors import FunctionsError
    from functions.profiles.opening import open_operator_store
    from functions.runtime.versions import stored_version

    documents = open_operator_store(read_settings(console.environment).store)

    def version(plan: Plan, policy: str) -> Version | None:
        if documents is None:
            return None
        try:
            applied = apply_policy(plan, stored_version(documents, policy))
        except FunctionsError:
            return None
        return applied.plan, {name: reason(code) for name, code in applied.removed.items()}

    try:
        yield version
    finally:
        if documents is not None:
            documents.close()


def _fill(log: OrderedDecisions, path: str | None, store: ProfileStore, console: Console) -> None:
    from functions.operations.exporting import decision_document
    from functions.profiles.store import DecisionLog

    if path is not None:
        _read_file(log, path, console)
        return
    if not isinstance(store, DecisionLog):
        raise SettingsError(
            "FUNCTIONS_STORE: this store can't list every decision",
            hint="export them where it can, and name the file with --decisions",
        )
    for record in Progress(console, "decision", note=" read").each(store.every_decision()):
        log.add(decision_document(record))


def _read_file(log: OrderedDecisions, path: str, console: Console) -> None:
    from functions.documents import DocumentError
    from functions.operations.ordering import log_lines

    number, progress = 0, Progress(console, "decision", total=size_of(path), note=" read")
    try:
        with Path(path).open("rb") as file:
            for number, document in enumerate(log_lines(file), 1):
                if not isinstance(document, dict):
                    raise ValueError
                log.add(document)
                progress.show(number, file.tell())
    except OSError as error:
        raise unreadable(path, error) from None
    except DocumentError as error:
        raise EventMalformedError(f"{path}: {error}") from None
    except ValueError:
        raise EventMalformedError(f"{path}: entry {number} is no exported decision") from None


def _history(store: ProfileStore, log: OrderedDecisions) -> History:
    """Return what the store knows besides the decisions."""
    from functions.analysis.simulation import History

    @lru_cache(maxsize=1_000)
    def present(profile_id: str) -> Snapshot | None:
        return store.load(profile_id)

    def contacts(profile_id: str) -> tuple[Contact, ...]:
        snapshot = present(profile_id)
        return snapshot.state.contacts if snapshot is not None else ()

    def earlier(profile_id: str) -> Iterator[Contact]:
        return (one for one in contacts(profile_id) if not log.holds(profile_id, one.decision_id))

    def kept(profile_id: str, decision_id: str) -> Contact | None:
        return next((one for one in contacts(profile_id) if one.decision_id == decision_id), None)

    return History(present, earlier, kept)


def _simulated(
    simulation: Simulation,
    subjects: Mapping[str, Subject],
    log: OrderedDecisions,
    arguments: argparse.Namespace,
    console: Console,
) -> Found:
    from functions.analysis.figures import Found
    from functions.analysis.recorded import read_recorded

    found, progress = Found(), Progress(console, "decision", total=len(log))
    for number, document in enumerate(log, 1):
        progress.show(number)
        try:
            one = read_recorded(document)
        except ValueError:
            found.left_out["not readable as a decision"] += 1
            continue
        why = _left_out(one, subjects, arguments.since)
        if why is not None:
            simulation.note(one)
            found.left_out[why] += 1
            continue
        change = simulation.take(one)
        if arguments.function in (None, one.function):
            found.add(change)
    return found


def _left_out(one: Recorded, subjects: Mapping[str, Subject], since: datetime | None) -> str | None:
    if one.function not in subjects:
        return "no spec has its function any more"
    if one.replayed:
        return "made by a replay"
    return "before the time that was asked for" if since is not None and one.at < since else None
