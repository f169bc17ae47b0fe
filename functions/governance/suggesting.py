"""Labels proposed from sample profiles, for a person to review: by names of fields and by patterns of values.

Profiles are looked at one by one and forgotten: what is kept is bounded, whatever their number. Neither a value nor
a key that looks like one is kept or shown.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from functions.documents import Json
from functions.expressions.paths import VALUES, Path, format_path, key
from functions.governance.detector import detect
from functions.governance.identifiers import NATIONAL_IDS
from functions.governance.labels import Label

_MAX_KEYS: Final = 60
"""Keys of one object; with more they are data, and `*` stands for them."""

_MAX_PATHS: Final = 5_000
_MAX_LOOKED_AT: Final = 200
"""Values of one path whose patterns are looked at."""

_MAX_TEXT: Final = 2_000
_DATA_KEY: Final = re.compile(r"[^A-Za-z]*|.*[0-9]{4}.*|[0-9a-f-]{16,}|.*@.*|.{61,}", re.DOTALL)
_WORD: Final = re.compile(r"[A-Z]?[a-z][a-z0-9]*|[A-Z][A-Z0-9]*(?![a-z])")
_PATTERN_WORDS: Final[Mapping[str, str]] = {
    "email": "an e-mail address",
    "phone": "a phone number",
    "iban": "an IBAN with right check digits",
    "card": "a card number with a right check digit",
}

_PHRASES: Final[tuple[tuple[Label, str], ...]] = (
    (
        "sensitive",
        "birthday|birth_date|date_of_birth|birthdate|gender|sex|health|allerg\\w*|pregnan\\w*|religion|belief",
    ),
    (
        "sensitive",
        "ethnicity|race|politic\\w*|sexual\\w*|union|disabilit\\w*|diagnos\\w*|medic\\w*|glasses",
    ),
    (
        "sensitive",
        "latitude|longitude|accuracy_m|message|messages|text|comment|comments|note|notes|subject|query|kids",
    ),
    (
        "pseudonymous",
        "customer_id|user_id|visitor_id|device_id|session_id|advertising_id|account_id|anonymous_ids?|\\w*_sha256",
    ),
    ("pseudonymous", "\\w*_id|id|uuid|guid|mpid|hash|user_agent|referred_by"),
    ("direct-identifier", "first_name|last_name|full_name|surname|given_name|family_name|username|nickname"),
    (
        "direct-identifier",
        "e?_?mail|email_address|phone|mobile|msisdn|fax|street|address|postcode|zip|zip_code|ip",
    ),
    (
        "direct-identifier",
        "iban|card_number|card_expires|loyalty_card|passport|tax_id|ssn|licen[cs]e_plate",
    ),
)
_AROUND: Final[tuple[tuple[Label, str], ...]] = (
    (
        "direct-identifier",
        "identity|contact|billing_contact|person|personal_shopper|address|payment|users|members",
    ),
    ("sensitive", "health|location|medical"),
    ("derived", "scores?|segments?|audiences?|badges|attributes|propensit\\w*|predictions?"),
    (
        "transactional",
        "orders?|cart|shopping|payments?|invoices?|subscriptions?|account|billing|contracts?|renewal",
    ),
    (
        "behavioral",
        "web|email|loyalty|support|usage|viewing|listening|preferences|visits?|history|events?|sessions?",
    ),
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A label for a path, or none, with why.

    Attributes:
        path: Below `profile`.
        label: What it seems to be; None where nothing tells.
        reason: Why, without any value.
    """

    path: Path
    label: Label | None
    reason: str


@dataclass(slots=True)
class _Leaf:
    values: int = 0
    looked_at: int = 0
    hits: Counter[str] = field(default_factory=Counter)


