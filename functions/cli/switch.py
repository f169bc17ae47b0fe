"""`functions switch …`: kill switches, for one action or one function, without a deployment."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json
from functions.cli.console import Console
from functions.cli.progress import through
from functions.errors import UnknownNameError
from functions.settings import read_settings
from functions.times import format_instant, utc_now

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from functions.runtime.switches import Kind, Switch

_MAX_BECAUSE = 200

_EPILOG = """An action that is switched off is not chosen, and one that waits in the outbox is
released when its turn comes: nothing old leaves when it is switched on again. A function
that is switched off calls no model and decides nothing; its events count as dealt with.
Functions look every FUNCTIONS_POLICY_EVERY. Names are checked against the folder of specs,
where there is one.

examples:
  functions switch off action retention-offer-20 --because "wrong percentage"
  functions switch on action retention-offer-20
  functions switch off function churn-retention
  functions switch list
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    steps: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="step", required=True, metavar="off|on|list"
    )
    off = steps.add_parser("off", help="switch an action or a function off")
    _add_what(off)
    off.add_argument(
        "--because", type=_because, metavar="TEXT", help="why; `switch list` shows it, receipts don't"
    )
    on = steps.add_parser("on", help="switch an action or a function on again")
    _add_what(on)
    for step in (off, on, steps.add_parser("list", help="list what is switched off")):
        add_json(step)


def _add_what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("action", "function"), help="what it is")
    parser.add_argument("name", metavar="NAME", help="its name")


def _because(text: str) -> str:
    if not text.strip() or len(text) > _MAX_BECAUSE or not text.isprintable():
        raise argparse.ArgumentTypeError(f"give 1 to {_MAX_BECAUSE} characters on one line")
    return text.strip()


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_documents
    from functions.runtime.switches import Switch, stored_switches, switch_off, switch_on

    with opened_documents(read_settings(console.environment)) as store:
        if arguments.step == "list":
            return _list(sorted(stored_switches(store).off.values(), key=_order), arguments, console)
        kind, name = arguments.kind, arguments.name
        if arguments.step == "off":
            _check_name(kind, name, console)
            moved = switch_off(store, Switch(kind, name, utc_now(), arguments.because))
        else:
            moved = switch_on(store, kind, name)
            if not moved:
                # Not off: nothing is wrong, unless it is the name.
                _check_name(kind, name, console)
    if arguments.json:
        console.json({"kind": kind, "name": name, "switched": arguments.step, "changed": moved})
    else:
        console.err(f"{kind} {name} is {'now' if moved else 'already'} switched {arguments.step}")
    return 0


def _order(switch: Switch) -> tuple[str, str]:
    return switch.kind, switch.name


def _list(switches: list[Switch], arguments: argparse.Namespace, console: Console) -> int:
    rows = [
        {"kind": one.kind, "name": one.name, "at": format_instant(one.at), "because": one.because}
        for one in switches
    ]
    if arguments.json:
        console.json(rows)
        return 0
    for row in rows:
        because = f"  {row['because']}" if row["because"] else ""
        console.out(f"{row['kind']} {row['name']}  off since {row['at']}{because}")
    if not rows:
        console.err("nothing is switched off")
    return 0


def _check_name(kind: Kind, name: str, console: Console) -> None:
    """Refuse a name that the folder of specs does not have; a switch for it would be a false comfort.

    Raises:
        UnknownNameError: Nothing is called so.
    """
    folder = read_settings(console.environment).specs
    if not folder.is_dir():
        console.err(f"the name is not checked: the folder of specs {folder} does not exist")
        return
    from functions.spec.loading import load_folder
    from functions.spec.problems import closest

    loaded = load_folder(folder, each=through(console, "spec"))
    if loaded.registry is None and kind == "action":
        console.err(f"the name is not checked: the actions of {folder} can't be read")
        return
    actions = loaded.registry.actions if loaded.registry is not None else {}
    names = actions if kind == "action" else loaded.files
    if name not in names:
        hint = closest(name, names)
        raise UnknownNameError(f"no {kind} of {folder} is called {name!r}", hint=hint or None)
