"""Logical names of constructs; physical ones are those of `functions.operations.naming`."""

from __future__ import annotations


def pascal(name: str) -> str:
    """Return a name of a spec as part of a logical id.

    >>> pascal("churn-retention")
    'ChurnRetention'
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))
