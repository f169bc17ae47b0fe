"""Made-up enriched customer profiles, as a customer data platform holds them: rich, nested and full of PII.

Everything follows from the seed: the same bytes on every Python version and machine, without a clock.
`python -m functions.testing.sample_profiles` writes the sample customers of the project.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from typing import Final

from functions.documents import Json
from functions.testing.profile_lives import (
    Browsing,
    Life,
    draw_life,
    make_account,
    make_shoe_session,
    make_shopping,
    make_viewing,
)
from functions.testing.profile_parts import (
    DAY_S,
    PLACES,
    PRODUCTS,
    REFERENCE_TIME,
    epoch_ms,
    instant_at,
    make_campaign,
    make_health,
    make_identity,
    make_location,
    make_loyalty,
    make_preferences,
    make_search,
    make_session,
    make_ticket,
    make_usage,
    make_visit,
)

__all__ = [
    "MAX_BYTES",
    "MIN_BYTES",
    "REFERENCE_TIME",
    "Buying",
    "compact_json",
    "consent_record",
    "generate_profile",
    "sample_record",
]

MIN_BYTES: Final = 20_000
MAX_BYTES: Final = 400_000
"""Bounds of `target_bytes`: from a profile that is still rich to about the largest item of DynamoDB."""


@dataclass(frozen=True, slots=True)
class Buying:
    """How a customer has bought so far.

    Attributes:
        orders: How many orders there are; without any, the profile has no `orders` at all.
        last_order_days: Days from the newest order to `REFERENCE_TIME`.
        every_days: Days between two orders, on average.
        cents: The least and the most that one line costs, in cents.
        lines: The most lines that an order has, 1 to 8.
    """

    orders: int
    last_order_days: float
    every_days: float = 45.0
    cents: tuple[int, int] = (990, 7_990)
    lines: int = 3


def generate_profile(
    seed: int,
    *,
    target_bytes: int = 24_000,
    customer_id: str | None = None,
    anonymous_id: str | None = None,
    buying: Buying | None = None,
    life: Life | None = None,
) -> dict[str, Json]:
    """Make one enriched profile.

    Figures agree with one another: `orders.count` is the number of items, `orders.revenue` the sum of
    their totals, `orders.last_at` the newest of them, `email.opens` the campaigns that were opened.

    Args:
        seed: What everything follows from.
        target_bytes: Size as compact UTF-8 JSON: the profile has this or up to 2,000 bytes more, unless
            its orders alone are larger. Behaviour is added until it is reached.
        customer_id: Id of the customer; made from the seed when not given.
        anonymous_id: A device id that the customer is known by.
        buying: How they bought; drawn from the seed when not given.
        life: What else they do; drawn from the seed when not given.

    Raises:
        ValueError: `target_bytes` is out of bounds.
    """
    if not MIN_BYTES <= target_bytes <= MAX_BYTES:
        raise ValueError(f"target_bytes must be {MIN_BYTES:,} to {MAX_BYTES:,}")
    rng = Random(seed)
    bought = buying or Buying(rng.randrange(1, 13), rng.randrange(1, 400 * 24) / 24)
    place = rng.choice(PLACES)
    identity = make_identity(rng, customer_id or f"customer-{seed:04d}", anonymous_id, place)
    orders = _orders(rng, bought) if bought.orders else None
    # A stream of its own: what is added here changes nothing of what was made up before it was.
    apart = Random(f"life/{seed}")
    lived = life or draw_life(apart)
    profile: dict[str, Json] = {
        "identity": identity,
        "timezone": place.timezone,
        **({"orders": orders} if orders else {}),
        "web": {"sessions": [], "page_views": [], "searches": []},
        "email": {"opens": 0, "clicks": 0, "last_complaint_at": None, "campaigns": []},
        "loyalty": make_loyalty(rng),
        "support": {"tickets": [make_ticket(rng, identity) for _ in range(rng.randrange(2, 4))]},
        "location": make_location(rng, place),
        "usage": make_usage(rng),
        "account": make_account(apart, lived.account, identity),
        "viewing": make_viewing(apart, lived.viewing),
        "shopping": make_shopping(apart, lived.cart),
        "health": make_health(rng),
        "preferences": make_preferences(rng, place),
        "attributes": _attributes(rng, orders),
        "badges": rng.sample(["Newsletter reader", "Cart abandoner", "Früher Vogel", "Big spender"], 2),
        **({"referral": {"code": f"FRIEND-{rng.randrange(1_000, 10_000)}"}} if rng.random() < 0.5 else {}),
        "audiences": [
            {"name": name, "joined_at": instant_at(rng.randrange(DAY_S, 300 * DAY_S))}
            for name in rng.sample(["At risk", "Win-back 2026", "Audio fans", "Gift buyers"], 2)
        ],
    }
    _add_browsing(apart, profile, lived.browsing)
    _add_behaviour(rng, profile, target_bytes, lived.account.opens_share)
    return profile


def compact_json(document: Json) -> str:
    """Write a document as stores keep it: no spaces, order of keys kept, no escapes for what is not ASCII."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _orders(rng: Random, buying: Buying) -> dict[str, Json]:
    seconds_ago = round(buying.last_order_days * DAY_S)
    newest_first: list[dict[str, Json]] = []
    for _ in range(buying.orders):
        newest_first.append(_order(rng, buying, instant_at(seconds_ago)))
        seconds_ago += round(buying.every_days * DAY_S * (0.5 + rng.random()))
    items = newest_first[::-1]
    return {
        "count": len(items),
        "revenue": round(math.fsum(item["total"] for item in items), 2),
        "currency": "USD",
        "first_at": items[0]["at"],
        "last_at": items[-1]["at"],
        "items": items,
    }


