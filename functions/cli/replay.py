"""`functions replay`: decide again about events of the past, on AWS out of the archive, or here out of files."""

from __future__ import annotations

import argparse

from functions.cli.arguments import add_environment, add_json, environment_of, instant, specs_folder
from functions.cli.completion import function_names
from functions.cli.console import Console
from functions.errors import UsageError
from functions.times import format_instant, utc_now

_EPILOG = """Every replay decides anew, under ids of its own: a decision that would have acted is
kept as suppressed, with what would have been chosen among its candidates. Scores are
written unless a newer event has written one. An action is sent for no event but one
that nobody has decided about yet, while it is within the max_age of its function.

With --events the events of these files are decided here, over FUNCTIONS_STORE; a folder
stands for its .json and .jsonl files. The same --name again goes on after an
interruption: what is decided already is a duplicate.

Without, EventBridge replays its archive onto the bus, for the rules of the named
functions, by default those of all specs.

examples:
  functions replay --events events --now 2026-11-03T00:00:00Z
  functions replay --events yesterday.jsonl --function churn-retention --json
  functions replay --from 2026-11-02T00:00:00Z --to 2026-11-03T00:00:00Z --dry-run
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("--from", dest="begin", type=instant, metavar="TIME", help="events from this time on")
    parser.add_argument("--to", dest="end", type=instant, metavar="TIME", help="events before this time")
    parser.add_argument(
        "--function",
        action="append",
        dest="functions",
        metavar="NAME",
        help="only this function; can be given several times",
    )
    parser.add_argument(
        "--events", nargs="+", metavar="FILE", help="files or folders of events, to decide about them here"
    )
    parser.add_argument(
        "--now", type=instant, metavar="TIME", help="with --events: decision time; by default the clock's"
    )
    parser.add_argument(
        "--name", metavar="REPLAY", help="with --events: name of the replay, to go on with it"
    )
    parser.add_argument(
        "--archive", metavar="ARCHIVE", help="archive on AWS; by default that of the deployment"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be replayed, and start nothing"
    )
    add_environment(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    if arguments.begin and arguments.end and arguments.begin >= arguments.end:
        raise UsageError("--from must be before --to")
    if arguments.events:
        from functions.cli.replaying import replay_files

        return replay_files(arguments, console)
    return _replay_archive(arguments, console)


def _replay_archive(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.begin is None or arguments.end is None:
        raise UsageError(
            "give --from and --to, which events to replay", hint="Or --events, to decide about files here."
        )
    from functions.operations.aws import AwsCalls
    from functions.operations.replays import prepare_replay, start_replay

    events = AwsCalls("events")
    replay = prepare_replay(
        events,
        environment=environment_of(arguments, console),
        functions=arguments.functions or sorted(function_names(specs_folder(console))),
        begin=arguments.begin,
        end=arguments.end,
        now=utc_now(),
        archive=arguments.archive,
    )
    state = "not started" if arguments.dry_run else start_replay(events, replay)
    if arguments.json:
        console.json({**replay.as_document(), "state": state})
        return 0
    console.out(f"{console.paint(replay.name, 'bold')}  generation {replay.generation}, {state}")
    console.out(f"  events      {format_instant(replay.begin)} to {format_instant(replay.end)}")
    console.out(f"  archive     {replay.archive}")
    console.out(f"  functions   {', '.join(replay.rules)}")
    if replay.skipped:
        console.err(f"without a rule on the bus, so not replayed: {', '.join(replay.skipped)}")
    if not arguments.dry_run:
        console.err(f"follow it: aws events describe-replay --replay-name {replay.name}")
        console.err(f"stop it:   aws events cancel-replay --replay-name {replay.name}")
    return 0
