"""Which paths an expression may read."""

import pytest

from functions.expressions import compile_expression


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("profile.orders.last_at", ("profile.orders.last_at",)),
        ("days_since(profile.orders.last_at)", ("now", "profile.orders.last_at")),
        ("hours_since(profile.at)", ("now", "profile.at")),
        ("minutes_since(profile.at)", ("now", "profile.at")),
        ("hours_between(profile.at, profile.to)", ("profile.at", "profile.to")),
        ("profile.orders.items[].price", ("profile.orders.items[].price",)),
        ("profile.orders.items[?qty > `1`].price", ("profile.orders.items[].price", "profile.orders.items[].qty")),
        ("sum(profile.orders.items[*].price)", ("profile.orders.items[].price",)),
        ("profile.web.*.hits", ("profile.web.*.hits",)),
        ("length(profile.orders.items)", ("profile.orders.items",)),
        ("profile.a || profile.b", ("profile.a", "profile.b")),
        ("profile.{x: a, y: b} | x", ("profile.a",)),
        ("profile.[a, b][0]", ("profile.a", "profile.b")),
        ("profile", ("profile",)),
        ("@", ("*",)),
        ("`1`", ()),
        ('profile."a b"', ('profile."a b"',)),
        ("sort_by(profile.items, &price)[-1].name", ("profile.items[].name", "profile.items[].price")),
        ("map(&price, profile.items)", ("profile.items[].price",)),
        ("max_by(profile.items, &price).name", ("profile.items[].name", "profile.items[].price")),
        ("merge(profile.a, profile.b).x", ("profile.a.x", "profile.b")),
        ("count_within(profile.items, 'at', '7d')", ("now", "profile.items[].at")),
        ("sum_within(profile.items, 'at', 'n', '7d')", ("now", "profile.items[].at", "profile.items[].n")),
        ("sum_within(profile.items, profile.f, 'n', '7d')", ("now", "profile.f", "profile.items")),
        ("values(profile.web)[].hits", ("profile.web.*.hits", "profile.web.*[].hits")),
        ("if_else(profile.a, profile.b, profile.c)", ("profile.a", "profile.b", "profile.c")),
        ("profile.a == `null`", ("profile.a",)),
        ("profile.items[0].price", ("profile.items[].price",)),
        ("profile.items[1:3].price", ("profile.items[].price",)),
        ("profile.[a, b].nothing", ("profile",)),
    ],
)  # fmt: skip
def test_an_expression_reads(text: str, reads: tuple[str, ...]) -> None:
    assert compile_expression(text).reads == reads
