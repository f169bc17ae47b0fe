"""The data contract: purposes and the consent each needs."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from functions.documents import Json
from functions.governance.contract import DataContract


def test_contract_gives_the_consent_of_each_purpose() -> None:
    contract = DataContract.model_validate({"purposes": {"retention": {"consent": "marketing"}}})
    assert contract.purposes["retention"].consent == "marketing"
    assert contract.purposes["retention"].description is None


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"purposes": {}},
        {"purposes": {"retention": {}}},
        {"purposes": {"retention": {"consent": ""}}},
        {"purposes": {"retention": {"consent": None}}},
        {"purposes": {"retention": {"consent": "a b"}}},
        {"purposes": {"Retention": {"consent": "a"}}},
        {"purposes": {"retention": {"consent": "a", "may_reed": []}}},
        {"purposes": {"retention": {"consent": "a"}}, "profil": {}},
    ],
)
def test_contract_that_could_leave_a_purpose_without_consent_is_refused(document: Json) -> None:
    with pytest.raises(ValidationError):
        DataContract.model_validate(document)
