"""`functions new NAME`: write a new function's spec and cases, and an event that fires it."""

from __future__ import annotations

import argparse
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, get_args

from functions.cli.arguments import add_json, specs_folder
from functions.cli.console import Console
from functions.cli.starter import EVENT_TIME, Draft, Reads
from functions.cli.writing import write_new
from functions.times import parse_instant

if TYPE_CHECKING:
    from functions.spec.loading import SpecFolder
    from functions.spec.registry import Registry

_EPILOG = """What it writes is valid, has cases that pass, and can be invoked at once: change it
step by step. No file is ever overwritten. An event file is written only when no
file under events/ holds an event of that name.

examples:
  functions new welcome-back --event-name signed_in
  functions new win-back --model sagemaker --purpose retention
  functions new win-back --stdout
"""

_EXIT_USAGE = 2
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_MOST_EVENT_NAME: Final = 128
"""Characters of a `detail-type` that EventBridge takes."""


class _UsageError(ValueError):
    """A choice that can't be; `hint` says what can."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _EventFile:
    """The event that the cases use: where it is, when it happened, and its text if it is to be written."""

    path: Path
    at: datetime
    text: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "name", metavar="NEW_NAME", help="name of the new function: lower case, digits and dashes"
    )
    parser.add_argument(
        "--model",
        choices=("none", "sagemaker", "http"),
        default="none",
        help="what scores the features; default none",
    )
    parser.add_argument(
        "--purpose", metavar="PURPOSE", help="a purpose of contract.yaml; default the first one"
    )
    parser.add_argument(
        "--event-name", default="page_view", metavar="EVENT", help="events that fire it; default page_view"
    )
    parser.add_argument(
        "--owner", default="your-team", metavar="OWNER", help="who answers for it; default your-team"
    )
    parser.add_argument("--stdout", action="store_true", help="print the files instead of writing them")
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command."""
    from functions.spec.loading import load_folder

    folder = specs_folder(console)
    loaded = load_folder(folder)
    try:
        draft = _allowed(_draft(arguments, loaded), folder)
        event = _event_file(draft, folder)
        files = _files(draft, folder, event)
        _check_free(draft.name, files, loaded)
    except _UsageError as error:
        console.err(f"functions new: {error}")
        console.err(f"  = {error.hint}")
        return _EXIT_USAGE
    if not arguments.stdout:
        write_new(files)
    if arguments.json:
        texts = {str(path): text for path, text in files.items()}
        console.json(
            {
                "function": draft.name,
                "written": not arguments.stdout,
                "event": str(event.path),
                "files": texts,
            }
        )
    elif arguments.stdout:
        for path, text in files.items():
            console.out(f"{console.paint(f'==> {path} <==', 'bold')}\n{text}")
    else:
        for line in _told(draft, folder, event, files):
            console.err(line)
    return 0


def _draft(arguments: argparse.Namespace, loaded: SpecFolder) -> Draft:
    from functions.spec.problems import SpecError, closest

    if loaded.contract is None or loaded.registry is None:
        # Without them no function can be valid; what is wrong with other specs does not matter.
        own = set(loaded.files.values())
        raise SpecError(problem for problem in loaded.errors if Path(problem.file) not in own)
    _check_name(arguments.name)
    purposes = loaded.contract.purposes
    purpose = arguments.purpose or next(iter(purposes))
    if purpose not in purposes:
        raise _UsageError(f"contract.yaml has no purpose {purpose!r}", closest(purpose, purposes))
    for option, text in (("--event-name", arguments.event_name), ("--owner", arguments.owner)):
        if not (text.strip() and text.isprintable() and len(text) <= _MOST_EVENT_NAME):
            raise _UsageError(
                f"{option} takes a text of 1 to {_MOST_EVENT_NAME} characters", "such as signed_in"
            )
    return Draft(
        name=arguments.name,
        owner=arguments.owner,
        event_name=arguments.event_name,
        purpose=purpose,
        consent=purposes[purpose].consent,
        model=arguments.model,
        reads="orders",
        action=_undemanding(loaded.registry),
    )


