"""What a store gives back is what it was given: profiles, consent, aliases, erasure."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Final

from functions.documents import Json
from functions.profiles.codec import RESERVED
from functions.profiles.store import (
    MAX_ID_BYTES,
    MAX_PROFILE_BYTES,
    CommitRequest,
    ProfileState,
    ProfileStore,
    Snapshot,
)
from functions.testing.store_checks.samples import (
    HOUR,
    NOW,
    a_consent,
    a_decision,
    acted,
    document_of,
    new_id,
    own_outbox,
    read,
    refuses,
    scores_alone,
    send,
    with_action,
)
from functions.times import format_instant

_NUMBERS: Final[tuple[Json, ...]] = (
    2**53,
    2**53 + 1,
    -(2**63) - 1,
    10**40,
    0.1,
    1 / 3,
    5e-324,
    1.7976931348623157e308,
    -0.0,
    0,
    True,
    None,
)
_TEXTS: Final = (
    "",
    "Zoë Łukasz 北京 العربية",
    "👩🏽‍🚀 family 👨‍👩‍👧‍👦",
    "tab\tline\nreturn\r bell\x07 escape\x1b delete\x7f",
    'quote " backslash \\ slash / </script>',
    "combining e\u0301 is not \u00e9",
    "line\u2028separator",
    "\ufeffmark",
)
_IDS: Final = (
    "a b",
    "user@example.com",
    "PROFILE#1",
    "a/b?c=d&e=%20",
    'it\'s "quoted"; -- DROP',
    "Zoë-北京-🚀",
    "e\u0301",
    "é",
    "tab\tand\nline",
    "*",
    "1",
    "A" * MAX_ID_BYTES,
    "a" * MAX_ID_BYTES,
)


class KeepingChecks:
    """Reads, documents, consent, aliases and erasure."""

    def test_an_unknown_profile_reads_as_nothing(self, store: ProfileStore) -> None:
        """A profile that nobody wrote has no document, no consent and the first version."""
        profile_id = new_id("profile")
        nothing = Snapshot(profile_id, profile_json=None, consent={}, state=ProfileState(), decision=None)
        assert store.load(profile_id, "decision-1") == nothing
        assert list(store.decisions(profile_id)) == []
        assert store.outbox_entry(profile_id, "decision-1") is None

    def test_a_profile_reads_as_it_was_written(self, store: ProfileStore) -> None:
        """The document comes back with its nesting and the order of its keys."""
        profile_id = new_id("profile")
        document = {"z": {"y": [1, {"x": None}]}, "a": [], "m": {}}
        assert store.put_profile(profile_id, document, updated_at=NOW) is True
        assert document_of(store, profile_id) == document
        assert list(document_of(store, profile_id)) == ["z", "a", "m"]

    def test_a_store_does_not_share_documents_with_its_caller(self, store: ProfileStore) -> None:
        """What a caller changes later, before or after a read, is not changed in the store."""
        profile_id = new_id("profile")
        document: dict[str, Json] = {"orders": [1]}
        store.put_profile(profile_id, document, updated_at=NOW)
        document["orders"].append(2)
        decision = a_decision(profile_id)
        send(store, with_action(decision))
        for kept in (store.decisions(profile_id)[0], read(store, profile_id, decision.id).decision):
            assert kept is not None
            kept.body["outcome"] = "changed"
        assert document_of(store, profile_id) == {"orders": [1]}
        assert store.decisions(profile_id)[0].body["outcome"] == "acted"

    def test_an_older_profile_does_not_replace_a_newer_one(self, store: ProfileStore) -> None:
        """Only a profile from the same instant or a later one replaces what is stored."""
        profile_id = new_id("profile")
        store.put_profile(profile_id, {"n": 1}, updated_at=NOW)
        assert store.put_profile(profile_id, {"n": 0}, updated_at=NOW - timedelta(milliseconds=1)) is False
        assert document_of(store, profile_id) == {"n": 1}
        assert store.put_profile(profile_id, {"n": 2}, updated_at=NOW) is True
        assert store.put_profile(profile_id, {"n": 3}, updated_at=NOW + HOUR) is True
        assert document_of(store, profile_id) == {"n": 3}

    def test_a_profile_replaces_neither_state_nor_consent(self, store: ProfileStore) -> None:
        """An upstream write can't wipe a contact log, scores or consent."""
        profile_id = new_id("profile")
        store.put_consent(profile_id, a_consent(), now=NOW)
        acted(store, profile_id)
        before = read(store, profile_id)
        store.put_profile(profile_id, {"n": 1}, updated_at=NOW)
        assert replace(read(store, profile_id), profile_json=None) == before

    def test_a_profile_of_400_kilobytes_reads_as_it_was_written(self, store: ProfileStore) -> None:
        """A rich profile fits."""
        profile_id, dice = new_id("profile"), random.Random(7)
        orders: list[Json] = [
            {
                "sku": f"sku-{dice.randrange(5_000):05}",
                "paid": round(dice.random() * 90, 2),
                "at": "2026-10-01",
            }
            for _ in range(7_500)
        ]
        document = {"orders": orders}
        assert 400_000 < len(json.dumps(document)) < MAX_PROFILE_BYTES
        assert store.put_profile(profile_id, document, updated_at=NOW)
        assert document_of(store, profile_id) == document

    def test_a_profile_over_the_limit_is_refused(self, store: ProfileStore) -> None:
        """The limit is on the JSON text, however well it compresses."""
        profile_id = new_id("profile")
        too_large = {"text": "a" * MAX_PROFILE_BYTES}
        assert refuses(store.put_profile, profile_id, too_large, updated_at=NOW)
        assert read(store, profile_id).profile_json is None

    def test_numbers_are_kept_exactly(self, store: ProfileStore) -> None:
        """Integers beyond 2^53 and floats to the last bit, in profiles, bodies, messages and scores."""
        profile_id, decision = new_id("profile"), a_decision(new_id("profile"))
        store.put_profile(profile_id, {"n": list(_NUMBERS)}, updated_at=NOW)
        assert repr(document_of(store, profile_id)["n"]) == repr(list(_NUMBERS))
        request = with_action(replace(decision, body={"n": list(_NUMBERS)}))
        assert request.outbox is not None
        send(store, replace(request, outbox=replace(request.outbox, message={"n": list(_NUMBERS)})))
        entry = store.outbox_entry(decision.profile_id, decision.id)
        kept = read(store, decision.profile_id, decision.id).decision
        assert kept is not None
        assert entry is not None
        assert repr(kept.body["n"]) == repr(list(_NUMBERS))
        assert repr(entry.message["n"]) == repr(list(_NUMBERS))

    def test_text_is_kept_as_it_is(self, store: ProfileStore) -> None:
        """Every script, emoji and control character, as values and as keys; nothing is normalised."""
        profile_id = new_id("profile")
        document = {text: [text] for text in _TEXTS}
        store.put_profile(profile_id, document, updated_at=NOW)
        assert document_of(store, profile_id) == document
        decision = replace(a_decision(profile_id), body=document, reason=_TEXTS[1])
        send(store, scores_alone(decision))
        assert read(store, profile_id, decision.id).decision == decision

    def test_what_is_no_strict_json_is_refused(self, store: ProfileStore) -> None:
        """NaN, infinities, lone surrogates, other objects and endless nesting never reach a reader."""
        profile_id = new_id("profile")
        deep: Json = []
        for _ in range(200):
            deep = [deep]
        for value in (float("nan"), float("inf"), "\ud800", object(), b"bytes", NOW, {1: 0, "1": 0}, deep):
            decision = replace(a_decision(profile_id), body={"value": value})
            assert refuses(store.put_profile, profile_id, {"value": value}, updated_at=NOW)
            assert refuses(store.patch_profile, profile_id, {"value": value}, at=NOW)
            assert refuses(store.commit, scores_alone(decision))
        assert read(store, profile_id).profile_json is None
        assert list(store.decisions(profile_id)) == []

    def test_ids_are_kept_apart_whatever_they_hold(self, store: ProfileStore) -> None:
        """Spaces, separators, quotes, case and composed letters make different ids."""
        suffix = new_id("x")[-8:]
        ids = [name[: MAX_ID_BYTES - len(suffix)] + suffix for name in _IDS]
        for number, name in enumerate(ids):
            store.put_profile(name, {"n": number}, updated_at=NOW)
            store.put_alias(f"{suffix}-{number}-{name[:500]}", name)
            send(store, with_action(a_decision(name, name)))
        for number, name in enumerate(ids):
            assert document_of(store, name) == {"n": number}
            assert store.resolve_alias(f"{suffix}-{number}-{name[:500]}") == name
            assert [kept.id for kept in store.decisions(name)] == [name]
            assert _leased(store, name) == name

    def test_ids_that_can_not_be_kept_are_refused(self, store: ProfileStore) -> None:
        """Empty ids, ids over the limit, lone surrogates and what stores keep are refused by reads and writes."""
        for name in ("", "a" * (MAX_ID_BYTES + 1), "\ud800", RESERVED, f"{RESERVED}DECIDED#profile-1"):
            assert refuses(store.load, name, "decision-1")
            assert refuses(store.load, "profile-1", name)
            assert refuses(store.put_profile, name, {}, updated_at=NOW)
            assert refuses(store.put_consent, name, a_consent(), now=NOW)
            assert refuses(store.put_alias, name, "profile-1")
            assert refuses(store.add_alias, name, "profile-1")
            assert refuses(store.patch_profile, name, {"a": 1}, at=NOW)
            assert refuses(store.put_alias, "alias-1", name)
            assert refuses(store.commit, CommitRequest(a_decision(name)))
            assert refuses(store.decisions, name)
            assert refuses(store.outbox_entry, name, "decision-1")
            assert refuses(store.lease, name, "decision-1", owner="w", now=NOW, until=NOW + HOUR)
            assert refuses(store.resolve_alias, name)
            assert refuses(store.delete_profile, name)

    def test_an_alias_stands_for_the_last_profile_it_was_given(self, store: ProfileStore) -> None:
        """An alias that is put again moves; one that was never put stands for nothing."""
        alias, first, second = new_id("alias"), new_id("profile"), new_id("profile")
        assert store.resolve_alias(alias) is None
        store.put_alias(alias, first)
        assert store.resolve_alias(alias) == first
        store.put_alias(alias, second)
        assert store.resolve_alias(alias) == second

    def test_an_alias_that_is_added_is_not_taken_from_another_profile(self, store: ProfileStore) -> None:
        """Who adds learns whether the alias stands for that profile; the first one keeps it."""
        alias, first, second = new_id("alias"), new_id("profile"), new_id("profile")
        assert store.add_alias(alias, first) is True
        assert store.add_alias(alias, first) is True
        assert store.add_alias(alias, second) is False
        assert store.resolve_alias(alias) == first
        assert store.delete_profile(first) is True
        assert store.add_alias(alias, second) is True

    def test_a_read_says_what_an_id_stands_for(self, store: ProfileStore) -> None:
        """Also when the id has a profile of its own; the profile itself stands for nothing else."""
        alias, profile_id = new_id("alias"), new_id("profile")
        store.put_alias(alias, profile_id)
        store.put_profile(alias, {"n": 1}, updated_at=NOW)
        assert read(store, alias).stands_for == profile_id
        assert read(store, alias).profile_json == b'{"n":1}'
        assert read(store, profile_id).stands_for is None

    def test_traits_are_written_beside_a_profile_and_the_newest_of_each_counts(
        self, store: ProfileStore
    ) -> None:
        """A late word about one trait changes that trait only where nothing newer was said of it."""
        profile_id, later = new_id("profile"), NOW + HOUR
        store.put_profile(profile_id, {"orders": 5}, updated_at=NOW)
        assert store.patch_profile(profile_id, {"plan": "gold", "city": None}, at=later) is True
        assert store.patch_profile(profile_id, {"plan": "free", "age": 41}, at=NOW) is True
        assert store.patch_profile(profile_id, {"plan": "free"}, at=NOW + HOUR / 2) is False
        assert document_of(store, profile_id) == {
            "orders": 5,
            "traits": {"plan": "gold", "city": None, "age": 41},
            "traits_at": {
                "plan": format_instant(later),
                "city": format_instant(later),
                "age": format_instant(NOW),
            },
        }

    def test_a_whole_profile_ends_older_traits_and_keeps_newer_ones(self, store: ProfileStore) -> None:
        """The whole profile is a word about every trait."""
        profile_id = new_id("profile")
        store.patch_profile(profile_id, {"plan": "free"}, at=NOW)
        store.patch_profile(profile_id, {"city": "Ghent"}, at=NOW + 2 * HOUR)
        assert store.put_profile(profile_id, {"traits": {"plan": "gold"}}, updated_at=NOW + HOUR) is True
        assert document_of(store, profile_id) == {
            "traits": {"plan": "gold", "city": "Ghent"},
            "traits_at": {"city": format_instant(NOW + 2 * HOUR)},
        }
        assert store.patch_profile(profile_id, {"plan": "free"}, at=NOW) is False
        assert store.put_profile(profile_id, {}, updated_at=NOW + 3 * HOUR) is True
        assert document_of(store, profile_id) == {}

    def test_profiles_and_traits_end_alike_in_whatever_order_they_come(self, store: ProfileStore) -> None:
        """Every order of four updates leaves what the newest of each said."""
        ends = set()
        for order in permutations(range(4)):
            profile_id = new_id("profile")
            for step in order:
                at = NOW + step * HOUR
                if step == 1:
                    store.put_profile(profile_id, {"n": step}, updated_at=at)
                else:
                    store.patch_profile(profile_id, {"a": step, f"only-{step}": True}, at=at)
            ends.add(json.dumps(document_of(store, profile_id), sort_keys=True))
        assert [json.loads(end)["traits"] for end in ends] == [{"a": 3, "only-2": True, "only-3": True}]

    def test_deleting_a_profile_erases_all_that_is_kept_about_it(self, store: ProfileStore) -> None:
        """Document, consent, state, decisions, outbox and aliases go; a neighbour's stay."""
        profile_id, neighbour = new_id("profile"), new_id("profile")
        for name in (profile_id, neighbour):
            store.put_profile(name, {"n": 1}, updated_at=NOW)
            store.put_consent(name, a_consent(), now=NOW)
            store.put_alias(f"alias-of-{name}", name)
            acted(store, name)
        decision = store.decisions(profile_id)[0]
        before = read(store, neighbour)

        assert store.delete_profile(profile_id) is True

        nothing = Snapshot(profile_id, profile_json=None, consent={}, state=ProfileState(), decision=None)
        assert store.load(profile_id, decision.id) == nothing
        assert list(store.decisions(profile_id)) == []
        assert store.outbox_entry(profile_id, decision.id) is None
        assert own_outbox(store, profile_id) == []
        assert store.resolve_alias(f"alias-of-{profile_id}") is None
        assert store.delete_profile(profile_id) is False
        assert read(store, neighbour) == before
        assert store.resolve_alias(f"alias-of-{neighbour}") == neighbour
        assert len(own_outbox(store, neighbour)) == 1

    def test_an_alias_alone_is_something_to_delete(self, store: ProfileStore) -> None:
        """A profile that only an alias points to can be erased, once."""
        alias, profile_id = new_id("alias"), new_id("profile")
        store.put_alias(alias, profile_id)
        assert store.delete_profile(profile_id) is True
        assert store.resolve_alias(alias) is None
        assert store.delete_profile(profile_id) is False

    def test_closing_twice_is_fine(self, store: ProfileStore) -> None:
        """A store may be closed by whoever is done with it."""
        store.close()
        store.close()


def _leased(store: ProfileStore, name: str) -> str | None:
    entry = store.lease(name, name, owner="worker-1", now=NOW, until=NOW + HOUR)
    return entry.decision_id if entry else None
