"""What each model is asked, what it sees, and the formula that decides in the simulation.

The formulas are ours, made up, and say nothing about people. Each has a part that the model can't see, so
that no model can be right about everybody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

Values = Mapping[str, Any]
Truth = Callable[[Values, str], float]
"""Features and output to log-odds."""


@dataclass(frozen=True)
class Input:
    """One feature of a model; its value is the spec's own."""

    name: str
    unit: str
    meaning: str
    transform: str


@dataclass(frozen=True)
class Study:
    """One model.

    Attributes:
        name: Of the model and its folder.
        spec: The function whose features it reads.
        question: What it answers.
        label: What was simulated.
        inputs: In the order of a row.
        outputs: Name to meaning; a model with several is of kind `logistic-outputs`, and each person of the
            simulation was given one of them at random.
        truth: The formula of the simulation.
        formula: The same, for the card.
        hidden: Standard deviation of what decides too and is in no feature.
        event: Makes the properties of the event from a profile.
        stands_in_for: The URL of the service it stands in for; None for a SageMaker endpoint.
    """

    name: str
    spec: str
    question: str
    label: str
    inputs: tuple[Input, ...]
    outputs: Mapping[str, str]
    truth: Truth
    formula: str
    hidden: float
    event: Callable[[Mapping[str, Any], Random], dict[str, Any]]
    stands_in_for: str | None = None


def _footwear(values: Values, _: str) -> float:
    return (
        -2.6
        + 1.1 * math.log1p(values["views_14d"])
        + 0.4 * math.log1p(values["minutes_14d"])
        + 0.9 * math.log1p(values["searches_30d"])
        - 0.02 * values["days_since_view"]
        + 0.5 * math.log1p(values["store_visits_90d"])
    )


def _account(values: Values, _: str) -> float:
    return (
        3.0
        - 3.2 * values["active_share"]
        - 1.6 * values["usage_trend"]
        + 0.05 * values["days_since_login"]
        - 0.25 * values["tools_used"]
        - 0.8 * values["mails_opened_share"]
        + 0.3 * math.log1p(values["tickets_90d"])
    )


def _cart(values: Values, note: str) -> float:
    own = {
        "reminder": 0.02 * values["carts_left_90d"],
        "free-shipping": 0.9 - 0.25 * math.log1p(values["cart_value"]) + 0.3 * values["carts_left_90d"],
        "personal-shopper": -2.9 + 0.55 * math.log1p(values["cart_value"]),
    }
    return (
        -1.6
        + own[note]
        + 0.35 * math.log1p(values["orders"])
        - 0.004 * values["days_since_order"]
        + 0.45 * values["carts_recovered_90d"]
        - 0.25 * values["carts_left_90d"]
    )


def _department(profile: Mapping[str, Any], _: Random) -> dict[str, Any]:
    return {"department": "footwear", "store_id": profile["location"]["home_store"]["id"]}


def _report(_: Mapping[str, Any], __: Random) -> dict[str, Any]:
    return {"period": "week"}


def _left_cart(profile: Mapping[str, Any], _: Random) -> dict[str, Any]:
    items = profile["shopping"]["cart"]["items"]
    products = [{"price": item["price"], "quantity": item["quantity"]} for item in items]
    return {"value": round(math.fsum(item["price"] for item in items), 2), "products": products}


STUDIES = (
    Study(
        name="footwear-intent",
        spec="footwear-offer",
        question="How likely is it that this customer, who has just entered the footwear department, buys shoes today?",
        label="buys shoes in the store on the day",
        inputs=(
            Input("views_14d", "pages", "shoe pages seen in 14 days", "log1p"),
            Input("minutes_14d", "minutes", "time on them", "log1p"),
            Input("searches_30d", "searches", "searches for shoes in 30 days", "log1p"),
            Input("days_since_view", "days", "since the last shoe page, 60 at the most", "identity"),
            Input("store_visits_90d", "visits", "visits of the department in 90 days", "log1p"),
        ),
        outputs={"purchase_intent": "probability of buying shoes in the store on the day"},
        truth=_footwear,
        formula="-2.6 + 1.1 log1p(views) + 0.4 log1p(minutes) + 0.9 log1p(searches) - 0.02 days + 0.5 log1p(visits)",
        hidden=0.8,
        event=_department,
    ),
    Study(
        name="account-risk",
        spec="saas-account-health",
        question="How likely is it that this account cancels or shrinks within 90 days?",
        label="cancels or shrinks within 90 days",
        inputs=(
            Input("active_share", "share", "paid seats in use", "identity"),
            Input("usage_trend", "ratio", "sessions of four weeks over those of the four before", "identity"),
            Input("days_since_login", "days", "since the last login, 90 at the most", "identity"),
            Input("tools_used", "parts", "parts of the product in use", "identity"),
            Input("mails_opened_share", "share", "mails of 60 days that were opened", "identity"),
            Input("tickets_90d", "tickets", "support tickets of 90 days", "log1p"),
        ),
        outputs={"account_risk": "probability that the account cancels or shrinks within 90 days"},
        truth=_account,
        formula="3 - 3.2 active - 1.6 trend + 0.05 days - 0.25 tools - 0.8 opened + 0.3 log1p(tickets)",
        hidden=0.7,
        event=_report,
    ),
    Study(
        name="cart-recovery",
        spec="vip-cart-abandonment",
        question="How likely is it that a cart is bought after all when its owner gets this note?",
        label="buys the cart within two days of the note",
        inputs=(
            Input("cart_value", "US dollars", "value of the cart", "log1p"),
            Input("cart_lines", "lines", "lines in the cart", "identity"),
            Input("orders", "orders", "orders so far", "log1p"),
            Input("days_since_order", "days", "since the last order, 400 at the most", "identity"),
            Input("carts_left_90d", "carts", "carts left in 90 days", "identity"),
            Input("carts_recovered_90d", "carts", "of these, bought after all", "identity"),
        ),
        outputs={
            "reminder": "probability of buying after a plain reminder",
            "free-shipping": "probability of buying after an offer of free shipping",
            "personal-shopper": "probability of buying after a note from the personal shopper",
        },
        truth=_cart,
        formula="""-1.6 + own + 0.35 log1p(orders) - 0.004 days + 0.45 recovered - 0.25 left
    own: reminder          0.02 left
         free-shipping     0.9 - 0.25 log1p(value) + 0.3 left
         personal-shopper  -2.9 + 0.55 log1p(value)""",
        hidden=0.6,
        event=_left_cart,
        stands_in_for="https://recovery.shop.example/v1/score",
    ),
)
