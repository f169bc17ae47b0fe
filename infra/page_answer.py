"""The synchronous answer: a page asks a function's URL and waits."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from functions.spec.plan import Plan
from infra.addresses import TableAddress
from infra.alarms import watch_url
from infra.configuration import Configuration
from infra.function_code import FunctionCode
from infra.function_options import FunctionOptions
from infra.handler_names import VISITOR_KEY
from infra.lambda_function import LambdaFunction
from infra.model_function import decision_statements, physical_name
from infra.secret_values import reference, secret_names, secret_variables

TIMEOUT_S: Final = 15
"""Nobody waits for a page longer, in seconds."""


class PageAnswer(Construct):
    """A function with a URL. It lets nobody in without a visitor token, and answers CORS itself.

    The URL is public, since a page has no AWS credentials; reserved concurrency is its throttle.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        plan: What the spec compiles to.
        code: Its code.
        table: Where profiles are.
        visitor_key: Name or ARN of the secret that signs visitor tokens.
        topic: Is told about alarms; None for nobody.
        configuration: Of the deployment.
        public: Whether it has a URL; without one, an API of your own invokes it.

    Attributes:
        function: The function, for its metrics.
        invoked: What an API of your own invokes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: Plan,
        code: FunctionCode,
        table: TableAddress,
        visitor_key: str,
        topic: sns.ITopic | None,
        configuration: Configuration,
        public: bool = True,
    ) -> None:
        super().__init__(scope, construct_id)
        options = configuration.options(plan.name)
        made = LambdaFunction(
            self,
            "Lambda",
            kind="url",
            physical_name=f"{physical_name(configuration, plan.name)}_url",
            description=plan.description,
            code=code.plans([plan.name]),
            layer=code.layer(self),
            table=table,
            variables={
                "FUNCTIONS_NAME": plan.name,
                "FUNCTIONS_ALLOWED_ORIGINS": " ".join(configuration.origins),
                VISITOR_KEY: reference(visitor_key),
                **secret_variables(configuration, secret_names(plan.model, plan.channels.values())),
            },
            statements=decision_statements(cdk.Stack.of(self), plan, table, configuration),
            timeout_s=TIMEOUT_S,
            memory_mb=options.memory_mb or configuration.memory_mb,
            reserved_concurrency=_concurrency(options, configuration),
            configuration=configuration,
        )
        self.function: lambda_.IFunction = made.function
        self.invoked = made.invoked
        if configuration.alarms:
            watch_url(
                self,
                physical_name=f"{physical_name(configuration, plan.name)}_url",
                function=self.function,
                topic=topic,
            )
        if public:
            url = made.invoked.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
            cdk.CfnOutput(self, "Url", value=url.url, description=f"Pages ask {plan.name} here")


def _concurrency(options: FunctionOptions, configuration: Configuration) -> int | None:
    if options.reserved_concurrency is not None:
        return options.reserved_concurrency
    return configuration.public_concurrency
