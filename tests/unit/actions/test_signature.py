"""Signatures by the Standard Webhooks specification."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.actions.signature import sign, signing_keys, verify_signature

# The vector that the specification's own libraries test.
# Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests/test_webhooks.py
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

NOW = datetime.fromtimestamp(TIMESTAMP, UTC)
HEADERS = {"webhook-id": MESSAGE_ID, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": SIGNATURE}
OTHER_SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def verify(
    headers: dict[str, str] = HEADERS, body: bytes = BODY, secret: str = SECRET, now: datetime = NOW
) -> bool:
    return verify_signature(headers, body, secret, now=now)


def test_signature_is_that_of_the_specification() -> None:
    assert sign(MESSAGE_ID, TIMESTAMP, BODY, signing_keys(SECRET)) == SIGNATURE


def test_good_signature_passes_whatever_the_case_of_the_headers() -> None:
    assert verify()
    assert verify({name.title(): value for name, value in HEADERS.items()})


@pytest.mark.parametrize("missing", list(HEADERS))
def test_missing_header_fails(missing: str) -> None:
    assert not verify({name: value for name, value in HEADERS.items() if name != missing})


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": str(TIMESTAMP + 1)},
        {"webhook-timestamp": "hello"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "٣"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": SIGNATURE.replace("v1,", "v2,")},
        {"webhook-signature": SIGNATURE.replace("g0", "g1")},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": ""},
    ],
)
def test_changed_header_fails(changed: dict[str, str]) -> None:
    assert not verify({**HEADERS, **changed})


def test_changed_body_or_other_secret_fails() -> None:
    assert not verify(body=BODY + b" ")
    assert not verify(secret=OTHER_SECRET)


@pytest.mark.parametrize("apart", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_old_and_future_timestamps_fail(apart: timedelta) -> None:
    assert not verify(now=NOW + apart)
    assert verify(now=NOW + apart * 0.9)


def test_one_good_signature_among_several_passes() -> None:
    assert verify({**HEADERS, "webhook-signature": f"v1,AAAA v1a,BBBB {SIGNATURE}"})


def test_secrets_are_rotated_by_signing_with_both() -> None:
    both = sign(MESSAGE_ID, TIMESTAMP, BODY, signing_keys(f"{OTHER_SECRET} {SECRET}"))
    for secret in (SECRET, OTHER_SECRET):
        assert verify({**HEADERS, "webhook-signature": both}, secret=secret)


def test_text_is_a_key_as_it_is() -> None:
    assert signing_keys("a-secret-of-24-letters-or-more") == (b"a-secret-of-24-letters-or-more",)


@pytest.mark.parametrize(
    "secret", ["", "   ", "planted-short", "whsec_", "whsec_cGxhbnRlZA==", "whsec_planted!"]
)
def test_secret_that_is_weak_or_broken_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError) as caught:
        signing_keys(secret)
    assert "planted" not in str(caught.value)


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=10_000_000_000))
def test_what_is_signed_is_verified_and_nothing_else(body: bytes, timestamp: int) -> None:
    headers = {
        "webhook-id": "decision-1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign("decision-1", timestamp, body, signing_keys(SECRET)),
    }
    now = datetime.fromtimestamp(timestamp, UTC)
    assert verify(headers, body, now=now)
    assert not verify(headers, body + b"x", now=now)
