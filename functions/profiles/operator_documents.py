"""What operators share with every process and no profile holds: the policy in force, and what is switched off.

Every implementation passes `functions.testing.stores.OperatorStoreConformance`. A document is replaced
whole, and only by a writer who has read what it replaces; a document that is never to change is written
once, in the place of nothing. Errors are those of `functions.profiles.store`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from functions.documents import DocumentError, Json, parse_json
from functions.errors import StoreRejectedError
from functions.profiles.codec import encode_document

MAX_DOCUMENT_BYTES: Final = 1_000_000
"""The most that a document may take as JSON text."""

MAX_PACKED_BYTES: Final = 350_000
"""The most that it may take compressed, which every store can keep in one item."""

MAX_NAME_BYTES: Final = 200
"""The most that the name of a document may take in UTF-8; none is empty."""

SUPPRESSION_KEY: Final = "suppression-key"
"""Name of the secret under which suppression marks are kept here."""

MARK: Final = "suppression/"
"""What the name of a suppression mark begins with. There can be millions, and none is ever listed."""

MAX_READ: Final = 100
"""The most documents of one read."""


@dataclass(frozen=True, slots=True)
class OperatorDocument:
    """One document as it was read.

    Attributes:
        name: As it was asked for.
        version: Counts its writes, from 1.
        body: A JSON object.
    """

    name: str
    version: int
    body: Mapping[str, Json]


class OperatorStore(Protocol):
    """Where operators keep documents that functions read, and never write.

    Every method raises `ProfileStoreError` (a subclass says which) when the store can't do its part.
    """

    def read_documents(self, *names: str) -> Mapping[str, OperatorDocument]:
        """Read documents by name in one go, each as the last write left it; absent ones are left out."""
        ...

    def put_document(self, name: str, body: Mapping[str, Json], *, replaces: int) -> bool:
        """Write a document.

        Args:
            name: Its name.
            body: A JSON object within `MAX_DOCUMENT_BYTES`, and `MAX_PACKED_BYTES` when compressed.
            replaces: The version that was read; 0 for a document that must not exist yet.

        Returns:
            False when the store has another version; nothing is written then.
        """
        ...

    def document_names(self, prefix: str) -> Sequence[str]:
        """List the names that begin with a prefix, in order, without those of suppression marks."""
        ...

    def close(self) -> None:
        """Give back files and connections."""
        ...


def check_name(name: str) -> None:
    """Refuse a name that not every store can use.

    Raises:
        StoreRejectedError: Empty, too long, or not encodable as UTF-8.
    """
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= MAX_NAME_BYTES:
        raise StoreRejectedError(f"the name of a shared document has 1 to {MAX_NAME_BYTES} bytes of UTF-8")


def pack_document(body: Mapping[str, Json]) -> bytes:
    """Write a document as stores keep it: JSON text, compressed.

    Raises:
        StoreRejectedError: It is no strict JSON, or over a limit.
    """
    text = encode_document(dict(body), "the shared document").encode()
    packed = zlib.compress(text)
    for size, limit, how in (
        (len(text), MAX_DOCUMENT_BYTES, "as JSON text"),
        (len(packed), MAX_PACKED_BYTES, "compressed"),
    ):
        if size > limit:
            raise StoreRejectedError(f"the shared document takes {size:,} bytes {how}; {limit:,} can be kept")
    return packed


def unpack_document(name: str, version: int, packed: bytes) -> OperatorDocument:
    """Read what `pack_document` wrote.

    Raises:
        StoreRejectedError: It is damaged, or larger than what can have been written.
    """
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, MAX_DOCUMENT_BYTES + 1)
        if not inflater.eof:
            raise DocumentError("cut off")
        body = parse_json(text, max_bytes=MAX_DOCUMENT_BYTES)
    except (zlib.error, DocumentError):
        raise StoreRejectedError(f"the store holds a shared document that is damaged: {name}") from None
    if not isinstance(body, dict) or version < 1:
        raise StoreRejectedError(f"the store holds a shared document that is damaged: {name}")
    return OperatorDocument(name, version, body)
