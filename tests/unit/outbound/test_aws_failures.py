"""The table of AWS's failures is complete, and every adapter gives each of them a meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import botocore.exceptions
import pytest

from functions.actions import aws_errors
from functions.errors import (
    ActionAmbiguousError,
    ActionDeniedError,
    ActionRejectedError,
    ActionUnavailableError,
    ModelDeniedError,
    ModelReplyError,
    ModelTimeoutError,
    ModelUnavailableError,
    ProfileStoreError,
    StoreDeniedError,
    StoreRejectedError,
    StoreUnavailableError,
)
from functions.models import sagemaker_errors
from functions.outbound.aws_failures import (
    COMMON_CODES,
    CREDENTIAL_CODES,
    EXCEPTIONS,
    AwsFailure,
    codes,
    failure_of,
    is_about_credentials,
)
from functions.profiles import dynamodb_errors


def _exceptions() -> Iterator[type[Exception]]:
    for found in vars(botocore.exceptions).values():
        if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, Warning):
            yield found


def test_every_exception_of_botocore_is_mapped_by_itself_or_a_parent() -> None:
    # The root has no entry of its own, and a response with an error is read by its code.
    unmapped = {found.__name__ for found in _exceptions() if failure_of(found) is None}
    assert unmapped == {"BotoCoreError", "ClientError", "EventStreamError"}


def test_every_name_in_the_table_is_one_of_botocore() -> None:
    known = {found.__name__ for found in _exceptions()} | {"ResponseParserError"}
    assert set(EXCEPTIONS) - known == set()


def test_throttling_names_are_those_that_botocore_retries() -> None:
    from botocore.retries.standard import ThrottledRetryableChecker

    names = set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES)
    assert {name for name in names if COMMON_CODES.get(name) != "throttled"} == set()


def test_every_failure_is_given_by_a_code_or_an_exception() -> None:
    assert set(get_args(AwsFailure)) == {*COMMON_CODES.values(), *EXCEPTIONS.values()}


def test_codes_about_credentials_are_of_the_common_ones() -> None:
    assert {COMMON_CODES[code] for code in CREDENTIAL_CODES} == {"expired", "forbidden"}


def test_exceptions_about_credentials_are_told_from_the_others() -> None:
    about = {found.__name__ for found in _exceptions() if is_about_credentials(found)}
    assert {"NoCredentialsError", "CredentialRetrievalError", "SSOTokenLoadError"} <= about
    assert not about & {"ReadTimeoutError", "ProfileNotFound", "ParamValidationError"}


def test_the_codes_of_a_service_go_before_the_common_ones() -> None:
    meaning: dict[AwsFailure, type[Exception]] = dict.fromkeys(get_args(AwsFailure), ValueError)
    found = codes(meaning, [(KeyError, "Throttling Own")])
    assert (found["SlowDown"], found["Throttling"], found["Own"]) == (ValueError, KeyError, KeyError)


@pytest.mark.parametrize(
    ("name", "model", "action", "store"),
    [
        # Whether the message may have left decides about an action; a model and a store don't care.
        ("ConnectTimeoutError", ModelTimeoutError, ActionUnavailableError, StoreUnavailableError),
        ("ReadTimeoutError", ModelTimeoutError, ActionAmbiguousError, StoreUnavailableError),
        ("EndpointConnectionError", ModelUnavailableError, ActionUnavailableError, StoreUnavailableError),
        ("SSLError", ModelUnavailableError, ActionUnavailableError, StoreUnavailableError),
        ("ConnectionClosedError", ModelUnavailableError, ActionAmbiguousError, StoreUnavailableError),
        ("IncompleteReadError", ModelUnavailableError, ActionAmbiguousError, StoreUnavailableError),
        ("FlexibleChecksumError", ModelReplyError, ActionAmbiguousError, StoreUnavailableError),
        ("CredentialRetrievalError", ModelDeniedError, ActionUnavailableError, StoreUnavailableError),
        ("NoCredentialsError", ModelDeniedError, ActionDeniedError, StoreDeniedError),
        ("NoRegionError", ModelDeniedError, ActionDeniedError, StoreDeniedError),
        ("ParamValidationError", ModelDeniedError, ActionRejectedError, StoreRejectedError),
    ],
)
def test_each_adapter_gives_a_failure_its_own_meaning(
    name: str, model: type, action: type, store: type[ProfileStoreError]
) -> None:
    found = getattr(botocore.exceptions, name)
    assert sagemaker_errors.error_for_exception(found) is model
    assert aws_errors.error_for_exception(found) is action
    assert type(dynamodb_errors.from_exception(found, "profiles")) is store
