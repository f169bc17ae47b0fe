"""Secrets of a function: which ones its spec names, and where their values come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import aws_cdk as cdk

from functions.documents import Json
from functions.profiles.operator_documents import SUPPRESSION_KEY
from functions.settings import secret_variable
from functions.spec.plan import ChannelPlan, ModelPlan
from infra.configuration import Configuration

LOG_KEY_NAME: Final = "log-key"
"""Secret under which logs hash identifiers."""


def secret_names(model: ModelPlan | None, channels: Iterable[ChannelPlan]) -> tuple[str, ...]:
    """Return every secret that a model and channels name, sorted."""
    options: list[Json] = [dict(channel.options) for channel in channels]
    if model is not None:
        options.append(dict(model.options))
    return tuple(sorted(set(_names(options))))


def secret_variables(configuration: Configuration, names: Iterable[str]) -> dict[str, str]:
    """Return the variables of secrets.

    The value is a reference that CloudFormation resolves when it deploys; neither the template nor this
    process ever holds a secret, and the function needs no right to read any.
    """
    wanted = (*names, *shared_names(configuration))
    return {secret_variable(name): reference(secret_id(configuration, name)) for name in wanted}


def shared_names(configuration: Configuration) -> tuple[str, ...]:
    """Return the secrets that every function gets, whatever its spec names."""
    return (SUPPRESSION_KEY,) if configuration.suppression else ()


def secret_id(configuration: Configuration, name: str) -> str:
    """Return the name of a secret in Secrets Manager.

    >>> from infra.configuration import read_configuration
    >>> secret_id(read_configuration({}.get), "crm/webhook-key")
    'functions/dev/crm/webhook-key'
    """
    return f"functions/{configuration.environment}/{name}"


def reference(identifier: str) -> str:
    """Return a reference to the text of a secret."""
    return cdk.SecretValue.secrets_manager(identifier).unsafe_unwrap()


def _names(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"secret"} and isinstance(value["secret"], str):
            yield value["secret"]
        for part in value.values():
            yield from _names(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _names(part)
