"""A replay on this machine: events out of files, decided again over the store of the settings."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from functions.cli.arguments import UnreadableFileError, read_input, specs_folder, unreadable
from functions.cli.complaints import Complaints
from functions.cli.console import Console, counted
from functions.cli.progress import Progress, through
from functions.cli.tables import render_table
from functions.documents import Json
from functions.errors import EventError, UnknownFunctionError
from functions.events.replays import LIVE, generation_of
from functions.operations.replays import replay_name
from functions.settings import read_settings
from functions.times import utc_now

if TYPE_CHECKING:
    from functions.events.event import Event
    from functions.events.reading import Parsed
    from functions.profiles.store import ProfileStore
    from functions.runtime.engine import Runtime
    from functions.runtime.receipt import Receipt
    from functions.spec.plan import Plan

MAX_FILE_BYTES: Final = 10_000_000
"""The most that one JSON file, or one line of a JSONL file, may take."""

COUNTS: Final = ("decided", "unchanged", "changed", "new", "sent", "duplicate", "rejected", "failed")
"""What became of the events of a function; of those decided, how they compare with the live decision."""

_REPLAYED: Final = "event.replayed"
_DO_NOTHING: Final = "do-nothing"


@dataclass(slots=True)
class _Tally:
    """The figures of a replay so far."""

    events: int = 0
    unreadable: int = 0
    read_bytes: float = 0.0
    functions: dict[str, Counter[str]] = field(default_factory=dict)

    def as_document(self) -> dict[str, Json]:
        return {
            "events": self.events,
            "unreadable": self.unreadable,
            "functions": {
                name: {what: counts[what] for what in COUNTS} for name, counts in self.functions.items()
            },
        }

    @property
    def is_fine(self) -> bool:
        wrong = sum(counts["rejected"] + counts["failed"] for counts in self.functions.values())
        return not (self.unreadable or wrong)


def replay_files(arguments: argparse.Namespace, console: Console) -> int:
    """Replay the events of files.

    Raises:
        UnknownFunctionError: A function that was asked for has no spec.
        SpecError: A spec has errors.
        SettingsError: A file can't be read.
    """
    from functions.cli.composition import opened_runtime, opened_store

    now: datetime = arguments.now or utc_now()
    name: str = arguments.name or replay_name("local", utc_now())
    settings, plans = read_settings(console.environment), _plans(arguments, console)
    tally = _Tally(functions={plan: Counter() for plan in plans})
    with opened_store(settings) as store, opened_runtime(settings, store) as runtime:
        paths = list(_files(arguments.events))
        total = sum(path.stat().st_size for path in paths)
        progress = Progress(console, "event", total=total, note=f"; replay {name}")
        replay = _LocalReplay(plans, store, runtime, now=now, generation=generation_of(name))
        for event in _events(paths, arguments, console, tally):
            tally.events += 1
            progress.show(tally.events, tally.read_bytes)
            for plan, outcome in replay.run(event):
                tally.functions[plan].update(outcome)
    progress.end()
    _print(arguments, console, name, tally)
    return 0 if tally.is_fine else 1


class _LocalReplay:
    """Runs functions on events, and compares what they decide with the live decision."""

    def __init__(
        self,
        plans: Mapping[str, Plan],
        store: ProfileStore,
        runtime: Runtime,
        *,
        now: datetime,
        generation: int,
    ) -> None:
        self._plans, self._store, self._runtime = plans, store, runtime
        self._now, self._generation = now, generation

    def run(self, event: Event) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield what each function that the event fires made of it, as words of `COUNTS`."""
        from functions.events.patterns import as_envelope

        envelope = as_envelope(event)
        for name, plan in self._plans.items():
            if plan.pattern.matches(envelope):
                receipt = self._runtime.handle(plan, event, now=self._now, generation=self._generation)
                yield name, tuple(self._words(plan, event, receipt))

    def _words(self, plan: Plan, event: Event, receipt: Receipt) -> Iterator[str]:
        if receipt.outcome in ("duplicate", "rejected", "failed"):
            yield receipt.outcome
            return
        yield "decided"
        if receipt.action is not None and receipt.action.delivery == "sent":
            yield "sent"
        before = self._live_candidates(plan, event, receipt)
        if before is None:
            yield "new"
        else:
            same = _choice(before) == _choice([one.as_document() for one in receipt.candidates])
            yield "unchanged" if same else "changed"

    def _live_candidates(self, plan: Plan, event: Event, receipt: Receipt) -> list[dict[str, Json]] | None:
        """Return the candidates of the live decision about the same event; None when there is none."""
        from functions.runtime.identity import decision_id, profile_key

        live = decision_id(
            function=plan.name, event_id=event.id, key=profile_key(plan, event), generation=LIVE
        )
        if receipt.profile_id is None or receipt.decision_id == live:
            return None
        record = self._store.load(receipt.profile_id, live).decision
        return record.body["candidates"] if record is not None else None


