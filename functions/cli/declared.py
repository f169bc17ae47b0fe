"""Names that an operator types, checked against what the folder of specs declares, where there is one.

A slip of the pen would be kept like any other name, and mean nothing to anybody: a false comfort.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from functions.cli.console import Console
from functions.errors import FunctionsError, UsageError
from functions.settings import read_settings


class UnknownConsentError(UsageError):
    """No purpose of the data contract needs a consent of this name."""

    code = "profile.unknown_consent"


class UnknownListError(UsageError):
    """No rule of the policy asks for a suppression list of this name."""

    code = "suppress.unknown_list"


def check_consents(names: Iterable[str], console: Console) -> None:
    """Refuse the names of consents that no purpose needs.

    Raises:
        UnknownConsentError: There is one.
    """
    known = declared_consents(console)
    _check(
        names,
        known,
        UnknownConsentError,
        "no purpose needs the consent",
        "--new-consent keeps it nevertheless",
    )


def check_list(name: str, console: Console) -> None:
    """Refuse the name of a suppression list that no rule asks for.

    Raises:
        UnknownListError: None does.
    """
    known = _declared_lists(console)
    _check(
        [name],
        known,
        UnknownListError,
        "no rule of the policy asks for the list",
        "--new-list keeps it nevertheless",
    )


def declared_consents(console: Console) -> Set[str] | None:
    """Return the consents that purposes need; None where no contract says it."""
    from functions.spec.loading import CONTRACT_FILE, load_consents

    folder = read_settings(console.environment).specs
    if not (folder / CONTRACT_FILE).is_file():
        return None
    try:
        return load_consents(folder).keys()
    except FunctionsError:
        # A revocation must not wait until somebody has repaired a file.
        console.err(f"names of consents are not checked: {folder / CONTRACT_FILE} has errors")
        return None


def _declared_lists(console: Console) -> Set[str] | None:
    from functions.spec.loading import POLICY_FILE, load_policy
    from functions.spec.rails import ListRail

    folder = read_settings(console.environment).specs
    if not (folder / POLICY_FILE).is_file():
        return None
    try:
        return {rail.listed for rail in load_policy(folder).rails if isinstance(rail, ListRail)}
    except FunctionsError:
        console.err(f"the name of the list is not checked: the policy of {folder} has errors")
        return None


def _check(
    names: Iterable[str], known: Set[str] | None, error: type[UsageError], fault: str, remedy: str
) -> None:
    if known is None:
        return
    from functions.spec.problems import closest

    for name in names:
        if name not in known:
            hint = "; ".join(filter(None, (closest(name, known), remedy)))
            raise error(f"{fault} {name!r}", hint=hint)
