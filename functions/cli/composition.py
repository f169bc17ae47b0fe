"""The composition root of this machine: settings become a store, models, channels and a runtime."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from functions.errors import SettingsError
from functions.profiles.opening import open_feedback_store, open_operator_store, open_store
from functions.profiles.operator_documents import OperatorStore
from functions.profiles.store import ProfileStore
from functions.settings import Settings
from functions.times import utc_now

if TYPE_CHECKING:
    from functions.actions.channel import ActionChannel
    from functions.endpoint.server import EndpointServer
    from functions.models.model import Model, ModelConnection
    from functions.profiles.feedback import FeedbackStore
    from functions.runtime.engine import Runtime
    from functions.spec.plan import ChannelPlan, ModelPlan


@contextmanager
def opened_store(settings: Settings) -> Iterator[ProfileStore]:
    """Open the store of the settings, and close it after the block.

    Raises:
        SettingsError: There is no such store; the variable to set is named.
    """
    try:
        store = open_store(settings.store)
    except SettingsError as error:
        raise SettingsError(f"FUNCTIONS_STORE: {error.message}", hint=error.hint) from error
    try:
        yield store
    finally:
        store.close()


def store_words(settings: Settings) -> str:
    """Say which store commands look into: its address without passwords, and whether there is a file."""
    from functions.cli.settings import without_credentials

    address = without_credentials(settings.store)
    name, _, path = address.partition("?")[0].partition(":///")
    if name != "sqlite" or Path(path).exists():
        return address
    return f"{address}, where there is no file" + (
        "" if Path(path).is_absolute() else f" (from {Path.cwd()})"
    )


@contextmanager
def opened_documents(settings: Settings) -> Iterator[OperatorStore]:
    """Open the store of what operators share, and close it after the block.

    Raises:
        SettingsError: There is no such store, or it keeps no such documents; the variable is named.
    """
    try:
        documents = open_operator_store(settings.store)
    except SettingsError as error:
        raise SettingsError(f"FUNCTIONS_STORE: {error.message}", hint=error.hint) from error
    if documents is None:
        raise SettingsError(
            "FUNCTIONS_STORE: a store of this class keeps no shared documents",
            hint="Give it the methods of functions.profiles.operator_documents.OperatorStore.",
        )
    try:
        yield documents
    finally:
        documents.close()


@contextmanager
def opened_feedback(settings: Settings) -> Iterator[FeedbackStore | None]:
    """Open the store of trials and responses at the address of the profiles, and close it after the block.

    Raises:
        SettingsError: There is no such store.
    """
    feedback = open_feedback_store(settings.store)
    try:
        yield feedback
    finally:
        if feedback is not None:
            feedback.close()


@contextmanager
def opened_runtime(
    settings: Settings,
    store: ProfileStore,
    *,
    at_stage: Callable[[str], None] | None = None,
    on_stand_in: Callable[[str], None] | None = None,
    endpoint: EndpointServer | None = None,
) -> Iterator[Runtime]:
    """Build a runtime over an open store; what it opens itself is closed after the block.

    The embedded endpoint is started when no other endpoint is configured and a model is called that it
    answers for: any of SageMaker, and those behind URLs that a model of the folder stands in for.

    Args:
        settings: Of this process.
        store: Open, and left open.
        at_stage: Told how far an event is.
        on_stand_in: Told in a sentence, once for each URL, which model of the folder answers for it.
        endpoint: An embedded endpoint that runs already, in the place of one that is started here.
    """
    from functions.runtime.engine import Runtime
    from functions.runtime.in_force import AsBuilt, PolicySource
    from functions.runtime.ports import Ports
    from functions.runtime.stored_policy import Pace, StoredPolicy
    from functions.runtime.suppression import Suppressions

    with ExitStack() as stack:
        documents = open_operator_store(settings.store)
        policy: PolicySource = AsBuilt()
        if documents is not None:
            stack.callback(documents.close)
            pace = Pace(settings.policy_every, settings.policy_good_for)
            policy = StoredPolicy(documents, wall=utc_now, published=False, pace=pace)
        models = _Models(settings, stack, endpoint, on_stand_in or (lambda _: None))
        channels = _Channels(settings)
        ports = Ports(
            store=store,
            model=models.open,
            channel=channels.open,
            wall=utc_now,
            monotonic=time.monotonic,
            sleep=time.sleep,
            jitter=random.random,
            policy=policy,
            owner=f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}",
            lease=settings.lease,
            event_skew=settings.event_skew,
            at_stage=at_stage or (lambda _: None),
            feedback=stack.enter_context(opened_feedback(settings)),
            suppressions=Suppressions(documents, settings.secret) if documents is not None else None,
        )
        yield Runtime(ports)


class _Models:
    """Opens each model once."""

    def __init__(
        self,
        settings: Settings,
        stack: ExitStack,
        endpoint: EndpointServer | None,
        on_stand_in: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._stack = stack
        self._endpoint = endpoint
        self._on_stand_in = on_stand_in
        self._open: dict[str, Model] = {}

    def open(self, plan: ModelPlan) -> Model:
        from functions.models.opening import open_model

        key = f"{plan.kind}:{plan.target}:{sorted(plan.options.items(), key=str)}"
        if key not in self._open:
            reached = self._stand_in(plan)
            self._open[key] = open_model(reached, self._connection(reached))
        return self._open[key]

    def _stand_in(self, plan: ModelPlan) -> ModelPlan:
        """Return the plan with a local address, where a model of the folder stands in for its URL.

        The headers and the token are meant for the real service: they stay here, and need not exist.
        """
        if plan.kind != "http" or not self._settings.embedded_endpoint:
            return plan
        from functions.endpoint.artefact import stand_ins

        name = stand_ins(self._settings.models).get(plan.target)
        if name is None:
            return plan
        self._on_stand_in(
            f"{plan.target} was not called: the model {name} of {self._settings.models} stands in for it here"
        )
        kept = {key: value for key, value in plan.options.items() if key not in ("headers", "bearer")}
        return replace(plan, options={**kept, "url": f"{self._embedded().url}/models/{name}"})

    def _connection(self, plan: ModelPlan) -> ModelConnection:
        from functions.models.model import ModelConnection

        settings = self._settings
        url = settings.sagemaker_url or settings.aws_url or None
        if plan.kind != "sagemaker" or not settings.embedded_endpoint:
            # An endpoint of one's own on this machine needs neither a region nor credentials.
            own = url is not None and _is_loopback(url) and not settings.has_credentials
            region = settings.region or ("us-east-1" if own else None)
            return ModelConnection(settings.secret, region, url, unsigned=own)
        return ModelConnection(
            settings.secret, settings.region or "us-east-1", self._embedded().url, unsigned=True
        )

    def _embedded(self) -> EndpointServer:
        from functions.endpoint.server import EndpointServer

        if self._endpoint is None:
            models = self._settings.models
            if not models.is_dir():
                raise SettingsError(
                    f"the folder of models {models} does not exist",
                    hint="set FUNCTIONS_MODELS, or FUNCTIONS_ENDPOINT=aws to call SageMaker",
                )
            self._endpoint = self._stack.enter_context(EndpointServer(models, keep_requests=0))
        return self._endpoint


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


class _Channels:
    """Opens each channel once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[str, ActionChannel] = {}

    def open(self, plan: ChannelPlan) -> ActionChannel:
        from functions.actions.opening import open_channel

        if plan.name not in self._open:
            self._open[plan.name] = open_channel(plan, secrets=self._settings.secret)
        return self._open[plan.name]
