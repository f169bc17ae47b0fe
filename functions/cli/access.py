"""`functions profile export` and `functions profile delete`: what is kept about a customer, given out or erased."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path

from functions.cli.console import Console, counted
from functions.cli.declared import check_list
from functions.cli.writing import replaced
from functions.documents import Json, parse_json
from functions.errors import FunctionsError, SettingsError
from functions.profiles.access import Dossier, HoldingsStore, Records, ScrubbedStore, erase, read_dossier
from functions.profiles.feedback import FeedbackStore
from functions.profiles.store import MAX_PROFILE_BYTES
from functions.settings import Settings, read_settings
from functions.times import format_instant, utc_now

NOT_REACHED = (
    "not reached: copies outside the store, such as the lasting log of decisions and the archive of events on "
    "AWS; docs/operations.md says how to rewrite them (Erasing a customer)"
)


NOT_SCRUBBED = (
    "not scrubbed: another process uses the store, so that the file of its log (-wal) still holds bytes of what was "
    "erased; they go when that process ends, or with the next erasure"
)


class UnknownProfileError(FunctionsError):
    """Nothing is kept about a customer."""

    code = "profile.unknown"


def export_customer(arguments: argparse.Namespace, console: Console) -> int:
    """Write everything that is kept about a customer, as one JSON document.

    Raises:
        UnknownProfileError: Nothing is kept.
        UnreadableFileError: The file can't be written.
        ProfileStoreError: The store can't do its part.
    """
    settings = read_settings(console.environment)
    with _stores(settings) as (store, feedback):
        dossier = read_dossier(store, feedback, arguments.id)
    marks = _marks(settings, _ids(dossier, arguments.id), console)
    if dossier.is_empty and not marks:
        raise _unknown(arguments.id, settings)
    document = dossier_document(dossier, marks, at=utc_now())
    if arguments.to is None:
        console.json(document)
    else:
        _write(Path(arguments.to), document)
        if arguments.json:
            console.json({"id": dossier.customer, "to": arguments.to, "held": _figures(dossier)})
        else:
            console.err(f"written to {arguments.to}: {_counts(dossier, marks)}")
    return 0


def _ids(dossier: Dossier, asked: str) -> tuple[str, ...]:
    """Return every id that a customer is known under: either may be all that is left after an erasure."""
    return tuple(dict.fromkeys((asked, dossier.customer, *dossier.aliases)))


def _marks(settings: Settings, ids: Iterable[str], console: Console) -> list[Json] | None:
    """Return the suppression marks of some ids; None where they can't be read, which is said."""
    from functions.cli.suppress import opened_suppressions

    try:
        with opened_suppressions(settings) as suppressions:
            return [
                {"id": one, "list": name, **_plain(mark)}
                for one in ids
                for name, mark in sorted(suppressions.marks(one).items())
            ]
    except SettingsError as error:
        console.err(f"suppression marks are not in it: {error.message}")
        return None


def _unknown(asked: str, settings: Settings) -> UnknownProfileError:
    from functions.cli.composition import store_words

    return UnknownProfileError(f"nothing is kept about {asked!r}", hint=f"looked in {store_words(settings)}")


def delete_customer(arguments: argparse.Namespace, console: Console) -> int:
    """Erase everything that is kept about a customer, and say how much it was.

    Raises:
        UnknownProfileError: Nothing is kept.
        ProfileStoreError: The store can't do its part; a second call finishes what was begun.
    """
    settings = read_settings(console.environment)
    if arguments.suppress is not None and not arguments.new_list:
        check_list(arguments.suppress, console)
    with _stores(settings) as (store, feedback):
        if arguments.suppress is not None:
            _suppress(settings, read_dossier(store, feedback, arguments.id), arguments, console)
        dossier = erase(store, feedback, arguments.id)
        scrubbed = store.scrub() if isinstance(store, ScrubbedStore) else True
    if dossier.is_empty:
        raise _unknown(arguments.id, settings)
    if arguments.json:
        console.json({"id": dossier.customer, "erased": _figures(dossier), "suppressed": arguments.suppress})
    else:
        console.err(f"erased: {dossier.customer}: {_counts(dossier)}")
    console.err(NOT_REACHED)
    if not scrubbed:
        console.err(NOT_SCRUBBED)
    return 0


