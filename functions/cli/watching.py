"""Notice that files have changed, and run something again: by asking the file system, twice a second."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from pathlib import Path

from functions.cli.console import Console, counted

POLL_S = 0.5
SETTLE_S = 0.05
"""Between two looks after a change: editors write in several steps, some by removing the file first."""
MOST_LOOKS = 20

EXIT_INTERRUPTED = 130

Stamp = tuple[int, int, int] | None
"""Time of the change in nanoseconds, size in bytes, inode; None where there is no file."""


def watch(
    run: Callable[[Collection[Path] | None], int],
    files: Callable[[], Iterable[Path]],
    *,
    console: Console,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> int:
    """Run at once, and again whenever a file has changed, until Ctrl-C.

    Args:
        run: Is given the files that changed, None the first time; returns an exit code.
        files: The files to look at, asked for at every look; some of them may not exist yet.
        console: Where a line says when a run began and why.
        clock: The time of that line.
        sleep: Waits so many seconds.

    Returns:
        The exit code of the last run that came to its end; 130 when none did.
    """
    code = EXIT_INTERRUPTED
    changed: list[Path] | None = None
    try:
        seen = stamps(files())
        while True:
            code = run(changed)
            # What changed while the run was reading differs from what was seen before the run began;
            # what only this run has brought to light is seen as it is now.
            seen = {path: seen.get(path, stamp) for path, stamp in stamps(files()).items()}
            console.err(_dim(console, f"watching {counted(len(seen), 'file')}; end with Ctrl-C"))
            console.flush()
            seen, changed = _next_change(seen, files, sleep)
            names = ", ".join(sorted({path.name for path in changed}))
            console.err(f"\n{_dim(console, f'{clock():%Y-%m-%d %H:%M:%S}')}  changed: {names}")
    except KeyboardInterrupt:
        console.err("")
        return code


def stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Return the state of each file."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _next_change(
    seen: dict[Path, Stamp], files: Callable[[], Iterable[Path]], sleep: Callable[[float], None]
) -> tuple[dict[Path, Stamp], list[Path]]:
    """Wait until a file differs; return the new state of all, and which differ."""
    while True:
        sleep(POLL_S)
        now = stamps(files())
        if now == seen:
            continue
        now = _settled(now, files, sleep)
        changed = [path for path in seen | now if now.get(path) != seen.get(path)]
        if changed:
            return now, changed


def _settled(
    now: dict[Path, Stamp], files: Callable[[], Iterable[Path]], sleep: Callable[[float], None]
) -> dict[Path, Stamp]:
    """Return the state of the files once two looks agree; a file that never rests is taken as it is."""
    for _ in range(MOST_LOOKS):
        sleep(SETTLE_S)
        before, now = now, stamps(files())
        if now == before:
            break
    return now


def _dim(console: Console, text: str) -> str:
    return console.paint(text, "dim", stream="err")