def _allowed(draft: Draft, folder: Path) -> Draft:
    """Return the draft with features that its purpose may read, as the checks of the folder say."""
    from functions.spec.loading import is_shared_file, load_folder

    with TemporaryDirectory() as name:
        trial = Path(name)
        for path in folder.glob("*.yaml"):
            if is_shared_file(path.name):
                shutil.copy(path, trial)
        for reads in get_args(Reads):
            candidate = replace(draft, reads=reads)
            path = trial / "draft.yaml"
            path.write_text(candidate.spec, encoding="utf-8")
            if not any(Path(problem.file) == path for problem in load_folder(trial).errors):
                return candidate
    raise _UsageError(
        f"the purpose {draft.purpose!r} may read neither orders nor the time of an event",
        "give another --purpose, or begin with a copy of another spec",
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").lstrip("0123456789-")[:63]
        hint = f"did you mean {slug!r}?" if slug else "such as welcome-back"
        raise _UsageError("a name is lower case, digits and dashes, and begins with a letter", hint)


def _undemanding(registry: Registry) -> str | None:
    """Return the first action that any function can use: it asks for no feature and no score."""
    from functions.spec.templates import leaves

    for name, action in registry.actions.items():
        if (
            action.eligible is None
            and not any(leaves(action.payload, ()))
            and action.channel in registry.channels
        ):
            return name
    return None


def _event_file(draft: Draft, folder: Path) -> _EventFile:
    """Return a file whose one event fires the function, or one to be written."""
    events = Path(os.path.normpath(folder / ".." / "events"))
    for path in sorted(events.glob("*.json")):
        at = _fires(path, draft.event_name)
        if at is not None:
            return _EventFile(path, at, None)
    path = next(path for path in _numbered(events / f"{draft.name}.json") if not path.exists())
    return _EventFile(path, parse_instant(EVENT_TIME), draft.event)


def _fires(path: Path, event_name: str) -> datetime | None:
    """Return when the event of a file happened; None unless it holds one event of this name, of a user."""
    from functions.cli.invoke import MAX_INPUT_BYTES
    from functions.events.reading import read_events

    try:
        if path.stat().st_size > MAX_INPUT_BYTES:
            return None
        found = read_events(path.read_bytes(), received_at=parse_instant(EVENT_TIME))
    except OSError:
        return None
    event = found[0].event
    fits = len(found) == 1 and event is not None and event.name == event_name and event.user_id
    return event.time if event is not None and fits else None


def _numbered(path: Path) -> Iterator[Path]:
    """Yield a path, and then the same with a number: `a.json`, `a-2.json`, …."""
    yield path
    for number in range(2, 1_000):
        yield path.with_stem(f"{path.stem}-{number}")


def _files(draft: Draft, folder: Path, event: _EventFile) -> Mapping[Path, str]:
    cases = draft.cases(f"../events/{event.path.name}", event.at)
    files = {folder / f"{draft.name}.yaml": draft.spec, folder / f"{draft.name}.cases.yaml": cases}
    return {**files, event.path: event.text} if event.text is not None else files


def _check_free(name: str, files: Mapping[Path, str], loaded: SpecFolder) -> None:
    from functions.spec.loading import is_shared_file

    taken = {*loaded.files, *(path.stem for path in loaded.files.values())}
    there = next((path for path in files if path.exists()), None)
    if name not in taken and there is None and not is_shared_file(f"{name}.yaml"):
        return
    free = next(
        path.stem
        for path in _numbered(loaded.folder / f"{name}.yaml")
        if path.stem not in taken
        and not (path.exists() or path.with_suffix(".cases.yaml").exists())
        and not is_shared_file(path.name)
    )
    what = f"{there} exists" if there is not None else f"the name {name!r} is taken"
    raise _UsageError(f"{what}, and nothing is overwritten", f"such as {free}")


def _told(draft: Draft, folder: Path, event: _EventFile, files: Mapping[Path, str]) -> Iterator[str]:
    for path in files:
        yield f"written: {path}"
    if draft.action is None:
        yield "note: no action of actions.yaml suits any function, so this one declares none yet"
    if not (folder / "schema" / "spec.json").exists():
        yield f"note: `functions schema --write {folder / 'schema'}` lets your editor complete the keys"
    yield f"next: functions test {draft.name}"
    yield f"      functions invoke {draft.name} --event {event.path}"
