"""The data contract, `contract.yaml`: what customer data is, what it may be used for, and under which consent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from functions.governance.consent_section import ConsentSection
from functions.governance.durations import Duration
from functions.governance.labels import PATTERN, Label, LabelMap, LabelRule, parse_pattern
from functions.governance.statements import ConsentSource

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
_Pattern = Annotated[str, StringConstraints(pattern=PATTERN, max_length=500)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PathLabel(_Section):
    """What stands at a path and below."""

    label: Label = Field(description="What it is; see the page about privacy.")
    purposes: Annotated[list[_Name], Field(min_length=1)] | None = Field(
        default=None,
        description="The only purposes that it may serve, of those that may read the label. None: all of them.",
    )
    description: _Text | None = Field(default=None, description="For the privacy review.")


class Retention(_Section):
    """How long what a purpose leaves behind is kept."""

    decisions: Duration | None = Field(
        default=None,
        description="How long its decisions are kept, 30d or more; 30d when not given.",
    )
    scores: Duration | None = Field(
        default=None,
        description="The longest that a score of it may live; then every score must give `expires_after`.",
    )


class Purpose(_Section):
    """One use of customer data."""

    consent: _Name = Field(description="The consent record that must say `granted`, such as `marketing`.")
    description: _Text | None = Field(
        default=None, description="What the purpose is, for the privacy review."
    )
    may_read: list[Label] = Field(
        default=[], description="Labels that its features may read; none when not given."
    )
    retention: Retention = Field(default=Retention(), description="How long what it leaves behind is kept.")


class DetectorRules(_Section):
    """What is done when something that leaves looks like personal data after all."""

    on_hit: Literal["warn", "block"] = Field(
        default="warn",
        description="`warn` names it in the receipt and counts it; `block` also refuses to send it.",
    )


class DataContract(_Section):
    """What customer data is, and which uses of it there are."""

    profile: dict[_Pattern, PathLabel] = Field(
        default={},
        description="Path below `profile` to its label, which holds for everything below it too; `*` is any key. The "
        "most specific path counts.",
    )
    event: dict[_Pattern, PathLabel] = Field(
        default={}, description="The same for paths below `event`, such as `properties.value`."
    )
    purposes: Annotated[dict[_Name, Purpose], Field(min_length=1)] = Field(
        description="Purpose to the consent it needs and what it may read; a spec names one of them."
    )
    consents: dict[_Name, ConsentSection] = Field(
        default={},
        description="Consent to the words of platforms that speak about it, in events and when profiles are "
        "taken in. A consent that does not stand here is spoken about by its own name alone.",
    )
    detector: DetectorRules = Field(
        default=DetectorRules(),
        description="What is done when something that leaves looks like personal data after all.",
    )

    def rules(self) -> Iterator[tuple[str, str, LabelRule]]:
        """Yield every label with the section and the pattern under which it stands."""
        for section, labels in (("profile", self.profile), ("event", self.event)):
            for pattern, entry in labels.items():
                purposes = frozenset(entry.purposes) if entry.purposes is not None else None
                yield section, pattern, LabelRule(parse_pattern(section, pattern), entry.label, purposes)

    def sources(self) -> dict[str, ConsentSource]:
        """Return what speaks about each consent that a purpose needs, or that has a section."""
        needed = {purpose.consent: ConsentSection() for purpose in self.purposes.values()}
        return {name: section.source() for name, section in {**needed, **self.consents}.items()}

    def labels(self) -> LabelMap:
        """Return the labels, to be asked what a read touches."""
        return LabelMap(rule for _, _, rule in self.rules())
