"""`functions policy …`: publish the actions and rails of a folder, so that functions take them without a deployment."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console, counted
from functions.cli.progress import through
from functions.documents import Json
from functions.errors import UnknownPolicyError, UsageError
from functions.settings import read_settings
from functions.times import format_instant, utc_now

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from functions.profiles.operator_documents import OperatorStore
    from functions.runtime.versions import Pointer
    from functions.spec.experiment_plan import Mode

_MAX_NOTE = 200

_EPILOG = """A version holds the actions and rails of a folder under the hash that receipts show as
`bundle.policy`. Functions take the version in force within FUNCTIONS_POLICY_EVERY; what a
version no longer has is not chosen, and channels are those of the deployment. Before the
first publication every function goes by what it was built with.

With --canary 5% a version decides for so many of the customers, drawn by their ids; with
--shadow it is recorded beside each decision what it would have chosen, and no more. The
share can be widened by the same command: who was in stays in. `functions rollout` says
what is different; then `promote` or `stop` it. Whatever comes into force ends it too.

examples:
  functions policy publish --note "spring prices"
  functions policy publish --canary 5% --note "spring prices"
  functions policy use d7a0ae8dac853b66 --canary 25%
  functions policy promote
  functions policy stop
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
    _add_part(publish)
    use = steps.add_parser("use", help="put a version into force that was published before")
    use.add_argument("hash", metavar="HASH", help="of the version")
    _add_note(use)
    _add_part(use)
    promote = steps.add_parser("promote", help="put the version that is tried into force for everybody")
    _add_note(promote)
    stop = steps.add_parser("stop", help="try nothing any more: everybody goes by what is in force")
    add_json(steps.add_parser("list", help="list the last versions that came into force, newest first"))
    show = steps.add_parser("show", help="print what a version holds, as JSON")
    show.add_argument("hash", nargs="?", metavar="HASH", help="of the version; by default the one in force")
    for step in (publish, use, promote, stop, show):
        add_json(step)


