"""Arguments that several commands share, and how their values are read."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from functions.cli.console import Console
from functions.errors import EventMalformedError, EventTooLargeError, SettingsError
from functions.operations.naming import check_environment
from functions.settings import read_settings
from functions.times import is_of_our_time, parse_instant


class UnreadableFileError(SettingsError):
    """A file that was named can't be read or written."""

    code = "file.unreadable"


class SystemRefusalError(SettingsError):
    """The system refused a file, a folder or a stream: it is full, closed, or not to be written."""

    code = "system.refused"


def system_refusal(error: OSError) -> SystemRefusalError:
    """Say what the system refused, and where."""
    where = "the system refused" if error.filename is None else str(error.filename)
    return SystemRefusalError(f"{where}: {error.strerror or error}")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def add_limit(parser: argparse.ArgumentParser, default: int) -> None:
    """Add `--limit`."""
    parser.add_argument(
        "--limit", type=count, default=default, metavar="N", help=f"at most so many; default {default}"
    )


def add_environment(parser: argparse.ArgumentParser) -> None:
    """Add `--environment`."""
    parser.add_argument(
        "--environment", metavar="ENV", help="deployment on AWS; default FUNCTIONS_ENVIRONMENT"
    )


def environment_of(arguments: argparse.Namespace, console: Console) -> str:
    """Return the deployment that a command is about.

    Raises:
        SettingsError: It is none.
    """
    return check_environment(arguments.environment or read_settings(console.environment).environment)


def count(text: str) -> int:
    """Read a number of things, at least one."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0):
        raise argparse.ArgumentTypeError("give a whole number from 1 to 999999999")
    return int(text)


def instant(text: str) -> datetime:
    """Read the value of a time option."""
    try:
        return parse_instant(float(text) if text.replace(".", "", 1).isdecimal() else text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "give a time such as 2026-11-02T09:15:00Z, or epoch seconds"
        ) from None


def decision_time(text: str) -> datetime:
    """Read the value of an option that says when a decision is taken."""
    found = instant(text)
    if not is_of_our_time(found):
        raise argparse.ArgumentTypeError("give a time from 1970 until before 9000")
    return found


def specs_folder(console: Console, folder: str | None = None) -> Path:
    """Return the folder of the specs: the one that was named, else the setting's.

    Raises:
        SettingsError: It is no folder.
    """
    found = Path(folder) if folder else read_settings(console.environment).specs
    if not found.is_dir():
        fault = "is no folder" if found.exists() else "does not exist"
        raise SettingsError(
            f"the folder of specs {found} {fault}",
            hint=f"looked in {Path.cwd()}; FUNCTIONS_SPECS names it, `functions init` begins one",
        )
    return found


def read_input(path: str, console: Console, *, max_bytes: int) -> str:
    """Read a file, or standard input for `-`.

    Raises:
        UnreadableFileError: The file can't be opened.
        EventTooLargeError: It is over `max_bytes`.
        EventMalformedError: It is no UTF-8.
    """
    try:
        text = _read(path, console, max_bytes)
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise EventMalformedError(f"{path}: no UTF-8 text") from None
    if text is None:
        raise EventTooLargeError(f"{path}: over {max_bytes:,} bytes, which is the most that is read")
    return text


def _read(path: str, console: Console, max_bytes: int) -> str | None:
    if path == "-":
        text = console.stdin.read(max_bytes + 1)
        return text.removeprefix("\ufeff") if len(text) <= max_bytes else None
    with Path(path).open("rb") as file:
        # The size is taken from what was read: a pipe or a device gives none.
        data = file.read(max_bytes + 1)
    return data.decode("utf-8-sig") if len(data) <= max_bytes else None


def unreadable(path: str | Path, error: OSError, *, doing: str = "read") -> UnreadableFileError:
    """Say that a file can't be read or written, and where a relative path was looked for."""
    hint = None if str(path) == "-" or Path(path).is_absolute() else f"looked in {Path.cwd()}"
    return UnreadableFileError(f"{path} can't be {doing}: {error.strerror or error}", hint=hint)