def _choice(candidates: list[dict[str, Json]]) -> str:
    """Return the action that was chosen, or would have been but for the replay."""
    for one in candidates:
        if one["action"] != _DO_NOTHING and (one["verdict"] == "chosen" or one["by"] == _REPLAYED):
            return str(one["action"])
    return _DO_NOTHING


def _plans(arguments: argparse.Namespace, console: Console) -> dict[str, Plan]:
    from functions.spec.loading import load_folder
    from functions.spec.problems import SpecError

    loaded = load_folder(specs_folder(console), each=through(console, "spec"))
    if loaded.errors:
        raise SpecError(loaded.errors)
    wanted = arguments.functions or sorted(loaded.plans)
    for name in wanted:
        if name not in loaded.plans:
            raise UnknownFunctionError(
                f"there is no function {name!r}", hint=f"known: {', '.join(sorted(loaded.plans))}"
            )
    return {name: loaded.plans[name] for name in wanted}


def _events(
    paths: Iterable[Path], arguments: argparse.Namespace, console: Console, tally: _Tally
) -> Iterator[Event]:
    """Yield the events of the files within the time that was asked for; what is no event is named."""
    faults = Complaints(console)
    # A file that is wrong does not spoil its neighbours.
    for path in paths:
        try:
            for parsed in _parsed(path, console, tally):
                if parsed.event is None:
                    code = parsed.error.code if parsed.error else "event.invalid"
                    faults.add(f"{path}: {parsed.position} could not be read ({code})")
                elif _within(parsed.event.time, arguments.begin, arguments.end):
                    yield parsed.event
        except (EventError, UnreadableFileError) as error:
            faults.add(f"{error.message} ({error.code})")
        tally.unreadable = faults.count
    faults.conclude()


def _files(paths: list[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        if not path.exists():
            raise unreadable(path, FileNotFoundError(2, "No such file or directory"))
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.suffix in (".json", ".jsonl"))
        else:
            yield path


def _parsed(path: Path, console: Console, tally: _Tally) -> Iterator[Parsed]:
    from functions.events.reading import read_events

    # When an event of a file first arrived, nobody knows; that it arrived now would make it young.
    received_at = None
    if path.suffix != ".jsonl":
        text = read_input(str(path), console, max_bytes=MAX_FILE_BYTES)
        several = read_events(text, received_at=received_at)
        for parsed in several:
            tally.read_bytes += path.stat().st_size / len(several)
            yield parsed
        return
    try:
        with path.open("rb") as lines:
            while line := lines.readline(MAX_FILE_BYTES + 1):
                tally.read_bytes += len(line)
                if line.strip():
                    yield from read_events(line, received_at=received_at)
    except OSError as error:
        raise unreadable(path, error) from None


def _within(time: datetime, begin: datetime | None, end: datetime | None) -> bool:
    return (begin is None or begin <= time) and (end is None or time < end)


def _print(arguments: argparse.Namespace, console: Console, name: str, tally: _Tally) -> None:
    document = {"replay": name, "generation": generation_of(name), **tally.as_document()}
    if arguments.json:
        console.json(document)
        return
    fired = {plan: counts for plan, counts in document["functions"].items() if any(counts.values())}
    console.out(
        f"{console.paint(name, 'bold')}  generation {document['generation']}, {counted(tally.events, 'event')}"
    )
    if fired:
        rows = [[plan, *(f"{counts[what]:,}" for what in COUNTS)] for plan, counts in fired.items()]
        for line in render_table(["function", *COUNTS], rows, console):
            console.out(line)
    else:
        console.err("no event fired a function")
