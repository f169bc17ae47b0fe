"""What DynamoDB and botocore refuse becomes an error of ours: by one table, complete, and without values."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from random import SystemRandom
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from functions.errors import (
    ProfileStoreError,
    StoreContendedError,
    StoreDeniedError,
    StoreRejectedError,
    StoreThrottledError,
    StoreUnavailableError,
)
from functions.outbound.aws_failures import COMMON_CODES, CREDENTIAL_CODES
from functions.profiles.dynamodb import DynamoProfileStore
from functions.profiles.dynamodb_calls import Surroundings
from functions.profiles.dynamodb_errors import (
    CANCELLED,
    CODE_ERRORS,
    CONDITION_FAILED,
    REASON_ERRORS,
    from_code,
    from_reasons,
)
from functions.profiles.store import CommitRequest
from functions.testing.store_checks.samples import NOW, a_consent, a_decision, a_score, scores_alone

SECRET = "zoe@example.com"

OPERATIONS = (
    "BatchGetItem",
    "BatchWriteItem",
    "GetItem",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
)


class Ticking:
    """A clock and a sleep that belong together, and no waiting."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses_s: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.pauses_s.append(seconds)
        self.now_s += seconds


class FakeClient:
    """Answers every operation with the next outcome, the last one for ever."""

    def __init__(self, *outcomes: object) -> None:
        self._outcomes = list(outcomes)
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., object]:
        def call(**_: object) -> object:
            self.calls.append(operation)
            outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return call


def refusal(code: str, status: int = 400, **more: object) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": f"about {SECRET}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "TransactWriteItems")


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code, "Message": SECRET} for code in codes]
    return refusal(CANCELLED, CancellationReasons=reasons)


def open_with(*outcomes: object, clock: Ticking | None = None) -> tuple[DynamoProfileStore, FakeClient]:
    clock, client = clock or Ticking(), FakeClient(*outcomes)
    around = Surroundings(1.0, clock.monotonic, clock.sleep, lambda: 1.0)
    return DynamoProfileStore("profiles-1", client=client, around=around), client


def failure(call: Callable[[], object]) -> ProfileStoreError:
    with pytest.raises(ProfileStoreError) as caught:
        call()
    text = f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    assert SECRET not in text
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


def test_every_error_of_the_operations_in_use_is_mapped() -> None:
    service = botocore.session.Session().get_service_model("dynamodb")
    codes = {
        shape.metadata.get("error", {}).get("code", shape.name)
        for operation in OPERATIONS
        for shape in service.operation_model(operation).error_shapes
    }
    assert len(codes) >= 10
    assert codes - {CONDITION_FAILED, CANCELLED} <= set(CODE_ERRORS)


def test_credential_codes_say_so_and_those_of_credentials_that_ran_out_pass() -> None:
    ran_out = {code for code in CREDENTIAL_CODES if COMMON_CODES[code] == "expired"}
    assert {CODE_ERRORS[code] for code in ran_out} == {StoreUnavailableError}
    assert {CODE_ERRORS[code] for code in CREDENTIAL_CODES - ran_out} == {StoreDeniedError}
    assert {"credentials" in str(from_code(code, 400, "t").hint) for code in CREDENTIAL_CODES} == {True}


