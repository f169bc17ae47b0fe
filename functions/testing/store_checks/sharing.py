"""Shared documents: replaced whole, by a writer who has read what it replaces."""

from __future__ import annotations

import random
from functools import partial

from functions.documents import Json
from functions.profiles.operator_documents import (
    MARK,
    MAX_DOCUMENT_BYTES,
    MAX_NAME_BYTES,
    MAX_PACKED_BYTES,
    OperatorDocument,
    OperatorStore,
)
from functions.testing.store_checks.racing import THREADS, at_once
from functions.testing.store_checks.samples import new_id, refuses


class SharedDocumentChecks:
    """Documents that belong to no profile."""

    def test_a_document_that_was_not_written_is_left_out(self, documents: OperatorStore) -> None:
        """Beside one that was."""
        known, unknown = new_id("document"), new_id("document")
        assert documents.put_document(known, {"n": 1}, replaces=0)
        assert documents.read_documents(known, unknown) == {known: OperatorDocument(known, 1, {"n": 1})}
        assert documents.read_documents(unknown) == {}

    def test_a_document_is_read_as_it_was_written(self, documents: OperatorStore) -> None:
        """Unicode, numbers and order of keys included; a change of the original does not reach it."""
        name = new_id("documents/of any kind#1 北京")
        body: dict[str, Json] = {"z": [1, 0.1, None, True], "a": {"text": "Zoë \u2028 🚀"}, "empty": {}}
        assert documents.put_document(name, body, replaces=0)
        body["a"]["text"] = "changed"
        read = documents.read_documents(name)[name].body
        assert read == {"z": [1, 0.1, None, True], "a": {"text": "Zoë \u2028 🚀"}, "empty": {}}
        assert list(read) == ["z", "a", "empty"]

    def test_each_write_counts_the_version_up(self, documents: OperatorStore) -> None:
        """A writer names the version that it has read, and no other passes."""
        name = new_id("document")
        assert documents.put_document(name, {"n": 1}, replaces=0)
        assert documents.put_document(name, {"n": 2}, replaces=1)
        assert documents.put_document(name, {"n": 3}, replaces=2)
        for stale in (0, 1, 2, 4):
            assert not documents.put_document(name, {"n": 9}, replaces=stale)
        assert documents.read_documents(name)[name] == OperatorDocument(name, 3, {"n": 3})

    def test_a_document_that_does_not_exist_replaces_nothing(self, documents: OperatorStore) -> None:
        """A version that was never written can't have been read."""
        name = new_id("document")
        assert not documents.put_document(name, {"n": 1}, replaces=1)
        assert documents.read_documents(name) == {}

    def test_names_are_listed_by_their_beginning(self, documents: OperatorStore) -> None:
        """In order, and no sign of a prefix means anything but itself."""
        root = new_id("list")
        for ending in ("/b", "/a", "%/c", "_/d"):
            assert documents.put_document(root + ending, {}, replaces=0)
        assert list(documents.document_names(root + "/")) == [root + "/a", root + "/b"]
        assert list(documents.document_names(root + "%")) == [root + "%/c"]
        assert list(documents.document_names(root + "_/")) == [root + "_/d"]
        assert list(documents.document_names(root + "/z")) == []

    def test_names_of_suppression_marks_are_not_listed(self, documents: OperatorStore) -> None:
        """Whatever prefix is asked for; who knows the name reads it like any other."""
        mark, other = MARK + new_id("mark"), new_id("suppress")
        for name in (mark, other):
            assert documents.put_document(name, {"n": 1}, replaces=0)
        assert list(documents.document_names(MARK)) == []
        assert mark not in documents.document_names("suppress")
        assert other in documents.document_names("suppress")
        assert documents.put_document(mark, {"n": 2}, replaces=1)
        assert documents.read_documents(mark, other) == {
            mark: OperatorDocument(mark, 2, {"n": 2}),
            other: OperatorDocument(other, 1, {"n": 1}),
        }

    def test_one_of_many_writers_wins(self, documents: OperatorStore) -> None:
        """The others are told so, and what the winner wrote stands."""
        for _ in range(5):
            name = new_id("document")
            for version in range(2):
                writes = [
                    partial(documents.put_document, name, {"by": writer}, replaces=version)
                    for writer in range(THREADS)
                ]
                won = at_once(writes)
                assert sorted(won) == [False] * (THREADS - 1) + [True]
                stored = documents.read_documents(name)[name]
                assert (stored.version, stored.body) == (version + 1, {"by": won.index(True)})

    def test_a_document_over_the_limits_is_refused(self, documents: OperatorStore) -> None:
        """As text, and where it does not compress; what was there stays."""
        name = new_id("document")
        assert documents.put_document(name, {"text": "x" * (MAX_DOCUMENT_BYTES - 20)}, replaces=0)
        dice = random.Random(1)
        noise = "".join(dice.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=MAX_PACKED_BYTES * 2))
        assert refuses(documents.put_document, name, {"text": "x" * MAX_DOCUMENT_BYTES}, replaces=1)
        assert refuses(documents.put_document, name, {"text": noise}, replaces=1)
        assert documents.read_documents(name)[name].version == 1

    def test_what_is_no_strict_json_is_refused(self, documents: OperatorStore) -> None:
        """It could not be read back."""
        name = new_id("document")
        for value in (float("nan"), "\ud800", object()):
            assert refuses(documents.put_document, name, {"value": value}, replaces=0)
        assert documents.read_documents(name) == {}

    def test_a_name_that_not_every_store_can_use_is_refused(self, documents: OperatorStore) -> None:
        """Empty, too long in bytes, or no Unicode."""
        for name in ("", "é" * (MAX_NAME_BYTES // 2 + 1), "\ud800"):
            assert refuses(documents.put_document, name, {}, replaces=0)
            assert refuses(documents.read_documents, name)
