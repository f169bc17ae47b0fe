"""The section `consents` of the data contract: what platforms call the consents that purposes need."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from functions.governance.statements import ConsentSource

_Category = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]
_Categories = Annotated[list[_Category], Field(min_length=1, max_length=50)]


class ConsentSection(BaseModel):
    """Which words of the platforms speak about one consent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    segment: _Categories | None = Field(
        default=None,
        description="Categories of Segment's `consent.categoryPreferences`; every one must be true.",
    )
    tealium: _Categories | None = Field(
        default=None,
        description="Categories of Tealium's `consent_categories`; every one must be listed. `Display Ads` and "
        "`display_ads` are the same.",
    )
    gpc: Literal["denies"] | None = Field(
        default=None,
        description="`denies`: a browser that sends `Sec-GPC: 1` refuses it, as where data are sold, shared, or used "
        "for targeting.",
    )

    ended_by: list[Literal["unsubscribed", "complained"]] = Field(
        default=["unsubscribed", "complained"],
        description="Outcomes that revoke it. An unsubscription and a complaint end every consent that does not say "
        "otherwise; `[]` for one that has nothing to do with messages.",
    )

    def source(self) -> ConsentSource:
        """Return the section as a runtime uses it."""
        return ConsentSource(
            tuple(self.segment or ()), tuple(self.tealium or ()), self.gpc is not None, tuple(self.ended_by)
        )
