"""What may leave is what the spec declares: canaries in every path of a profile and an event, and where they end.

Each case plants unique canaries, runs a whole decision by a Lambda's worker and a redrive after it, and looks at
every byte that reached the model, the channel, the log, the metrics, the reasons, the decisions, the scores and the
outbox. What may be found where is written by hand below, and not asked of the code under test.

A few thousand cases run by default; `HYPOTHESIS_PROFILE=nightly` runs 100,000.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from functions.governance.consent import ConsentStatus
from tests.hardening.canaries import (
    CANARY,
    CASE,
    GRANTED,
    Case,
    Consent,
    acts,
    allowed,
    passes,
    run,
    within,
)
from tests.hardening.canary_functions import FUNCTIONS, SCORE

CASES = 2_500
# Hypothesis remembers every case of a run, so a night is many runs.
BATCHES = 40 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 1


@pytest.mark.parametrize("batch", range(BATCHES))
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(case=CASE)
def test_no_canary_is_found_that_the_declarations_do_not_account_for(batch: int, case: Case) -> None:
    out, _, made = run(case)
    may = allowed(case)
    for way, written in out.by_way():
        strays = {canary: made.paths[canary] for canary in CANARY.findall(written) if canary in made.paths}
        strays = {canary: path for canary, path in strays.items() if not within(path, may[way])}
        assert strays == {}, way
    if not passes(case.consent, 0):
        assert out.model == ""
    if not acts(case):
        assert json.loads(out.channel) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_declared_does_arrive_so_that_its_absence_would_be_seen(name: str) -> None:
    out, receipt, made = run(replace(GRANTED, name=name))
    assert receipt.outcome == FUNCTIONS[name].outcome
    found = {way: {made.paths[one] for one in CANARY.findall(written)} for way, written in out.by_way()}
    chosen = FUNCTIONS[name]
    assert found["model"] == chosen.model
    assert found["channel"] == chosen.channel - {SCORE}
    assert found["kept"] == chosen.kept - {SCORE}
    assert found["told"] == set()


def test_the_last_score_leaves_only_as_an_output() -> None:
    out, _, made = run(replace(GRANTED, model_down=True))
    assert SCORE in {made.paths[one] for one in CANARY.findall(out.kept)}


def no_consent(consent: Consent | None) -> Case:
    return replace(GRANTED, consent=consent)


@pytest.mark.parametrize(
    "consent",
    [None, Consent("unknown"), Consent("denied"), Consent("revoked"), Consent("conflict"),
     Consent("granted", ends=0.0), Consent("granted", begins=24.0)],
    ids=str,
)  # fmt: skip
def test_without_consent_nothing_is_found_anywhere(consent: Consent | None) -> None:
    for name in FUNCTIONS:
        out, _, _ = run(replace(no_consent(consent), name=name))
        assert [CANARY.findall(written) for _, written in out.by_way()] == [[], [], [], []]


@pytest.mark.parametrize("status", ["denied", "revoked", "unknown", "conflict"])
def test_consent_that_goes_on_the_way_stops_what_has_not_left(status: ConsentStatus) -> None:
    gone = Consent(status, begins=0.0)
    out, _, _ = run(replace(GRANTED, before_commit=gone))
    assert (json.loads(out.channel), CANARY.findall(out.kept)) == ([], [])
    assert out.model
    out, _, _ = run(replace(GRANTED, channel_down=True, before_redrive=gone))
    assert json.loads(out.channel) == []
    out, _, _ = run(replace(GRANTED, channel_down=True))
    assert len(json.loads(out.channel)) == 1


def test_what_is_tried_is_tried_and_its_record_says_so() -> None:
    out, receipt, _ = run(replace(GRANTED, name="policy-canary"))
    assert receipt.action is not None
    assert (receipt.action.name, [one.by for one in receipt.candidates]) == (
        "call",
        ["policy.action_unusable", None, "call"],
    )
    out, receipt, _ = run(replace(GRANTED, name="policy-shadow"))
    assert receipt.action is not None
    [decision] = [one for one in json.loads(out.kept) if isinstance(one, dict) and "shadow" in one]
    assert (receipt.action.name, decision["shadow"]["outcome"]) == ("hush", "acted")
