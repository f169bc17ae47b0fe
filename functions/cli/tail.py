"""`functions tail`: follow the decisions of deployed functions by their log lines."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.cli.arguments import add_environment, add_json, environment_of, specs_folder
from functions.cli.completion import function_names
from functions.cli.console import Console
from functions.cli.receipts import OUTCOME_STYLES, action_text
from functions.documents import Json
from functions.times import format_duration, format_instant, parse_duration, utc_now

if TYPE_CHECKING:
    from functions.operations.log_lines import Line

_EPILOG = """A line of the log is a receipt without values: ids are hashed, of features and scores
there are the names. To find a customer: printf %s ID | sha256sum | cut -c1-16

examples:
  functions tail
  functions tail churn-retention --outcome failed --outcome rejected
  functions tail --since 1h --no-follow --json
"""

POLL_S: Final = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these functions; default all specs")
    parser.add_argument(
        "--since",
        type=_duration,
        default=timedelta(minutes=10),
        metavar="DURATION",
        help="how far back to begin, such as 1h; default 10m",
    )
    parser.add_argument(
        "--outcome",
        action="append",
        dest="outcomes",
        choices=tuple(OUTCOME_STYLES),
        help="only receipts with this outcome; can be given several times",
    )
    parser.add_argument("--no-follow", action="store_true", help="end when everything is shown")
    add_environment(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command until it is interrupted."""
    from functions.operations.aws import AwsCalls
    from functions.operations.log_lines import Follower

    follower = Follower(
        AwsCalls("logs"),
        environment=environment_of(arguments, console),
        functions=arguments.names or sorted(function_names(specs_folder(console))),
        outcomes=arguments.outcomes or (),
        since=utc_now() - arguments.since,
    )
    return follow(
        follower.look,
        console,
        sleep=None if arguments.no_follow else time.sleep,
        as_json=arguments.json,
    )


def follow(
    look: Callable[[], list[Line]],
    console: Console,
    *,
    sleep: Callable[[float], None] | None,
    as_json: bool = False,
) -> int:
    """Show lines as they come, until Ctrl-C.

    Args:
        look: Returns what is new.
        console: Where to.
        sleep: Waits between two looks; None to look once.
        as_json: A receipt on each line.
    """
    try:
        while True:
            for line in look():
                _show(line, console, as_json=as_json)
            console.flush()
            if sleep is None:
                return 0
            sleep(POLL_S)
    except KeyboardInterrupt:
        return 0


def _show(line: Line, console: Console, *, as_json: bool) -> None:
    if as_json:
        console.json({"at": format_instant(line.at), **line.receipt}, compact=True)
        return
    for text in render_line(line, console):
        console.out(text)


def render_line(line: Line, console: Console) -> Iterator[str]:
    """Yield the two lines that a person reads of a receipt."""
    receipt = line.receipt
    outcome = str(receipt["outcome"])
    title = console.paint(outcome.replace("_", " ").upper(), OUTCOME_STYLES.get(outcome, "cyan"), "bold")
    facts = "  ".join(_facts(receipt))
    yield f"{console.paint(format_instant(line.at), 'dim')}  {receipt['function']}  {title}  {facts}".rstrip()
    reason = receipt["reason"]
    yield f"  {reason['text']} {console.paint('[' + reason['code'] + ']', 'dim')}"


def _facts(receipt: dict[str, Json]) -> Iterator[str]:
    action, model = receipt.get("action"), receipt.get("model")
    if action:
        yield action_text(action)
    if model and model.get("error"):
        yield f"{model['target']}: {model['rung']} [{model['error']}]"
    if receipt.get("profile_id"):
        yield f"customer {receipt['profile_id']}"
    if receipt.get("generation"):
        yield f"replay {receipt['generation']}"
    total = receipt.get("timings_ms", {}).get("total")
    if total is not None:
        yield f"{total:.0f} ms"


def _duration(text: str) -> timedelta:
    try:
        duration = parse_duration(text)
    except ValueError:
        raise argparse.ArgumentTypeError("give a duration such as 10m or 1h") from None
    if duration <= timedelta(0) or duration > timedelta(days=30):
        raise argparse.ArgumentTypeError(f"give a duration up to {format_duration(timedelta(days=30))}")
    return duration
