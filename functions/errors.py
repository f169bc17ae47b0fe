"""One tree of errors. Each knows its code, who must act, and whether a retry can help.

Codes are public API: dotted, stable, documented. Messages say where, what and what to do. They never
hold a value of an event or a profile: names, paths, sizes and codes only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

Who = Literal["author", "operator", "sender"]
"""Who must act: the author of a spec, the operator of the service, or the sender of an event."""


class FunctionsError(Exception):
    """The root of every error that this package raises on purpose.

    Attributes:
        code: Stable, dotted, public.
        retryable: Whether the same call can succeed later without a change.
        who: Who must act.
        hint: What to do, as a sentence; None where the message says it all.
    """

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False
    who: ClassVar[Who] = "operator"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """The sentence that says where and what."""
        return str(self.args[0])


class SettingsError(FunctionsError):
    """A setting is missing or wrong."""

    code = "settings.invalid"


class UsageError(SettingsError):
    """Arguments of a command that do not go together."""

    code = "usage.invalid"


class UnknownFunctionError(FunctionsError):
    """No spec has the name that was asked for."""

    code = "function.unknown"
    who = "author"


class BuiltPlanError(FunctionsError):
    """A built plan is missing, stale, damaged, or of another version of this package."""

    code = "build.unusable"


class PolicyUnusableError(FunctionsError):
    """What operators have put into the store for every function is missing or damaged."""

    code = "policy.unusable"


class PolicyNewerFormatError(FunctionsError):
    """What operators have put into the store was written by a newer version of this package."""

    code = "policy.newer_format"


class PolicyMovedError(FunctionsError):
    """Somebody else published a policy meanwhile; look at theirs before you publish yours."""

    code = "policy.moved"


class UnknownPolicyError(FunctionsError):
    """No version of the policy that was published has the hash that was asked for."""

    code = "policy.unknown_version"


class UnknownNameError(FunctionsError):
    """No action or function has the name that was to be switched."""

    code = "switch.unknown_name"


class EventError(FunctionsError):
    """The event can't be used; it is rejected with its code."""

    code = "event.invalid"
    who = "sender"


class EventMalformedError(EventError):
    """The event is no JSON, or not of the shape its envelope or dialect promises."""

    code = "event.malformed"


class EventTooLargeError(EventError):
    """The event is over the size or depth that is read."""

    code = "event.too_large"


class EventEnvelopeError(EventError):
    """The envelope or dialect is of no kind that is known."""

    code = "event.unknown_envelope"


class EventForeignAccountError(EventError):
    """The record comes from an AWS account that is not accepted."""

    code = "event.foreign_account"


class EventWithoutIdError(EventError):
    """The producer gave the event no id, so a redelivery could not be told from a new event."""

    code = "event.no_id"


class EventFromFutureError(EventError):
    """The event's time is further ahead of the clock than the allowed skew."""

    code = "event.from_future"


class EventWithoutKeyError(EventError):
    """The spec's profile key is null for this event, or no usable text."""

    code = "event.no_key"


class EventBlockedIdError(EventError):
    """An id is a word such as `null` or `anonymous`, or zeros: it would join strangers into one profile."""

    code = "event.blocked_id"


class UnhandledRecordError(FunctionsError):
    """A record was not dealt with; the event source delivers it again, or parks it."""

    code = "handler.unhandled"
    retryable = True


