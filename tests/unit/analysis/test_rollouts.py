"""What is tried against what is in force: counted in pairs, or between two parts of the customers."""

from __future__ import annotations

import pytest

from functions.analysis.rollouts import Paired, Parted, chosen_action, shadow_pairs
from functions.decision.estimators import Sample, difference_of_means, difference_of_rates, wilson
from functions.documents import Json


def _decision(
    function: str, event: str, action: str | None, *, profile: str = "a", held: bool = False
) -> dict[str, Json]:
    reasons: list[Json] = [{"code": "rollout.shadow", "text": "", "rule": None}] if held else []
    candidates: list[Json] = [
        {"action": action, "verdict": "vetoed" if held else "chosen", "reasons": reasons},
        {"action": "do-nothing", "verdict": "chosen" if held else "outranked", "reasons": []},
    ]
    if action is None:
        candidates = [{"action": "do-nothing", "verdict": "chosen", "reasons": []}]
    return {"function": function, "profile_id": profile, "event": {"id": event}, "candidates": candidates}


def test_pairs_are_counted_with_what_they_cost_and_where_they_differ() -> None:
    found = Paired({"call": 500}, {"call": 600, "mail": None})
    found.add("a", "call", "call")
    found.add("a", "call", "mail")
    found.add("b", None, "call")
    found.add("c", None, None)
    found.unknown["shadow.failed"] += 1
    document = found.as_document()
    assert (document["decisions"], document["different"]) == (4, 2)
    assert document["customers_changed"] == wilson(2, 3).as_document()
    assert document["live"]["spend_minor"] == 1000
    assert (document["tried"]["spend_minor"], document["tried"]["unpriced"]) == (1200, 1)
    assert document["tried"]["by_action"] == {
        "call": {"actions": 2, "customers": 2},
        "mail": {"actions": 1, "customers": 1},
    }
    assert document["moves"] == [
        {"from": "call", "to": "mail", "decisions": 1},
        {"from": "do-nothing", "to": "call", "decisions": 1},
    ]
    assert document["unknown"] == {"shadow.failed": 1}


def test_parts_are_compared_by_customers_not_by_decisions() -> None:
    found = Parted({"call": 500}, {"call": 500}, share=0.5)
    for _ in range(5):
        found.live.add("a", "call")
    for customer in "bcd":
        found.live.add(customer, None)
    for customer in "efg":
        found.tried.add(customer, "call")
    found.tried.add("h", None)
    assert found.share_of("call") == difference_of_rates(Sample(4, 3), Sample(4, 1)) == found.reach()
    assert found.volume() == difference_of_means(Sample(4, 3, 3, 3), Sample(4, 1, 5, 25))
    spend = difference_of_means(Sample(4, 3, 1500, 750_000), Sample(4, 1, 2500, 6_250_000))
    assert found.spend() == spend
    assert found.sample_ratio_p == 1.0


def test_a_part_of_another_size_than_was_drawn_is_told() -> None:
    found = Parted({}, {}, share=0.1)
    for number in range(1000):
        (found.tried if number < 200 else found.live).add(str(number), None)
    assert found.sample_ratio_p < 0.001


def test_nothing_is_said_of_an_empty_part() -> None:
    found = Parted({"call": 1}, {}, share=0.1)
    found.live.add("a", "call")
    document = found.as_document()["differences"]
    assert document == {"reach": None, "volume": None, "spend_minor": None, "by_action": {"call": None}}


@pytest.mark.parametrize("turned", [False, True])
def test_decisions_of_two_functions_are_paired_by_event_and_customer(turned: bool) -> None:
    log = [
        _decision("live", "1", "call"),
        _decision("next", "1", "mail", held=True),
        _decision("live", "1", None, profile="b"),
        _decision("next", "1", None, profile="b"),
        _decision("live", "2", "call"),
        _decision("next", "3", "call", held=True),
        _decision("other", "2", "call"),
    ]
    if turned:
        log.reverse()
    assert sorted(shadow_pairs(iter(log), "live", "next")) == [("a", "call", "mail"), ("b", None, None)]


def test_what_was_held_back_in_the_shadow_counts_as_chosen() -> None:
    assert chosen_action(_decision("next", "1", "mail", held=True)) == "mail"
    assert chosen_action(_decision("next", "1", "mail")) == "mail"
    assert chosen_action(_decision("next", "1", None)) is None
