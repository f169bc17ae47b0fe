"""`functions decisions`: what was decided about a customer, and why; or everything, for a lasting log."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from functions.cli.arguments import add_json, add_limit
from functions.cli.console import Console
from functions.cli.receipts import action_text, veto_texts
from functions.documents import Json
from functions.errors import UsageError
from functions.profiles.store import DecisionRecord, ProfileStore
from functions.settings import read_settings
from functions.times import format_instant

_EPILOG = """`functions decisions export` copies every decision of the store to a file: a line of JSON
for each, gzipped, as the export on AWS keeps them. A store forgets a decision after 30 days.

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
    parser.add_argument("--profile", metavar="ID", help="id of the customer")
    parser.add_argument("--to", metavar="FILE", help="with export: the file, such as decisions.jsonl.gz")
    add_limit(parser, 20)
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_store

    if arguments.what == "export":
        from functions.cli.exporting import export_decisions

        return export_decisions(arguments, console)
    if arguments.profile is None:
        raise UsageError(
            "functions decisions: give --profile, whose decisions to list", hint="Or export, for all of them."
        )
    with opened_store(read_settings(console.environment)) as store:
        found = [
            _document(store, record) for record in store.decisions(arguments.profile, limit=arguments.limit)
        ]
    if arguments.json:
        console.json(found)
        return 0
    if not found:
        console.err(f"nothing was decided about {arguments.profile!r}")
        return 0
    for document in found:
        outcome = console.paint(str(document["outcome"]).replace("_", " "), "bold")
        console.out(f"{document['decided_at']}  {document['function']}  {outcome}")
        console.out(f"  {document['reason']['text']}")
        for line in _vetoes(document):
            console.out(f"  {line}")
        if document["action"]:
            console.out(f"  {action_text(document['action'])}")
        console.out(console.paint(f"  decision {document['decision_id']}", "dim"))
    return 0


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
