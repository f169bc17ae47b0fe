"""The files of a new function as text: a spec, its cases and an event, small and ready to be changed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Template
from typing import Final, Literal

ModelKind = Literal["none", "sagemaker", "http"]
Reads = Literal["orders", "event"]

EVENT_TIME: Final = "2026-11-02T09:15:00.000Z"
EVENT_CUSTOMER: Final = "customer-0042"
"""Of the event that is written; the sample customers hold this one."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*([ _.-][A-Za-z0-9]+)*")
_YAML_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

_SPEC = Template("""\
# yaml-language-server: $$schema=schema/spec.json
# A first draft: change what it says, then run `functions validate` and `functions test $name`.
version: 1
name: $quoted
owner: $owner # who answers for it
description: Say in a sentence what the function does, and for whom.

trigger: # which events fire it
  event_pattern:
    detail-type: [$event_name]
  max_age: 1h # an event older than this gets no action

profile:
  key: event.user_id || event.anonymous_id # whose profile is loaded

purpose: $purpose # stands in contract.yaml; it needs consent to $consent

features: # the few values that are computed; expressions read event, profile and now
${features}
${model}decide:
${when}  actions: [$action] # names from actions.yaml, the best first
""")

_ORDERS = """\
  recency_days:
    from: days_since(profile.orders.last_at)
    type: float
    unit: days
    range: [0, 3650]
    outside: clip
    missing: 365 # never bought anything: as far away as a year
  frequency:
    from: profile.orders.count
    type: int
    unit: orders
    missing: 0
  lifetime_value:
    from: profile.orders.revenue
    type: float
    unit: USD
    missing: 0
"""
_HOUR = """\
  hour:
    from: hour_of_day(event.time, 'UTC')
    type: int
    unit: hours
    range: [0, 23]
"""
_FEATURES: Final[Mapping[Reads, str]] = {"orders": _ORDERS, "event": _HOUR}

_SAGEMAKER = """\
model: # gets the features above, in their order
  kind: sagemaker
  endpoint: churn-risk # the name of your endpoint
  request: { format: csv }
  response: { score: "predictions[0].score || [0]" }
  range: { score: [0, 1] } # a reply outside is not believed
  timeout: 800ms # wall time of the whole step
  fallback:
    - score: 0.5 # when the model does not answer

"""
_HTTP = """\
model: # gets the features above, by name
  kind: http
  url: https://models.example/v1/score # where your model answers; nobody answers here
  request: { format: json }
  response: { score: "predictions[0].score" }
  range: { score: [0, 1] } # a reply outside is not believed
  timeout: 800ms # wall time of the whole step
  fallback:
    - score: 0.5 # when the model does not answer

"""
_MODELS: Final[Mapping[ModelKind, str]] = {"none": "", "sagemaker": _SAGEMAKER, "http": _HTTP}

_CASES = Template("""\
# yaml-language-server: $$schema=schema/cases.json
# What $name does, case by case: what is given, and what the receipt must say.
cases:
  - name: $one $acts
    given:
      event: $event_path
      profile: $profile
      consent: { $consent: granted }
      model: $high
    expect:
      outcome: $outcome
      reason: $reason
      action: $expected_action
      features: $features

  - name: $other gets nothing
    given:
      event: $event_path
      profile: $other_profile
      consent: { $consent: granted }
      model: $low
    expect:
      outcome: $other_outcome
      reason: $other_reason
      action: null

  - name: Without a record of consent nothing is computed and nothing leaves
    given:
      event: $event_path
      profile: $profile
      model: null
    expect:
      outcome: suppressed
      reason: consent.unknown
      action: null
      features: {}
""")


