"""Decisions with what came of them, read from a store or from a log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from functions.analysis.evaluation import Answered
from functions.cli.arguments import unreadable
from functions.cli.console import Console
from functions.cli.progress import Progress
from functions.documents import DocumentError, Json
from functions.errors import EventMalformedError, SettingsError, StoreRejectedError
from functions.learning.trials import trial_from
from functions.operations.exporting import trial_document
from functions.operations.ordering import log_lines
from functions.profiles.feedback import FeedbackRecord
from functions.settings import read_settings
from functions.times import parse_instant

_PATTERN = "*.jsonl*"
"""Files of a log below a folder, gzipped or not."""


def of_store(console: Console) -> Iterator[tuple[FeedbackRecord, dict[str, Json]]]:
    """Yield every trial of the store, with the body of its decision.

    Raises:
        SettingsError: The store can't list them.
        ProfileStoreError: The store failed.
    """
    from functions.cli.composition import opened_feedback, opened_store

    settings = read_settings(console.environment)
    with opened_feedback(settings) as feedback, opened_store(settings) as store:
        every = getattr(feedback, "every_trial", None)
        if every is None:
            raise SettingsError(
                "FUNCTIONS_STORE: this kind of store does not list its decisions",
                hint="name a copy of the lasting log with --decisions",
            )
        for record in Progress(console, "decision", note=" read").each(every()):
            decision = store.load(record.owner, record.name).decision
            yield record, dict(decision.body) if decision is not None else {}


def of_log(path: Path, console: Console) -> list[Answered]:
    """Read a log: one file or all below a folder, decisions and trials, in any order and more than once.

    Raises:
        UnreadableFileError: A file can't be opened.
        EventMalformedError: A line is of no log.
    """
    log = _Log()
    for file in sorted(path.rglob(_PATTERN)) if path.is_dir() else [path]:
        log.read(file)
    if log.bodies and not log.trials:
        console.err(
            f"{path} holds decisions, and nothing of what came of them: take the folder outcomes of the log as well"
        )
    return log.answered()


def line_of(record: FeedbackRecord, body: dict[str, Json]) -> dict[str, Json]:
    """Return a decision with what came of it, as one line of a log."""
    return {**trial_document(record), "decision": body}


class _Log:
    """What was read so far; of each trial what was written last."""

    def __init__(self) -> None:
        self.trials: dict[tuple[str, str], FeedbackRecord] = {}
        self.bodies: dict[tuple[str, str], dict[str, Json]] = {}

    def read(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                for number, document in enumerate(log_lines(file), 1):
                    self._take(document, f"{path}: entry {number}")
        except OSError as error:
            raise unreadable(path, error) from None
        except DocumentError as error:
            raise EventMalformedError(f"{path}: {error}") from None

    def answered(self) -> list[Answered]:
        return [Answered(trial_from(one), self.bodies.get(key, {})) for key, one in self.trials.items()]

    def _take(self, document: Json, where: str) -> None:
        try:
            key = owner, name = document["profile_id"], document["decision_id"]
            at, trial = parse_instant(document["decided_at"]), document.get("trial")
            if trial is None:
                self.bodies[key] = document
                return
            record = FeedbackRecord("trial", owner, name, at, trial, int(document.get("version", 0)))
            trial_from(record)
        except (ValueError, KeyError, TypeError, AttributeError, StoreRejectedError):
            raise EventMalformedError(f"{where} is no exported decision") from None
        if key not in self.trials or self.trials[key].version <= record.version:
            self.trials[key] = record
        if document.get("decision"):
            self.bodies[key] = document["decision"]
