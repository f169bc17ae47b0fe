"""`functions outcomes …`: record what customers did after decisions, and count it for learning."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, instant, read_input, specs_folder
from functions.cli.console import Console, counted
from functions.cli.progress import Progress
from functions.errors import EventError, SettingsError
from functions.settings import read_settings
from functions.times import utc_now

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from functions.learning.recording import Recorder
    from functions.learning.responses import Recording
    from functions.profiles.feedback import FeedbackStore

_MAX_INPUT_BYTES = 50_000_000
_BATCH = 100
_SENTENCES = {
    "recorded": "counts for decision",
    "credited": "teaches, though a later decision has it, about decision",
    "repeated": "was known already for decision",
    "noted": "belongs to no decision, and stands on the profile",
    "unmatched": "belongs to no decision",
    "no_outcome": "the event tells of no outcome",
}
_EPILOG = """An outcome is an event called action_shown, action_clicked, action_accepted,
action_converted, action_unsubscribed or action_complained, or one of Segment's
(Order Completed, Email Opened, Email Link Clicked, Email Marked as Spam). With
properties.decision_id it belongs to that decision, else to the last one whose window
is open; properties.amount, revenue or total is the money of a conversion. Unsubscriptions
and complaints also revoke consents, as the data contract says (ended_by).

examples:
  functions outcomes record --event outcome.json
  functions outcomes fold
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    actions: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    record = actions.add_parser("record", help="match the outcomes of a file to decisions, each once")
    record.add_argument("--event", required=True, metavar="FILE", help="events as JSON; - for standard input")
    add_json(record)
    fold = actions.add_parser("fold", help="count new responses, and windows that closed without one")
    fold.add_argument("--now", type=instant, metavar="TIME", help="windows that end by then; default now")
    add_json(fold)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_feedback, opened_store
    from functions.learning.recording import Recorder
    from functions.spec.loading import load_consents

    settings = read_settings(console.environment)
    with opened_feedback(settings) as feedback:
        if feedback is None:
            raise SettingsError("FUNCTIONS_STORE: a store of this class keeps no outcomes")
        if arguments.action == "fold":
            return _fold(arguments, feedback, console)
        sources = load_consents(specs_folder(console))
        with opened_store(settings) as store:
            return _record(arguments, Recorder(store, feedback, sources, settings.event_skew), console)


def _fold(arguments: argparse.Namespace, feedback: FeedbackStore, console: Console) -> int:
    from functions.learning.counting import Folded, fold_due

    now, total = arguments.now or utc_now(), Folded()
    progress = Progress(console, "decision", note=" looked at")
    while (done := fold_due(feedback, now=now, limit=_BATCH)).trials:
        total = total.plus(done)
        progress.show(total.trials)
    progress.end()
    if arguments.json:
        console.json(total.as_document())
    else:
        console.out(
            f"{counted(total.trials, 'decision')} looked at: {counted(total.responses, 'response')}, "
            f"{total.closed:,} closed without one, {total.corrected:,} corrected"
        )
    return 0


def _record(arguments: argparse.Namespace, recorder: Recorder, console: Console) -> int:
    from functions.events.reading import read_events

    now, unreadable = utc_now(), 0
    parsed = read_events(read_input(arguments.event, console, max_bytes=_MAX_INPUT_BYTES), received_at=now)
    for one in parsed:
        try:
            recordings = recorder.record(one.value(), now=now)
        except EventError as error:
            unreadable += 1
            console.err(f"error[{error.code}] {error.message}")
            continue
        for recording in recordings:
            _print(recording, console, as_json=arguments.json)
    return 1 if unreadable else 0


def _print(recording: Recording, console: Console, *, as_json: bool) -> None:
    if as_json:
        console.json(recording.as_document(), compact=True)
        return
    words = [recording.type or "", _SENTENCES[recording.status], recording.decision_id or ""]
    console.out(" ".join(word for word in words if word))
