"""The STATE item: the version, one attribute per score and one per contact.

Scores and contacts are attributes of their own, not entries of one document: each is then written in place
under a condition of its own. Functions that score the same profile at once do not disturb each other,
and an item that does not exist yet needs no preparation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from functions.errors import StoreRejectedError
from functions.profiles.codec import decode_document, encode_document
from functions.profiles.dynamodb_expressions import Expression
from functions.profiles.dynamodb_items import Attribute, Item, attributes, number, row_from
from functions.profiles.rows import Row, contact_from, contact_row, score_from, score_row
from functions.profiles.store import MAX_CONTACTS, Contact, ProfileState, Score, StateUpdate
from functions.times import format_instant

VERSION: Final = "version"
KNOWN_AS: Final = "known_as"
"""Ids that lead to the profile, as text."""

CONTACT_COUNT: Final = "contact_count"
OLDEST_CONTACT: Final = "oldest_contact_at"
"""No later than any contact, so that a commit sees without reading whether there is something to prune."""

_SCORE: Final = "score#"
CONTACT: Final = "contact#"
STATUS: Final = "status"
"""What became of a contact; beside its text, so that it can be changed without being read."""

MOVED_AT: Final = "moved_at"
"""From when on a contact counts, where that was moved; beside its text for the same reason."""

_TEXT: Final = "contact"
_VERSION_BEFORE: Final = "version_before"
_CONTACT_FIELDS: Final = frozenset({"action", "tags", "channel", "at", _VERSION_BEFORE})
_COUNTS: Final = "counts"
"""In the text of a contact that does not count; those of an earlier version count."""
_SCORE_COLUMNS: Final = tuple(Score.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class StateWrite:
    """A state update in DynamoDB's form.

    Attributes:
        scores: Attributes to set, by name.
        contact: The attribute of the contact and its name; None without a contact.
        contact_at: The instant of the contact, as sortable text.
        expected_version: The version that was read.
        prune_before: Contacts from before this text go.
    """

    scores: Mapping[str, Attribute]
    contact: tuple[str, Attribute] | None
    contact_at: str
    expected_version: int
    prune_before: str


def state_write(profile_id: str, update: StateUpdate) -> StateWrite:
    """Encode a state update.

    Raises:
        StoreRejectedError: It holds what can't be kept.
    """
    scores = {
        _SCORE + name: _map(score_row(profile_id, name, score), ("profile_id", "name"))
        for name, score in update.scores.items()
    }
    version = update.expected_version or 0
    contact: tuple[str, Attribute] | None = None
    if update.contact is not None:
        contact = (contact_attribute(update.contact.decision_id), _contact_value(update.contact, version))
    return StateWrite(
        scores=scores,
        contact=contact,
        contact_at=format_instant(update.contact.at) if update.contact else "",
        expected_version=version,
        prune_before=format_instant(update.prune_before) if update.prune_before else "",
    )


def contact_attribute(decision_id: str) -> str:
    """Return the name of the attribute that holds the contact of a decision."""
    return CONTACT + decision_id


def state_of(item: Item | None) -> ProfileState:
    """Read the state of a profile; the first version and nothing else when there is no item."""
    item = item or {}
    contacts = sorted(
        (_contact_row(name, value) for name, value in _contacts(item).items()),
        key=lambda row: (row["at"], row[_VERSION_BEFORE]),
    )
    return ProfileState(
        version=version_of(item),
        scores={
            name.removeprefix(_SCORE): score_from(row_from(value["M"], _SCORE_COLUMNS, ("expires_at",)))
            for name, value in item.items()
            if name.startswith(_SCORE)
        },
        contacts=tuple(contact_from(row) for row in contacts),
        known_as=known_as_of(item),
    )


def known_as_of(item: Item) -> tuple[str, ...]:
    """Return the ids that lead to the profile of a state.

    Raises:
        StoreRejectedError: The store holds something else.
    """
    if KNOWN_AS not in item:
        return ()
    ids = decode_document(str(item[KNOWN_AS].get("S")), "the ids of a profile")
    if not isinstance(ids, list):
        raise StoreRejectedError("the store holds the ids of a profile in another form")
    return tuple(str(one) for one in ids)


def contact_instants(item: Item) -> dict[str, str]:
    """Return the instants of the contacts of a state, by attribute."""
    return {name: str(_contact_row(name, value)["at"]) for name, value in _contacts(item).items()}


def version_of(item: Item) -> int:
    """Return the version of a state."""
    return int(item[VERSION]["N"]) if VERSION in item else 0


def contacts_left(item: Item, write: StateWrite) -> int:
    """Return how many contacts pruning would leave, not counting an earlier one of the same decision."""
    return len(_kept(item, write))


def state_expression(write: StateWrite, known: Item | None) -> Expression:
    """Return the update of the state with its conditions.

    Without knowledge the update assumes the usual: nothing to prune, room in the log, no newer score.
    Where the assumption fails, the condition does too, and DynamoDB returns the item; then the update is
    made for that item.

    Args:
        write: What to write.
        known: The item as it was a moment ago, None when it was not read.
    """
    expression = Expression()
    for name, value in write.scores.items():
        if known is not None and name in known and _at(known[name]) > _at(value):
            continue
        stored_at = f"{expression.name(name)}.{expression.name('at')}"
        expression.set(name, expression.value(value))
        expression.when(
            f"attribute_not_exists({expression.name(name)}) OR {stored_at}<={expression.value(value['M']['at'])}"
        )
    if write.contact is not None:
        _expect_version(expression, write.expected_version)
        expression.set(write.contact[0], expression.value(write.contact[1]))
        if known is None:
            _add_contact(expression, write, write.contact[0])
        else:
            _replace_contacts(expression, write, known)
    return expression


def _expect_version(expression: Expression, expected: int) -> None:
    version = expression.name(VERSION)
    if expected == 0:
        expression.when(f"attribute_not_exists({version})")
    else:
        expression.when(f"{version}={expression.value(number(expected))}")
    expression.set(VERSION, expression.value(number(expected + 1)))


def _add_contact(expression: Expression, write: StateWrite, attribute: str) -> None:
    count, oldest = expression.name(CONTACT_COUNT), expression.name(OLDEST_CONTACT)
    at, most = expression.value({"S": write.contact_at}), expression.value(number(MAX_CONTACTS))
    nothing, one = expression.value(number(0)), expression.value(number(1))
    expression.set(CONTACT_COUNT, f"if_not_exists({count},{nothing})+{one}")
    expression.set(OLDEST_CONTACT, f"if_not_exists({oldest},{at})")
    usual = f"{count}<{most} AND {oldest}<={at}"
    if write.prune_before:
        usual += f" AND {oldest}>={expression.value({'S': write.prune_before})}"
    expression.when(f"attribute_not_exists({expression.name(attribute)})")
    expression.when(f"attribute_not_exists({count}) OR ({usual})")


def _replace_contacts(expression: Expression, write: StateWrite, known: Item) -> None:
    """Prune what is known; the version says that nobody added or pruned meanwhile."""
    kept = _kept(known, write)
    for name in _contacts(known):
        if name not in kept and write.contact is not None and name != write.contact[0]:
            expression.remove(name)
    oldest = min([write.contact_at, *kept.values()])
    expression.set(CONTACT_COUNT, expression.value(number(len(kept) + 1)))
    expression.set(OLDEST_CONTACT, expression.value({"S": oldest}))


def _kept(item: Item, write: StateWrite) -> Mapping[str, str]:
    """Return the instants of the contacts that stay, by attribute."""
    replaced = write.contact[0] if write.contact else ""
    instants = contact_instants(item)
    return {name: at for name, at in instants.items() if at >= write.prune_before and name != replaced}


def _contacts(item: Item) -> Item:
    return {name: value for name, value in item.items() if name.startswith(CONTACT)}


def _contact_value(contact: Contact, version: int) -> Attribute:
    """Return a contact as two attributes, not one per field: the SDK's time goes by their number."""
    row = contact_row("-", contact)
    fields = {name: (row | {_VERSION_BEFORE: version})[name] for name in _CONTACT_FIELDS}
    text = encode_document(fields | ({} if contact.counts else {_COUNTS: 0}), "the contact")
    return {"M": {_TEXT: {"S": text}, STATUS: {"S": contact.status}}}


def _contact_row(name: str, value: Attribute) -> Row:
    row = row_from(value["M"], (_TEXT, STATUS))
    document = decode_document(str(row[_TEXT]), "a contact")
    if not isinstance(document, dict) or not document.keys() >= _CONTACT_FIELDS:
        raise StoreRejectedError("the store holds a contact that can't be read")
    moved = {"at": value["M"][MOVED_AT]["S"]} if MOVED_AT in value["M"] else {}
    return {
        _COUNTS: 1,
        **document,
        **moved,
        "decision_id": name.removeprefix(CONTACT),
        "status": row[STATUS],
    }


def _at(score: Attribute) -> str:
    return str(score["M"]["at"]["S"])


def _map(row: Row, without: tuple[str, ...]) -> Attribute:
    return {"M": attributes(row, without=without)}
