"""`functions invoke NAME --event FILE`: run a function on an event and print the receipt."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from functions.cli.arguments import add_json, decision_time, read_input, specs_folder
from functions.cli.console import Console, counted
from functions.cli.progress import through
from functions.errors import EventError
from functions.profiles.store import ProfileStore
from functions.settings import read_settings
from functions.times import utc_now

if TYPE_CHECKING:
    from functions.cli.records import Record
    from functions.events.event import Event
    from functions.events.reading import Parsed
    from functions.runtime.engine import Runtime
    from functions.runtime.receipt import Receipt
    from functions.spec.plan import Plan

MAX_INPUT_BYTES = 10_000_000

_EPILOG = """The event file holds an EventBridge, SQS, SNS, Kinesis, HTTP or DynamoDB-stream
envelope as AWS delivers it, or a bare event (canonical, Segment or Tealium).
`-` reads standard input. An envelope with several events prints a receipt for
each; with --json one on each line.

examples:
  functions invoke churn-retention --event events/cancellation-page.json
  functions invoke churn-retention --event events/cancellation-page.json --new-id --json
  functions invoke churn-retention --event events/cancellation-page.json --profile customer.json
"""

_HINTS: Final = {
    "duplicate": "this event was decided before; --new-id sends it again as a new one",
    "profile.missing": "`functions profile import FILE` reads profiles into the store; then send the event "
    "again with --new-id",
    "consent.not_yet": "consent was given after the time of this decision; --now TIME decides at a later time",
}
"""What to do next, by outcome or reason; for whoever tries things out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("name", metavar="NAME", help="name of the function")
    parser.add_argument(
        "--event", required=True, metavar="FILE", help="file with the event, or - for standard input"
    )
    parser.add_argument(
        "--profile",
        metavar="FILE",
        help="put this into the store first: {id, profile, consent}, or a bare profile for the customer "
        "of the event",
    )
    parser.add_argument(
        "--now",
        type=decision_time,
        metavar="TIME",
        help="decision time; by default the event's own time",
    )
    parser.add_argument(
        "--new-id", action="store_true", help="send the event again as a new one, with a fresh id"
    )
    add_json(parser)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of the command, as far as every event of it is treated alike."""

    plan: Plan
    record: Record | None
    now: datetime | None
    new_id: bool


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_runtime, opened_store
    from functions.spec.loading import load_function

    settings = read_settings(console.environment)
    plan = load_function(specs_folder(console), arguments.name)
    parsed = _events(arguments.event, console)
    call = _Call(plan, _record(arguments.profile, console), arguments.now, arguments.new_id)
    notes: list[str] = []
    each = through(console, "event")
    with (
        opened_store(settings) as store,
        opened_runtime(settings, store, on_stand_in=notes.append) as runtime,
    ):
        receipts = [_receipt(call, one, runtime, store, console) for one in each(parsed)]
    _print(receipts, console, as_json=arguments.json)
    refused = sum(one.error is not None for one in parsed)
    if refused:
        console.err(f"{arguments.event}: {refused:,} of {counted(len(parsed), 'event')} could not be read")
    for note in notes:
        console.err(f"note: {note}")
    for hint in dict.fromkeys(_hint(receipt) for receipt in receipts):
        if hint:
            console.err(f"hint: {hint}")
    return max(receipt.exit_code for receipt in receipts)


def _events(path: str, console: Console) -> Sequence[Parsed]:
    """Read every event of a file; a file that holds none is one that could not be read."""
    from functions.events.reading import Parsed, read_events

    try:
        return read_events(read_input(path, console, max_bytes=MAX_INPUT_BYTES), received_at=utc_now())
    except EventError as error:
        return (Parsed("document", "event", None, error),)


def _record(path: str | None, console: Console) -> Record | None:
    if path is None:
        return None
    from functions.cli.records import read_record

    return read_record(read_input(path, console, max_bytes=MAX_INPUT_BYTES), path)


def _receipt(call: _Call, parsed: Parsed, runtime: Runtime, store: ProfileStore, console: Console) -> Receipt:
    from functions.runtime.receipt import refused

    try:
        event = parsed.value()
    except EventError as error:
        return refused(call.plan, error)
    if call.new_id:
        from uuid import uuid4

        event = replace(event, id=str(uuid4()))
    now = call.now or event.time
    if call.record is not None:
        _put(call, event, store, now, console)
    return runtime.handle(call.plan, event, now=now)


def _put(call: _Call, event: Event, store: ProfileStore, now: datetime, console: Console) -> None:
    """Put the record of `--profile` into the store; consent without a date counts at decision time."""
    from functions.cli.records import put_record
    from functions.decision.evaluating import evaluate

    record = call.record
    if record is None:
        return
    key = record.id or evaluate(call.plan.key, {"event": event.as_document()})
    if isinstance(key, str) and key:
        for name in put_record(store, record, key, now=utc_now(), consent_at=now):
            console.err(f"consent {name}: the record in the store is newer, or as new and stricter; it stays")


def _hint(receipt: Receipt) -> str | None:
    return _HINTS.get(receipt.outcome) or _HINTS.get(receipt.reason.code)


def _print(receipts: Sequence[Receipt], console: Console, *, as_json: bool) -> None:
    if as_json:
        for receipt in receipts:
            console.json(receipt.as_document(), compact=len(receipts) > 1)
        return
    from functions.cli.receipts import render_receipt

    for index, receipt in enumerate(receipts):
        if index:
            console.out()
        for line in render_receipt(receipt.as_document(), console):
            console.out(line)
