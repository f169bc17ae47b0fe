"""What an AWS on this machine lacks is left out of the stacks for it, and of no others."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import IConstruct

LACKING: Final = (
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Events::Archive",
    "AWS::SageMaker::",
    "AWS::XRay::",
)
"""Types of resources, or their beginnings, that ministack 1.5 does not know."""

CONDITION: Final = "NeverOnThisMachine"


def lacks_leading_keys(stack: cdk.Stack) -> bool:
    """Say whether a stack is for an AWS whose IAM is not told partition keys, as ministack's is not."""
    return bool(stack.node.try_get_context("target") == "local")


@jsii.implements(cdk.IAspect)
class LocalTarget:
    """Adds a condition that is never true to what is lacking; CloudFormation then leaves it out."""

    def visit(self, node: IConstruct) -> None:
        """Look at one construct; CDK calls this."""
        if isinstance(node, cdk.CfnResource) and _is_lacking(node):
            node.cfn_options.condition = _never(cdk.Stack.of(node))


def _is_lacking(resource: cdk.CfnResource) -> bool:
    # Of alarms it knows those on one metric.
    is_math = isinstance(resource, cloudwatch.CfnAlarm) and resource.metrics is not None
    return is_math or resource.cfn_resource_type.startswith(LACKING)


def _never(stack: cdk.Stack) -> cdk.CfnCondition:
    found = stack.node.try_find_child(CONDITION)
    if isinstance(found, cdk.CfnCondition):
        return found
    return cdk.CfnCondition(stack, CONDITION, expression=cdk.Fn.condition_equals("here", "on AWS"))
