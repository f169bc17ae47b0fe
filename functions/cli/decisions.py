"""`functions decisions`: what was decided about a customer, and why; or everything, for a lasting log."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, add_limit
from functions.cli.console import Console, counted
from functions.cli.receipts import action_text, veto_texts
from functions.documents import Json
from functions.errors import UsageError
from functions.profiles.access import customer_behind
from functions.profiles.store import DecisionRecord, ProfileStore
from functions.settings import read_settings
from functions.times import format_instant, utc_now

if TYPE_CHECKING:
    from functions.profiles.feedback import FeedbackStore
    from functions.runtime.attempts import Attempt

_EPILOG = """An event that failed or was rejected stands in the list as well, for 30 days after the last
one, unless it was decided later. What never came as far as a customer stands in the log
alone: a line for each event, under its id.

`functions decisions export` copies every decision of the store to a file that only you may
read: a line of JSON for each, gzipped where its name ends in .gz, as the export on AWS
keeps them. A store forgets a decision after 30 days.

examples:
  functions decisions --profile customer-0042
  functions decisions --profile customer-0042 --limit 1 --json
  functions decisions export --to decisions.jsonl.gz
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "what", nargs="?", choices=("export",), metavar="export", help="copy every decision to a file"
    )
    parser.add_argument("--profile", metavar="ID", help="id of the customer, or an alias")
    parser.add_argument("--to", metavar="FILE", help="with export: the file; .gz packs it")
    add_limit(parser, 20)
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_feedback, opened_store, store_words

    if arguments.what == "export":
        from functions.cli.exporting import export_decisions

        return export_decisions(arguments, console)
    if arguments.profile is None:
        raise UsageError(
            "functions decisions: give --profile, whose decisions to list", hint="Or export, for all of them."
        )
    settings = read_settings(console.environment)
    with opened_store(settings) as store, opened_feedback(settings) as feedback:
        found = _found(store, feedback, arguments.profile, arguments.limit)
    if arguments.json:
        console.json(found)
    for document in found if not arguments.json else ():
        _print(document, console)
    if not found:
        console.err(f"nothing was decided about {arguments.profile!r}, and nothing was tried")
        console.err(f"  = looked in {store_words(settings)}")
    return 0


def _found(
    store: ProfileStore, feedback: FeedbackStore | None, asked: str, limit: int
) -> list[dict[str, Json]]:
    """Return what was decided about a customer and what was tried without a decision, newest first."""
    from functions.runtime.attempts import Attempts

    ids = dict.fromkeys((customer_behind(store, asked), asked))
    records = [record for one in ids for record in store.decisions(one, limit=limit)]
    found = [(record.decided_at, _document(store, record)) for record in records]
    for attempt in Attempts(feedback, utc_now).of(ids):
        # An event that failed at first may have been decided when it was delivered again.
        decided = attempt.decision_id and any(store.load(one, attempt.decision_id).decision for one in ids)
        if not decided:
            found.append((attempt.at, _attempt_document(attempt)))
    found.sort(key=lambda entry: entry[0], reverse=True)
    return [document for _, document in found[:limit]]


def _print(document: dict[str, Json], console: Console) -> None:
    outcome = console.paint(str(document["outcome"]).replace("_", " "), "bold")
    at = document["decided_at"] or document["attempted_at"]
    console.out(f"{at}  {document['function']}  {outcome}")
    console.out(f"  {document['reason']['text']}")
    if document["decided_at"] is None:
        console.out(
            f"  nothing was decided; {document['reason']['code']}, tried {_times(document['attempts'])}"
        )
    for line in _vetoes(document):
        console.out(f"  {line}")
    if document.get("action"):
        console.out(f"  {action_text(document['action'])}")
    if document["decision_id"]:
        console.out(console.paint(f"  decision {document['decision_id']}", "dim"))


def _times(number: int) -> str:
    return "once" if number == 1 else counted(number, "time")


def _vetoes(document: dict[str, Json]) -> Iterator[str]:
    """Yield what was against each action, where the reason of the decision does not say it."""
    for candidate in document.get("candidates") or ():
        for text in veto_texts(candidate):
            if text != document["reason"]["text"]:
                yield f"not {candidate['action']}: {text}"


def _document(store: ProfileStore, record: DecisionRecord) -> dict[str, Json]:
    document: dict[str, Json] = {**record.body, "decided_at": format_instant(record.decided_at)}
    from functions.runtime.acting import DELIVERIES

    entry = store.outbox_entry(record.profile_id, record.id)
    if entry is not None and document.get("action"):
        delivery = DELIVERIES[entry.status]
        document["action"] = {**document["action"], "delivery": delivery, "note": entry.note}
    return document


def _attempt_document(attempt: Attempt) -> dict[str, Json]:
    return {
        "function": attempt.function,
        "decision_id": attempt.decision_id,
        "event": {"id": attempt.event_id, "name": attempt.event_name},
        "outcome": attempt.outcome,
        "reason": {"code": attempt.code, "text": attempt.text},
        "decided_at": None,
        "attempted_at": format_instant(attempt.at),
        "attempts": attempt.times,
    }
