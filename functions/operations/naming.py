"""Physical names of a deployment: readable, the same at every deployment, never longer than AWS takes."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from functions.errors import SettingsError

MAX_NAME: Final = 64
"""The shortest of the limits: Lambda functions and EventBridge rules take 64 characters, queues 80."""

_ENVIRONMENT: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")

_ROOM: Final = len("_url")
"""For the suffix of a function's second Lambda, or of its dead-letter queue."""


def bounded(name: str, limit: int = MAX_NAME) -> str:
    """Return a name; a hash takes the place of the end of one that is too long.

    >>> bounded("functions-dev-churn-retention")
    'functions-dev-churn-retention'
    >>> bounded("functions-dev-" + "a-very-long-name" * 4)
    'functions-dev-a-very-long-namea-very-long-namea-very-lo-c39d83f1'
    """
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - 9].rstrip('-')}-{digest}"


def prefix_of(environment: str) -> str:
    """Return the first part of every physical name; also the name of the bus, its archive and the dashboard."""
    return f"functions-{environment}"


def physical_name(environment: str, function: str) -> str:
    """Return the name of a function on AWS, of its queue and of its rule.

    >>> physical_name("dev", "churn-retention")
    'functions-dev-churn-retention'
    """
    return bounded(f"{prefix_of(environment)}-{function}", MAX_NAME - _ROOM)


def archive_name(bus: str) -> str:
    """Return the name of a bus's archive; archives take 48 characters."""
    return bus[:48]


def check_environment(environment: str) -> str:
    """Return the name of a deployment.

    Raises:
        SettingsError: It is none.
    """
    if not _ENVIRONMENT.fullmatch(environment):
        raise SettingsError("an environment has up to 20 lower-case letters, digits and dashes")
    return environment
