"""Physical names: readable, the same at every deployment, never longer than AWS takes."""

from __future__ import annotations

import hashlib
from typing import Final

MAX_NAME: Final = 64
"""The shortest of the limits: Lambda functions and EventBridge rules take 64 characters, queues 80."""


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


def pascal(name: str) -> str:
    """Return a name of a spec as part of a logical id.

    >>> pascal("churn-retention")
    'ChurnRetention'
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))
