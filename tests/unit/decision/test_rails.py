"""The rails: each rule by its cases, and the laws that hold for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.decision.facts import Facts, counted
from functions.decision.rails import Rails, split
from functions.decision.sentences import sentence
from functions.expressions import Expression, compile_expression
from functions.governance.consent import ConsentRecord
from functions.profiles.outbox import ContactStatus
from functions.profiles.store import Contact
from functions.spec.plan import ActionPlan, Policy
from functions.spec.rails import (
    CONTACT_LOG,
    BudgetRail,
    Calendar,
    CapRail,
    ConsentRail,
    CooldownRail,
    EligibilityRail,
    ExclusionRail,
    ListRail,
    QuietRail,
    Rail,
    RiskRail,
    Rolling,
    Selection,
    SuppressRail,
    Unit,
    ValidityRail,
    Window,
)

NOW: Final = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MESSAGE: Final = Selection(tags=("message",))


def expression(text: str) -> Expression:
    return compile_expression(text)


def an_action(name: str = "offer", *tags: str, **fields: Any) -> ActionPlan:
    plain = ActionPlan(name, tags or ("message",), "offers", None, {}, {}, cost_minor=100)
    return replace(plain, **fields)


def a_contact(
    at: datetime, *tags: str, status: ContactStatus = "sent", counts: bool = True, name: str = "earlier"
) -> Contact:
    return Contact(f"decision-{at.isoformat()}", name, tags or ("message",), "offers", at, status, counts)


@dataclass(frozen=True)
class Case:
    """What the rails say about one action."""

    reasons: tuple[tuple[str, str | None], ...]
    due: datetime | None


def judge(
    *rails: Rail,
    action: ActionPlan | None = None,
    contacts: Sequence[Contact] = (),
    profile: Mapping[str, Any] | None = None,
    at: datetime = NOW,
    expires_at: datetime | None = None,
    outputs: bool = True,
    **facts: Any,
) -> Case:
    action = action or an_action()
    policy = Policy("hash", "EUR", (action,), {}, rails)
    kept = counted(contacts, since=CONTACT_LOG, at=at)
    document = {"event": {}, "profile": profile or {}, "features": {}}
    ruling = Rails(policy, reads_outputs=lambda one: "score" in one.source).judge(
        Facts(at=at, document=document, contacts=kept, **facts), expires_at=expires_at
    )
    reasons = ruling.against(action, outputs=outputs)
    return Case(tuple((one.code, one.rule) for one in reasons), ruling.due(action))


BLOCKED: Final = (("rail.blocked", "rule"),)
UNKNOWN: Final = (("rail.unknown", "rule"),)


def a_cap(at_most: int = 2, window: Window | None = None, selection: Selection = MESSAGE) -> CapRail:
    return CapRail("rule", None, selection, at_most, window or Rolling(WEEK))


def quiet(defer: timedelta | None = None, otherwise: str | None = None, **fields: Any) -> QuietRail:
    rail = QuietRail("rule", None, MESSAGE, 21 * 60, 8 * 60, expression("profile.zone"), otherwise, defer)
    return replace(rail, **fields)


def test_two_of_two_messages_are_enough() -> None:
    contacts = [a_contact(NOW - HOUR), a_contact(NOW - DAY)]
    assert judge(a_cap(), contacts=contacts).reasons == BLOCKED
    assert judge(a_cap(3), contacts=contacts).reasons == ()


@pytest.mark.parametrize(
    ("contact", "counts"),
    [
        (a_contact(NOW - HOUR, status="reserved"), True),
        (a_contact(NOW - HOUR, status="released"), False),
        (a_contact(NOW - HOUR, counts=False), False),
        (a_contact(NOW - HOUR, "other"), False),
        (a_contact(NOW - HOUR, "other", "message"), True),
        (a_contact(NOW - WEEK), False),
        (a_contact(NOW - WEEK + timedelta(milliseconds=1)), True),
        (a_contact(NOW + HOUR), True),
    ],
)
def test_a_cap_counts_what_is_reserved_or_sent_in_its_window(contact: Contact, counts: bool) -> None:
    assert bool(judge(a_cap(1), contacts=[contact]).reasons) is counts


def test_an_action_that_is_not_subject_to_caps_is_spared_them_alone() -> None:
    spared = an_action(subject_to_caps=False)
    contacts = [a_contact(NOW - HOUR, "message", "retention"), a_contact(NOW - HOUR, "seasonal")]
    pressure = (
        a_cap(0),
        SuppressRail("rule", None, MESSAGE, 1, DAY, DAY),
        ExclusionRail("rule", None, ("message", "seasonal"), Rolling(WEEK)),
    )
    assert judge(*pressure, contacts=contacts).reasons == BLOCKED * 3
    assert judge(*pressure, action=spared, contacts=contacts).reasons == ()
    assert judge(quiet(otherwise="Asia/Tokyo", start=0, end=1439), action=spared).reasons == BLOCKED


@pytest.mark.parametrize(
    ("status", "reasons"),
    [
        ("granted", ()), ("denied", BLOCKED), ("revoked", BLOCKED), ("conflict", BLOCKED),
        ("unknown", UNKNOWN), (None, UNKNOWN),
    ],
)  # fmt: skip
def test_a_discount_needs_consent(status: Any, reasons: Any) -> None:
    rail = ConsentRail("rule", None, MESSAGE, "marketing")
    consent = {"marketing": ConsentRecord("marketing", status, NOW - DAY)} if status else {}
    assert judge(rail, consent=consent).reasons == reasons


@pytest.mark.parametrize(
    ("value", "absent_is_never", "reasons"),
    [
        ({}, False, UNKNOWN),
        ({"at": None}, False, UNKNOWN),
        ({}, True, ()),
        ({"at": None}, True, ()),
        ({"at": "yesterday"}, True, UNKNOWN),
        ({"at": float("nan")}, True, UNKNOWN),
        ({"at": True}, True, UNKNOWN),
        ({"at": ["2026-11-01"]}, True, UNKNOWN),
        ({"at": "2026-11-01T09:15:00.001Z"}, True, BLOCKED),
        ({"at": "2026-11-01T09:15:00.000Z"}, True, ()),
        ({"at": "2027-01-01"}, True, BLOCKED),
    ],
)
def test_a_cooldown_after_an_instant_blocks_what_it_can_not_read(
    value: Any, absent_is_never: bool, reasons: Any
) -> None:
    rail = CooldownRail("rule", None, MESSAGE, DAY, expression("profile.at"), absent_is_never)
    assert judge(rail, profile=value).reasons == reasons


def test_a_cooldown_after_an_action_counts_what_counts_towards_no_cap() -> None:
    rail = CooldownRail("rule", None, MESSAGE, DAY, Selection(tags=("call",)), False)
    assert judge(rail, contacts=[a_contact(NOW - HOUR, "call", counts=False)]).reasons == BLOCKED
    assert judge(rail, contacts=[a_contact(NOW - DAY, "call")]).reasons == ()


def test_too_much_too_close_together_suppresses_from_the_last_one_on() -> None:
    rail = SuppressRail("rule", None, MESSAGE, 3, HOUR, DAY)
    burst = [a_contact(NOW - 23 * HOUR - timedelta(minutes=minutes)) for minutes in (0, 20, 40)]
    assert judge(rail, contacts=burst).reasons == BLOCKED
    assert judge(rail, contacts=burst[:2]).reasons == ()
    assert judge(rail, contacts=burst, at=NOW + HOUR).reasons == ()
    spread = [a_contact(NOW - timedelta(minutes=minutes)) for minutes in (0, 30, 60)]
    assert judge(rail, contacts=spread).reasons == ()


@pytest.mark.parametrize(
    ("zone", "otherwise", "reasons"),
    [
        ("Europe/Berlin", None, ()),
        ("Asia/Tokyo", None, ()),
        ("America/Los_Angeles", None, BLOCKED),
        ("Pacific/Kiritimati", None, BLOCKED),
        (None, None, UNKNOWN),
        (None, "Europe/Berlin", ()),
        ("Mars/Olympus", None, UNKNOWN),
        ("Mars/Olympus", "America/Los_Angeles", BLOCKED),
        ("../../etc/passwd", None, UNKNOWN),
        ("/etc/localtime", None, UNKNOWN),
        ("localtime", None, UNKNOWN),
        ("Europe", None, UNKNOWN),
        ("Europe/Berlin\x00", None, UNKNOWN),
        ("E" * 10_000, None, UNKNOWN),
        ("", None, UNKNOWN),
        (5, None, UNKNOWN),
        (["Europe/Berlin"], None, UNKNOWN),
    ],
)
def test_quiet_hours_go_by_the_clock_of_the_customer(zone: Any, otherwise: str | None, reasons: Any) -> None:
    assert judge(quiet(otherwise=otherwise), profile={"zone": zone}).reasons == reasons


NIGHT: Final = datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
"""Eleven at night in Berlin."""

MORNING: Final = datetime(2026, 11, 3, 7, 0, tzinfo=UTC)
BERLIN: Final = {"zone": "Europe/Berlin"}


def test_an_action_waits_for_the_end_of_quiet_hours() -> None:
    assert judge(quiet(12 * HOUR), at=NIGHT, profile=BERLIN) == Case((), MORNING)


@pytest.mark.parametrize(
    ("case", "reasons"),
    [
        ({"rails": [quiet(8 * HOUR)]}, BLOCKED),
        ({"rails": [quiet()]}, BLOCKED),
        ({"rails": [quiet(12 * HOUR)], "action": an_action(defer=False)}, BLOCKED),
        ({"rails": [quiet(12 * HOUR)], "expires_at": MORNING}, BLOCKED),
        (
            {"rails": [quiet(12 * HOUR), replace(quiet(), name="other")]},
            (*BLOCKED, ("rail.blocked", "other")),
        ),
        ({"rails": [quiet(12 * HOUR), a_cap(0)]}, BLOCKED * 2),
        # What would not be allowed in the morning is not reserved in the night.
        (
            {
                "rails": [
                    quiet(12 * HOUR),
                    replace(a_cap(1, Calendar("day", "Europe/Berlin")), name="one-a-day"),
                ],
                "contacts": [a_contact(MORNING)],
            },
            BLOCKED,
        ),
        (
            {"rails": [quiet(12 * HOUR), ValidityRail("today", None, MESSAGE, None, MORNING - HOUR)]},
            BLOCKED,
        ),
    ],
)
def test_an_action_does_not_wait_for_what_does_not_help(case: dict[str, Any], reasons: Any) -> None:
    rails = case.pop("rails")
    assert judge(*rails, at=NIGHT, profile=BERLIN, **case) == Case(reasons, None)


def test_a_zone_that_was_found_at_decision_time_counts_at_the_act() -> None:
    night_there = {"rule": "America/Los_Angeles"}
    assert judge(quiet(), profile=BERLIN, zones=night_there).reasons == BLOCKED


@pytest.mark.parametrize(
    ("lists", "reasons"), [(frozenset(), ()), (frozenset({"stop"}), BLOCKED), (None, UNKNOWN)]
)
def test_a_suppression_list_that_can_not_be_read_blocks(lists: Any, reasons: Any) -> None:
    assert judge(ListRail("rule", None, MESSAGE, "stop"), lists=lists).reasons == reasons


@pytest.mark.parametrize(
    ("value", "reasons"),
    [
        (True, ()), (False, BLOCKED), (None, UNKNOWN), (1, UNKNOWN), ("true", UNKNOWN),
        (float("nan"), UNKNOWN), ([True], UNKNOWN),
    ],
)  # fmt: skip
def test_an_eligibility_passes_for_exactly_true(value: Any, reasons: Any) -> None:
    rail = EligibilityRail("rule", None, MESSAGE, expression("profile.ok"))
    assert judge(rail, profile={"ok": value}).reasons == reasons


def test_an_eligibility_that_is_missing_or_fails_is_unknown_and_names_its_path() -> None:
    rail = EligibilityRail("rule", None, MESSAGE, expression("abs(profile.ok) > `1`"))
    assert judge(rail).reasons == UNKNOWN
    assert judge(rail, profile={"ok": "s3cret"}).reasons == UNKNOWN
    action = an_action()
    ruling = Rails(Policy("h", None, (action,), {}, (rail,))).judge(
        Facts(at=NOW, document={"profile": {"ok": "s3cret"}})
    )
    (why,) = ruling.against(action)
    assert "profile.ok" in why.text
    assert "s3cret" not in why.text


def test_a_rule_sees_the_time_of_the_decision_as_now() -> None:
    rail = EligibilityRail("rule", None, MESSAGE, expression("hours_between(profile.at, now) == `2`"))
    assert judge(rail, profile={"at": (NOW - 2 * HOUR).isoformat()}).reasons == ()


@pytest.mark.parametrize(("at", "passes"), [(-1, False), (0, True), (1, True), (24, False)])
def test_a_period_has_its_start_and_not_its_end(at: int, passes: bool) -> None:
    rail = ValidityRail("rule", None, MESSAGE, NOW, NOW + DAY)
    assert (judge(rail, at=NOW + at * HOUR).reasons == ()) is passes


@pytest.mark.parametrize(
    ("risk", "reasons"),
    [
        (0.5, ()), (0.51, BLOCKED), (None, UNKNOWN), (float("nan"), UNKNOWN), (float("-inf"), UNKNOWN),
        (expression("profile.r"), UNKNOWN),
    ],
)  # fmt: skip
def test_a_risk_over_the_ceiling_is_not_taken(risk: Any, reasons: Any) -> None:
    assert judge(RiskRail("rule", None, MESSAGE, 0.5), action=an_action(risk=risk)).reasons == reasons


def test_a_risk_that_the_model_gives_is_judged_after_the_model() -> None:
    action = an_action(risk=expression("score"))
    rail = RiskRail("rule", None, MESSAGE, 0.5)
    assert judge(rail, action=action, outputs=False).reasons == ()
    assert judge(rail, action=action).reasons == UNKNOWN


def test_only_one_kind_of_a_group_happens_in_a_window() -> None:
    rail = ExclusionRail("rule", None, ("retention", "seasonal"), Rolling(WEEK))
    retention, seasonal = an_action("a", "retention"), an_action("b", "seasonal")
    contacts = [a_contact(NOW - DAY, "retention"), a_contact(NOW - 2 * DAY, "retention")]
    assert judge(rail, action=retention, contacts=contacts).reasons == ()
    assert judge(rail, action=seasonal, contacts=contacts).reasons == BLOCKED
    assert judge(rail, action=an_action("c", "other"), contacts=contacts).reasons == ()
    assert judge(rail, action=seasonal, contacts=[a_contact(NOW - WEEK, "retention")]).reasons == ()


def test_every_rule_that_is_against_an_action_is_told() -> None:
    rails: list[Rail] = [
        replace(a_cap(0), name="a"),
        replace(quiet(), name="b"),
        ListRail("c", None, MESSAGE, "stop"),
    ]
    found = judge(*rails, lists=frozenset({"stop"})).reasons
    assert found == (("rail.blocked", "a"), ("rail.unknown", "b"), ("rail.blocked", "c"))


def test_a_calendar_of_a_zone_that_this_machine_does_not_know_is_unknown() -> None:
    nowhere = Calendar("day", "Mars/Olympus")
    assert judge(a_cap(1, nowhere)).reasons == UNKNOWN
    exclusion = ExclusionRail("rule", None, ("message", "other"), nowhere)
    assert judge(exclusion).reasons == UNKNOWN
    assert judge(BudgetRail("rule", None, MESSAGE, 10, "EUR", nowhere, 1)).reasons == UNKNOWN


def test_an_action_without_a_cost_has_no_place_under_a_budget() -> None:
    rail = BudgetRail("rule", None, MESSAGE, 10, "EUR", Calendar("day", "UTC"), 1)
    assert judge(rail, action=an_action(cost_minor=None)).reasons == UNKNOWN
    assert judge(rail, action=an_action(cost_minor=0)).reasons == ()


@given(limit=st.integers(0, 10**9), shards=st.integers(1, 20))
def test_a_limit_is_split_without_a_rest(limit: int, shards: int) -> None:
    parts = split(limit, shards)
    assert (len(parts), sum(parts)) == (shards, limit)
    assert max(parts) - min(parts) <= 1


ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
instants = st.integers(0, 21 * 24 * 60).map(
    lambda minutes: datetime(2026, 3, 20, tzinfo=UTC) + minutes * HOUR / 60
)
histories = st.lists(
    st.builds(
        a_contact,
        instants,
        st.sampled_from(["message", "call"]),
        status=st.sampled_from(["reserved", "sent", "released"]),
        counts=st.booleans(),
    ),
    max_size=12,
)
units: st.SearchStrategy[Unit] = st.sampled_from(["day", "week", "month"])


def _period(at: datetime, zone: str, unit: Unit) -> tuple[int, ...]:
    local = at.astimezone(ZoneInfo(zone))
    if unit == "day":
        return local.timetuple()[:3]
    return tuple(local.isocalendar())[:2] if unit == "week" else local.timetuple()[:2]


@settings(deadline=None)
@given(history=histories, at=instants, at_most=st.integers(1, 4), zone=st.sampled_from(ZONES), unit=units)
def test_a_calendar_cap_equals_a_count_by_hand(
    history: list[Contact], at: datetime, at_most: int, zone: str, unit: Unit
) -> None:
    by_hand = sum(
        "message" in one.tags
        and one.status != "released"
        and one.counts
        and _period(one.at, zone, unit) == _period(at, zone, unit)
        for one in history
    )
    found = judge(a_cap(at_most, Calendar(unit, zone)), contacts=history, at=at).reasons
    assert found == (() if by_hand < at_most else BLOCKED)


@settings(deadline=None)
@given(history=histories, at=instants, at_most=st.integers(1, 4), hours=st.integers(1, 24 * 21))
def test_a_rolling_cap_equals_a_count_by_hand(
    history: list[Contact], at: datetime, at_most: int, hours: int
) -> None:
    by_hand = sum(
        "message" in one.tags and one.status != "released" and one.counts and at - one.at < hours * HOUR
        for one in history
    )
    found = judge(a_cap(at_most, Rolling(hours * HOUR)), contacts=history, at=at).reasons
    assert found == (() if by_hand < at_most else BLOCKED)


@settings(deadline=None)
@given(
    moments=st.lists(instants, min_size=1, max_size=15), at_most=st.integers(1, 3), days=st.integers(1, 10)
)
def test_a_rolling_cap_lets_no_window_hold_more(moments: list[datetime], at_most: int, days: int) -> None:
    length, taken = days * DAY, list[Contact]()
    for at in sorted(moments):
        if not judge(a_cap(at_most, Rolling(length)), contacts=taken, at=at).reasons:
            taken.append(a_contact(at))
    for one in taken:
        assert sum(one.at - length < other.at <= one.at for other in taken) <= at_most


SELECTIONS = st.sampled_from(
    [MESSAGE, Selection(tags=("call", "message")), Selection(actions=("offer",)), Selection(everything=True)]
)
WINDOWS: st.SearchStrategy[Window] = st.builds(Rolling, st.sampled_from([HOUR, DAY, WEEK])) | st.builds(
    Calendar, units, st.sampled_from([*ZONES, "Mars/Olympus"])
)
READ = st.sampled_from(
    [
        expression(text)
        for text in ("profile.a", "profile.b", "profile.missing", "abs(profile.a) > `1`", "now")
    ]
)
LENGTHS = st.sampled_from([HOUR, DAY, WEEK])


def _named(name: str) -> st.SearchStrategy[Rail]:
    named, nothing = st.just(name), st.none()
    minutes = st.integers(0, 1439)
    return st.one_of(
        st.builds(ConsentRail, named, nothing, SELECTIONS, st.sampled_from(["marketing", "other"])),
        st.builds(CapRail, named, nothing, SELECTIONS, st.integers(0, 3), WINDOWS),
        st.builds(CooldownRail, named, nothing, SELECTIONS, LENGTHS, SELECTIONS | READ, st.booleans()),
        st.builds(SuppressRail, named, nothing, SELECTIONS, st.integers(1, 3), LENGTHS, LENGTHS),
        st.builds(
            QuietRail, named, nothing, SELECTIONS, minutes, minutes, READ, nothing | st.just("UTC"), nothing | LENGTHS
        ),
        st.builds(ExclusionRail, named, nothing, st.just(("message", "call")), WINDOWS),
        st.builds(ListRail, named, nothing, SELECTIONS, st.just("stop")),
        st.builds(EligibilityRail, named, nothing, SELECTIONS, READ),
        st.builds(ValidityRail, named, nothing, SELECTIONS, nothing | instants, nothing | instants),
        st.builds(RiskRail, named, nothing, SELECTIONS, st.floats(0, 1)),
        st.builds(
            BudgetRail, named, nothing, SELECTIONS, st.integers(0, 99), st.just("EUR"),
            st.builds(Calendar, units, st.sampled_from([*ZONES, "Mars/Olympus"])), st.integers(1, 3),
        ),
    )  # fmt: skip


ACTIONS: Final = (
    an_action("offer"),
    an_action("ring", "call", risk=0.4),
    an_action("both", "call", "message", cost_minor=None, defer=False),
    an_action("free", "message", subject_to_caps=False, risk=expression("profile.a")),
)
PROFILES = st.fixed_dictionaries(
    {},
    optional={
        key: st.sampled_from([True, 1, "UTC", "2026-04-01", None, float("nan"), "Asia/Tokyo"]) for key in "ab"
    },
)


@settings(deadline=None, max_examples=300)
@given(
    rails=st.tuples(*(_named(f"rule-{number}") for number in range(4))),
    kept=st.sets(st.integers(0, 3)),
    history=histories,
    at=instants,
    profile=PROFILES,
    lists=st.sampled_from([None, frozenset[str](), frozenset({"stop"})]),
)
def test_another_rule_never_enables_an_action(
    rails: tuple[Rail, ...],
    kept: set[int],
    history: list[Contact],
    at: datetime,
    profile: dict[str, Any],
    lists: frozenset[str] | None,
) -> None:
    fewer = tuple(rail for number, rail in enumerate(rails) if number in kept)
    consent = {"marketing": ConsentRecord("marketing", "granted", NOW - 365 * DAY)}
    facts = Facts(
        at=at,
        document={"event": {}, "profile": profile, "features": {}},
        contacts=counted(history, since=CONTACT_LOG, at=at),
        consent=consent,
        lists=lists,
    )
    less, more = (Rails(Policy("h", "EUR", ACTIONS, {}, some)).judge(facts) for some in (fewer, rails))
    for action in ACTIONS:
        few, many = less.against(action), more.against(action)
        assert not few or many
        # A reason stays, unless the action waited for the end of quiet hours before.
        assert {one.rule for one in few} <= {one.rule for one in many}


@settings(deadline=None)
@given(rail=_named("rule"))
def test_every_rule_is_one_english_sentence(rail: Rail) -> None:
    said = sentence(rail)
    assert said[0].isupper()
    assert said.endswith(".")
    assert "Rail" not in said
    assert "None" not in said
    told = sentence(replace(rail, because="People complain."))
    assert told == f"{said} Because: People complain."
