"""What becomes one when an id turns out to be another name of a customer: a merge can only tighten.

Contacts of the id are counted with those of its profile from then on, and the profile remembers the id, so that
whoever was held out stays held out and what was answered under the id is found. The version of the id's own
state moves: a decision that is being made under it is refused, and made again under the profile. What is
refused under the id is refused under the profile as well; that is the business of whoever adds the alias.

An action that was decided under the id and waits goes on to wait there. What becomes of it is written to every
id that its own leads to, so that the contact counts for the customer from when it left, or no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from functions.governance.consent import ConsentRecord
from functions.profiles.outbox import ContactStatus
from functions.profiles.rows import Row

MOST_KNOWN: Final = 100
"""Ids that a profile remembers; whoever has more is no customer but a fault."""

MOST_FOLLOWED: Final = 20
"""Aliases of aliases by which the end of an action follows its customer; no event is followed by more than few."""


def united(own: Iterable[Row], other: Iterable[Row], profile_id: str) -> tuple[list[Row], bool]:
    """Return the contacts of a profile with those of an id, and whether that changes any.

    Of two of one decision the later one counts: where an alias was led elsewhere and back, the profile has missed
    what became of the action meanwhile.
    """
    found = {row["decision_id"]: row for row in own}
    changed = False
    for row in other:
        known = found.get(row["decision_id"])
        if known is None or str(known["at"]) < str(row["at"]):
            found[row["decision_id"]] = {**row, "profile_id": profile_id}
            changed = True
    return list(found.values()), changed


def stricter_consent(own: ConsentRecord | None, other: ConsentRecord) -> ConsentRecord | None:
    """Return what a profile takes over of a consent when an id becomes one with it; None for nothing.

    A grant does not go along. A refusal does, whenever it was given: of two people who turn out to be one, one said no,
    and only what the customer says after that is a yes again. Where the profile's own grant is the later of the two,
    the records contradict each other as of that grant.

    Args:
        own: The record of the profile; None for none.
        other: The record of the id about the same purpose.
    """
    if other.status == "granted":
        return None
    if own is None or own.status != "granted" or other.status == "unknown" or other.at >= own.at:
        return other
    return replace(own, status="conflict", expires_at=None)


def followed(profile_id: str, target_of: Callable[[str], str | None]) -> tuple[str, ...]:
    """Return an id and every id that it leads to, in order; a circle ends.

    Args:
        profile_id: The id.
        target_of: Says what an id is an alias of; None where it is none.
    """
    found = [profile_id]
    while len(found) <= MOST_FOLLOWED:
        target = target_of(found[-1])
        if target is None or target in found:
            break
        found.append(target)
    return tuple(found)


def is_followed(status: ContactStatus, at: datetime | None) -> bool:
    """Say whether the end of a lease is written to every id of the customer.

    What left right after its decision, or is tried again, counts as it did: nothing is looked for then.
    """
    return at is not None or status in ("released", "unconfirmed")


def moves_version(status: ContactStatus, at: datetime | None) -> bool:
    """Say whether the end of a lease changes what counts, so that decisions which are being made are refused."""
    return at is not None or status == "released"


def known_as(aliases: Mapping[str, str], profile_id: str) -> tuple[str, ...]:
    """Return every id that leads to a profile, in order.

    Args:
        aliases: What each alias stands for.
        profile_id: The profile.
    """
    found: set[str] = set()
    new = {profile_id}
    while new:
        new = {alias for alias, target in aliases.items() if target in new} - found - {profile_id}
        found |= new
    return remembered(found)


def remembered(ids: Iterable[str]) -> tuple[str, ...]:
    """Return as many ids as a profile remembers, in order."""
    ordered: Sequence[str] = sorted(set(ids))
    return tuple(ordered[:MOST_KNOWN])
