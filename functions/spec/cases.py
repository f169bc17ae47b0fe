"""Cases beside a spec, `<name>.cases.yaml`: what is given, and what is expected of the function."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from functions.spec.feature_plan import FeatureState
from functions.spec.fields import Identifier, JsonDocument, Name, Section, Text, shape_of


class GivenReply(Section):
    """The reply of the model in a case."""

    body: JsonDocument = Field(description="A JSON document, or a text for CSV and JSON lines.")
    content_type: Text = Field(default="application/json", description="Media type of the reply.")


_Failure = Literal["down", "timeout", None]


class Given(Section):
    """What a case starts from."""

    event: JsonDocument = Field(
        description="An event: a path of a file beside the specs or in `events/`, or the event itself."
    )
    profile: JsonDocument | None = Field(default=None, description="The enriched profile; null for none.")
    consent: dict[str, JsonDocument] = Field(
        default={}, description="Consent record to status, or to an object with a status."
    )
    scores: dict[Identifier, JsonDocument] = Field(
        default={}, description="Scores on the profile: name to `{value, at, expires_at}`."
    )
    model: Annotated[
        Annotated[GivenReply, Tag("<mapping>")] | Annotated[_Failure, Tag("<scalar>")],
        Discriminator(shape_of),
    ] = Field(
        default=None, description="The model's reply, or how it fails. None: the model must not be called."
    )
    now: Text | None = Field(default=None, description="Decision time; the event's own time when not given.")


class Expected(Section):
    """What the receipt must say; keys that are not given are not compared."""

    outcome: Literal["acted", "no_action", "suppressed", "duplicate", "rejected", "failed"] | None = None
    reason: Text | None = Field(default=None, description="Code of the reason.")
    action: Name | None = Field(default=None, description="Name of the action; null for none.")
    features: dict[Identifier, JsonDocument] | None = Field(
        default=None, description="All of them, exactly; numbers to nine digits."
    )
    imputed: dict[Identifier, FeatureState] | None = None
    payload: Text | None = Field(default=None, description="The body that leaves, as text.")
    scores: dict[Identifier, JsonDocument] | None = Field(default=None, description="Outputs of the model.")
    rung: Literal["model", "cache", "fallback", "none"] | None = None
    write_back: dict[str, JsonDocument] | None = None


class Case(Section):
    """One example of what the function does."""

    name: Text = Field(description="A sentence.")
    given: Given
    expect: Expected


class CasesFile(Section):
    """The cases of one function."""

    cases: Annotated[list[Case], Field(min_length=1)]
