"""What becomes one when an id turns out to be another name of a customer: a merge can only tighten.

Contacts of the id are counted with those of its profile from then on, and the profile remembers the id, so that
whoever was held out stays held out and what was answered under the id is found. The version of the id's own
state moves: a decision that is being made under it is refused, and made again under the profile. What is
refused under the id is refused under the profile as well; that is the business of whoever adds the alias.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from functions.profiles.rows import Row

MOST_KNOWN: Final = 100
"""Ids that a profile remembers; whoever has more is no customer but a fault."""


def joining(own: Iterable[Row], other: Iterable[Row], profile_id: str) -> list[Row]:
    """Return the contacts of an id that its profile does not have yet, as contacts of the profile."""
    known = {row["decision_id"] for row in own}
    return [{**row, "profile_id": profile_id} for row in other if row["decision_id"] not in known]


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
