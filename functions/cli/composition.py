"""The composition root of this machine: settings become a store, models, channels and a runtime."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from functions.errors import SettingsError
from functions.profiles.opening import open_store
from functions.profiles.store import ProfileStore
from functions.settings import Settings
from functions.times import utc_now

if TYPE_CHECKING:
    from functions.actions.channel import ActionChannel
    from functions.models.model import Model, ModelConnection
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


@contextmanager
def opened_runtime(
    settings: Settings, store: ProfileStore, *, at_stage: Callable[[str], None] | None = None
) -> Iterator[Runtime]:
    """Build a runtime over an open store; what it opens itself is closed after the block.

    The embedded endpoint is started when a SageMaker model is called and no other endpoint is configured.
    """
    from functions.runtime.engine import Runtime
    from functions.runtime.ports import Ports

    with ExitStack() as stack:
        models = _Models(settings, stack)
        channels = _Channels(settings)
        ports = Ports(
            store=store,
            model=models.open,
            channel=channels.open,
            wall=utc_now,
            monotonic=time.monotonic,
            sleep=time.sleep,
            jitter=random.random,
            owner=f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}",
            lease=settings.lease,
            event_skew=settings.event_skew,
            at_stage=at_stage or (lambda _: None),
        )
        yield Runtime(ports)


class _Models:
    """Opens each model once."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._open: dict[str, Model] = {}

    def open(self, plan: ModelPlan) -> Model:
        from functions.models.opening import open_model

        key = f"{plan.kind}:{plan.target}:{sorted(plan.options.items(), key=str)}"
        if key not in self._open:
            self._open[key] = open_model(plan, self._connection(plan))
        return self._open[key]

    def _connection(self, plan: ModelPlan) -> ModelConnection:
        from functions.models.model import ModelConnection

        settings = self._settings
        url = settings.sagemaker_url or settings.aws_url or None
        if plan.kind != "sagemaker" or not settings.embedded_endpoint:
            # An endpoint of one's own on this machine needs neither a region nor credentials.
            own = url is not None and _is_loopback(url) and not settings.has_credentials
            region = settings.region or ("us-east-1" if own else None)
            return ModelConnection(settings.secret, region, url, unsigned=own)
        from functions.endpoint.server import EndpointServer

        if not settings.models.is_dir():
            raise SettingsError(
                f"the folder of models {settings.models} does not exist",
                hint="set FUNCTIONS_MODELS, or FUNCTIONS_ENDPOINT=aws to call SageMaker",
            )
        server = self._stack.enter_context(EndpointServer(settings.models, keep_requests=0))
        return ModelConnection(settings.secret, settings.region or "us-east-1", server.url, unsigned=True)


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
