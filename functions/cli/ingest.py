"""`functions ingest --event FILE`: take in what a platform sends, and say what became of each record."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from functions.cli.arguments import add_json, instant, read_input, specs_folder
from functions.cli.console import Console
from functions.cli.progress import Progress
from functions.settings import read_settings
from functions.times import utc_now

if TYPE_CHECKING:
    from functions.ingest.writing import Ingested

MAX_INPUT_BYTES: Final = 10_000_000

_EPILOG = """The file holds what a platform sends: {profile_id, updated_at, profile, traits, consent,
aliases}, a Segment call, a Tealium event or visitor, one or several, bare or in an
envelope of EventBridge, SQS, SNS, Kinesis or HTTP. Nothing is decided.

examples:
  functions ingest --event events/ingest/record.json
  functions ingest --event events/ingest/segment-identify.json --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--event", required=True, metavar="FILE", help="file with the records, or - for standard input"
    )
    parser.add_argument(
        "--now", type=instant, metavar="TIME", help="when it arrives; by default the clock's time"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_store
    from functions.errors import EventError
    from functions.events.decoding import decode_document
    from functions.events.envelopes import unwrap_each
    from functions.ingest.writing import Ingest, Ingested
    from functions.spec.loading import load_consents

    settings = read_settings(console.environment)
    text = read_input(arguments.event, console, max_bytes=MAX_INPUT_BYTES)
    sources = load_consents(specs_folder(console))
    now = arguments.now or utc_now()
    with opened_store(settings) as store:
        try:
            document = decode_document(text, "document")
            ingest = Ingest(store, sources, settings.event_skew)
            # They are looked at twice, so that somebody who waits knows how many there are.
            progress = Progress(
                console, "record", total=sum(1 for _ in unwrap_each(document, lambda _: None))
            )
            results = list(progress.each(ingest.take(document, now=now, received_at=now)))
        except EventError as error:
            results = [Ingested("document", "event", "refused", error=error)]
    for result in results:
        show(result, console, json=arguments.json)
    return 1 if any(result.error is not None for result in results) else 0


def show(result: Ingested, console: Console, *, json: bool) -> None:
    """Print what became of a record: a line of text, or of JSON with the id of the profile."""
    if json:
        console.json({**result.as_document(), "profile_id": result.profile_id}, compact=True)
        return
    if result.error is not None:
        console.out(f"{result.fate}  {result.position}: error[{result.error.code}]")
        console.err(result.error.message)
        return
    parts = [*result.wrote, *(f"{part} (kept: newer or of another)" for part in result.kept)]
    console.out(f"{result.fate}  {result.position}: {result.profile_id}: {', '.join(parts) or 'no change'}")
