"""How fast features are computed, against JMESPath's own ways and against a loop written by hand.

    python benchmarks/expressions.py [--seconds 20]

Every side computes the same features from the same profile in one process. The sides take turns in short
slices, and a slice's time per evaluation is divided by that of `jmespath.compile().search` in the same
round, so that the figures are ratios and drift of the machine cancels out. `rjmespath` and `orjson` take
part when they are installed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jmespath
from jmespath import visitor
from jmespath.parser import Parser

from functions.expressions import compile_features, decoder_for, load_features
from functions.runtime.payload import csv_line

Evaluate = Callable[[Any], Any]

CATEGORIES = [f"category-{number}" for number in range(12)]
EVENTS = [f"event-{number}" for number in range(16)]
NOW = "2026-11-02T09:00:00.000Z"


def profile(kilobytes: int) -> dict[str, Any]:
    """Make a root document with a profile of about that size."""
    orders: list[dict[str, Any]] = []
    sessions: list[dict[str, Any]] = []
    document = {
        "event": {"name": "page_view", "user_id": "u1", "properties": {"page_type": "cancellation"}},
        "profile": {
            "email": "someone@example.com",
            "age": 41,
            "tags": ["vip", "newsletter"],
            "orders": {"count": 0, "revenue": 812.5, "last_at": "2026-10-20T10:00:00Z", "items": orders},
            "web": {"last_seen_at": "2026-11-01T22:10:00Z", "sessions": sessions},
            "scores": {"sentiment": {"value": 0.42}, "churn_risk": {"value": 0.31}},
        },
        "now": NOW,
    }
    number = 0
    while len(json.dumps(document)) < kilobytes * 1024:
        number += 1
        day = f"2026-{1 + number % 10:02}-{1 + number % 28:02}T10:00:00Z"
        orders.append(
            {"id": f"o-{number}", "at": day, "category": CATEGORIES[number % 12], "price": 5.0 + number % 90,
             "quantity": 1 + number % 3, "returned": number % 7 == 0}
        )  # fmt: skip
        sessions.append(
            {"id": f"s-{number}", "at": day, "type": EVENTS[number % 16], "duration": 1.5 * (number % 60)}
        )
    return document


def three() -> dict[str, str]:
    return {
        "frequency": "profile.orders.count",
        "lifetime_value": "profile.orders.revenue",
        "sentiment": "profile.scores.sentiment.value || `0.5`",
    }


def twenty() -> dict[str, str]:
    features = three() | {
        "age": "profile.age",
        "first_tag": "profile.tags[0]",
        "tags": "length(profile.tags)",
        "vip": "contains(profile.tags, 'vip')",
        "churn": "profile.scores.churn_risk.value || `0.5`",
        "orders": "length(profile.orders.items)",
        "spent": "sum(profile.orders.items[].price)",
        "dearest": "max(profile.orders.items[].price)",
        "returned": "length(profile.orders.items[?returned])",
        "expensive": "length(profile.orders.items[?price > `50`])",
        "sessions": "length(profile.web.sessions)",
    }
    for number in range(3):
        features[f"spent_{number}"] = f"sum(profile.orders.items[?category == '{CATEGORIES[number]}'].price)"
        features[f"seen_{number}"] = f"length(profile.web.sessions[?type == '{EVENTS[number]}'])"
    return features


def two_hundred() -> dict[str, str]:
    features = twenty()
    for number, category in enumerate(CATEGORIES):
        items = f"profile.orders.items[?category == '{category}']"
        features[f"c{number}_orders"] = f"length({items})"
        for what in ("sum", "max", "min", "avg"):
            features[f"c{number}_{what}"] = f"{what}({items}.price)"
        features[f"c{number}_quantity"] = f"sum({items}.quantity)"
        features[f"c{number}_returned"] = (
            f"length(profile.orders.items[?category == '{category}' && returned])"
        )
        features[f"c{number}_dear"] = (
            f"length(profile.orders.items[?category == '{category}' && price > `50`])"
        )
    for number, kind in enumerate(EVENTS):
        sessions = f"profile.web.sessions[?type == '{kind}']"
        features[f"e{number}_seen"] = f"length({sessions})"
        for what in ("sum", "max", "avg"):
            features[f"e{number}_{what}"] = f"{what}({sessions}.duration)"
        features[f"e{number}_long"] = f"length(profile.web.sessions[?type == '{kind}' && duration > `30`])"
    for number in range(200 - len(features)):
        features[f"more_{number}"] = f"length(profile.orders.items[?price > `{number * 20}`])"
    return features


def by_hand_three(root: dict[str, Any]) -> dict[str, Any]:
    person = root.get("profile") or {}
    orders = person.get("orders") or {}
    return {
        "frequency": orders.get("count"),
        "lifetime_value": orders.get("revenue"),
        "sentiment": ((person.get("scores") or {}).get("sentiment") or {}).get("value") or 0.5,
    }


def by_hand_twenty(root: dict[str, Any]) -> dict[str, Any]:  # noqa: C901 - as one would write it
    person = root.get("profile") or {}
    tags = person.get("tags") or []
    items = (person.get("orders") or {}).get("items") or []
    sessions = (person.get("web") or {}).get("sessions") or []
    prices: list[float] = []
    returned = expensive = 0
    spent = dict.fromkeys(CATEGORIES[:3], 0.0)
    for item in items:
        price = item.get("price")
        if price is not None:
            prices.append(price)
            if price > 50:
                expensive += 1
            if item.get("category") in spent:
                spent[item["category"]] += price
        if item.get("returned"):
            returned += 1
    seen = dict.fromkeys(EVENTS[:3], 0)
    for session in sessions:
        if session.get("type") in seen:
            seen[session["type"]] += 1
    found = by_hand_three(root) | {
        "age": person.get("age"),
        "first_tag": tags[0] if tags else None,
        "tags": len(tags),
        "vip": "vip" in tags,
        "churn": ((person.get("scores") or {}).get("churn_risk") or {}).get("value") or 0.5,
        "orders": len(items),
        "spent": sum(prices),
        "dearest": max(prices, default=None),
        "returned": returned,
        "expensive": expensive,
        "sessions": len(sessions),
    }
    for number in range(3):
        found[f"spent_{number}"] = spent[CATEGORIES[number]]
        found[f"seen_{number}"] = seen[EVENTS[number]]
    return found


def by_hand_two_hundred(root: dict[str, Any]) -> dict[str, Any]:  # noqa: C901, PLR0912, PLR0915
    found = by_hand_twenty(root)
    person = root.get("profile") or {}
    items = (person.get("orders") or {}).get("items") or []
    sessions = (person.get("web") or {}).get("sessions") or []
    more = [0] * MORE
    prices: dict[str, list[float]] = {category: [] for category in CATEGORIES}
    quantities = dict.fromkeys(CATEGORIES, 0)
    returned = dict.fromkeys(CATEGORIES, 0)
    dear = dict.fromkeys(CATEGORIES, 0)
    for item in items:
        category, price = item.get("category"), item.get("price")
        if category in prices:
            prices[category].append(price)
            quantities[category] += item.get("quantity")
            if item.get("returned"):
                returned[category] += 1
            if price > 50:
                dear[category] += 1
        for number in range(MORE):
            if price > number * 20:
                more[number] += 1
    durations: dict[str, list[float]] = {kind: [] for kind in EVENTS}
    long = dict.fromkeys(EVENTS, 0)
    for session in sessions:
        kind, duration = session.get("type"), session.get("duration")
        if kind in durations:
            durations[kind].append(duration)
            if duration > 30:
                long[kind] += 1
    for number, category in enumerate(CATEGORIES):
        mine = prices[category]
        found[f"c{number}_orders"] = len(mine)
        found[f"c{number}_sum"] = sum(mine)
        found[f"c{number}_max"] = max(mine, default=None)
        found[f"c{number}_min"] = min(mine, default=None)
        found[f"c{number}_avg"] = sum(mine) / len(mine) if mine else None
        found[f"c{number}_quantity"] = quantities[category]
        found[f"c{number}_returned"] = returned[category]
        found[f"c{number}_dear"] = dear[category]
    for number, kind in enumerate(EVENTS):
        times = durations[kind]
        found[f"e{number}_seen"] = len(times)
        found[f"e{number}_sum"] = sum(times)
        found[f"e{number}_max"] = max(times, default=None)
        found[f"e{number}_avg"] = sum(times) / len(times) if times else None
        found[f"e{number}_long"] = long[kind]
    for number in range(MORE):
        found[f"more_{number}"] = more[number]
    return found


MORE = sum(name.startswith("more_") for name in two_hundred())
SPECS: dict[str, tuple[dict[str, str], Evaluate]] = {
    "3": (three(), by_hand_three),
    "20": (twenty(), by_hand_twenty),
    "200": (two_hundred(), by_hand_two_hundred),
}


def shared_interpreter(features: dict[str, str]) -> Evaluate:
    trees = {name: jmespath.compile(text).parsed for name, text in features.items()}
    interpreter = visitor.TreeInterpreter()
    return lambda root: {name: interpreter.visit(tree, root) for name, tree in trees.items()}


def compiled_search(features: dict[str, str]) -> Evaluate:
    parsed = {name: jmespath.compile(text) for name, text in features.items()}
    return lambda root: {name: one.search(root) for name, one in parsed.items()}


def plain_search(features: dict[str, str]) -> Evaluate:
    return lambda root: {name: jmespath.search(text, root) for name, text in features.items()}


def rust_search(features: dict[str, str], root: dict[str, Any]) -> Evaluate | None:
    try:
        module = importlib.import_module("rjmespath")
    except ImportError:
        return None
    together = "{" + ", ".join(f"{name}: {text}" for name, text in features.items()) + "}"
    text = json.dumps(root)  # it takes text only; making that is not counted
    return lambda _: module.search(together, text)


def sides(features: dict[str, str], by_hand: Evaluate, root: dict[str, Any]) -> dict[str, Evaluate]:
    found: dict[str, Evaluate | None] = {
        "jmespath.compile().search": compiled_search(features),
        "jmespath.search": plain_search(features),
        "one shared interpreter": shared_interpreter(features),
        "rjmespath from text, one multiselect": rust_search(features, root),
        "compile_features().evaluate": compile_features(features).evaluate,
        "written by hand": by_hand,
    }
    return {name: side for name, side in found.items() if side is not None}


def interleaved(sides: dict[str, Callable[[], Any]], seconds: float) -> dict[str, list[float]]:
    """Give every side short slices in turn; return seconds per call, one figure per round."""
    calls = {}
    for name, side in sides.items():
        started = time.perf_counter()
        side()
        side()
        calls[name] = max(1, int(0.01 / ((time.perf_counter() - started) / 2 + 1e-9)))
    spent: dict[str, list[float]] = {name: [] for name in sides}
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(next(iter(spent.values()))) < 5:
        for name, side in sides.items():
            count = calls[name]
            started = time.perf_counter()
            for _ in range(count):
                side()
            spent[name].append((time.perf_counter() - started) / count)
    return spent


def report(title: str, spent: dict[str, list[float]], against: str) -> None:
    print(f"\n{title}")
    for name, times in spent.items():
        ratio = statistics.median(base / mine for base, mine in zip(spent[against], times, strict=True))
        print(f"  {name:40} {statistics.median(times) * 1e6:12.1f} µs {ratio:9.2f}x")


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    def near(one: Any, other: Any) -> bool:
        if isinstance(one, float) and isinstance(other, float):
            return abs(one - other) < 1e-6
        return bool(one == other)

    return left.keys() == right.keys() and all(near(left[name], right[name]) for name in left)


def bench_features(seconds: float) -> None:
    for label, (features, by_hand) in SPECS.items():
        for kilobytes in (5, 100):
            root = profile(kilobytes)
            contenders = sides(features, by_hand, root)
            expected = contenders["jmespath.compile().search"](root)
            for name, side in contenders.items():
                assert same(expected, side(root)), name
            spent = interleaved({name: partial(side, root) for name, side in contenders.items()}, seconds)
            report(f"{label} features, {kilobytes} KB", spent, "jmespath.compile().search")
            hand, ours = spent["written by hand"], spent["compile_features().evaluate"]
            ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, hand, strict=True))
            print(f"  {'':40} {'':15} {ratio:9.2f} times the hand-written loop")


def bench_empty(seconds: float) -> None:
    for label, (features, _) in SPECS.items():
        compiled = compile_features(features)
        full, empty = profile(5), {"event": {}, "profile": {}, "now": NOW}
        spent = interleaved(
            {
                "full profile": partial(compiled.evaluate, full),
                "empty profile": partial(compiled.evaluate, empty),
            },
            seconds,
        )
        report(f"{label} features, a missing feature costs no exception", spent, "full profile")


def bench_bytes(seconds: float) -> None:
    """From the stored bytes of a profile to the bytes of a CSV payload, as the product writes it on our side."""
    try:
        loads: Callable[[bytes], Any] = importlib.import_module("orjson").loads
        peer = "orjson + jmespath.compile().search"
    except ImportError:
        loads, peer = json.loads, "json + jmespath.compile().search (orjson is not installed)"
    for label, (features, by_hand) in SPECS.items():
        compiled = compile_features(features)
        for kilobytes in (5, 100):
            stored = json.dumps(profile(kilobytes)["profile"], separators=(",", ":")).encode()
            decode = decoder_for(compiled.lineage, (".profile",), max_bytes=400_000)
            spent = interleaved(
                {
                    peer: _pipeline(loads, compiled_search(features), _joined, stored),
                    "written by hand": _pipeline(loads, by_hand, _joined, stored),
                    "decoder_for + compile_features": _pipeline(decode, compiled.evaluate, _line, stored),
                },
                seconds,
            )
            report(f"bytes in, payload out: {label} features, {kilobytes} KB", spent, peer)


def _pipeline(
    decode: Callable[[bytes], Any],
    evaluate: Evaluate,
    encode: Callable[[dict[str, Any]], bytes],
    stored: bytes,
) -> Callable[[], bytes]:
    return lambda: encode(evaluate({"profile": decode(stored), "now": NOW}))


def _joined(values: dict[str, Any]) -> bytes:
    """Write a line as one would by hand; nulls, quotes and integers among floats are not looked at."""
    return ",".join(map(str, values.values())).encode()


def _line(values: dict[str, Any]) -> bytes:
    """Write a line as the product does."""
    return csv_line(values, missing_token="")


def bench_load(seconds: float) -> None:
    """Loading an artefact against generating the same features."""
    features = two_hundred()
    artifact = compile_features(features).to_artifact()

    def generate() -> None:
        Parser.purge()
        compile_features(features)

    spent = interleaved({"generate": generate, "load": lambda: load_features(artifact)}, seconds)
    report("200 features: an artefact", spent, "generate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="for the whole run, about")
    seconds = parser.parse_args().seconds / 11
    bench_features(seconds)
    bench_empty(seconds / 3)
    bench_bytes(seconds / 2)
    bench_load(seconds / 2)


if __name__ == "__main__":
    main()
