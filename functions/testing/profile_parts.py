"""The parts of a made-up profile: who somebody is, what they wrote, where they went, what they clicked.

The people do not exist; mail domains, telephone numbers, IP addresses, card numbers and IBANs are those
that are reserved for examples.

Source: RFC 2606 (domains), RFC 5737 (addresses), the drama numbers of Bundesnetzagentur, Ofcom, ARCEP and
NANPA, the examples of the SWIFT IBAN registry, the test cards of the card networks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from functions.documents import Json
from functions.times import format_instant

REFERENCE_TIME: Final = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
"""The present of every generated profile: each instant in one lies before it."""

DAY_S: Final = 86_400

_NAMES = (
    ("Zoë", "Müller-Ørsted"),
    ("Siobhán", "O'Brien"),
    ("José", "Núñez"),
    ("Łukasz", "Żółkiewski"),
    ("さくら", "田中"),
    ("أمينة", "حداد"),
    ("Thị Hoa", "Nguyễn"),
    ("Amara", "Okafor"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody lives, with what is reserved for examples there; `phone` takes three digits."""

    city: str
    street: str
    postcode: str
    country: str
    locale: str
    timezone: str
    phone: str
    iban: str | None
    latitude: float
    longitude: float


PLACES = (
    Place("Berlin", "Straße der Muster", "10115", "DE", "de-DE", "Europe/Berlin", "+49 30 23125 {:03}",
           "DE89370400440532013000", 52.5319, 13.3849),
    Place("London", "Example Mews", "N1 9GU", "GB", "en-GB", "Europe/London", "+44 20 7946 0{:03}",
           "GB29NWBK60161331926819", 51.5363, -0.1034),
    Place("Paris", "Allée de l’Exemple", "75011", "FR", "fr-FR", "Europe/Paris", "+33 1 99 00 1{:03}",
           "FR1420041010050500013M02606", 48.8592, 2.3806),
    Place("Portland", "Sample Avenue", "97205", "US", "en-US", "America/Los_Angeles", "+1 503 555 0142",
           None, 45.5202, -122.6926),
)  # fmt: skip
_CARDS = ("4111111111111111", "5555555555554444", "378282246310005")
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_DEVICES = (
    ("phone", "iOS 19.1", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15"),
    ("desktop", "Windows 11", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0"),
    ("tablet", "Android 16", "Mozilla/5.0 (Linux; Android 16; Tablet) AppleWebKit/537.36 Chrome/142.0"),
)
PRODUCTS = (
    ("Noise-cancelling headphones", "Audio", "Klangwerk"),
    ("Vinyl: Café del Sur, 180 g", "Music", "Ñandú Records"),
    ("Espresso cups, set of four", "Kitchen", "Tazza & Söhne"),
    ("Wool blanket “Fjäll”", "Home", "Nordlys"),
    ("Trail running shoes", "Sport", "Kilometer Null"),
    ("Pollen-filter mask", "Health", "Atemwohl"),
    ("Picture book: Der kleine Wal", "Books", "Papierboot"),
    ("Reusable bottle, 0.75 l", "Sport", "Quellgrün"),
)
_PAGES = (
    ("home", "/", "Welcome back", None),
    ("category", "/c/audio", "Audio – headphones, speakers", "Audio"),
    ("product", "/p/{}", "Product details", "Audio"),
    ("cart", "/cart", "Your cart", None),
    ("account", "/account/subscription", "Your subscription", None),
    ("help", "/help/returns", "Returns and refunds", None),
)
_SEARCHES = ("kopfhörer", "vinyl jazz", "cancel subscription", "gift under 30", "größe m", "コーヒー")
_CAMPAIGNS = (
    "Autumn sale",
    "We miss you, {}",
    "New in: Audio",
    "Your points are waiting",
    "Members’ evening",
)
_DEPARTMENTS = ("audio", "kitchen", "books")
_SUBJECTS = ("Parcel did not arrive", "Wrong size", "Charged twice", "How do I pause my subscription?")


def instant_at(seconds_ago: int) -> str:
    """Write the instant so many seconds before the reference time."""
    return format_instant(REFERENCE_TIME - timedelta(seconds=seconds_ago))


def epoch_ms(seconds_ago: int) -> int:
    """Return the instant so many seconds before the reference time, in epoch milliseconds."""
    return (int(REFERENCE_TIME.timestamp()) - seconds_ago) * 1_000


def make_token(rng: Random, digits: int) -> str:
    """Make a hexadecimal id."""
    return f"{rng.getrandbits(digits * 4):0{digits}x}"


def make_identity(rng: Random, customer_id: str, anonymous_id: str | None, place: Place) -> dict[str, Json]:
    """Make who somebody is: every kind of direct identifier, most of them nested."""
    first, last = rng.choice(_NAMES)
    email = f"{customer_id}.{make_token(rng, 4)}@mail.example.com"
    devices = [_device(rng, kind) for kind in rng.sample(_DEVICES, 2)]
    known_by = [anonymous_id] if anonymous_id else []
    return {
        "customer_id": customer_id,
        # Over 2^53 and odd: a reader that takes it for a float shows another person.
        "mpid": 2**62 + rng.getrandbits(60) * 2 + 1,
        "anonymous_ids": [*known_by, f"visitor-{make_token(rng, 8)}"],
        "title": None,
        "first_name": first,
        "last_name": last,
        "full_name": f"{first} {last}",
        "email": email,
        "email_sha256": hashlib.sha256(email.encode()).hexdigest(),
        "phone": place.phone.format(rng.randrange(1_000)),
        "birthday": f"{rng.randrange(1950, 2006)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        "address": {
            "street": f"{place.street} {rng.randrange(1, 200)}",
            "postcode": place.postcode,
            "city": place.city,
            "country": place.country,
        },
        "loyalty_card": f"LC-{rng.randrange(10**11, 10**12)}",
        "payment": {
            "card_number": rng.choice(_CARDS),
            "card_expires": f"{rng.randrange(1, 13):02}/29",
            "iban": place.iban,
        },
        "devices": devices,
    }


def _device(rng: Random, kind: tuple[str, str, str]) -> dict[str, Json]:
    name, system, agent = kind
    parts = [make_token(rng, digits) for digits in (8, 4, 3, 3, 12)]
    return {
        "device_id": "{}-{}-4{}-a{}-{}".format(*parts),
        "advertising_id": make_token(rng, 32) if rng.random() < 0.5 else None,
        "type": name,
        "os": system,
        "user_agent": agent,
        "ip": f"{rng.choice(_NETWORKS)}.{rng.randrange(1, 255)}",
        "last_seen_at": instant_at(rng.randrange(3_600, 40 * DAY_S)),
    }


def make_loyalty(rng: Random) -> dict[str, Json]:
    """Make a loyalty account whose points are the sum of its history."""
    points = [rng.randrange(20, 400) for _ in range(4)]
    return {
        "tier": rng.choice(("bronze", "silver", "gold")),
        "points": sum(points),
        "joined_at": instant_at(rng.randrange(800, 2_000) * DAY_S),
        "history": [
            {"at": instant_at((700 - 60 * number) * DAY_S), "points": earned, "why": "order"}
            for number, earned in enumerate(points)
        ],
        "referred_by": None,
    }


def make_ticket(rng: Random, identity: Mapping[str, Json]) -> dict[str, Json]:
    """Make a support ticket; as people do, its free text repeats name, telephone and address."""
    opened = rng.randrange(20 * DAY_S, 400 * DAY_S)
    text = (
        f"Hi, {identity['full_name']} here. I wrote twice already. Please call me on {identity['phone']}, "
        f"or write to {identity['email']}. I live at {identity['address']['street']}, "
        f"{identity['address']['city']}.\nThank you 🙏"
    )
    return {
        "ticket_id": f"T-{rng.randrange(100_000, 1_000_000)}",
        "subject": rng.choice(_SUBJECTS),
        "status": "closed",
        "opened_at": instant_at(opened),
        "closed_at": instant_at(opened - rng.randrange(3_600, 9 * DAY_S)),
        "satisfaction": rng.choice((None, 2, 4, 5)),
        "messages": [
            {"at": instant_at(opened), "from": "customer", "text": text},
            {
                "at": instant_at(opened - 3_000),
                "from": "agent",
                "text": f"Dear {identity['first_name']}, sorry!",
            },
        ],
    }


def make_location(rng: Random, place: Place) -> dict[str, Json]:
    """Make a home store and a last position; visits come with the behaviour."""
    return {
        "home_store": {"id": f"store-{rng.randrange(10, 99)}", "city": place.city},
        "last_known": {
            "latitude": round(place.latitude + rng.randrange(-90, 91) / 10_000, 4),
            "longitude": round(place.longitude + rng.randrange(-90, 91) / 10_000, 4),
            "accuracy_m": rng.randrange(5, 60),
        },
        "visits": [],
    }


def make_usage(rng: Random) -> dict[str, Json]:
    """Make the use of the product, by month."""
    return {
        "plan": "premium",
        "member_since": instant_at(rng.randrange(300, 1_500) * DAY_S),
        "paused_at": None,
        "listening_hours_by_month": {f"2026-{month:02}": rng.randrange(400) / 10 for month in range(1, 11)},
        "features_used": rng.sample(["playlists", "offline", "family sharing", "lyrics"], 2),
    }


def make_health(rng: Random) -> dict[str, Json]:
    """Make what is sensitive about somebody."""
    return {
        "allergies": rng.sample(["pollen", "nuts", "lactose"], 1),
        "glasses": {"left": -rng.randrange(1, 20) / 4, "right": -rng.randrange(1, 20) / 4},
        "pregnancy_due": None,
    }


def make_preferences(rng: Random, place: Place) -> dict[str, Json]:
    """Make what somebody has chosen."""
    return {
        "locale": place.locale,
        "channels": {"email": True, "sms": rng.random() < 0.4, "push": None},
        "categories": rng.sample(["Audio", "Music", "Kitchen", "Home", "Books"], 3),
        "sizes": {"EU shoe": rng.randrange(36, 47), "shirt": rng.choice("SML")},
    }


def make_session(rng: Random, seconds_ago: int) -> tuple[dict[str, Json], list[Json]]:
    """Return a session and its page views, the newest first."""
    session_id = make_token(rng, 16)
    views: list[Json] = []
    at = seconds_ago
    for _ in range(rng.randrange(2, 6)):
        kind, path, title, category = rng.choice(_PAGES)
        seconds = rng.randrange(4, 240)
        path = path.format(f"sku-{rng.randrange(10_000, 100_000)}")
        views.append(
            {"at": instant_at(at), "session_id": session_id, "page_type": kind, "path": path, "title": title,
             "seconds": seconds, "category": category}
        )  # fmt: skip
        at -= seconds
    session = {
        "session_id": session_id,
        "started_at": instant_at(seconds_ago),
        "duration_s": seconds_ago - at,
        "page_views": len(views),
        "referrer": rng.choice((None, "https://search.example/", "https://news.example/")),
        "utm": {"source": "newsletter", "campaign": "herbst-✨"} if rng.random() < 0.3 else None,
        "ip": f"{rng.choice(_NETWORKS)}.{rng.randrange(1, 255)}",
    }
    return session, views[::-1]


def make_search(rng: Random, session: Mapping[str, Json]) -> dict[str, Json]:
    """Make a search of a session."""
    found = {"query": rng.choice(_SEARCHES), "results": rng.randrange(0, 90)}
    return {"at": session["started_at"], **found, "category": None}


def make_campaign(
    rng: Random, seconds_ago: int, first_name: str, opens_share: float = 0.6
) -> dict[str, Json]:
    """Make a mail that was sent, and perhaps opened and clicked."""
    delay = rng.randrange(60, 1_500)
    opened = rng.random() < opens_share
    clicked = opened and rng.random() < 0.3
    return {
        "campaign_id": f"cmp-{rng.randrange(1_000, 10_000)}",
        "subject": rng.choice(_CAMPAIGNS).format(first_name),
        "sent_at": instant_at(seconds_ago),
        "opened_at": instant_at(seconds_ago - delay) if opened else None,
        "clicked_at": instant_at(seconds_ago - delay - 30) if clicked else None,
    }


def make_visit(rng: Random, seconds_ago: int, store: str, department: str | None = None) -> dict[str, Json]:
    """Make a visit of a store: of the department that is given, or of any but footwear."""
    minutes = rng.randrange(2, 50)
    visited = department or _DEPARTMENTS[minutes % len(_DEPARTMENTS)]
    return {"at": instant_at(seconds_ago), "store": store, "department": visited, "minutes": minutes}