@pytest.mark.parametrize(
    ("outcome", "kind", "text", "hint"),
    [
        (
            refusal("ResourceNotFoundException"),
            StoreDeniedError,
            "profiles-1",
            "There is no table profiles-1",
        ),
        (refusal("AccessDeniedException"), StoreDeniedError, "AccessDeniedException", "dynamodb:GetItem"),
        (refusal("ExpiredTokenException"), StoreUnavailableError, "ExpiredTokenException", "credentials"),
        (refusal("UnrecognizedClientException"), StoreDeniedError, "profiles-1", "credentials"),
        (NoCredentialsError(), StoreDeniedError, "NoCredentialsError", "credentials"),
        (refusal("ValidationException"), StoreRejectedError, "ValidationException", "None"),
        (ParamValidationError(report=SECRET), StoreRejectedError, "ParamValidationError", "None"),
        (refusal("ThrottlingException"), StoreThrottledError, "ThrottlingException", "None"),
        (refusal("RequestLimitExceeded"), StoreThrottledError, "RequestLimitExceeded", "None"),
        (refusal("ProvisionedThroughputExceededException"), StoreThrottledError, "Provisioned", "None"),
        (refusal("InternalServerError", 500), StoreUnavailableError, "InternalServerError", "None"),
        (ReadTimeoutError(endpoint_url=SECRET), StoreUnavailableError, "ReadTimeoutError", "None"),
        (ConnectTimeoutError(endpoint_url=SECRET), StoreUnavailableError, "ConnectTimeoutError", "None"),
        (EndpointConnectionError(endpoint_url=SECRET), StoreUnavailableError, "EndpointConnection", "None"),
        (ResponseParserError(SECRET), StoreUnavailableError, "ResponseParserError", "None"),
        (refusal(SECRET, 503), StoreUnavailableError, "HTTP status 503", "None"),
        (refusal(SECRET, 429), StoreThrottledError, "HTTP status 429", "None"),
        (refusal(SECRET, 403), StoreDeniedError, "HTTP status 403", "None"),
        (refusal(SECRET, 400), StoreRejectedError, "HTTP status 400", "None"),
        (ClientError({}, "GetItem"), StoreUnavailableError, "HTTP status 0", "None"),
    ],
)
def test_refusal_becomes_our_error(
    outcome: Exception, kind: type[ProfileStoreError], text: str, hint: str
) -> None:
    store, _ = open_with(outcome)
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.load("profile-1"),
        lambda: store.commit(CommitRequest(a_decision("profile-1"))),
        lambda: store.put_profile("profile-1", {"n": 1}, updated_at=NOW),
        lambda: store.put_consent("profile-1", a_consent(), now=NOW),
        store.outbox,
        lambda: store.resolve_alias("alias-1"),
        lambda: store.delete_profile("profile-1"),
        lambda: store.open_budget("budget-1", "2026-11-02", [1]),
        lambda: store.lease("profile-1", "decision-1", owner="w", now=NOW, until=NOW),
    )
    for call in calls:
        found = failure(call)
        assert type(found) is kind
        assert text in str(found)
        assert hint in str(found.hint)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (("ValidationError",), StoreRejectedError),
        (("None", "ItemCollectionSizeLimitExceeded"), StoreRejectedError),
        (("ThrottlingError", "None"), StoreThrottledError),
        (("ProvisionedThroughputExceeded",), StoreThrottledError),
        (("ThrottlingError", "TransactionConflict", "ValidationError"), StoreRejectedError),
        (("AccessDenied",), StoreDeniedError),
        ((SECRET,), ProfileStoreError),
    ],
)
def test_cancellation_that_is_no_answer_becomes_our_error(
    codes: tuple[str, ...], kind: type[ProfileStoreError]
) -> None:
    store, client = open_with(cancelled(*codes))
    request = scores_alone(a_decision("profile-1"), churn=a_score())
    assert type(failure(lambda: store.commit(request))) is kind
    assert (len(client.calls) > 1) is kind.retryable


def test_reasons_that_are_answers_are_no_error() -> None:
    answers = [code for code, kind in REASON_ERRORS.items() if kind is None]
    assert from_reasons(answers, "profiles-1") is None


def test_throttled_call_is_repeated_with_growing_pauses_until_it_is_answered() -> None:
    clock = Ticking()
    throttled = refusal("ThrottlingException")
    store, client = open_with(throttled, throttled, throttled, {"Responses": {"profiles-1": []}}, clock=clock)
    assert store.load("profile-1").profile_json is None
    assert client.calls == ["batch_get_item"] * 4
    assert clock.pauses_s == [0.025, 0.05, 0.1]


def test_attempts_end_with_the_budget_of_time() -> None:
    clock = Ticking()
    store, client = open_with(refusal("ThrottlingException"), clock=clock)
    assert type(failure(lambda: store.load("profile-1"))) is StoreThrottledError
    assert 0.5 < clock.now_s < 1.0
    assert len(client.calls) == len(clock.pauses_s) + 1