class Survey:
    """Looks at profiles, one by one."""

    def __init__(self) -> None:
        self.profiles = 0
        self.left_out = False
        self._leaves: dict[Path, _Leaf] = {}
        self._keys: dict[Path, set[str]] = {}

    def look(self, profile: Mapping[str, Json]) -> None:
        """Take a profile into account."""
        self.profiles += 1
        waiting: list[tuple[Path, Json]] = [((), profile)]
        while waiting:
            path, value = waiting.pop()
            if isinstance(value, Mapping):
                waiting.extend(((*path, self._step(path, name)), child) for name, child in value.items())
            elif isinstance(value, list):
                waiting.extend((path, child) for child in value)
            elif path:
                self._note(path, value)

    def _step(self, path: Path, name: str) -> str:
        known = self._keys.setdefault(path, set())
        if name in known:
            return key(name)
        if len(known) >= _MAX_KEYS or _DATA_KEY.fullmatch(name) or detect(name):
            return VALUES
        known.add(name)
        return key(name)

    def _note(self, path: Path, value: Json) -> None:
        leaf = self._leaves.get(path)
        if leaf is None:
            if len(self._leaves) >= _MAX_PATHS:
                self.left_out = True
                return
            leaf = self._leaves[path] = _Leaf()
        leaf.values += 1
        if value is None or isinstance(value, bool | float) or leaf.looked_at >= _MAX_LOOKED_AT:
            return
        leaf.looked_at += 1
        text = str(value)[:_MAX_TEXT]
        leaf.hits.update(_PATTERN_WORDS[name] for name in detect(text))
        leaf.hits.update(name for name, holds in NATIONAL_IDS if holds(text))

    def suggestions(self) -> Iterator[Suggestion]:
        """Yield a suggestion for each path; one for a whole where everything in it seems to be the same."""
        leaves = {path: _suggested(path, leaf) for path, leaf in sorted(self._leaves.items())}
        yield from _folded((), leaves)


def _suggested(path: Path, leaf: _Leaf) -> Suggestion:
    if all(step == VALUES for step in path):
        return Suggestion(path, None, "a label here would hold for everything")
    if leaf.hits:
        what, often = leaf.hits.most_common(1)[0]
        seems: Label = "direct-identifier" if often * 2 >= leaf.looked_at else "sensitive"
        return Suggestion(path, seems, f"{often} of {leaf.looked_at} values look like {what}")
    names = [step[1:] for step in path if step != VALUES]
    for label, words in _PHRASES:
        if names and re.fullmatch(words, _snake(names[-1])):
            return Suggestion(path, label, f"the name {names[-1]!r}")
    for name in reversed(names):
        for label, words in _AROUND:
            if re.fullmatch(words, _snake(name)):
                return Suggestion(path, label, f"it stands under {name!r}")
    return Suggestion(path, None, "nothing tells what it is")


def _snake(name: str) -> str:
    """Return a name in lower case with its words apart: `firstName` and `First Name` are `first_name`."""
    return "_".join(_WORD.findall(name)).lower()


def _folded(path: Path, leaves: Mapping[Path, Suggestion]) -> Iterator[Suggestion]:
    labels = {one.label for one in leaves.values()}
    if len(leaves) == 1 or not path or len(labels) > 1 or None in labels:
        depth, groups = len(path), dict[Path, dict[Path, Suggestion]]()
        for at, one in leaves.items():
            if len(at) == depth or len(leaves) == 1:
                yield one
            else:
                groups.setdefault(at[: depth + 1], {})[at] = one
        for at, group in groups.items():
            yield from _folded(at, group)
        return
    first = next(iter(leaves.values()))
    yield Suggestion(path, first.label, f"all {len(leaves)} paths below; the first: {first.reason}")


def suggestion_lines(survey: Survey) -> Iterator[str]:
    """Yield the section `profile` of a contract as lines of YAML, with a reason for each."""
    yield f"# Proposed from {survey.profiles:,} profiles, for a person to review. What has no label is not used."
    if survey.left_out:
        yield f"# There are more than {_MAX_PATHS:,} paths; the others are not here."
    yield "profile:"
    for one in survey.suggestions():
        shown = format_path(one.path)
        if not re.fullmatch(r"[A-Za-z_][\w.]*", shown):
            shown = json.dumps(shown, ensure_ascii=True)
        entry = f"{shown}: {{ label: {one.label or '?'} }}"
        yield f"  {entry} # {one.reason}" if one.label else f"  # {entry} # {one.reason}"
