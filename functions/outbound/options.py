"""Options of a call: the URL, and headers whose values may be secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from functions.documents import Json
from functions.errors import SettingsError
from functions.times import parse_duration

Secrets = Callable[[str], str]
"""Gives a secret by name; raises `SettingsError` naming it when there is none."""

# Source: RFC 9110, 5.1 (token) and 5.5 (field values: visible ASCII, space and tab, no control characters).
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")

_LONGEST_S = 900.0

_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"}
)


def text_or_secret(value: Json, secrets: Secrets, *, where: str) -> str:
    """Return an option's text, or the secret that `{secret: NAME}` names.

    Raises:
        SettingsError: It is neither, or there is no such secret.
    """
    if isinstance(value, Mapping) and set(value) == {"secret"} and isinstance(value["secret"], str):
        return secrets(value["secret"])
    if isinstance(value, str):
        return value
    raise SettingsError(f"{where} must be text or {{secret: NAME}}")


def secret_option(value: Json, secrets: Secrets, *, where: str) -> str:
    """Return the secret that an option names, as `NAME` or `{secret: NAME}`.

    Raises:
        SettingsError: It names none, or there is no such secret.
    """
    if isinstance(value, str) and value:
        return secrets(value)
    if isinstance(value, Mapping):
        return text_or_secret(value, secrets, where=where)
    raise SettingsError(f"{where} must name a secret: {{secret: NAME}}")


def read_headers(
    options: Json, secrets: Secrets, *, where: str, reserved: Collection[str] = ()
) -> dict[str, str]:
    """Return headers with their secrets filled in.

    Args:
        options: Header name to text or `{secret: NAME}`; None for no headers.
        secrets: Looks secrets up.
        where: Names the owner in errors.
        reserved: Lower-case names that the owner sets itself.

    Raises:
        SettingsError: A name or value is no header, or the header is not the user's to set. The name is
            given, the value never.
    """
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise SettingsError(f"{where}: headers must be a mapping of names to values")
    found: dict[str, str] = {}
    for name, option in options.items():
        if not _HEADER_NAME.fullmatch(name):
            raise SettingsError(f"{where}: a header name may hold letters, digits and dashes")
        if name.lower() in _FRAMING or name.lower() in reserved:
            raise SettingsError(f"{where}: the header {name} is set by this service")
        found[name] = header_value(
            text_or_secret(option, secrets, where=f"{where}: header {name}"), where, name
        )
    return found


def header_value(text: str, where: str, name: str) -> str:
    """Return a value that can stand in a header.

    Raises:
        SettingsError: It is empty, or holds a line break, a control character or a non-ASCII one.
    """
    if not _HEADER_VALUE.fullmatch(text):
        raise SettingsError(
            f"{where}: the value of the header {name} is empty or has a line break, a control character "
            "or a space at its end",
            hint="A secret read from a file often ends with a line break; store it without.",
        )
    return text


def seconds_option(value: Json | timedelta, *, default: float, where: str) -> float:
    """Return a duration in seconds, given as seconds or as text such as `500ms`.

    Raises:
        SettingsError: It is no duration, not above zero, or over 15 minutes, the longest life of a Lambda.
    """
    if value is None:
        return default
    try:
        seconds = _seconds(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise SettingsError(f"{where} must be a duration above zero and up to 15m, such as 500ms or 5s")
    return seconds


def _seconds(value: Json | timedelta) -> float:
    if isinstance(value, str):
        return parse_duration(value).total_seconds()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
