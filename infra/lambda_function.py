"""A Lambda function of ours: its code, its role, its logs, and the variables it is told by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.accepted import accept
from infra.addresses import TableAddress
from infra.configuration import Configuration
from infra.function_code import python_runtime
from infra.grants import log_statement, tracing_statement
from infra.handler_names import LOG_KEY
from infra.secret_values import LOG_KEY_NAME, reference, secret_id

PLANS: Final = "/var/task/plans"
"""Where the artefacts are in a function."""

LOCAL_PLANS: Final = "plans"
"""Where they are on this machine: functions run as plain processes there, in the folder of their code."""


ALIAS: Final = "live"
"""What is invoked where functions start from snapshots: only a published version has one."""


class LambdaFunction(Construct):
    """A function with a role of its own and a log group that forgets.

    Args:
        scope: Where it belongs.
        construct_id: Its id there.
        kind: A kind of `functions.handlers.factory`.
        physical_name: Of the function; its log group is called `/functions/` and this.
        description: For people.
        code: The artefacts.
        layer: The package and what it needs.
        table: Where profiles are.
        variables: Its environment, besides the store, the folder of artefacts and the metrics.
        statements: What it may do.
        timeout_s: In seconds.
        memory_mb: In MB.
        reserved_concurrency: None for none.
        configuration: Of the deployment.

    Attributes:
        function: The function, for its metrics.
        invoked: What event sources, schedules and URLs invoke: the function, or its alias.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        kind: str,
        physical_name: str,
        description: str,
        code: lambda_.Code,
        layer: lambda_.ILayerVersion,
        table: TableAddress,
        variables: Mapping[str, str],
        statements: Iterable[iam.PolicyStatement],
        timeout_s: int,
        memory_mb: int,
        reserved_concurrency: int | None,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        group = _log_group(self, physical_name, configuration)
        granted = [*statements, log_statement(group.log_group_arn)]
        if configuration.tracing:
            granted.append(tracing_statement())
            accept(self, "AwsSolutions-IAM5[Resource::*]", "X-Ray takes segments for all resources only.")
        role = _role(self, physical_name, granted)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=physical_name,
            description=description[:256],
            runtime=python_runtime(configuration),
            architecture=_architecture(configuration),
            handler=f"functions.handlers.{kind}.handler",
            code=code,
            layers=[layer],
            # The role is complete: nothing that is connected later may widen it.
            role=role.without_policy_updates(),
            log_group=group,
            memory_size=memory_mb,
            timeout=cdk.Duration.seconds(timeout_s),
            reserved_concurrent_executions=reserved_concurrency,
            environment=_environment(self, configuration, table, variables),
            tracing=lambda_.Tracing.ACTIVE if configuration.tracing else None,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if configuration.snap_start else None,
        )
        self.invoked: lambda_.IFunction = self.function
        if configuration.snap_start:
            version = self.function.current_version
            self.invoked = lambda_.Alias(self, "Live", alias_name=ALIAS, version=version)


def _log_group(scope: Construct, physical_name: str, configuration: Configuration) -> logs.LogGroup:
    return logs.LogGroup(
        scope,
        "Logs",
        log_group_name=f"/functions/{physical_name}",
        retention=_RETENTIONS[configuration.log_days],
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


def _role(scope: Construct, physical_name: str, statements: list[iam.PolicyStatement]) -> iam.Role:
    return iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description=f"What {physical_name} may do",
        inline_policies={"function": iam.PolicyDocument(statements=statements)},
    )


def accounts_variable(scope: Construct, configuration: Configuration, *more: str) -> dict[str, str]:
    """Return the variable of the accounts that records may come from; none where it is this account alone.

    Args:
        scope: In the stack whose account is meant.
        configuration: Of the deployment.
        more: Accounts of event sources that were named.
    """
    accounts = (*configuration.accounts, *more)
    if not accounts:
        return {}
    return {"FUNCTIONS_ACCOUNTS": " ".join((cdk.Stack.of(scope).account, *accounts))}


def _environment(
    scope: Construct, configuration: Configuration, table: TableAddress, variables: Mapping[str, str]
) -> dict[str, str]:
    environment = {
        "FUNCTIONS_PLANS": LOCAL_PLANS if configuration.is_local else PLANS,
        "FUNCTIONS_STORE": f"dynamodb:{table.name}",
        "FUNCTIONS_METRICS": configuration.namespace,
        "FUNCTIONS_LEASE": f"{configuration.lease_s}s",
        "FUNCTIONS_EVENT_SKEW": f"{configuration.event_skew_s}s",
        "FUNCTIONS_POLICY_EVERY": f"{configuration.policy_every_s}s",
        "FUNCTIONS_POLICY_GOOD_FOR": f"{configuration.policy_good_for_s}s",
        **accounts_variable(scope, configuration),
        **variables,
    }
    if configuration.log_key:
        environment[LOG_KEY] = reference(secret_id(configuration, LOG_KEY_NAME))
    if configuration.tracing:
        environment["FUNCTIONS_TRACING"] = "on"
    if configuration.sagemaker_url:
        environment["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] = configuration.sagemaker_url
    return environment


def _architecture(configuration: Configuration) -> lambda_.Architecture:
    if configuration.architecture == "arm64":
        return lambda_.Architecture.ARM_64
    return lambda_.Architecture.X86_64


_RETENTIONS: Final = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    5: logs.RetentionDays.FIVE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    120: logs.RetentionDays.FOUR_MONTHS,
    150: logs.RetentionDays.FIVE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
    545: logs.RetentionDays.EIGHTEEN_MONTHS,
    731: logs.RetentionDays.TWO_YEARS,
    1096: logs.RetentionDays.THREE_YEARS,
    1827: logs.RetentionDays.FIVE_YEARS,
    3653: logs.RetentionDays.TEN_YEARS,
}
"""CDK's names of the days of `LOG_DAYS`."""