def test_what_no_repetition_cures_is_not_repeated() -> None:
    clock = Ticking()
    store, client = open_with(refusal("ValidationException"), clock=clock)
    assert type(failure(lambda: store.load("profile-1"))) is StoreRejectedError
    assert (client.calls, clock.pauses_s) == (["batch_get_item"], [])


def test_keys_that_are_held_back_are_asked_for_again() -> None:
    key = {"pk": {"S": "profile-1"}, "sk": {"S": "PROFILE"}}
    item = {**key, "profile": {"M": {"n": {"N": "1"}}}}
    held: dict[str, object] = {
        "Responses": {},
        "UnprocessedKeys": {"profiles-1": {"Keys": [key], "ConsistentRead": True}},
    }
    store, client = open_with(held, {"Responses": {"profiles-1": [item]}})
    assert store.load("profile-1").profile_json == b'{"n":1}'
    assert len(client.calls) == 2
    store, _ = open_with(held)
    assert type(failure(lambda: store.load("profile-1"))) is StoreThrottledError


def test_deletes_that_are_held_back_are_sent_again() -> None:
    key = {"pk": {"S": "profile-1"}, "sk": {"S": "PROFILE"}}
    listed: dict[str, object] = {"Items": [key]}
    none: dict[str, object] = {"Items": []}
    held = {"UnprocessedItems": {"profiles-1": [{"DeleteRequest": {"Key": key}}]}}
    store, client = open_with(listed, none, none, held, {}, none)
    assert store.delete_profile("profile-1") is True
    look = ["query"] * 3  # one for each partition
    assert client.calls == [*look, "batch_write_item", "batch_write_item", *look]
    store, _ = open_with(listed, none, none, held)
    assert type(failure(lambda: store.delete_profile("profile-1"))) is StoreThrottledError


@pytest.mark.parametrize("code", ["TransactionConflictException", "TransactionInProgressException"])
def test_single_write_waits_for_the_transaction_in_its_way(code: str) -> None:
    conflict = refusal(code)
    nothing: dict[str, object] = {"Responses": {}}
    store, client = open_with(nothing, conflict, conflict, {})
    assert store.put_consent("profile-1", a_consent(), now=NOW) is True
    assert client.calls == ["batch_get_item", "update_item", "update_item", "update_item"]
    store, _ = open_with(nothing, conflict)
    assert type(failure(lambda: store.put_consent("profile-1", a_consent(), now=NOW))) is StoreContendedError


def test_profile_that_is_written_again_and_again_is_not_erased_for_ever() -> None:
    key = {"pk": {"S": "profile-1"}, "sk": {"S": "PROFILE"}}
    store, _ = open_with({"Items": [key]})
    assert type(failure(lambda: store.delete_profile("profile-1"))) is StoreContendedError


def test_dead_port_is_unavailable() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "unused")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "unused")
        store = DynamoProfileStore(
            "profiles-1", region="eu-central-1", endpoint_url="http://127.0.0.1:9", budget_ms=50
        )
        assert type(failure(lambda: store.load("profile-1"))) is StoreUnavailableError


def test_missing_region_is_a_setting_to_correct() -> None:
    code = (
        "from functions.profiles.dynamodb import DynamoProfileStore\n"
        "try:\n    DynamoProfileStore('profiles-1')\n"
        "except Exception as error:\n    print(type(error).__name__, error, error.hint)"
    )
    env = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert found.stdout.startswith(
        "SettingsError the AWS SDK can't be set up for DynamoDB: NoRegionError Set AWS_REGION"
    )


def test_importing_the_store_loads_no_sdk() -> None:
    code = (
        "import sys, functions.profiles.dynamodb, functions.profiles.dynamodb_table\n"
        "print(sorted({'boto3', 'botocore', 'urllib3'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_pauses_are_of_the_system_so_that_twins_from_one_snapshot_do_not_come_back_together() -> None:
    jitter = Surroundings(1.0).jitter
    assert isinstance(getattr(jitter, "__self__", None), SystemRandom)
    assert 0 <= jitter() < 1
