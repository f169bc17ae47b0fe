"""A stack of functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from functions.spec.plan import Plan
from infra.configuration import Configuration
from infra.function_code import FunctionCode
from infra.grants import channel_kind
from infra.model_function import ModelFunction
from infra.naming import pascal
from infra.page_answer import PageAnswer
from infra.shared_stack import SharedStack


class FunctionsStack(cdk.Stack):
    """Some of the functions.

    Args:
        scope: The app.
        construct_id: Its name.
        plans: The functions of this stack, by name.
        shared: What they share with the others.
        code: Their code.
        configuration: Of the deployment.
        options: As every stack takes them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plans: Mapping[str, Plan],
        shared: SharedStack,
        code: FunctionCode,
        configuration: Configuration,
        **options: Any,
    ) -> None:
        super().__init__(scope, construct_id, **options)
        for name, plan in sorted(plans.items()):
            function = ModelFunction(
                self,
                pascal(name),
                plan=plan,
                code=code,
                table=shared.table,
                bus=shared.bus,
                topic=shared.topic,
                configuration=configuration,
            )
            _warn_of_files(function, plan)
            if configuration.options(name).url and shared.visitor_key is not None:
                PageAnswer(
                    self,
                    f"{pascal(name)}Url",
                    plan=plan,
                    code=code,
                    table=shared.table,
                    visitor_key=shared.visitor_key,
                    topic=shared.topic,
                    configuration=configuration,
                )


def _warn_of_files(function: ModelFunction, plan: Plan) -> None:
    """Say at synthesis which channels are for a laptop: their actions would wait in the outbox until they expire."""
    for channel in plan.channels.values():
        if channel_kind(channel) in ("file", "memory"):
            cdk.Annotations.of(function).add_warning_v2(
                "functions:channel",
                f"{plan.name}: the channel {channel.name} is of kind {channel.kind}, which is lost in Lambda",
            )
