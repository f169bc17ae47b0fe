"""What the rails cost: ten rules for one action, and the choice among ten actions.

    python benchmarks/rails.py [--rounds 2000]

One round asks the rules about a customer with 20 contacts, from fresh facts, as every decision does. "ready" is what
a process does once for each plan. Figures are medians of CPU time on one core; the machine drifts, so look at the
ratio to the first row, which evaluates one JMESPath expression. The goals are 10 µs for ten rules and
each action, whether it comes alone or with others, and 500 µs for the choice among ten actions.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from functions.decision.choosing import choose
from functions.decision.facts import Facts, counted
from functions.decision.rails import Rails, Ruling
from functions.documents import Json
from functions.expressions import compile_expression
from functions.governance.consent import ConsentRecord
from functions.profiles.store import Contact
from functions.spec.plan import Plan, Policy
from functions.spec.rails import CONTACT_LOG
from functions.testing.sample_function import REGISTRY, a_plan

NOW = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
RULES: tuple[Mapping[str, Json], ...] = (
    {"forbid": "discount", "unless_consent": "marketing"},
    {"cap": "discount", "at_most": 25, "per": "7d rolling"},
    {"cap": "message", "at_most": 25, "per": "day", "timezone": "Europe/Berlin"},
    {"forbid": "discount", "after_action": "call", "for": "14d"},
    {"forbid": "discount", "after": "profile.complaint", "absent": "never", "for": "30d"},
    {"suppress": "message", "after": 30, "within": "1d", "for": "2d"},
    {"forbid": "message", "between": ["21:00", "08:00"], "timezone": "profile.zone"},
    {"only_one_of": ["discount", "gift"], "per": "14d rolling"},
    {"forbid": "all", "listed": "stop"},
    {"forbid": "discount", "unless": "profile.orders >= `1`"},
)
PROFILE = {"zone": "Europe/Berlin", "orders": 5, "complaint": None}
CONTACTS = tuple(
    Contact(f"d{n}", "offer", ("message", "discount"), "offers", NOW - timedelta(hours=30 * n + 1), "sent")
    for n in range(20)
)


GOALS_US: Mapping[str, float] = {
    "ten rules, one action, facts included": 10,
    "ten rules, ten actions, facts included": 100,
    "choice among ten actions, ten rules": 500,
}
"""What a row should cost at the most, where it has a goal."""


def plan_of(actions: int) -> Plan:
    offers: dict[str, Json] = {
        f"offer-{n}": {"tags": ["discount", "message"], "channel": "offers"} for n in range(actions)
    }
    others: dict[str, Json] = {kind: {"tags": [kind], "channel": "offers"} for kind in ("call", "gift")}
    registry: dict[str, Json] = {"channels": REGISTRY["channels"], "actions": offers | others}
    rails = [{"name": f"rule-{number}", **rule} for number, rule in enumerate(RULES)]
    decide = {"actions": [f"offer-{n}" for n in range(actions)]}
    return a_plan(registry, rails=rails, decide=decide)


def ruling(rails: Rails, contacts: Sequence[Contact] = CONTACTS) -> Ruling:
    facts = Facts(
        at=NOW,
        document={"profile": PROFILE, "event": {}, "features": {}},
        contacts=counted(contacts, since=CONTACT_LOG, at=NOW),
        consent={"marketing": ConsentRecord("marketing", "granted", NOW - timedelta(days=1))},
    )
    return rails.judge(facts)


def median_us(call: Callable[[], object], rounds: int) -> float:
    """Return the median CPU time of a call in microseconds."""
    times = []
    for _ in range(rounds):
        start = time.process_time_ns()
        call()
        times.append((time.process_time_ns() - start) / 1_000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2_000)
    rounds = parser.parse_args().rounds
    one, ten = plan_of(1), plan_of(10)
    few, many = Rails(one.policy), Rails(ten.policy)
    empty = Rails(Policy("none", None, ten.actions, {}))
    (action,) = one.actions
    assert ruling(few).against(action) == ()
    document = {"profile": PROFILE, "event": {}, "features": {}}
    expression = compile_expression("profile.orders >= `1`")
    rows = {
        "one expression": lambda: expression.evaluate(document),
        "facts of a customer with 20 contacts": lambda: ruling(few),
        "ten rules, one action, no contacts yet": lambda: ruling(few, ()).against(action),
        "ten rules, one action, facts included": lambda: ruling(few).against(action),
        "ten rules, ten actions, facts included": lambda: [
            asked.against(a) for asked in (ruling(many),) for a in ten.actions
        ],
        "choice among ten actions, no rules": lambda: choose(ten, document, ruling(empty).against),
        "choice among ten actions, ten rules": lambda: choose(ten, document, ruling(many).against),
        "ten rules made ready": lambda: Rails(ten.policy),
    }
    first = 0.0
    print(f"{'':40} {'µs':>8}  {'ratio':>6}  {'goal':>6}")
    for name, call in rows.items():
        found = median_us(call, rounds)
        first = first or found
        goal = f"{GOALS_US[name]:6.0f}" if name in GOALS_US else ""
        missed = "  missed" if found > GOALS_US.get(name, found) else ""
        print(f"{name:40} {found:8.1f}  {found / first:6.1f}  {goal}{missed}".rstrip())


if __name__ == "__main__":
    main()
