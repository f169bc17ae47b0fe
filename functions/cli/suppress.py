"""`functions suppress …`: who is on a suppression list, kept without an id in the clear."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from functions.cli.arguments import instant
from functions.cli.console import Console, counted
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
  functions profile delete customer-0042 --suppress do-not-contact
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    steps: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="step", required=True, metavar="add|remove|check|import"
    )
    add = steps.add_parser("add", help="put a customer on a list")
    add.add_argument("list", type=list_name, metavar="LIST", help="name of the list")
    add.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    _add_mark(add)
    remove = steps.add_parser("remove", help="take a customer off a list")
    remove.add_argument("list", type=list_name, metavar="LIST", help="name of the list")
    remove.add_argument("id", metavar="ID", help="the customer's id, or an alias")
    steps.add_parser("check", help="print the lists that a customer is on").add_argument("id", metavar="ID")
    load = steps.add_parser("import", help="put many customers on a list")
    load.add_argument("list", type=list_name, metavar="LIST", help="name of the list")
    load.add_argument("file", metavar="FILE", help="one id a line; - for standard input")
    _add_mark(load)


def _add_mark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--until", type=instant, metavar="TIME", help="when the mark ends; by default never")
    parser.add_argument("--because", type=_because, metavar="TEXT", help="why; name nobody in it")


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
    from functions.cli.composition import opened_documents
    from functions.runtime.suppression import Suppressions

    with opened_documents(settings) as documents:
        yield Suppressions(documents, settings.secret)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    settings = read_settings(console.environment)
    with opened_suppressions(settings) as marks:
        if arguments.step == "check":
            return _check(marks, _ids(settings, arguments.id), console)
        if arguments.step == "remove":
            found = [marks.remove(arguments.list, one) for one in _ids(settings, arguments.id)]
            console.err(f"{'now' if any(found) else 'already'} off {arguments.list}: {arguments.id}")
            return 0
        from functions.runtime.suppression import Mark

        mark = Mark(utc_now(), arguments.until, arguments.because)
        if arguments.step == "import":
            return _import(marks, mark, arguments, console)
        for one in _ids(settings, arguments.id):
            marks.add(arguments.list, one, mark)
        console.err(f"on {arguments.list}: {arguments.id}")
    return 0


def _ids(settings: Settings, asked: str) -> tuple[str, ...]:
    """Return an id with the one that it stands for: either may be all that is left to know a customer by."""
    from functions.cli.composition import opened_store

    with opened_store(settings) as store:
        return tuple(dict.fromkeys((asked, store.resolve_alias(asked) or asked)))


def _check(marks: Suppressions, ids: tuple[str, ...], console: Console) -> int:
    now = utc_now()
    found = {name: mark for one in ids for name, mark in marks.marks(one).items()}
    for name, mark in sorted(found.items()):
        ended = mark.until is not None and mark.until <= now
        until = f" {'ended' if ended else 'until'} {format_instant(mark.until)}" if mark.until else ""
        console.out(f"{name}  since {format_instant(mark.at)}{until}  {mark.because or ''}".rstrip())
    if not found:
        console.err(f"{ids[0]} is on no list")
    return 0


def _import(marks: Suppressions, mark: Mark, arguments: argparse.Namespace, console: Console) -> int:
    from functions.cli.records import numbered_lines
    from functions.errors import EventMalformedError

    settings, done = read_settings(console.environment), 0
    for number, line in numbered_lines(arguments.file, console):
        try:
            asked = line.decode().strip()
        except UnicodeDecodeError:
            raise EventMalformedError(f"{arguments.file}:{number}: no UTF-8 text") from None
        for one in _ids(settings, asked):
            marks.add(arguments.list, one, mark)
        done += 1
    console.err(f"{counted(done, 'customer')} on {arguments.list}")
    return 0
