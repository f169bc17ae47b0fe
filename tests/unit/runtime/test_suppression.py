"""Suppression lists: marks under a keyed hash, asked by a rule, and what can't be known forbids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.errors import ActionUnavailableError, ProfileStoreError, SettingsError
from functions.models.memory import MemoryModel
from functions.models.model import ModelReply
from functions.profiles.memory import MemoryProfileStore
from functions.profiles.memory_operator import MemoryOperatorStore
from functions.profiles.operator_documents import SUPPRESSION_KEY, OperatorDocument
from functions.runtime.engine import Runtime
from functions.runtime.receipt import Receipt
from functions.runtime.suppression import Listed, Mark, Suppressions
from functions.settings import read_settings
from functions.spec.plan import Plan
from functions.testing.rehearsal import Rehearsal
from functions.testing.sample_function import CUSTOMER, NOW, a_plan, an_event, put_customer

SECRET = "correct horse battery staple"
RULE: dict[str, Any] = {"name": "stop", "forbid": "all", "listed": "do-not-contact"}
MARK = Mark(datetime(2026, 11, 1, tzinfo=UTC))


def marks(documents: MemoryOperatorStore, secret: str | None = SECRET) -> Suppressions:
    environment = {} if secret is None else {"FUNCTIONS_SECRET_SUPPRESSION_KEY": secret}
    return Suppressions(documents, read_settings(environment).secret)


def test_a_mark_holds_no_id_in_the_clear() -> None:
    documents = MemoryOperatorStore()
    marks(documents).add("do-not-contact", "customer-0042", replace(MARK, because="asked"))

    assert "customer-0042" not in str(vars(documents))
    assert marks(documents).marks("customer-0042") == {"do-not-contact": replace(MARK, because="asked")}
    assert marks(documents).marks("customer-0043") == {}
    other = marks(MemoryOperatorStore(), SECRET + "!")
    other.add("do-not-contact", "customer-0042", MARK)
    mine, theirs = (one.listed(["customer-0042"], now=NOW) for one in (marks(documents), other))
    assert mine is not None
    assert theirs is not None
    assert mine.lists == theirs.lists
    assert mine.marks[0].name != theirs.marks[0].name


def test_lists_are_those_of_every_id_and_end_with_the_mark() -> None:
    found = marks(MemoryOperatorStore())

    def lists_of(*ids: str, now: datetime = NOW) -> frozenset[str] | None:
        known = found.listed(ids, now=now)
        return known.lists if known is not None else None

    found.add("calls", "visitor-7", replace(MARK, until=NOW + timedelta(hours=1)))
    found.add("mail", "customer-0042", MARK)
    found.add("mail", "customer-0042", replace(MARK, because="again"))

    assert lists_of("customer-0042", "visitor-7") == frozenset({"calls", "mail"})
    assert lists_of("customer-0042", "visitor-7", now=NOW + timedelta(hours=1)) == frozenset({"mail"})
    assert found.remove("mail", "customer-0042") is True
    assert found.remove("mail", "customer-0042") is False
    assert lists_of("customer-0042") == frozenset()


def test_without_a_key_nothing_is_written_and_only_an_empty_store_is_known() -> None:
    documents = MemoryOperatorStore()
    for secret in (None, "too short"):
        with pytest.raises(SettingsError):
            marks(documents, secret).add("mail", "customer-0042", MARK)
        assert marks(documents, secret).listed(["customer-0042"], now=NOW) == Listed(frozenset())
    marks(documents).add("mail", "customer-0042", MARK)
    for secret in (None, "too short", "another key of some length"):
        assert marks(documents, secret).listed(["customer-0042"], now=NOW) is None
        assert marks(documents, secret).listed(["customer-0043"], now=NOW) is None
    with pytest.raises(SettingsError, match=f"{SUPPRESSION_KEY!r} is not the one"):
        marks(documents, "another key of some length").add("mail", "customer-0043", MARK)


class FailingDocuments(MemoryOperatorStore):
    """Can be told to fail, and remembers what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.read: list[tuple[str, ...]] = []

    def read_documents(self, *names: str) -> Mapping[str, OperatorDocument]:
        self.read.append(names)
        if self.fails:
            raise ProfileStoreError("no")
        return super().read_documents(*names)


