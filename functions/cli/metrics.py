"""`functions metrics`: the figures of deployed functions over the last hour or day."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.cli.arguments import add_environment, add_json, environment_of, specs_folder
from functions.cli.completion import function_names
from functions.cli.console import Console
from functions.cli.tables import render_table
from functions.times import utc_now

if TYPE_CHECKING:
    from functions.operations.figures import Figures

_EPILOG = """Latency is the 50th and the 99th percentile of a decision, in milliseconds; fallback the
share of answers that were not the model's; unknown the share of events without a record
of consent; dead the messages in the dead-letter queue now. Events of replays count apart.

examples:
  functions metrics
  functions metrics churn-retention --last day
  functions metrics --environment prod --json
"""

WINDOWS: Final = {"hour": timedelta(hours=1), "day": timedelta(days=1)}

_HEADER: Final = (
    "function", "acted", "no action", "suppressed", "rejected", "failed", "replayed", "p50", "p99", "fallback",
    "unknown", "dead",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these functions; default all specs")
    parser.add_argument("--last", choices=tuple(WINDOWS), default="hour", help="how far back; default hour")
    add_environment(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.operations.aws import AwsCalls
    from functions.operations.figures import read_figures

    found = read_figures(
        AwsCalls("cloudwatch"),
        AwsCalls("sqs"),
        environment=environment_of(arguments, console),
        functions=arguments.names or sorted(function_names(specs_folder(console))),
        window=WINDOWS[arguments.last],
        now=utc_now(),
    )
    if arguments.json:
        console.json([one.as_document() for one in found])
        return 0
    for line in render_table(_HEADER, [_row(one) for one in found], console):
        console.out(line)
    return 0


def _row(figures: Figures) -> list[str]:
    counts = ("Acted", "NoAction", "Suppressed", "Rejected", "Failed", "Replayed")
    latency = (figures.latency_ms.get(one) for one in ("p50", "p99"))
    return [
        figures.function,
        *(f"{figures.counts[name]:,}" for name in counts),
        *("-" if ms is None else f"{ms:,.0f}" for ms in latency),
        *(
            "-" if share is None else f"{share:.0%}"
            for share in (figures.fallback_share, figures.unknown_consent_share)
        ),
        "-" if figures.dead_letters is None else f"{figures.dead_letters:,}",
    ]
