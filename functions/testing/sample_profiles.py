"""The sample customers of the project, one for every way that the sample functions can end.

python -m functions.testing.sample_profiles > feature_specs/profiles.jsonl
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from functions.documents import Json
from functions.testing.profile_lives import Account, Browsing, Cart, Life, Viewing
from functions.testing.profiles import Buying, compact_json, consent_record, sample_record

_SMALL: Final = 20_000
"""Bytes of those who need no long history."""


def sample_records() -> Iterator[dict[str, Json]]:
    """Make the sample customers, the ones of churn-retention first."""
    yield from _leaving()
    yield from _in_the_store()
    yield from _at_work()
    yield from _watching()
    yield from _at_the_cart()


def sample_lines() -> str:
    """Return the sample customers as JSON lines."""
    return "".join(compact_json(record) + "\n" for record in sample_records())


def _leaving() -> Iterator[dict[str, Json]]:
    # Has not bought for months, and is worth keeping: gets the larger offer.
    yield sample_record("customer-0042", 42, anonymous_id="visitor-7f3a", buying=Buying(3, 196.6, 80.0))
    # Bought last week, as so often: nothing to do.
    yield sample_record(
        "customer-0007", 7, anonymous_id="visitor-51c8", buying=Buying(14, 4.2, 21.0, lines=2)
    )
    # The next three would get an offer, were it not for their consent.
    gone = Buying(2, 231.4)
    withdrawn = consent_record("revoked", "2026-09-30T17:45:00Z", "unsubscribe-link")
    yield sample_record(
        "customer-0013",
        13,
        consent={"marketing": withdrawn},
        anonymous_id="visitor-90d2",
        buying=gone,
        target_bytes=22_000,
    )
    # Nobody has asked this customer yet.
    yield sample_record("customer-0021", 21, consent={}, buying=gone, target_bytes=22_000)
    lapsed = consent_record("granted", "2024-10-01T08:00:00Z", "checkout")
    lapsed["expires_at"] = "2026-10-01T08:00:00Z"
    yield sample_record("customer-0034", 34, consent={"marketing": lapsed}, buying=gone, target_bytes=22_000)
    # Signed up and never bought: the profile has no orders.
    yield sample_record("customer-0055", 55, buying=Buying(0, 0.0), target_bytes=22_000)
    # One small order long ago, in a large profile: gets the smaller offer.
    small = Buying(1, 210.3, cents=(990, 1_990), lines=1)
    yield sample_record("customer-0077", 77, buying=small, target_bytes=60_000)


def _in_the_store() -> Iterator[dict[str, Json]]:
    looked = Life(browsing=Browsing(trips=((0.6, 6), (2.1, 4)), searches=1, store_days=(20.0,)))
    both = {**_given("marketing"), **_given("in-store")}
    # Looked at shoes last night and on Saturday, and is a member of the highest tier: gets the offer.
    yield sample_record(
        "customer-0101",
        101,
        consent=both,
        life=looked,
        tier="gold",
        buying=Buying(4, 41.0),
        target_bytes=_SMALL,
    )
    # Comes for the headphones, and has looked at no shoes.
    elsewhere = Life(browsing=Browsing())
    yield sample_record(
        "customer-0102", 102, consent=both, life=elsewhere, tier="silver", target_bytes=_SMALL
    )


def _at_work() -> Iterator[dict[str, Json]]:
    allowed = _given("product-guidance")
    sinking = Account("enterprise", 150, 0.12, 0.3, 21.0, 2, 0.1)
    # Hardly used any more, and large: the success manager calls.
    yield sample_record("admin-0201", 201, consent=allowed, life=Life(account=sinking), target_bytes=_SMALL)
    slipping = Account("team", 12, 0.25, 0.5, 9.0, 2, 0.3)
    # The same in small: lessons by mail.
    yield sample_record("admin-0202", 202, consent=allowed, life=Life(account=slipping), target_bytes=_SMALL)
    healthy = Account("business", 40, 0.9, 1.1, 0.4, 7, 0.8)
    yield sample_record("admin-0203", 203, consent=allowed, life=Life(account=healthy), target_bytes=_SMALL)


def _watching() -> Iterator[dict[str, Json]]:
    allowed = _given("personalization")
    thrillers = Viewing(films=7, favourites={"thriller": 8.0, "science-fiction": 3.0})
    yield sample_record(
        "viewer-0301",
        301,
        consent=allowed,
        anonymous_id="visitor-c4e1",
        life=Life(viewing=thrillers),
        target_bytes=_SMALL,
    )
    # Has switched suggestions off.
    quiet = Viewing(films=9, favourites={"drama": 4.0}, suggestions=False)
    yield sample_record(
        "viewer-0302",
        302,
        consent=allowed,
        anonymous_id="visitor-d0b7",
        life=Life(viewing=quiet),
        target_bytes=_SMALL,
    )


def _at_the_cart() -> Iterator[dict[str, Json]]:
    lines = (14_900, 39_900)
    # A VIP who comes back for carts now and then.
    vip = Life(cart=Cart(vip=True, lines=3, cents=lines, abandoned=(3, 2)))
    yield sample_record(
        "customer-0401",
        401,
        consent=_given("marketing"),
        life=vip,
        buying=Buying(9, 17.5),
        target_bytes=_SMALL,
    )
    # The same cart, and no VIP.
    other = Life(cart=Cart(vip=False, lines=3, cents=lines, abandoned=(3, 2)))
    yield sample_record(
        "customer-0402",
        402,
        consent=_given("marketing"),
        life=other,
        buying=Buying(5, 30.0),
        target_bytes=_SMALL,
    )


def _given(name: str) -> dict[str, Json]:
    return {name: consent_record("granted", "2026-03-14T08:00:00Z", "preference-center")}


if __name__ == "__main__":
    sys.stdout.buffer.write(sample_lines().encode())
