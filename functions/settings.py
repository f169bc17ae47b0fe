"""Settings: an environment mapping becomes one frozen value. The only place that knows variable names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from functions.errors import SettingsError
from functions.times import parse_duration


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable, as the reference shows it."""

    variable: str
    field: str
    default: str
    description: str
    read: Callable[[str], Any]


def _path(text: str) -> Path:
    if not text:
        raise ValueError("a path can't be empty")
    return Path(text)


def _duration(text: str) -> timedelta:
    duration = parse_duration(text)
    if duration <= timedelta(0):
        raise ValueError("the duration must be longer than nothing")
    return duration


def _optional_duration(text: str) -> timedelta | None:
    return _duration(text) if text else None


def _text(text: str) -> str:
    return text


SETTINGS: tuple[Setting, ...] = (
    Setting("FUNCTIONS_SPECS", "specs", "feature_specs", "Folder of the specs.", _path),
    Setting(
        "FUNCTIONS_STORE",
        "store",
        "sqlite:///.functions/profiles.db",
        "Profile store: `sqlite:///path.db`, `memory:`, or `package.module:Class`.",
        _text,
    ),
    Setting("FUNCTIONS_MODELS", "models", "models", "Folder of the models of the embedded endpoint.", _path),
    Setting(
        "FUNCTIONS_LEASE",
        "lease",
        "",
        "How long a process may work on an outbox entry before another may take it; when empty, "
        "the timeout of its channel and 5 seconds.",
        _optional_duration,
    ),
    Setting(
        "FUNCTIONS_EVENT_SKEW",
        "event_skew",
        "5m",
        "How far an event's time may be ahead of the clock before the event is refused.",
        _duration,
    ),
    Setting(
        "FUNCTIONS_POLICY_EVERY",
        "policy_every",
        "10s",
        "How often a process looks whether another policy is in force, or something was switched off.",
        _duration,
    ),
    Setting(
        "FUNCTIONS_POLICY_GOOD_FOR",
        "policy_good_for",
        "5m",
        "How long a process goes on choosing actions while it can't look; after that it only scores.",
        _duration,
    ),
    Setting("AWS_REGION", "region", "", "Region of AWS calls; the AWS SDK's own rules when empty.", _text),
    Setting(
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
        "sagemaker_url",
        "",
        "Endpoint of the SageMaker runtime. When neither this nor AWS_ENDPOINT_URL is set, "
        "`functions invoke` starts the embedded endpoint.",
        _text,
    ),
    Setting("AWS_ENDPOINT_URL", "aws_url", "", "Endpoint of all AWS services.", _text),
    Setting(
        "FUNCTIONS_ENDPOINT",
        "endpoint",
        "auto",
        "`embedded` serves models from FUNCTIONS_MODELS on this machine, `aws` calls SageMaker, "
        "`auto` is `aws` when an endpoint URL is set, else `embedded`.",
        _text,
    ),
    Setting(
        "FUNCTIONS_ENVIRONMENT",
        "environment",
        "dev",
        "Deployment on AWS that `functions replay`, `tail` and `metrics` are about.",
        _text,
    ),
)

SECRET_PREFIX = "FUNCTIONS_SECRET_"  # noqa: S105 - the name of variables, not a secret
"""A secret `NAME` of a spec is read from the variable with this prefix, upper case, other signs as `_`."""

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the surroundings decide. See `SETTINGS` for the meaning of each field.

    Besides these: `secrets` by variable, which no repr shows, and whether the environment names AWS
    credentials.
    """

    specs: Path
    store: str
    models: Path
    lease: timedelta | None
    event_skew: timedelta
    policy_every: timedelta
    policy_good_for: timedelta
    region: str
    sagemaker_url: str
    aws_url: str
    endpoint: str
    environment: str
    secrets: Mapping[str, str] = field(repr=False)
    has_credentials: bool

    def secret(self, name: str) -> str:
        """Return a secret by name.

        Raises:
            SettingsError: There is none; the variable to set is named.
        """
        variable = secret_variable(name)
        value = self.secrets.get(variable)
        if not value:
            raise SettingsError(f"there is no secret {name!r}", hint=f"set the variable {variable}")
        return value

    @property
    def embedded_endpoint(self) -> bool:
        """Whether models are served on this machine."""
        if self.endpoint == "auto":
            return not (self.sagemaker_url or self.aws_url)
        return self.endpoint == "embedded"


def secret_variable(name: str) -> str:
    """Return the variable that holds a secret.

    >>> secret_variable("crm/webhook-key")
    'FUNCTIONS_SECRET_CRM_WEBHOOK_KEY'
    """
    return SECRET_PREFIX + "".join(sign if sign.isalnum() else "_" for sign in name).upper()


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from an environment.

    Raises:
        SettingsError: A variable has a value that can't be read; the variable is named, with the fault.
    """
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = environment.get(setting.variable, "") or setting.default
        try:
            values[setting.field] = setting.read(text)
        except ValueError as error:
            raise SettingsError(f"{setting.variable}: {error}") from None
    if values["endpoint"] not in ("auto", "embedded", "aws"):
        raise SettingsError("FUNCTIONS_ENDPOINT: must be auto, embedded or aws")
    secrets = {name: value for name, value in environment.items() if name.startswith(SECRET_PREFIX)}
    return Settings(**values, secrets=secrets, has_credentials=any(map(environment.get, _CREDENTIALS)))
