"""Sessions of the AWS SDK that read its descriptions of services once for the process, and not once for a client."""

from __future__ import annotations

from functools import cache
from typing import Any


def new_session() -> Any:
    """Return a session of botocore, with credentials and settings of its own.

    Most of the time that a client takes to make is for the SDK's data, which is the same for all: endpoints of every
    service, and one model for each service.

    Raises:
        BotoCoreError: The configuration of the SDK can't be read.
    """
    import botocore.session

    session = botocore.session.Session()
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@cache
def _loader(data_path: str | None) -> Any:
    """Return what reads the data below the folders of `AWS_DATA_PATH`, and keeps it."""
    from botocore.loaders import create_loader

    return create_loader(data_path)
