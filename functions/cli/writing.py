"""Files that commands write: whole or not there, and what is known about customers for its owner alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from functions.cli.arguments import UnreadableFileError, unreadable


@contextmanager
def replaced(target: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to; when all is written it takes the place of the target, and not before.

    The file is a new one of a name of its own, beside the target, that nobody else may read. A link is followed, so that
    what it points to is replaced and the link stays.

    Raises:
        UnreadableFileError: The target is no file, or can't be written.
    """
    place = target.resolve()
    if place.exists() and not place.is_file():
        raise UnreadableFileError(f"{target} can't be written: it is no regular file")
    try:
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".functions-", delete=False) as file:
            part = Path(file.name)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                part.replace(place)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise unreadable(target, error, doing="written") from None


def write_new(files: Mapping[Path, str]) -> None:
    """Write files that are not there yet, every one or none: what was written is taken back when one can't be.

    Raises:
        UnreadableFileError: One is there, or can't be written.
    """
    written: list[Path] = []
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
        except OSError as error:
            for other in written:
                other.unlink(missing_ok=True)
            raise unreadable(path, error, doing="written") from None
