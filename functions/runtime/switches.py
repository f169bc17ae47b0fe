"""Kill switches: what an operator has switched off, as one shared document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from functions.build.published import refuse_newer
from functions.documents import Json
from functions.errors import PolicyUnusableError, StoreContendedError
from functions.profiles.operator_documents import OperatorDocument, OperatorStore
from functions.times import format_instant, parse_instant

SWITCHES: Final = "switches"
"""Name of the document."""

Kind = Literal["action", "function"]
"""What can be switched off."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_FORMAT: Final = 1
_ATTEMPTS: Final = 10


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that is switched off.

    Attributes:
        kind: What it is.
        name: Its name.
        at: Since when.
        because: Why, in the operator's words; None when nothing was said.
    """

    kind: Kind
    name: str
    at: datetime
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Switches:
    """All that is switched off, by kind and name."""

    off: Mapping[tuple[Kind, str], Switch] = field(default_factory=dict)

    def is_off(self, kind: Kind, name: str) -> bool:
        """Say whether something is switched off."""
        return (kind, name) in self.off


NOTHING_OFF: Final = Switches()


def read_switches(document: OperatorDocument | None) -> Switches:
    """Read the document; nothing is off while there is none.

    Raises:
        PolicyNewerFormatError: A newer version wrote it.
        PolicyUnusableError: It is damaged.
    """
    if document is None:
        return NOTHING_OFF
    refuse_newer(document.body, _FORMAT, "the document of the switches")
    try:
        found = [
            Switch(kind, name, parse_instant(switch["at"]), switch["because"])
            for kind in KINDS
            for name, switch in document.body[kind].items()
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise PolicyUnusableError("the switches in the store are damaged") from None
    return Switches({(switch.kind, switch.name): switch for switch in found})


def switch_off(store: OperatorStore, switch: Switch) -> bool:
    """Switch something off.

    Returns:
        False when it is off already; then nothing changes.

    Raises:
        StoreContendedError: Others moved switches at every attempt.
        FunctionsError: The switches can't be read, or the store failed.
    """
    return _change(store, (switch.kind, switch.name), switch)


def switch_on(store: OperatorStore, kind: Kind, name: str) -> bool:
    """Switch something on again.

    Returns:
        False when it is not off.

    Raises:
        StoreContendedError: Others moved switches at every attempt.
        FunctionsError: The switches can't be read, or the store failed.
    """
    return _change(store, (kind, name), None)


def stored_switches(store: OperatorStore) -> Switches:
    """Read what is switched off now.

    Raises:
        FunctionsError: The switches can't be read, or the store failed.
    """
    return read_switches(store.read_documents(SWITCHES).get(SWITCHES))


def _change(store: OperatorStore, which: tuple[Kind, str], to: Switch | None) -> bool:
    for _ in range(_ATTEMPTS):
        document = store.read_documents(SWITCHES).get(SWITCHES)
        off = dict(read_switches(document).off)
        if (which in off) is (to is not None):
            return False
        if to is None:
            del off[which]
        else:
            off[which] = to
        version = document.version if document else 0
        if store.put_document(SWITCHES, _document(off), replaces=version):
            return True
    raise StoreContendedError("others moved switches at every attempt")


def _document(off: Mapping[tuple[Kind, str], Switch]) -> dict[str, Json]:
    body: dict[str, Json] = {"format": _FORMAT, **{kind: {} for kind in KINDS}}
    for (kind, name), switch in off.items():
        body[kind][name] = {"at": format_instant(switch.at), "because": switch.because}
    return body
