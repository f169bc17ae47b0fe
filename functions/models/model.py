"""The seam to a model: one attempt, bytes in, bytes out.

Adapters translate every foreign error into a `ModelError`; retries, deadlines across attempts and the
reading of the reply are not theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from functions.governance.gate import Payload

Secrets = Callable[[str], str]
"""Gives a secret by name; raises `SettingsError` naming it when there is none."""


@dataclass(frozen=True, slots=True)
class ModelConnection:
    """What an adapter needs of its surroundings.

    Attributes:
        secrets: Looks secrets up by name.
        region: AWS region, None for the SDK's own choice.
        sagemaker_url: Endpoint URL of the SageMaker runtime, None for the SDK's own choice.
        unsigned: Send placeholder credentials; for an endpoint on this machine that checks none.
    """

    secrets: Secrets
    region: str | None = None
    sagemaker_url: str | None = None
    unsigned: bool = False


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What came back, before anything of it is believed.

    Attributes:
        body: The exact bytes.
        content_type: Media type, lower case, without parameters.
        variant: Which variant or deployment answered, where the server says so.
    """

    body: bytes
    content_type: str
    variant: str | None = None


class Model(Protocol):
    """One model behind one target."""

    def invoke(self, payload: Payload, *, inference_id: str, timeout_s: float) -> ModelReply:
        """Call the model once.

        Args:
            payload: What the gate built.
            inference_id: The decision id; 1 to 64 characters.
            timeout_s: Wall time that is left, in seconds; the call ends within it.

        Raises:
            ModelError: A subclass says what happened and whether a retry can help.
        """
        ...
