"""What made-up customers do beyond buying: look at shoes, use a product at work, watch films, fill a cart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from functions.documents import Json
from functions.testing.profile_parts import DAY_S, instant_at, make_token

GENRES: Final = ("drama", "comedy", "thriller", "documentary", "science-fiction")
TIERS: Final = ("free", "team", "business", "enterprise")

FILMS: Final = (
    ("the-long-tide", "The Long Tide", "drama", 128),
    ("letters-to-nobody", "Letters to Nobody", "drama", 141),
    ("winter-orchard", "Winter Orchard", "drama", 97),
    ("the-cartographer", "The Cartographer", "drama", 115),
    ("salt-and-linen", "Salt and Linen", "drama", 104),
    ("two-left-shoes", "Two Left Shoes", "comedy", 94),
    ("the-wrong-wedding", "The Wrong Wedding", "comedy", 102),
    ("office-hours", "Office Hours", "comedy", 88),
    ("goats-in-august", "Goats in August", "comedy", 99),
    ("the-understudy", "The Understudy", "comedy", 107),
    ("cold-harbour", "Cold Harbour", "thriller", 118),
    ("the-ninth-witness", "The Ninth Witness", "thriller", 131),
    ("glass-alibi", "Glass Alibi", "thriller", 109),
    ("night-ferry", "Night Ferry", "thriller", 98),
    ("a-borrowed-name", "A Borrowed Name", "thriller", 124),
    ("bees-of-the-high-alps", "Bees of the High Alps", "documentary", 78),
    ("the-last-typesetter", "The Last Typesetter", "documentary", 86),
    ("rivers-underground", "Rivers Underground", "documentary", 92),
    ("the-bell-founders", "The Bell Founders", "documentary", 81),
    ("wind-atlas", "Wind Atlas", "documentary", 74),
    ("orbit-of-salt", "Orbit of Salt", "science-fiction", 136),
    ("the-quiet-engine", "The Quiet Engine", "science-fiction", 121),
    ("eleven-moons", "Eleven Moons", "science-fiction", 149),
    ("a-second-sun", "A Second Sun", "science-fiction", 112),
    ("the-seed-ship", "The Seed Ship", "science-fiction", 127),
)
"""Films that do not exist: id, title, genre, minutes."""

_SHOES = (
    ("Trail running shoes", "Kilometer Null", 119.0),
    ("Leather sneakers", "Sohle & Söhne", 139.0),
    ("Winter boots, lined", "Nordlys", 169.0),
    ("Espadrilles", "Ñandú", 49.0),
)
_SHOE_SEARCHES = ("laufschuhe", "sneaker weiß", "winter boots", "größe 42")
_TOOLS = ("dashboards", "alerts", "exports", "api", "audit-log", "sso", "scheduled-reports", "annotations")
_STAFF = (("Ines", "Ferreira"), ("Jonas", "Weiß"), ("Mei", "Lin"))


@dataclass(frozen=True, slots=True)
class Browsing:
    """How a customer looks at shoes.

    Attributes:
        trips: Visits of the shop's shoe pages, the newest first: days before the reference time and pages.
        searches: How many of the trips begin with a search.
        store_days: Days before the reference time of visits of the footwear department of the home store.
    """

    trips: tuple[tuple[float, int], ...] = ()
    searches: int = 0
    store_days: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """How a customer's employer uses a product.

    Attributes:
        tier: One of `TIERS`.
        seats: Paid places.
        active_share: How many of them are used, 0 to 1.
        trend: Use in the last four weeks over that of the four before, such as 0.5.
        last_login_days: Days from the last login to the reference time.
        tools: How many parts of the product are used, 1 to 8.
        opens_share: How many of its mails are opened, 0 to 1.
    """

    tier: str = "team"
    seats: int = 12
    active_share: float = 0.7
    trend: float = 1.0
    last_login_days: float = 1.0
    tools: int = 4
    opens_share: float = 0.6


@dataclass(frozen=True, slots=True)
class Viewing:
    """What a customer watches.

    Attributes:
        films: How many films were watched to the end, up to 25.
        favourites: How much more often a genre is watched than the others, such as `{"thriller": 6}`.
        suggestions: Whether the customer wants suggestions.
    """

    films: int = 8
    favourites: Mapping[str, float] = field(default_factory=dict)
    suggestions: bool = True


@dataclass(frozen=True, slots=True)
class Cart:
    """What a customer has in the cart, and did with carts before.

    Attributes:
        vip: Whether the customer is one of the few with a personal shopper.
        lines: Lines in the cart, 1 to 4.
        cents: The least and the most that one line costs, in cents.
        abandoned: Carts that were left in the last 90 days, and how many of them were bought after all.
    """

    vip: bool = False
    lines: int = 2
    cents: tuple[int, int] = (1_990, 14_990)
    abandoned: tuple[int, int] = (2, 1)


@dataclass(frozen=True, slots=True)
class Life:
    """What a customer does besides buying."""

    browsing: Browsing = Browsing()
    account: Account = Account()
    viewing: Viewing = Viewing()
    cart: Cart = Cart()


def draw_life(rng: Random) -> Life:
    """Draw a life; the population that models are trained on is drawn with this."""
    trips = sorted((rng.random() * 45, rng.randrange(1, 9)) for _ in range(rng.choice((0, 0, 1, 2, 3, 5))))
    seats = rng.choice((1, 5, 12, 40, 150))
    abandoned = rng.randrange(0, 6)
    return Life(
        Browsing(
            trips=tuple(trips),
            searches=rng.randrange(0, len(trips) + 1),
            store_days=tuple(sorted(rng.random() * 120 for _ in range(rng.randrange(0, 4)))),
        ),
        Account(
            tier="free" if seats == 1 else rng.choice(TIERS[1:]),
            seats=seats,
            active_share=rng.random(),
            trend=round(rng.choice((rng.random(), 0.6 + rng.random())), 2),
            last_login_days=rng.choice((rng.random() * 3, rng.random() * 45)),
            tools=rng.randrange(1, 9),
            opens_share=rng.random(),
        ),
        Viewing(
            films=rng.randrange(0, 13),
            favourites={rng.choice(GENRES): 1.0 + rng.randrange(0, 9)},
            suggestions=rng.random() < 0.9,
        ),
        Cart(
            vip=rng.random() < 0.3,
            lines=rng.randrange(1, 5),
            cents=rng.choice(((990, 4_990), (1_990, 14_990), (9_990, 39_990))),
            abandoned=(abandoned, rng.randrange(0, abandoned + 1)),
        ),
    )


def make_shoe_session(
    rng: Random, seconds_ago: int, pages: int, *, search: bool
) -> tuple[dict[str, Json], list[Json], list[Json]]:
    """Return a session on the shoe pages, its page views and its searches, the oldest first."""
    session_id = make_token(rng, 16)
    views: list[Json] = []
    at = seconds_ago
    for number in range(pages):
        name, brand, price = rng.choice(_SHOES)
        product = number > 0 or pages == 1
        seconds = min(rng.randrange(15, 180), max(1, at - 1))
        views.append(
            {
                "at": instant_at(at),
                "session_id": session_id,
                "page_type": "product" if product else "category",
                "path": f"/p/shoe-{rng.randrange(10_000, 100_000)}" if product else "/c/footwear",
                "title": f"{name} – {brand}" if product else "Footwear",
                "seconds": seconds,
                "category": "Footwear",
                "price": price if product else None,
            }
        )
        at -= seconds
    session = {
        "session_id": session_id,
        "started_at": instant_at(seconds_ago),
        "duration_s": seconds_ago - at,
        "page_views": pages,
        "referrer": None,
        "utm": None,
        "ip": f"198.51.100.{rng.randrange(1, 255)}",
    }
    query = rng.choice(_SHOE_SEARCHES)
    found = {
        "at": instant_at(seconds_ago),
        "query": query,
        "results": rng.randrange(4, 60),
        "category": "Footwear",
    }
    return session, views, [found] if search else []


def make_account(rng: Random, account: Account, identity: Mapping[str, Json]) -> dict[str, Json]:
    """Make a customer's account with a product for work: colleagues by name, and use by week."""
    level = account.seats * account.active_share * (20 + rng.randrange(20))
    weeks = []
    for week in range(12):
        factor = account.trend if week < 4 else 1.0
        sessions = round(level * factor * (0.85 + 0.3 * rng.random()))
        # Half a day into each week, so that windows of whole weeks hold whole weeks.
        at = instant_at(week * 7 * DAY_S + DAY_S // 2)
        weeks.append({"at": at, "sessions": sessions, "minutes": sessions * rng.randrange(4, 12)})
    last_login_s = max(60, round(account.last_login_days * DAY_S))
    colleagues = [
        {
            "name": f"{first} {last}",
            "email": f"{make_token(rng, 6)}@work.example.com",
            "last_login_at": instant_at(last_login_s + rng.randrange(DAY_S, 20 * DAY_S)),
        }
        for first, last in _STAFF
    ]
    return {
        "account_id": f"acc-{rng.randrange(10**6, 10**7)}",
        "billing_contact": {"name": identity["full_name"], "email": identity["email"]},
        "tier": account.tier,
        "seats": account.seats,
        "active_users_28d": round(account.seats * account.active_share),
        "last_login_at": instant_at(last_login_s),
        "tools_used": list(_TOOLS[: account.tools]),
        "usage": weeks[::-1],
        "renewal": {"on": f"2027-{rng.randrange(1, 13):02}-01", "auto": rng.random() < 0.5},
        "users": colleagues,
    }


def make_viewing(rng: Random, viewing: Viewing) -> dict[str, Json]:
    """Make a viewing history, the oldest film first, and what the customer has chosen."""
    left = list(FILMS)
    history: list[Json] = []
    seconds_ago = rng.randrange(DAY_S // 2, 4 * DAY_S)
    for _ in range(viewing.films):
        weights = [viewing.favourites.get(genre, 1.0) for _, genre in ((film[0], film[2]) for film in left)]
        film = rng.choices(left, weights)[0]
        left.remove(film)
        title_id, title, genre, minutes = film
        history.append(
            {"title_id": title_id, "title": title, "genre": genre, "minutes": minutes,
             "finished_at": instant_at(seconds_ago), "rating": rng.choice((None, None, 3, 4, 5))}
        )  # fmt: skip
        seconds_ago += rng.randrange(DAY_S, 12 * DAY_S)
    return {
        "plan": "standard",
        "members": [{"name": "Kids", "kids": True}, {"name": "Main", "kids": False}],
        "settings": {"suggestions": viewing.suggestions, "subtitles": rng.choice(("off", "en", "de"))},
        "history": history[::-1],
    }


def make_shopping(rng: Random, cart: Cart) -> dict[str, Json]:
    """Make the cart, the carts that were left before, and the personal shopper of a VIP."""
    items = []
    for name, brand, _ in rng.sample(_SHOES, cart.lines):
        price = rng.randrange(*cart.cents) / 100
        items.append({"sku": f"FO-{rng.randrange(10_000, 100_000)}", "name": name, "brand": brand,
                      "price": price, "quantity": 1})  # fmt: skip
    left, recovered = cart.abandoned
    first, last = rng.choice(_STAFF)
    shopper = {"name": f"{first} {last}", "phone": f"+44 20 7946 0{rng.randrange(100, 1_000)}"}
    return {
        "cart": {"items": items, "updated_at": instant_at(rng.randrange(1_800, 7_200))},
        "abandoned": [
            {"at": instant_at((80 - 12 * number) * DAY_S), "value": rng.randrange(1_990, 29_990) / 100,
             "recovered": number < recovered}
            for number in range(left)
        ],
        "vip": {"member": cart.vip, "since": instant_at(rng.randrange(100, 900) * DAY_S) if cart.vip else None,
                "personal_shopper": shopper if cart.vip else None},
    }  # fmt: skip