class FeatureError(FunctionsError):
    """A feature has no usable value and its spec declares `error` for that case."""

    code = "feature.error"
    who = "author"
    state: ClassVar[str] = "failed"

    def __init__(self, message: str, *, hint: str | None = None, feature: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.feature = feature


class FeatureMissingError(FeatureError):
    """A feature's path does not exist."""

    code = "feature.missing"
    state = "missing"


class FeatureNullError(FeatureError):
    """A feature's path exists and holds null."""

    code = "feature.null"
    state = "null"


class FeatureStaleError(FeatureError):
    """A feature's value is older than it may be."""

    code = "feature.stale"
    state = "stale"


class FeatureRangeError(FeatureError):
    """A feature's value is outside its declared range."""

    code = "feature.out_of_range"
    state = "out_of_range"


class FeatureTypeError(FeatureError):
    """A feature's value is of another type than declared."""

    code = "feature.wrong_type"
    state = "wrong_type"


class FeatureNotFiniteError(FeatureError):
    """A feature's value is NaN or infinite."""

    code = "feature.not_finite"
    state = "wrong_type"


class FeatureExpressionError(FeatureError):
    """A feature's expression failed on this document."""

    code = "feature.failed"


class PayloadTooLargeError(FeatureError):
    """The payload is over its declared budget; it is never cut."""

    code = "payload.too_large"


class PayloadBlockedError(FeatureError):
    """Something that was about to leave looks like personal data, and the data contract says to block it."""

    code = "payload.blocked"


class DependencyError(FunctionsError):
    """Something this service depends on did not do its part."""

    code = "dependency.failed"


class ProfileStoreError(DependencyError):
    """The profile store did not answer or refused."""

    code = "store.failed"


class StoreUnavailableError(ProfileStoreError):
    """The store is locked, unreachable or too slow."""

    code = "store.unavailable"
    retryable = True


class StoreThrottledError(ProfileStoreError):
    """The store asks for fewer requests."""

    code = "store.throttled"
    retryable = True


class StoreContendedError(ProfileStoreError):
    """Others changed the same profile at every attempt until the deadline."""

    code = "store.contended"
    retryable = True


class StoreDeniedError(ProfileStoreError):
    """The store may not be read or written with these rights."""

    code = "store.denied"


class StoreFullError(ProfileStoreError):
    """The store has no room left."""

    code = "store.full"
    retryable = True


class StoreRejectedError(ProfileStoreError):
    """The store refused what was to be written, or holds something that can't be read."""

    code = "store.rejected"


class ModelError(DependencyError):
    """The model did not give an answer that can be believed."""

    code = "model.failed"


class ModelUnavailableError(ModelError):
    """The model could not be reached or had a fault of its own."""

    code = "model.unavailable"
    retryable = True


class ModelTimeoutError(ModelUnavailableError):
    """The model did not answer before the deadline of the step."""

    code = "model.timeout"


class ModelThrottledError(ModelError):
    """The model asks for fewer requests, or is still loading."""

    code = "model.throttled"
    retryable = True


class ModelRejectedError(ModelError):
    """The model says that the payload is wrong; the same payload will be refused again."""

    code = "model.rejected"


class ModelDeniedError(ModelError):
    """The call is not allowed, or names an endpoint that does not exist."""

    code = "model.denied"


class ModelReplyError(ModelError):
    """The reply is not what the spec declares: content type, syntax or shape."""

    code = "model.reply_malformed"


class ModelReplyRangeError(ModelReplyError):
    """A score in the reply is not finite or outside its declared range."""

    code = "model.reply_out_of_range"


class ActionError(DependencyError):
    """The channel did not take the action."""

    code = "action.failed"


class ActionUnavailableError(ActionError):
    """The receiver could not be reached or had a fault; it did not take the action."""

    code = "action.unavailable"
    retryable = True


class ActionThrottledError(ActionError):
    """The receiver asks for fewer requests."""

    code = "action.throttled"
    retryable = True


class ActionAmbiguousError(ActionError):
    """The request left and no answer came: the receiver may have acted. Stays reserved, same key."""

    code = "action.ambiguous"
    retryable = True


class ActionRejectedError(ActionError):
    """The receiver refused the action for good."""

    code = "action.rejected"


class ActionDeniedError(ActionError):
    """The call is not allowed, or its address is one that may not be called."""

    code = "action.denied"


class OperationError(DependencyError):
    """AWS did not do what an operator, or the export, asked it for."""

    code = "operation.failed"


class OperationUnavailableError(OperationError):
    """AWS could not be reached in time, or asks for fewer requests."""

    code = "operation.unavailable"
    retryable = True


class OperationDeniedError(OperationError):
    """What was asked for is not there, or not allowed."""

    code = "operation.denied"


class OperationRejectedError(OperationError):
    """AWS refused the request; the same request will be refused again."""

    code = "operation.rejected"


def every_error(root: type[FunctionsError] = FunctionsError) -> Iterator[type[FunctionsError]]:
    """Yield every error class below `root`, itself first; the source of the code reference."""
    yield root
    for child in root.__subclasses__():
        yield from every_error(child)
