"""Files with what is known about customers: whole or not there, and for their owner alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
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
