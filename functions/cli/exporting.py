"""Every decision of a store into a file, as the export on AWS writes them."""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, cast

from functions.cli.console import Console, counted
from functions.cli.progress import Progress
from functions.cli.writing import replaced
from functions.errors import SettingsError, UsageError
from functions.operations.exporting import decision_line
from functions.profiles.store import DecisionLog, DecisionRecord
from functions.settings import read_settings


def export_decisions(arguments: argparse.Namespace, console: Console) -> int:
    """Write every decision; the file is there when it is whole, and not before.

    Raises:
        UsageError: There is no file to write to.
        SettingsError: The store can't list its decisions, or the file can't be written.
        ProfileStoreError: The store can't do its part.
    """
    from functions.cli.composition import opened_store

    if arguments.to is None:
        raise UsageError("give --to, which file to write")
    target = Path(arguments.to)
    with opened_store(read_settings(console.environment)) as store:
        if not isinstance(store, DecisionLog):
            raise SettingsError("FUNCTIONS_STORE: this store can't list every decision")
        number = _write(_of(store.every_decision(), arguments.profile), target, console)
    if arguments.json:
        console.json({"decisions": number, "to": str(target)})
    else:
        console.out(f"{counted(number, 'decision')} to {target}")
    return 0


def _of(records: Iterator[DecisionRecord], profile: str | None) -> Iterator[DecisionRecord]:
    return (one for one in records if profile in (None, one.profile_id))


def _write(records: Iterator[DecisionRecord], target: Path, console: Console) -> int:
    number, progress = 0, Progress(console, "decision")
    try:
        with replaced(target) as raw, _packed(raw, target) as file:
            for record in records:
                file.write(decision_line(record))
                number += 1
                progress.show(number)
    finally:
        progress.end()
    return number


def _packed(raw: IO[bytes], target: Path) -> AbstractContextManager[IO[bytes]]:
    """Return what packs the lines where the name of the target says so, and leaves the file open."""
    if target.suffix == ".gz":
        return cast(IO[bytes], gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
    return nullcontext(raw)
