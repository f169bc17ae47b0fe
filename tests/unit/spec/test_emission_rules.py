"""Where a score may go, and that nothing a function emits fires the function itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from functions.spec.loading import SpecFolder

Load = Callable[..., SpecFolder]

ACTIONS = """\
channels:
  offers: { kind: file, path: offers.jsonl }
  bus: { kind: eventbridge, bus: shop, detail_type: offer.made }
  page: { kind: response }
  tealium: { kind: tealium, account: shop, profile: main }
actions:
  offer-20: { channel: CHANNEL, payload: { percent: 20 } }
  call: { channel: offers }
"""


def _load(
    load: Load, spec: str, *, channel: str = "offers", notify: str = "", pattern: str = ""
) -> SpecFolder:
    if notify:
        spec = spec.replace("expires_after: 1d", f"expires_after: 1d, notify: {notify}")
    if pattern:
        spec = spec.replace("    detail-type: [page_view]\n", f"    {pattern}\n")
    return load({"actions.yaml": ACTIONS.replace("CHANNEL", channel), "churn.yaml": spec})


@pytest.mark.parametrize("channel", ["offers", "bus", "tealium"])
def test_score_is_told_to_the_channel_that_is_named(load: Load, spec_text: str, channel: str) -> None:
    loaded = _load(load, spec_text, notify=channel)
    assert loaded.problems == ()
    plan = loaded.plans["churn"]
    assert [one.notify for one in plan.write_back] == [channel]
    assert set(plan.channels) == {"offers", channel}


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        ({"notify": "buss"}, "spec.unknown_channel", "did you mean 'bus'?"),
        ({"notify": "page"}, "spec.channel_mismatch", ""),
        ({"channel": "tealium"}, "spec.channel_mismatch", ""),
    ],
    ids=["unknown", "answer to a page", "action to Tealium"],
)
def test_channel_that_does_not_fit_is_a_problem(
    load: Load, spec_text: str, options: dict[str, str], code: str, hint: str
) -> None:
    (problem,) = _load(load, spec_text, **options).problems
    assert (problem.code, problem.hint) == (code, hint)


@pytest.mark.parametrize(
    ("options", "loops"),
    [
        ({"channel": "bus", "pattern": "source: [functions]"}, True),
        ({"channel": "bus", "pattern": "detail-type: [offer.made]"}, True),
        ({"channel": "bus", "pattern": "detail-type: [{ prefix: offer }]"}, True),
        ({"channel": "bus", "pattern": "detail-type: [action.decided]"}, False),
        ({"channel": "bus", "pattern": "source: [web.shop]"}, False),
        ({"channel": "offers", "pattern": "source: [functions]"}, False),
        ({"notify": "bus", "pattern": "detail-type: [score.updated]"}, True),
        ({"notify": "bus", "pattern": "detail-type: [offer.made]"}, False),
        ({"notify": "tealium", "pattern": "detail-type: [model_prediction_complete]"}, True),
        ({"notify": "tealium", "pattern": "source: [tealium]"}, True),
        ({"notify": "tealium", "pattern": "detail-type: [page_view]"}, False),
    ],
    ids=str,
)
def test_spec_that_is_fired_by_what_it_emits_is_refused(
    load: Load, spec_text: str, options: dict[str, str], loops: bool
) -> None:
    loaded = _load(load, spec_text, **options)
    assert {problem.code for problem in loaded.problems} == ({"spec.own_trigger"} if loops else set())
    assert ("churn" in loaded.plans) is not loops
