"""`functions settings`: list the settings and their values."""

from __future__ import annotations

import argparse

from functions.cli.arguments import add_json
from functions.cli.console import Console
from functions.settings import SECRET_PREFIX, SETTINGS, read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = "Settings are environment variables. Values of secrets are never shown.\n"
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    settings = read_settings(console.environment)
    rows = [
        {
            "variable": setting.variable,
            "value": console.environment.get(setting.variable) or setting.default,
            "default": setting.default,
            "set": bool(console.environment.get(setting.variable)),
            "description": setting.description,
        }
        for setting in SETTINGS
    ]
    if arguments.json:
        console.json({"settings": rows, "secrets": sorted(settings.secrets)})
        return 0
    for row in rows:
        value = row["value"] or "(not set)"
        origin = "" if row["set"] else console.paint("  default", "dim")
        console.out(f"{console.paint(str(row['variable']), 'bold')} = {value}{origin}")
        console.out(f"    {row['description']}")
    found = ", ".join(sorted(settings.secrets)) or "none set"
    console.out(f"{console.paint(SECRET_PREFIX + 'NAME', 'bold')}: {found}")
    console.out("    The value of a spec's `{secret: NAME}`; in upper case, other signs as `_`.")
    return 0
