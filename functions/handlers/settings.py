"""What a Lambda function is told by its environment, besides the settings of every process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from functions.errors import SettingsError
from functions.settings import Setting, Settings, read_settings


def _path(text: str) -> Path:
    return Path(text)


def _text(text: str) -> str:
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _accounts(text: str) -> tuple[str, ...]:
    accounts = _words(text)
    if any(account != "*" and not re.fullmatch(r"\d{12}", account) for account in accounts):
        raise ValueError("give AWS accounts of 12 digits, or *")
    return accounts


def _origins(text: str) -> tuple[str, ...]:
    origins = _words(text)
    if any(not re.fullmatch(r"https?://[^\s/@]+", origin) for origin in origins):
        raise ValueError("give origins such as https://www.shop.example, without a path; * is not taken")
    return origins


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError("must be on or off")
    return text == "on"


def _namespace(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._/#:-]{1,255}", text):
        raise ValueError("must be a namespace of CloudWatch")
    return text


HANDLER_SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "FUNCTIONS_NAME",
        "name",
        "",
        "Function that this Lambda runs; not used by what all functions share.",
        _text,
    ),
    Setting(
        "FUNCTIONS_PLANS", "plans", "plans", "Folder of the artefacts that `functions build` made.", _path
    ),
    Setting(
        "FUNCTIONS_DLQ_URL",
        "dlq_url",
        "",
        "Queue for records that can't succeed, each with its code. When empty they are reported as failures, "
        "so that the event source parks them after its retries.",
        _text,
    ),
    Setting(
        "FUNCTIONS_ACCOUNTS",
        "accounts",
        "",
        "AWS accounts that records may come from, separated by spaces; `*` for any. Empty is the account of "
        "the Lambda.",
        _accounts,
    ),
    Setting(
        "FUNCTIONS_ALLOWED_ORIGINS",
        "origins",
        "",
        "Origins of the pages that may ask, separated by spaces, for the synchronous answer.",
        _origins,
    ),
    Setting(
        "FUNCTIONS_EXPORT_BUCKET", "export_bucket", "", "S3 bucket of the lasting log, for the export.", _text
    ),
    Setting("FUNCTIONS_METRICS", "namespace", "Functions", "Namespace of the metrics.", _namespace),
    Setting("FUNCTIONS_TRACING", "tracing", "off", "`on` traces with AWS X-Ray.", _switch),
)

LOG_KEY: Final = "FUNCTIONS_LOG_KEY"
"""Variable of the key under which logs hash identifiers, so that nobody can find them by guessing."""

VISITOR_KEY: Final = "FUNCTIONS_VISITOR_KEY"
INGEST_KEY: Final = "FUNCTIONS_INGEST_KEY"

INGEST: Final = "ingest"
"""What profile ingest is called in its log, its metrics and its dead letters."""

OUTCOMES: Final = "outcomes"
"""What the recording of outcomes is called there."""

HANDLER_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        VISITOR_KEY: "Key of visitor tokens. Several, separated by spaces, are all accepted.",
        INGEST_KEY: "Key that webhooks of platforms prove. Several, separated by spaces, are all accepted.",
    }
)
"""Variables of keys, which are secrets, with their meanings."""

MIN_KEY_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class HandlerSettings:
    """See `HANDLER_SETTINGS` for the meaning of each field.

    Besides these: `common` are the settings of every process, `visitor_keys` the keys of visitor tokens,
    `ingest_keys` those of webhooks and `log_key` that of identifiers in logs, which no repr shows.
    """

    common: Settings
    name: str
    plans: Path
    dlq_url: str
    accounts: tuple[str, ...]
    origins: tuple[str, ...]
    export_bucket: str
    namespace: str
    tracing: bool
    visitor_keys: tuple[bytes, ...] = field(repr=False)
    ingest_keys: tuple[str, ...] = field(repr=False, default=())
    log_key: bytes | None = field(repr=False, default=None)


def read_handler_settings(environment: Mapping[str, str]) -> HandlerSettings:
    """Read the settings of a Lambda function.

    Raises:
        SettingsError: A variable has a value that can't be read; the variable is named, never a secret.
    """
    values: dict[str, Any] = {}
    for setting in HANDLER_SETTINGS:
        text = environment.get(setting.variable, "") or setting.default
        try:
            values[setting.field] = setting.read(text)
        except ValueError as error:
            raise SettingsError(f"{setting.variable}: {error}") from None
    visitor_keys, ingest_keys = _keys(environment, VISITOR_KEY), _keys(environment, INGEST_KEY)
    log_keys = _keys(environment, LOG_KEY)
    return HandlerSettings(
        common=read_settings(environment),
        visitor_keys=tuple(key.encode() for key in visitor_keys),
        ingest_keys=ingest_keys,
        log_key=log_keys[0].encode() if log_keys else None,
        **values,
    )


def _keys(environment: Mapping[str, str], variable: str) -> tuple[str, ...]:
    keys = tuple(environment.get(variable, "").split())
    if any(len(key.encode()) < MIN_KEY_BYTES for key in keys):
        raise SettingsError(
            f"{variable}: a key needs {MIN_KEY_BYTES} bytes or more",
            hint="Make one: openssl rand -base64 32",
        )
    return keys
