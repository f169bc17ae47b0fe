"""The composition root of a Lambda function: settings become a worker with its clients open."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from functions.actions.opening import open_channel
from functions.build.folder import SUFFIX, load_built, load_consents
from functions.errors import SettingsError
from functions.handlers.folding import Folder
from functions.handlers.hearing import OutcomeWorker
from functions.handlers.log import Hashed, keyed_hash, plain_hash
from functions.handlers.parking import PARKING_TIMEOUT_S, DeadLetterQueue, Parking
from functions.handlers.settings import INGEST, OUTCOMES, HandlerSettings
from functions.handlers.taking import IngestWorker
from functions.handlers.telemetry import Telemetry, xray_span
from functions.handlers.worker import Worker
from functions.ingest.writing import Ingest
from functions.learning.recording import Recorder
from functions.models.model import ModelConnection
from functions.models.opening import open_model
from functions.profiles.opening import open_feedback_store, open_operator_store, open_store
from functions.runtime.in_force import AsBuilt, PolicySource
from functions.runtime.ports import Ports
from functions.runtime.stored_policy import Pace, StoredPolicy
from functions.runtime.suppression import Suppressions
from functions.times import utc_now

if TYPE_CHECKING:
    from functions.actions.channel import ActionChannel
    from functions.documents import Json
    from functions.handlers.exporting import Exporter
    from functions.models.model import Model
    from functions.profiles.feedback import FeedbackStore
    from functions.profiles.store import ProfileStore
    from functions.settings import Settings
    from functions.spec.plan import ChannelPlan, ModelPlan, Plan, Policy

_SCHEDULE = "schedule"
_FOLD = "fold"


def open_worker(settings: HandlerSettings) -> Worker:
    """Open everything that a function needs, so that the first event pays for none of it.

    Nothing here is unique to the process: a snapshot of it can be restored many times.

    Raises:
        SettingsError: A setting is missing or can't be used.
        BuiltPlanError: There is no artefact for the function, or it can't be used here.
    """
    if not settings.name:
        raise SettingsError("FUNCTIONS_NAME: name the function that this Lambda runs")
    loaded = load_built(settings.plans, settings.name)
    plan, telemetry = loaded.plan, _telemetry(settings, loaded.plan)
    if loaded.recompiled is not None:
        telemetry.warning("recompiled", "build.recompiled")
    ports = _ports(settings.common, telemetry)
    if plan.model is not None:
        ports.model(plan.model)
    for channel in plan.channels.values():
        try:
            ports.channel(channel)
        except SettingsError as error:
            # Decisions go on; the actions of this channel wait in the outbox for an operator.
            telemetry.warning("channel not opened", error.code, channel=channel.name)
    return _worker(settings, plan, ports, telemetry)


def open_drain(settings: HandlerSettings) -> tuple[Worker, Policy, Sequence[Plan]]:
    """Open what drains the outbox: a worker, the joined policy of every function, and the functions.

    Raises:
        SettingsError: A setting can't be used, or the folder of artefacts is empty.
        BuiltPlanError: An artefact can't be used here.
    """
    plans = list(_plans(settings))
    if not plans:
        raise SettingsError("FUNCTIONS_PLANS: the folder holds no artefact; run `functions build`")
    telemetry = Telemetry(_SCHEDULE, namespace=settings.namespace, hashed=_hashed(settings))
    worker = _worker(settings, plans[0], _ports(settings.common, telemetry), telemetry)
    return worker, _joined(plans), plans


def open_export(settings: HandlerSettings) -> Exporter:
    """Open what keeps decisions for good.

    Raises:
        SettingsError: A setting is missing or can't be used.
    """
    from functions.handlers.exporting import EXPORT, Exporter
    from functions.operations.exporting import Bucket

    if not settings.export_bucket:
        raise SettingsError("FUNCTIONS_EXPORT_BUCKET: name the bucket of the lasting log")
    return Exporter(
        log=Bucket(settings.export_bucket),
        accounts=settings.accounts,
        parking=Parking(EXPORT, _dead_letter_queue(settings)),
        telemetry=Telemetry(EXPORT, namespace=settings.namespace, hashed=_hashed(settings)),
    )


def open_ingest(settings: HandlerSettings) -> IngestWorker:
    """Open what takes in profiles: the store, and the mapping of consents.

    Raises:
        SettingsError: A setting can't be used.
        BuiltPlanError: The folder of artefacts has no mapping of consents.
    """
    ingest = Ingest(_store(settings.common), load_consents(settings.plans), settings.common.event_skew)
    return IngestWorker(
        ingest=ingest,
        wall=utc_now,
        accounts=settings.accounts,
        parking=Parking(INGEST, _dead_letter_queue(settings)),
        telemetry=Telemetry(INGEST, namespace=settings.namespace, hashed=_hashed(settings)),
    )


def open_outcomes(settings: HandlerSettings) -> OutcomeWorker:
    """Open what records what customers did: both stores, and what ends consents.

    Raises:
        SettingsError: A setting can't be used, or the store keeps no outcomes.
        BuiltPlanError: The folder of artefacts has no mapping of consents.
    """
    common, sources = settings.common, load_consents(settings.plans)
    return OutcomeWorker(
        recorder=Recorder(_store(common), _feedback(common), sources, common.event_skew),
        wall=utc_now,
        accounts=settings.accounts,
        parking=Parking(OUTCOMES, _dead_letter_queue(settings)),
        telemetry=Telemetry(OUTCOMES, namespace=settings.namespace, hashed=_hashed(settings)),
    )


def open_folder(settings: HandlerSettings) -> Folder:
    """Open what counts responses.

    Raises:
        SettingsError: A setting can't be used, or the store keeps no outcomes.
    """
    telemetry = Telemetry(_FOLD, namespace=settings.namespace)
    return Folder(_feedback(settings.common), utc_now, telemetry)


def _feedback(settings: Settings) -> FeedbackStore:
    feedback = open_feedback_store(settings.store)
    if feedback is None:
        raise SettingsError("FUNCTIONS_STORE: a store of this class keeps no outcomes")
    return feedback


def _joined(plans: Sequence[Plan]) -> Policy:
    """Return the actions, channels and rails of every function as one policy."""
    actions = {action.name: action for plan in plans for action in plan.actions}
    rails = {rail.name: rail for plan in plans for rail in plan.policy.rails}
    channels = {name: channel for plan in plans for name, channel in plan.channels.items()}
    first = plans[0].policy
    return replace(first, actions=tuple(actions.values()), channels=channels, rails=tuple(rails.values()))


def _plans(settings: HandlerSettings) -> Iterator[Plan]:
    for path in sorted(settings.plans.glob("*" + SUFFIX)):
        yield load_built(settings.plans, path.name.removesuffix(SUFFIX)).plan


def _worker(settings: HandlerSettings, plan: Plan, ports: Ports, telemetry: Telemetry) -> Worker:
    return Worker(
        plan=plan,
        ports=ports,
        accounts=settings.accounts,
        parking=Parking(plan.name, _dead_letter_queue(settings)),
        telemetry=telemetry,
        unique=lambda: os.urandom(8).hex(),
    )


def _dead_letter_queue(settings: HandlerSettings) -> DeadLetterQueue | None:
    if not settings.dlq_url:
        return None
    from functions.actions.sqs import SqsQueue

    return SqsQueue(settings.dlq_url, where="FUNCTIONS_DLQ_URL", timeout_s=PARKING_TIMEOUT_S)


def _telemetry(settings: HandlerSettings, plan: Plan) -> Telemetry:
    span = xray_span(plan.name) if settings.tracing else None
    names = frozenset(_texts(plan.pattern.source))
    return Telemetry(
        plan.name, namespace=settings.namespace, known_names=names, span=span, hashed=_hashed(settings)
    )


def _hashed(settings: HandlerSettings) -> Hashed:
    return plain_hash if settings.log_key is None else keyed_hash(settings.log_key)


def _texts(value: Json) -> Iterator[str]:
    """Yield every text in a pattern: the author's words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _store(settings: Settings) -> ProfileStore:
    try:
        return open_store(settings.store)
    except SettingsError as error:
        raise SettingsError(f"FUNCTIONS_STORE: {error.message}", hint=error.hint) from error


