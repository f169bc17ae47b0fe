"""`functions policy …`: publish the actions and rails of a folder, so that functions take them without a deployment."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console, counted
from functions.documents import Json
from functions.settings import read_settings
from functions.times import format_instant, utc_now

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from functions.profiles.operator_documents import OperatorStore

_MAX_NOTE = 200

_EPILOG = """A version holds the actions and rails of a folder under the hash that receipts show as
`bundle.policy`. Functions take the version in force within FUNCTIONS_POLICY_EVERY; what a
version no longer has is not chosen, and channels are those of the deployment. Before the
first publication every function goes by what it was built with.

examples:
  functions policy publish --note "spring prices"
  functions policy list
  functions policy use d7a0ae8dac853b66 --note "back to winter"
  functions policy show
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    steps: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="step", required=True, metavar="STEP"
    )
    publish = steps.add_parser("publish", help="check the folder of specs, and put its policy into force")
    _add_note(publish)
    use = steps.add_parser("use", help="put a version into force that was published before")
    use.add_argument("hash", metavar="HASH", help="of the version")
    _add_note(use)
    add_json(steps.add_parser("list", help="list the last versions that came into force, newest first"))
    show = steps.add_parser("show", help="print what a version holds, as JSON")
    show.add_argument("hash", nargs="?", metavar="HASH", help="of the version; by default the one in force")
    for step in (publish, use, show):
        add_json(step)


def _add_note(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--note", type=_note, metavar="TEXT", help="why; `policy list` shows it")


def _note(text: str) -> str:
    if not text.strip() or len(text) > _MAX_NOTE or not text.isprintable():
        raise argparse.ArgumentTypeError(f"give 1 to {_MAX_NOTE} characters on one line")
    return text.strip()


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_documents

    steps = {"publish": _publish, "use": _use, "list": _list, "show": _show}
    with opened_documents(read_settings(console.environment)) as store:
        return steps[arguments.step](store, arguments, console)


def _publish(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.build.published import published_form
    from functions.runtime.versions import publish, stored_pointer
    from functions.spec.loading import load_folder, load_policy
    from functions.spec.problems import SpecError

    # Before the folder is read: whoever publishes meanwhile is not overwritten.
    pointer = stored_pointer(store)
    folder = specs_folder(console)
    loaded = load_folder(folder)
    if loaded.errors:
        raise SpecError(loaded.errors)
    policy = load_policy(folder)
    changed = pointer.hash != policy.hash
    if changed:
        publish(store, published_form(policy), pointer, note=arguments.note, at=utc_now())
    if arguments.json:
        console.json({"hash": policy.hash, "changed": changed})
        return 0
    if not changed:
        console.err(f"{policy.hash} is in force already")
        return 0
    console.out(policy.hash)
    what = f"{counted(len(policy.actions), 'action')}, {counted(len(policy.rails), 'rail')}"
    console.err(f"in force: {what}, checked with {counted(len(loaded.plans), 'function')}")
    return 0


def _use(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.runtime.versions import stored_pointer, use

    pointer = stored_pointer(store)
    changed = pointer.hash != arguments.hash
    if changed:
        use(store, arguments.hash, pointer, note=arguments.note, at=utc_now())
    if arguments.json:
        console.json({"hash": arguments.hash, "changed": changed})
    else:
        console.err(f"in force: {arguments.hash}" if changed else f"{arguments.hash} is in force already")
    return 0


def _list(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.runtime.versions import stored_pointer

    rows: list[dict[str, Json]] = [
        {"hash": move.hash, "at": format_instant(move.at), "note": move.note, "in_force": index == 0}
        for index, move in enumerate(stored_pointer(store).moves)
    ]
    if arguments.json:
        console.json(rows)
        return 0
    for row in rows:
        mark, note = "in force" if row["in_force"] else "", row["note"] or ""
        console.out(f"{row['hash']}  {row['at']}  {mark:8}  {note}".rstrip())
    if not rows:
        console.err("nothing was published: every function goes by what it was built with")
    return 0


def _show(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.errors import UnknownPolicyError
    from functions.runtime.versions import stored_pointer, stored_version

    version = arguments.hash or stored_pointer(store).hash
    if version is None:
        raise UnknownPolicyError(
            "nothing was published: every function goes by what it was built with",
            hint="`functions policy publish` puts the policy of the folder into force",
        )
    console.json(dict(stored_version(store, version)["policy"]))
    return 0
