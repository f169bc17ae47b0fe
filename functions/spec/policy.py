"""The marketer's rails, `policy.yaml`: typed rules, each of which can only take actions away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, StringConstraints, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from functions.governance.durations import Duration
from functions.spec.fields import ExpressionText, Name, Section, Text
from functions.spec.objectives import Learning, Objective, Ranking
from functions.times import parse_duration, parse_instant

_WINDOW = re.compile(r"(?P<length>.+?)\s+rolling")
_UP_TO = re.compile(r"up to\s+(?P<length>.+)")
_MONEY = r"^[0-9]{1,15}(\.[0-9]{1,3})? [A-Z]{3}$"
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class NamedActions(Section):
    """Actions by their names in the registry."""

    actions: Annotated[list[Name], Field(min_length=1, max_length=100)] = Field(
        description="Names from the registry."
    )


def _shape(value: Any) -> str:
    if isinstance(value, dict | BaseModel):
        return "<mapping>"
    return "<list>" if isinstance(value, list) else "<tag>"


Selected = Annotated[
    Annotated[NamedActions, Tag("<mapping>")]
    | Annotated[Annotated[list[Name], Field(min_length=1, max_length=100)], Tag("<list>")]
    | Annotated[Name, Tag("<tag>")],
    Discriminator(_shape),
]
"""A tag, several tags, `all`, or actions by name."""


def _window(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("window_type", "must be a window: 7d rolling, day, week or month")
    match = _WINDOW.fullmatch(value.strip())
    if match is not None:
        parse_duration(match["length"])
    elif value not in ("day", "week", "month"):
        raise ValueError("a window is `7d rolling`, `day`, `week` or `month`")
    return value


def _up_to(value: object) -> object:
    match = _UP_TO.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("up_to_type", "must say how long, such as `up to 12h`")
    parse_duration(match["length"])
    return value


def _instant(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("instant_type", "must be a date or an instant, such as 2026-12-24")
    parse_instant(value)
    return value


WindowText = Annotated[
    str,
    BeforeValidator(_window),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*([0-9]{1,9}(\.[0-9]{1,3})?\s*(ms|s|m|h|d|w)\s+rolling|day|week|month)\s*$",
            "examples": ["7d rolling", "day", "week", "month"],
        }
    ),
]
UpTo = Annotated[
    str,
    BeforeValidator(_up_to),
    WithJsonSchema({"type": "string", "pattern": r"^\s*up to\s+[0-9]{1,9}.*$", "examples": ["up to 12h"]}),
]
InstantText = Annotated[
    str,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "examples": ["2026-12-24", "2026-12-24T18:00:00+01:00"]}),
]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64)]
ClockTime = Annotated[str, StringConstraints(pattern=_CLOCK)]
Money = Annotated[str, StringConstraints(pattern=_MONEY)]


class _Rule(Section):
    """What every rule has."""

    name: Name = Field(description="Unique; stands in every receipt of an action that the rule took away.")
    because: Text | None = Field(
        default=None, description="Why, in the marketer's words; shown with the rule."
    )


_FORBID: Final = "What is forbidden: a tag, a list of tags, `all`, or `{actions: [NAME]}`."


class ConsentRule(_Rule):
    """Forbids actions without a consent record that says `granted` and is in force."""

    forbid: Selected = Field(description=_FORBID)
    unless_consent: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")] = Field(
        description="The consent record, as purposes of the data contract name it."
    )


class CapRule(_Rule):
    """At most so many actions for one customer in a window."""

    cap: Selected = Field(description="What is counted and capped: a tag, a list of tags, `all`, or names.")
    at_most: Annotated[int, Field(ge=0, le=10_000)] = Field(
        description="So many may happen; one more may not."
    )
    per: WindowText = Field(
        description="`7d rolling` looks back from every moment; `day`, `week` (from Monday) and `month` are those "
        "of a calendar and need `timezone`. A calendar lets two windows' worth come close together."
    )
    timezone: Zone | None = Field(
        default=None, description="IANA zone of the calendar, such as Europe/Berlin."
    )


class CooldownRule(_Rule):
    """Forbids actions for some time after another action, or after something that happened to the customer."""

    forbid: Selected = Field(description=_FORBID)
    after_action: Selected | None = Field(default=None, description="After any of these actions.")
    after: ExpressionText | None = Field(
        default=None,
        description="After an instant, such as `profile.support.last_complaint_at`; over `profile`, `event` and `now`.",
    )
    absent: Literal["unknown", "never"] = Field(
        default="unknown",
        description="What it means when the instant is missing or null: `unknown` forbids the actions, `never` "
        "says that it has not happened.",
    )
    for_: Duration = Field(alias="for", description="How long.")


class SuppressRule(_Rule):
    """Forbids actions for some time after too many of them came close together."""

    suppress: Selected = Field(description="What is counted and then forbidden.")
    after: Annotated[int, Field(ge=1, le=1000)] = Field(description="So many actions.")
    within: Duration = Field(description="In this time.")
    for_: Duration = Field(alias="for", description="How long, from the last of them.")


class QuietRule(_Rule):
    """Forbids actions between two times of the day, by the customer's wall clock."""

    forbid: Selected = Field(description=_FORBID)
    between: Annotated[list[ClockTime], Field(min_length=2, max_length=2)] = Field(
        description='`["21:00", "08:00"]`: from the first on, until before the second; over midnight if it is later.'
    )
    timezone: ExpressionText = Field(
        description="Gives the IANA zone of the customer, such as `profile.timezone`; over `profile` and `event`. "
        "Where it gives none that is known, the actions are forbidden."
    )
    otherwise: Zone | None = Field(
        default=None, description="The zone to go by where the expression gives none that is known."
    )
    defer: UpTo | None = Field(
        default=None,
        description="`up to 12h`: the action waits for the end of the quiet hours, if that is not longer away, and "
        "is checked again then: age, consent, the conditions of the function and of the action, and every rule, on a "
        "fresh read of the customer. What falls at that check is dropped, and no other action is chosen in its "
        "place. Without it the action is dropped at once.",
    )


