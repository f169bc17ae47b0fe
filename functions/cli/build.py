"""`functions build`: write the artefacts that a Lambda loads."""

from __future__ import annotations

import argparse
from pathlib import Path

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console
from functions.cli.progress import through

_EPILOG = """An artefact holds the checked plan of one function with the code of its
expressions. It is loaded without YAML, without checks and without compiling, and
is tied to the version of Python that built it.

examples:
  functions build
  functions build --output dist/plans
  functions build --check
"""

DEFAULT_OUTPUT = Path("build/plans")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "--output",
        type=Path,
        default=DEFAULT_OUTPUT,
        metavar="FOLDER",
        help=f"where to write; default {DEFAULT_OUTPUT}",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; end with 1 when an artefact is missing or stale"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.build.folder import build_folder, stale_functions

    specs = specs_folder(console)
    if arguments.check:
        stale = list(stale_functions(specs, arguments.output, each=through(console, "spec")))
        if arguments.json:
            console.json({"stale": stale})
        for name in () if arguments.json else stale:
            console.out(f"{name}: missing, stale or built for another Python; run `functions build`")
        return 1 if stale else 0
    built = build_folder(specs, arguments.output, each=through(console, "spec"))
    rows = [
        {"function": one.name, "path": str(one.path), "bytes": one.bytes, "spec": one.spec} for one in built
    ]
    if arguments.json:
        console.json(rows)
        return 0
    for row in rows:
        console.out(f"{row['function']}  {row['bytes']:,} bytes  {row['path']}")
    return 0
