"""`functions init`: in an empty folder, write what functions share, so that the first one can be written."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from functions.cli.arguments import add_json
from functions.cli.console import Console
from functions.cli.schema import schema_texts
from functions.cli.starter import EVENT_CUSTOMER
from functions.cli.writing import write_new
from functions.errors import SettingsError
from functions.settings import read_settings

_EPILOG = """It writes into the folder of specs (FUNCTIONS_SPECS, by default feature_specs) and
overwrites nothing: a data contract with one purpose, the registry of actions with one
action that goes to a file, the JSON Schemas for your editor, and a customer to try
things on.

examples:
  functions init
  FUNCTIONS_SPECS=my_specs functions init
"""

_CONTRACT: Final = """\
# yaml-language-server: $schema=schema/contract.json
# The data contract: what customer data is, what it may be used for, and the consent that each use needs.
# A label holds for everything below its path; the most specific path counts. What has no label is not used.
# `functions contract suggest --profiles FILE` proposes labels for profiles of your own.
profile:
  identity: { label: direct-identifier }
  orders: { label: transactional }

purposes:
  retention:
    consent: marketing
    description: Say in a sentence what customers' data is used for.
    may_read: [behavioral, transactional, derived]
    retention: { decisions: 30d, scores: 30d }
"""
_ACTIONS: Final = """\
# yaml-language-server: $schema=schema/actions.json
# The action registry: what may happen to a customer, and through which channel it leaves.
currency: USD

channels:
  offers: { kind: file, path: .functions/offers.jsonl }

actions:
  say-hello:
    description: A line in a file, for everybody; what a new function does until it has an action of its own.
    channel: offers
    cost: 0
    payload: { template: hello }
"""
_CUSTOMER: Final = {
    "id": EVENT_CUSTOMER,
    "profile": {"orders": {"count": 3, "revenue": 180.5, "last_at": "2026-04-06T09:15:00Z"}},
    "consent": {"marketing": {"status": "granted", "at": "2026-01-05T08:00:00Z", "source": "form"}},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command.

    Raises:
        SettingsError: Something of it is there already.
        UnreadableFileError: A file can't be written.
    """
    folder = read_settings(console.environment).specs
    files = starting_files(folder)
    there = next((path for path in files if path.exists()), None)
    if there is not None:
        raise SettingsError(
            f"{there} exists, and nothing is overwritten", hint="`functions new NAME` goes on from it"
        )
    write_new(files)
    if arguments.json:
        console.json({"written": [str(path) for path in files]})
        return 0
    for path in files:
        console.err(f"written: {path}")
    console.err(f"next: functions profile import {folder / 'profiles.jsonl'}")
    console.err("      functions new my-function")
    return 0


def starting_files(folder: Path) -> Mapping[Path, str]:
    """Return the files that functions share, with their text."""
    schemas = {folder / "schema" / f"{kind}.json": text for kind, text in schema_texts().items()}
    return {
        folder / "contract.yaml": _CONTRACT,
        folder / "actions.yaml": _ACTIONS,
        folder / "profiles.jsonl": json.dumps(_CUSTOMER, ensure_ascii=False) + "\n",
        **schemas,
    }