def _order(rng: Random, buying: Buying, at: str) -> dict[str, Json]:
    lines: list[dict[str, Json]] = []
    total_cents = 0
    for name, category, brand in rng.sample(PRODUCTS, rng.randrange(1, buying.lines + 1)):
        cents, quantity = rng.randrange(buying.cents[0], buying.cents[1] + 1), rng.choice((1, 1, 1, 2))
        total_cents += cents * quantity
        line = {
            "name": name,
            "category": category,
            "price": cents / 100,
            "quantity": quantity,
            "brand": brand,
        }
        lines.append({"sku": f"{category[:2].upper()}-{rng.randrange(10_000, 100_000)}", **line})
    coupon = rng.choice((None, None, "WELCOME10"))
    order_id = f"ORD-{rng.randrange(10**7, 10**8)}"
    return {"order_id": order_id, "at": at, "total": total_cents / 100, "coupon": coupon, "lines": lines}


def _attributes(rng: Random, orders: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return attributes named as people name them in a tag manager: with spaces, dots and signs."""
    lines = [line for order in (orders or {"items": []})["items"] for line in order["lines"]]
    return {
        "Lifetime Order Value": orders["revenue"] if orders else None,
        "Lifetime Order Count": orders["count"] if orders else 0,
        "Product Categories Purchased": dict(sorted(Counter(line["category"] for line in lines).items())),
        "Favorite Brand": lines[0]["brand"] if lines else None,
        "First Visit (ms)": epoch_ms(rng.randrange(2_100, 2_500) * DAY_S),
        "Average Visit Duration in Minutes": rng.randrange(10, 240) / 10,
        "Has Abandoned Cart?": rng.random() < 0.5,
        "ut.account": "main",
        "Last Order Total": str(orders["items"][-1]["total"]) if orders else "",
        "Lucky % / odd key": "ümläut",
    }


def _add_browsing(rng: Random, profile: dict[str, Json], browsing: Browsing) -> None:
    """Add sessions on the shoe pages and visits of the shoe department."""
    web, location = profile["web"], profile["location"]
    for number, (days, pages) in enumerate(browsing.trips):
        seconds_ago = max(600, round(days * DAY_S))
        session, views, searches = make_shoe_session(
            rng, seconds_ago, pages, search=number < browsing.searches
        )
        web["sessions"].append(session)
        web["page_views"].extend(views)
        web["searches"].extend(searches)
    for days in browsing.store_days:
        visit = make_visit(rng, max(600, round(days * DAY_S)), location["home_store"]["id"], "footwear")
        location["visits"].append(visit)


def _add_behaviour(rng: Random, profile: dict[str, Json], target_bytes: int, opens_share: float) -> None:
    """Add sessions, mails and visits, from the newest to the oldest, until the size is reached."""
    web, email, visits = profile["web"], profile["email"], profile["location"]["visits"]
    lists: tuple[list[Json], ...] = (
        web["sessions"],
        web["page_views"],
        web["searches"],
        email["campaigns"],
        visits,
    )
    # Every record below counts with a comma; the first of each list that is empty so far has none.
    size = len(compact_json(profile).encode()) - sum(not records for records in lists)
    store, first_name = profile["location"]["home_store"]["id"], profile["identity"]["first_name"]
    seconds_ago = rng.randrange(3_600, 5 * DAY_S)
    while size < target_bytes:
        session, views = make_session(rng, seconds_ago)
        searches = [make_search(rng, session)] if rng.random() < 0.5 else []
        campaign = make_campaign(rng, seconds_ago, first_name, opens_share)
        visited = [make_visit(rng, seconds_ago, store)] if rng.random() < 0.2 else []
        for records, new in zip(lists, ([session], views, searches, [campaign], visited), strict=True):
            records.extend(new)
            size += sum(len(compact_json(record).encode()) + 1 for record in new)
        seconds_ago += rng.randrange(DAY_S // 2, 9 * DAY_S)
    for records, instant in zip(lists, ("started_at", "at", "at", "sent_at", "at"), strict=True):
        records.sort(key=itemgetter(instant))
    email["opens"] = sum(campaign["opened_at"] is not None for campaign in email["campaigns"])
    email["clicks"] = sum(campaign["clicked_at"] is not None for campaign in email["campaigns"])


def sample_record(
    customer_id: str,
    seed: int,
    *,
    consent: Mapping[str, Json] | None = None,
    anonymous_id: str | None = None,
    buying: Buying | None = None,
    life: Life | None = None,
    tier: str | None = None,
    target_bytes: int = 24_000,
) -> dict[str, Json]:
    """Make one line of a file that `functions profile import` reads: `{"id", "profile", "consent"}`.

    Args:
        customer_id: Id of the customer.
        seed: What the profile follows from.
        consent: Consent records by name; marketing is granted when not given.
        anonymous_id: As for `generate_profile`.
        buying: As for `generate_profile`.
        life: As for `generate_profile`.
        tier: Loyalty tier, in the place of the one that the seed gives.
        target_bytes: As for `generate_profile`.
    """
    profile = generate_profile(
        seed,
        target_bytes=target_bytes,
        customer_id=customer_id,
        anonymous_id=anonymous_id,
        buying=buying,
        life=life,
    )
    if tier is not None:
        profile["loyalty"]["tier"] = tier
    granted = {"marketing": consent_record("granted", "2026-03-14T08:00:00Z", "preference-center")}
    return {"id": customer_id, "profile": profile, "consent": granted if consent is None else dict(consent)}


def consent_record(status: str, at: str, source: str) -> dict[str, Json]:
    """Make one consent record."""
    return {"status": status, "at": at, "source": source}
