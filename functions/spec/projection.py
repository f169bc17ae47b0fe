"""What of a profile a plan reads: everything else is skipped when the profile is decoded."""

from __future__ import annotations

from functions.documents import Json
from functions.expressions import Expression, decoder_for
from functions.expressions.decoding import Decoder
from functions.expressions.paths import merge_reads

MAX_BYTES = 2_000_000
"""The most that a profile may have as JSON; stores keep no larger one."""

_AT = (".profile",)


class Projection:
    """Decodes profiles down to what some expressions read. Made on first use; safe to share between threads."""

    __slots__ = ("_decoder", "_expressions")

    def __init__(self, expressions: tuple[Expression, ...]) -> None:
        self._expressions = expressions
        self._decoder: Decoder | None = None

    def decode(self, profile_json: bytes) -> Json:
        """Return the part of a profile that is read; evaluating gives the same values as on the whole.

        Raises:
            DocumentError: The bytes are no JSON that can be read. Never with content.
        """
        if self._decoder is None:  # two threads may both make it; the results are equal
            lineage = merge_reads(expression.lineage for expression in self._expressions)
            self._decoder = decoder_for(lineage, _AT, max_bytes=MAX_BYTES)
        return self._decoder(profile_json)
