"""`functions contract …`: help with the data contract."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from functions.cli.arguments import add_json
from functions.cli.complaints import Complaints
from functions.cli.console import Console
from functions.cli.progress import Progress, size_of
from functions.errors import EventMalformedError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_EPILOG = """The lines are for a person to review: patterns and names can only guess. They hold no
value of any profile. Profiles are read one by one, so a file may be of any length.

examples:
  functions contract suggest --profiles feature_specs/profiles.jsonl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    actions: _SubParsersAction[argparse.ArgumentParser] = parser.add_subparsers(
        dest="action", required=True, metavar="suggest"
    )
    suggest = actions.add_parser("suggest", help="propose labels from sample profiles")
    suggest.add_argument(
        "--profiles",
        required=True,
        metavar="FILE",
        help="profiles, one JSON object a line; - for standard input",
    )
    add_json(suggest)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.cli.records import numbered_lines, read_record
    from functions.expressions.paths import format_path
    from functions.governance.suggesting import Survey, suggestion_lines

    survey, refused = Survey(), Complaints(console)
    progress, read = Progress(console, "profile", total=size_of(arguments.profiles)), 0
    for number, line in numbered_lines(arguments.profiles, console):
        read += len(line)
        progress.show(survey.profiles, read)
        where = f"{arguments.profiles}:{number}"
        try:
            record = read_record(line.decode(), where)
        except UnicodeDecodeError:
            refused.add(f"{where}: no UTF-8 text")
            continue
        except EventMalformedError as error:
            refused.add(error.message)
            continue
        survey.look(record.profile or {})
    progress.end()
    refused.conclude()
    if arguments.json:
        rows = [
            {"path": format_path(one.path), "label": one.label, "reason": one.reason}
            for one in survey.suggestions()
        ]
        console.json({"profiles": survey.profiles, "left_out": bool(survey.left_out), "paths": rows})
    for text in () if arguments.json else suggestion_lines(survey):
        console.out(text)
    return 1 if refused.count else 0
