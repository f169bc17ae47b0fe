"""How much is read of what a model sends."""

from __future__ import annotations

from typing import Final

MAX_BODY_BYTES: Final = 6_291_456
"""The most that a SageMaker endpoint can answer, in bytes; read of no other model either.

Source: botocore 1.44, data/sagemaker-runtime/2017-05-13/service-2.json, shape `BodyBlob`.
"""

MAX_OUTPUT_BYTES: Final = 65_536
"""The most that one output of a reply may hold, in bytes of JSON; a ranked list of titles fits in."""
