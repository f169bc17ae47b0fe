"""From bytes to the part of a document that is read: what no expression asks for is skipped, not built.

Decoding costs most of what computing features costs, and only building less makes it cheaper. `msgspec`
decodes into types that are derived from the lineage. Whatever `parse_json` accepts gives the same values and
failures as the whole document does, and what `msgspec` refuses is parsed by `parse_json`, so that its answer and
its error are the same too.

The other way round the two differ, for looking costs as much as building: no more is asked of what is skipped than
that its end can be found. Bytes that are no UTF-8, numbers beyond the range of a float and more than a hundred
levels go unnoticed there; levels also in what is built, up to Python's limit. Of a key that is given twice the last
one counts, as for most readers of JSON. Stores of this package write strict JSON, so all of that can only stand in
a profile that somebody else wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, Union

from functions.documents import DocumentTooLargeError, Json, parse_json
from functions.expressions.paths import How, Path, Reads, reads_below
from functions.expressions.pruning import Need, need_of

Decoder = Callable[[bytes], Json]
"""Bytes of UTF-8 JSON in, the parts that are read out. Raises `DocumentError`, never with content."""


def decoder_for(reads: Reads, at: Path = (), *, max_bytes: int) -> Decoder:
    """Return a decoder for the document, or for what stands in it at a path, such as the profile.

    Args:
        reads: What the expressions read, from the root document.
        at: Where the bytes stand in the root document, as keys: `(".profile",)`.
        max_bytes: The most that is accepted.
    """
    need = need_of(reads_below(reads, at))
    if need.how is How.VALUE:
        return lambda text: parse_json(text, max_bytes=max_bytes)
    return _pruning(need, max_bytes)


def _pruning(need: Need, max_bytes: int) -> Decoder:
    import msgspec

    decode = msgspec.json.Decoder(_type_for(need)).decode

    def decoder(text: bytes) -> Json:
        if len(text) > max_bytes:
            raise DocumentTooLargeError(f"{len(text):,} bytes, at most {max_bytes:,} are read")
        try:
            return decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        return parse_json(text, max_bytes=max_bytes)  # says what is wrong, and where

    return decoder


def _type_for(need: Need) -> Any:
    """Return the type that builds what is needed of a value, whatever the value turns out to be."""
    if need.how is How.VALUE:
        return Any
    array: Any = list if need.elements is None else list[_type_for(need.elements)]  # type: ignore[misc]
    return Union[_object_for(need), array, str, int, float, bool, None]  # noqa: UP007 - made at run time


def _object_for(need: Need) -> Any:
    if need.values is not None and not need.fields:
        return dict[str, _type_for(need.values)]  # type: ignore[misc]
    if need.values is not None or need.how is not How.TYPE:
        return dict[str, Any]  # all keys count
    typed_dict: Any = TypedDict  # the functional form wants literal keys from a type checker
    return typed_dict("Needed", {key: _type_for(one) for key, one in need.fields.items()}, total=False)