def test_the_check_of_the_key_is_read_until_the_key_has_passed_it() -> None:
    """Else every decision of every customer would read the same item."""
    documents = FailingDocuments()
    found = marks(documents)
    known = [found.listed([customer], now=NOW) for customer in ("a", "b")]
    assert [one and one.lists for one in known] == [frozenset(), frozenset()]
    assert ["suppression" in names for names in documents.read] == [True, True]
    marks(documents).add("mail", "a", MARK)
    documents.read.clear()
    known = [found.listed([customer], now=NOW) for customer in ("a", "b")]
    assert [one and one.lists for one in known] == [frozenset({"mail"}), frozenset()]
    assert ["suppression" in names for names in documents.read] == [True, False]


def ruled(rule: dict[str, Any]) -> Plan:
    return a_plan(rails=[rule], trigger={"event_pattern": {"detail-type": ["page_view"]}})


def codes(receipt: Receipt) -> set[str]:
    return {one.code for candidate in receipt.candidates for one in candidate.reasons}


def world(documents: MemoryOperatorStore) -> Rehearsal:
    store = MemoryProfileStore(documents=documents)
    rehearsal = Rehearsal(now=NOW, store=store, model=MemoryModel(lambda _: ModelReply(b"0.83", "text/csv")))
    rehearsal.ports = replace(rehearsal.ports, suppressions=marks(documents))
    rehearsal.runtime = Runtime(rehearsal.ports)
    put_customer(rehearsal.store)
    return rehearsal


def test_a_customer_on_the_list_gets_nothing_and_others_do() -> None:
    documents, plan = MemoryOperatorStore(), ruled(RULE)
    runtime = world(documents).runtime
    marks(documents).add("do-not-contact", "somebody-else", MARK)
    assert runtime.handle(plan, an_event("first"), now=NOW).outcome == "acted"
    marks(documents).add("do-not-contact", CUSTOMER, MARK)
    receipt = runtime.handle(plan, an_event("second"), now=NOW)
    assert receipt.outcome == "suppressed"
    assert codes(receipt) == {"rail.blocked"}


def test_a_mark_on_one_id_of_a_customer_counts_under_every_id() -> None:
    documents, plan = MemoryOperatorStore(), ruled(RULE)
    rehearsal = world(documents)
    rehearsal.store.put_alias("visitor-7", CUSTOMER)
    marks(documents).add("do-not-contact", "visitor-7", MARK)
    for user_id in ("visitor-7", CUSTOMER):
        receipt = rehearsal.runtime.handle(plan, an_event(f"by-{user_id}", user_id=user_id), now=NOW)
        assert (receipt.profile_id, receipt.outcome, codes(receipt)) == (
            CUSTOMER,
            "suppressed",
            {"rail.blocked"},
        )


def test_marks_that_can_not_be_read_forbid() -> None:
    documents, plan = FailingDocuments(), ruled(RULE)
    runtime = world(documents).runtime
    documents.fails = True
    receipt = runtime.handle(plan, an_event("first"), now=NOW)
    assert (receipt.outcome, codes(receipt)) == ("suppressed", {"rail.unknown"})


def test_nothing_is_read_where_no_rule_asks() -> None:
    documents = FailingDocuments()
    rule = {"name": "consent", "forbid": "all", "unless_consent": "marketing"}
    assert world(documents).runtime.handle(ruled(rule), an_event(), now=NOW).outcome == "acted"
    assert documents.read == []


def test_a_mark_that_comes_between_decision_and_act_releases_the_action() -> None:
    documents, plan = MemoryOperatorStore(), ruled(RULE)
    rehearsal = world(documents)
    rehearsal.channel.fail(ActionUnavailableError("no"))
    receipt = rehearsal.runtime.handle(plan, an_event(), now=NOW)
    assert receipt.action is not None
    assert receipt.action.delivery == "queued"
    marks(documents).add("do-not-contact", CUSTOMER, MARK)
    rehearsal.wait(timedelta(minutes=5))
    ((_, done),) = rehearsal.runtime.redrive(plan.policy, now=NOW + timedelta(minutes=5))
    assert done is not None
    assert (done.delivery, done.note) == ("none", "rail.blocked:stop")
