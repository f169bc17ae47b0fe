"""From the kind of an event source and an environment to a Lambda handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from functions.errors import SettingsError
from functions.handlers.invocation import Handler
from functions.handlers.settings import INGEST_KEY, VISITOR_KEY, HandlerSettings, read_handler_settings


def build_handler(kind: str, environment: Mapping[str, str]) -> Handler:
    """Build a handler, with every client that it needs open.

    Args:
        kind: A key of `KINDS`.
        environment: The variables of `functions.handlers.settings` and `functions.settings`.

    Returns:
        Called by Lambda with the event and the context.

    Raises:
        SettingsError: There is no such kind, or a setting can't be used.
        BuiltPlanError: There is no artefact for the function, or it can't be used here.
    """
    if kind not in KINDS:
        raise SettingsError(f"there is no handler of kind {kind!r}", hint=f"Use {', '.join(KINDS)}.")
    return KINDS[kind](read_handler_settings(environment))


def _sqs(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_worker
    from functions.handlers.records import sqs_handler

    return sqs_handler(open_worker(settings))


def _kinesis(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_worker
    from functions.handlers.records import stream_handler

    return stream_handler(open_worker(settings), "aws:kinesis")


def _dynamodb(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_worker
    from functions.handlers.records import stream_handler

    return stream_handler(open_worker(settings), "aws:dynamodb")


def _eventbridge(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_worker
    from functions.handlers.direct import eventbridge_handler

    return eventbridge_handler(open_worker(settings))


def _url(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_worker
    from functions.handlers.synchronous import Doorkeeper, url_handler

    if not settings.visitor_keys:
        raise SettingsError(
            f"{VISITOR_KEY}: the synchronous answer needs a key for visitor tokens",
            hint="Make one: openssl rand -base64 32",
        )
    return url_handler(open_worker(settings), Doorkeeper(settings.visitor_keys, settings.origins))


def _schedule(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_drain
    from functions.handlers.draining import schedule_handler

    return schedule_handler(*open_drain(settings))


def _ingest_sqs(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_ingest
    from functions.handlers.records import sqs_handler

    return sqs_handler(open_ingest(settings))


def _ingest_eventbridge(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_ingest
    from functions.handlers.direct import eventbridge_handler

    return eventbridge_handler(open_ingest(settings))


def _ingest_url(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_ingest
    from functions.handlers.inbound import inbound_handler

    if not settings.ingest_keys:
        raise SettingsError(
            f"{INGEST_KEY}: the webhook that takes in profiles needs a key",
            hint="Make one: openssl rand -base64 32",
        )
    return inbound_handler(open_ingest(settings), settings.ingest_keys)


def _outcomes(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_outcomes
    from functions.handlers.records import sqs_handler

    return sqs_handler(open_outcomes(settings))


def _fold(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_folder
    from functions.handlers.folding import fold_handler

    return fold_handler(open_folder(settings))


def _export(settings: HandlerSettings) -> Handler:
    from functions.handlers.composition import open_export
    from functions.handlers.exporting import export_handler

    return export_handler(open_export(settings))


KINDS: Final[Mapping[str, Callable[[HandlerSettings], Handler]]] = MappingProxyType(
    {
        "eventbridge": _eventbridge,
        "sqs": _sqs,
        "kinesis": _kinesis,
        "dynamodb": _dynamodb,
        "url": _url,
        "schedule": _schedule,
        "ingest_sqs": _ingest_sqs,
        "ingest_eventbridge": _ingest_eventbridge,
        "ingest_url": _ingest_url,
        "outcomes": _outcomes,
        "fold": _fold,
        "export": _export,
    }
)
"""Each has an entry module of its name in this package."""
