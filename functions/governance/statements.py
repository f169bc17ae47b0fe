"""What an event itself says about consent: the forms of Segment, of Tealium, our own, and `Sec-GPC`.

A statement can only tighten a decision: with a stored record that passes and a statement that refuses,
nothing leaves; a statement that grants opens nothing that the record closes.

Sources: Segment documentation, "Consent in Segment Connections" (every mapped category must be true, an
empty object is all false, a missing one unknown); Tealium documentation, "Consent management"
(`consent_categories`); Global Privacy Control, https://www.w3.org/TR/gpc/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from functions.documents import Json
from functions.governance.consent import (
    ConsentFormatError,
    ConsentRecord,
    ConsentStatus,
    is_purpose,
    parse_consent,
)

SEGMENT: Final = "categoryPreferences"
"""Key of Segment's consent object: category to true or false."""

TEALIUM: Final = "consent_categories"
"""Key of Tealium's list of categories that were consented to."""

GPC: Final = "gpc"
"""Key that says that the browser sent `Sec-GPC: 1`."""

_NOT_NAMES: Final = frozenset({SEGMENT, TEALIUM, GPC})
_REFUSALS: Final[tuple[ConsentStatus, ...]] = ("revoked", "denied", "conflict", "unknown")


@dataclass(frozen=True, slots=True)
class ConsentSource:
    """Which words of the platforms speak about one consent.

    Attributes:
        segment: Categories of Segment; all must be true. Empty: Segment says nothing about this consent.
        tealium: Categories of Tealium; all must be listed. Empty: likewise.
        gpc: Whether `Sec-GPC: 1` denies it.
        ended_by: Outcomes that revoke it.
    """

    segment: tuple[str, ...] = ()
    tealium: tuple[str, ...] = ()
    gpc: bool = False
    ended_by: tuple[str, ...] = ("unsubscribed", "complained")


ConsentSources = Mapping[str, ConsentSource]
"""By the name of the consent."""

UNMAPPED: Final = ConsentSource()
"""The source of a consent that only our own form speaks about."""


def source_document(source: ConsentSource) -> dict[str, Json]:
    """Return a source as JSON, for artefacts."""
    return {
        "segment": list(source.segment),
        "tealium": list(source.tealium),
        "gpc": source.gpc,
        "ended_by": list(source.ended_by),
    }


def source_from(document: Mapping[str, Json]) -> ConsentSource:
    """Read what `source_document` wrote."""
    words, categories = tuple(document["segment"]), tuple(document["tealium"])
    return ConsentSource(words, categories, document["gpc"], tuple(document["ended_by"]))


def stated(document: Mapping[str, Json] | None, name: str, source: ConsentSource) -> ConsentStatus | None:
    """Say what an event says about one consent.

    Args:
        document: The event's consent object; None where it has none.
        name: Of the consent.
        source: The words that speak about it.

    Returns:
        None where it says nothing about it; `unknown` for what can't be read, `conflict` where one part
        grants and another refuses. A browser's `Sec-GPC` is a refusal and no contradiction.
    """
    if document is None:
        return None
    try:
        return _status(document, name, source)
    except ConsentFormatError:
        return "unknown"


def stated_records(
    document: Mapping[str, Json] | None, sources: ConsentSources, *, at: datetime, said_by: str
) -> dict[str, ConsentRecord]:
    """Return the records that an event's consent object makes: of every consent that it speaks about.

    Args:
        document: The event's consent object; None, which says nothing, makes none.
        sources: Of the data contract.
        at: When it was said: the time of the event.
        said_by: The source of records that name none.

    Raises:
        ConsentFormatError: A part that speaks about a known consent can't be read.
    """
    if document is None:
        return {}
    records = {}
    # Beside a platform's own object stand others of its kind, which are not ours to understand.
    own = () if {SEGMENT, TEALIUM} & document.keys() else document.keys() - _NOT_NAMES
    for name in sorted({*sources, *own}):
        status = _status(document, name, sources.get(name, UNMAPPED))
        if status is not None:
            given = _own(document, name, at) or ConsentRecord(name, status, at, source=said_by)
            records[name] = replace(given, status=status, source=given.source or said_by)
    return records


def _status(document: Mapping[str, Json], name: str, source: ConsentSource) -> ConsentStatus | None:
    said = set(_parts(document, name, source))
    status = said.pop() if len(said) == 1 else None
    if said:
        refusal = next(one for one in _REFUSALS if one in said) if status is None else status
        status = "conflict" if "granted" in said else refusal
    if source.gpc and _is_on(document.get(GPC)):
        return status if status in ("revoked", "denied") else "denied"
    return status


def _parts(document: Mapping[str, Json], name: str, source: ConsentSource) -> Iterator[ConsentStatus]:
    """Yield what each part of a consent object says; an empty one lists everything that a platform was granted."""
    if not document and (source.segment or source.tealium):
        yield "denied"
    if source.segment and document.get(SEGMENT) is not None:
        yield _by_preferences(document[SEGMENT], source.segment)
    if source.tealium and document.get(TEALIUM) is not None:
        yield _by_categories(document[TEALIUM], source.tealium)
    own = _own(document, name, None)
    if own is not None:
        yield own.status


def _by_preferences(preferences: Json, categories: tuple[str, ...]) -> ConsentStatus:
    if not isinstance(preferences, Mapping):
        raise ConsentFormatError(f"consent.{SEGMENT} must be an object of categories")
    answers = [preferences.get(category, False) for category in categories]
    if not all(isinstance(answer, bool) for answer in answers):
        raise ConsentFormatError(f"consent.{SEGMENT}: a category is true or false")
    return "granted" if all(answers) else "denied"


def _by_categories(listed: Json, categories: tuple[str, ...]) -> ConsentStatus:
    # A tag that lists one category may send it as a text, or all of them with commas.
    words = listed.split(",") if isinstance(listed, str) else listed
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ConsentFormatError(f"consent.{TEALIUM} must be a list of categories")
    given = {_category(word) for word in words}
    return "granted" if all(_category(category) in given for category in categories) else "denied"


def _category(word: str) -> str:
    """Return a category as it compares: Tealium writes `Display Ads` for people and `display_ads` in data."""
    return "_".join(word.casefold().replace("_", " ").split())


def _own(document: Mapping[str, Json], name: str, at: datetime | None) -> ConsentRecord | None:
    """Read our own form, `{name: status}` or `{name: {status, at, ...}}`."""
    body = document.get(name)
    if body is None or name in _NOT_NAMES:
        return None
    if not is_purpose(name):
        raise ConsentFormatError("a consent record has a name that no purpose can ask for")
    return parse_consent({name: body}, default_at=at or _ANY_TIME)[name]


def _is_on(value: Json) -> bool:
    """Say whether a browser asks not to be sold or shared; the words are those that tags write for true and false.

    Raises:
        ConsentFormatError: It is neither, and silence must not pass for consent.
    """
    word = value.strip().casefold() if isinstance(value, str) else value
    if word in (True, "1", "true"):
        return True
    if word in (None, False, "", "0", "false"):
        return False
    raise ConsentFormatError(f"consent.{GPC} is true or false")


_ANY_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""Of a record of which only the status is read."""
