"""`functions suppress …`: who is on a suppression list, kept without an id in the clear."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, instant
from functions.cli.complaints import Complaints
from functions.cli.composition import opened_documents, opened_store
from functions.cli.console import Console, counted
from functions.cli.declared import check_list
from functions.cli.progress import Progress, size_of
from functions.documents import Json
from functions.errors import EventError, StoreRejectedError
from functions.profiles.access import customer_behind
from functions.profiles.store import ProfileStore
from functions.settings import Settings, read_settings
from functions.times import format_instant, utc_now

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from functions.runtime.suppression import Mark, Suppressions

_MAX_LIST = 100
_MAX_BECAUSE = 200

_EPILOG = """A rule of the policy with `listed: LIST` forbids its actions for whoever is on the list. A mark
stands under a hash of the id, with the key FUNCTIONS_SECRET_SUPPRESSION_KEY, and outlives
`functions profile delete`. Where marks can't be read, the rule forbids. Keep the key: marks
can't be written anew with another one.

examples:
  functions suppress add do-not-contact customer-0042 --because "asked on the phone"
  functions suppress check customer-0042
  functions suppress import do-not-contact ids.txt
  functions suppress remove do-not-contact customer-0042
  functions profile delete customer-0042 --suppress do-not-contact
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    steps: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="step", required=True, metavar="add|remove|check|import"
    )
    add = steps.add_parser("add", help="put a customer on a list")
    _add_list(add)
    add.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    _add_mark(add)
    remove = steps.add_parser("remove", help="take a customer off a list")
    _add_list(remove)
    remove.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    check = steps.add_parser("check", help="print the lists that a customer is on")
    check.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    load = steps.add_parser("import", help="put many customers on a list")
    _add_list(load)
    load.add_argument("file", metavar="FILE", help="one id a line; - for standard input")
    _add_mark(load)
    for step in (add, remove, check, load):
        add_json(step)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("list", type=list_name, metavar="LIST", help="name of the list")


def _add_mark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--until", type=instant, metavar="TIME", help="when the mark ends; by default never")
    parser.add_argument("--because", type=_because, metavar="TEXT", help="why; name nobody in it")
    parser.add_argument("--new-list", action="store_true", help="also if no rule asks for the list yet")


def list_name(text: str) -> str:
    """Read the name of a list."""
    if not 0 < len(text) <= _MAX_LIST or not text.isprintable():
        raise argparse.ArgumentTypeError(f"give the name of a list: 1 to {_MAX_LIST} characters on one line")
    return text


def _because(text: str) -> str:
    if not text.strip() or len(text) > _MAX_BECAUSE or not text.isprintable():
        raise argparse.ArgumentTypeError(f"give 1 to {_MAX_BECAUSE} characters on one line")
    return text.strip()


@contextmanager
def opened_suppressions(settings: Settings) -> Iterator[Suppressions]:
    """Open the marks of the store of the settings, and close it after the block.

    Raises:
        SettingsError: The store keeps no marks.
    """
    from functions.runtime.suppression import Suppressions

    with opened_documents(settings) as documents:
        yield Suppressions(documents, settings.secret)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    settings = read_settings(console.environment)
    if arguments.step in ("add", "import") and not arguments.new_list:
        check_list(arguments.list, console)
    steps = {"add": _add, "remove": _remove, "check": _check, "import": _import}
    with opened_suppressions(settings) as marks, opened_store(settings) as store:
        return steps[arguments.step](marks, store, arguments, console)


def _add(marks: Suppressions, store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.cli.records import check_usable

    check_usable(arguments.id, "ID")
    mark = _mark(arguments)
    for one in _ids(store, arguments.id):
        marks.add(arguments.list, one, mark)
    _say(
        {"list": arguments.list, "id": arguments.id},
        f"on {arguments.list}: {arguments.id}",
        arguments,
        console,
    )
    return 0


def _remove(marks: Suppressions, store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    ids = _ids(store, arguments.id)
    found = [marks.remove(arguments.list, one) for one in ids]
    others = sorted({name for one in ids for name in marks.marks(one)})
    text = f"{'now' if any(found) else 'already'} off {arguments.list}: {arguments.id}"
    text += f"; still on {', '.join(others)}" if others else ""
    document = {"list": arguments.list, "id": arguments.id, "removed": any(found), "still_on": others}
    _say(document, text, arguments, console)
    return 0


def _mark(arguments: argparse.Namespace) -> Mark:
    from functions.runtime.suppression import Mark

    return Mark(utc_now(), arguments.until, arguments.because)


def _say(document: Json, text: str, arguments: argparse.Namespace, console: Console) -> None:
    if arguments.json:
        console.json(document)
    else:
        console.err(text)


def _ids(store: ProfileStore, asked: str) -> tuple[str, ...]:
    """Return an id with the one that it stands for: either may be all that is left to know a customer by."""
    return tuple(dict.fromkeys((asked, customer_behind(store, asked))))


def _check(marks: Suppressions, store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    now, ids = utc_now(), _ids(store, arguments.id)
    found = {name: mark for one in ids for name, mark in sorted(marks.marks(one).items())}
    rows: list[dict[str, Json]] = [
        {
            "list": name,
            "at": format_instant(mark.at),
            "until": format_instant(mark.until) if mark.until else None,
            "because": mark.because,
            "ended": mark.until is not None and mark.until <= now,
        }
        for name, mark in sorted(found.items())
    ]
    if arguments.json:
        console.json(rows)
        return 0
    for row in rows:
        until = f" {'ended' if row['ended'] else 'until'} {row['until']}" if row["until"] else ""
        console.out(f"{row['list']}  since {row['at']}{until}  {row['because'] or ''}".rstrip())
    if not rows:
        console.err(f"{arguments.id} is on no list")
    return 0


def _import(marks: Suppressions, store: ProfileStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.cli.records import check_usable, numbered_lines

    mark, done, read, refused = _mark(arguments), 0, 0, Complaints(console)
    progress = Progress(console, "customer", total=size_of(arguments.file))
    try:
        for number, line in numbered_lines(arguments.file, console):
            try:
                asked = line.decode().strip()
                check_usable(asked, f"{arguments.file}:{number}")
                for one in _ids(store, asked):
                    marks.add(arguments.list, one, mark)
                done += 1
            except UnicodeDecodeError:
                refused.add(f"{arguments.file}:{number}: no UTF-8 text")
            except (EventError, StoreRejectedError) as error:
                refused.add(error.message)
            read += len(line)
            progress.show(done, read)
    finally:
        progress.end()
        refused.conclude()
        refusals = f", {counted(refused.count, 'line')} refused" if refused.count else ""
        document = {"list": arguments.list, "customers": done, "refused": refused.count}
        _say(document, f"{counted(done, 'customer')} on {arguments.list}{refusals}", arguments, console)
    return 1 if refused.count else 0
