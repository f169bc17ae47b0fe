"""Arguments that several commands share, and how their values are read."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from functions.cli.console import Console
from functions.errors import EventMalformedError, EventTooLargeError, SettingsError
from functions.times import parse_instant


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def instant(text: str) -> datetime:
    """Read the value of a time option."""
    try:
        return parse_instant(float(text) if text.replace(".", "", 1).isdigit() else text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "give a time such as 2026-11-02T09:15:00Z, or epoch seconds"
        ) from None


def read_input(path: str, console: Console, *, max_bytes: int) -> str:
    """Read a file, or standard input for `-`.

    Raises:
        SettingsError: The file can't be opened.
        EventTooLargeError: It is over `max_bytes`.
        EventMalformedError: It is no UTF-8.
    """
    try:
        if path == "-":
            return console.stdin.read(max_bytes + 1)
        file = Path(path)
        if file.stat().st_size > max_bytes:
            raise EventTooLargeError(f"{path}: over {max_bytes:,} bytes, which is the most that is read")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise EventMalformedError(f"{path}: no UTF-8 text") from None