def _suppress(settings: Settings, dossier: Dossier, arguments: argparse.Namespace, console: Console) -> None:
    """Mark every id of a customer before anything is erased: a mark that fails leaves all as it was."""
    from functions.cli.suppress import opened_suppressions
    from functions.runtime.suppression import Mark

    with opened_suppressions(settings) as marks:
        for one in _ids(dossier, arguments.id):
            marks.add(arguments.suppress, one, Mark(utc_now(), because="erased"))
    console.err(f"on {arguments.suppress}: {dossier.customer}")


def dossier_document(dossier: Dossier, marks: list[Json] | None, *, at: datetime) -> dict[str, Json]:
    """Return everything that is kept about a customer as JSON.

    Args:
        dossier: What was read.
        marks: Its suppression marks; None where they can't be read.
        at: When.
    """
    return {
        "id": dossier.customer,
        "aliases": list(dossier.aliases),
        "exported_at": format_instant(at),
        "suppression": marks,
        "records": [_record(one) for one in dossier.records],
    }


@contextmanager
def _stores(settings: Settings) -> Iterator[tuple[HoldingsStore, FeedbackStore | None]]:
    from functions.cli.composition import opened_feedback, opened_store

    with opened_store(settings) as store, opened_feedback(settings) as feedback:
        if not isinstance(store, HoldingsStore):
            raise SettingsError(
                "FUNCTIONS_STORE: a store of this class can't say all that it keeps about a customer",
                hint="Give it the method of functions.profiles.access.HoldingsStore.",
            )
        yield store, feedback


def _record(records: Records) -> dict[str, Json]:
    held = records.held
    text, state = held.snapshot.profile_json, held.snapshot.state
    by_kind = {
        kind: [_plain(one) for one in records.feedback if one.kind == kind]
        for kind in ("trial", "responses", "attempts")
    }
    return {
        "id": held.snapshot.profile_id,
        "profile": parse_json(text, max_bytes=MAX_PROFILE_BYTES) if text is not None else None,
        "consent": {purpose: record.as_document() for purpose, record in held.snapshot.consent.items()},
        "scores": _plain(state.scores),
        "contacts": _plain(state.contacts),
        "version": state.version,
        "aliases": list(held.aliases),
        "decisions": _plain(held.decisions),
        "outbox": _plain(held.outbox),
        "trials": by_kind["trial"],
        "responses": by_kind["responses"],
        "attempts": by_kind["attempts"],
    }


def _plain(value: Json) -> Json:
    """Return a value of ours as JSON: every field of it, under its own name."""
    if isinstance(value, datetime):
        return format_instant(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _numbers(dossier: Dossier) -> dict[str, int]:
    """Count what is kept."""
    every = dossier.records
    return {
        "profile": sum(one.held.snapshot.profile_json is not None for one in every),
        "consent record": sum(len(one.held.snapshot.consent) for one in every),
        "score": sum(len(one.held.snapshot.state.scores) for one in every),
        "contact": sum(len(one.held.snapshot.state.contacts) for one in every),
        "decision": sum(len(one.held.decisions) for one in every),
        "action or notice": sum(len(one.held.outbox) for one in every),
        "alias": len(dossier.aliases),
        "record of feedback": sum(len(one.feedback) for one in every),
    }


def _figures(dossier: Dossier) -> dict[str, Json]:
    return {noun.replace(" ", "_"): number for noun, number in _numbers(dossier).items()}


def _counts(dossier: Dossier, marks: list[Json] | None = None) -> str:
    """Say in numbers what is kept: `1 profile, 2 decisions`."""
    plurals = {
        "alias": "aliases",
        "action or notice": "actions and notices",
        "record of feedback": "records of feedback",
    }
    numbers = {**_numbers(dossier), "suppression mark": len(marks or ())}
    parts = [
        f"{number:,} {plurals[noun]}" if number != 1 and noun in plurals else counted(number, noun)
        for noun, number in numbers.items()
        if number
    ]
    return ", ".join(parts) or "a contact log that was emptied"


def _write(target: Path, document: dict[str, Json]) -> None:
    with replaced(target) as file:
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        # What is no Unicode came as it is from a file or an event, and goes as it is.
        file.write(f"{text}\n".encode(errors="surrogatepass"))
