"""Traits: what is known of a person piece by piece, beside a profile that is always replaced whole.

A platform that sends whole profiles replaces; a call such as Segment's `identify` says some traits and
nothing about the others. Both can arrive late and in any order. So each trait has an instant of its own:
`profile.traits.NAME` holds the value, `profile.traits_at.NAME` when it was said. The newest word about a
trait counts, and a whole profile counts as a word about every trait, those it does not hold included. What is
left in the end is then the same in whatever order the words come in; of one instant the last to come counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.documents import Json
from functions.errors import StoreRejectedError
from functions.profiles.codec import decode_document

NEVER: Final = "0001-01-01T00:00:00.000Z"
"""The instant of a whole profile that nobody has sent yet."""

TRAITS: Final = "traits"
TRAITS_AT: Final = "traits_at"

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_MARK: Final = f'"{TRAITS_AT}"'.encode()


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A profile as a store holds it.

    Attributes:
        updated_at: Of the whole profile, as sortable text.
        text: JSON of all of it, traits included.
    """

    updated_at: str
    text: bytes

    def document(self) -> dict[str, Json]:
        """Return the profile.

        Raises:
            StoreRejectedError: It is no JSON object.
        """
        document = decode_document(self.text.decode(), "a profile")
        if not isinstance(document, dict):
            raise StoreRejectedError("the store holds a profile that is no JSON object")
        return document


def newest_trait(document: Mapping[str, Json]) -> str:
    """Return the instant of the newest trait, as sortable text; empty where there is none."""
    return max(_instants(document).values(), default="")


def replaced(
    stored: StoredProfile | None, document: Mapping[str, Json], at: str
) -> Mapping[str, Json] | None:
    """Return what becomes of a profile when a whole one arrives; None when the stored one is newer.

    Args:
        stored: None where nothing is stored.
        document: The whole profile.
        at: Of what instant it is, as sortable text.

    Raises:
        StoreRejectedError: What is stored can't be read.
    """
    if stored is None:
        return document
    if stored.updated_at > at:
        return None
    if _MARK not in stored.text:
        return document
    before = stored.document()
    later = {name: said for name, said in _instants(before).items() if said >= at}
    if not later:
        return document
    values = _object(before, TRAITS)
    return _with_traits(document, {name: values.get(name) for name in later}, later)


def patched(stored: StoredProfile | None, traits: Mapping[str, Json], at: str) -> Mapping[str, Json] | None:
    """Return what becomes of a profile when traits arrive; None when something newer is known of each.

    Args:
        stored: None where nothing is stored.
        traits: By name; null is a value like any other.
        at: When they were said, as sortable text.

    Raises:
        StoreRejectedError: What is stored can't be read.
    """
    if stored is not None and stored.updated_at > at:
        return None
    before = stored.document() if stored is not None else {}
    said = _instants(before)
    fresh = {name: value for name, value in traits.items() if said.get(name, "") <= at}
    return _with_traits(before, fresh, dict.fromkeys(fresh, at)) if fresh else None


def _with_traits(
    document: Mapping[str, Json], values: Mapping[str, Json], instants: Mapping[str, str]
) -> Mapping[str, Json]:
    return {
        **document,
        TRAITS: {**_object(document, TRAITS), **values},
        TRAITS_AT: {**_object(document, TRAITS_AT), **instants},
    }


def _instants(document: Mapping[str, Json]) -> dict[str, str]:
    """Return the instants by trait; a key of that name that somebody else wrote may hold anything."""
    found = _object(document, TRAITS_AT).items()
    return {name: said for name, said in found if isinstance(said, str) and _INSTANT.fullmatch(said)}


def _object(document: Mapping[str, Json], key: str) -> dict[str, Json]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}
