"""A channel that appends to a file, one line of JSON per message."""

from __future__ import annotations

import errno
import fcntl
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from functions.actions.channel import ActionMessage, Secrets
from functions.actions.message import encode_message, message_document
from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionError,
    ActionUnavailableError,
    SettingsError,
)
from functions.times import format_instant

if TYPE_CHECKING:
    from functions.spec.plan import ChannelPlan

# What another attempt can't cure; every other error of the file system is worth one.
_DENIED: Final = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EISDIR,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.EINVAL,
    }
)


class FileChannel:
    """Appends messages to a file that several processes may share.

    Each message is one write under a lock, flushed to the disk before it counts as taken. Nothing is
    ever looked up: a message that is sent twice under one key stands there twice, and a reader keeps the
    first of each `idempotency_key`. A line that a crash cut short is closed by the next writer and is no
    JSON; readers skip it.

    Args:
        plan: Its option `path` names the file; folders above it are made as needed.
        secrets: Not used.

    Raises:
        SettingsError: There is no path.
    """

    def __init__(self, plan: ChannelPlan, secrets: Secrets | None = None) -> None:
        del secrets
        path = plan.options.get("path")
        if not isinstance(path, str) or not path or "\0" in path:
            raise SettingsError(f"channel {plan.name}: give the path of a file")
        self._name = plan.name
        self._path = Path(path)

    def send(self, message: ActionMessage, *, now: datetime) -> None:
        """Append a message, with the time of the act as `sent_at`.

        Raises:
            ActionDeniedError: The file may not or can't be written.
            ActionUnavailableError: There is no room, or the file system has a fault; nothing was written.
            ActionAmbiguousError: The line was written, but the disk did not confirm it.
        """
        line = encode_message({**message_document(message), "sent_at": format_instant(now)}) + b"\n"
        written = False
        try:
            descriptor = self._open()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _append(descriptor, line)
                written = True
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._translated(error, written=written) from None

    def _open(self) -> int:
        # Readable by its owner alone: messages are about people.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, flags, 0o600)

    def _translated(self, error: OSError, *, written: bool) -> ActionError:
        number = error.errno or 0
        kind: type[ActionError] = ActionDeniedError if number in _DENIED else ActionUnavailableError
        if written:
            kind = ActionAmbiguousError
        reason = errno.errorcode.get(number, "an error")
        return kind(f"channel {self._name}: the file can't be written ({reason})")


def _append(descriptor: int, line: bytes) -> None:
    """Write all of a line or nothing; called under the lock.

    Raises:
        OSError: ENOSPC where only a part fitted.
    """
    end = os.fstat(descriptor).st_size
    if end and os.pread(descriptor, 1, end - 1) != b"\n":
        line = b"\n" + line
    if os.write(descriptor, line) != len(line):
        os.ftruncate(descriptor, end)
        raise OSError(errno.ENOSPC, "no room")
