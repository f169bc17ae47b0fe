"""`functions schema`: print or write the JSON Schemas for editors."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from functions.cli.arguments import unreadable
from functions.cli.console import Console

_KINDS: Final = ("spec", "contract", "actions", "policy", "experiments", "cases")

_EPILOG = """An editor with a YAML language server completes and checks a file that begins
with a line such as
  # yaml-language-server: $schema=schema/spec.json

examples:
  functions schema > spec.schema.json
  functions schema --write feature_specs/schema
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "kind", nargs="?", choices=_KINDS, default="spec", help="kind of document; default spec"
    )
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write every schema as FOLDER/KIND.json")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.spec.schema import json_schema

    if arguments.write is None:
        console.json(json_schema(arguments.kind))
        return 0
    for kind, text in schema_texts().items():
        path = arguments.write / f"{kind}.json"
        try:
            arguments.write.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise unreadable(path, error, doing="written") from None
        console.err(f"written: {path}")
    return 0


def schema_texts() -> dict[str, str]:
    """Return every schema as text, by the kind of its documents."""
    from functions.spec.schema import json_schema

    return {kind: json.dumps(json_schema(kind), indent=2, ensure_ascii=False) + "\n" for kind in _KINDS}
