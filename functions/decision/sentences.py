"""Each rail as one plain English sentence: what a marketer reviews, and what a receipt says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from functions.spec.money import format_money
from functions.spec.rails import (
    BudgetRail,
    CapRail,
    ConsentRail,
    CooldownRail,
    EligibilityRail,
    ExclusionRail,
    ListRail,
    QuietRail,
    Rail,
    RiskRail,
    Rolling,
    Selection,
    SuppressRail,
    ValidityRail,
    Window,
)
from functions.times import format_instant

_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def sentence(rail: Rail) -> str:
    """Return what a rule says, with its reason where it has one."""
    text = _sentence(rail)
    return f"{text}. Because: {rail.because.rstrip('.')}." if rail.because else f"{text}."


def _sentence(rail: Rail) -> str:
    match rail:
        case CapRail():
            return f"At most {rail.at_most} {_actions(rail.selection)} {_in(rail.window)}"
        case BudgetRail():
            limit = format_money(rail.limit, rail.currency)
            every = f"in a {rail.window.unit} of {rail.window.zone}"
            return f"All {_actions(rail.selection)} of all customers together cost at most {limit} {every}"
        case SuppressRail():
            what = f"After {rail.count} {_actions(rail.selection)} within {_duration(rail.within)}"
            return f"{what}, no more of them for {_duration(rail.length)}"
        case ExclusionRail():
            return f"Only one of the kinds {_or(rail.kinds, 'and')} {_in(rail.window)}"
        case ValidityRail():
            return f"The {_actions(rail.selection)} {_period(rail.start, rail.end)}"
        case _:
            return f"No {_actions(rail.selection)} {_unless(rail)}"


def _unless(
    rail: ConsentRail | CooldownRail | QuietRail | ListRail | EligibilityRail | RiskRail,
) -> str:
    match rail:
        case ConsentRail():
            return f"unless the customer consents to {rail.consent}"
        case CooldownRail():
            return f"for {_duration(rail.length)} after {_event(rail)}"
        case QuietRail():
            return _quiet(rail)
        case ListRail():
            return f"for customers on the list {rail.listed}"
        case EligibilityRail():
            return f"unless {rail.unless.source} is true"
        case RiskRail():
            return f"with a risk over {rail.ceiling:g}"


def _event(rail: CooldownRail) -> str:
    if isinstance(rail.after, Selection):
        return f"any of the {_actions(rail.after)}"
    absent = "none is no obstacle" if rail.absent_is_never else "one that is not known forbids them too"
    return f"the instant {rail.after.source}, of which {absent}"


def _quiet(rail: QuietRail) -> str:
    where = rail.zone.source if rail.otherwise is None else f"{rail.zone.source}, else {rail.otherwise}"
    waits = f"; they wait up to {_duration(rail.defer)}" if rail.defer is not None else ""
    return f"between {_clock(rail.start)} and {_clock(rail.end)} where the customer is ({where}){waits}"


def _actions(selection: Selection) -> str:
    if selection.everything:
        return "actions"
    if selection.actions:
        return f"actions {_or(selection.actions)}"
    return f"actions tagged {_or(selection.tags)}"


def _in(window: Window) -> str:
    if isinstance(window, Rolling):
        return f"in any {_duration(window.length)}"
    return f"in a {window.unit} of {window.zone}"


def _period(start: datetime | None, end: datetime | None) -> str:
    since = f" from {format_instant(start)} on" if start is not None else ""
    until = f" before {format_instant(end)}" if end is not None else ""
    return f"may happen only{since}{' and' if since and until else ''}{until}"


def _or(names: Iterable[str], word: str = "or") -> str:
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _duration(length: timedelta) -> str:
    for unit, size in _UNITS:
        if length >= size and not length % size:
            number = length // size
            return f"{number} {unit}{'s' if number != 1 else ''}"
    return f"{length.total_seconds():g} seconds"
