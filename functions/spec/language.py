"""The spec language, version 1: what one YAML file under `feature_specs/` may say.

The descriptions here are the reference: the JSON Schema and the documentation are made from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from functions.governance.durations import Duration
from functions.spec.fields import (
    AmountValue,
    AnswerValue,
    DottedClass,
    ExpressionText,
    HeaderValue,
    Identifier,
    JsonDocument,
    Name,
    Scalar,
    ScorePath,
    SecretName,
    Section,
    Size,
    Text,
)


class Trigger(Section):
    """Which events fire the function."""

    event_pattern: dict[str, JsonDocument] = Field(
        description="An EventBridge event pattern. It is the deployed rule, and it is matched the same way locally: "
        "`source`, `detail-type`, and `detail` with the canonical event."
    )
    max_age: Duration | None = Field(
        default=None,
        description="An event older than this gets no action; its score is still written. None: any age.",
    )


class Profile(Section):
    """Whose profile is loaded."""

    key: ExpressionText = Field(
        default="event.user_id || event.anonymous_id",
        description="Gives the profile id; reads `event` only. Null rejects the event.",
    )
    missing: Literal["suppress", "empty"] = Field(
        default="suppress",
        description="When there is no profile: `suppress` ends the decision, `empty` goes on with an empty one "
        "(consent is still needed).",
    )


class Feature(Section):
    """One named, typed, bounded input of the model."""

    from_: ExpressionText = Field(alias="from", description="JMESPath over `event`, `profile` and `now`.")
    type: Literal["float", "int", "bool", "string", "category"] = Field(
        description="Type of the value. A value of another type is an error, never converted silently; an int "
        "passes as a float, and a float without fraction as an int. See `wrong_type`."
    )
    unit: Text | None = Field(
        default=None, description="For people, such as `days` or `EUR`; nothing is converted."
    )
    range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="[lowest, highest], both allowed."
    )
    categories: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="The values a `category` may have; another value is out of range."
    )
    outside: AnswerValue = Field(
        default="error", description="Answer to a value out of range: `clip`, `error`, null or a value."
    )
    missing: AnswerValue = Field(
        default="error",
        description="Answer when a path the expression reads does not exist: a value, null or `error`.",
    )
    null: AnswerValue = Field(
        default="error",
        description="Answer when the path exists and holds null. When it is not given, the answer to `missing` counts.",
    )
    wrong_type: AnswerValue = Field(
        default="error",
        description="Answer to a value of another type, or one that is not finite: a value, null or `error`.",
    )
    stale_after: Duration | None = Field(
        default=None,
        description="Age from which the value is stale; needs `stale`, and `as_of` unless it is a score.",
    )
    stale: AnswerValue = Field(
        default="error", description="Answer to a stale value: a value, null or `error`."
    )
    as_of: ExpressionText | None = Field(
        default=None,
        description="Gives the instant of the value. For `profile.scores.NAME.value` it is `profile.scores.NAME.at`.",
    )


class Request(Section):
    """How the features become a payload."""

    format: Literal["csv", "json", "jsonlines"] | None = Field(
        default=None,
        description="`csv` sends the features in order, every number as a float. `json` sends "
        '`{"instances": [{name: value}]}` unless there is a template; `jsonlines` sends `{"features": [...]}`.',
    )
    template: JsonDocument | None = Field(
        default=None,
        description="A JSON document for `json` and `jsonlines`; a leaf `{from: expression}` is filled from `features`.",
    )
    missing_token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z?-]{1,10}$")] | None = Field(
        default=None, description="What a null is in CSV, such as `nan`. Without it a null is an error."
    )


class ModelSection(Section):
    """What every kind of model has in common."""

    request: Request = Field(default=Request(), description="How the features become a payload.")
    response: Annotated[dict[Identifier, ExpressionText], Field(min_length=1)] = Field(
        description="Output name to JMESPath over the decoded reply (CSV: a list of cells; JSON lines: a list)."
    )
    range: dict[Identifier, Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(
        default={}, description="Output name to [lowest, highest]; a reply outside is not believed."
    )
    timeout: Duration = Field(description="Wall time of the whole step, retries included.")
    attempts: Annotated[int, Field(ge=1, le=5)] = Field(
        default=2,
        description="Calls at the most, inside the timeout; only what can succeed later is tried again.",
    )
    max_payload: Size = Field(
        default=1_000,
        description="Budget of the body; more is an error, never a cut.",
        json_schema_extra={"default": "1KB"},
    )
    fallback: list[Annotated[dict[Identifier, Scalar], Field(min_length=1)]] = Field(
        default=[],
        description="Rungs in order, each an output name to an expression (usually the last unexpired score, "
        "`profile.scores.NAME.value`) or a constant.",
    )


class SageMaker(ModelSection):
    """A SageMaker endpoint, called by InvokeEndpoint."""

    kind: Literal["sagemaker"]
    endpoint: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")] = Field(
        description="Name of the endpoint."
    )
    target_variant: (
        Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")] | None
    ) = None
    target_model: Text | None = None
    target_container: Text | None = None
    inference_component: (
        Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")] | None
    ) = None
    custom_attributes: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,1024}$")] | None = None
    accept: Text | None = Field(
        default=None, description="Media type to ask for; by default that of the request."
    )


class Http(ModelSection):
    """Any HTTP endpoint that takes a POST and answers JSON, CSV or JSON lines."""

    kind: Literal["http"]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s@]+$", max_length=2000)] = Field(
        description="Where to post; no credentials in it."
    )
    headers: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")], HeaderValue] = Field(
        default={}, description="Header to text or `{secret: NAME}`."
    )
    bearer: SecretName | None = Field(default=None, description="Secret that is sent as a bearer token.")
    accept: Text | None = Field(
        default=None, description="Media type to ask for; by default that of the request."
    )


class Custom(ModelSection):
    """A model class of your own."""

    kind: DottedClass = Field(
        description="`package.module:Class`; built with the model's plan and connection."
    )
    target: Text = Field(description="What receipts call it.")
    options: dict[str, JsonDocument] = Field(default={}, description="Handed to the class.")


def _kind_of(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    if isinstance(kind, str) and ":" in kind:
        return "<custom>"
    return f"<{kind}>" if kind in ("sagemaker", "http") else "unknown"


Model = Annotated[
    Annotated[SageMaker, Tag("<sagemaker>")]
    | Annotated[Http, Tag("<http>")]
    | Annotated[Custom, Tag("<custom>")],
    Discriminator(
        _kind_of,
        custom_error_type="model_kind",
        custom_error_message="kind must be sagemaker, http, or package.module:Class",
    ),
]


class WriteBack(Section):
    """One score that goes back to the profile."""

    from_: ExpressionText = Field(
        alias="from", description="JMESPath over the outputs, `features`, `event`, `profile`."
    )
    expires_after: Duration | None = Field(default=None, description="From then on readers ignore the score.")
    notify: Name | None = Field(
        default=None,
        description="A channel of the registry that is told `score.updated` after the commit, at least once, under one "
        "key for each decision and score.",
    )


class Decide(Section):
    """When something happens, and what may."""

    when: ExpressionText | None = Field(
        default=None, description="Must be true for an action; false and null mean do-nothing. None: always."
    )
    actions: Annotated[list[Name], Field(max_length=50)] = Field(
        default=[], description="Names from the registry, the best first; do-nothing is always there."
    )
    do_nothing: dict[Name, AmountValue] = Field(
        default={},
        description="Objective to the chance of a success (or the amount that is expected) without any action: a "
        "number, or an expression over `features` and the outputs. Needed for every objective that an action names.",
    )
    segment: ExpressionText | None = Field(
        default=None,
        description="Gives the segment in which responses are counted, over `features` and the outputs; one for all "
        "by default.",
    )


class GovernanceException(Section):
    """Guarded data that this function may let leave all the same, reviewed by a person."""

    reads: Text = Field(
        description="One path, such as `profile.identity.email`; it holds for everything below it, and for no `*`."
    )
    to: Annotated[list[Literal["model", "action", "score", "channel"]], Field(min_length=1)] = Field(
        default=["model"],
        description="The ways out that it may take: to the model, with actions (which also takes what conditions ask), "
        "into scores of the profile, or in messages about scores to a channel.",
    )
    because: Text = Field(description="Why, for the privacy review; it stands in every receipt.")
    reviewed_by: Text = Field(description="Who has agreed, by name.")


class Spec(Section):
    """One function: what fires it, what it reads, what leaves, under which consent, what may happen."""

    version: Literal[1] = Field(description="Version of the language.")
    name: Name = Field(description="Name of the function; lower case, digits and dashes.")
    owner: Text = Field(description="Who answers for it.")
    description: Text = Field(description="What it does, in a sentence or two.")
    trigger: Trigger = Field(description="Which events fire it.")
    profile: Profile = Field(default=Profile(), description="Whose profile is loaded.")
    purpose: Name = Field(
        description="A purpose of the data contract; its consent is checked before anything else."
    )
    exceptions: Annotated[list[GovernanceException], Field(max_length=50)] = Field(
        default=[],
        description="Direct identifiers, sensitive data, or labels that the purpose may not read, which this function "
        "reads and may let leave. Each stands in every receipt.",
    )
    features: Annotated[dict[Identifier, Feature], Field(max_length=1000)] = Field(
        default={}, description="The inputs of the model, in the order of a CSV payload."
    )
    model: Model | None = Field(default=None, description="What scores the features; none for a rule alone.")
    score: Literal["always", "when-actionable"] = Field(
        default="always",
        description="Whether the model is called when no action can follow: an event that is too old, or no action "
        "left. The holdout is scored like everybody else, so that groups stay comparable.",
    )
    write_back: dict[ScorePath, WriteBack] = Field(
        default={}, description="Scores for the profile: `scores.NAME` to where the value comes from."
    )
    decide: Decide = Field(default=Decide(), description="When something happens, and what may.")
