"""What an AWS on this machine lacks is left out of the stacks for it, and of no others."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
import jsii
from constructs import IConstruct

LACKING: Final = (
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Events::Archive",
    "AWS::SageMaker::",
    "AWS::XRay::",
)
"""Types of resources, or their beginnings, that ministack 1.5 does not know."""

CONDITION: Final = "NeverOnThisMachine"


@jsii.implements(cdk.IAspect)
class LocalTarget:
    """Adds a condition that is never true to what is lacking; CloudFormation then leaves it out."""

    def visit(self, node: IConstruct) -> None:
        """Look at one construct; CDK calls this."""
        if isinstance(node, cdk.CfnResource) and node.cfn_resource_type.startswith(LACKING):
            node.cfn_options.condition = _never(cdk.Stack.of(node))


def _never(stack: cdk.Stack) -> cdk.CfnCondition:
    found = stack.node.try_find_child(CONDITION)
    if isinstance(found, cdk.CfnCondition):
        return found
    return cdk.CfnCondition(stack, CONDITION, expression=cdk.Fn.condition_equals("here", "on AWS"))
