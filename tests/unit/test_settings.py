"""Settings: defaults, every variable, faults that name their variable, and secrets that nothing shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from functions.errors import SettingsError
from functions.settings import SETTINGS, Settings, read_settings, secret_variable

SECRET = "s3cr3t-value"


def test_empty_environment_gives_the_defaults() -> None:
    assert read_settings({}) == Settings(
        specs=Path("feature_specs"),
        store="sqlite:///.functions/profiles.db",
        models=Path("models"),
        lease=None,
        event_skew=timedelta(minutes=5),
        policy_every=timedelta(seconds=10),
        policy_good_for=timedelta(minutes=5),
        region="",
        sagemaker_url="",
        aws_url="",
        endpoint="auto",
        environment="dev",
        secrets={},
        has_credentials=False,
    )


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("FUNCTIONS_SPECS", "my/specs", "specs", Path("my/specs")),
        ("FUNCTIONS_STORE", "memory:", "store", "memory:"),
        ("FUNCTIONS_MODELS", "my/models", "models", Path("my/models")),
        ("FUNCTIONS_LEASE", "1.5m", "lease", timedelta(seconds=90)),
        ("FUNCTIONS_EVENT_SKEW", "2h", "event_skew", timedelta(hours=2)),
        ("FUNCTIONS_POLICY_EVERY", "1m", "policy_every", timedelta(minutes=1)),
        ("FUNCTIONS_POLICY_GOOD_FOR", "30s", "policy_good_for", timedelta(seconds=30)),
        ("AWS_REGION", "eu-west-1", "region", "eu-west-1"),
        ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://127.0.0.1:1", "sagemaker_url", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:2", "aws_url", "http://127.0.0.1:2"),
        ("FUNCTIONS_ENDPOINT", "embedded", "endpoint", "embedded"),
    ],
)
def test_variable_sets_its_field_and_an_empty_one_counts_as_not_set(
    variable: str, text: str, field: str, value: object
) -> None:
    assert getattr(read_settings({variable: text}), field) == value
    assert read_settings({variable: ""}) == read_settings({})


def test_every_setting_is_listed_with_a_default_it_can_read_itself() -> None:
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    defaults = read_settings({setting.variable: setting.default for setting in SETTINGS})
    assert defaults == read_settings({})
    assert all(setting.description.endswith(".") for setting in SETTINGS)


@pytest.mark.parametrize(
    ("variable", "text", "fault"),
    [
        ("FUNCTIONS_LEASE", "soon", "a duration is a number and a unit: 150ms, 30s, 15m, 12h, 7d or 2w"),
        ("FUNCTIONS_LEASE", "0s", "the duration must be longer than nothing"),
        ("FUNCTIONS_LEASE", "999999999w", "a duration is at most 100 years"),
        ("FUNCTIONS_EVENT_SKEW", "5", "a duration is a number and a unit: 150ms, 30s, 15m, 12h, 7d or 2w"),
        ("FUNCTIONS_ENDPOINT", "remote", "must be auto, embedded or aws"),
    ],
)
def test_bad_value_is_refused_with_the_variable_and_the_fault_but_not_the_value(
    variable: str, text: str, fault: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({variable: text})
    assert caught.value.message == f"{variable}: {fault}"


@pytest.mark.parametrize(
    ("environment", "embedded"),
    [
        ({}, True),
        ({"AWS_ENDPOINT_URL": "http://x"}, False),
        ({"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://x"}, False),
        ({"FUNCTIONS_ENDPOINT": "embedded", "AWS_ENDPOINT_URL": "http://x"}, True),
        ({"FUNCTIONS_ENDPOINT": "aws"}, False),
    ],
)
def test_endpoint_is_embedded_unless_another_is_named(environment: dict[str, str], embedded: bool) -> None:
    assert read_settings(environment).embedded_endpoint is embedded


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"])
def test_credentials_are_noticed_and_not_kept(variable: str) -> None:
    found = read_settings({variable: SECRET})
    assert found.has_credentials
    assert SECRET not in repr(found)
    assert not read_settings({variable: ""}).has_credentials


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("key", "FUNCTIONS_SECRET_KEY"),
        ("crm/webhook-key", "FUNCTIONS_SECRET_CRM_WEBHOOK_KEY"),
        ("a.b_c1", "FUNCTIONS_SECRET_A_B_C1"),
    ],
)
def test_secret_is_read_from_the_variable_of_its_name(name: str, variable: str) -> None:
    assert secret_variable(name) == variable
    assert read_settings({variable: SECRET, "OTHER": "x"}).secret(name) == SECRET


@pytest.mark.parametrize("environment", [{}, {"FUNCTIONS_SECRET_CRM": ""}])
def test_missing_secret_names_the_variable_to_set(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(environment).secret("crm")
    assert caught.value.message == "there is no secret 'crm'"
    assert caught.value.hint == "set the variable FUNCTIONS_SECRET_CRM"


def test_secrets_show_in_no_repr_and_no_error() -> None:
    settings = read_settings({"FUNCTIONS_SECRET_CRM": SECRET})
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert "secrets" not in repr(settings)
    with pytest.raises(SettingsError) as caught:
        settings.secret("other")
    assert SECRET not in f"{caught.value!r} {caught.value.hint}"
