"""The data contract, `contract.yaml`: the purposes, and the consent that each needs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from functions.governance.consent_section import ConsentSection

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class Purpose(BaseModel):
    """One use of customer data."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    consent: _Name = Field(description="The consent record that must say `granted`, such as `marketing`.")
    description: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = Field(
        default=None, description="What the purpose is, for the privacy review."
    )


class DataContract(BaseModel):
    """Which uses of customer data there are."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    purposes: Annotated[dict[_Name, Purpose], Field(min_length=1)] = Field(
        description="Purpose to the consent it needs; a spec names one of them."
    )
    consents: dict[_Name, ConsentSection] = Field(
        default={},
        description="Consent to the words of platforms that speak about it, in events and when profiles are "
        "taken in. A consent that does not stand here is spoken about by its own name alone.",
    )
