"""The gate before a model: no payload without a clearance, and no clearance without a passed check."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.governance.consent import ConsentRecord, ConsentStatus
from functions.governance.gate import Clearance, ConsentCheck, Payload, _Token, check_consent, clear
from functions.spec.plan import Flow, Governance

NOW = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)


def check(status: ConsentStatus | None) -> ConsentCheck:
    record = None if status is None else ConsentRecord("marketing", status, NOW)
    return check_consent(record, check="before_model", purpose="retention", consent="marketing", now=NOW)


def leaving(*labels: str, may: tuple[str, ...] = ("derived", "transactional")) -> Governance:
    """Return what a plan says: what may leave, and the labels of what goes to the model."""
    return Governance(may, (Flow("model", "m", (), (), outputs=False, labels=labels),))


def payload(clearance: Any) -> Payload:
    return Payload(clearance, "text/csv", b"1.0", "text/csv")


def test_check_says_what_was_asked_and_what_the_record_meant() -> None:
    made = check("granted")
    assert (made.check, made.purpose, made.consent, made.verdict) == (
        "before_model",
        "retention",
        "marketing",
        "granted",
    )
    assert made.passed
    assert check(None).verdict == "unknown"


def test_check_that_was_not_made_here_clears_nothing() -> None:
    for token in (None, object(), _Token()):
        made: Any = ConsentCheck("before_model", "retention", "marketing", "granted", token=token)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="check_consent"):
            clear(made, leaving())


@pytest.mark.parametrize("status", [None, "unknown", "denied", "revoked", "conflict"])
def test_check_that_did_not_pass_gives_no_clearance(status: ConsentStatus | None) -> None:
    assert not check(status).passed
    assert clear(check(status), leaving()) is None


def test_passed_check_clears_its_purpose_and_a_payload_can_be_built() -> None:
    clearance = clear(check("granted"), leaving("derived"))
    assert clearance is not None
    assert (clearance.purpose, clearance.genuine) == ("retention", True)
    assert payload(clearance).body == b"1.0"


@pytest.mark.parametrize("token", [None, object(), True, _Token()])
def test_clearance_can_not_be_made_by_hand(token: Any) -> None:
    with pytest.raises(TypeError, match=r"made by functions\.governance\.gate\.clear"):
        Clearance("retention", frozenset(), token=token)


def forged() -> Clearance:
    made = object.__new__(Clearance)
    made._purpose = "retention"
    return made


class Lookalike:
    purpose = "retention"
    genuine = True


class Descendant(Clearance):
    __slots__ = ()

    def __init__(self) -> None:
        self._purpose = "retention"

    @property
    def genuine(self) -> bool:
        return True


@pytest.mark.parametrize(
    "clearance",
    [None, True, "retention", Lookalike(), forged(), Descendant(), check("granted")],
    ids=lambda value: type(value).__name__,
)
def test_payload_is_refused_without_a_clearance_of_the_gate_also_at_run_time(clearance: object) -> None:
    with pytest.raises(TypeError, match="needs the Clearance of a passed consent check"):
        payload(clearance)


@pytest.mark.parametrize("labels", [("sensitive",), ("derived", "direct-identifier"), ("unlabelled",)])
def test_a_clearance_is_given_only_for_labels_that_may_leave(labels: tuple[str, ...]) -> None:
    clearance = clear(check("granted"), leaving("derived"))
    assert payload(clearance).labels == {"derived"}
    with pytest.raises(TypeError, match="only for what may leave"):
        clear(check("granted"), leaving(*labels))


def test_clearance_does_not_survive_leaving_the_process() -> None:
    clearance = clear(check("granted"), leaving("derived"))
    with pytest.raises((TypeError, pickle.PicklingError)):
        payload(pickle.loads(pickle.dumps(clearance)))
    with pytest.raises(TypeError):
        payload(copy.deepcopy(clearance))


def test_payload_does_not_show_its_body_in_a_repr() -> None:
    clearance = clear(check("granted"), leaving("derived"))
    assert b"1.0" not in repr(payload(clearance)).encode()