@dataclass(frozen=True, slots=True)
class Draft:
    """What is chosen about a new function.

    Attributes:
        name: Of the function.
        owner: Who answers for it.
        event_name: The name of the events that fire it.
        purpose: A purpose of the data contract.
        consent: The consent that the purpose needs.
        model: What scores, if anything.
        reads: What the features are made of: the customer's orders, or the event alone.
        action: An action that any function can use; None where the registry has none.
    """

    name: str
    owner: str
    event_name: str
    purpose: str
    consent: str
    model: ModelKind
    reads: Reads
    action: str | None

    @property
    def spec(self) -> str:
        """The text of `NAME.yaml`."""
        return _SPEC.substitute(
            name=self.name,
            quoted=_yaml(self.name),
            owner=_yaml(self.owner),
            event_name=_yaml(self.event_name),
            purpose=_yaml(self.purpose),
            consent=self.consent,
            features=_FEATURES[self.reads],
            model=_MODELS[self.model],
            when=f"  when: {self._when}\n" if self._when else "",
            action=self.action or "",
        )

    def cases(self, event_path: str, at: datetime) -> str:
        """Return the text of `NAME.cases.yaml`.

        Args:
            event_path: Of the event file, relative to the cases.
            at: When that event happened.
        """
        return _CASES.substitute(
            name=self.name,
            event_path=_yaml(event_path),
            consent=_yaml(self.consent),
            **self._customers(at),
            acts=f"gets {self.action}" if self.action else "gets nothing as long as no action is declared",
            outcome="acted" if self.action else "no_action",
            reason="action.chosen" if self.action else "actions.none",
            expected_action=self.action or "null",
        )

    @property
    def _when(self) -> str:
        """The condition; empty where an action is always called for."""
        if self.model != "none":
            return "score >= `0.5`"
        return "features.recency_days >= `90`" if self.reads == "orders" else ""

    def _customers(self, at: datetime) -> dict[str, str]:
        """Return what the cases say about the customer who gets something, and the one who does not."""
        long_ago, recently = (_orders(at - timedelta(days=days)) for days in (120, 5))
        orders = self.reads == "orders"
        known = {
            "one": "A customer who has not bought for long" if orders else "Any customer",
            "profile": long_ago if orders else "{ timezone: UTC }",
            "features": "{ recency_days: 120, frequency: 3, lifetime_value: 180.5 }"
            if orders
            else f"{{ hour: {at.hour} }}",
            "high": "null",
            "low": "null",
            "other_outcome": "no_action",
            "other_reason": "condition.false",
        }
        if self.model != "none":
            score = {"high": _reply(0.8), "low": _reply(0.2)}
            return {**known, **score, "other": "A customer of a low score", "other_profile": known["profile"]}
        if orders:
            return {**known, "other": "A customer who bought this week", "other_profile": recently}
        nobody = {"other_outcome": "suppressed", "other_reason": "profile.missing"}
        return {**known, **nobody, "other": "A customer without a profile", "other_profile": "null"}

    @property
    def event(self) -> str:
        """The text of an event file, as EventBridge delivers it."""
        document = {
            "version": "0",
            "id": "00000000-0000-4000-8000-000000000001",
            "detail-type": self.event_name,
            "source": "web.shop",
            "account": "123456789012",
            "time": EVENT_TIME[:19] + "Z",
            "region": "eu-central-1",
            "resources": [],
            "detail": {
                "id": f"{self.name}-0001",
                "name": self.event_name,
                "type": "track",
                "time": EVENT_TIME,
                "source": "web.shop",
                "user_id": EVENT_CUSTOMER,
                "anonymous_id": None,
                "properties": {},
                "traits": {},
                "context": {},
                "consent": None,
            },
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(text: str) -> str:
    """Write a text as a scalar: plain where it can be nothing else, else in double quotes.

    >>> _yaml("page_view"), _yaml("no"), _yaml("a: b")
    ('page_view', '"no"', '"a: b"')
    """
    plain = _PLAIN.fullmatch(text.removeprefix("../").replace("/", "-"))
    return text if plain and text.lower() not in _YAML_WORDS else json.dumps(text, ensure_ascii=False)


def _orders(last_at: datetime) -> str:
    return f'{{ orders: {{ count: 3, revenue: 180.5, last_at: "{last_at:%Y-%m-%dT%H:%M:%SZ}" }} }}'


def _reply(score: float) -> str:
    return f"{{ body: {{ predictions: [{{ score: {score} }}] }} }}"
