"""A small function for tests: its spec, a registry, an event that fires it and a customer who consents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

from functions.documents import Json
from functions.events.event import Event
from functions.governance.consent import ConsentRecord, ConsentStatus
from functions.profiles.store import ProfileStore
from functions.spec.loading import CONTRACT_FILE, POLICY_FILE, REGISTRY_FILE, load_function
from functions.spec.plan import Plan

NOW: Final = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
"""When the event happens, and when it is decided about unless told otherwise."""

CUSTOMER: Final = "customer-1"

SPEC: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "version": 1,
        "name": "churn",
        "owner": "lifecycle-team",
        "description": "Score churn on the cancellation page, and offer to stay.",
        "trigger": {"event_pattern": {"detail-type": ["page_view"]}, "max_age": "30s"},
        "profile": {"key": "event.user_id || event.anonymous_id"},
        "purpose": "retention",
        "features": {
            "recency_days": {
                "from": "days_since(profile.last_order_at)",
                "type": "float",
                "range": [0, 3650],
                "outside": "clip",
                "missing": 365,
            },
            "orders": {"from": "profile.orders", "type": "int", "range": [0, 100], "missing": 0},
        },
        "model": {
            "kind": "sagemaker",
            "endpoint": "churn-risk",
            "request": {"format": "csv"},
            "response": {"churn_risk": "[0]"},
            "range": {"churn_risk": [0, 1]},
            "timeout": "800ms",
            "fallback": [{"churn_risk": "profile.scores.churn_risk.value"}, {"churn_risk": 0.5}],
        },
        "write_back": {"scores.churn_risk": {"from": "churn_risk", "expires_after": "1d"}},
        "decide": {"when": "churn_risk >= `0.6`", "actions": ["offer-20", "offer-10"]},
    }
)
"""The sections of the spec."""

REGISTRY: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "channels": {"offers": {"kind": "memory"}},
        "actions": {
            "offer-20": {
                "tags": ["discount"],
                "channel": "offers",
                "eligible": "features.orders >= `3`",
                "payload": {"percent": 20, "risk": {"from": "churn_risk"}},
            },
            "offer-10": {"tags": ["discount"], "channel": "offers", "payload": {"percent": 10}},
        },
    }
)
"""Two actions: the first for customers with three orders or more, the second for all."""


_MADE_UP: Final = (
    *(
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "m",
        "n",
        "s",
        "t",
        "x",
        "z",
        "at",
        "big",
        "blocked",
        "days",
        "items",
        "list",
    ),
    *("missing", "note", "nothing", "other_id", "unknown", "revenue", "text"),
)
"""Fields that tests give a profile."""

CONTRACT: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "profile": {
            "last_order_at": {"label": "transactional"},
            "orders": {"label": "transactional"},
            "email": {"label": "direct-identifier"},
            "name": {"label": "direct-identifier"},
            **{name: {"label": "behavioral"} for name in _MADE_UP},
        },
        "event": {"properties": {"label": "behavioral"}},
        "purposes": {
            "retention": {"consent": "marketing", "may_read": ["behavioral", "transactional", "derived"]}
        },
    }
)
"""What the profile and the event hold, and the purpose that may read it."""


def write_specs(
    folder: Path,
    registry: Mapping[str, Json] = REGISTRY,
    contract: Mapping[str, Json] = CONTRACT,
    *,
    rails: Sequence[Mapping[str, Json]] = (),
    policy: Mapping[str, Json] = MappingProxyType({}),
    **sections: Json,
) -> None:
    """Write the spec, the registry, the rails and the contract into a folder.

    Args:
        folder: An existing folder.
        registry: What `actions.yaml` holds.
        contract: What `contract.yaml` holds, in place of `CONTRACT`.
        rails: The rules of `policy.yaml`.
        policy: Its other sections.
        **sections: Sections in place of those of `SPEC`; None leaves one out.
    """
    for name, text in _texts(registry, contract, rails, policy, sections).items():
        (folder / name).write_text(text)


def _texts(
    registry: Mapping[str, Json],
    contract: Mapping[str, Json],
    rails: Sequence[Mapping[str, Json]],
    policy: Mapping[str, Json],
    sections: Mapping[str, Json],
) -> dict[str, str]:
    """Return the files of the function by their names; JSON is YAML."""
    spec = {name: section for name, section in {**SPEC, **sections}.items() if section is not None}
    return {
        f"{spec['name']}.yaml": json.dumps(spec),
        REGISTRY_FILE: json.dumps(dict(registry)),
        CONTRACT_FILE: json.dumps(dict(contract)),
        POLICY_FILE: json.dumps({"rails": [dict(rule) for rule in rails], **policy}),
    }


def a_plan(
    registry: Mapping[str, Json] = REGISTRY,
    contract: Mapping[str, Json] = CONTRACT,
    *,
    rails: Sequence[Mapping[str, Json]] = (),
    policy: Mapping[str, Json] = MappingProxyType({}),
    **sections: Json,
) -> Plan:
    """Return the plan of the function, with sections replaced as `write_specs` does.

    The same sections give the same plan, which is loaded once; nothing may be changed inside it.

    Raises:
        SpecError: The replaced sections don't fit.
    """
    texts = _texts(registry, contract, rails, policy, sections)
    return _loaded(str(sections.get("name", SPEC["name"])), tuple(texts.items()))


@lru_cache(maxsize=256)
def _loaded(name: str, texts: tuple[tuple[str, str], ...]) -> Plan:
    with TemporaryDirectory() as folder:
        for file, text in texts:
            (Path(folder) / file).write_text(text)
        return load_function(Path(folder), name)


def an_event(
    event_id: str = "event-1",
    *,
    name: str = "page_view",
    user_id: str | None = CUSTOMER,
    time: datetime = NOW,
    properties: Mapping[str, Json] = MappingProxyType({}),
) -> Event:
    """Return an event that fires the function."""
    return Event(
        id=event_id,
        name=name,
        type="page",
        time=time,
        source="web.shop",
        user_id=user_id,
        anonymous_id=None,
        properties=dict(properties),
        traits={},
        context={},
        consent=None,
        raw=None,
    )


def a_profile(**fields: Json) -> dict[str, Json]:
    """Return a profile: five orders, the last one 120 days ago."""
    last_order_at = (NOW - timedelta(days=120)).isoformat()
    return {"last_order_at": last_order_at, "orders": 5, **fields}


def consent(status: ConsentStatus = "granted", *, at: datetime | None = None) -> ConsentRecord:
    """Return the consent record that the function asks for, given a day ago."""
    return ConsentRecord("marketing", status, at or NOW - timedelta(days=1))


def put_customer(
    store: ProfileStore, profile: Mapping[str, Json] | None = None, *, customer: str = CUSTOMER
) -> None:
    """Put a customer with consent into a store."""
    store.put_profile(
        customer, a_profile() if profile is None else profile, updated_at=NOW - timedelta(days=1)
    )
    store.put_consent(customer, consent(), now=NOW)
