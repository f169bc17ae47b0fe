"""The AWS SDK without the services that are not called: they are most of its size."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

SERVICES: Final = frozenset(
    {"dynamodb", "events", "kinesis", "sagemaker-runtime", "sns", "sqs", "sts", "sso", "sso-oidc", "s3"}
    | {"bedrock-runtime", "lambda", "secretsmanager", "ssm"}
)
"""Services whose descriptions stay: those of our adapters, and a few that a class of one's own may call."""


def prune(packages: Path) -> None:
    """Remove what botocore knows of all other services.

    Args:
        packages: Folder of installed packages; nothing happens when botocore is not among them.
    """
    data = packages / "botocore" / "data"
    for folder in data.iterdir() if data.is_dir() else ():
        if folder.is_dir() and folder.name not in SERVICES:
            shutil.rmtree(folder)