class BudgetRule(_Rule):
    """At most so much money for actions of all customers in a calendar window."""

    budget: Selected = Field(description="What spends: a tag, a list of tags, `all`, or names.")
    at_most: Money = Field(description="`5000 EUR`, in the currency of the registry.")
    per: Literal["day", "week", "month"] = Field(description="When the budget is full again.")
    timezone: Zone = Field(description="IANA zone of the calendar.")
    spends: Literal["cost"] = Field(default="cost", description="What an action takes: its `cost`.")
    shards: Annotated[int, Field(ge=1, le=20)] = Field(
        default=8,
        description="Parts that the budget is kept in, so that many customers can be served at once. "
        "The sum is exact whatever the number.",
    )


class ExclusionRule(_Rule):
    """Only one of several kinds of action for one customer in a window."""

    only_one_of: Annotated[list[Name], Field(min_length=2, max_length=50)] = Field(
        description="Tags. Who got an action with one of them gets none with another."
    )
    per: WindowText = Field(description="As in a cap.")
    timezone: Zone | None = Field(default=None, description="IANA zone of the calendar.")


class ListRule(_Rule):
    """Forbids actions for customers on a suppression list."""

    forbid: Selected = Field(description=_FORBID)
    listed: Name = Field(description="Name of the list. A list that can't be read forbids the actions.")


class EligibilityRule(_Rule):
    """Forbids actions unless an expression is true."""

    forbid: Selected = Field(description=_FORBID)
    unless: ExpressionText = Field(
        description="Over `event`, `profile`, `features` and `now`. Null, a failure and anything but true or false "
        "is unknown, and forbids the actions too."
    )


class ValidityRule(_Rule):
    """Forbids actions outside a period."""

    valid: Selected = Field(description="What is valid only then: a tag, a list of tags, `all`, or names.")
    from_: InstantText | None = Field(default=None, alias="from", description="From then on.")
    until: InstantText | None = Field(default=None, description="Before then.")
    timezone: Zone | None = Field(
        default=None,
        description="IANA zone of dates and times without an offset; needed where there are any.",
    )


class RiskRule(_Rule):
    """Forbids actions whose declared `risk` is over a ceiling."""

    forbid: Selected = Field(description=_FORBID)
    risk_over: Annotated[float, Field(ge=0, le=1)] = Field(description="The highest risk that may be taken.")


Rule = (
    ConsentRule
    | CapRule
    | CooldownRule
    | SuppressRule
    | QuietRule
    | BudgetRule
    | ExclusionRule
    | ListRule
    | EligibilityRule
    | ValidityRule
    | RiskRule
)

SIGNS: Final[Mapping[str, type[Rule]]] = MappingProxyType(
    {
        "cap": CapRule,
        "budget": BudgetRule,
        "suppress": SuppressRule,
        "only_one_of": ExclusionRule,
        "valid": ValidityRule,
        "unless_consent": ConsentRule,
        "between": QuietRule,
        "listed": ListRule,
        "risk_over": RiskRule,
        "unless": EligibilityRule,
        "for": CooldownRule,
    }
)
"""The key that tells a rule's kind; the first that a rule has counts."""


def _kind(value: Any) -> str:
    if isinstance(value, BaseModel):
        return f"<{type(value).__name__}>"
    keys = value if isinstance(value, dict) else ()
    found = next((model for sign, model in SIGNS.items() if sign in keys), None)
    return f"<{found.__name__}>" if found else "unknown"


AnyRule = Annotated[
    Annotated[ConsentRule, Tag("<ConsentRule>")]
    | Annotated[CapRule, Tag("<CapRule>")]
    | Annotated[CooldownRule, Tag("<CooldownRule>")]
    | Annotated[SuppressRule, Tag("<SuppressRule>")]
    | Annotated[QuietRule, Tag("<QuietRule>")]
    | Annotated[BudgetRule, Tag("<BudgetRule>")]
    | Annotated[ExclusionRule, Tag("<ExclusionRule>")]
    | Annotated[ListRule, Tag("<ListRule>")]
    | Annotated[EligibilityRule, Tag("<EligibilityRule>")]
    | Annotated[ValidityRule, Tag("<ValidityRule>")]
    | Annotated[RiskRule, Tag("<RiskRule>")],
    Discriminator(
        _kind,
        custom_error_type="rule_kind",
        custom_error_message="a rule needs one of the keys cap, budget, suppress, only_one_of or valid, or "
        "forbid together with unless_consent, between, listed, risk_over, unless, or after and for",
    ),
]


class PolicyFile(Section):
    """The marketer's rails, which nothing that decides can cross, and what is best among the rest."""

    rails: Annotated[list[AnyRule], Field(max_length=200)] = Field(
        default=[], description="The rules, in any order: every one counts."
    )
    objectives: Annotated[dict[Name, Objective], Field(max_length=20)] = Field(
        default={}, description="What the marketer wants more of, the most important first."
    )
    ranking: Ranking = Field(default=Ranking(), description="How objectives, cost and risk make one order.")
    learning: Learning | None = Field(
        default=None, description="Learn from responses; without it the declared chances stand as they are."
    )
