"""`functions outbox`: show the actions that wait to be sent, and send them."""

from __future__ import annotations

import argparse

from functions.cli.arguments import add_json, add_limit, instant, specs_folder
from functions.cli.console import Console, counted
from functions.documents import Json
from functions.profiles.outbox import OutboxEntry, Unreadable
from functions.settings import read_settings
from functions.times import format_instant, utc_now

_EPILOG = """A redrive checks age, consent, conditions and rails again before it sends anything, and uses
the key of the first attempt.

examples:
  functions outbox
  functions outbox --redrive
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("--redrive", action="store_true", help="send what is due")
    parser.add_argument("--now", type=instant, metavar="TIME", help="time of the act; by default the clock's")
    add_limit(parser, 100)
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    rows = _redrive(arguments, console) if arguments.redrive else _list(arguments, console)
    if not rows:
        waiting = len(_list(arguments, console))
        console.err(
            f"nothing is due; {counted(waiting, 'action')} to be sent later"
            if waiting
            else "nothing waits to be sent"
        )
    if arguments.json:
        console.json(rows)
        return 0
    for row in rows:
        note = f" ({row['note']})" if row["note"] else ""
        doubt = ", it may have arrived" if row["may_have_arrived"] else ""
        console.out(
            f"{row['status']}{doubt}  {row['action']} to {row['channel']} for {row['profile_id']}{note}"
        )
        expires = f", expires {row['expires_at']}" if row["expires_at"] else ""
        console.out(console.paint(f"  decision {row['decision_id']}, due {row['due_at']}{expires}", "dim"))
    return 0


def _list(arguments: argparse.Namespace, console: Console) -> list[dict[str, Json]]:
    from functions.cli.composition import opened_store

    with opened_store(read_settings(console.environment)) as store:
        entries = store.outbox(limit=arguments.limit, unreadable=_warning(console))
    return [_row(entry, entry.status, entry.note, in_doubt=entry.in_doubt) for entry in entries]


def _redrive(arguments: argparse.Namespace, console: Console) -> list[dict[str, Json]]:
    from functions.cli.composition import opened_runtime, opened_store
    from functions.spec.loading import load_folder, load_policy

    settings = read_settings(console.environment)
    folder = specs_folder(console)
    policy, plans = load_policy(folder), load_folder(folder).plans.values()
    with opened_store(settings) as store, opened_runtime(settings, store) as runtime:
        now, warning = arguments.now or utc_now(), _warning(console)
        results = runtime.redrive(policy, now=now, limit=arguments.limit, plans=plans, unreadable=warning)
    rows = []
    for entry, performed in results:
        if performed is None:
            rows.append(_row(entry, "held", "another process works on it", in_doubt=entry.in_doubt))
            continue
        status = "released" if performed.delivery == "none" else performed.delivery
        rows.append(_row(entry, status, performed.note, in_doubt=performed.in_doubt))
    return rows


def _warning(console: Console) -> Unreadable:
    """Return what says on the side that an entry is damaged, and is left out."""
    return lambda profile_id, key: console.err(f"entry {key} of {profile_id} can't be read, and is left out")


def _row(entry: OutboxEntry, status: str, note: str | None, *, in_doubt: bool) -> dict[str, Json]:
    return {
        "status": status,
        "may_have_arrived": in_doubt,
        "note": note,
        "decision_id": entry.decision_id,
        "profile_id": entry.profile_id,
        "function": entry.function,
        "action": entry.action,
        "channel": entry.channel,
        "attempts": entry.attempts,
        "created_at": format_instant(entry.created_at),
        "due_at": format_instant(entry.due_at),
        "expires_at": format_instant(entry.expires_at) if entry.expires_at else None,
        "lease_until": format_instant(entry.lease_until) if entry.lease_until else None,
    }
