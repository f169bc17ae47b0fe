"""`functions settings`: list the settings and their values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping

from functions.cli.arguments import add_json
from functions.cli.console import Console
from functions.documents import Json
from functions.handlers.settings import HANDLER_KEYS, HANDLER_SETTINGS, read_handler_settings
from functions.settings import SECRET_PREFIX, SETTINGS, Setting

_EPILOG = """Settings are environment variables. Values of secrets are never shown.

examples:
  functions settings
  functions settings --json
"""
_CREDENTIALS = re.compile(r"(?<=://)[^/@]*@")
_PREFIX = "FUNCTIONS_"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    settings = read_handler_settings(console.environment)
    rows = [_row(setting, console.environment) for setting in SETTINGS]
    of_lambda = [_row(setting, console.environment) for setting in HANDLER_SETTINGS]
    secrets = sorted([*settings.common.secrets, *filter(console.environment.get, HANDLER_KEYS)])
    for warning in _unknown(console.environment):
        console.err(warning)
    if arguments.json:
        console.json({"settings": rows, "lambda": of_lambda, "secrets": secrets})
        return 0
    _list(rows, console)
    console.out("\nOf Lambda functions alone:")
    _list(of_lambda, console)
    console.out(f"\nSecrets: {', '.join(secrets) or 'none set'}")
    console.out(
        f"    {SECRET_PREFIX}NAME: The value of a spec's `{{secret: NAME}}`; in upper case, other signs as `_`."
    )
    for variable, meaning in HANDLER_KEYS.items():
        console.out(f"    {variable}: {meaning}")
    return 0


def _list(rows: Iterable[Mapping[str, Json]], console: Console) -> None:
    for row in rows:
        value = row["value"] or "(not set)"
        origin = "" if row["set"] else console.paint("  default", "dim")
        console.out(f"{console.paint(row['variable'], 'bold')} = {value}{origin}")
        console.out(f"    {row['description']}")


def _row(setting: Setting, environment: Mapping[str, str]) -> dict[str, Json]:
    given = environment.get(setting.variable)
    return {
        "variable": setting.variable,
        "value": without_credentials(given or setting.default),
        "default": setting.default,
        "set": bool(given),
        "description": setting.description,
    }


def without_credentials(address: str) -> str:
    """Return an address without what can be a password: `user:password@`, and the values of options.

    >>> without_credentials("https://me:secret@example.com/path?token=abc")
    'https://***@example.com/path?token=***'
    """
    plain, mark, query = _CREDENTIALS.sub("***@", address).partition("?")
    return plain + mark + re.sub(r"=[^&]*", "=***", query)


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a warning for every variable that looks like a setting and is none."""
    from functions.spec.problems import closest

    every = [*HANDLER_KEYS, *(setting.variable for setting in (*SETTINGS, *HANDLER_SETTINGS))]
    known = [variable for variable in every if variable.startswith(_PREFIX)]
    for name in sorted(environment):
        if name.startswith(_PREFIX) and not name.startswith(SECRET_PREFIX) and name not in known:
            hint = closest(name, known)
            yield f"{name} is no setting" + (f"; {hint}" if hint else "")