def _add_note(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--note", type=_note, metavar="TEXT", help="why; `policy list` shows it")


def _add_part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--canary", type=_share, metavar="SHARE", help="let it decide for such as 5%% alone")
    parser.add_argument("--shadow", type=_share, metavar="SHARE", help="only record what it would choose")
    parser.add_argument("--seed", metavar="TEXT", help="draws the customers; by default the version's hash")


def _share(text: str) -> float:
    """Read a share of the customers: a hundredth of a percent at least, which is one bucket."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0.0001 <= share <= 1:
        raise argparse.ArgumentTypeError("give a share from 0.01% to 100%, such as 5%")
    return round(share, 4)


def _note(text: str) -> str:
    if not text.strip() or len(text) > _MAX_NOTE or not text.isprintable():
        raise argparse.ArgumentTypeError(f"give 1 to {_MAX_NOTE} characters on one line")
    return text.strip()


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.composition import opened_documents

    steps = {
        "publish": _publish, "use": _use, "promote": _promote, "stop": _stop, "list": _list, "show": _show
    }  # fmt: skip
    with opened_documents(read_settings(console.environment)) as store:
        return steps[arguments.step](store, arguments, console)


def _publish(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.build.published import published_form
    from functions.runtime.versions import publish, store_version, stored_pointer
    from functions.spec.loading import load_folder, load_policy
    from functions.spec.problems import SpecError

    # Before the folder is read: whoever publishes meanwhile is not overwritten.
    pointer = stored_pointer(store)
    folder = specs_folder(console)
    loaded = load_folder(folder, each=through(console, "spec"))
    if loaded.errors:
        raise SpecError(loaded.errors)
    policy = load_policy(folder)
    form, mode, changed = published_form(policy), _mode(arguments), pointer.hash != policy.hash
    if changed and mode is not None:
        _try_out(store, store_version(store, form), pointer, arguments)
    elif changed:
        publish(store, form, pointer, note=arguments.note, at=utc_now())
    if arguments.json:
        console.json({"hash": policy.hash, "changed": changed})
        return 0
    if not changed:
        console.err(f"{policy.hash} is in force already")
        return 0
    console.out(policy.hash)
    what = f"{counted(len(policy.actions), 'action')}, {counted(len(policy.rails), 'rail')}"
    console.err(f"{_said(mode, arguments)}: {what}, checked with {counted(len(loaded.plans), 'function')}")
    return 0


def _mode(arguments: argparse.Namespace) -> Mode | None:
    """Return how a version is to be tried; None where it is to count for everybody."""
    if arguments.canary is not None and arguments.shadow is not None:
        raise UsageError("functions policy: give --canary or --shadow, not both")
    if arguments.canary is not None:
        return "canary"
    if arguments.shadow is not None:
        return "shadow"
    if arguments.seed is not None:
        raise UsageError("functions policy: --seed is for --canary or --shadow")
    return None


def _said(mode: Mode | None, arguments: argparse.Namespace) -> str:
    """Say what a version is now, in a few words."""
    if mode is None:
        return "in force"
    return f"{mode} for {(arguments.canary or arguments.shadow) * 100:g}% of the customers"


def _try_out(store: OperatorStore, version: str, pointer: Pointer, arguments: argparse.Namespace) -> None:
    from functions.decision.rollouts import Rollout
    from functions.runtime.versions import try_out
    from functions.spec.experiment_plan import Slice

    mode, before, now = _mode(arguments) or "shadow", pointer.rollout, utc_now()
    goes_on = before is not None and (before.hash, before.mode) == (version, mode)
    seed = arguments.seed or (before.part.seed if before is not None and goes_on else version)
    part = Slice(seed, ((0.0, arguments.canary or arguments.shadow),))
    note = arguments.note or (before.note if before is not None and goes_on else None)
    try_out(store, Rollout(version, mode, part, now, note), pointer)


def _use(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.runtime.versions import stored_pointer, use

    pointer = stored_pointer(store)
    changed, mode = pointer.hash != arguments.hash, _mode(arguments)
    if changed and mode is not None:
        _try_out(store, arguments.hash, pointer, arguments)
    elif changed:
        use(store, arguments.hash, pointer, note=arguments.note, at=utc_now())
    if arguments.json:
        console.json({"hash": arguments.hash, "changed": changed})
    else:
        said = _said(mode, arguments)
        console.err(f"{said}: {arguments.hash}" if changed else f"{arguments.hash} is in force already")
    return 0


def _promote(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.runtime.versions import stored_pointer, use

    pointer = stored_pointer(store)
    if pointer.rollout is None:
        raise _nothing_is_tried()
    version, note = pointer.rollout.hash, arguments.note or pointer.rollout.note
    use(store, version, pointer, note=note, at=utc_now())
    if arguments.json:
        console.json({"hash": version, "changed": True})
    else:
        console.err(f"in force: {version}")
    return 0


def _stop(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.runtime.versions import stop, stored_pointer

    pointer = stored_pointer(store)
    if pointer.rollout is None:
        raise _nothing_is_tried()
    stop(store, pointer)
    if arguments.json:
        console.json({"hash": pointer.hash, "stopped": pointer.rollout.hash})
    else:
        console.err(f"stopped: {pointer.rollout.hash}; everybody goes by {pointer.hash}")
    return 0


def _nothing_is_tried() -> UnknownPolicyError:
    return UnknownPolicyError(
        "no version is tried", hint="`functions policy publish --canary 5%` tries the one of the folder"
    )


def _list(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.runtime.versions import stored_pointer

    pointer = stored_pointer(store)
    rows: list[dict[str, Json]] = [
        {"hash": move.hash, "at": format_instant(move.at), "note": move.note, "in_force": index == 0}
        for index, move in enumerate(pointer.moves)
    ]
    tried = pointer.rollout
    if tried is not None:
        part = {"mode": tried.mode, "share": tried.share, "seed": tried.part.seed}
        at, note = format_instant(tried.at), tried.note
        rows.insert(0, {"hash": tried.hash, "at": at, "note": note, "in_force": False, "rollout": part})
    if arguments.json:
        console.json(rows)
        return 0
    for row in rows:
        mark, note = "in force" if row["in_force"] else "", row["note"] or ""
        if "rollout" in row:
            mark = f"{row['rollout']['mode']} {row['rollout']['share'] * 100:g}%"
        console.out(f"{row['hash']}  {row['at']}  {mark:8}  {note}".rstrip())
    if not rows:
        console.err("nothing was published: every function goes by what it was built with")
    return 0


def _show(store: OperatorStore, arguments: argparse.Namespace, console: Console) -> int:
    from functions.runtime.versions import stored_pointer, stored_version

    version = arguments.hash or stored_pointer(store).hash
    if version is None:
        raise UnknownPolicyError(
            "nothing was published: every function goes by what it was built with",
            hint="`functions policy publish` puts the policy of the folder into force",
        )
    console.json(dict(stored_version(store, version)["policy"]))
    return 0