def _ports(settings: Settings, telemetry: Telemetry) -> Ports:
    store = _store(settings)
    try:
        policy = _policy(settings, telemetry)
    except SettingsError as error:
        raise SettingsError(f"FUNCTIONS_STORE: {error.message}", hint=error.hint) from error
    return Ports(
        store=store,
        model=_model_opener(settings),
        channel=_channel_opener(settings),
        wall=utc_now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        # The generator of the system has no state that a snapshot could repeat.
        jitter=random.SystemRandom().random,
        policy=policy,
        owner="",
        lease=settings.lease,
        event_skew=settings.event_skew,
        feedback=open_feedback_store(settings.store),
        suppressions=_suppressions(settings),
    )


def _suppressions(settings: Settings) -> Suppressions | None:
    documents = open_operator_store(settings.store)
    return Suppressions(documents, settings.secret) if documents is not None else None


def _policy(settings: Settings, telemetry: Telemetry) -> PolicySource:
    """Return what looks at the policy and the switches: before the first event, and not at init."""
    documents = open_operator_store(settings.store)
    if documents is None:
        return AsBuilt()
    pace = Pace(settings.policy_every, settings.policy_good_for)
    return StoredPolicy(documents, wall=utc_now, published=True, pace=pace, notice=telemetry.policy_unread)


def _model_opener(settings: Settings) -> Callable[[ModelPlan], Model]:
    opened: dict[str, Model] = {}
    url = settings.sagemaker_url or settings.aws_url or None
    own = url is not None and _is_loopback(url) and not settings.has_credentials
    region = settings.region or ("us-east-1" if own else None)
    connection = ModelConnection(settings.secret, region, url, unsigned=own)

    def open_once(plan: ModelPlan) -> Model:
        key = f"{plan.kind}:{plan.target}:{sorted(plan.options.items(), key=str)}"
        if key not in opened:
            opened[key] = open_model(plan, connection)
        return opened[key]

    return open_once


def _channel_opener(settings: Settings) -> Callable[[ChannelPlan], ActionChannel]:
    opened: dict[str, ActionChannel] = {}

    def open_once(plan: ChannelPlan) -> ActionChannel:
        if plan.name not in opened:
            opened[plan.name] = open_channel(plan, secrets=settings.secret)
        return opened[plan.name]

    return open_once


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
