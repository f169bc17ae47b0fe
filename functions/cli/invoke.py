"""`functions invoke NAME --event FILE`: run a function on an event and print the receipt."""

from __future__ import annotations

import argparse
import uuid
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, instant, read_input
from functions.cli.console import Console
from functions.settings import read_settings
from functions.times import utc_now

if TYPE_CHECKING:
    from functions.events.reading import Parsed
    from functions.runtime.engine import Runtime
    from functions.runtime.receipt import Receipt
    from functions.spec.plan import Plan

MAX_INPUT_BYTES = 10_000_000

_EPILOG = """The event file holds an EventBridge, SQS, SNS, Kinesis, HTTP or DynamoDB-stream envelope as AWS delivers it,
or a bare event (canonical, Segment or Tealium). `-` reads standard input.

examples:
  functions invoke churn-retention --event events/cancellation-page.json
  functions invoke churn-retention --event events/cancellation-page.json --new-id --json
  functions invoke churn-retention --event events/cancellation-page.json --profile customer.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("name", metavar="NAME", help="name of the function")
    parser.add_argument(
        "--event", required=True, metavar="FILE", help="file with the event, or - for standard input"
    )
    parser.add_argument(
        "--profile", metavar="FILE", help="put this profile into the store first: {id, profile, consent}"
    )
    parser.add_argument(
        "--now", type=instant, metavar="TIME", help="decision time; by default the event's own time"
    )
    parser.add_argument(
        "--new-id", action="store_true", help="send the event again as a new one, with a fresh id"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_runtime, opened_store
    from functions.events.reading import read_events
    from functions.spec.loading import load_function

    settings = read_settings(console.environment)
    plan = load_function(settings.specs, arguments.name)
    text = read_input(arguments.event, console, max_bytes=MAX_INPUT_BYTES)
    if arguments.profile:
        from functions.cli.profile import put_record, read_record

        record = read_record(
            read_input(arguments.profile, console, max_bytes=MAX_INPUT_BYTES), arguments.profile
        )
        with opened_store(settings) as store:
            put_record(store, record, now=utc_now())
    records = read_events(text, received_at=utc_now())
    with opened_runtime(console.environment) as runtime:
        receipts = [
            _receipt(runtime, plan, record, now=arguments.now, new_id=arguments.new_id) for record in records
        ]
    _print(receipts, console, as_json=arguments.json)
    return max(receipt.exit_code for receipt in receipts)


def _receipt(runtime: Runtime, plan: Plan, record: Parsed, *, now: datetime | None, new_id: bool) -> Receipt:
    from functions.decision.reasons import error_reason
    from functions.errors import EventError
    from functions.runtime.receipt import Receipt

    try:
        event = record.value()
    except EventError as error:
        return Receipt(plan.name, "rejected", error_reason(error), bundle=plan.bundle)
    if new_id:
        event = replace(event, id=str(uuid.uuid4()))
    return runtime.handle(plan, event, now=now or event.time)


def _print(receipts: list[Receipt], console: Console, *, as_json: bool) -> None:
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
