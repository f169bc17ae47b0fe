"""Made-up profiles are the same everywhere, agree with themselves, and end the sample function as promised."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.documents import Json, parse_json
from functions.endpoint.artefact import load_model
from functions.events.event import Event
from functions.events.patterns import as_envelope
from functions.events.reading import read_events
from functions.governance.consent import parse_consent, verdict_at
from functions.spec.cases import CasesFile
from functions.spec.checking import check_document
from functions.spec.loading import load_function, read_source
from functions.testing.cases import run_case
from functions.testing.profile_lives import GENRES, Account, Browsing, Life
from functions.testing.profiles import (
    MAX_BYTES,
    MIN_BYTES,
    REFERENCE_TIME,
    Buying,
    compact_json,
    generate_profile,
    sample_record,
)
from functions.testing.sample_profiles import sample_lines, sample_records
from functions.times import parse_instant

ROOT = Path(__file__).parents[3]
SPECS, EVENTS = ROOT / "feature_specs", ROOT / "events"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SAMPLES = {record["id"]: record for record in sample_records()}
CASES = check_document(CasesFile, read_source(SPECS / "churn-retention.cases.yaml"))[0]

seeds = st.integers(min_value=0, max_value=2**32)
buyings = st.builds(
    Buying,
    orders=st.integers(0, 30),
    last_order_days=st.floats(0.01, 2_000),
    every_days=st.floats(1, 90),
    lines=st.integers(1, 8),
)


def size(document: Json) -> int:
    return len(compact_json(document).encode())


def leaves(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        for child in value.values():
            yield from leaves(child)
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child)
    else:
        yield value


def features(profile: dict[str, Json]) -> list[float]:
    """Return the row of the churn model, by hand."""
    orders = profile.get("orders")
    if orders is None:
        return [365.0, 0.0, 0.0]
    recency = (REFERENCE_TIME - parse_instant(orders["last_at"])).total_seconds() / 86_400
    return [recency, float(orders["count"]), orders["revenue"]]


def risk(customer: str) -> float:
    model = load_model(ROOT / "models" / "churn-risk" / "model.json")
    return model.score([features(SAMPLES[customer]["profile"])])[0]


def sample_event(name: str) -> Event:
    (only,) = read_events((EVENTS / name).read_bytes(), received_at=REFERENCE_TIME)
    assert (only.envelope, only.position) == ("eventbridge", "detail")
    return only.value()


def test_the_committed_samples_are_what_the_generator_writes() -> None:
    assert (SPECS / "profiles.jsonl").read_bytes() == sample_lines().encode()


def test_the_samples_are_one_strict_json_object_a_line_and_under_400_kb_together() -> None:
    lines = sample_lines().splitlines()
    assert sum(len(line.encode()) + 1 for line in lines) < 400_000
    assert [parse_json(line, max_bytes=100_000)["id"] for line in lines] == list(SAMPLES)
    assert min(len(line.encode()) for line in lines) >= MIN_BYTES


@given(seed=seeds, buying=buyings)
@settings(max_examples=40, deadline=None)
def test_the_figures_of_a_profile_agree_with_one_another(seed: int, buying: Buying) -> None:
    profile = generate_profile(seed, target_bytes=MIN_BYTES, buying=buying)
    campaigns = profile["email"]["campaigns"]
    assert profile["email"]["opens"] == sum(one["opened_at"] is not None for one in campaigns)
    assert profile["email"]["clicks"] == sum(one["clicked_at"] is not None for one in campaigns)
    assert sum(one["page_views"] for one in profile["web"]["sessions"]) == len(profile["web"]["page_views"])
    assert profile["loyalty"]["points"] == sum(one["points"] for one in profile["loyalty"]["history"])
    if buying.orders == 0:
        assert "orders" not in profile
        return
    orders = profile["orders"]
    items = orders["items"]
    assert orders["count"] == len(items) == buying.orders
    assert orders["revenue"] == round(math.fsum(item["total"] for item in items), 2)
    assert orders["revenue"] == profile["attributes"]["Lifetime Order Value"]
    assert (orders["first_at"], orders["last_at"]) == (items[0]["at"], items[-1]["at"])
    assert items == sorted(items, key=lambda item: str(item["at"]))
    for item in items:
        lines = math.fsum(line["price"] * line["quantity"] for line in item["lines"])
        assert item["total"] == round(lines, 2)


@given(seed=seeds, buying=buyings)
@settings(max_examples=40, deadline=None)
def test_every_instant_of_a_profile_is_past(seed: int, buying: Buying) -> None:
    profile = generate_profile(seed, buying=buying)
    instants = [leaf for leaf in leaves(profile) if isinstance(leaf, str) and INSTANT.fullmatch(leaf)]
    assert len(instants) > 50
    assert max(map(parse_instant, instants)) < REFERENCE_TIME
    assert parse_instant(profile["attributes"]["First Visit (ms)"]) < REFERENCE_TIME


@given(seed=seeds, target=st.integers(MIN_BYTES, 100_000))
@example(seed=120_884, target=20_000)  # ends within five bytes of its target
@settings(max_examples=30, deadline=None)
def test_a_profile_has_its_target_size_and_at_most_2000_bytes_more(seed: int, target: int) -> None:
    assert target <= size(generate_profile(seed, target_bytes=target)) <= target + 2_000


def test_the_largest_profile_is_about_an_item_of_400_kb() -> None:
    assert MAX_BYTES <= size(generate_profile(3, target_bytes=MAX_BYTES)) <= MAX_BYTES + 2_000


@pytest.mark.parametrize("target", [0, MIN_BYTES - 1, MAX_BYTES + 1])
def test_a_size_out_of_bounds_is_refused(target: int) -> None:
    with pytest.raises(ValueError, match="target_bytes must be 20,000 to 400,000"):
        generate_profile(1, target_bytes=target)


def test_a_life_changes_behaviour_and_nothing_of_who_somebody_is_and_bought() -> None:
    life = Life(
        Browsing(trips=((1.0, 3),), searches=1, store_days=(2.0,)), Account(seats=7, active_share=0.5)
    )
    drawn, given = generate_profile(5), generate_profile(5, life=life)
    assert (drawn["identity"], drawn["orders"]) == (given["identity"], given["orders"])
    shoes = [view for view in given["web"]["page_views"] if view["category"] == "Footwear"]
    assert len(shoes) == 3
    assert [one["query"] for one in given["web"]["searches"] if one["category"] == "Footwear"]
    assert [one["at"] for one in given["location"]["visits"] if one["department"] == "footwear"] == [
        "2026-10-31T09:15:00.000Z"
    ]
    assert (given["account"]["seats"], given["account"]["active_users_28d"]) == (7, 4)


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_what_a_life_adds_agrees_with_itself(seed: int) -> None:
    profile = generate_profile(seed)
    for records, instant in (("page_views", "at"), ("searches", "at"), ("sessions", "started_at")):
        found = [record[instant] for record in profile["web"][records]]
        assert found == sorted(found)
    seen = [film["title_id"] for film in profile["viewing"]["history"]]
    assert len(seen) == len(set(seen))
    assert {film["genre"] for film in profile["viewing"]["history"]} <= set(GENRES)
    assert profile["account"]["active_users_28d"] <= profile["account"]["seats"]
    assert 1 <= len(profile["shopping"]["cart"]["items"]) <= 4
    vip = profile["shopping"]["vip"]
    assert vip["member"] is (vip["personal_shopper"] is not None)


def test_one_seed_gives_one_profile_and_another_seed_another() -> None:
    assert compact_json(generate_profile(5)) == compact_json(generate_profile(5))
    assert compact_json(generate_profile(5)) != compact_json(generate_profile(6))


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_a_profile_survives_strict_json_with_its_large_numbers_nulls_and_unicode(seed: int) -> None:
    profile = generate_profile(seed)
    assert json.loads(compact_json(profile)) == profile
    mpid = profile["identity"]["mpid"]
    assert 2**53 < mpid < 2**63
    assert int(float(mpid)) != mpid
    assert None in list(leaves(profile))
    assert not compact_json(profile).isascii()


def test_identifiers_stand_in_many_places_also_in_free_text() -> None:
    profile = SAMPLES["customer-0042"]["profile"]
    identity = profile["identity"]
    text = profile["support"]["tickets"][0]["messages"][0]["text"]
    for part in ("full_name", "phone", "email"):
        assert identity[part] in text
    assert identity["payment"]["iban"] == "DE89370400440532013000"
    assert identity["email"].endswith("@mail.example.com")
    assert profile["health"]["allergies"]


def test_what_is_not_given_is_made_up() -> None:
    record = sample_record("customer-9999", 9)
    assert (record["id"], record["profile"]["identity"]["customer_id"]) == ("customer-9999", "customer-9999")
    assert record["consent"]["marketing"]["status"] == "granted"
    assert generate_profile(9)["identity"]["customer_id"] == "customer-0009"


def test_every_feature_of_the_sample_who_leaves_calls_for_the_larger_offer() -> None:
    profile = SAMPLES["customer-0042"]["profile"]
    assert 24_000 <= size(profile) <= 26_000
    assert features(profile) == pytest.approx([196.6, 3.0, 398.47], abs=1e-6)
    assert risk("customer-0042") == pytest.approx(0.743249, abs=1e-6)


@pytest.mark.parametrize(
    ("customer", "leaves_likely", "worth_keeping"),
    [
        ("customer-0007", False, True),
        ("customer-0013", True, True),
        ("customer-0021", True, True),
        ("customer-0034", True, True),
        ("customer-0055", True, False),
        ("customer-0077", True, False),
    ],
)
def test_the_other_samples_score_far_from_the_threshold(
    customer: str, leaves_likely: bool, worth_keeping: bool
) -> None:
    assert abs(risk(customer) - 0.6) > 0.1
    assert (risk(customer) >= 0.6) is leaves_likely
    assert (features(SAMPLES[customer]["profile"])[2] >= 100) is worth_keeping


@pytest.mark.parametrize(
    ("customer", "verdict"),
    [
        ("customer-0042", "granted"),
        ("customer-0007", "granted"),
        ("customer-0013", "revoked"),
        ("customer-0021", "unknown"),
        ("customer-0034", "expired"),
        ("customer-0055", "granted"),
        ("customer-0077", "granted"),
    ],
)
def test_the_samples_cover_what_consent_can_say(customer: str, verdict: str) -> None:
    records = parse_consent(SAMPLES[customer]["consent"], default_at=REFERENCE_TIME)
    assert verdict_at(records.get("marketing"), REFERENCE_TIME) == verdict


@pytest.mark.parametrize(
    ("name", "customer"),
    [
        ("cancellation-page.json", "customer-0042"),
        ("page-view-loyal-customer.json", "customer-0007"),
        ("page-view-consent-withdrawn.json", "customer-0013"),
    ],
)
def test_a_sample_event_fires_the_function_for_a_sample_customer(name: str, customer: str) -> None:
    event = sample_event(name)
    profile = SAMPLES[customer]["profile"]
    assert (event.user_id, event.name, event.time) == (customer, "page_view", REFERENCE_TIME)
    assert event.anonymous_id in profile["identity"]["anonymous_ids"]
    assert event.context["timezone"] == profile["timezone"]
    assert event.context["locale"] == profile["preferences"]["locale"]
    assert event.consent is None
    assert load_function(SPECS, "churn-retention").pattern.matches(as_envelope(event))


@pytest.mark.parametrize("position", range(len(CASES.cases) if CASES else 0))
def test_every_case_beside_the_spec_passes(position: int) -> None:
    assert CASES is not None
    result = run_case(load_function(SPECS, "churn-retention"), CASES.cases[position], folder=SPECS)
    assert result.differences == ()


def test_the_cases_reach_every_outcome_that_one_event_alone_can_have() -> None:
    assert CASES is not None
    assert {case.expect.outcome for case in CASES.cases} == {"acted", "no_action", "suppressed", "rejected"}
    assert {case.expect.action for case in CASES.cases} == {"retention-offer-20", "retention-offer-10", None}
    rungs = {case.expect.rung for case in CASES.cases if case.expect.rung}
    assert rungs == {"model", "cache", "fallback", "none"}
