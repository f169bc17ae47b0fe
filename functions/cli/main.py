"""`functions COMMAND …`: finds the command, runs it, and turns errors into a sentence and an exit code.

Exit codes: 0 fine, 1 problems found (or an event that was rejected or failed), 2 usage, 3 environment.
Only the module of the command that was asked for is imported; what every command pays for is kept small.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout

from functions.cli.console import Console
from functions.cli.parsing import Parser, closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from types import ModuleType
    from typing import TextIO

    from functions.errors import FunctionsError

EXIT_FINE, EXIT_PROBLEMS, EXIT_USAGE, EXIT_ENVIRONMENT, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

COMMANDS: Mapping[str, str] = {
    "init": "write what functions share, to begin in an empty folder",
    "new": "write a new function: its spec, its cases and an event",
    "invoke": "run a function on an event and print the receipt",
    "validate": "check every spec and print all problems",
    "explain": "say what a function reads, sends and may do, or the rails",
    "test": "run the cases beside the specs",
    "build": "write the artefacts that a Lambda loads",
    "contract": "propose labels for the data contract",
    "profile": "read and write profiles and consent",
    "ingest": "take in what a platform sends about customers",
    "decisions": "list what was decided about a customer, and why",
    "bucket": "say in which group a customer is, in every function, and why",
    "outcomes": "record what customers did after decisions, and learn from it",
    "evaluate": "compare what the groups of customers have brought",
    "simulate": "say what other rails would have changed, in numbers",
    "outbox": "show the actions that wait to be sent, and send them",
    "policy": "publish what may happen, without a deployment, and go back",
    "rollout": "say what a version or a function that is tried does otherwise",
    "suppress": "say who is on a suppression list, and keep it past erasure",
    "switch": "switch an action or a function off, and on again",
    "replay": "decide again about past events, and send nothing late",
    "deploy": "check every spec, run its cases, and deploy",
    "tail": "follow the decisions of deployed functions",
    "metrics": "the figures of deployed functions, of an hour or a day",
    "endpoint": "serve the sample models over the SageMaker runtime API",
    "models": "list the models, and print their cards",
    "report": "write the pages for the privacy review",
    "schema": "print or write the JSON Schemas for editors",
    "settings": "list the settings and their values",
    "completion": "print what makes a shell complete commands and names",
}
"""Every command with its help; its module here has `add_arguments(parser)` and `run(arguments, console) -> int`."""

_EPILOG = """examples:
  functions validate
  functions profile import feature_specs/profiles.jsonl
  functions invoke churn-retention --event events/cancellation-page.json
  functions decisions --profile customer-0042

exit codes: 0 fine, 1 problems found, 2 wrong usage, 3 wrong environment
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line of this process; the console script."""
    # Most of what a command allocates is modules, which stay: looking for garbage among them costs a
    # tenth of its time. Commands that run for long still collect.
    gc.set_threshold(200_000, 20, 100)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # JSON is UTF-8 whatever the locale; a wrong byte is the finding of whoever reads the text.
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    # A stream that was closed before the process began is none at all. Whoever needs it fails, and says so: of these
    # files one can't be read and the other can't be written. A diagnosis that nobody wants to see is no failure.
    stdin, stdout = sys.stdin or open(os.devnull, "w"), sys.stdout or open(os.devnull)  # noqa: SIM115, PTH123
    console = Console(stdin, stdout, sys.stderr or io.StringIO(), os.environ)
    try:
        code = run(sys.argv[1:] if argv is None else argv, console)
        console.flush()
    except BrokenPipeError:
        # The reader has gone (`functions … | head`); Python must not complain about it at exit.
        _discard(sys.stdout)
        return EXIT_FINE
    except OSError as error:
        # What could not be printed is still in the buffer, and would fail once more at exit.
        _discard(sys.stdout)
        return _refused(error, console)
    return code


def _discard(stream: TextIO | None) -> None:
    """Let what a stream still holds, and whatever comes, go nowhere."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _refused(error: OSError, console: Console) -> int:
    """Say what the system refused, where it still can be said."""
    try:
        from functions.cli.arguments import system_refusal

        _report(system_refusal(error), console)
        console.stderr.flush()
    except OSError:
        _discard(sys.stderr)
    return EXIT_ENVIRONMENT


def run(argv: Sequence[str], console: Console) -> int:
    """Run one command.

    Returns:
        The exit code.

    Raises:
        BrokenPipeError: Nobody reads what is printed any more.
    """
    try:
        # argparse writes to the process's own streams.
        with redirect_stdout(console.stdout), redirect_stderr(console.stderr):
            arguments = _parse(argv, console)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    from functions.errors import FunctionsError

    try:
        code: int = _module(arguments.command).run(arguments, console)
    except FunctionsError as error:
        _report(error, console)
        return _exit_code(error)
    except KeyboardInterrupt:
        console.err("interrupted")
        return EXIT_INTERRUPTED
    except UnicodeEncodeError:
        # Whatever else has no UTF-8 form was refused where it was read; arguments come as the shell has them.
        console.err("error[usage.invalid] an argument holds bytes that are no UTF-8 text")
        return EXIT_USAGE
    except BrokenPipeError:
        raise
    except OSError as error:
        return _refused(error, console)
    return code


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"functions.cli.{command}")


def _parse(argv: Sequence[str], console: Console) -> argparse.Namespace:
    parser = Parser(
        prog="functions",
        description="Run model decisions on customer profiles, from YAML specs.",
        epilog=_EPILOG,
    )
    parser.add_argument("-V", "--version", action="store_true", help="print the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    asked = next((word for word in argv if not word.startswith("-")), None)
    if asked is not None and asked not in COMMANDS:
        parser.print_usage(sys.stderr)
        console.err(f"functions: there is no command {asked!r}{closest(asked, COMMANDS)}")
        raise SystemExit(EXIT_USAGE)
    chosen = parser
    # A parser takes a while to make: those of the other commands only where help may list them.
    shown = COMMANDS if asked is None or argv[0] != asked else {asked: COMMANDS[asked]}
    for name, text in shown.items():
        description = f"{text[0].upper()}{text[1:]}."
        subparser = commands.add_parser(name, help=text, description=description)
        if name == asked:
            chosen = subparser
            _module(name).add_arguments(subparser)
            subparser.share_examples()
    chosen.check_options(argv)
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        chosen.error(f"unknown arguments: {' '.join(unknown)}")
    if arguments.version:
        from importlib.metadata import version

        console.out(f"functions {version('functions-runtime')}")
        raise SystemExit(EXIT_FINE)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        raise SystemExit(EXIT_USAGE)
    return arguments


def _report(error: FunctionsError, console: Console) -> None:
    problems = getattr(error, "problems", None)
    if problems:
        for problem in problems:
            console.err(problem.render())
        return
    label = console.paint(f"error[{error.code}]", "red", "bold", stream="err")
    console.err(f"{label} {error.message}")
    if error.hint:
        console.err(f"  = {error.hint}")


def _exit_code(error: FunctionsError) -> int:
    from functions.errors import (
        DependencyError,
        SettingsError,
        UnknownFunctionError,
        UnknownNameError,
        UnknownPolicyError,
        UsageError,
    )

    usage = UnknownFunctionError | UnknownNameError | UnknownPolicyError | UsageError
    if isinstance(error, usage):
        return EXIT_USAGE
    return EXIT_ENVIRONMENT if isinstance(error, SettingsError | DependencyError) else EXIT_PROBLEMS


if __name__ == "__main__":
    sys.exit(main())
